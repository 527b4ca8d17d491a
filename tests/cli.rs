//! The program from outside: standard output, standard error and exit code together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

pub fn rolecall(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    for variable in ["ROLECALL_LAKE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

pub fn run(arguments: &[&str]) -> (i32, String, String) {
    told(rolecall(arguments).output().unwrap())
}

pub fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A record that becomes an event.
fn record(id: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-11-07T03:36:00Z","eventID":"{id}","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","awsRegion":"eu-north-1","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/dana","accountId":"111122223333","userName":"dana","accessKeyId":"AKIAIOSFODNN7EXAMPLE"}},"sourceIPAddress":"198.51.100.7"}}"#
    )
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn the_program_tells_its_version_and_wants_a_verb() {
    assert_eq!(run(&["--version"]), (0, format!("rolecall {}\n", env!("CARGO_PKG_VERSION")), String::new()));
    let (code, out, help) = run(&[]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(help.contains("Usage: rolecall"), "{help}");
}

#[test]
fn what_is_done_is_said_where_it_is_asked_for_and_nowhere_else() {
    let logs = folder(&[("a.json", &record("1"))]);
    let timeline = ["timeline", "AKIAIOSFODNN7EXAMPLE", "--logs", path(logs.path())];
    let asked = |value: &str| told(rolecall(&timeline).env("ROLECALL_LOG", value).output().unwrap());
    let (code, out, silent) = asked("");
    assert_eq!((code, silent.as_str()), (0, ""));
    let (code, same, said) = asked("debug");
    assert_eq!((code, same), (0, out));
    assert!(said.contains("DEBUG asked rows=") && said.contains("seconds="), "{said}");
    let (code, out, wrong) = asked("rolecall=loud");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(wrong.contains("ROLECALL_LOG cannot be understood") && wrong.contains("ROLECALL_LOG=debug"), "{wrong}");
}

#[test]
fn mistakes_end_with_two_and_say_what_to_do() {
    let logs = folder(&[("a.json", &record("1"))]);
    let logs = path(logs.path());
    for (arguments, what, hint) in [
        (
            &["sql", "SELECT event_nme FROM events", "--logs", logs][..],
            "there is no column 'event_nme'",
            "did you mean event_name?",
        ),
        (&["sql", "SELECT * FROM event", "--logs", logs], "there is no table 'event'", "did you mean events?"),
        (&["sql", "SELECT 1; SELECT 2", "--logs", logs], "only one statement can be asked at a time", ""),
        (&["sql", "SELECT $n", "--logs", logs], "the parameter $n has no value", "--param n=..."),
        (
            &["sql", "DROP TABLE events", "--logs", logs],
            "only questions can be asked: this statement would change something",
            "write SELECT",
        ),
        (
            &["sql", "COPY events TO 'x.csv'", "--logs", logs],
            "only questions can be asked: this statement would change something",
            "write SELECT",
        ),
        (&["sql", "SELECT * FROM 'Cargo.toml'", "--logs", logs], "there is no table 'Cargo.toml'", "there are"),
        (&["sql", " ", "--logs", logs], "the query is empty", ""),
        (&["sql", "SELECT 1", "--from", logs], "there is no option --from", "to ask log files directly: --logs SOURCE"),
        (
            &["sql", "SELECT 1", "--logs", logs, "--since", "2026-11-08", "--until", "2026-11-07"],
            "--until is before --since",
            "",
        ),
        (
            &["ask", "who-used-rol", "--logs", logs],
            "there is no saved question 'who-used-rol'",
            "did you mean who-used-role?",
        ),
        (
            &["ask", "who-used-role", "rol=x", "--logs", logs],
            "the question 'who-used-role' has no parameter 'rol'",
            "did you mean role?",
        ),
        (&["ingest"], "no source is named", "rolecall ingest"),
    ] {
        let (code, out, error) = run(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {error}");
        assert!(error.starts_with(&format!("Error: {what}\n")), "{error}");
        assert!(hint.is_empty() || error.contains(&format!("Hint: {hint}")), "{error}");
    }
    let (code, _, error) = run(&["sql", "SELECT * FORM events", "--logs", logs]);
    assert!(
        code == 2 && error.starts_with("Error: this is no SQL: ") && error.contains("Line: 1, Column: "),
        "{error}"
    );
    let (code, _, error) = run(&["sql", "SELECT 1", "--since", "yesterday"]);
    assert!(code == 2 && error.contains("36h, 7d"), "{error}");
}

#[test]
fn what_is_not_there_ends_with_one_or_four() {
    let nothing = tempfile::tempdir().unwrap();
    let lake = nothing.path().join("lake");
    let (code, _, error) = run(&["sql", "SELECT 1", "--lake", path(&lake)]);
    assert!(code == 1 && error.contains("there is no lake") && error.contains("Hint: "), "{error}");
    let (code, _, error) = run(&["ingest", "no/such/folder", "--lake", path(&lake)]);
    assert!(code == 1 && error.contains("no/such/folder"), "{error}");
    let (code, _, error) = run(&["sql", "SELECT 1", "-o", "no/such/folder/x.csv", "--lake", path(&lake)]);
    assert!(code == 1 && error.contains("no/such/folder/x.csv"), "{error}");
    let (code, _, error) = run(&["sql", "SELECT count(*) FROM events", "--logs", path(nothing.path())]);
    assert!(code == 4 && error.contains("no CloudTrail records"), "{error}");
    let (code, _, error) = run(&["ingest", path(nothing.path()), "--lake", path(&lake)]);
    assert!(code == 4 && error.contains("no CloudTrail objects"), "{error}");
    let logs = folder(&[("a.json", &record("1"))]);
    let (code, out, error) = run(&["who", "nobody", "--logs", path(logs.path())]);
    assert!(code == 4 && out.is_empty() && error.contains("nothing was found for nobody"), "{error}");
}

#[test]
fn what_cannot_be_read_ends_with_three_and_the_rest_is_answered() {
    let logs = folder(&[("a.json", &record("1")), ("b.json", r#"{"Records":[{"eventID":"2"}]}"#)]);
    let (code, out, error) = run(&["sql", "SELECT count(*) AS n FROM events", "--logs", path(logs.path())]);
    assert_eq!((code, out.as_str()), (3, "{\"n\":1}\n"), "{error}");
    assert!(error.contains("Warning: ") && error.contains("b.json"), "{error}");
    let lake = logs.path().join("lake");
    let (code, out, error) = run(&["ingest", path(logs.path()), "--lake", path(&lake)]);
    assert_eq!((code, out.as_str()), (3, ""), "{error}");
    assert!(error.contains("records: 2 = 1 events + 0 duplicates + 0 not CloudTrail events + 1 faults"), "{error}");
    let quiet = run(&["ingest", path(logs.path()), "--lake", path(&lake), "--quiet"]);
    assert_eq!(quiet, (0, String::new(), String::new()));
}

#[test]
fn the_lake_and_the_logs_give_the_same_answers() {
    let place = tempfile::tempdir().unwrap();
    let lake = place.path().join("lake");
    let (code, out, books) = run(&["ingest", "sample-logs", "--lake", path(&lake)]);
    assert_eq!((code, out.as_str()), (0, ""), "{books}");
    assert!(books.starts_with("Stored 2,451 events in "), "{books}");
    assert!(
        books.contains(" = 384 ingested + 0 already known + 0 pruned + 0 archived + 3 no CloudTrail + 0 failed\n"),
        "{books}"
    );
    for question in [
        "SELECT event_id, event_time, event_name FROM events ORDER BY event_id",
        "SELECT * FROM sessions ORDER BY session_id",
        "SELECT * FROM failures ORDER BY event_id",
        "SELECT request_parameters->'roleArn' AS role, count(*) AS n FROM events WHERE event_name = 'AssumeRole' \
         AND request_parameters->>'roleArn' = 'arn:aws:iam::210000000004:role/terraform-state' GROUP BY role",
    ] {
        let stored = run(&["sql", question, "--lake", path(&lake)]);
        assert!(stored.0 == 0 && stored.1.lines().count() > 0, "{question}: {}", stored.2);
        let asked = run(&["sql", question, "--logs", "sample-logs"]);
        let other = stored.1.lines().zip(asked.1.lines()).find(|(a, b)| a != b);
        assert!(asked == stored, "{question}: {other:?}");
    }
    let mut from_environment = rolecall(&["lake", "status", "--quiet"]);
    let (code, status, error) = told(from_environment.env("ROLECALL_LAKE", &lake).output().unwrap());
    assert_eq!(code, 0, "{error}");
    assert!(status.starts_with("{\"table\":\"events\",\"rows\":2451,"), "{status}");
    // A filter narrows the answer, and a value has the type of what it is compared with.
    let (_, filtered, _) = run(&[
        "sql",
        "SELECT count(*) AS n FROM events WHERE event_time < $end",
        "--param",
        "end=2026-11-18T01:00:00Z",
        "--account",
        "040000000008",
        "--since",
        "2026-11-18",
        "--lake",
        path(&lake),
    ]);
    let (_, counted, _) = run(&[
        "sql",
        "SELECT count(*) AS n FROM events WHERE recipient_account_id = '040000000008' AND event_time < '2026-11-18T01:00:00Z'",
        "--lake",
        path(&lake),
    ]);
    assert_eq!(filtered, counted);
}

#[test]
fn the_thief_is_on_one_screen() {
    let mut who = rolecall(&["who", "203.0.113.77", "--logs", "sample-logs", "--format", "table"]);
    let (code, screen, error) = told(who.env("COLUMNS", "100").output().unwrap());
    assert_eq!(code, 0, "{error}");
    assert!(screen.lines().all(|line| line.chars().count() <= 100) && screen.lines().count() < 40, "{screen}");
    for words in [
        "203.0.113.77 (address): 3 sessions",
        "ec2.amazonaws.com",
        "└ legacy-app in 040000000008",
        "└ legacy-sync in 210000000007",
        "└ archive-reader in 210000000004",
    ] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    let (code, rows, _) = run(&["who", "203.0.113.77", "--logs", "sample-logs"]);
    assert_eq!((code, rows.lines().count()), (0, 3));
    let (code, screen, _) = run(&[
        "who",
        "AKIAIOSFODNN7EXAMPLE",
        "--logs",
        path(folder(&[("a.json", &record("1"))]).path()),
        "--format",
        "table",
    ]);
    assert!(
        code == 0 && screen.contains("arn:aws:iam::111122223333:user/dana, own key AKIAIOSFODNN7EXAMPLE"),
        "{screen}"
    );
}

#[test]
fn questions_are_listed_by_theme_and_found_by_words() {
    let mut list = rolecall(&["ask", "--format", "table"]);
    let (code, screen, error) = told(list.env("COLUMNS", "150").output().unwrap());
    assert_eq!((code, error.as_str()), (0, ""));
    let place = |words: &str| screen.find(words).unwrap_or_else(|| panic!("{words}: {screen}"));
    assert_eq!(screen.matches("ROLE SESSION NAMES").count(), 1, "a theme is said once: {screen}");
    assert!(place("who-used-role") < place("look-alike-names") && place("look-alike-names") < place("used-elsewhere"));
    let (code, found, _) = run(&["ask", "--search", "External ID"]);
    let names: Vec<String> = found
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(code, 0);
    assert!(
        names.contains(&"external-ids".to_owned()) && names.contains(&"without-external-id".to_owned()),
        "{names:?}"
    );
    assert!(names.len() < 20, "{names:?}");
    let (code, found, error) = run(&["ask", "--search", "zebra"]);
    assert_eq!((code, found.as_str()), (0, ""));
    assert!(error.contains("No saved question mentions 'zebra'"), "{error}");
    // A team's own are listed after the others, and checked as strictly.
    let own = folder(&[
        ("zebras.sql", "-- title: Zebras\n-- description: d\n-- theme: zoo\nSELECT 1 AS n\n"),
        ("a.json", &record("1")),
    ]);
    let own = path(own.path());
    let (_, found, _) = run(&["ask", "--queries", own]);
    assert!(found.lines().last().unwrap().contains("\"zebras\""), "{found}");
    std::fs::write(Path::new(own).join("bad.sql"), "-- title: Bad\nSELECT $n\n").unwrap();
    let (code, _, error) = run(&["ask", "zebras", "--queries", own, "--logs", own]);
    assert_eq!(code, 2);
    assert!(error.contains("bad.sql:1: the header has no 'description'"), "{error}");
}

#[test]
fn answers_go_to_files_and_through_pipes() {
    let place = folder(&[
        ("q.sql", "-- title: t\n-- description: d\n-- param: n int = 2 A number\nSELECT $n AS n\n"),
        ("a.json", &record("1")),
    ]);
    let logs = path(place.path());
    let file = place.path().join("x.parquet");
    let (code, out, error) =
        run(&["sql", "SELECT * FROM events", "--logs", logs, "--format", "parquet", "-o", path(&file)]);
    assert_eq!((code, out.as_str()), (0, ""), "{error}");
    assert!(std::fs::read(&file).unwrap().starts_with(b"PAR1"));
    std::fs::remove_file(&file).unwrap();
    let question = place.path().join("q.sql");
    assert_eq!(run(&["sql", "-f", path(&question), "--logs", logs]).1, "{\"n\":2}\n");
    assert_eq!(run(&["sql", "-f", path(&question), "--param", "n=3", "--logs", logs, "--format", "csv"]).1, "n\n3\n");
    assert_eq!(run(&["ask", "q", "n=4", "--queries", logs, "--logs", logs]).1, "{\"n\":4}\n");
    let mut piped = rolecall(&["sql", "SELECT count(*) AS n FROM events", "--logs", "-"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(format!("{}\n{}\n", record("1"), record("2")).as_bytes()).unwrap();
    assert_eq!(told(piped.wait_with_output().unwrap()), (0, "{\"n\":2}\n".to_owned(), String::new()));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let sql = "SELECT * FROM generate_series(1, 10000000)";
    let logs = folder(&[("a.json", &record("1"))]);
    let mut command = rolecall(&["sql", sql, "--logs", path(logs.path())]);
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 9];
    program.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop(program.stdout.take());
    let (code, _, error) = told(program.wait_with_output().unwrap());
    assert_eq!((code, error.as_str()), (0, ""));
}

/// Whether the program catches SIGINT and SIGTERM by now; before that a signal ends it as the system does.
fn listens(program: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{program}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap_or_default();
    caught & (1 << 1) != 0 && caught & (1 << 14) != 0
}

#[test]
fn an_interrupted_program_ends_with_130() {
    for signal in ["INT", "TERM"] {
        // Standard input that never ends keeps it busy.
        let mut command = rolecall(&["sql", "SELECT count(*) FROM events", "--logs", "-"]);
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let status = loop {
            std::thread::sleep(Duration::from_millis(300));
            if !listens(program.id()) {
                assert!(began.elapsed() < Duration::from_secs(60));
                continue;
            }
            let sent = Command::new("kill").args(["-s", signal, &program.id().to_string()]).status().unwrap();
            assert!(sent.success() && began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(300));
            if let Some(status) = program.try_wait().unwrap() {
                break status;
            }
        };
        assert_eq!(status.code(), Some(130), "{signal}");
    }
}
