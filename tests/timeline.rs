//! `rolecall timeline` from outside: the theft of the sample day from every side, the case folder, and its page in a browser.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;

use crate::browser::{self, Browser};

/// What the thief had: the stolen session, the two roles taken with it. `sample-logs/README.md` tells the day.
struct Theft {
    stolen: String,
    taken: Vec<String>,
    planted: String,
}

fn rolecall(arguments: &[&str]) -> (i32, String, String) {
    let mut command = cargo_bin_cmd!("rolecall");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).env("COLUMNS", "120");
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The sample logs in a lake, made once.
static LAKE: LazyLock<(tempfile::TempDir, String)> = LazyLock::new(|| {
    let place = tempfile::tempdir().unwrap();
    let lake = place.path().join("lake").display().to_string();
    let (code, _, error) = rolecall(&["ingest", "sample-logs", "--lake", &lake, "--quiet"]);
    assert_eq!(code, 0, "{error}");
    (place, lake)
});

fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn ask(sql: &str) -> Vec<BTreeMap<String, String>> {
    let (code, out, error) = rolecall(&["sql", sql, "--lake", &LAKE.1, "--format", "csv"]);
    assert_eq!(code, 0, "{error}");
    rows(&out)
}

static THEFT: LazyLock<Theft> = LazyLock::new(|| {
    let of = |sql: &str| ask(sql).into_iter().map(|row| row["session_id"].clone()).collect::<Vec<_>>();
    let stolen =
        of("SELECT session_id FROM sessions WHERE role_name = 'legacy-app' AND array_has(used_ips, '203.0.113.77')");
    let taken = of("SELECT session_id FROM sessions WHERE issued_ip = '203.0.113.77' ORDER BY issued_at");
    let planted = ask(
        "SELECT access_key_id AS session_id FROM events WHERE source_ip_address = '203.0.113.91' AND access_key_id LIKE 'AKIA%' LIMIT 1",
    );
    assert_eq!((stolen.len(), taken.len()), (1, 2));
    Theft { stolen: stolen[0].clone(), taken, planted: planted[0]["session_id"].clone() }
});

fn folder(anchor: &str, more: &[&str]) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let place = tempfile::tempdir().unwrap();
    let case = place.path().join("case");
    let mut arguments = vec!["timeline", anchor, "--lake", &LAKE.1, "--out", case.to_str().unwrap(), "--quiet"];
    arguments.extend(more);
    let (code, _, error) = rolecall(&arguments);
    assert_eq!((code, error.as_str()), (0, ""), "{anchor}");
    (place, files(&case))
}

fn files(case: &Path) -> BTreeMap<String, String> {
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
    };
    std::fs::read_dir(case).unwrap().map(entry).collect()
}

#[test]
fn the_theft_is_whole_from_every_side() {
    let theft = &*THEFT;
    let mut anchors: Vec<&str> = vec![&theft.stolen, &theft.planted, "203.0.113.77", "203.0.113.64/28"];
    anchors.extend(theft.taken.iter().map(String::as_str));
    for anchor in anchors {
        let (_place, files) = folder(anchor, &[]);
        let sessions = rows(&files["sessions.csv"]);
        let found: BTreeMap<&str, &str> =
            sessions.iter().map(|row| (row["session_id"].as_str(), row["party"].as_str())).collect();
        assert_eq!(found.get(theft.stolen.as_str()), Some(&"both"), "{anchor}: {found:?}");
        for taken in &theft.taken {
            assert_eq!(found.get(taken.as_str()), Some(&"other"), "{anchor}: {found:?}");
        }
        let stray: Vec<_> = found
            .iter()
            .filter(|(id, party)| **party != "owner" && **id != theft.stolen && !theft.taken.iter().any(|t| t == **id))
            .collect();
        assert!(stray.is_empty(), "{anchor}: {stray:?}");
        assert!(files["iocs.csv"].contains("203.0.113.77") && files["iocs.csv"].contains(&theft.planted), "{anchor}");
    }
}

