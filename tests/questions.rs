//! Runs every saved question over `sample-logs/` and holds the answer against `tests/golden/`.
//!
//! A question without a golden answer fails. `UPDATE_GOLDEN=1 cargo test --test all questions` writes them anew, to be read in the
//! diff.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use assert_cmd::cargo::cargo_bin_cmd;
use futures::StreamExt;
use rolecall::cli::output::{Format, Output, Target};
use rolecall::config::Config;
use rolecall::lake::store::{Lake, LakeOptions};
use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::library::Library;
use rolecall::sql::session::Engine;
use rolecall::sql::setup::Setup;

/// A question's parameters: name and value.
type Parameters = &'static [(&'static str, &'static str)];

/// Questions that need a parameter, and further answers worth keeping: the golden file's name, the question, the parameters.
const CASES: [(&str, &str, Parameters); 21] = [
    ("who-used-role.support-readonly", "who-used-role", &[("role", "support-readonly")]),
    ("sessions-named.support", "sessions-named", &[("name", "Support")]),
    ("what-person-did.finn", "what-person-did", &[("person", "finn.haas")]),
    ("role-addresses.legacy-sync", "role-addresses", &[("role", "legacy-sync")]),
    ("alive-at.theft", "alive-at", &[("at", "2026-11-18T13:50:00Z")]),
    ("who-came-from.thief", "who-came-from", &[("address", "203.0.113.0/24")]),
    ("what-changed.data", "what-changed", &[("account", "210000000007")]),
    ("durations.services", "durations", &[("include_services", "true")]),
    ("anonymous-networks.listed", "anonymous-networks", &[("networks", "203.0.113.0/24, 192.0.2.140/32")]),
    ("two-networks-at-once.within", "two-networks-at-once", &[("within", "30m")]),
    ("chain-of-session.theft", "chain-of-session", &[("session", "ASIATBZHZWQCFBY6PI5S")]),
    ("reachable-from.hub", "reachable-from", &[("principal", "ci-hub")]),
    ("reachable-from.instance", "reachable-from", &[("principal", "ec2.amazonaws.com"), ("max_hops", "2")]),
    ("who-reaches-role.archive", "who-reaches-role", &[("role", "archive-reader")]),
    ("name-patterns.two", "name-patterns", &[("min_sessions", "2")]),
    ("new-edges.theft", "new-edges", &[("since", "2026-11-18T13:30:00Z")]),
    ("new-regions.theft", "new-regions", &[("since", "2026-11-18T12:00:00Z")]),
    ("external-ids.shown", "external-ids", &[("show", "true")]),
    ("source-identity-actions.elif", "source-identity-actions", &[("source_identity", "elif.santos@example.com")]),
    ("old-tls.strict", "old-tls", &[("minimum", "TLSv1.3")]),
    ("unused-roles.listed", "unused-roles", &[("roles", "arn:aws:iam::210000000006:role/forgotten"), ("unused", "6h")]),
];
/// What is answered otherwise by an organisation's knowledge about itself: asked with tests/enrichment/rolecall.toml.
const KNOWING: [(&str, &str, Parameters); 8] = [
    ("callers-without-logs.known", "callers-without-logs", &[]),
    ("foreign-vpc-endpoints.known", "foreign-vpc-endpoints", &[]),
    ("look-alike-names.known", "look-alike-names", &[]),
    ("outside-accounts.known", "outside-accounts", &[]),
    ("role-addresses.known", "role-addresses", &[("role", "legacy-app")]),
    ("two-networks-at-once.known", "two-networks-at-once", &[("within", "30m")]),
    ("without-external-id.known", "without-external-id", &[]),
    ("without-mfa.known", "without-mfa", &[("tier", "1")]),
];
/// They answer nothing without a parameter.
const NEED_A_PARAMETER: [&str; 7] = [
    "chain-of-session",
    "reachable-from",
    "sessions-named",
    "source-identity-actions",
    "what-person-did",
    "who-came-from",
    "who-reaches-role",
];
/// What the sample day holds nothing of, without a parameter; and a name that is the person's own, once the organisation says so.
const EMPTY: [&str; 3] = ["anonymous-networks", "new-regions", "look-alike-names.known"];

/// Which of an event's deliveries is kept is not told, so neither is what depends on it: question and columns.
const UNSETTLED: [(&str, &[&str]); 2] =
    [("coverage", &["worst_lateness_seconds"]), ("coverage-by-hour", &["files", "lag_p95"])];

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn stems(folder: &Path, ending: &str) -> BTreeSet<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

/// Bytes that two hold on to: the output, and who reads it afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The answer to a question, one JSON object a row.
pub async fn ndjson(engine: &Engine, library: &Library, question: &str, parameters: &[(&str, &str)]) -> String {
    asked(engine, library, question, parameters, Format::Ndjson).await
}

