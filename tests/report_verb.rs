//! `rolecall report` as cron runs it: the folder, exit codes, whom it tells, the lock, hours instead of a night, and the sample day whole.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use chrono::{Duration, Utc};
use serde_json::Value;

use crate::cli::{path, run};
use crate::days::{KALI, Lake, OFFICE, USUAL, call, calls, of};

/// Nine days with calls at four hours each, and a tenth night with these hours.
fn ten_days(lake: &Lake, hours: &[u32], agent: &str) {
    for day in 1..=10 {
        let hours = if day == 10 { hours } else { &[0, 6, 12, 18] };
        let at = |hour: &u32| call("dana", &format!("2026-11-{day:02}T{hour:02}:30:00Z"), USUAL, OFFICE);
        let mut records: Vec<Value> = hours.iter().map(at).collect();
        if day == 10 && agent != USUAL {
            records.extend(calls("erin", day, agent, OFFICE, 2));
        }
        lake.deliver(&format!("202611{day:02}T2355Z_aaaaaaaaaaaaaaaa"), &records);
    }
    lake.take("20261101T2356Z_aaaaaaaaaaaaaaaa", &[]);
}

/// A configuration whose routes write what they are told into files of these names.
fn routes(lake: &Lake, routes: &[(&str, &str)], more: &str) {
    let mut text = more.to_owned();
    text.push_str("\n[[account]]\nid = '111122223333'\nowner = 'platform'\n");
    for (name, rest) in routes {
        let file = lake.at(name);
        text.push_str(&format!("[[notify]]\nname = '{name}'\ncommand = ['tee', '{}']\n{rest}\n", path(&file)));
    }
    lake.configure(&text);
}

/// The routes that were told something, which is taken away.
fn told(lake: &Lake, names: &[&str]) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for name in names {
        if let Ok(text) = std::fs::read_to_string(lake.at(name)) {
            std::fs::remove_file(lake.at(name)).unwrap();
            told.push(((*name).to_owned(), text));
        }
    }
    told
}

fn names(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(name, _)| name.as_str()).collect()
}

const ALL: [&str; 7] = ["critical", "high", "platform", "data", "resolved", "gap", "failed"];

const ROUTES: [(&str, &str); 7] = [
    ("critical", "on = ['critical']"),
    ("high", "on = ['critical', 'high']"),
    ("platform", "on = ['high']\nowners = ['platform']\nformat = 'markdown'"),
    ("data", "on = ['high']\nowners = ['data']"),
    ("resolved", "on = ['high']\nstates = ['resolved']"),
    ("gap", "on = ['gap']\nformat = 'json'"),
    ("failed", "on = ['failed']\nformat = 'markdown'"),
];

#[test]
fn routes_are_told_what_is_for_them() {
    let lake = Lake::asking(&["ctar-021"]);
    ten_days(&lake, &[0, 6, 12, 18], KALI);
    routes(&lake, &ROUTES, "");
    let night = ["--night", "2026-11-10"];
    let (code, _, error) = lake.report(&night);
    assert_eq!((code, error.as_str()), (0, ""));
    let heard = told(&lake, &ALL);
    assert_eq!(names(&heard), ["high", "platform"]);
    let slack: Value = serde_json::from_str(&heard[0].1).unwrap();
    assert!(slack["text"].as_str().unwrap().contains("1 finding to act on"), "{slack}");
    assert!(heard[1].1.starts_with("# Night of 2026-11-10\n"));
    // Owners of the accounts, severities and states are exit codes' and routes' own affair.
    let with = |least: &str| lake.report(&["--night", "2026-11-10", "--fail-on", least]).0;
    assert_eq!([with("critical"), with("high"), with("low")], [0, 5, 5]);
    told(&lake, &ALL);
    // A run that failed is a route of its own; nobody else is told.
    std::fs::write(lake.at("allow.toml"), "[[allow]]\nid = 'half'\n").unwrap();
    routes(&lake, &ROUTES, "[report]\nallow_file = 'allow.toml'\n");
    let (code, out, error) = lake.report(&night);
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    let heard = told(&lake, &ALL);
    assert_eq!(names(&heard), ["failed"]);
    assert!(
        heard[0].1.starts_with("# Report failed\n\nThe report on the night of 2026-11-10 failed"),
        "{}",
        heard[0].1
    );
    // So is one that another report keeps out.
    routes(&lake, &ROUTES, "");
    let lock = rolecall::detect::lock::take(path(&lake.at("lake"))).unwrap();
    let (code, _, error) = lake.report(&night);
    assert_eq!(code, 1);
    assert!(error.contains("another report is running over this lake"), "{error}");
    assert_eq!(names(&told(&lake, &ALL)), ["failed"]);
    drop(lock);
    assert_eq!(lake.report(&night).0, 0);
    // A command that fails is told, and the report stands.
    lake.configure("[[notify]]\nname = 'broken'\ncommand = ['false']\non = ['always']\n");
    let (code, out, error) = lake.report(&night);
    assert_eq!((code, out.lines().count()), (0, 1));
    assert!(error.contains("notify 'broken'"), "{error}");
}