#[test]
fn the_stolen_session_is_split_at_its_first_strange_call() {
    let (_place, files) = folder(&THEFT.stolen, &[]);
    let sessions = rows(&files["sessions.csv"]);
    let stolen = sessions.iter().find(|row| row["session_id"] == THEFT.stolen).unwrap();
    assert_eq!(stolen["split_at"], "2026-11-18T13:41:52Z");
    assert_eq!((stolen["owner_ips"].as_str(), stolen["other_ips"].as_str()), ("198.51.100.30", "203.0.113.77"));
    let events: Vec<Value> = files["timeline.jsonl"].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in
        events.iter().filter(|event| event["session_id"] == THEFT.stolen.as_str() && event["source_ip"].is_string())
    {
        let other = event["source_ip"] == "203.0.113.77";
        assert_eq!(event["party"] == "other", other, "{event}");
    }
    let first = events.iter().find(|event| event["party"] == "other").unwrap();
    assert_eq!(first["datetime"], "2026-11-18T13:41:52.000000+00:00");
}

#[test]
fn one_screen_tells_it() {
    let at = "2026-11-18T14:10:00Z";
    let (code, screen, error) =
        rolecall(&["timeline", &THEFT.stolen, "--lake", &LAKE.1, "--at", at, "--format", "table"]);
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(screen.lines().count() <= 40, "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 120), "{screen}");
    let flowing = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "was used from 203.0.113.77",
        "2026-11-18T13:41:52Z",
        "Confidence: high",
        &THEFT.planted,
        "aws:TokenIssueTime",
        "To do, in this order",
        "innocent session",
        "Not to be seen",
        "legacy-sync",
        "archive-reader",
    ] {
        assert!(flowing.contains(words), "{words}:\n{screen}");
    }
}

#[test]
fn the_folder_holds_what_it_says_and_stays_the_same() {
    let (_one, first) = folder(&THEFT.stolen, &[]);
    let (_two, second) = folder(&THEFT.stolen, &[]);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "edges.csv",
            "family.csv",
            "graph.mmd",
            "iocs.csv",
            "manifest.json",
            "queries.sql",
            "report.html",
            "report.md",
            "sessions.csv",
            "timeline.csv",
            "timeline.jsonl"
        ]
    );
    for (name, text) in &first {
        assert!(text == &second[name], "{name} differs");
        assert!(!text.contains("sentence that says so"), "{name} holds a session token");
    }
    let manifest: Value = serde_json::from_str(&first["manifest.json"]).unwrap();
    let outputs = manifest["outputs"].as_object().unwrap();
    assert_eq!(outputs.len(), names.len() - 1);
    for (name, hash) in outputs {
        use sha2::Digest;
        let bytes = sha2::Sha256::digest(first[name].as_bytes());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, &hex, "{name}");
    }
    assert!(
        manifest["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|input| input["sha256"].as_str().is_some_and(|hash| hash.len() == 64))
    );
    assert!(manifest["coverage"].as_array().is_some_and(|list| !list.is_empty()));
    // What was asked can be asked again.
    for statement in first["queries.sql"].split(';').map(str::trim).filter(|statement| statement.contains("SELECT")) {
        let sql: String = statement.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
        let about_nothing = statement.contains("Calls without a key");
        assert!(!ask(&sql).is_empty() || about_nothing, "{sql}");
    }
}

