//! What bears on a question is linked alone as it is among everything: each session, and each person's and address's sessions.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::Path;

use arrow::json::ArrayWriter;
use futures::TryStreamExt;
use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::linked::Asked;
use rolecall::sql::session::Engine;
use serde_json::Value;

async fn rows(engine: &Engine, sql: &str) -> Vec<Value> {
    let batches: Vec<_> = engine.query(sql, Vec::new()).await.unwrap().try_collect().await.unwrap();
    let mut writer = ArrayWriter::new(Vec::new());
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    let bytes = writer.into_inner();
    if bytes.is_empty() { Vec::new() } else { serde_json::from_slice(&bytes).unwrap() }
}

fn by_id(rows: Vec<Value>) -> BTreeMap<String, Value> {
    rows.into_iter().map(|row| (row["session_id"].as_str().unwrap().to_owned(), row)).collect()
}

/// Sessions as everything shows them, then again with each of `asked` alone; `bears` says which must be there.
async fn alone(logs: &str, most: usize) {
    let source = Source::open(logs, &S3Options::default()).await.unwrap();
    let engine = Engine::open_logs(vec![source], &Filters::default()).await.unwrap();
    let all = by_id(rows(&engine, "SELECT * FROM sessions").await);
    assert!(!all.is_empty());
    let uses = "SELECT session_id, ip, user_agent, event_count FROM session_addresses ORDER BY 1, 2, 3, 4";
    let all_uses = rows(&engine, uses).await;
    let everything = Asked { everything: true, ..Asked::default() };
    let texts = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
    let step = all.len().div_ceil(most).max(1);
    for (id, row) in all.iter().step_by(step) {
        let below: Vec<&String> = all
            .iter()
            .filter(|(_, other)| other["ancestor_ids"].as_array().is_some_and(|ids| ids.iter().any(|one| one == id)))
            .map(|(id, _)| id)
            .collect();
        let origin = texts(row, "origin");
        let same: Vec<&String> = all
            .iter()
            .filter(|(_, other)| origin.is_some() && texts(other, "origin") == origin)
            .map(|(id, _)| id)
            .collect();
        let ip = row["used_ips"].as_array().and_then(|ips| ips.first()).and_then(Value::as_str).map(str::to_owned);
        let there: Vec<&String> = all
            .iter()
            .filter(|(_, other)| {
                let used = other["used_ips"].as_array();
                ip.is_some()
                    && (used.is_some_and(|ips| ips.iter().any(|one| one.as_str() == ip.as_deref()))
                        || texts(other, "issued_ip") == ip
                        || texts(other, "requester_ip") == ip)
            })
            .map(|(id, _)| id)
            .collect();
        let questions = [
            (Asked { sessions: [id.clone()].into(), ..Asked::default() }, below),
            (Asked { names: origin.iter().cloned().collect(), ..Asked::default() }, same),
            (Asked { places: ip.iter().cloned().collect(), ..Asked::default() }, there),
        ];
        for (asked, bears) in questions {
            engine.look_at(&everything).await.unwrap();
            engine.look_at(&asked).await.unwrap();
            let some = by_id(rows(&engine, "SELECT * FROM sessions").await);
            let own = [id.clone()];
            let must = bears.into_iter().chain(own.iter().filter(|_| !asked.sessions.is_empty()));
            for id in must {
                assert_eq!(some.get(id), all.get(id), "{asked:?}");
                for above in all[id]["ancestor_ids"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    assert_eq!(some.get(above), all.get(above), "{asked:?}, above {id}");
                }
                let of =
                    |all: &[Value]| all.iter().filter(|use_| use_["session_id"] == *id).cloned().collect::<Vec<_>>();
                assert_eq!(of(&rows(&engine, uses).await), of(&all_uses), "{asked:?}, uses of {id}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_the_sample_day_are_the_same_alone() {
    alone(concat!(env!("CARGO_MANIFEST_DIR"), "/sample-logs"), 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_real_logs_are_the_same_alone() {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/real/invictus-ir+aws_dataset");
    if !logs.is_dir() {
        eprintln!("the real logs are not beside the project: nothing was linked");
        return;
    }
    alone(&logs.to_string_lossy(), 8).await;
}
