//! Answers in the programs that read them: pandas, Polars, DuckDB, jq, a Markdown parser, the schema of OCSF.
//!
//! Where a program is not installed the test says so and passes; in CI, where `.ci/run` installs them, it fails.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;

const LOGS: [&str; 2] = ["--logs", "sample-logs"];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rolecall(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.args(arguments).current_dir(project()).env_remove("ROLECALL_LAKE").env_remove("COLUMNS");
    command
}

/// An answer over the sample logs.
fn answer(arguments: &[&str]) -> Vec<u8> {
    let output = rolecall(&[arguments, &LOGS].concat()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && error.is_empty(), "{arguments:?}: {error}");
    output.stdout
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// What is not installed is told; what CI runs must be.
fn is_missing(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is not installed");
    eprintln!("{what} is not installed: not tried");
}

/// The Python that `.ci/run` gives the libraries of tests/outputs/requirements.txt.
fn python() -> Option<PathBuf> {
    let found = std::env::var_os("ROLECALL_TEST_PYTHON").map(PathBuf::from).filter(|python| python.exists());
    if found.is_none() {
        is_missing("the Python of $ROLECALL_TEST_PYTHON");
    }
    found
}

/// Runs a program with this standard input, and gives what it printed.
fn told(command: &mut Command, input: &[u8]) -> String {
    let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = program.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || pipe.write_all(&input));
    let Output { status, stdout, stderr } = program.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.success(), "{command:?}: {error}");
    writing.join().unwrap().unwrap();
    String::from_utf8(stdout).unwrap()
}

#[test]
fn parquet_and_csv_load_in_pandas_polars_and_duckdb() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().unwrap();
    // Of files, two answers can hold another delivery of a doubled event; a lake has kept one.
    let lake = place.path().join("lake").display().to_string();
    assert!(rolecall(&["ingest", "sample-logs", "--quiet", "--lake", &lake]).status().unwrap().success());
    // Sessions have times and lists, events JSON texts and dates, failures messages, the ledger lists of structs.
    for table in ["sessions", "events", "failures", "ledger"] {
        let sql = format!("SELECT * FROM {table} ORDER BY 1, 2, 3 LIMIT 500");
        let files = ["parquet", "csv", "ndjson"].map(|format| {
            let file = place.path().join(format!("{table}.{format}")).display().to_string();
            let arguments = ["sql", &sql, "--lake", &lake, "--format", format, "-o", &file];
            assert!(rolecall(&arguments).status().unwrap().success(), "{arguments:?}");
            file
        });
        let said = told(Command::new(&python).arg(project().join("tests/outputs/read_back.py")).args(&files), b"");
        for library in ["pyarrow: ", "polars: ", "duckdb: ", "pandas: ", "csv: "] {
            assert!(said.contains(library), "{table}: {said}");
        }
    }
}

#[test]
fn markdown_is_one_table_wherever_it_is_pasted() {
    let Some(python) = python() else { return };
    for sql in [
        "SELECT * FROM sessions",
        "SELECT '<img src=x>' AS a, '[x](http://e) ![y](http://e)' AS b, '|' || chr(10) || '`*_~' AS c, '_x_ __y__' AS _d_",
    ] {
        let rows = answer(&["sql", sql, "--format", "ndjson"]);
        let first: serde_json::Value = serde_json::Deserializer::from_slice(&rows).into_iter().next().unwrap().unwrap();
        let markdown = answer(&["sql", sql, "--format", "markdown"]);
        let mut command = Command::new(&python);
        command.arg(project().join("tests/outputs/markdown.py"));
        command.args([lines(&rows), first.as_object().unwrap().len()].map(|count| count.to_string()));
        told(&mut command, &markdown);
    }
}

#[test]
fn ndjson_and_json_are_read_by_jq() {
    if Command::new("jq").arg("--version").output().is_err() {
        return is_missing("jq");
    }
    let sql = "SELECT session_id, used_ips, issued_at FROM sessions WHERE origin_class = 'human' ORDER BY 1";
    let ndjson = answer(&["sql", sql, "--format", "ndjson"]);
    let ids = told(Command::new("jq").args(["-r", ".session_id"]), &ndjson);
    assert!(lines(ids.as_bytes()) > 5 && lines(ids.as_bytes()) == lines(&ndjson));
    let json = answer(&["sql", sql, "--format", "json"]);
    let counted = told(Command::new("jq").args(["-c", "[length, (map(.used_ips[]?) | length > 0)]"]), &json);
    assert_eq!(counted, format!("[{},true]\n", lines(&ndjson)));
    let times = told(Command::new("jq").args(["-r", ".issued_at | fromdate | type"]), &ndjson);
    assert!(times.lines().all(|line| line == "number"));
}

#[test]
fn events_are_valid_ocsf() {
    let Some(python) = python() else { return };
    let script = project().join("tests/outputs/ocsf.py");
    let seen = |events: &[u8]| told(Command::new(&python).arg(&script), events);
    let count = |sql: &str| String::from_utf8(answer(&["sql", sql])).unwrap();
    let events = answer(&["sql", "SELECT * FROM events", "--format", "ocsf"]);
    assert_eq!(count("SELECT count(*) AS n FROM events"), format!("{{\"n\":{}}}\n", lines(&events)));
    let classes = seen(&events);
    let logons: usize = classes.lines().filter_map(|line| line.strip_prefix("3002 1 ")?.parse::<usize>().ok()).sum();
    let assumed = count(
        "SELECT count(*) AS n FROM events WHERE event_name IN ('AssumeRole', 'AssumeRoleWithSAML', \
         'AssumeRoleWithWebIdentity', 'AssumeRoot', 'ConsoleLogin')",
    );
    assert_eq!(assumed, format!("{{\"n\":{logons}}}\n"));
    for class in ["3002 99 ", "6003 1 ", "6003 2 ", "6003 3 ", "6003 4 ", "6003 99 "] {
        assert!(classes.contains(class), "{class}: {classes}");
    }
    // The view keeps what it adds among the unmapped.
    let linked = answer(&["sql", "SELECT * FROM session_events LIMIT 50", "--format", "ocsf"]);
    seen(&linked);
    assert!(String::from_utf8(linked).unwrap().lines().all(|line| line.contains("\"session_id\":\"")));
    let real = project().join("../shared/data/real");
    if !real.is_dir() {
        eprintln!("real logs do not stand beside the project: OCSF is not tried on them");
        return;
    }
    let real = real.display().to_string();
    let output = rolecall(&["sql", "SELECT * FROM events", "--format", "ocsf", "--logs", &real]).output().unwrap();
    assert!(lines(&output.stdout) > 1000);
    seen(&output.stdout);
}

#[test]
fn ocsf_is_for_whole_events() {
    let output = rolecall(&["sql", "SELECT event_id FROM events", "--format", "ocsf", "--logs", "sample-logs"])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.starts_with("Error: ocsf is for whole events, and this answer has no event_time\n"), "{error}");
}
