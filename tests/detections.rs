//! Each detection by an attack that fires it and a benign twin that does not: the cases of `tests/detections`. All of them happen in
//! one organisation, each in accounts of its own, so that a verdict is one case's; once with the attacks, once with the twins.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

use crate::cases::{self, Case};

const SEVERITIES: [&str; 5] = ["info", "low", "medium", "high", "critical"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn rolecall(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.args(arguments).env_remove("ROLECALL_LAKE").env_remove("ROLECALL_CONFIG").stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// A lake of some cases, `attack` or `twin`; what else is said to `report`; and what it answers.
fn reported(cases: &[&Case], last: &str, more: &[&str]) -> (i32, String, String) {
    let place = tempfile::tempdir().unwrap();
    let (logs, lake) = (place.path().join("logs"), place.path().join("lake").display().to_string());
    std::fs::create_dir(&logs).unwrap();
    cases::write(&logs, cases, last);
    let (code, _, error) = rolecall(&["ingest", logs.to_str().unwrap(), "--lake", &lake, "--quiet"]);
    assert_eq!(code, 0, "{error}");
    let config = here("tests/detections/rolecall.toml");
    let usual = ["report", "--lake", &lake, "--night", cases::NIGHT, "--config", config.to_str().unwrap()];
    rolecall(&[&usual[..], more].concat())
}

fn rank(severity: &str) -> usize {
    SEVERITIES.iter().position(|known| *known == severity).unwrap_or_else(|| panic!("'{severity}' is no severity"))
}

/// The lines of a report that are a detection's and about a case, of more than a severity.
fn fired<'a>(findings: &'a str, case: &Case, above: Option<&str>) -> Vec<&'a str> {
    let about = |line: &&str| {
        let finding: Value = serde_json::from_str(line).unwrap();
        let severity = rank(finding["severity"].as_str().unwrap());
        finding["detection"] == case.id.as_str()
            && above.is_none_or(|above| severity > rank(above))
            && case.concerns(line)
    };
    findings.lines().filter(about).collect()
}

/// What is wrong with the verdict on a case.
fn judged(case: &Case, attack: &str, twin: &str) -> Option<String> {
    let loud = |line: &&&str| {
        let finding: Value = serde_json::from_str(line).unwrap();
        let named =
            case.named().is_none_or(|key| finding["session_ids"].as_array().unwrap().contains(&Value::from(key)));
        named && rank(finding["severity"].as_str().unwrap()) >= rank(&case.severity)
    };
    let (attack, twin) = (fired(attack, case, None), fired(twin, case, Some(&case.twin_at_most)));
    if !attack.iter().any(|line| loud(&line)) {
        return Some(format!("{}: the attack does not fire at {}: {attack:#?}", case.name, case.severity));
    }
    (!twin.is_empty()).then(|| format!("{}: the twin fires: {twin:#?}", case.name))
}

#[test]
fn each_attack_fires_and_its_twin_does_not() {
    let all = cases::all(&here("tests/detections"));
    let lakes: BTreeSet<&str> = all.iter().map(|case| case.lake.as_str()).collect();
    let of = |lake: &str| all.iter().filter(|case| case.lake == lake).collect::<Vec<_>>();
    let found = |cases: &[&Case], last| {
        let (code, findings, error) = reported(cases, last, &["--format", "ndjson"]);
        // Every baseline and every detection can be asked: one that cannot gives 3.
        assert_eq!((code, error.as_str()), (0, ""), "{last}");
        findings
    };
    let mut wrong = Vec::new();
    for cases in lakes.into_iter().map(of) {
        let (attack, twin) = std::thread::scope(|scope| {
            let attack = scope.spawn(|| found(&cases, "attack"));
            let twin = found(&cases, "twin");
            (attack.join().unwrap(), twin)
        });
        wrong.extend(cases.iter().filter_map(|case| judged(case, &attack, &twin)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_detection_has_a_case() {
    let all = cases::all(&here("tests/detections"));
    let cased: BTreeSet<&str> = all.iter().map(|case| case.id.as_str()).collect();
    for detection in rolecall::detect::catalogue::detections(None).unwrap() {
        assert!(cased.contains(detection.id.as_str()), "{} has no case in tests/detections", detection.id);
    }
    for case in &all {
        assert!(case.name.starts_with(&case.id.to_lowercase()), "{} is called after another detection", case.name);
    }
}

/// IS DISTINCT FROM takes what stands to its right with it, AND and OR included: without brackets it says something else.
#[test]
fn every_distinct_comparison_stands_in_brackets() {
    let mut seen = 0;
    for folder in ["baselines", "detections"] {
        for file in std::fs::read_dir(here("queries").join(folder)).unwrap() {
            let file = file.unwrap().path();
            let sql = std::fs::read_to_string(&file).unwrap();
            for right in sql.split("DISTINCT FROM").skip(1).map(|rest| rest.split(')').next().unwrap()) {
                let open = [" AND ", " OR ", "\n"].iter().any(|word| right.contains(word));
                assert!(!open, "{}: put IS DISTINCT FROM{right} into brackets", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn a_detection_that_fails_does_not_take_the_report_with_it() {
    let place = tempfile::tempdir().unwrap();
    let head = |id: &str| {
        format!(
            "-- title: A test\n-- description: A test.\n-- id: CTAR-{id}\n-- severity: high\n-- attack: T1078\n-- needs: nothing\n\
                 -- false_positives: None.\n-- reference: none\n-- tags: graph\n"
        )
    };
    let answers = "AS entity, 1.0 AS score, 'x' AS reason FROM tonight t GROUP BY t.role_name";
    let rules = [
        ("ctar-901-whole", "901", format!("SELECT t.role_name {answers}")),
        ("ctar-902-divides", "902", format!("SELECT CAST(count(*) / (count(*) - count(*)) AS VARCHAR) {answers}")),
        ("ctar-903-casts", "903", format!("SELECT CAST(CAST(min(t.role_name) AS BIGINT) AS VARCHAR) {answers}")),
        ("ctar-904-column", "904", format!("SELECT t.role_nmae {answers}")),
    ];
    for (name, id, sql) in rules {
        std::fs::write(place.path().join(name).with_extension("sql"), head(id) + &sql + "\n").unwrap();
    }
    let all = cases::all(&here("tests/detections"));
    let young: Vec<&Case> = all.iter().filter(|case| case.lake == "young").collect();
    let folder = place.path().to_str().unwrap();
    // What failed outranks what was found.
    let more = ["--detections", folder, "--format", "markdown", "--fail-on", "high"];
    let (code, text, error) = reported(&young, "twin", &more);
    assert_eq!(code, 3, "{error}");
    assert!(text.contains("3 detections failed: CTAR-902, CTAR-903, CTAR-904"), "{text}");
    assert!(text.contains("failed: ") && text.contains("divides by zero"), "{text}");
    for id in ["902", "903", "904"] {
        assert!(error.contains(&format!("Warning: CTAR-{id} failed")), "{error}");
    }
    assert!(!error.contains("901") && text.contains("CTAR-901"), "{error}\n{text}");
}