async fn asked(
    engine: &Engine,
    library: &Library,
    question: &str,
    parameters: &[(&str, &str)],
    format: Format,
) -> String {
    let query = library.get(question).unwrap();
    let given: Vec<_> = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut answer = engine.query(&query.sql, query.bind(&given).unwrap()).await.unwrap();
    let shared = Shared::default();
    let mut output = Output::new(format, &answer.schema(), Target::new(shared.clone()), None).unwrap();
    while let Some(batch) = answer.next().await {
        output.write(&batch.unwrap()).unwrap();
    }
    output.finish().unwrap();
    let bytes = shared.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The answer with a star in the columns that are not settled.
fn settled(question: &str, answer: &str) -> String {
    let Some((_, columns)) = UNSETTLED.iter().find(|(name, _)| *name == question) else { return answer.to_owned() };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.as_bytes());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut hidden = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.unwrap();
        if row == 0 {
            hidden = record.iter().map(|name| columns.contains(&name)).collect();
        }
        let cells = record.iter().zip(&hidden).map(|(cell, hide)| if row > 0 && *hide { "*" } else { cell });
        writer.write_record(cells).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// A lake of the sample logs.
fn ingested() -> tempfile::TempDir {
    let lake = tempfile::tempdir().unwrap();
    let arguments = ["ingest", "sample-logs", "--quiet", "--lake", lake.path().to_str().unwrap()];
    let output = cargo_bin_cmd!("rolecall").current_dir(project()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    lake
}

#[tokio::test]
async fn every_question_has_its_golden_answer() {
    let questions = stems(&project().join("queries/ask"), ".sql");
    let mut cases: Vec<(String, String, Parameters)> = questions
        .iter()
        .filter(|name| !NEED_A_PARAMETER.contains(&name.as_str()))
        .map(|name| (name.clone(), name.clone(), [].as_slice()))
        .collect();
    let owned =
        |(golden, question, parameters): (&str, &str, Parameters)| (golden.to_owned(), question.to_owned(), parameters);
    cases.extend(CASES.map(owned));
    let ignorant = cases.len();
    cases.extend(KNOWING.map(owned));
    let known: BTreeSet<_> = cases.iter().map(|(_, question, _)| question.clone()).collect();
    assert_eq!(known, questions, "every question of queries/ask is asked, and no other");

    let folder = project().join("tests/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let library = Library::builtin().unwrap();
    let (lake, filters) = (ingested(), Filters::default());
    let location = lake.path().to_str().unwrap();
    let logs = Source::open(project().join("sample-logs").to_str().unwrap(), &S3Options::default()).await.unwrap();
    let config = Config::load(Some(&project().join("tests/enrichment/rolecall.toml"))).unwrap();
    let opened = Lake::open(location, &LakeOptions::default()).await.unwrap();
    let knowing = [
        ("the lake", Engine::over_lake(&opened, &filters, Setup::of(&config).unwrap()).await.unwrap()),
        ("the logs", Engine::over_logs(vec![logs.clone()], &filters, Setup::of(&config).unwrap()).await.unwrap()),
    ];
    let engines = [
        ("the lake", Engine::open_lake(location, &LakeOptions::default(), &filters).await.unwrap()),
        ("the logs", Engine::open_logs(vec![logs], &filters).await.unwrap()),
    ];
    let mut wrong = Vec::new();
    for (place, (golden, question, parameters)) in cases.iter().enumerate() {
        let file = folder.join(format!("{golden}.csv"));
        for (what, engine) in if place < ignorant { &engines } else { &knowing } {
            let got = settled(question, &asked(engine, &library, question, parameters, Format::Csv).await);
            if got.lines().count() < 2 && !EMPTY.contains(&golden.as_str()) {
                wrong.push(format!("{golden}: the sample day does not answer it"));
            }
            if update && *what == "the lake" {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &got).unwrap();
            }
            let want = std::fs::read_to_string(&file).unwrap_or_default();
            if got != want {
                let line = got.lines().zip(want.lines()).position(|(a, b)| a != b);
                let line = line.unwrap_or_else(|| got.lines().count().min(want.lines().count()));
                let show = |text: &str| text.lines().nth(line).unwrap_or("(no line)").to_owned();
                let place = format!("{golden}.csv:{}, asked of {what}", line + 1);
                wrong.push(format!("{place}\n  golden: {}\n  answer: {}", show(&want), show(&got)));
            }
        }
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDEN=1 writes them anew\n{}", wrong.join("\n"));
    let expected: BTreeSet<_> = cases.iter().map(|(golden, _, _)| golden.clone()).collect();
    assert_eq!(stems(&folder, ".csv"), expected, "a golden answer without its question");
}

/// The sample logs are what their generator writes. Needs Python, and says so where there is none.
#[test]
fn sample_logs_are_the_generators() {
    let check = Command::new("python3").current_dir(project()).args(["tests/make_sample_logs.py", "--check"]).output();
    let Ok(output) = check else {
        eprintln!("skipped: no python3 on this machine");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
