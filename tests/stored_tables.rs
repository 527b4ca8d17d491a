//! What a scan of the lake leaves unread holds nothing that was asked for: every filter beside itself put where it cannot go down.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use rolecall::lake::store::LakeOptions;
use rolecall::source::Filters;
use rolecall::sql::session::Engine;
use serde_json::Value;

use crate::cli::path;
use crate::ingest::{issue, object, put, take, walk};
use crate::linked_events::rows;

/// Six runs over three days, in two accounts; each makes a file a day.
async fn many_files(logs: &Path, lake: &Path) {
    for n in 0_u32..6 {
        let day = ["2026-10-31", "2026-11-01", "2026-11-02"][n as usize % 3];
        let records: Vec<Value> = (0..40)
            .map(|k| {
                let mut record = issue(100 * n + k, &format!("{day}T{:02}:{:02}:00Z", 3 * n + k / 20, k));
                if n > 3 {
                    record["recipientAccountId"] = "333333333333".into();
                }
                if k % 7 == 0 {
                    record["errorCode"] = "AccessDenied".into();
                }
                record
            })
            .collect();
        take(&put(logs, day, &format!("{n:02}05Z_aaaaaaaaaaaaaaaa"), &object(&records)), lake).await;
    }
}

const FILTERS: [&str; 20] = [
    "event_date = DATE '2026-11-01'",
    "event_date > DATE '2026-10-31' AND event_date <> DATE '2026-11-02'",
    "CAST(event_date AS VARCHAR) LIKE '2026-11%'",
    "extract(day FROM event_date) = 31 OR event_date IN (DATE '2026-11-02')",
    "event_date IS NULL",
    "event_date = DATE '2026-11-01' OR recipient_account_id = '333333333333'",
    "event_time >= '2026-11-01T12:00:00Z'",
    "event_time BETWEEN '2026-10-31T03:05:00Z' AND '2026-10-31T03:07:00Z'",
    "recipient_account_id = '333333333333'",
    "recipient_account_id <> '333333333333'",
    "recipient_account_id IN ('333333333333', '1')",
    "recipient_account_id IS NULL",
    "error_code IS NOT NULL",
    "error_code IS NULL AND event_name LIKE 'Assume%'",
    "event_source = 'nowhere.amazonaws.com'",
    "event_id > 'a' AND event_id < 'f'",
    "access_key_id LIKE 'ASIA%' AND event_time < '2026-11-01T00:00:00Z'",
    "source_object LIKE '%0305Z%'",
    "length(event_name) > 3 AND event_date < DATE '2026-11-02'",
    "random() < 2 AND event_date = DATE '2026-11-02'",
];

async fn hold(lake: &Path) {
    let engine = Engine::open_lake(path(lake), &LakeOptions::default(), &Filters::default()).await.unwrap();
    let mut found = 0;
    for filter in FILTERS {
        let pushed =
            rows(&engine, &format!("SELECT event_id, event_date, event_time FROM events WHERE {filter}")).await;
        let behind = format!(
            "SELECT event_id, event_date, event_time FROM (SELECT * FROM events LIMIT 10000000) WHERE {filter}"
        );
        assert_eq!(pushed, rows(&engine, &behind).await, "{filter}");
        found += usize::from(!pushed.is_empty());
    }
    assert!(found >= 14, "{found}");
    let latest = "SELECT event_id, event_time FROM events ORDER BY event_time DESC, event_id LIMIT 5";
    let all = "SELECT event_id, event_time FROM (SELECT * FROM events LIMIT 10000000) ORDER BY 2 DESC, 1 LIMIT 5";
    assert_eq!(rows(&engine, latest).await, rows(&engine, all).await);
    assert_eq!(rows(&engine, "SELECT count(*) FROM events").await, ["240"]);
    assert_eq!(rows(&engine, "SELECT * FROM events WHERE event_date = DATE '2026-11-01' LIMIT 3").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_unread_was_not_asked_for() {
    let (logs, lake) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    many_files(logs.path(), lake.path()).await;
    hold(lake.path()).await;
}

/// Columns that another program may have renamed are read by Delta's own scan.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_another_program_has_touched_answers_the_same() {
    let (logs, lake) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    many_files(logs.path(), lake.path()).await;
    let log = lake.path().join("events/_delta_log");
    let commits = || walk(&log).into_iter().filter(|file| file.extension().is_some_and(|e| e == "json"));
    let mut touched = 0;
    for commit in commits() {
        let text = std::fs::read_to_string(&commit).unwrap();
        let lines = text.lines().map(|line| {
            let mut action: Value = serde_json::from_str(line).unwrap();
            if let Some(metadata) = action.get_mut("metaData") {
                metadata["configuration"]["delta.columnMapping.mode"] = "none".into();
                touched += 1;
            }
            action.to_string()
        });
        let lines: Vec<String> = lines.collect();
        std::fs::write(&commit, lines.join("\n")).unwrap();
    }
    assert_eq!(touched, 1);
    hold(lake.path()).await;
}
