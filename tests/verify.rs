//! `rolecall verify`, end to end: a month of log files and digests, tampered with in every way that has a name.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::cargo::cargo_bin_cmd;
use chrono::{DateTime, Duration, Utc};
use rolecall::lake::maintain::vacuum;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::digests::{
    ACCOUNT, BUCKET, FINGERPRINT, Log, Trail, gzip, log, metadata, public_keys, put, put_s3_metadata, put_sidecar, time,
};
use crate::maintenance::writable;
use crate::s3_server::S3Server;

/// Hours of November.
const HOURS: usize = 720;
const REGION: &str = "us-east-1";

fn end(hour: usize) -> DateTime<Utc> {
    time("2026-11-01T00:00:00Z") + Duration::hours(i64::try_from(hour).unwrap() + 1)
}

/// A log file of an hour.
fn of(hour: usize) -> Log {
    log(REGION, end(hour) - Duration::minutes(30), hour)
}

fn run(folder: &Path, arguments: &[&str], env: &[(&str, String)]) -> Output {
    let mut command = cargo_bin_cmd!("rolecall");
    command.current_dir(folder).env_clear().env("AWS_EC2_METADATA_DISABLED", "true").arg("verify").args(arguments);
    command.envs(env.iter().map(|(name, value)| (*name, value.as_str())));
    command.output().unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Verdict and reason by the object's file name; a gap's row has the name with `gap` before it.
fn verdicts(rows: &[Value]) -> BTreeMap<String, String> {
    let told = |row: &Value| {
        let name = row["source_object"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let name = if row["kind"] == "gap" { format!("gap {name}") } else { name };
        (name, format!("{} {}", row["verdict"].as_str().unwrap(), row["reason"].as_str().unwrap_or("-")))
    };
    rows.iter().map(told).collect()
}

fn name(key: &str) -> String {
    key.rsplit('/').next().unwrap().to_owned()
}

/// A month: one log file and one digest an hour; logging was begun anew at hour 170.
struct Month {
    folder: TempDir,
    trail: Trail,
}

const RESTART: usize = 170;
/// Its logs were listed later, in a backfill digest.
const LATE: usize = 200;

impl Month {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        let mut trail = Trail::new(REGION, "the_trail");
        for hour in 0..HOURS {
            let log = of(hour);
            put(&copy, &log.0, &log.1);
            let listed = if hour == LATE { Vec::new() } else { vec![log] };
            trail.digest(end(hour), &listed, hour == RESTART);
        }
        for made in &trail.made {
            put(&copy, &made.key, &made.text);
        }
        put_sidecar(&copy, &trail.made[HOURS - 1], None);
        put_sidecar(&copy, &trail.made[RESTART - 1], None);
        let mut late = Trail { backfill: true, ..Trail::new(REGION, "the_trail") };
        let made = late.digest(end(LATE), &[of(LATE)], true).clone();
        put(&copy, &made.key, &made.text);
        put_sidecar(&copy, &made, Some("2026-11-20T10:00:00Z"));
        std::fs::write(folder.path().join("keys.json"), public_keys().to_string()).unwrap();
        Self { folder, trail }
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    fn digest(&self, hour: usize) -> PathBuf {
        self.copy().join(&self.trail.made[hour].key)
    }

    fn log(&self, hour: usize) -> PathBuf {
        self.copy().join(of(hour).0)
    }

    fn verify(&self, more: &[&str]) -> Output {
        run(self.folder.path(), &[&["copy", "--keys", "keys.json", "--format", "ndjson"], more].concat(), &[])
    }
}

#[test]
fn a_month_is_proved_and_every_way_of_tampering_is_found() {
    let month = Month::make();
    let whole = month.verify(&[]);
    let all = verdicts(&rows(&whole));
    // All but the hole that the trail itself left.
    let gap = format!("gap {}", name(&month.trail.made[RESTART].key));
    let unproved: Vec<_> = all.iter().filter(|(_, verdict)| *verdict != "valid -").collect();
    assert_eq!(unproved, [(&gap, &"gap restarted".to_owned())], "{}", said(&whole));
    assert_eq!((all.len(), whole.status.code()), (2 * HOURS + 2, Some(3)), "{}", said(&whole));
    let late =
        rows(&whole).into_iter().find(|row| row["source_object"].as_str().unwrap().ends_with(&of(LATE).0)).unwrap();
    assert_eq!((late["chain"].as_str(), late["proof"].as_str()), (Some("backfill"), Some("signature")));

    // Within the part after the hole, everything is proved.
    let since = month.verify(&["--since", "2026-11-09T00:00:00Z", "--as", "s3://trail-bucket"]);
    assert_eq!(since.status.code(), Some(0), "{}", said(&since));
    assert!(rows(&since).iter().all(|row| row["verdict"] == "valid"));
    // A part that ends before the last digest: the signature of its own last one is in the next.
    let part = ["--since", "2026-11-10T00:00:00Z", "--until", "2026-11-11T00:00:00Z"];
    let part = month.verify(&part);
    assert_eq!((rows(&part).len(), part.status.code()), (26 + 26, Some(0)), "{}", said(&part));

    let mut expected = BTreeMap::new();
    let mut expect = |name: String, verdict: &str| expected.insert(name, verdict.to_owned());
    let log = |hour: usize| name(&of(hour).0);
    let made = |hour: usize| name(&month.trail.made[hour].key);
    expect(gap, "gap restarted");

    std::fs::write(month.log(100), gzip(of(100).1.replace("GetObject", "PutObject").as_bytes())).unwrap();
    expect(log(100), "modified hash_differs");
    std::fs::remove_file(month.log(110)).unwrap();
    expect(log(110), "missing not_found");
    let planted = crate::digests::log(REGION, end(120) - Duration::minutes(20), 99_999);
    put(&month.copy(), &planted.0, &planted.1);
    expect(name(&planted.0), "unlisted not_in_digest");
    // A digest from which a log file was taken out.
    let mut text: Value = serde_json::from_str(&month.trail.made[130].text).unwrap();
    text["logFiles"] = json!([]);
    std::fs::write(month.digest(130), gzip(text.to_string().as_bytes())).unwrap();
    expect(made(130), "modified hash_differs");
    expect(log(130), "unlisted no_digest");
    std::fs::remove_file(month.digest(140)).unwrap();
    expect(made(140), "digest_missing not_found");
    expect(log(140), "unlisted no_digest");
    // An older digest in the place of one that tells too much.
    std::fs::copy(month.digest(149), month.digest(150)).unwrap();
    expect(made(150), "moved other_place");
    expect(log(150), "unlisted no_digest");
    // Its signature stands in the digest that is gone, and in nothing else that is here.
    expect(made(139), "unverifiable no_signature");
    expect(log(139), "unverifiable no_signature");
    expect(made(149), "unverifiable successor_not_valid");
    expect(log(149), "unverifiable successor_not_valid");
    let with = |path: &Path, more: &[u8]| {
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(more).unwrap();
    };
    with(&month.log(180), b"something");
    expect(log(180), "modified not_whole");
    with(&month.log(190), &gzip(br#"{"Records":[]}"#));
    expect(log(190), "modified hash_differs");
    let bytes = std::fs::read(month.log(195)).unwrap();
    std::fs::write(month.log(195), &bytes[..bytes.len() - 12]).unwrap();
    expect(log(195), "modified not_whole");
    std::fs::write(month.digest(210), b"{}").unwrap();
    expect(made(210), "modified not_a_digest");
    expect(log(210), "unlisted no_digest");
    expect(made(209), "unverifiable successor_not_valid");
    expect(log(209), "unverifiable successor_not_valid");
    // The newest digest, signed by somebody else.
    let mut forged = month.trail.made[HOURS - 1].clone();
    forged.signature.replace_range(0..2, if forged.signature.starts_with("00") { "01" } else { "00" });
    put_sidecar(&month.copy(), &forged, None);
    expect(made(HOURS - 1), "bad_signature signature_differs");
    expect(log(HOURS - 1), "unverifiable digest_not_valid");
    // What comes after the last digest waits for the next one.
    let new = crate::digests::log(REGION, end(HOURS) - Duration::minutes(55), HOURS);
    put(&month.copy(), &new.0, &new.1);
    expect(name(&new.0), "unlisted too_new");

    let tampered = month.verify(&[]);
    let found: BTreeMap<_, _> =
        verdicts(&rows(&tampered)).into_iter().filter(|(_, verdict)| verdict != "valid -").collect();
    assert_eq!(found, expected, "{}", said(&tampered));
    assert_eq!(tampered.status.code(), Some(5));
    assert!(said(&tampered).contains("ALTERED"), "{}", said(&tampered));
    // Without keys the hashes alone still tell what does not fit; nothing is proved.
    let keyless = run(month.folder.path(), &["copy", "--format", "ndjson"], &[]);
    let told = verdicts(&rows(&keyless));
    assert_eq!(told[&log(100)], "modified hash_differs");
    assert_eq!((told[&log(101)].as_str(), told[&made(101)].as_str()), ("unverifiable no_key", "unverifiable no_key"));
    assert!(told.values().all(|verdict| verdict != "valid -"));
    assert_eq!(keyless.status.code(), Some(5));
    assert!(said(&keyless).contains("--keys"), "{}", said(&keyless));
}

/// Three hours in a bucket.
fn bucket(root: &Path) -> Trail {
    let mut trail = Trail::new(REGION, "t");
    for hour in 0..3 {
        let log = of(hour);
        put(&root.join(BUCKET), &log.0, &log.1);
        trail.digest(end(hour), &[log], hour == 0);
    }
    for made in &trail.made {
        put(&root.join(BUCKET), &made.key, &made.text);
        put_s3_metadata(root, BUCKET, made);
    }
    trail
}

/// A CloudTrail that knows the tests' key: answers ListPublicKeys and keeps what it was asked.
fn cloudtrail() -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let (mut asked, mut piece) = (Vec::new(), [0; 4096]);
        while !asked.ends_with(b"}") {
            let read = socket.read(&mut piece).unwrap();
            asked.extend_from_slice(&piece[..read]);
            assert!(read > 0);
        }
        let mut keys = public_keys();
        for time in ["ValidityStartTime", "ValidityEndTime"] {
            keys["PublicKeyList"][0][time] = json!(1_790_000_000);
        }
        let body = keys.to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nConnection: close\r\n";
        write!(socket, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        String::from_utf8_lossy(&asked).lines().map(str::to_owned).collect()
    });
    (address, thread)
}

#[test]
fn a_bucket_is_proved_by_its_own_metadata_and_cloudtrails_keys() {
    let folder = tempfile::tempdir().unwrap();
    let trail = bucket(folder.path());
    let server = S3Server::start(folder.path());
    let (address, asked) = cloudtrail();
    let mut env = server.env();
    env.push(("AWS_ENDPOINT_URL_CLOUDTRAIL", address));
    let source = format!("s3://{BUCKET}");
    let work = tempfile::tempdir().unwrap();
    let output = run(work.path(), &[&source, "--save-keys", "keys.json", "--lake", "lake", "--format", "ndjson"], &env);
    let told = verdicts(&rows(&output));
    assert!(told.len() == 6 && told.values().all(|verdict| verdict == "valid -"), "{told:?} {}", said(&output));
    assert_eq!(output.status.code(), Some(0));
    let asked = asked.join().unwrap();
    assert!(asked.iter().any(|line| line.contains("ListPublicKeys")), "{asked:?}");
    assert!(asked.iter().any(|line| line.contains(&format!("/{REGION}/cloudtrail/"))), "{asked:?}");
    // The file proves a copy of the bucket, newest digest and all, without any connection.
    let saved = std::fs::read_to_string(work.path().join("keys.json")).unwrap();
    assert!(
        saved.contains(FINGERPRINT) && saved.contains(&trail.made[2].signature) && !saved.contains(&server.secret_key)
    );
    let copy = folder.path().join(BUCKET);
    let offline = run(work.path(), &[copy.to_str().unwrap(), "--keys", "keys.json", "--format", "ndjson"], &[]);
    assert_eq!((rows(&offline).len(), offline.status.code()), (6, Some(0)), "{}", said(&offline));

    // The verdicts are in the lake, the latest run's for each object.
    let kept = std::fs::read_to_string(work.path().join("keys.json")).unwrap();
    std::fs::write(work.path().join("kept.json"), kept).unwrap();
    std::fs::remove_file(copy.join(of(1).0)).unwrap();
    put(&copy, &of(2).0, "{}");
    let again = run(work.path(), &[&source, "--keys", "kept.json", "--lake", "lake", "--format", "csv"], &env);
    assert_eq!(again.status.code(), Some(5), "{}", said(&again));
    let sql = "SELECT verdict, count(*) AS n, min(verify_number) AS run FROM integrity GROUP BY 1 ORDER BY 1";
    let mut ask = cargo_bin_cmd!("rolecall");
    let answer = ask.current_dir(work.path()).args(["sql", sql, "--lake", "lake", "--format", "csv"]).output().unwrap();
    let answer = String::from_utf8(answer.stdout).unwrap();
    assert_eq!(answer, "verdict,n,run\nmissing,1,2\nmodified,1,2\nvalid,4,2\n");
}

#[test]
fn what_is_not_there_is_not_proved() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    put(&folder.path().join("logs"), &of(0).0, &of(0).1);
    let none = run(folder.path(), &["logs"], &[]);
    assert_eq!(none.status.code(), Some(4), "{}", said(&none));
    assert!(said(&none).contains("no integrity digests"), "{}", said(&none));
    // A copy without the newest digest's metadata: proved but for the last hour.
    let trail = bucket(folder.path());
    std::fs::write(folder.path().join("keys.json"), public_keys().to_string()).unwrap();
    let output = run(folder.path(), &[BUCKET, "--keys", "keys.json", "--format", "ndjson"], &[]);
    let told = verdicts(&rows(&output));
    assert_eq!(told[&name(&trail.made[2].key)], "unverifiable no_signature");
    assert_eq!(told[&name(&of(2).0)], "unverifiable no_signature");
    assert_eq!(told.values().filter(|verdict| *verdict == "valid -").count(), 4);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("head-object"), "{}", said(&output));
    // One day of a copy: what lies outside it is not missing.
    let day = format!("{BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail-Digest");
    let day = run(folder.path(), &[&day, "--keys", "keys.json", "--format", "ndjson"], &[]);
    let told = verdicts(&rows(&day));
    assert_eq!(told[&name(&of(0).0)], "unverifiable outside_source");
    // Told to be a copy of another place, every digest is in the wrong one.
    let other = ["--as", "s3://other-bucket", "--keys", "keys.json", "--format", "ndjson"];
    let other = run(folder.path(), &[&[BUCKET], &other[..]].concat(), &[]);
    assert_eq!(verdicts(&rows(&other))[&name(&trail.made[0].key)], "moved other_place");
    assert_eq!(other.status.code(), Some(5));
    assert_eq!(run(folder.path(), &["-"], &[]).status.code(), Some(2));
    assert_eq!(run(folder.path(), &[BUCKET, "--keys", "nothing.json"], &[]).status.code(), Some(1));
}

