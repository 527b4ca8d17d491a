//! The night in every format: golden files, each format's own limits, and the page in a browser.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin_cmd;
use rolecall::detect::night::Night;
use rolecall::report::{self, Budget, Format, Options, render};
use serde_json::Value;

use crate::browser::{self, Browser};
use crate::night;

const FORMATS: [(&str, Format); 7] = [
    ("report.txt", Format::Screen),
    ("report.html", Format::Html),
    ("report.md", Format::Markdown),
    ("findings.jsonl", Format::Jsonl),
    ("findings.ocsf.jsonl", Format::Ocsf),
    ("slack.json", Format::Slack),
    ("rolecall.prom", Format::Prometheus),
];

fn options() -> Options {
    Options { width: Some(100), succeeded_at: Some(1_794_000_000), ..Options::default() }
}

fn written(night: &Night, format: Format) -> String {
    render(night, format, &options()).unwrap()
}

/// The page's own style and script are no part of what a night says.
pub fn without_style_and_script(mut text: String) -> String {
    for (begin, end) in [("<style>", "</style>"), ("<script>", "</script>"), ("script-src", "; base")] {
        if let (Some(from), Some(to)) = (text.find(begin), text.rfind(end)) {
            text.replace_range(from + begin.len()..to, "");
        }
    }
    text
}

#[test]
fn every_format_is_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for (kind, night) in [("whole", night::whole()), ("quiet", night::quiet()), ("hostile", night::hostile())] {
        for (name, format) in FORMATS {
            let text = without_style_and_script(written(&night, format));
            let file = folder.join(format!("{kind}.{name}"));
            if update {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &text).unwrap();
            }
            let golden = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(golden == text, "{} is no longer as it was: UPDATE_GOLDEN=1 writes it anew", file.display());
        }
    }
}

#[test]
fn nothing_of_the_logs_acts() {
    let night = night::hostile();
    for (name, format) in FORMATS {
        let text = written(&night, format);
        let acts = |c: &char| rolecall::escape::acts(*c) && *c != '\n';
        assert_eq!(text.chars().filter(acts).count(), 0, "{name}");
    }
    let page = written(&night, Format::Html);
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (1, 0));
    assert!(!page.contains("unsafe") && !page.contains(" style=") && !page.contains("href=\"http"));
    let markdown = written(&night, Format::Markdown);
    let prose: String = markdown.split("```").step_by(2).collect();
    assert!(!prose.contains('<') && !prose.contains("://") && !prose.contains("[x]("), "{prose}");
    let slack: Value = serde_json::from_str(&written(&night, Format::Slack)).unwrap();
    assert!(!slack.to_string().contains("<!channel>"));
}

#[test]
fn the_page_says_what_matters_first() {
    let screen = |night: &Night| written(night, Format::Screen);
    assert!(screen(&night::quiet()).starts_with("Night of 2026-11-18: Nothing, and coverage was complete.\n"));
    // A gap outranks findings.
    assert!(screen(&night::whole()).starts_with(
        "Night of 2026-11-18: Coverage has gaps: 3 hours of logs are missing; 3 findings on 2 identities"
    ));
    // The budget cuts pages, never the findings.
    let crowd = night::crowded();
    let with = |budget| render(&crowd, Format::Html, &Options { budget, ..options() }).unwrap();
    let wide = Budget { rows: 4, per_detection: 100, per_identity: 100 };
    let page = with(wide);
    assert_eq!(page.matches("<article").count(), 4);
    assert!(page.contains("58 more to act on") && !page.contains("findings beyond the"));
    // So do those of one detection and one identity: the strongest stay, and what is critical always.
    let page = with(Budget { per_detection: 25, ..wide });
    assert!(page.contains("23 more to act on"));
    let line = "35 findings beyond the 25 of one detection and 100 of one identity that a page has: CTAR-013 35";
    assert!(page.contains(line) && page.contains("35 more beyond the quota"), "{page}");
    for format in [Format::Screen, Format::Markdown, Format::Slack] {
        let text = written(&crowd, format).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("35 findings beyond the 25 of one detection and 10 of one identity"), "{text}");
    }
    let mut one = crowd.clone();
    one.findings.iter_mut().for_each(|finding| finding.origin = "the same".to_owned());
    let page = render(&one, Format::Markdown, &options()).unwrap();
    assert_eq!(page.matches("**gap**").count(), one.header.gaps.len());
    assert!(page.contains("### 1. critical: ") && !page.contains("### 2. "));
    assert!(page.contains("CTAR-013 5"), "{page}");
    assert_eq!(written(&crowd, Format::Jsonl).lines().count(), crowd.findings.len() + crowd.sigma.len());
}

