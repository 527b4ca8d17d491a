//! Sources as they should not be: each fault is counted with its place and reason, everything readable around it is kept,
//! and the program ends with 3.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use rolecall::ingest::ingest;
use rolecall::source::{Filters, Found, S3Options, Source};

use crate::cli::{path, run};
use crate::ingest::{event, gzip, number, plan, put, take, texts};

/// A file, how many of its records become events, and its faults: the record's index (none for the whole file), the reason.
struct Case {
    name: &'static [u8],
    bytes: Vec<u8>,
    events: i64,
    faults: &'static [(Option<i64>, &'static str)],
}

/// Three records that no other case holds.
fn three(case: u32) -> Vec<String> {
    (0..3).map(|n| event(1000 * case + n, "2026-11-07T00:01:00Z").to_string()).collect()
}

fn envelope(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

/// The middle record with something else in it.
fn with(case: u32, from: &str, to: &str) -> Vec<u8> {
    let mut records = three(case);
    assert!(records[1].contains(from), "{from}");
    records[1] = records[1].replacen(from, to, 1);
    envelope(&records).into_bytes()
}

/// Gzip that holds the text as it is, so that a cut falls where it should.
fn stored(text: &str) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::none());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

fn cases() -> Vec<Case> {
    let case =
        |name: &'static str, bytes: Vec<u8>, events, faults| Case { name: name.as_bytes(), bytes, events, faults };
    let cut = stored(&envelope(&three(1)));
    let cut = cut[..cut.len() - 60].to_vec();
    let mut checksum = gzip(envelope(&three(2)).as_bytes());
    let at = checksum.len() - 6;
    checksum[at] ^= 1;
    let whole = |case| gzip(envelope(&three(case)).as_bytes());
    let mut bad_utf8 = with(6, "made/1.0", "made/1.?");
    let at = bad_utf8.windows(8).position(|w| w == b"made/1.?").unwrap();
    bad_utf8[at + 7] = 0xff;
    let missing = ["eventID", "eventTime", "eventSource", "eventName"].map(|field| {
        let mut record = event(18_000, "2026-11-07T00:01:00Z");
        record.as_object_mut().unwrap().remove(field);
        record.to_string()
    });
    let missing = [three(18)[1].clone()].into_iter().chain(missing).collect::<Vec<_>>();
    let mut foreign = three(20);
    for record in &mut foreign {
        *record = record
            .replace("\"recipientAccountId\":\"111122223333\",", "")
            .replace("\"accountId\":\"111122223333\",", "");
    }
    vec![
        case("cut.json.gz", cut, 2, &[(None, "gzip_truncated")]),
        case("checksum.json.gz", checksum, 3, &[(None, "gzip_corrupt")]),
        case("garbage.json.gz", [whole(3), b"garbage".to_vec()].concat(), 3, &[(None, "trailing_garbage")]),
        case("garbage.json", [envelope(&three(4)).as_bytes(), b"garbage"].concat(), 3, &[(None, "trailing_garbage")]),
        case("members.json.gz", [stored(&three(5)[0]), stored(&three(5)[1])].concat(), 2, &[]),
        case("bytes.json", bad_utf8, 3, &[(None, "invalid_utf8")]),
        case("plain.json.gz", envelope(&three(7)).into_bytes(), 3, &[]),
        case("zipped.txt", whole(8), 3, &[]),
        case("nul.json", [b"\0\0".to_vec(), with(9, "made/1.0", "made\0/1.0")].concat(), 3, &[]),
        case("mark.json", [b"\xef\xbb\xbf".to_vec(), envelope(&three(10)).into_bytes()].concat(), 3, &[]),
        case("large.json", with(11, "\"n\":11001", &format!("\"n\":\"{}\"", "x".repeat(1 << 20))), 3, &[]),
        case("deep.json", with(12, "\"n\":12001", &format!("\"n\":{}{}", "[".repeat(1000), "]".repeat(1000))), 3, &[]),
        case(
            "bottomless.json",
            with(13, "\"n\":13001", &format!("\"n\":{}{}", "[".repeat(200_000), "]".repeat(200_000))),
            2,
            &[(Some(1), "too_deep")],
        ),
        case("version.json", with(14, "\"1.08\"", "\"7.next\""), 3, &[]),
        case("types.json", with(15, "\"readOnly\":true", "\"readOnly\":\"perhaps\""), 3, &[]),
        case("address.json", with(16, "\"203.0.113.9\"", "{\"v4\":[1,2]}"), 3, &[]),
        case(
            "time.json",
            with(17, "\"2026-11-07T00:01:00Z\"", "\"yesterday\""),
            2,
            &[(Some(1), "unreadable_event_time")],
        ),
        case(
            "missing.json",
            envelope(&missing).into_bytes(),
            1,
            &[
                (Some(1), "missing_event_id"),
                (Some(2), "missing_event_time"),
                (Some(3), "missing_event_source"),
                (Some(4), "missing_event_name"),
            ],
        ),
        case("half.json", with(19, "\"eventID\":", "\"eventID\""), 2, &[(Some(1), "not_json")]),
        case("nobody.json", envelope(&foreign).into_bytes(), 3, &[]),
        case("a\nb \u{1b}[31m 'q\" ,=1.json", with(21, "\"eventID\"", "\"x\""), 2, &[(Some(1), "missing_event_id")]),
        Case {
            name: b"\xff\xfe.json",
            bytes: with(22, "\"eventID\"", "\"x\""),
            events: 2,
            faults: &[(Some(1), "missing_event_id")],
        },
    ]
}

