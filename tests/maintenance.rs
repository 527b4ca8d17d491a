//! Looking after a lake changes nothing of what it says: files are put together, left-overs go, derived tables are made
//! anew, an earlier layout is brought up to date.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, Duration, Utc};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rolecall::lake::maintain::{Aims, Removed, optimize, rederive, upgrade, vacuum};
use rolecall::lake::schema::TABLES;
use rolecall::lake::store::{Lake, LakeOptions};
use serde_json::Value;

use crate::cli::{path, run};
use crate::ingest::{activity, content, issue, number, object, open, put, take, texts, walk};

/// Twelve objects of two days, each taken in by a run of its own.
async fn many_runs(logs: &Path, lake: &Path) {
    for n in 0_u32..12 {
        let day = if n.is_multiple_of(2) { "2026-11-06" } else { "2026-11-07" };
        let records: Vec<Value> =
            (0..5).map(|k| issue(100 * n + k, &format!("{day}T{:02}:{:02}:00Z", 23 - n, 10 * (5 - k)))).collect();
        take(&put(logs, day, &format!("{n:02}05Z_aaaaaaaaaaaaaaaa"), &object(&records)), lake).await;
    }
}

/// Everything that the tables say, however their rows are kept.
pub async fn said(lake: &Path) -> Vec<String> {
    let mut said = content(lake).await;
    for query in [
        "SELECT concat_ws('|', access_key_id, identity_arn, event_date, source_ip_address, low, high, n, w) FROM \
         (SELECT access_key_id, identity_arn, event_date, source_ip_address, min(first_at) AS low, max(last_at) AS high, \
         sum(event_count) AS n, sum(write_count) AS w FROM activity \
         GROUP BY access_key_id, identity_arn, event_date, source_ip_address) ORDER BY 1",
        "SELECT concat_ws('|', event_id, kind, api, event_time, caller_key_id, role_arn) FROM credential_calls ORDER BY 1",
        "SELECT concat_ws('|', source_object, records, events, duplicates, status) FROM ledger ORDER BY 1",
    ] {
        said.extend(texts(lake, query).await);
    }
    said
}

pub async fn writable(lake: &Path) -> Lake {
    Lake::create_if_missing(path(lake), &LakeOptions::default()).await.unwrap()
}

/// Parquet files below the lake, half-written ones included.
pub fn files_on_disk(lake: &Path) -> BTreeSet<PathBuf> {
    walk(lake)
        .into_iter()
        .filter(|file| file.to_string_lossy().contains(".parquet"))
        .filter(|file| !file.to_string_lossy().contains("_delta_log"))
        .collect()
}

/// The files that the newest versions of the tables are made of, below the lake's folder.
pub async fn files_in_use(lake: &Lake, folder: &Path) -> BTreeSet<PathBuf> {
    let mut used = BTreeSet::new();
    for table in TABLES.iter() {
        used.extend(lake.files(table).unwrap().all().map(|file| folder.join(table.name).join(&file.path)));
    }
    used
}

fn later(days: i64) -> DateTime<Utc> {
    Utc::now() + Duration::days(days) + Duration::hours(1)
}

fn removed(removed: &[Removed]) -> u64 {
    removed.iter().map(|table| table.files).sum()
}