#[test]
fn slack_takes_every_message() {
    for night in [night::quiet(), night::whole(), night::hostile(), night::crowded()] {
        let text = written(&night, Format::Slack);
        assert!(text.chars().count() <= 13_000, "{}", text.chars().count());
        let message: Value = serde_json::from_str(&text).unwrap();
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        let header = blocks[0]["text"]["text"].as_str().unwrap();
        assert!(blocks[0]["type"] == "header" && header.chars().count() <= 150);
        for block in blocks {
            let texts = [&block["text"]["text"], &block["elements"][0]["text"]];
            assert!(texts.iter().filter_map(|t| t.as_str()).all(|t| t.chars().count() <= 3000));
        }
        let rows = blocks.iter().filter(|block| block["type"] == "divider").count();
        assert!(rows <= 8);
    }
}

#[test]
fn findings_are_valid_ocsf() {
    let Some(python) = std::env::var_os("ROLECALL_TEST_PYTHON").filter(|python| Path::new(python).exists()) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the Python of $ROLECALL_TEST_PYTHON is not installed");
        eprintln!("no Python with OCSF's schema here: findings are not held against it");
        return;
    };
    for night in [night::whole(), night::hostile(), night::crowded()] {
        let place = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(place.path(), written(&night, Format::Ocsf)).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outputs/ocsf.py");
        let input = Stdio::from(std::fs::File::open(place.path()).unwrap());
        let output = Command::new(&python).arg(script).stdin(input).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8(output.stdout).unwrap().contains("2004 1 "));
    }
}

#[test]
fn metrics_are_in_prometheus_form() {
    let sample =
        regex::Regex::new(r#"^[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? -?[0-9.]+$"#).unwrap();
    for night in [night::quiet(), night::whole(), night::hostile()] {
        let text = written(&night, Format::Prometheus);
        assert!(text.lines().all(|line| line.starts_with("# ") || sample.is_match(line)), "{text}");
        assert!(text.contains("\nrolecall_last_success_timestamp_seconds 1794000000\n"));
    }
    let whole = written(&night::whole(), Format::Prometheus);
    assert!(whole.contains("\nrolecall_findings{severity=\"critical\",state=\"new\"} 1\n"));
    assert!(whole.contains("\nrolecall_coverage_gap_hours 3\n"));
}

#[test]
fn a_folder_is_written_whole() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("a/b");
    for _ in 0..2 {
        report::folder(&folder, &night::whole(), &options()).unwrap();
    }
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        ["findings.jsonl", "findings.ocsf.jsonl", "report.html", "report.md", "rolecall.prom", "slack.json"]
    );
}