/// The rules of Timesketch's importer: the three fields in every row, one form of time, tags as a list, no field of its own.
#[test]
fn timesketch_takes_the_timeline() {
    let (_place, files) = folder(&THEFT.stolen, &[]);
    let mut lines = 0;
    for line in files["timeline.jsonl"].lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let fields = row.as_object().unwrap();
        for name in ["message", "datetime", "timestamp_desc"] {
            assert!(fields[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {line}");
        }
        let time = chrono::DateTime::parse_from_rfc3339(fields["datetime"].as_str().unwrap()).unwrap();
        assert_eq!(fields["timestamp"].as_i64(), Some(time.timestamp_micros()));
        assert!(fields["tag"].as_array().is_some_and(|tags| tags.iter().all(Value::is_string)));
        assert!(!fields.keys().any(|name| name.starts_with('_')), "{line}");
        assert!(fields.values().all(|value| value.as_str().is_none_or(|text| text.len() <= 32_766)));
        lines += 1;
    }
    let table = rows(&files["timeline.csv"]);
    assert_eq!(table.len(), lines);
    let form = regex::Regex::new(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}\+00:00$").unwrap();
    for row in table {
        assert!(form.is_match(&row["datetime"]) && !row["message"].is_empty() && !row["timestamp_desc"].is_empty());
        assert!(serde_json::from_str::<Vec<String>>(&row["tag"]).is_ok(), "{}", row["tag"]);
    }
}

#[test]
fn a_case_is_brought_up_to_date() {
    // The logs up to the theft; then the rest of the day, with what was done about it.
    let place = tempfile::tempdir().unwrap();
    let case = place.path().join("case");
    let case = case.to_str().unwrap();
    let (code, _, error) = rolecall(&[
        "timeline",
        &THEFT.stolen,
        "--lake",
        &LAKE.1,
        "--until",
        "2026-11-18T14:10:00Z",
        "--at",
        "2026-11-18T14:10:00Z",
        "--out",
        case,
        "--quiet",
    ]);
    assert_eq!(code, 0, "{error}");
    let update = || rolecall(&["timeline", "--case", case, "--lake", &LAKE.1, "--format", "table", "--quiet"]);
    let (code, screen, error) = update();
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(screen.contains("Since 2026-11-18T14:10:00Z:"), "{screen}");
    assert!(!screen.contains("not contained"), "{screen}");
    let report = std::fs::read_to_string(format!("{case}/report.md")).unwrap();
    assert!(report.contains("Since the case folder was first written"));
    let before = files(Path::new(case));
    assert_eq!(update().0, 0);
    assert!(before == files(Path::new(case)), "the second update changed something");
}

#[test]
fn a_redacted_folder_names_nobody() {
    let (_place, files) = folder(&THEFT.stolen, &["--redact"]);
    for (name, text) in &files {
        for secret in [
            "040000000008",
            "210000000007",
            &THEFT.stolen,
            &THEFT.planted,
            "198.51.100.30",
            "svc-reporting",
            "legacy-app",
        ] {
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
    }
    assert!(files["iocs.csv"].contains("203.0.113.77"), "what is the other's stays");
}

#[test]
fn what_is_not_found_is_said() {
    let (code, out, error) = rolecall(&["timeline", "legacy-ap", "--lake", &LAKE.1, "--quiet"]);
    assert_eq!((code, out.as_str()), (4, ""));
    assert!(error.contains("legacy-ap, taken for a name") && error.contains("near legacy-ap: legacy-app"), "{error}");
    let (code, _, error) = rolecall(&["timeline", "--lake", &LAKE.1]);
    assert_eq!(code, 2, "{error}");
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("mine.txt"), "x").unwrap();
    let (code, _, error) =
        rolecall(&["timeline", &THEFT.stolen, "--lake", &LAKE.1, "--out", place.path().to_str().unwrap()]);
    assert!(code == 2 && error.contains("holds something else"), "{error}");
    let finding = place.path().join("finding.json");
    std::fs::write(&finding, format!(r#"{{"Resource":{{"AccessKeyDetails":{{"AccessKeyId":"{}"}}}}}}"#, THEFT.stolen))
        .unwrap();
    let (code, screen, error) =
        rolecall(&["timeline", "--finding", finding.to_str().unwrap(), "--lake", &LAKE.1, "--format", "table"]);
    assert!(code == 0 && screen.contains(&THEFT.stolen), "{error}");
}

/// What a report found leads to the incident by its fingerprint, or the beginning of it.
#[test]
fn a_finding_is_an_anchor() {
    let place = tempfile::tempdir().unwrap();
    let lake = place.path().join("lake").display().to_string();
    assert_eq!(rolecall(&["ingest", "sample-logs", "--lake", &lake, "--quiet"]).0, 0);
    let unknown = "0123456789abcdef0123456789abcdef";
    let (code, _, error) = rolecall(&["timeline", unknown, "--lake", &lake, "--quiet"]);
    assert!(code == 4 && error.contains("taken for a finding") && !error.contains("near 0"), "{error}");
    let (code, _, error) =
        rolecall(&["report", "--night", "2026-11-18", "--lake", &lake, "--quiet", "--format", "ndjson"]);
    assert_eq!(code, 0, "{error}");
    let (code, out, error) = rolecall(&["findings", "list", "--lake", &lake, "--format", "ndjson"]);
    assert_eq!(code, 0, "{error}");
    let findings: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named = |finding: &&Value| finding["session_ids"].as_array().unwrap().iter().any(|id| id == &THEFT.stolen);
    let print = findings.iter().find(named).expect("a finding about the theft")["fingerprint"].as_str().unwrap();
    for anchor in [print, &print[..8]] {
        let case = place.path().join(format!("case-{anchor}"));
        let (code, screen, error) = rolecall(&[
            "timeline",
            anchor,
            "--lake",
            &lake,
            "--out",
            case.to_str().unwrap(),
            "--format",
            "table",
            "--quiet",
        ]);
        assert_eq!((code, error.as_str()), (0, ""), "{anchor}");
        assert!(screen.contains("was used from 203.0.113.77") && screen.lines().count() <= 40, "{screen}");
        let files = files(&case);
        let sessions = rows(&files["sessions.csv"]);
        let stolen = sessions.iter().find(|row| row["session_id"] == THEFT.stolen).unwrap();
        assert!(stolen["why"].starts_with(&format!("named by finding {}", &print[..12])), "{stolen:?}");
        // Asked again by the same fingerprint.
        assert_eq!(rolecall(&["timeline", "--case", case.to_str().unwrap(), "--lake", &lake, "--quiet"]).0, 0);
    }
    // Every finding of the report leads somewhere.
    for finding in &findings {
        let print = finding["fingerprint"].as_str().unwrap();
        let (code, _, error) = rolecall(&["timeline", print, "--lake", &lake, "--format", "table", "--quiet"]);
        assert_eq!(code, 0, "{finding}: {error}");
    }
    let mut almost = print.to_owned();
    almost.replace_range(5..6, if almost.as_bytes()[5] == b'0' { "1" } else { "0" });
    let (code, _, error) = rolecall(&["timeline", &almost, "--lake", &lake, "--quiet"]);
    assert!(code == 4 && error.contains(&format!("near {almost}: {print}")), "{error}");
}

#[test]
fn an_event_by_any_of_its_ids_leads_there() {
    let sql = "SELECT event_id, shared_event_id, request_id FROM events WHERE event_name = 'AssumeRole' AND error_code IS NULL \
               AND source_ip_address = '203.0.113.77' ORDER BY event_time, event_id LIMIT 1";
    let ids = ask(sql);
    for name in ["event_id", "shared_event_id", "request_id"] {
        let (code, screen, error) = rolecall(&["timeline", &ids[0][name], "--lake", &LAKE.1, "--format", "table"]);
        assert!(
            code == 0 && screen.contains(&THEFT.stolen) && screen.contains(&THEFT.taken[0]),
            "{name}: {error}{screen}"
        );
    }
}

/// Real logs of an instance's key stolen through the metadata service; <https://github.com/invictus-ir/aws_dataset>.
#[test]
fn a_real_theft_is_split_at_the_right_event() {
    let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/real/invictus-ir+aws_dataset");
    if !Path::new(logs).is_dir() {
        eprintln!("the real logs are not beside the project: nothing was split");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let case = place.path().join("case");
    let (code, _, error) =
        rolecall(&["timeline", "i-0dbc91f429e48eeed", "--logs", logs, "--out", case.to_str().unwrap(), "--quiet"]);
    assert_eq!(code, 0, "{error}");
    let files = files(&case);
    let of = |name: &str, id: &str| rows(&files[name]).into_iter().find(|row| row["session_id"] == id).unwrap();
    let stolen = of("sessions.csv", "ASIATFQR7NSC36DZQP7P");
    assert_eq!(stolen["split_at"], "2023-07-10T11:57:22Z");
    assert_eq!((stolen["party"].as_str(), stolen["other_ips"].as_str()), ("other", "192.168.10.20"));
    // The instance's own sessions are not part of it.
    assert_eq!(of("family.csv", "ASIATFQR7NSCSHSEVYP5")["party"], "owner");
}

/// Real detonations, one a file: from each key in it, what was done comes out whole, in the order of the record.
/// <https://github.com/DataDog/stratus-red-team>
#[test]
fn each_detonations_own_actions_come_out_in_order() {
    let logs =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/real/DataDog+stratus-red-team/docs/detonation-logs");
    let Ok(folder) = std::fs::read_dir(logs) else {
        eprintln!("the real logs are not beside the project: nothing was told");
        return;
    };
    let mut told = 0;
    for file in folder.map(|entry| entry.unwrap().path()) {
        let record: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        let mut expected: Vec<(String, String)> =
            record.iter().map(|event| (text(event, "eventTime"), text(event, "eventID"))).collect();
        expected.sort();
        // A sign-in has no key: whoever signed in is asked about.
        let caller = |event: &Value| {
            let identity = &event["userIdentity"];
            identity["accessKeyId"].as_str().or(identity["arn"].as_str()).unwrap().to_owned()
        };
        for anchor in record.iter().map(caller).collect::<BTreeSet<String>>() {
            let (code, out, error) =
                rolecall(&["timeline", &anchor, "--logs", file.to_str().unwrap(), "--format", "ndjson"]);
            assert_eq!(code, 0, "{}: {error}", file.display());
            let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert!(rows.is_sorted_by_key(|row| row["timestamp"].as_i64().unwrap()), "{}", file.display());
            // Beside the calls stand the ends of credentials, which no record tells.
            let calls: Vec<&str> = rows
                .iter()
                .filter(|row| row["timestamp_desc"] == "API Call Time" || row["timestamp_desc"] == "Session Issued")
                .filter_map(|row| row["event_id"].as_str())
                .collect();
            let ids: Vec<&str> = expected.iter().map(|(_, id)| id.as_str()).collect();
            assert_eq!(calls, ids, "{} from {anchor}", file.display());
        }
        told += 1;
    }
    assert!(told >= 35, "only {told} detonations");
}

#[test]
fn log_files_tell_the_same_story() {
    let stored = rolecall(&["timeline", &THEFT.stolen, "--lake", &LAKE.1, "--format", "table"]);
    let asked = rolecall(&["timeline", &THEFT.stolen, "--logs", "sample-logs", "--format", "table"]);
    assert_eq!(stored, asked);
}

#[test]
fn the_report_page_works_in_a_browser() {
    if !browser::is_there() {
        eprintln!("no chromedriver here: the report page was not looked at");
        return;
    }
    let (place, _) = folder(&THEFT.stolen, &[]);
    let page = place.path().join("case/report.html");
    let hostile = std::fs::read_to_string(&page).unwrap();
    // Every place that shows something of a log holds markup.
    let hostile = hostile.replace("\"legacy-app\"", r#""\"\u003e\u003cimg src=x onerror=document.title='run'\u003e\u003cscript\u003edocument.title='run'\u003c/script\u003e""#);
    std::fs::write(&page, hostile).unwrap();
    let browser = Browser::start(false);
    browser.open(&format!("file://{}", page.display()));
    let count = "document.getElementById('count').textContent";
    let all = browser.js(count).as_str().unwrap().to_owned();
    let number = |text: &str| text.split(' ').next().unwrap().replace(',', "").parse::<usize>().unwrap();
    assert!(number(&all) > 20, "{all}");
    // Typing narrows table and graph together.
    browser.type_into("#search", "createaccesskey");
    assert_eq!(browser.js(&format!("{count}.startsWith('1 of ') && location.hash")), "#q=createaccesskey");
    assert!(browser.js("document.querySelectorAll('.node.dim').length").as_u64().unwrap() > 0);
    // A permalink restores what was seen.
    browser.open("about:blank");
    browser.open(&format!("file://{}#q=createaccesskey", page.display()));
    assert_eq!(
        browser.js(&format!("{count}.startsWith('1 of ') && document.getElementById('search').value")),
        "createaccesskey"
    );
    browser.click("#clear");
    assert_eq!(browser.js(&format!("{count} === '{all}'")), true);
    // A click on a session lights its path and filters the table.
    browser.click(".node.session.both");
    assert!(browser.js("document.querySelectorAll('.node.path').length").as_u64().unwrap() >= 3);
    assert!(number(browser.js(count).as_str().unwrap()) < number(&all));
    browser.click("#clear");
    // By keyboard: the last row, its event, its record.
    browser.type_into("#rows", "\u{e010}\u{e007}");
    assert_eq!(browser.js("!document.getElementById('detail').hidden && location.hash.startsWith('#event=')"), true);
    browser.type_into("#rows", "\u{e011}\u{e007}");
    browser.click("#raw");
    let record = browser.js("document.querySelector('#detail pre').textContent");
    assert!(record.as_str().unwrap().contains("\"eventName\""), "{record}");
    browser.type_into("#rows", "\u{e00c}");
    assert_eq!(browser.js("document.getElementById('detail').hidden"), true);
    // Lanes and times filter too.
    browser.click("#lanes input[value=read]");
    assert_eq!(browser.js("location.hash"), "#off=read");
    browser.click("#clear");
    browser.type_into("#from", "2026-11-18T13:41:52Z\u{e004}");
    assert!(number(browser.js(count).as_str().unwrap()) < number(&all));
    // On paper every row is there.
    assert!(browser.print().starts_with(b"%PDF"));
    // Nothing from the logs ran, and the content policy had nothing to refuse.
    assert_eq!(browser.js("document.querySelectorAll('img, #graph script').length"), 0);
    assert_eq!(browser.js("document.title"), "Incident timeline");
    assert_eq!(browser.complaints(), Value::Array(Vec::new()));
    let dark = Browser::start(true);
    dark.open(&format!("file://{}", page.display()));
    assert_eq!(dark.js("getComputedStyle(document.body).backgroundColor"), "rgb(18, 21, 27)");
}