fn rows(file: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(file).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(|batch| batch.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_are_put_together_and_nothing_is_said_otherwise() {
    let (logs, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    many_runs(logs.path(), folder).await;
    let before = said(folder).await;
    let mut lake = writable(folder).await;
    let done = optimize(&mut lake, Aims::default()).await.unwrap();
    let counts: Vec<_> = done.iter().map(|table| (table.table, table.before, table.after)).collect();
    assert_eq!(counts, [("events", 12, 2), ("ledger", 12, 1), ("credential_calls", 12, 1), ("activity", 12, 1)]);
    assert_eq!(said(folder).await, before);

    // A file's rows: credentials' own services first, then by time.
    let lake = open(folder).await;
    for file in files_in_use(&lake, folder).await.iter().filter(|file| file.to_string_lossy().contains("event_date=")) {
        let keys: Vec<(bool, i64)> = rows(file)
            .iter()
            .flat_map(|batch| {
                let sources = batch.column_by_name("event_source").unwrap().as_string::<i32>();
                let times = batch.column_by_name("event_time").unwrap().as_primitive::<TimestampMicrosecondType>();
                (0..batch.num_rows())
                    .map(|row| (sources.value(row) != "sts.amazonaws.com", times.value(row)))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(keys.len(), 30);
        assert!(keys.is_sorted(), "{keys:?}");
    }

    // Done once, there is nothing left to do; the program says so.
    let versions = lake.versions();
    let (code, out, told) = run(&["lake", "optimize", "--lake", path(folder)]);
    assert_eq!((code, out.as_str()), (0, ""), "{told}");
    assert!(told.contains("events: no small files"), "{told}");
    assert_eq!(open(folder).await.versions(), versions);

    // What comes after is told apart from what was put together.
    let copy = put(
        logs.path(),
        "2026-11-08",
        "0005Z_bbbbbbbbbbbbbbbb",
        &object(&[issue(0, "2026-11-06T23:50:00Z"), issue(9999, "2026-11-06T23:50:00Z")]),
    );
    let summary = take(&copy, folder).await;
    assert_eq!((summary.events, summary.duplicates), (1, 1));
    assert_eq!(activity(folder).await, 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_bounds_the_files_that_are_made() {
    let (logs, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    many_runs(logs.path(), folder.path()).await;
    let before = said(folder.path()).await;
    let mut lake = writable(folder.path()).await;
    let done = optimize(&mut lake, Aims { held: 1, ..Aims::default() }).await.unwrap();
    assert_eq!((done[0].before, done[0].after), (12, 12));
    let done = optimize(&mut lake, Aims { rows: 22, ..Aims::default() }).await.unwrap();
    assert_eq!((done[0].before, done[0].after), (12, 4));
    assert_eq!(said(folder.path()).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_takes_what_is_of_no_use_and_old_and_nothing_else() {
    let (logs, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    many_runs(logs.path(), folder).await;
    let before = said(folder).await;
    let mut lake = writable(folder).await;
    optimize(&mut lake, Aims::default()).await.unwrap();
    for orphan in [
        "events/event_date=2026-11-06/part-orphan.zstd.parquet",
        "events/event_date=2026-11-06/part-half.zstd.parquet#1",
        "ledger/part-orphan.parquet",
        "activity/part-orphan.parquet",
        "credential_calls/_delta_log/00000000000000000099.json#2",
    ] {
        std::fs::write(folder.join(orphan), "left behind").unwrap();
    }
    let all = files_on_disk(folder).len();
    // Whatever is younger may belong to a run that is under way, or to a question.
    for now in [Utc::now(), later(6)] {
        assert_eq!(removed(&vacuum(&mut lake, 7, now).await.unwrap()), 0);
    }
    assert!(vacuum(&mut lake, 0, later(30)).await.unwrap_err().to_string().contains("last day"));
    assert_eq!(files_on_disk(folder).len(), all);
    assert_eq!(removed(&vacuum(&mut lake, 7, later(7)).await.unwrap()), 48 + 5);
    assert_eq!(files_on_disk(folder), files_in_use(&open(folder).await, folder).await);
    assert_eq!(said(folder).await, before);
    assert_eq!(removed(&vacuum(&mut lake, 7, later(7)).await.unwrap()), 0);
    let (code, out, told) = run(&["lake", "vacuum", "--lake", path(folder)]);
    assert_eq!((code, out.as_str(), told.contains("events: 0 files removed")), (0, "", true), "{told}");
    assert_eq!(run(&["lake", "vacuum", "--days", "0", "--lake", path(folder)]).0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_never_stands_at_a_version_whose_files_are_gone() {
    let (logs, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    many_runs(logs.path(), folder).await;
    let before = said(folder).await;
    optimize(&mut writable(folder).await, Aims::default()).await.unwrap();
    // A crash before the derived tables were told of the newest version: questions stand at the one before.
    let log = folder.join("activity/_delta_log");
    let newest = walk(&log).into_iter().filter(|file| file.extension().is_some_and(|e| e == "json")).max().unwrap();
    std::fs::remove_file(newest).unwrap();
    assert_eq!(said(folder).await, before);
    vacuum(&mut writable(folder).await, 7, later(7)).await.unwrap();
    assert_eq!(said(folder).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn derived_tables_are_made_anew_from_the_events() {
    let (logs, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    many_runs(logs.path(), folder).await;
    let before = said(folder).await;
    let done = rederive(&mut writable(folder).await).await.unwrap();
    assert!(done.iter().all(|table| table.rows > 0), "{done:?}");
    assert_eq!(said(folder).await, before);
    let lake = open(folder).await;
    for table in TABLES.iter().filter(|table| ["activity", "credential_calls"].contains(&table.name)) {
        assert_eq!(lake.files(table).unwrap().all().count(), 1, "{}", table.name);
    }
    // A table that is lost whole.
    std::fs::remove_dir_all(folder.join("activity")).unwrap();
    assert_eq!(run(&["sql", "SELECT 1", "--lake", path(folder)]).0, 1);
    let (code, out, told) = run(&["lake", "rederive", "--lake", path(folder)]);
    assert_eq!((code, out.as_str(), told.contains("rows made from the events")), (0, "", true), "{told}");
    assert_eq!(said(folder).await, before);
    take(
        &put(logs.path(), "2026-11-08", "0005Z_cccccccccccccccc", &object(&[issue(7777, "2026-11-06T23:50:00Z")])),
        folder,
    )
    .await;
    assert_eq!(activity(folder).await, 61);
}

#[test]
fn a_lake_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("none");
    for verb in ["optimize", "vacuum", "rederive", "upgrade"] {
        let (code, out, told) = run(&["lake", verb, "--lake", path(&lake)]);
        assert_eq!((code, out.as_str()), (1, ""), "{verb}: {told}");
        assert!(told.contains("there is no lake here"), "{told}");
    }
    assert!(!lake.exists());
}

/// Makes of a lake what a rolecall without the column `tls_host` would have written.
fn make_earlier(lake: &Path) {
    let events = lake.join("events");
    let mut sizes = Vec::new();
    for file in files_on_disk(&events) {
        let batches = rows(&file);
        let keep: Vec<usize> =
            (0..batches[0].num_columns()).filter(|at| batches[0].schema().field(*at).name() != "tls_host").collect();
        let schema = Arc::new(batches[0].schema().project(&keep).unwrap());
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&file).unwrap(), schema, None).unwrap();
        batches.iter().for_each(|batch| writer.write(&batch.project(&keep).unwrap()).unwrap());
        writer.close().unwrap();
        let after = std::fs::metadata(&file).unwrap().len();
        sizes.push((file, after));
    }
    for log in walk(&events.join("_delta_log")) {
        let mut lines = Vec::new();
        for line in std::fs::read_to_string(&log).unwrap().lines() {
            let mut action: Value = serde_json::from_str(line).unwrap();
            if let Some(metadata) = action.get_mut("metaData") {
                metadata["configuration"]["rolecall.schema"] = "0".into();
                let mut schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
                schema["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "tls_host");
                metadata["schemaString"] = schema.to_string().into();
            }
            if let Some(add) = action.get_mut("add") {
                let (_, size) = sizes.iter().find(|(file, _)| file.ends_with(add["path"].as_str().unwrap())).unwrap();
                add["size"] = (*size).into();
            }
            lines.push(action.to_string());
        }
        std::fs::write(log, lines.join("\n")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_of_the_layout_before_is_refused_unharmed_and_brought_up_to_date() {
    let (logs, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    many_runs(logs.path(), folder).await;
    let before = said(folder).await;
    make_earlier(folder);
    let another =
        put(logs.path(), "2026-11-08", "0005Z_cccccccccccccccc", &object(&[issue(7777, "2026-11-06T23:50:00Z")]));
    for arguments in [vec!["sql", "SELECT 1"], vec!["ingest", path(&another)], vec!["lake", "optimize"]] {
        let (code, _, told) = run(&[&arguments[..], &["--lake", path(folder)]].concat());
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("earlier rolecall") && told.contains("rolecall lake upgrade"), "{told}");
    }
    let done = upgrade(path(folder), &LakeOptions::default()).await.unwrap();
    assert_eq!(
        done.iter().map(|table| (table.table, table.columns.clone())).collect::<Vec<_>>(),
        [("events", vec!["tls_host"])]
    );
    assert_eq!(upgrade(path(folder), &LakeOptions::default()).await.unwrap(), []);
    let (code, _, told) = run(&["lake", "upgrade", "--lake", path(folder)]);
    assert_eq!((code, told.as_str()), (0, "The lake is up to date.\n"));
    assert_eq!(said(folder).await, before);
    assert_eq!(number(folder, "SELECT count(tls_host) FROM events").await, 0);
    // New files and old ones live together, and are put together.
    take(&another, folder).await;
    optimize(&mut writable(folder).await, Aims::default()).await.unwrap();
    assert_eq!(number(folder, "SELECT count(*) FROM events").await, 61);
    assert_eq!(activity(folder).await, 61);
    rederive(&mut writable(folder).await).await.unwrap();
    assert_eq!(activity(folder).await, 61);
}