#[test]
fn the_page_works_in_a_browser() {
    if !browser::is_there() {
        eprintln!("no chromedriver here: the nightly page was not looked at");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    report::folder(&place.path().join("whole"), &night::whole(), &options()).unwrap();
    report::folder(&place.path().join("hostile"), &night::hostile(), &options()).unwrap();
    let url = |kind: &str| format!("file://{}/{kind}/report.html", place.path().display());
    let browser = Browser::start(false);
    browser.open(&url("whole"));
    let count = "document.getElementById('count').textContent";
    assert_eq!(browser.js(count), "8 of 8 findings");
    // Every finding unfolds to its evidence.
    assert_eq!(browser.js("document.querySelectorAll('article details[open]').length"), 0);
    browser.click("article details summary");
    assert_eq!(browser.js("document.querySelector('article details').open && document.querySelector('article .events').offsetHeight > 0"), true);
    browser.click("#fold");
    assert_eq!(browser.js("[...document.querySelectorAll('details')].every(one => one.open)"), true);
    browser.click("#fold");
    assert_eq!(browser.js("[...document.querySelectorAll('details')].every(one => !one.open)"), true);
    // The filter narrows, and can be passed on.
    browser.type_into("#search", "ctar-006");
    assert_eq!(browser.js(&format!("{count} === '1 of 8 findings' && location.hash")), "#q=ctar-006");
    browser.open("about:blank");
    browser.open(&format!("{}#q=ctar-006&off=low", url("whole")));
    assert_eq!(
        browser.js(&format!("{count} === '1 of 8 findings' && document.getElementById('search').value")),
        "ctar-006"
    );
    browser.click("#severities input[value=high]");
    assert_eq!(browser.js(count), "0 of 8 findings");
    // On paper everything is there.
    assert!(browser.print().starts_with(b"%PDF"));
    assert_eq!(browser.complaints(), Value::Array(Vec::new()));
    // With markup in every field nothing runs, and nothing is made of it.
    browser.open(&url("hostile"));
    assert_eq!(browser.js(count), "8 of 8 findings");
    assert_eq!(browser.js("document.title.startsWith('Night of \"><img')"), true);
    assert_eq!(browser.js("document.querySelectorAll('img, svg script, a:not(.skip)').length"), 0);
    assert_eq!(browser.js("document.querySelectorAll('script').length"), 1);
    assert_eq!(browser.js("document.querySelectorAll('article').length"), 2);
    assert_eq!(browser.complaints(), Value::Array(Vec::new()));
    let dark = Browser::start(true);
    dark.open(&url("whole"));
    assert_eq!(dark.js("getComputedStyle(document.body).backgroundColor"), "rgb(17, 21, 28)");
}

fn rolecall(arguments: &[&str]) -> (i32, String, String) {
    let output = cargo_bin_cmd!("rolecall")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .env_remove("ROLECALL_LAKE")
        .env("USER", "kim")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A rule with this detection, and whether the sample day has what it looks for.
const RULES: [(&str, &str, bool); 10] = [
    ("exact", "selection:\n    eventsource: x\n  condition: selection", false),
    (
        "fires",
        "selection:\n    eventSource: sts.amazonaws.com\n    eventName: AssumeRole\n  condition: selection",
        true,
    ),
    ("case", "selection:\n    eventName: assumerole\n  condition: selection", true),
    ("cased", "selection:\n    eventName|cased: assumerole\n  condition: selection", false),
    (
        "contains",
        "selection:\n    requestParameters.roleArn|contains: 'archive-'\n  filter:\n    userIdentity.type: Root\n  condition: selection and not filter",
        true,
    ),
    (
        "filtered",
        "selection:\n    eventName: AssumeRole\n  filter_main_all:\n    eventSource|startswith: 'sts.'\n  condition: selection and not 1 of filter_main_*",
        false,
    ),
    ("cidr", "selection:\n    sourceIPAddress|cidr: 203.0.113.0/24\n  condition: selection", true),
    ("silent", "selection:\n    sourceIPAddress|cidr:\n      - 240.0.0.0/8\n  condition: selection", false),
    (
        "all",
        "selection:\n    requestParameters.roleArn|contains|all:\n      - 'arn:'\n      - ':role/'\n    errorCode: null\n  condition: selection",
        true,
    ),
    ("keywords", "keywords:\n    - 'archive-reader'\n  condition: keywords", true),
];

#[test]
fn sigma_rules_fire_and_stay_silent() {
    let place = tempfile::tempdir().unwrap();
    let (lake, rules) = (place.path().join("lake"), place.path().join("rules"));
    std::fs::create_dir(&rules).unwrap();
    for (name, detection, _) in RULES {
        let text = format!(
            "title: Rule {name}\nid: sigma-{name}\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  {detection}\nlevel: high\ntags:\n  - attack.t1078.004\n"
        );
        std::fs::write(rules.join(format!("{name}.yml")), text).unwrap();
    }
    std::fs::write(rules.join("broken.yml"), "title: [").unwrap();
    let (lake, rules) = (lake.display().to_string(), rules.display().to_string());
    assert_eq!(rolecall(&["ingest", "sample-logs", "--lake", &lake, "--quiet"]).0, 0);
    let arguments =
        ["report", "--night", "2026-11-18", "--lake", &lake, "--sigma", &rules, "--format", "ndjson", "--quiet"];
    let (code, out, error) = rolecall(&arguments);
    assert_eq!(code, 0, "{error}");
    // What cannot be asked is told, and the run goes on.
    assert!(error.contains("broken.yml: passed over: no rule"), "{error}");
    assert!(error.contains("exact.yml: passed over: selection: the field 'eventsource' is not supported"), "{error}");
    for (name, _, fires) in RULES {
        let found: Vec<Value> = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|finding| finding["detection"] == format!("sigma-{name}"))
            .collect();
        assert_eq!(!found.is_empty(), fires, "{name}");
        assert!(found.iter().all(|f| f["severity"] == "high"
            && f["attack"][0] == "T1078.004"
            && f["evidence"][0]["event_id"].is_string()));
    }
}