fn write(folder: &Path, cases: &[Case]) {
    for case in cases {
        std::fs::write(folder.join(OsStr::from_bytes(case.name)), &case.bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_with_its_place_and_what_is_readable_is_kept() {
    let (logs, lakes) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cases = cases();
    write(logs.path(), &cases);
    std::os::unix::fs::symlink("nowhere", logs.path().join("gone.json")).unwrap();
    let lake = lakes.path().join("lake");
    let (code, out, told) = run(&["ingest", path(logs.path()), "--lake", path(&lake)]);
    assert_eq!((code, out.as_str()), (3, ""), "{told}");
    assert!(told.contains("reasons: ") && told.contains("record 1: missing_event_id"), "{told}");
    assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told:?}");

    let (events, faults) =
        (cases.iter().map(|case| case.events).sum::<i64>(), cases.iter().flat_map(|case| case.faults).count() + 1);
    assert_eq!(number(&lake, "SELECT count(*) FROM events").await, events);
    assert_eq!(number(&lake, "SELECT sum(events) FROM ledger").await, events);
    let rows = texts(
        &lake,
        "SELECT concat_ws('|', source_object, events, records - events - not_events - duplicates, status) FROM ledger",
    )
    .await;
    let of_faults = texts(
        &lake,
        "SELECT concat_ws('|', source_object, coalesce(CAST(f['index'] AS VARCHAR), '-'), f['reason'], f['text']) \
         FROM (SELECT source_object, unnest(faults) AS f FROM ledger)",
    )
    .await;
    assert_eq!(of_faults.len(), faults, "{of_faults:#?}");
    assert!(of_faults.iter().any(|f| f.contains("gone.json|-|unreadable|")));
    for case in &cases {
        let name: String = match std::str::from_utf8(case.name) {
            Ok(name) => name.to_owned(),
            Err(_) => r"\xff\xfe.json".to_owned(),
        };
        let object = format!("{}/{name}|", path(logs.path()));
        let row = rows.iter().find_map(|row| row.strip_prefix(&object)).unwrap_or_else(|| panic!("{name}: {rows:#?}"));
        let records = case.faults.iter().filter(|(index, _)| index.is_some()).count();
        assert!(row.starts_with(&format!("{}|{records}|", case.events)), "{name}: {row}");
        for (index, reason) in case.faults {
            let index = index.map_or("-".to_owned(), |index| index.to_string());
            let fault = format!("{object}{index}|{reason}|");
            // The text says where in the file, and never quotes it.
            let text = of_faults.iter().find_map(|f| f.strip_prefix(&fault)).unwrap_or_else(|| panic!("{fault}"));
            assert!(!text.is_empty() && !text.contains("alice"), "{name}: {text}");
        }
    }

    // The files asked directly say the same.
    let (code, out, told) =
        run(&["sql", "--logs", path(logs.path()), "--format", "csv", "SELECT count(*) AS n FROM events"]);
    assert_eq!((code, out.as_str()), (3, format!("n\n{events}\n").as_str()), "{told}");
    assert!(told.contains(&format!("{faults} things could not be read")), "{told}");
    assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_stopped_at_the_limit_and_what_came_before_is_kept() {
    let (logs, lake) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bomb = format!("{}{}", envelope(&three(1)), " ".repeat(64 << 20));
    put(logs.path(), "2026-11-07", "0005Z_aaaaaaaaaaaaaaaa", &gzip(bomb.as_bytes()));
    put(logs.path(), "2026-11-07", "0010Z_bbbbbbbbbbbbbbbb", &gzip(envelope(&three(2)).as_bytes()));
    let mut plan = plan(logs.path(), lake.path()).await;
    plan.limits.max_decompressed = 1 << 20;
    let summary = ingest(plan, &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    assert_eq!((summary.events, summary.objects.truncated, summary.reasons["too_large"]), (6, 1, 1), "{summary:?}");
    assert!(summary.is_incomplete() && summary.balances());
    assert!(summary.bytes_decompressed < 3 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_cut_at_any_of_its_bytes_is_taken_in_full_once_it_is_whole() {
    let (logs, lake) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = gzip(envelope(&three(1)).as_bytes());
    for cut in (1..whole.len()).step_by(whole.len() / 4) {
        let name = format!("{:04}Z_aaaaaaaaaaaaaaaa", cut % 60);
        let object = put(logs.path(), "2026-11-07", &name, &whole[..cut]);
        let summary = take(&object, lake.path()).await;
        assert_eq!(summary.reasons.keys().collect::<Vec<_>>(), ["gzip_truncated"], "cut at {cut}");
        assert!(summary.is_incomplete());
        std::fs::remove_file(object).unwrap();
    }
    let object = put(logs.path(), "2026-11-07", "0100Z_bbbbbbbbbbbbbbbb", &whole);
    assert!(!take(&object, lake.path()).await.is_incomplete());
    assert_eq!(number(lake.path(), "SELECT count(DISTINCT event_id) FROM events").await, 3);
    assert_eq!(number(lake.path(), "SELECT count(*) FROM events").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_vanishes_is_told_and_the_rest_is_listed() {
    let logs = tempfile::tempdir().unwrap();
    // More files than are listed ahead of the reader, so that the next folder is not looked into yet.
    for folder in ["a", "b", "c"] {
        std::fs::create_dir(logs.path().join(folder)).unwrap();
    }
    for n in 0..1200 {
        std::fs::write(logs.path().join(format!("a/{n:04}.json")), "{}").unwrap();
    }
    std::fs::write(logs.path().join("b/x.json"), "{}").unwrap();
    std::fs::write(logs.path().join("c/x.json"), "{}").unwrap();
    let source = Source::open(path(logs.path()), &S3Options::default()).await.unwrap();
    let mut listing = source.list(&Filters::default());
    let Some(Found::Object(first)) = listing.next().await else { panic!() };
    std::fs::remove_dir_all(logs.path().join("b")).unwrap();
    let rest: Vec<Found> = listing.collect().await;
    let failed: Vec<_> = rest.iter().filter(|found| matches!(found, Found::Failed { .. })).collect();
    let [Found::Failed { uri, error }] = &failed[..] else { panic!("{failed:?}") };
    assert!(uri.ends_with("/b") && error.to_string().contains("is gone"), "{error}");
    assert_eq!(rest.len(), 1200 + 1);
    // An object that vanishes after it was listed is one that cannot be read.
    std::fs::remove_dir_all(logs.path().join("a")).unwrap();
    assert!(source.read(&first).await.unwrap_err().to_string().contains("is gone"));
}