#[test]
fn a_lost_key_does_not_end_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let mut trail = Trail { fingerprint: "a key that nobody has", ..Trail::new(REGION, "t") };
    for hour in 0..6 {
        if hour == 3 {
            trail.fingerprint = FINGERPRINT;
        }
        let log = of(hour);
        put(&copy, &log.0, &log.1);
        trail.digest(end(hour), &[log], hour == 0);
    }
    for made in &trail.made {
        put(&copy, &made.key, &made.text);
    }
    put_sidecar(&copy, &trail.made[5], None);
    std::fs::write(folder.path().join("keys.json"), public_keys().to_string()).unwrap();
    let output = run(folder.path(), &["copy", "--keys", "keys.json", "--format", "ndjson"], &[]);
    let proofs =
        |proof: &str| rows(&output).iter().filter(|row| row["proof"] == proof && row["verdict"] == "valid").count();
    assert_eq!((proofs("signature"), proofs("chain"), output.status.code()), (6, 6, Some(0)), "{}", said(&output));
}

#[test]
fn a_screen_says_what_it_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let trail = bucket(folder.path());
    put_sidecar(&folder.path().join(BUCKET), &trail.made[2], None);
    assert_eq!(metadata(&trail.made[2], None)["signature"], trail.made[2].signature);
    std::fs::write(folder.path().join("keys.json"), public_keys().to_string()).unwrap();
    let arguments = [BUCKET, "--keys", "keys.json", "--format", "table"];
    let whole = run(folder.path(), &arguments, &[("COLUMNS", "80".to_owned())]);
    insta::assert_snapshot!(String::from_utf8(whole.stdout).unwrap(), @r"
    Whole: 3 log files are proved to be what CloudTrail delivered

    digests    3 valid
    log files  3 valid
    hours end  2026-11-01T01:00:00Z to 2026-11-01T03:00:00Z

    account       region     trail  digests  log files  altered  unproven
    111122223333  us-east-1  t            3          3        0         0
    ");
    std::fs::remove_file(folder.path().join(BUCKET).join(of(1).0)).unwrap();
    let altered = run(folder.path(), &arguments, &[("COLUMNS", "80".to_owned())]);
    insta::assert_snapshot!(String::from_utf8(altered.stdout).unwrap(), @r"
    ALTERED: 1 object is not what CloudTrail delivered, or is gone

    digests    3 valid
    log files  2 valid, 1 missing
    hours end  2026-11-01T01:00:00Z to 2026-11-01T03:00:00Z

    account       region     trail  digests  log files  altered  unproven
    111122223333  us-east-1  t            3          3        1         0

    Why:
      1 not_found: it is not there

    First:
      missing
        s3://trail-bucket/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/01/
        111122223333_CloudTrail_us-east-1_20261101T0130Z_aaaaaaaa00000001.json.gz
        (not_found)
    ");
    assert_eq!(altered.status.code(), Some(5));
}

#[test]
fn a_log_file_that_is_too_large_is_not_called_altered() {
    let folder = tempfile::tempdir().unwrap();
    let trail = bucket(folder.path());
    std::fs::write(folder.path().join("keys.json"), public_keys().to_string()).unwrap();
    put_sidecar(&folder.path().join(BUCKET), &trail.made[2], None);
    let verify = |more: &[&str]| {
        run(folder.path(), &[&[BUCKET, "--keys", "keys.json", "--format", "ndjson"], more].concat(), &[])
    };
    assert_eq!(verify(&["--max-object", "1 GB"]).status.code(), Some(0));
    let small = verify(&["--max-object", "20 B"]);
    assert_eq!(verdicts(&rows(&small))[&name(&of(0).0)], "unverifiable too_large");
    assert_eq!(small.status.code(), Some(3), "{}", said(&small));
}

/// The table of verdicts is looked after as the others are.
#[tokio::test(flavor = "multi_thread")]
async fn upkeep_covers_the_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let trail = bucket(folder.path());
    std::fs::write(folder.path().join("keys.json"), public_keys().to_string()).unwrap();
    put_sidecar(&folder.path().join(BUCKET), &trail.made[2], None);
    for _ in 0..3 {
        let output = run(folder.path(), &[BUCKET, "--keys", "keys.json", "--lake", "lake", "--format", "csv"], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let lake = folder.path().join("lake");
    let keep = |arguments: &[&str]| {
        let mut command = cargo_bin_cmd!("rolecall");
        let output = command.args(arguments).arg("--lake").arg(&lake).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        (String::from_utf8(output.stdout.clone()).unwrap(), said(&output))
    };
    let sql = ["sql", "SELECT verdict, verify_number, count(*) AS n FROM integrity GROUP BY 1, 2", "--format", "csv"];
    let before = keep(&sql).0;
    assert_eq!(before, "verdict,verify_number,n\nvalid,3,6\n");
    assert!(keep(&["lake", "optimize"]).1.contains("integrity: 3 small files put together into 1"));
    assert_eq!(keep(&sql).0, before);
    std::fs::write(lake.join("integrity/part-orphan.parquet"), "left behind").unwrap();
    let mut open = writable(&lake).await;
    let removed = vacuum(&mut open, 7, Utc::now() + Duration::days(8)).await.unwrap();
    let removed: Vec<_> = removed.iter().filter(|removed| removed.table == "integrity").collect();
    assert_eq!(removed.iter().map(|removed| removed.files).collect::<Vec<_>>(), [4]);
    assert_eq!(keep(&sql).0, before);
    // As an earlier program would have written it.
    let log = lake.join("integrity/_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains(r#""rolecall.schema":"1""#), "{text}");
    std::fs::write(&log, text.replace(r#""rolecall.schema":"1""#, r#""rolecall.schema":"0""#)).unwrap();
    let mut command = cargo_bin_cmd!("rolecall");
    let refused = command.args(["sql", "SELECT 1", "--lake"]).arg(&lake).output().unwrap();
    assert!(said(&refused).contains("lake upgrade"), "{}", said(&refused));
    assert!(keep(&["lake", "upgrade"]).1.contains("integrity: marked as of this layout"));
    assert_eq!(keep(&["lake", "upgrade"]).1, "The lake is up to date.\n");
    assert_eq!(keep(&sql).0, before);
}

/// A case folder says what verification made of the log files that its events are from.
#[test]
fn a_case_says_what_its_evidence_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(BUCKET);
    let key = "AKIAI44QH8DHBEXAMPLE";
    let mut trail = Trail::new(REGION, "t");
    for hour in 0..3 {
        let (name, text) = of(hour);
        let mut records: Value = serde_json::from_str(&text).unwrap();
        records["Records"][0]["userIdentity"] = json!({ "type": "IAMUser", "accountId": ACCOUNT, "accessKeyId": key,
            "userName": "alice", "arn": format!("arn:aws:iam::{ACCOUNT}:user/alice") });
        records["Records"][0]["sourceIPAddress"] = "203.0.113.9".into();
        let log = (name, records.to_string());
        put(&copy, &log.0, &log.1);
        trail.digest(end(hour), &[log], hour == 0);
    }
    for made in &trail.made {
        put(&copy, &made.key, &made.text);
    }
    put_sidecar(&copy, &trail.made[2], None);
    std::fs::write(folder.path().join("keys.json"), public_keys().to_string()).unwrap();
    let rolecall = |arguments: &[&str]| {
        let mut command = cargo_bin_cmd!("rolecall");
        command.current_dir(folder.path()).args(arguments).args(["--lake", "lake"]).output().unwrap()
    };
    assert_eq!(rolecall(&["ingest", BUCKET]).status.code(), Some(0));
    let case = || {
        let output = rolecall(&["timeline", key, "--out", "case", "--format", "table"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let read = |name: &str| std::fs::read_to_string(folder.path().join("case").join(name)).unwrap();
        let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
        (manifest["digests"].clone(), read("report.md"), String::from_utf8(output.stdout).unwrap())
    };
    let (digests, report, _) = case();
    assert_eq!(digests[0]["verdict"], "not_verified");
    assert!(report.contains("3 events of 3 log files: not verified"), "{report}");
    let verify = ["verify", BUCKET, "--keys", "keys.json"];
    assert_eq!(rolecall(&verify).status.code(), Some(0));
    let (digests, report, screen) = case();
    assert_eq!(
        (&digests[0]["verdict"], &digests[0]["objects"], digests.as_array().unwrap().len()),
        (&json!("valid"), &json!(3), 1)
    );
    assert!(report.contains("3 events of 3 log files: valid") && !screen.contains("altered"), "{report}");
    put(&copy, &of(1).0, "{\"Records\":[]}");
    assert_eq!(rolecall(&verify).status.code(), Some(5));
    let (digests, report, screen) = case();
    assert_eq!(
        (&digests[0]["verdict"], &digests[0]["reason"], &digests[1]["objects"]),
        (&json!("modified"), &json!("hash_differs"), &json!(2))
    );
    assert_eq!(digests[0]["names"].as_array().unwrap().len(), 1);
    assert!(report.contains(&name(&of(1).0).replace('_', "\\_")), "{report}");
    assert!(screen.contains("the evidence was altered: 1 event of 1 log file: modified"), "{screen}");
}
