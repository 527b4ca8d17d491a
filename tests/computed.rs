//! Tables that were computed and written down: they answer as linking does, for that lake and that configuration alone.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{Duration, Utc};
use futures::TryStreamExt;
use rolecall::config::Config;
use rolecall::ingest::{Plan, ingest};
use rolecall::lake::maintain::vacuum;
use rolecall::lake::store::{Lake, LakeOptions};
use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::schema::COMPUTED;
use rolecall::sql::session::Engine;
use rolecall::sql::setup::Setup;

/// What is asked; rows come in the order in which they are.
fn questions() -> Vec<String> {
    // Callers are numbered as they are read; all other rows stand in an order that the data alone decides.
    let order = |name| if name == "session_links" { " ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9" } else { "" };
    let all = COMPUTED.iter().map(|table| format!("SELECT * FROM {}{}", table.name, order(table.name)));
    let mut questions: Vec<String> = all.collect();
    for more in [
        "SELECT count(*) FROM sessions",
        "SELECT chain_path, used_ips, session_id FROM sessions WHERE chain_depth > 1",
        "SELECT e.* FROM linked_events e ORDER BY event_id, recipient_account_id",
        "SELECT event_id, origin FROM session_events WHERE origin_class = 'human' ORDER BY event_id, origin",
        "SELECT event_id, reason FROM unlinked ORDER BY event_id, reason",
        "SELECT s.role_arn, count(*) FROM sessions s JOIN session_events e ON e.session_id = s.session_id GROUP BY 1 ORDER BY 1",
    ] {
        questions.push(more.to_owned());
    }
    questions
}

async fn fill(place: &Path, part: &str) {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs").join(part);
    let source = Source::open(logs.to_str().unwrap(), &S3Options::default()).await.unwrap();
    let plan = Plan::new(vec![source], place.to_str().unwrap());
    ingest(plan, &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
}

async fn engine(place: &Path, config: &str) -> Engine {
    let lake = Lake::open(place.to_str().unwrap(), &LakeOptions::default()).await.unwrap();
    let config: Config = toml::from_str(&format!("version = 1\n{config}")).unwrap();
    Engine::over_lake(&lake, &Filters::default(), Setup::of(&config).unwrap()).await.unwrap()
}

async fn answers(engine: &Engine) -> Vec<Vec<String>> {
    let mut answers = Vec::new();
    for question in questions() {
        let batches: Vec<_> = engine.query(&question, Vec::new()).await.unwrap().try_collect().await.unwrap();
        let options = FormatOptions::default().with_null("-");
        let mut rows = vec![question];
        for batch in batches {
            let cells: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
            let row = |row| cells.iter().map(|cell| cell.value(row).to_string()).collect::<Vec<_>>().join("|");
            rows.extend((0..batch.num_rows()).map(row));
        }
        answers.push(rows);
    }
    answers
}

fn written(place: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(place.join("_computed")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The tables that linking reads out of the way, and back again.
fn hide(place: &Path, hidden: bool) {
    for table in ["credential_calls", "activity"] {
        for entry in walkdir::WalkDir::new(place.join(table)).into_iter().flatten() {
            let path = entry.path().to_str().unwrap();
            match path.strip_suffix(".hidden") {
                Some(shown) if !hidden => std::fs::rename(path, shown).unwrap(),
                None if hidden && path.ends_with(".parquet") => {
                    std::fs::rename(path, format!("{path}.hidden")).unwrap();
                }
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_linked_once_is_read_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    fill(&place, "AWSLogs/o-juniper4rc/210000000001").await;
    let first = engine(&place, "").await;
    let linked = answers(&first).await;
    assert!(linked.iter().filter(|rows| rows.len() > 1).count() >= 12);
    // A small lake is linked faster than it is read.
    first.write_down(1_000_000).await;
    assert!(written(&place).is_empty());
    first.write_down(0).await;
    let files = written(&place);
    assert_eq!(files.len(), COMPUTED.len(), "{files:?}");

    // Nobody needs what they were made of.
    hide(&place, true);
    assert_eq!(answers(&engine(&place, "").await).await, linked);
    // Who knows the organisation does: origins may be of another class.
    let known = engine(&place, "[[account]]\nid = '210000000001'\nname = 'first'\n").await;
    assert!(known.query("SELECT count(*) FROM sessions", Vec::new()).await.is_err());
    hide(&place, false);

    // A lake that holds more is another one; what was written down of it before goes.
    fill(&place, "").await;
    let second = engine(&place, "").await;
    let more = answers(&second).await;
    assert!(more[0].len() > linked[0].len());
    second.write_down(0).await;
    assert!(written(&place).len() == COMPUTED.len() && written(&place).iter().all(|file| !files.contains(file)));
    assert_eq!(answers(&engine(&place, "").await).await, more);

    // A file that is broken is as good as none.
    for (place, file) in written(&place).iter().enumerate() {
        let whole = std::fs::read(file).unwrap();
        std::fs::write(file, if place % 2 == 0 { &whole[..whole.len() / 2] } else { b"" }).unwrap();
    }
    let third = engine(&place, "").await;
    assert_eq!(answers(&third).await, more);
    third.write_down(0).await;
    hide(&place, true);
    assert_eq!(answers(&engine(&place, "").await).await, more);
    hide(&place, false);

    // They are upkeep's, like all that can be made again.
    let mut lake = Lake::open(place.to_str().unwrap(), &LakeOptions::default()).await.unwrap();
    vacuum(&mut lake, 7, Utc::now() + Duration::days(6)).await.unwrap();
    assert_eq!(written(&place).len(), COMPUTED.len());
    let removed = vacuum(&mut lake, 7, Utc::now() + Duration::days(8)).await.unwrap();
    assert!(written(&place).is_empty() && removed.iter().any(|r| r.table == "_computed" && r.files == 9));
    assert_eq!(answers(&engine(&place, "").await).await, more);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_is_answered_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    fill(&place, "AWSLogs/o-juniper4rc/210000000001").await;
    // Nobody can make a folder of a file.
    std::fs::write(place.join("_computed"), "in the way").unwrap();
    let first = engine(&place, "").await;
    let linked = answers(&first).await;
    first.write_down(0).await;
    assert_eq!(answers(&engine(&place, "").await).await, linked);
    // One session's story, or a part of the time, is not all of them.
    std::fs::remove_file(place.join("_computed")).unwrap();
    let one = engine(&place, "").await;
    _ = one.query("SELECT * FROM sessions WHERE session_id = 'ASIAZZZZZZZZZZZZZZZZ'", Vec::new()).await.unwrap();
    one.write_down(0).await;
    let lake = Lake::open(place.to_str().unwrap(), &LakeOptions::default()).await.unwrap();
    let span = Engine::over_span(&lake, &Filters::default(), Setup::default(), Some((0, i64::MAX - 1))).await.unwrap();
    answers(&span).await;
    span.write_down(0).await;
    assert!(written(&place).is_empty());
}
