//! `linked_events` beside what it stands for: events joined with `session_links`, and its filters beside the same ones behind it.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use rolecall::ingest::{Plan, ingest};
use rolecall::lake::store::{Lake, LakeOptions};
use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::session::Engine;
use rolecall::sql::setup::Setup;

const COLUMNS: &str =
    "session_id, link_method, reason, role_arn, origin, origin_type, origin_class, chain_depth, root_session_id";

/// The join by the columns that tell a caller.
const JOINED: &str = "FROM events e LEFT JOIN session_links l
    ON (e.identity_type IS NOT DISTINCT FROM l.identity_type)
    AND (e.identity_arn IS NOT DISTINCT FROM l.identity_arn)
    AND (e.identity_account_id IS NOT DISTINCT FROM l.identity_account_id)
    AND (e.identity_principal_id IS NOT DISTINCT FROM l.identity_principal_id)
    AND (e.access_key_id IS NOT DISTINCT FROM l.access_key_id)
    AND (e.session_issuer_arn IS NOT DISTINCT FROM l.session_issuer_arn)
    AND (e.session_name IS NOT DISTINCT FROM l.session_name)
    AND (e.session_created_at IS NOT DISTINCT FROM l.session_created_at)
    AND (l.exact_time IS NULL OR l.exact_time = e.event_time)";

fn sample_logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs")
}

async fn source() -> Vec<Source> {
    vec![Source::open(sample_logs().to_str().unwrap(), &S3Options::default()).await.unwrap()]
}

async fn lake(folder: &Path) -> Lake {
    let place = folder.join("lake").to_str().unwrap().to_owned();
    ingest(Plan::new(source().await, &place), &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    Lake::open(&place, &LakeOptions::default()).await.unwrap()
}

/// The rows of an answer as text, sorted.
pub async fn rows(engine: &Engine, sql: &str) -> Vec<String> {
    let batches: Vec<_> = engine.query(sql, Vec::new()).await.unwrap().try_collect().await.unwrap();
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    for batch in batches {
        let cells: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        let row = |row| cells.iter().map(|cell| cell.value(row).to_string()).collect::<Vec<_>>().join("|");
        rows.extend((0..batch.num_rows()).map(row));
    }
    rows.sort();
    rows
}

async fn engines(lake: &Lake) -> Vec<(&'static str, Engine)> {
    let everything = Filters::default();
    let day = chrono::DateTime::parse_from_rfc3339("2026-11-18T06:00:00Z").unwrap().timestamp_micros();
    let noon = Filters { until: Some(day + 6 * 3_600_000_000), since: Some(day), ..Filters::default() };
    vec![
        ("logs", Engine::open_logs(source().await, &everything).await.unwrap()),
        ("lake", Engine::over_lake(lake, &everything, Setup::default()).await.unwrap()),
        ("half a day of the lake", Engine::over_lake(lake, &noon, Setup::default()).await.unwrap()),
        ("half a day of the logs", Engine::open_logs(source().await, &noon).await.unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_the_session_of_its_caller() {
    let folder = tempfile::tempdir().unwrap();
    for (how, engine) in engines(&lake(folder.path()).await).await {
        let linked = rows(&engine, &format!("SELECT event_id, {COLUMNS} FROM linked_events")).await;
        let own = COLUMNS.replace(", ", ", l.");
        let joined = rows(&engine, &format!("SELECT e.event_id, l.{own} {JOINED}")).await;
        assert!(linked.len() > 500 && linked.iter().any(|row| row.contains("|-|-|-|-")), "{how}: {}", linked.len());
        assert_eq!(linked, joined, "{how}");
    }
}

/// A filter on sessions is decided once a caller, and goes down to the events; the answer is that of a filter which does not.
#[tokio::test(flavor = "multi_thread")]
async fn filters_on_sessions_leave_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    for (how, engine) in engines(&lake(folder.path()).await).await {
        let one =
            rows(&engine, "SELECT max(session_id) FROM session_events WHERE session_id LIKE 'ASIA%'").await.remove(0);
        let mut found = 0;
        for filter in [
            "session_id IS NULL",
            "session_id IS NULL AND identity_type = 'AssumedRole'",
            "reason IS NOT NULL",
            "origin LIKE '%a%' AND event_source = 's3.amazonaws.com'",
            "origin_class = 'human' OR session_name LIKE 'i-%'",
            "origin_class IS DISTINCT FROM 'service'",
            "coalesce(session_id, event_id) > 'B'",
            "coalesce(session_id, 'none') = 'none'",
            "link_method = 'creation'",
            "chain_depth >= 2 AND error_code IS NOT NULL",
            "session_id IN (SELECT session_id FROM sessions WHERE chain_depth > 1)",
            "session_id NOT IN (SELECT session_id FROM sessions WHERE chain_depth = 1)",
            "session_id = (SELECT max(session_id) FROM sessions WHERE event_count > 5)",
            "session_id <> root_session_id",
            "length(origin) = chain_depth",
            "false",
            &format!("session_id = '{one}'"),
            &format!("session_id = '{one}' AND event_date >= DATE '2020-01-01'"),
            &format!("root_session_id = '{one}' OR session_id = '{one}'"),
        ] {
            let pushed = format!("SELECT event_id, event_name, {COLUMNS} FROM linked_events WHERE {filter}");
            // A limit keeps filters from going further down.
            let behind = pushed.replace("FROM linked_events", "FROM (SELECT * FROM linked_events LIMIT 10000000)");
            let pushed = rows(&engine, &pushed).await;
            assert_eq!(pushed, rows(&engine, &behind).await, "{how}: {filter}");
            found += usize::from(!pushed.is_empty());
        }
        assert!(found >= 12, "{how}: {found}");
    }
}

/// No side of it is collected, so that it does with less memory than the answer takes.
#[tokio::test(flavor = "multi_thread")]
async fn calls_of_all_sessions_need_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { memory: Some(3 << 20), ..Setup::default() };
    let engine = Engine::over_lake(&lake(folder.path()).await, &Filters::default(), setup).await.unwrap();
    let all = rows(&engine, "SELECT e.* FROM session_events e").await;
    let sums = "SELECT origin, event_name, count(*) FROM session_events GROUP BY 1, 2";
    assert!(all.len() > 1000 && !rows(&engine, sums).await.is_empty());
    let with = "SELECT e.event_id, s.session_id FROM session_events e JOIN sessions s ON s.session_id = e.session_id";
    assert_eq!(rows(&engine, with).await.len(), all.len());
}

/// A join whose sides do not fit is sorted and merged on disk instead.
#[tokio::test(flavor = "multi_thread")]
async fn joins_that_do_not_fit_come_to_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path()).await;
    let everything = Filters::default();
    let engine = |memory| Engine::over_lake(&lake, &everything, Setup { memory, ..Setup::default() });
    let (small, large) = (engine(Some(4 << 20)).await.unwrap(), engine(None).await.unwrap());
    for join in [
        "events a JOIN events b ON a.event_id = b.event_id",
        "events a LEFT JOIN events b ON a.shared_event_id = b.shared_event_id AND a.event_id <> b.event_id",
        "events a WHERE a.user_agent IN (SELECT b.user_agent FROM events b WHERE b.request_parameters LIKE '%role%')",
        "events a WHERE NOT EXISTS (SELECT 1 FROM events b WHERE b.event_id > a.event_id AND b.user_agent = a.user_agent)",
    ] {
        let all = format!("SELECT a.event_id, a.request_parameters FROM {join}");
        assert_eq!(rows(&small, &all).await, rows(&large, &all).await, "{join}");
    }
}
