//! One day of logs, brought in in every way there is: every table is the same, row for row.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::s3_server::S3Server;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use rolecall::ingest::{Plan, ingest};
use rolecall::lake::store::LakeOptions;
use rolecall::source::{Credentials, Filters, S3Options, Source};
use rolecall::sql::session::Engine;

/// Every table whose rows say what happened; the ledger, coverage and source columns say how it came here.
const TABLES: [&str; 11] = [
    "events",
    "sessions",
    "session_events",
    "session_addresses",
    "failures",
    "role_edges",
    "session_families",
    "logins",
    "accounts",
    "unlinked",
    "session_links",
];

/// Columns that say how a row came here: an event that was delivered twice may be told from either object.
const ROUTE: [&str; 4] = ["source_object", "record_index", "delivered_at", "ingest_number"];

fn sample_logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs")
}

fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".json.gz"))
        .map(walkdir::DirEntry::into_path)
        .collect();
    found.sort();
    found
}

async fn sources(paths: &[PathBuf], s3: &S3Options) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in paths {
        sources.push(Source::open(path.to_str().unwrap(), s3).await.unwrap());
    }
    sources
}

async fn take(sources: Vec<Source>, lake: &Path) -> u64 {
    let summary =
        ingest(Plan::new(sources, lake.to_str().unwrap()), &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    assert!(summary.balances(), "{summary:?}");
    summary.events
}

/// All rows of all tables as text, sorted.
async fn told(engine: &Engine, tables: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for table in tables {
        let batches: Vec<_> =
            engine.query(&format!("SELECT * FROM {table}"), Vec::new()).await.unwrap().try_collect().await.unwrap();
        for batch in batches {
            let schema = batch.schema();
            let options = FormatOptions::default();
            let columns: Vec<_> = (0..batch.num_columns())
                .filter(|&c| !ROUTE.contains(&schema.field(c).name().as_str()))
                .map(|c| (schema.field(c).name().clone(), ArrayFormatter::try_new(batch.column(c), &options).unwrap()))
                .collect();
            lines.extend((0..batch.num_rows()).map(|row| {
                let cells: Vec<String> =
                    columns.iter().map(|(name, cell)| format!("{name}={}", cell.value(row))).collect();
                format!("{table}: {}", cells.join("|"))
            }));
        }
    }
    lines.sort();
    lines
}

async fn of_lake(lake: &Path) -> Vec<String> {
    told(
        &Engine::open_lake(lake.to_str().unwrap(), &LakeOptions::default(), &Filters::default()).await.unwrap(),
        &TABLES,
    )
    .await
}

async fn of_logs(sources: Vec<Source>, tables: &[&str]) -> Vec<String> {
    told(&Engine::open_logs(sources, &Filters::default()).await.unwrap(), tables).await
}

fn same(one: &[String], other: &[String], how: &str) {
    let differs = one.iter().zip(other).find(|(a, b)| a != b);
    assert!(
        one.len() == other.len() && differs.is_none(),
        "{how}: {} and {} rows, e.g. {differs:#?}",
        one.len(),
        other.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_in_leads_to_the_same_tables() {
    let (logs, folder) = (sample_logs(), tempfile::tempdir().unwrap());
    let local = S3Options::default();
    let lake = |name: &str| folder.path().join(name);
    let whole = take(sources(std::slice::from_ref(&logs), &local).await, &lake("whole")).await;
    let expected = of_lake(&lake("whole")).await;
    assert!(expected.iter().filter(|line| line.starts_with("sessions:")).count() > 100);

    // From the last object to the first, each a source of its own.
    let mut reversed = objects(&logs);
    reversed.reverse();
    assert_eq!(take(sources(&reversed, &local).await, &lake("reversed")).await, whole);
    same(&expected, &of_lake(&lake("reversed")).await, "reversed");

    // In three runs, cut without regard to time or account; then everything once more.
    for run in 0..3 {
        let part: Vec<PathBuf> =
            reversed.iter().enumerate().filter(|(n, _)| n * 7 % 3 == run).map(|(_, p)| p.clone()).collect();
        take(sources(&part, &local).await, &lake("parts")).await;
    }
    assert_eq!(take(sources(&reversed, &local).await, &lake("parts")).await, 0);
    same(&expected, &of_lake(&lake("parts")).await, "in three runs, and again");

    // Straight from the files.
    same(&expected, &of_logs(sources(std::slice::from_ref(&logs), &local).await, &TABLES).await, "raw");

    // From S3, stored and raw.
    let buckets = tempfile::tempdir().unwrap();
    for object in objects(&logs) {
        let target = buckets.path().join("trail").join(object.strip_prefix(&logs).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&object, target).unwrap();
    }
    let server = S3Server::start(buckets.path());
    let remote = S3Options {
        region: Some("us-east-1".into()),
        endpoint: Some(server.endpoint.clone()),
        path_style: true,
        credentials: Some(Credentials {
            access_key_id: server.access_key.clone(),
            secret_access_key: server.secret_key.clone(),
            session_token: None,
        }),
        ..S3Options::default()
    };
    let bucket = [PathBuf::from("s3://trail")];
    assert_eq!(take(sources(&bucket, &remote).await, &lake("s3")).await, whole);
    same(&expected, &of_lake(&lake("s3")).await, "S3");
    let tables = ["events", "sessions"];
    let of_tables = |line: &&String| tables.iter().any(|table| line.starts_with(&format!("{table}: ")));
    let expected: Vec<String> = expected.iter().filter(of_tables).cloned().collect();
    same(&expected, &of_logs(sources(&bucket, &remote).await, &tables).await, "raw from S3");
}
