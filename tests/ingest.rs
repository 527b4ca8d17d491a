//! Ingest, end to end over small made-up objects: the books balance, every event is stored once, and nothing depends on
//! the order, the number of runs, or where a run broke off.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use rolecall::ingest::{Knobs, Plan, Summary, ingest};
use rolecall::lake::ledger;
use rolecall::lake::schema::EVENTS;
use rolecall::lake::status::status;
use rolecall::lake::store::{Lake, LakeOptions};
use rolecall::source::{Filters, S3Options, Source};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const ACCOUNT: &str = "111122223333";

pub fn event(n: u32, time: &str) -> Value {
    json!({
        "eventVersion": "1.08",
        "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "eventTime": time,
        "eventSource": if n.is_multiple_of(3) { "sts.amazonaws.com" } else { "s3.amazonaws.com" },
        "eventName": if n.is_multiple_of(3) { "AssumeRole" } else { "GetObject" },
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "made/1.0",
        "recipientAccountId": ACCOUNT,
        "readOnly": true,
        "userIdentity": { "type": "IAMUser", "accountId": ACCOUNT, "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/alice", "userName": "alice", "accessKeyId": "AKIAEXAMPLE" },
        "requestParameters": { "n": n },
    })
}

/// The same; one in three is a call that gave credentials.
pub fn issue(n: u32, time: &str) -> Value {
    let mut record = event(n, time);
    if n.is_multiple_of(3) {
        record["responseElements"] = json!({ "credentials": { "accessKeyId": format!("ASIA{n:016}"),
            "expiration": "Nov 7, 2026, 1:00:00 PM", "sessionToken": "made" } });
    }
    record
}

