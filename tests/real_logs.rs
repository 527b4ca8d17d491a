//! Real logs, where they stand beside the project: what linking finds in them was counted by hand.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt;
use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::session::Engine;

/// The folder of real logs, where it stands.
fn real(set: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/real").join(set);
    if !folder.exists() {
        println!("skipped: no real logs beside the project");
        return None;
    }
    Some(folder.to_string_lossy().into_owned())
}

async fn ask(engine: &Engine, sql: &str) -> Vec<RecordBatch> {
    engine.query(sql, Vec::new()).await.unwrap().try_collect().await.unwrap()
}

async fn number(engine: &Engine, sql: &str) -> i64 {
    let batches = ask(engine, sql).await;
    let column = arrow::compute::cast(batches[0].column(0), &DataType::Int64).unwrap();
    column.as_primitive::<Int64Type>().value(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stratus_run_of_2023_is_linked_as_counted_by_hand() {
    let Some(folder) = real("invictus-ir+aws_dataset") else { return };
    let source = Source::open(&folder, &S3Options::default()).await.unwrap();
    let engine = Engine::open_logs(vec![source], &Filters::default()).await.unwrap();
    assert_eq!(number(&engine, "SELECT count(*) FROM events").await, 2900);
    assert_eq!(number(&engine, "SELECT sum(records) FROM ledger").await, 2900);
    let assumed = "event_source = 'sts.amazonaws.com' AND event_name = 'AssumeRole'";
    assert_eq!(number(&engine, &format!("SELECT count(*) FROM events WHERE {assumed}")).await, 49);
    let denied = "SELECT count(*) FROM failures WHERE api = 'AssumeRole' AND role_arn IS NOT NULL";
    assert_eq!(number(&engine, denied).await, 13);
    let issued = "SELECT count(*) FROM sessions WHERE issue_seen AND link_method";
    assert_eq!(number(&engine, &format!("{issued} = 'key'")).await, 8);
    let by_creation = "SELECT count(*) FROM session_events WHERE access_key_id IS NULL AND link_method = 'creation'";
    assert_eq!(number(&engine, by_creation).await, 2);
    assert_eq!(number(&engine, "SELECT count(*) FROM unlinked WHERE reason = 'ambiguous'").await, 4);
    assert_eq!(number(&engine, "SELECT count(*) FROM unlinked").await, 4);
}

#[test]
fn a_stratus_run_of_2023_is_reported_as_it_was() {
    let Some(folder) = real("invictus-ir+aws_dataset") else { return };
    let place = tempfile::tempdir().unwrap();
    let lake = place.path().join("lake").display().to_string();
    let rolecall = |arguments: &[&str]| {
        let mut command = assert_cmd::cargo::cargo_bin_cmd!("rolecall");
        let output = command.args(arguments).args(["--lake", &lake]).env_remove("ROLECALL_CONFIG").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    rolecall(&["ingest", &folder, "--quiet"]);
    let findings = rolecall(&["report", "--night", "2023-07-10", "--format", "ndjson"]);
    let findings: Vec<serde_json::Value> = findings.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str| findings.iter().filter(|finding| finding["detection"] == id).collect::<Vec<_>>();
    // The stolen instance session is told once by its addresses and once by its neighbour.
    for id in ["CTAR-013", "CTAR-014"] {
        let sessions: Vec<_> = of(id).iter().map(|finding| finding["session_ids"].clone()).collect();
        assert_eq!(sessions, [serde_json::json!(["ASIATFQR7NSC36DZQP7P"])], "{id}");
    }
    let tampered = of("CTAR-030");
    assert!(
        tampered.iter().any(|finding| finding["session_ids"].to_string().contains("ASIATFQR7NSCVW2R4OHT")),
        "{tampered:?}"
    );
    // Thirteen refusals while roles were being made are nobody's guessing; and nothing here has external ids or names to mistake.
    for id in ["CTAR-031", "CTAR-036", "CTAR-037"] {
        assert!(of(id).is_empty(), "{id}: {:?}", of(id));
    }
}