#[test]
fn a_gap_outranks_findings_and_a_quiet_night_says_so() {
    let lake = Lake::asking(&["ctar-021"]);
    ten_days(&lake, &[0], KALI);
    routes(&lake, &[("gap", "on = ['gap']\nformat = 'json'"), ("always", "on = ['always']\nformat = 'markdown'")], "");
    let page = lake.page(10);
    assert!(
        page.starts_with("Night of 2026-11-10: Coverage has gaps: 3 hours of logs are missing; 1 finding to act on.\n"),
        "{page}"
    );
    assert!(page.find("\nGaps\n") < page.find("\nAct now\n"), "{page}");
    let heard = told(&lake, &["gap", "always"]);
    assert_eq!(names(&heard), ["gap", "always"]);
    let gap: Value = serde_json::from_str(&heard[0].1).unwrap();
    assert_eq!((&gap["header"]["gaps"][0]["hours"], gap["findings"].as_array().unwrap().len()), (&Value::from(3), 0));
    // The rest of the day comes, and nothing is left to say.
    let quiet = Lake::asking(&["ctar-021"]);
    ten_days(&quiet, &[0, 6, 12, 18], USUAL);
    routes(&quiet, &[("gap", "on = ['gap']"), ("high", "on = ['high']"), ("always", "on = ['always']")], "");
    assert!(quiet.page(10).starts_with("Night of 2026-11-10: Nothing, and coverage was complete.\n"));
    assert_eq!(names(&told(&quiet, &["gap", "high", "always"])), ["always"]);
    // No answer is an answer: exit code 0, no line.
    assert_eq!(
        quiet.report(&["--night", "2026-11-10", "--format", "ndjson", "--fail-on", "info"]),
        (0, String::new(), String::new())
    );
}