pub fn events(from: u32, to: u32, time: &str) -> Vec<Value> {
    (from..to).map(|n| event(n, time)).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

pub fn object(records: &[Value]) -> Vec<u8> {
    gzip(json!({ "Records": records }).to_string().as_bytes())
}

/// Writes an object under the name that CloudTrail would give it.
pub fn put(folder: &Path, day: &str, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let (y, m, d) = (&day[..4], &day[5..7], &day[8..]);
    let folder = folder.join(format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{y}/{m}/{d}"));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{ACCOUNT}_CloudTrail_us-east-1_{y}{m}{d}T{name}.json.gz"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Five objects over two days, 60 records, 50 events: two objects repeat others' events.
pub fn logs() -> TempDir {
    let logs = tempfile::tempdir().unwrap();
    let root = logs.path();
    put(root, "2026-11-06", "2355Z_aaaaaaaaaaaaaaaa", &object(&events(0, 20, "2026-11-06T23:50:00Z")));
    put(root, "2026-11-07", "0005Z_bbbbbbbbbbbbbbbb", &object(&events(20, 30, "2026-11-07T00:01:00Z")));
    put(root, "2026-11-07", "0010Z_cccccccccccccccc", &object(&events(30, 50, "2026-11-07T00:06:00Z")));
    put(root, "2026-11-07", "0015Z_dddddddddddddddd", &object(&events(15, 20, "2026-11-06T23:50:00Z")));
    put(root, "2026-11-07", "0020Z_eeeeeeeeeeeeeeee", &object(&events(30, 35, "2026-11-07T00:06:00Z")));
    logs
}

pub async fn plan(source: &Path, lake: &Path) -> Plan {
    let source = Source::open(source.to_str().unwrap(), &S3Options::default()).await.unwrap();
    Plan::new(vec![source], lake.to_str().unwrap())
}

pub async fn go(plan: Plan) -> Summary {
    let summary = ingest(plan, &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    assert!(summary.balances(), "{summary:?}");
    summary
}

pub async fn take(source: &Path, lake: &Path) -> Summary {
    go(plan(source, lake).await).await
}

pub async fn open(lake: &Path) -> Lake {
    Lake::open(lake.to_str().unwrap(), &LakeOptions::default()).await.unwrap()
}

pub async fn sql(lake: &Path, query: &str) -> Vec<RecordBatch> {
    let lake = open(lake).await;
    let context = SessionContext::new();
    for table in ["events", "ledger", "credential_calls", "activity"] {
        context.register_table(table, lake.provider(table).await.unwrap()).unwrap();
    }
    context.sql(query).await.unwrap().collect().await.unwrap()
}

pub async fn number(lake: &Path, query: &str) -> i64 {
    let batches = sql(lake, query).await;
    let batch = batches.iter().find(|b| b.num_rows() > 0).unwrap();
    batch.column(0).as_primitive::<Int64Type>().value(0)
}

pub async fn texts(lake: &Path, query: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for batch in sql(lake, query).await {
        let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
        texts.extend(column.as_string::<i32>().iter().map(|text| text.unwrap_or("null").to_owned()));
    }
    texts
}

/// What must be the same however the events came in.
pub async fn content(lake: &Path) -> Vec<String> {
    texts(
        lake,
        "SELECT concat_ws('|', event_date, event_time, event_id, event_source, recipient_account_id, access_key_id, \
         request_parameters) FROM events ORDER BY 1",
    )
    .await
}

pub async fn activity(lake: &Path) -> i64 {
    number(lake, "SELECT sum(event_count) FROM activity").await
}

pub fn versions(summary: &Summary) -> BTreeMap<&'static str, u64> {
    summary.versions.iter().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_stored_once_and_a_second_run_changes_nothing() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let lake = lake.path().join("a lake, with spaces % and # marks");
    let first = take(logs.path(), &lake).await;
    assert_eq!((first.records, first.events, first.duplicates), (60, 50, 10));
    assert_eq!((first.objects.listed, first.objects.ingested), (5, 5));
    assert_eq!(first.stored, 50);
    assert_eq!(number(&lake, "SELECT count(*) FROM events").await, 50);
    assert_eq!(number(&lake, "SELECT count(*) FROM events WHERE event_date = DATE '2026-11-06'").await, 20);
    assert_eq!(number(&lake, "SELECT count(*) FROM events WHERE event_source = 'sts.amazonaws.com'").await, 17);
    assert_eq!(number(&lake, "SELECT count(*) FROM ledger WHERE status = 'ingested'").await, 5);
    assert_eq!(number(&lake, "SELECT sum(events) FROM ledger").await, 50);
    assert_eq!(activity(&lake).await, 50);

    let second = take(logs.path(), &lake).await;
    assert_eq!((second.records, second.objects.known, second.ingest_number), (0, 5, None));
    assert_eq!(versions(&first), versions(&second));
    let third = take(logs.path(), &lake).await;
    assert_eq!(versions(&first), versions(&third));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_and_the_number_of_runs_do_not_matter() {
    let (logs, lakes) = (logs(), tempfile::tempdir().unwrap());
    let whole = lakes.path().join("whole");
    take(logs.path(), &whole).await;
    let expected = content(&whole).await;
    let mut objects: Vec<_> = walk(logs.path());
    objects.sort();

    // One object a run, backwards; and one commit an object, on one thread.
    let pieces = lakes.path().join("pieces");
    for object in objects.iter().rev() {
        take(object, &pieces).await;
    }
    assert_eq!(content(&pieces).await, expected);
    assert_eq!(activity(&pieces).await, 50);
    let chunks = lakes.path().join("chunks");
    let mut plan = plan(logs.path(), &chunks).await;
    plan.knobs = Knobs { commit_objects: 1, threads: 1, ..Knobs::default() };
    let summary = go(plan).await;
    assert_eq!((summary.events, summary.duplicates), (50, 10));
    assert_eq!(content(&chunks).await, expected);
    assert_eq!(activity(&chunks).await, 50);
    assert!(versions(&summary)["events"] > 1);
}

pub fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

/// Statistics hold milliseconds, rounded up: of such a time the next day's first.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_the_last_half_of_a_days_last_millisecond_hides_none_of_its_file() {
    let (logs, lake) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut records = events(0, 20, "2026-11-07T10:01:00Z");
    records.push(event(20, "2026-11-07T23:59:59.999500Z"));
    put(logs.path(), "2026-11-07", "1005Z_aaaaaaaaaaaaaaaa", &object(&records));
    assert_eq!(take(logs.path(), lake.path()).await.stored, 21);
    put(logs.path(), "2026-11-07", "1010Z_bbbbbbbbbbbbbbbb", &object(&records));
    let again = take(logs.path(), lake.path()).await;
    assert_eq!((again.duplicates, again.stored), (21, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_do_not_fit_in_memory_are_told_apart_all_the_same() {
    let (logs, lakes) = (logs(), tempfile::tempdir().unwrap());
    let lake = lakes.path().join("lake");
    let mut objects = walk(logs.path());
    objects.sort();
    for object in &objects {
        let mut plan = plan(object, &lake).await;
        plan.knobs.ids = 1;
        go(plan).await;
    }
    assert_eq!(number(&lake, "SELECT count(*) FROM events").await, 50);
}

/// Where rows are encoded as they come, the files are the days' all the same; where nothing may grow, they are many. No row is lost.
#[tokio::test(flavor = "multi_thread")]
async fn however_often_a_buffer_is_full_a_day_is_one_file_of_few_row_groups() {
    let (logs, lakes) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for hour in 0..12 {
        let records: Vec<Value> = (hour * 600..(hour + 1) * 600)
            .map(|n| {
                let mut record = event(n, &format!("2026-11-07T{hour:02}:01:00Z"));
                record["requestParameters"] = json!({ "n": n, "filling": "x".repeat(1500) });
                record
            })
            .collect();
        put(logs.path(), "2026-11-07", &format!("{hour:02}05Z_aaaaaaaaaaaaaaaa"), &object(&records));
    }
    let (grown, cut) = (lakes.path().join("grown"), lakes.path().join("cut"));
    let mut some = plan(logs.path(), &grown).await;
    some.knobs.buffer = 1;
    go(some.clone()).await;
    some.lake = cut.to_str().unwrap().to_owned();
    some.knobs.grown = 0;
    some.knobs.threads = 1;
    go(some).await;
    let files = async |lake: &Path| open(lake).await.files(&EVENTS).unwrap().all().cloned().collect::<Vec<_>>();
    let [one] = files(&grown).await.try_into().unwrap();
    assert_eq!(one.rows, 7200);
    assert!(files(&cut).await.len() > 2);
    assert_eq!(content(&grown).await, content(&cut).await);

    let file = std::fs::File::open(grown.join("events").join(&one.path)).unwrap();
    let groups = SerializedFileReader::new(file).unwrap().metadata().row_groups().to_vec();
    let place = groups[0].columns().iter().position(|c| c.column_path().parts() == ["event_source"]).unwrap();
    let rows_of_sts = groups.iter().filter(|group| {
        let bounds = group.column(place).statistics().unwrap();
        bounds.min_bytes_opt() == bounds.max_bytes_opt() && bounds.min_bytes_opt() == Some(b"sts.amazonaws.com")
    });
    assert_eq!(
        rows_of_sts.map(|group| group.num_rows()).collect::<Vec<_>>(),
        [2400],
        "credentials' rows stand together"
    );
    let threads = std::thread::available_parallelism().unwrap().get();
    assert!(groups.len() <= 1 + threads, "{} row groups", groups.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_events_and_ledger_is_mended_by_the_next_run() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let first = take(logs.path(), lake.path()).await;
    assert_eq!(versions(&first)["ledger"], 1);
    std::fs::remove_file(lake.path().join("ledger/_delta_log/00000000000000000001.json")).unwrap();
    let second = take(logs.path(), lake.path()).await;
    assert_eq!((second.events, second.duplicates, second.stored), (50, 10, 0));
    assert_eq!(versions(&first), versions(&second));
    assert_eq!(number(lake.path(), "SELECT count(*) FROM events").await, 50);
    assert_eq!(number(lake.path(), "SELECT sum(events) FROM ledger").await, 50);
    assert_eq!(activity(lake.path()).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_events_and_derived_tables_is_caught_up_once() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let lake = lake.path();
    take(logs.path(), lake).await;
    let calls = number(lake, "SELECT count(*) FROM credential_calls").await;
    for table in ["ledger", "activity"] {
        std::fs::remove_file(lake.join(table).join("_delta_log/00000000000000000001.json")).unwrap();
    }
    // Nobody sees events whose derived rows are missing.
    assert_eq!(number(lake, "SELECT count(*) FROM events").await, 0);
    assert_eq!(number(lake, "SELECT count(*) FROM credential_calls").await, 0);
    take(logs.path(), lake).await;
    assert_eq!(number(lake, "SELECT count(*) FROM events").await, 50);
    assert_eq!(activity(lake).await, 50);
    assert_eq!(number(lake, "SELECT count(*) FROM credential_calls").await, calls);
    // A derived table that was dropped is made anew from what is there.
    std::fs::remove_dir_all(lake.join("activity")).unwrap();
    take(logs.path(), lake).await;
    assert_eq!(activity(lake).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_broken_off_is_read_again_when_it_is_whole() {
    let (logs, lake) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let records: Vec<Value> = (0..2000).map(|n| event(n, "2026-11-07T00:01:00Z")).collect();
    let bytes = object(&records);
    let path = put(logs.path(), "2026-11-07", "0005Z_aaaaaaaaaaaaaaaa", &bytes[..bytes.len() / 2]);
    let first = take(logs.path(), lake.path()).await;
    assert_eq!(first.objects.truncated, 1);
    assert!(first.is_incomplete());
    assert!(first.events > 0 && first.events < 2000, "{first:?}");
    let again = take(logs.path(), lake.path()).await;
    assert_eq!(versions(&first), versions(&again));
    std::fs::write(&path, &bytes).unwrap();
    let second = take(logs.path(), lake.path()).await;
    assert_eq!((second.events, second.stored), (2000, 2000 - first.events));
    assert_eq!(number(lake.path(), "SELECT count(*) FROM events").await, 2000);
    let latest = format!("SELECT sum(events) FROM ({})", ledger::latest());
    assert_eq!(number(lake.path(), &latest).await, 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_store_every_event_once() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    // The lake exists already, or both would create it; that race has a test of its own below.
    take(&walk(logs.path())[0], lake.path()).await;
    let one = plan(logs.path(), lake.path()).await;
    let mut two = plan(logs.path(), lake.path()).await;
    two.knobs = Knobs { commit_objects: 1, ..Knobs::default() };
    let (one, two) = tokio::join!(tokio::spawn(go(one)), tokio::spawn(go(two)));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.stored + two.stored < 50);
    assert_eq!(number(lake.path(), "SELECT count(*) FROM events").await, 50);
    assert_eq!(number(lake.path(), "SELECT count(DISTINCT event_id) FROM events").await, 50);
    assert_eq!(activity(lake.path()).await, 50);
    let latest = format!("SELECT sum(events) FROM ({})", ledger::latest());
    assert_eq!(number(lake.path(), &latest).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_runs_may_create_the_lake_at_once() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let lake = lake.path().join("new");
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(tokio::spawn(go(plan(logs.path(), &lake).await)));
    }
    let mut stored = 0;
    for run in runs {
        stored += run.await.unwrap().stored;
    }
    assert_eq!(stored, 50);
    assert_eq!(number(&lake, "SELECT count(*) FROM events").await, 50);
    assert_eq!(activity(&lake).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_an_empty_source_leave_nothing_behind() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let lake = lake.path().join("none");
    let mut dry = plan(logs.path(), &lake).await;
    dry.dry_run = true;
    let summary = go(dry).await;
    assert_eq!((summary.events, summary.duplicates, summary.ingest_number), (50, 10, None));
    assert!(!lake.exists());
    let nothing = tempfile::tempdir().unwrap();
    let summary = take(nothing.path(), &lake).await;
    assert_eq!(summary.objects.listed, 0);
    assert!(!lake.exists());
    let error = Lake::open(lake.to_str().unwrap(), &LakeOptions::default()).await.unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("rolecall ingest")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filtered_events_are_counted_and_their_objects_read_again_later() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let mut some = plan(logs.path(), lake.path()).await;
    let midnight = 1_794_009_600_000_000;
    some.filters = Filters { since: Some(midnight), ..Filters::default() };
    let summary = go(some).await;
    assert_eq!((summary.events, summary.duplicates, summary.filtered), (30, 5, 25));
    assert_eq!(number(lake.path(), "SELECT count(*) FROM ledger").await, 3);
    let rest = take(logs.path(), lake.path()).await;
    assert_eq!((rest.objects.known, rest.stored), (3, 20));
    assert_eq!(number(lake.path(), "SELECT count(*) FROM events").await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_told_and_kept_in_the_ledger() {
    let (logs, lake) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = logs.path();
    let mut broken = event(1, "2026-11-07T00:01:00Z");
    broken["eventID"] = json!("");
    put(root, "2026-11-07", "0005Z_aaaaaaaaaaaaaaaa", &object(&[event(0, "2026-11-07T00:01:00Z"), broken]));
    put(root, "2026-11-07", "0010Z_bbbbbbbbbbbbbbbb", b"this is no gzip and no JSON");
    put(root, "2026-11-07", "0015Z_cccccccccccccccc", &gzip(br#"{"digestEndTime":"x","logFiles":[]}"#));
    let first = take(root, lake.path()).await;
    assert_eq!((first.records, first.events, first.not_events, first.faults), (3, 1, 1, 1));
    assert_eq!((first.objects.ingested, first.objects.not_cloudtrail), (1, 2));
    assert_eq!(first.first_faults[0].index, Some(1));
    assert_eq!(first.first_faults[0].reason, "missing_event_id");
    assert!(first.bytes_read > 0 && first.bytes_decompressed > first.bytes_read);
    assert_eq!(number(lake.path(), "SELECT count(*) FROM ledger").await, 3);
    let again = take(root, lake.path()).await;
    assert_eq!(versions(&first), versions(&again), "{again:?}");
    let status = status(&open(lake.path()).await).await.unwrap();
    assert_eq!(status.ingests, 1);
    assert_eq!(status.objects, BTreeMap::from([("ingested".into(), 1), ("not_cloudtrail".into(), 2)]));
    assert_eq!(status.faults.get("missing_event_id"), Some(&1));
    let events = status.tables.iter().find(|table| table.name == "events").unwrap();
    assert_eq!((events.version, events.rows, events.files), (1, 1, 1));
    assert_eq!(events.times, Some((1_794_009_660_000_000, 1_794_009_660_000_000)));
    assert!(events.bytes > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_leaves_a_whole_lake() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let stop = Arc::new(AtomicBool::new(true));
    let summary = ingest(plan(logs.path(), lake.path()).await, &|_| {}, stop).await.unwrap();
    assert!(summary.interrupted && summary.balances(), "{summary:?}");
    assert_eq!(summary.events, 0);
    assert_eq!(take(logs.path(), lake.path()).await.stored, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_or_newer_table_is_refused() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    take(logs.path(), lake.path()).await;
    let log = lake.path().join("events/_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace(r#""rolecall.schema":"1""#, r#""rolecall.schema":"99""#)).unwrap();
    let error = Lake::open(lake.path().to_str().unwrap(), &LakeOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("newer rolecall"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_readers_can_read_the_tables() {
    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    take(logs.path(), lake.path()).await;
    for table in ["events", "ledger", "credential_calls", "activity"] {
        let log = lake.path().join(table).join("_delta_log/00000000000000000000.json");
        let text = std::fs::read_to_string(&log).unwrap();
        let protocol =
            text.lines().find(|line| line.contains(r#""protocol""#) && !line.contains("commitInfo")).unwrap();
        let protocol: Value = serde_json::from_str(protocol).unwrap();
        assert_eq!(protocol["protocol"], json!({ "minReaderVersion": 1, "minWriterVersion": 2 }), "{table}");
    }
    let log = std::fs::read_to_string(lake.path().join("events/_delta_log/00000000000000000001.json")).unwrap();
    let add = log.lines().find(|line| line.contains(r#""add""#)).unwrap();
    let add: Value = serde_json::from_str(add).unwrap();
    assert!(add["add"]["path"].as_str().unwrap().starts_with("event_date=2026-11-0"));
    let stats: Value = serde_json::from_str(add["add"]["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["minValues"]["recipient_account_id"], ACCOUNT);
    assert_eq!(stats["nullCount"]["access_key_id"], 0);
    assert!(log.contains("rolecall/events"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_comes_second_leaves_out_what_the_first_has_stored() {
    use rolecall::cloudtrail::{Limits, Wanted, decode_object};
    use rolecall::lake::batch::{EventRows, ObjectContext, day};
    use rolecall::lake::catch_up::catch_up;
    use rolecall::lake::commit::commit_events;
    use rolecall::lake::dedup::{Dedup, Forestalled, Ids, Keys, Row, Verdict, object_hash, place};

    let (logs, lake) = (logs(), tempfile::tempdir().unwrap());
    let location = lake.path().to_str().unwrap();
    let mut slow = Lake::create_if_missing(location, &LakeOptions::default()).await.unwrap();
    let mut dedup = Dedup::new(slow.files(&EVENTS).unwrap(), 1000);
    // The slow run has written a file of 25 events, 20 of them the other's too: 10 from the very same records.
    let path = |name: &str| walk(logs.path()).into_iter().find(|p| p.to_str().unwrap().contains(name)).unwrap();
    let (same, other) = (path("bbbb"), path("cccc"));
    let (mut rows, mut keys, mut ids) = (EventRows::new(None), Keys::default(), Ids::default());
    let mut add = |number: usize, object: &str, first: u64, records: &[Value]| {
        let context = ObjectContext { source_object: object, delivered_at: None, key_account: None, ingest_number: 9 };
        decode_object(object, &plain_object(records), &Limits::default(), &Wanted::default(), &mut |at, event| {
            let index = i64::try_from(first + at.index).unwrap();
            keys.push(Row {
                id: ids.id(ACCOUNT, &event.event_id),
                event_id: &event.event_id,
                place: place(object_hash(object), index),
                owner: number,
                time: event.event_time,
                account: event.recipient_account_id.as_deref().unwrap(),
            });
            if number < 2 {
                rows.push(event, &context, index);
            }
        });
    };
    add(0, same.to_str().unwrap(), 0, &events(20, 30, "2026-11-07T00:01:00Z"));
    add(1, "elsewhere", 0, &events(40, 55, "2026-11-07T00:06:00Z"));
    // Three of the records that the other run stores are here too, as repeats of what is from elsewhere.
    add(2, other.to_str().unwrap(), 10, &events(40, 43, "2026-11-07T00:06:00Z"));
    let date = day(1_794_009_660_000_000);
    let verdicts = dedup.admit(date, &keys).await.unwrap();
    assert!(verdicts[..25].iter().all(|verdict| *verdict == Verdict::New));
    assert!(verdicts[25..].iter().all(|verdict| *verdict == Verdict::Duplicate));
    let file = slow.writer(&EVENTS).unwrap().write_events(date, &[rows.finish().unwrap().into()]).await.unwrap();

    take(logs.path(), lake.path()).await;
    let outcome = commit_events(&mut slow, vec![file], &mut dedup).await.unwrap();
    assert_eq!(outcome.version, Some(2));
    let of = |forestalled| outcome.taken_out.iter().filter(|other| **other == forestalled).count();
    assert_eq!(of(Forestalled { verdict: Verdict::Own, object: 0, stored_from: None }), 10);
    assert_eq!(of(Forestalled { verdict: Verdict::Duplicate, object: 1, stored_from: None }), 7);
    assert_eq!(of(Forestalled { verdict: Verdict::Duplicate, object: 1, stored_from: Some(2) }), 3);
    assert_eq!(outcome.taken_out.len(), 20);
    // Its derived rows are not there yet, so nobody sees the five; the next to come catches up.
    assert_eq!(number(lake.path(), "SELECT count(*) FROM events").await, 50);
    catch_up(&mut slow, None).await.unwrap();
    assert_eq!(number(lake.path(), "SELECT count(*) FROM events").await, 55);
    assert_eq!(number(lake.path(), "SELECT count(DISTINCT event_id) FROM events").await, 55);
    assert_eq!(activity(lake.path()).await, 55);
}

fn plain_object(records: &[Value]) -> Vec<u8> {
    json!({ "Records": records }).to_string().into_bytes()
}
