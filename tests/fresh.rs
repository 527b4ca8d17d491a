//! `--fresh`: the lake, and what its sources have delivered since, as if it had been ingested; nothing counts twice.

use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::{path, run};
use crate::ingest::{ACCOUNT, event, events, object, put, walk};

fn sample() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let mut files: Vec<_> =
        walk(&folder).into_iter().filter(|file| file.extension().is_some_and(|e| e == "gz")).collect();
    files.sort_by_key(|file| file.file_name().map(|name| name.to_string_lossy().into_owned()));
    files
}

/// Puts files of the sample day into a folder of one's own.
fn deliver(files: &[PathBuf], to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    for file in files {
        let place = to.join(file.strip_prefix(&from).unwrap());
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(file, place).unwrap();
    }
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn answer(arguments: &[&str]) -> (i32, Vec<String>, String) {
    let (code, out, told) = run(arguments);
    (code, sorted(&out), told)
}

/// Half of a day is in the lake; with the other half beside it, every table says what it says once all is ingested.
#[test]
fn what_is_fresh_and_what_is_ingested_are_told_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, lake) = (folder.path().join("logs"), folder.path().join("lake"));
    let files = sample();
    let (early, late) = files.split_at(files.len() / 2);
    deliver(early, &logs);
    assert_eq!(run(&["ingest", path(&logs), "--lake", path(&lake)]).0, 0);
    deliver(late, &logs);
    // An object that the lake has the events of, under another name, and one that grew.
    let first = logs.join("AWSLogs").join("copy.json.gz");
    std::fs::copy(&early[0], &first).unwrap();

    let key = {
        let sql = "SELECT session_id FROM sessions WHERE event_count > 0 AND issue_seen AND session_id LIKE 'ASIA%' ORDER BY issued_at DESC, session_id LIMIT 1";
        let (code, out, told) = run(&["sql", sql, "--lake", path(&lake), "--fresh", "--format", "csv"]);
        assert_eq!(code, 0, "{told}");
        out.lines().nth(1).unwrap().to_owned()
    };
    let questions: Vec<Vec<&str>> = vec![
        vec![
            "sql",
            "SELECT event_time, event_id, event_name, recipient_account_id, access_key_id, identity_arn, source_ip_address, user_agent, request_parameters, response_elements, error_code, extra FROM events",
        ],
        vec!["sql", "SELECT * FROM sessions"],
        vec!["sql", "SELECT * FROM session_addresses"],
        vec!["sql", "SELECT * FROM failures"],
        vec!["sql", "SELECT * FROM logins"],
        vec!["sql", "SELECT * FROM unlinked"],
        vec!["sql", "SELECT * FROM role_edges"],
        vec!["sql", "SELECT account, region, hour, events FROM coverage"],
        vec!["sql", "SELECT event_id, kind, api, caller_key_id FROM credential_calls"],
        vec![
            "sql",
            "SELECT access_key_id, identity_arn, source_ip_address, min(first_at) AS a, max(last_at) AS b, sum(event_count) AS n FROM activity GROUP BY 1, 2, 3",
        ],
        vec![
            "sql",
            "SELECT status, count(*) AS objects, sum(records) AS records, sum(events + duplicates) AS told FROM ledger GROUP BY 1",
        ],
        vec!["ask", "long-chains"],
        vec!["who", &key],
        vec!["timeline", &key],
    ];
    let all = |fresh: bool| -> Vec<Vec<String>> {
        let more = if fresh { vec!["--fresh"] } else { Vec::new() };
        let asked = questions.iter().map(|question| {
            let format = if question[0] == "timeline" { "ndjson" } else { "csv" };
            let (code, out, told) =
                answer(&[&question[..], &["--lake", path(&lake), "--format", format], &more].concat());
            assert_eq!(code, 0, "{question:?} {told}");
            assert!(!fresh || told.contains("objects are read that the lake does not hold"), "{told}");
            out
        });
        asked.collect()
    };
    let fresh = all(true);
    // Nothing was stored.
    let (_, stale, _) = answer(&["sql", "SELECT count(*) AS n FROM events", "--lake", path(&lake), "--format", "csv"]);
    assert_eq!(run(&["ingest", path(&logs), "--lake", path(&lake)]).0, 0);
    let (_, whole, _) = answer(&["sql", "SELECT count(*) AS n FROM events", "--lake", path(&lake), "--format", "csv"]);
    assert_ne!(stale, whole);
    for ((question, one), other) in questions.iter().zip(&fresh).zip(all(false)) {
        assert_eq!(one, &other, "{question:?}");
    }
    // With nothing new beside it the lake is all there is.
    let (code, out, told) =
        answer(&["sql", "SELECT count(*) AS n FROM events", "--lake", path(&lake), "--fresh", "--format", "csv"]);
    assert_eq!((code, out), (0, whole), "{told}");
    assert!(told.contains("0 objects are read"), "{told}");
}