#[test]
fn hours_are_asked_what_needs_no_history_and_nothing_is_kept() {
    let lake = Lake::asking(&["ctar-012", "ctar-021", "ctar-030"]);
    let now = Utc::now();
    let at = |minutes: i64| (now - Duration::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    lake.take(
        "20261110T1100Z_aaaaaaaaaaaaaaaa",
        &[call("dana", &at(30), KALI, OFFICE), call("erin", &at(300), KALI, OFFICE), {
            let mut stop = call("finn", &at(40), USUAL, OFFICE);
            stop["eventSource"] = "cloudtrail.amazonaws.com".into();
            stop["eventName"] = "StopLogging".into();
            stop
        }],
    );
    let (code, out, error) = lake.report(&["--since", "2h", "--format", "ndjson", "--fail-on", "high"]);
    assert_eq!(code, 5, "{error}");
    let found: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = found.iter().map(|f| f["detection"].as_str().unwrap()).collect();
    assert_eq!(ids, ["CTAR-030", "CTAR-021"]);
    assert!(of(&found, "CTAR-021", "dana").is_some());
    assert_eq!(lake.run(&["sql", "SELECT count(*) AS n FROM findings", "--format", "csv"]).1, "n\n0\n");
}

#[test]
fn the_allow_list_lowers_annotates_hides_and_explains() {
    let lake = Lake::asking(&["ctar-021"]);
    ten_days(&lake, &[0, 6, 12, 18], KALI);
    lake.configure("[report]\nallow_file = 'allow.toml'\n");
    let entry = |id: &str, action: &str, user: &str| {
        format!(
            "[[allow]]\nid = '{id}'\ndetections = ['CTAR-021']\n{action}\nreason = 'agreed'\nowner = 'red team'\ncreated = '2026-11-01'\nexpires = '2026-12-01'\n[allow.match]\nprincipal = ['arn:aws:iam::*:user/{user}']\n"
        )
    };
    let with = |action: &str| {
        std::fs::write(lake.at("allow.toml"), entry("test", action, "erin") + &entry("other", "", "nobody")).unwrap();
        let night = lake.night(10);
        let f = of(&night, "CTAR-021", "erin").unwrap();
        ["severity", "state", "reason"].map(|name| f[name].as_str().unwrap().to_owned())
    };
    let [severity, state, reason] = with("action = 'downgrade'");
    assert_eq!((severity.as_str(), state.as_str()), ("medium", "new"));
    assert!(reason.ends_with(" [allow: test, was high: agreed]"), "{reason}");
    let [severity, state, reason] = with("action = 'annotate'");
    assert_eq!((severity.as_str(), state.as_str()), ("high", "new"));
    assert!(reason.ends_with(" [allow: test: agreed]"), "{reason}");
    let [severity, state, _] = with("");
    assert_eq!((severity.as_str(), state.as_str()), ("high", "suppressed"));
    // What the list does to the latest night, without doing it.
    let (code, out, error) = lake.run(&["findings", "allow", "--explain", "--format", "csv"]);
    assert_eq!(code, 0, "{error}");
    let rows: Vec<&str> = out.lines().collect();
    assert_eq!(rows[0], "entry,does,begins,expires,until_count,count,severity,detection,title,origin,fingerprint");
    assert!(rows[1].starts_with("test,drop,2026-11-01,2026-12-01,,1,high,CTAR-021,"), "{out}");
    assert!(rows[2].starts_with("other,fits nothing,2026-11-01,2026-12-01,,0,"), "{out}");
    assert_eq!(rows.len(), 3);
    // Without what an entry needs it is refused.
    assert_eq!(lake.run(&["findings", "allow", "abc"]).0, 2);
}

#[test]
fn an_entry_ends_with_a_number_of_findings() {
    let lake = Lake::asking(&["ctar-021"]);
    for day in 10..=13 {
        lake.deliver(&format!("202611{day}T1100Z_aaaaaaaaaaaaaaaa"), &calls("erin", day, KALI, OFFICE, 2));
    }
    lake.take("20261114T1100Z_aaaaaaaaaaaaaaaa", &[]);
    let fingerprint = of(&lake.night(10), "CTAR-021", "erin").unwrap()["fingerprint"].as_str().unwrap().to_owned();
    lake.configure("[report]\nallow_file = 'allow.toml'\n");
    let said =
        ["findings", "allow", &fingerprint, "--reason", "r", "--owner", "o", "--for", "30d", "--until-count", "2"];
    let (code, _, error) = lake.run(&said);
    assert_eq!(code, 0, "{error}");
    let state = |day| crate::days::state(&lake.night(day), "CTAR-021", "erin").to_owned();
    // The night that was judged counts from when it is told again.
    assert_eq!([state(10), state(11), state(12), state(13)], ["suppressed", "suppressed", "worsened", "ongoing"]);
    // Nothing of that depends on the nights that were told since.
    assert_eq!([state(11), state(12)], ["suppressed", "worsened"]);
    let (_, page, _) = lake.report(&["--night", "2026-11-11", "--format", "markdown"]);
    assert!(page.contains("| 1 | spent | has fitted all findings it may |"), "{page}");
    let (_, page, _) = lake.report(&["--night", "2026-11-10", "--format", "markdown"]);
    assert!(page.contains(" or 1 finding more |"), "{page}");
    let (_, metrics, _) = lake.report(&["--night", "2026-11-13", "--format", "prometheus"]);
    assert!(metrics.contains("rolecall_allow_entries{status=\"spent\"} 1\n"), "{metrics}");
    let (_, out, _) = lake.run(&["findings", "allow", "--explain", "--format", "csv"]);
    assert!(out.lines().nth(1).is_some_and(|row| row.contains(",2,2,high,CTAR-021,")), "{out}");
}

/// The sample day's report in every format. Of the page what is to be acted on, without its style; of OCSF the alerts; the metrics without the
/// time of success. Which of two deliveries of an event is stored is chance, so that files and lag are left out; so is the hash of the
/// detections, which any word in one of them changes.
#[test]
fn the_sample_day_is_told_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let (lake, out) = (place.path().join("lake"), place.path().join("out"));
    assert_eq!(run(&["ingest", "sample-logs", "--lake", path(&lake), "--quiet"]).0, 0);
    let report = |format: &str| {
        let said = run(&[
            "report",
            "--night",
            "2026-11-18",
            "--lake",
            path(&lake),
            "--out",
            path(&out),
            "--format",
            format,
            "--quiet",
            "--fail-on",
            "high",
        ]);
        assert_eq!((said.0, said.2.as_str()), (5, ""));
        said.1
    };
    let screen = report("table");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let files = ["report.html", "report.md", "findings.jsonl", "findings.ocsf.jsonl", "slack.json", "rolecall.prom"];
    let metric = |name: &str| {
        let text = read("rolecall.prom");
        let line = text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line[name.len()..].trim_matches([' ', '"', '}']).split(['"', ' ']).next().unwrap().to_owned()
    };
    let (files_seen, rules) = (
        metric("rolecall_night_files"),
        metric(concat!("rolecall_info{version=\"", env!("CARGO_PKG_VERSION"), "\",rules=")),
    );
    let plain = |text: String| {
        let forms = ["files: ", "files ", "<dt>files</dt><dd>"];
        let text =
            forms.iter().fold(text, |text, form| text.replace(&format!("{form}{files_seen}"), &format!("{form}some")));
        text.replace(&rules, "rules")
    };
    let stable = |name: &str, text: String| match name {
        "report.html" => {
            let page = crate::report_formats::without_style_and_script(text);
            page.split("<section id=\"watch\"").next().unwrap().to_owned()
        }
        "findings.ocsf.jsonl" => {
            text.lines().filter(|l| l.contains("\"is_alert\":true")).map(|l| format!("{l}\n")).collect()
        }
        "rolecall.prom" => {
            let metrics = ["rolecall_last_success", "rolecall_lag", "rolecall_night_files"];
            let varies = |line: &&str| metrics.iter().any(|name| line.starts_with(name));
            text.lines().filter(|line| !varies(line)).map(|line| format!("{line}\n")).collect()
        }
        _ => text,
    };
    let mut all: Vec<(String, String)> = files.map(|name| (name.to_owned(), stable(name, read(name)))).to_vec();
    all.push(("report.txt".to_owned(), screen));
    // Told again, it is the same; standard output and the folder say the same.
    assert_eq!(report("ndjson"), read("findings.jsonl"));
    for (name, text) in all.iter().take(files.len()) {
        assert!(*text == stable(name, read(name)), "{name} differs from one run to the next");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report");
    for (name, text) in all {
        let text = plain(text);
        let file = folder.join(format!("sample.{name}"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(golden == text, "{} is no longer as it was: UPDATE_GOLDEN=1 writes it anew", file.display());
    }
}