#[test]
fn the_shell_reads_what_is_fresh_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, lake) = (folder.path().join("logs"), folder.path().join("lake"));
    put(&logs, "2026-11-07", "0005Z_aaaaaaaaaaaaaaaa", &object(&events(0, 10, "2026-11-07T00:01:00Z")));
    assert_eq!(run(&["ingest", path(&logs), "--lake", path(&lake)]).0, 0);
    put(&logs, "2026-11-07", "0010Z_aaaaaaaaaaaaaaaa", &object(&events(5, 15, "2026-11-07T00:01:00Z")));
    let mut shell = cargo_bin_cmd!("rolecall");
    shell.args(["shell", "--fresh", "--format", "csv", "--lake", path(&lake)]);
    let output = shell.write_stdin("SELECT count(*) AS n FROM events;").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "n\n15\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn where_new_files_come_from_is_named_or_known() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, lake, plain) = (folder.path().join("logs"), folder.path().join("lake"), folder.path().join("plain"));
    let sql = "SELECT count(*) AS n FROM events";
    let ask = |more: &[&str]| run(&[&["sql", sql, "--lake", path(&lake), "--format", "csv"], more].concat());
    // A file of its own tells nothing of what comes after it.
    std::fs::create_dir(&plain).unwrap();
    std::fs::write(plain.join("some.json.gz"), object(&events(100, 110, "2026-11-07T00:01:00Z"))).unwrap();
    assert_eq!(run(&["ingest", path(&plain.join("some.json.gz")), "--lake", path(&lake)]).0, 0);
    let (code, _, told) = ask(&["--fresh"]);
    assert!(code == 2 && told.contains("[[source]]"), "{code} {told}");
    assert_eq!(ask(&["--fresh", "--logs", "x"]).0, 2);
    // The configuration names it.
    std::fs::write(plain.join("more.json.gz"), object(&events(105, 120, "2026-11-07T00:01:00Z"))).unwrap();
    let config = folder.path().join("rolecall.toml");
    std::fs::write(&config, "version = 1\n[[source]]\nname = 'plain'\nlocation = 'plain'\n").unwrap();
    let (code, out, told) = ask(&["--fresh", "--config", path(&config)]);
    assert_eq!((code, out.as_str()), (0, "n\n20\n"), "{told}");
    // The lake's own place, gone.
    put(&logs, "2026-11-07", "0005Z_aaaaaaaaaaaaaaaa", &object(&events(0, 10, "2026-11-07T00:01:00Z")));
    assert_eq!(run(&["ingest", path(&logs), "--lake", path(&lake)]).0, 0);
    let whole = std::fs::read_to_string(put(
        &logs,
        "2026-11-07",
        "0010Z_aaaaaaaaaaaaaaaa",
        b"{\"Records\":[{\"eventID\":\"x\"}",
    ))
    .unwrap();
    let (code, out, told) = ask(&["--fresh"]);
    assert_eq!((code, out.as_str()), (3, "n\n20\n"), "{told} {whole}");
    assert!(told.contains("the answer may not be whole"), "{told}");
    std::fs::remove_dir_all(&logs).unwrap();
    let (code, _, told) = ask(&["--fresh"]);
    assert!(code != 0 && told.contains("it was filled from there"), "{code} {told}");
}

/// One run's objects: two keys, 40 hours apart; another's: what the second one did.
fn two_keys(logs: &Path, lake: &Path) {
    let issued = |n: u32, key: &str, time: &str| {
        let mut record = event(n, time);
        record["eventSource"] = "sts.amazonaws.com".into();
        record["eventName"] = "AssumeRole".into();
        record["requestParameters"] = json!({ "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/R"), "roleSessionName": key, "durationSeconds": 43200 });
        record["responseElements"] = json!({
            "credentials": { "accessKeyId": key, "expiration": "Nov 20, 2026, 1:00:00 PM", "sessionToken": "made" },
            "assumedRoleUser": { "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/{key}"), "assumedRoleId": format!("AROAEXAMPLE:{key}") },
        });
        record
    };
    let used = |n: u32, key: &str, time: &str| {
        let mut record = event(n, time);
        record["eventSource"] = "s3.amazonaws.com".into();
        record["eventName"] = "GetObject".into();
        record["userIdentity"] = json!({ "type": "AssumedRole", "accountId": ACCOUNT, "accessKeyId": key,
            "principalId": format!("AROAEXAMPLE:{key}"), "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/{key}") });
        record
    };
    let (one, two) = ("ASIAONEONEONEONEONE1", "ASIATWOTWOTWOTWOTWO2");
    let records = [
        issued(1, one, "2026-11-07T00:01:00Z"),
        used(2, one, "2026-11-07T00:02:00Z"),
        issued(3, two, "2026-11-08T17:01:00Z"),
        used(4, two, "2026-11-08T17:02:00Z"),
    ];
    put(logs, "2026-11-08", "1705Z_aaaaaaaaaaaaaaaa", &object(&records));
    assert_eq!(run(&["ingest", path(logs), "--lake", path(lake)]).0, 0);
    put(logs, "2026-11-08", "2305Z_aaaaaaaaaaaaaaaa", &object(&[used(5, two, "2026-11-08T23:02:00Z")]));
    assert_eq!(run(&["ingest", path(logs), "--lake", path(lake)]).0, 0);
}

/// What was read for one key does not serve another whose time goes on beyond it.
#[test]
fn one_keys_time_is_not_anothers() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let (logs, lake) = (folder.path().join("logs"), folder.path().join("lake"));
    two_keys(&logs, &lake);
    let count = |key: &str| format!("SELECT event_count FROM sessions WHERE session_id = '{key}';\n");
    let statements = count("ASIAONEONEONEONEONE1") + &count("ASIATWOTWOTWOTWOTWO2");
    let mut shell = cargo_bin_cmd!("rolecall");
    let output =
        shell.args(["shell", "--format", "csv", "--lake", path(&lake)]).write_stdin(statements).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "event_count\n1\nevent_count\n2\n");
}
