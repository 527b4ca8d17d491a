//! The server for Postgres's clients, asked by the clients themselves: psql, psycopg, pgjdbc, and what Grafana and Metabase
//! send.
//!
//! Where a client is not installed the test says so and passes; in CI it fails. `.ci/run` installs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn rolecall(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.args(arguments).current_dir(project());
    for variable in ["ROLECALL_LAKE", "ROLECALL_CONFIG", "ROLECALL_SERVE_PASSWORD", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

fn ingested(source: &str, lake: &Path) {
    let output = rolecall(&["ingest", source, "--quiet", "--lake", path(lake)]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A lake of the sample logs with the report of its day, for all tests that only ask it.
static LAKE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let lake = tempfile::tempdir().unwrap();
    ingested("sample-logs", lake.path());
    let night = ["report", "--night", "2026-11-18", "--quiet", "--lake", path(lake.path())];
    let output = rolecall(&night).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    lake
});

/// A server of its own.
struct Serving {
    child: Child,
    port: u16,
}

impl Serving {
    fn start(lake: &Path, more: &[&str]) -> Self {
        let mut arguments = vec!["serve", "--lake", path(lake)];
        if !more.contains(&"--postgres") {
            arguments.extend(["--postgres", "127.0.0.1:0"]);
        }
        arguments.extend(more);
        Self::of(rolecall(&arguments))
    }

    /// The server that a command starts.
    fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let port = loop {
            let before = said.len();
            assert!(lines.read_line(&mut said).unwrap() > 0, "it does not listen: {said}");
            if let Some((_, address)) = said[before..].split_once("Postgres clients on ") {
                break address.trim().rsplit(':').next().unwrap().parse().unwrap();
            }
        };
        std::thread::spawn(move || lines.read_to_string(&mut String::new()));
        Self { child, port }
    }

    fn psql(&self, connection: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("psql");
        command.arg(format!("host=127.0.0.1 port={} dbname=rolecall {connection}", self.port));
        command.args(["-X", "-v", "ON_ERROR_STOP=1"]).args(arguments);
        command.env("PGUSER", "anybody").env("PGCONNECT_TIMEOUT", "30").env_remove("PGPASSWORD");
        command
    }

    /// What psql answers, without headers and padding.
    fn ask(&self, sql: &str) -> String {
        let output = self.psql("", &["-A", "-t", "-c", sql]).output().unwrap();
        assert!(output.status.success(), "{sql}\n{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn refused(&self, sql: &str) -> String {
        let output = self.psql("", &["-v", "VERBOSITY=verbose", "-c", sql]).output().unwrap();
        assert!(!output.status.success(), "{sql} was done: {}", text(&output.stdout));
        text(&output.stderr)
    }

    /// Bytes of memory that the server has of its own.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Says that something is not installed; in CI that is a failure.
fn missing(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is not installed");
    eprintln!("skipped: {what} is not installed");
}

fn has_psql() -> bool {
    let found = Command::new("psql").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        missing("psql");
    }
    found
}

/// The Python that `.ci/run` gives the libraries of tests/outputs/requirements.txt, else one of the system's with psycopg.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| {
        let has = |python: &PathBuf| {
            let import = Command::new(python).args(["-c", "import psycopg"]).output();
            import.is_ok_and(|output| output.status.success())
        };
        let given = std::env::var_os("ROLECALL_TEST_PYTHON").map(PathBuf::from);
        given.into_iter().chain([PathBuf::from("python3")]).find(has)
    });
    if found.is_none() {
        missing("psycopg");
    }
    found.as_deref()
}

#[test]
fn psql_asks_describes_and_completes() {
    if !has_psql() {
        return;
    }
    let serving = Serving::start(LAKE.path(), &[]);
    let own = rolecall(&["sql", "SELECT count(*) AS n FROM sessions", "--lake", path(LAKE.path())]).output().unwrap();
    let n = text(&own.stdout).trim().trim_start_matches("{\"n\":").trim_end_matches('}').to_owned();
    assert_eq!(serving.ask("SELECT count(*) FROM sessions"), format!("{n}\n"));
    let described = |command: &str, words: &[&str]| {
        let output = serving.psql("", &["-c", command]).output().unwrap();
        let shown = text(&output.stdout);
        assert!(output.status.success(), "{command}: {}", text(&output.stderr));
        for word in words {
            assert!(shown.contains(word), "{command}: no {word} in {shown}");
        }
    };
    described("\\d", &["sessions", "events", "session_events", "known_accounts"]);
    described("\\dt", &["sessions"]);
    described("\\dv", &["coverage"]);
    described("\\d sessions", &["session_id", "text", "issued_at", "timestamp with time zone", "chain_path", "text[]"]);
    // What the README says of tables, columns, views and functions is said here too.
    described("\\d+ failures", &["succeeded_at", "timestamp with time zone", "within a minute"]);
    described("\\d+ coverage", &["read_only_events", "View definition", "FROM "]);
    described("\\d+", &["sessions", "One row a credential", "coverage", "view"]);
    described("\\dt+ sess*", &["sessions", "One row a credential"]);
    described("\\dv+", &["coverage"]);
    described("\\df", &["arn_name", "ip_in", "text, cidr", "geo_country", "Whether an address lies in a network"]);
    described("\\df+ ip_*", &["ip_in"]);
    described("\\du", &["postgres"]);
    described("\\l+", &["rolecall"]);
    // Every time has its zone, so that clients do not take it for their own.
    let zones = b"SELECT issued_at, '2026-11-18T00:00:00Z'::timestamptz AS cast, now() AS n FROM sessions \\gdesc\n";
    let mut psql = serving.psql("", &["-A", "-t"]);
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    psql.stdin.take().unwrap().write_all(zones).unwrap();
    let told = text(&psql.wait_with_output().unwrap().stdout);
    assert_eq!(told.matches("timestamp with time zone").count(), 3, "{told}");
    described("\\l", &["rolecall"]);
    described("\\dn", &["public"]);
    described("\\conninfo", &["rolecall"]);
    // Cells: lists, times, nulls, JSON.
    let row = "SELECT chain_path, issued_at, session_policy FROM sessions WHERE chain_depth = 3 AND issue_seen \
               ORDER BY issued_at, session_id LIMIT 1";
    let shown = serving.ask(row);
    assert!(shown.starts_with("{arn:aws:iam::") && shown.contains("|2026-11-18 ") && shown.ends_with("|\n"), "{shown}");
    let json = "SELECT request_parameters->'roleArn' FROM events WHERE event_name = 'AssumeRole' AND \
                request_parameters->>'roleArn' = 'arn:aws:iam::210000000004:role/terraform-state' LIMIT 1";
    assert_eq!(serving.ask(json), "arn:aws:iam::210000000004:role/terraform-state\n");
    // A mistake is told with a code and a hint, and several statements are answered in turn.
    let told = serving.refused("SELECT role_anr FROM sessions");
    assert!(told.contains("42703") && told.contains("HINT:  did you mean role_arn?"), "{told}");
    let told = serving.refused("SELECT * FROM sesions");
    assert!(told.contains("42P01") && told.contains("did you mean sessions?"), "{told}");
    assert_eq!(serving.ask("BEGIN; SELECT 1; SELECT 2; COMMIT"), "BEGIN\n1\n2\nCOMMIT\n");
    // What is null for want of a database is said.
    let output = serving.psql("", &["-A", "-t", "-c", "SELECT geo_country('203.0.113.77')"]).output().unwrap();
    assert!(text(&output.stderr).contains("geo_country() gives null"), "{}", text(&output.stderr));

    let typed =
        ["SELECT * FROM session_ev\\t=>session_events", "SELECT count(*) FROM failures WHERE succ\\t=>succeeded_at"];
    let output = Command::new("python3")
        .arg(project().join("tests/clients/completion.py"))
        .arg(serving.port.to_string())
        .args(typed)
        .output();
    match output {
        Ok(output) => {
            let screen = text(&output.stdout);
            assert!(screen.contains("session_events") && screen.contains("succeeded_at"), "{screen}");
        }
        Err(_) => missing("python3"),
    }
}

#[test]
fn psycopg_asks() {
    let Some(python) = python() else { return };
    let serving = Serving::start(LAKE.path(), &[]);
    let script = project().join("tests/clients/psycopg_client.py");
    passed(Command::new(python).arg(script).arg(serving.port.to_string()).output().unwrap());
}

fn passed(output: Output) {
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.contains("all as it must be"), "{out}{error}");
}

#[test]
fn jdbc_asks() {
    let driver = Path::new("/usr/share/java/postgresql.jar");
    if !driver.exists() || Command::new("java").arg("-version").output().is_err() {
        return missing("pgjdbc, or java");
    }
    let serving = Serving::start(LAKE.path(), &[]);
    let mut java = Command::new("java");
    java.args(["-Duser.timezone=Europe/Berlin", "-cp"]).arg(driver).arg(project().join("tests/clients/Jdbc.java"));
    let fields = METABASE[5].replace("IN ('public'))", "IN (?))").replace("IN ('sessions'))", "IN (?))");
    java.arg(serving.port.to_string()).arg(fields);
    passed(java.output().unwrap());
}

#[test]
fn nothing_can_be_changed() {
    if !has_psql() {
        return;
    }
    let serving = Serving::start(LAKE.path(), &[]);
    let before = serving.ask("SELECT count(*) FROM events");
    for sql in [
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE SCHEMA s",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE events",
        "DROP VIEW coverage",
        "ALTER TABLE events ADD COLUMN x INT",
        "TRUNCATE events",
        "INSERT INTO known_accounts VALUES ('1')",
        "INSERT INTO events SELECT * FROM events",
        "UPDATE events SET event_name = 'x'",
        "DELETE FROM events",
        "MERGE INTO events USING events e ON true WHEN MATCHED THEN DELETE",
        "COPY events TO '/tmp/rolecall-test.csv'",
        "COPY events TO STDOUT",
        "COPY events FROM STDIN",
        "COPY events TO PROGRAM 'true'",
        "SELECT * INTO t FROM events",
        "WITH x AS (SELECT 1) INSERT INTO known_accounts SELECT * FROM x",
        "EXPLAIN ANALYZE DELETE FROM events",
        "EXPLAIN CREATE TABLE t AS SELECT 1",
        "PREPARE p AS DELETE FROM events",
        "DECLARE c CURSOR FOR SELECT * INTO t FROM events",
        "SET datafusion.execution.batch_size = 1",
        "SET datafusion.runtime.memory_limit = '1G'",
        "SET ROLE admin",
        "SET SESSION AUTHORIZATION admin",
        "SET nonsense = 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT pg_read_file('/etc/passwd')",
        "GRANT ALL ON events TO public",
        "VACUUM",
        "ANALYZE events",
        "LISTEN x",
        "DO $$ BEGIN END $$",
        "CALL f()",
    ] {
        let told = serving.refused(sql);
        assert!(told.contains("ERROR:"), "{sql}: {told}");
    }
    assert!(!Path::new("/tmp/rolecall-test.csv").exists());
    // What clients say by habit changes nothing for others.
    let habits = "SET timezone = 'Europe/Berlin'; SET search_path TO nowhere; SET statement_timeout = '10s'; \
                  SET client_min_messages = warning; SET standard_conforming_strings = on; SET DateStyle = 'ISO'; \
                  SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; RESET ALL; DISCARD ALL; DEALLOCATE ALL";
    serving.ask(habits);
    assert_eq!(serving.ask("SHOW statement_timeout"), "0\n");
    assert_eq!(serving.ask("SELECT to_char(date_trunc('day', TIMESTAMP '2026-11-18 23:30:00'), '%d')"), "18\n");
    assert_eq!(serving.ask("SELECT count(*) FROM events"), before);
    let tables = serving.ask("SELECT count(*) FROM information_schema.tables WHERE table_name IN ('t', 'v', 'p')");
    assert_eq!(tables, "0\n");
}

#[test]
fn what_is_ingested_meanwhile_is_seen() {
    if !has_psql() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    ingested("sample-logs/AWSLogs/o-juniper4rc/210000000001", folder.path());
    let serving = Serving::start(folder.path(), &[]);
    let count = |serving: &Serving| serving.ask("SELECT count(*) FROM events").trim().parse::<u64>().unwrap();
    let before = count(&serving);
    // A statement that was prepared earlier sees it too.
    let mut psql = serving.psql("", &["-A", "-t"]);
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut typed = psql.stdin.take().unwrap();
    let mut shown = BufReader::new(psql.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        shown.read_line(&mut line).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    typed.write_all(b"SELECT count(*) FROM sessions \\g\n").unwrap();
    let sessions = line();
    ingested("sample-logs", folder.path());
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!((before < 2451, count(&serving)), (true, 2451));
    typed.write_all(b"SELECT count(*) FROM sessions \\g\n").unwrap();
    assert!(line() > sessions);
    drop(typed);
    assert!(psql.wait().unwrap().success());
}

/// A certificate of our own and its key.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{}", text(&made.stderr));
    (certificate, key)
}

#[test]
fn other_machines_need_tls_and_the_password() {
    let lake = path(LAKE.path());
    for more in [&[][..], &["--tls-cert", "x", "--tls-key", "y"]] {
        let mut arguments = vec!["serve", "--lake", lake, "--postgres", "0.0.0.0:0"];
        arguments.extend(more);
        let output = rolecall(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    }
    let output = rolecall(&["serve", "--lake", lake, "--postgres", "0.0.0.0:0"]).output().unwrap();
    assert!(text(&output.stderr).contains("only come in with TLS and a password"), "{}", text(&output.stderr));
    if !has_psql() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(folder.path());
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse\n").unwrap();
    // The configuration says it as well as options do.
    let config = folder.path().join("rolecall.toml");
    let said = "version = 1\n[serve]\npostgres = '0.0.0.0:0'\ntls_cert = 'server.crt'\ntls_key = 'server.key'\n\
                password_file = 'password'\nuser = 'analyst'\n";
    std::fs::write(&config, said).unwrap();
    let serving = Serving::start(LAKE.path(), &["--config", path(&config), "--postgres", "0.0.0.0:0"]);
    let come = |connection: &str, password: &str| {
        let mut psql = serving.psql(connection, &["-A", "-t", "-c", "SELECT 1"]);
        let output = psql.env("PGPASSWORD", password).output().unwrap();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let verified = format!("user=analyst sslmode=verify-full sslrootcert={}", path(&certificate));
    assert_eq!(come(&verified, "correct horse"), (true, "1\n".to_owned()));
    for (connection, password, words) in [
        (verified.as_str(), "wrong", "password authentication failed"),
        (verified.as_str(), "", "password"),
        ("user=somebody sslmode=require", "correct horse", "password authentication failed"),
        ("user=analyst sslmode=disable", "correct horse", "TLS"),
    ] {
        let (came, told) = come(connection, password);
        assert!(!came && told.to_lowercase().contains(&words.to_lowercase()), "{connection}: {told}");
    }
    let (key, wrong) = (path(&key), ["serve", "--lake", lake, "--postgres", "127.0.0.1:0", "--tls-cert"]);
    let mut arguments = wrong.to_vec();
    arguments.extend([key, "--tls-key", key]);
    let output = rolecall(&arguments).output().unwrap();
    assert!(
        output.status.code() == Some(2) && text(&output.stderr).contains("certificate"),
        "{}",
        text(&output.stderr)
    );
}

/// A password in the environment counts as one in a file; an empty one is none.
#[test]
fn a_password_can_come_by_the_environment() {
    if !has_psql() {
        return;
    }
    let start = |password: &str| {
        let mut command = rolecall(&["serve", "--lake", path(LAKE.path()), "--postgres", "127.0.0.1:0"]);
        command.env("ROLECALL_SERVE_PASSWORD", password);
        Serving::of(command)
    };
    let serving = start("correct horse");
    let come = |serving: &Serving, password: &str| {
        let mut psql = serving.psql("user=rolecall", &["-A", "-t", "-c", "SELECT 1"]);
        psql.env("PGPASSWORD", password).output().unwrap().status.success()
    };
    assert!(come(&serving, "correct horse") && !come(&serving, "wrong"));
    assert!(come(&start(""), ""));
}

/// Ctrl-C and SIGTERM end it at once, whatever its clients do, with the code of what was interrupted.
#[test]
fn it_ends_when_it_is_told() {
    if !has_psql() {
        return;
    }
    for signal in ["INT", "TERM"] {
        let mut serving = Serving::start(LAKE.path(), &[]);
        let mut psql = serving.psql("", &["-c", FOREVER]);
        let psql = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let kill = Command::new("kill").args(["-s", signal, &serving.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        assert_eq!(serving.child.wait().unwrap().code(), Some(130), "{signal}");
        assert!(!psql.wait_with_output().unwrap().status.success(), "{signal}");
    }
    // Where it cannot begin it says why.
    let nowhere = rolecall(&["serve", "--lake", "/nowhere/at/all", "--postgres", "127.0.0.1:0"]).output().unwrap();
    assert!(
        !nowhere.status.success() && text(&nowhere.stderr).contains("/nowhere/at/all"),
        "{}",
        text(&nowhere.stderr)
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = rolecall(&["serve", "--lake", path(LAKE.path()), "--postgres", &address]).output().unwrap();
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains(&address), "{}", text(&output.stderr));
}

const FOREVER: &str = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b WHERE a.value % 7 = b.value % 11";

#[test]
fn connections_and_statements_have_limits() {
    if !has_psql() {
        return;
    }
    let limits = ["--max-connections", "2", "--max-statements", "1", "--statement-timeout", "6s"];
    let serving = Serving::start(LAKE.path(), &limits);
    let told = serving.refused(FOREVER);
    assert!(told.contains("57014") && told.contains("longer than 6 s"), "{told}");
    let own = serving.psql("", &["-c", "SET statement_timeout = '100ms'", "-c", FOREVER]).output().unwrap();
    assert!(text(&own.stderr).contains("longer than 0.1 s"), "{}", text(&own.stderr));
    // Two connections that stay: the third is told.
    let stays = || {
        let mut psql = serving.psql("", &["-A", "-t"]);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"SELECT 1;\n").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "1\n");
        child
    };
    let mut stayed = [stays(), stays()];
    let told = serving.refused("SELECT 1");
    assert!(told.contains("too many connections"), "{told}");
    for child in &mut stayed {
        drop(child.stdin.take());
        child.wait().unwrap();
    }
    let began = Instant::now();
    while !serving.psql("", &["-c", "SELECT 1"]).output().unwrap().status.success() {
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}

/// Begins a simple query by hand and reads nothing of its answer.
fn asks_and_does_not_read(port: u16, sql: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut startup = 196_608_i32.to_be_bytes().to_vec();
    startup.extend(b"user\0anybody\0database\0rolecall\0\0");
    stream.write_all(&i32::try_from(startup.len() + 4).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&startup).unwrap();
    let mut query = vec![b'Q'];
    query.extend(i32::try_from(sql.len() + 5).unwrap().to_be_bytes());
    query.extend(sql.as_bytes());
    query.push(0);
    stream.write_all(&query).unwrap();
    stream
}

#[test]
fn a_client_that_does_not_read_holds_no_memory_and_is_cut_off() {
    if !has_psql() {
        return;
    }
    let serving = Serving::start(LAKE.path(), &["--statement-timeout", "3s", "--max-statements", "4"]);
    serving.ask("SELECT count(*) FROM sessions");
    let before = serving.resident();
    // 2 GB of rows, were they held.
    let rows = "SELECT repeat('x', 1000) FROM generate_series(1, 2000000)";
    let slow: Vec<_> = (0..4).map(|_| asks_and_does_not_read(serving.port, rows)).collect();
    let mut most = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        most = most.max(serving.resident().saturating_sub(before));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(most < 400 << 20, "{} MiB more", most >> 20);
    // Once their time is over others get their turns, and they are cut off.
    assert_eq!(serving.ask("SELECT 1"), "1\n");
    std::thread::sleep(Duration::from_secs(9));
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let began = Instant::now();
        let mut bytes = vec![0; 1 << 20];
        loop {
            match stream.read(&mut bytes) {
                Ok(0) => break,
                Ok(_) => assert!(began.elapsed() < Duration::from_secs(60), "it goes on"),
                Err(e) => {
                    assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset, "{e}");
                    break;
                }
            }
        }
    }
}

/// What Grafana makes of its macros for PostgreSQL without TimescaleDB.
fn expanded(sql: &str, interval: &str) -> String {
    let (from, to) = ("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z");
    let mut text = sql.replace("$__interval", interval);
    let seconds = |word: &str| match word.trim().trim_matches('\'') {
        "24h" => 86_400,
        "1h" => 3600,
        "15m" => 900,
        other => panic!("{other}"),
    };
    while let Some(start) = text.find("$__") {
        let open = start + text[start..].find('(').unwrap();
        let close = open + text[open..].find(')').unwrap();
        let arguments: Vec<&str> = text[open + 1..close].split(',').collect();
        let column = arguments[0];
        let group = || {
            let width = seconds(arguments[1]);
            format!("floor(extract(epoch from {column})/{width})*{width}")
        };
        let made = match &text[start + 3..open] {
            "timeFilter" => format!("{column} BETWEEN '{from}' AND '{to}'"),
            "timeFrom" => format!("'{from}'"),
            "timeTo" => format!("'{to}'"),
            "time" => format!("{column} AS \"time\""),
            "timeEpoch" => format!("extract(epoch from {column}) as \"time\""),
            "timeGroup" => group(),
            "timeGroupAlias" => format!("{} AS \"time\"", group()),
            "unixEpochFilter" => format!("{column} >= 1794960000 AND {column} <= 1795046400"),
            other => panic!("{other}"),
        };
        text.replace_range(start..=close, &made);
    }
    text
}

/// Grafana asks this to list tables, and then a table's columns; as its PostgreSQL data source sends it.
const GRAFANA: [&str; 3] = [
    r#"SELECT CASE WHEN quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
       FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1),
         array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
         string_to_array(current_setting('search_path'),',') s)
       THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
       FROM information_schema.tables
       WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache', '_timescaledb_catalog',
         '_timescaledb_internal', '_timescaledb_config', 'timescaledb_information', 'timescaledb_experimental')
       ORDER BY 1"#,
    r#"SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
       WHERE quote_ident(table_name) = 'sessions'"#,
    "SELECT current_setting('server_version_num')::int/100 as version",
];

/// What Metabase sends when it looks at a database.
const METABASE: [&str; 9] = [
    "SET extra_float_digits = 2",
    "SHOW TRANSACTION ISOLATION LEVEL",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    r#"with table_privileges as (
         select NULL as role, t.schemaname as schema, t.objectname as table,
           pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'select') as select,
           pg_catalog.has_table_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'delete') as delete
         from (select schemaname, tablename as objectname from pg_catalog.pg_tables union
               select schemaname, viewname as objectname from pg_catalog.pg_views union
               select schemaname, matviewname as objectname from pg_catalog.pg_matviews) t
         where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema'
           and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage'))
       select t.* from table_privileges t"#,
    r#"SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' ELSE NULL END AS "type", "d"."description" AS "description", "stat"."n_live_tup" AS "estimated_row_count" FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid" LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = '0') AND ("d"."classoid" = 'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE ("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm') AND ("n"."nspname" IN ('public')) ORDER BY "type" ASC, "schema" ASC, "name" ASC"#,
    // Columns, foreign keys, indexes.
    r#"SELECT "c"."column_name" AS "name", CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s', "c"."udt_name") ELSE FORMAT('"%s"."%s"', "c"."udt_schema", "c"."udt_name") END AS "database-type", "c"."ordinal_position" - 1 AS "database-position", "c"."table_schema" AS "table-schema", "c"."table_name" AS "table-name", "pk"."column_name" IS NOT NULL AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST("c"."table_schema" AS TEXT), CAST("c"."table_name" AS TEXT)) AS REGCLASS) AS OID), "c"."ordinal_position") AS "field-comment", (("column_default" IS NULL) OR (LOWER("column_default") = 'null')) AND ("is_nullable" = 'NO') AND NOT ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO')) AS "database-required", (("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO') AS "database-is-auto-increment" FROM "information_schema"."columns" AS "c" LEFT JOIN (SELECT "tc"."table_schema", "tc"."table_name", "kc"."column_name" FROM "information_schema"."table_constraints" AS "tc" INNER JOIN "information_schema"."key_column_usage" AS "kc" ON ("tc"."constraint_name" = "kc"."constraint_name") AND ("tc"."table_schema" = "kc"."table_schema") AND ("tc"."table_name" = "kc"."table_name") WHERE "tc"."constraint_type" = 'PRIMARY KEY') AS "pk" ON ("c"."table_schema" = "pk"."table_schema") AND ("c"."table_name" = "pk"."table_name") AND ("c"."column_name" = "pk"."column_name") WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND ("c"."table_schema" IN ('public')) AND ("c"."table_name" IN ('sessions')) UNION ALL SELECT "pa"."attname" AS "name", CASE WHEN "ptn"."nspname" IN ('public', 'pg_catalog') THEN FORMAT('%s', "pt"."typname") ELSE FORMAT('"%s"."%s"', "ptn"."nspname", "pt"."typname") END AS "database-type", "pa"."attnum" - 1 AS "database-position", "pn"."nspname" AS "table-schema", "pc"."relname" AS "table-name", FALSE AS "pk?", NULL AS "field-comment", FALSE AS "database-required", FALSE AS "database-is-auto-increment" FROM "pg_catalog"."pg_class" AS "pc" INNER JOIN "pg_catalog"."pg_namespace" AS "pn" ON "pn"."oid" = "pc"."relnamespace" INNER JOIN "pg_catalog"."pg_attribute" AS "pa" ON "pa"."attrelid" = "pc"."oid" INNER JOIN "pg_catalog"."pg_type" AS "pt" ON "pt"."oid" = "pa"."atttypid" INNER JOIN "pg_catalog"."pg_namespace" AS "ptn" ON "ptn"."oid" = "pt"."typnamespace" WHERE ("pc"."relkind" = 'm') AND ("pa"."attnum" >= 1) AND ("pn"."nspname" IN ('public')) AND ("pc"."relname" IN ('sessions')) ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC"#,
    r#"SELECT "fk_ns"."nspname" AS "fk-table-schema", "fk_table"."relname" AS "fk-table-name", "fk_column"."attname" AS "fk-column-name", "pk_ns"."nspname" AS "pk-table-schema", "pk_table"."relname" AS "pk-table-name", "pk_column"."attname" AS "pk-column-name" FROM "pg_constraint" AS "c" INNER JOIN "pg_class" AS "fk_table" ON "c"."conrelid" = "fk_table"."oid" INNER JOIN "pg_namespace" AS "fk_ns" ON "c"."connamespace" = "fk_ns"."oid" INNER JOIN "pg_attribute" AS "fk_column" ON "c"."conrelid" = "fk_column"."attrelid" INNER JOIN "pg_class" AS "pk_table" ON "c"."confrelid" = "pk_table"."oid" INNER JOIN "pg_namespace" AS "pk_ns" ON "pk_table"."relnamespace" = "pk_ns"."oid" INNER JOIN "pg_attribute" AS "pk_column" ON "c"."confrelid" = "pk_column"."attrelid" WHERE fk_ns.nspname !~ '^information_schema|catalog_history|pg_' AND ("c"."contype" = 'f'::char) AND ("fk_column"."attnum" = ANY(c.conkey)) AND ("pk_column"."attnum" = ANY(c.confkey)) AND ("fk_ns"."nspname" IN ('public')) ORDER BY "fk-table-schema" ASC, "fk-table-name" ASC"#,
    r#"SELECT "tmp"."table-schema", "tmp"."table-name", TRIM(BOTH '"' FROM PG_CATALOG.PG_GET_INDEXDEF("tmp"."ci_oid", "tmp"."pos", FALSE)) AS "field-name" FROM (SELECT "n"."nspname" AS "table-schema", "ct"."relname" AS "table-name", "ci"."oid" AS "ci_oid", (INFORMATION_SCHEMA._PG_EXPANDARRAY("i"."indkey"))."n" AS "pos" FROM "pg_catalog"."pg_class" AS "ct" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "ct"."relnamespace" = "n"."oid" INNER JOIN "pg_catalog"."pg_index" AS "i" ON "ct"."oid" = "i"."indrelid" INNER JOIN "pg_catalog"."pg_class" AS "ci" ON "ci"."oid" = "i"."indexrelid" WHERE (PG_CATALOG.PG_GET_EXPR("i"."indpred", "i"."indrelid") IS NULL) AND n.nspname !~ '^information_schema|catalog_history|pg_' AND ("n"."nspname" IN ('public'))) AS "tmp" WHERE "tmp"."pos" = 1"#,
    // A question built by clicking.
    r#"SELECT DATE_TRUNC('hour', "public"."sessions"."issued_at") AS "issued_at", "public"."sessions"."origin_class" AS "origin_class", COUNT(*) AS "count" FROM "public"."sessions" WHERE ("public"."sessions"."issued_at" >= timestamp with time zone '2026-11-18 00:00:00.000Z') AND ("public"."sessions"."issued_at" < timestamp with time zone '2026-11-19 00:00:00.000Z') GROUP BY DATE_TRUNC('hour', "public"."sessions"."issued_at"), "public"."sessions"."origin_class" ORDER BY DATE_TRUNC('hour', "public"."sessions"."issued_at") ASC, "public"."sessions"."origin_class" ASC"#,
];

#[test]
fn grafana_and_metabase_ask() {
    if !has_psql() {
        return;
    }
    let serving = Serving::start(LAKE.path(), &[]);
    let tables = serving.ask(GRAFANA[0]);
    assert!(tables.lines().any(|table| table == "sessions"), "{tables}");
    let columns = serving.ask(GRAFANA[1]);
    assert!(columns.lines().any(|column| column.starts_with("issued_at|")), "{columns}");
    assert_eq!(serving.ask(GRAFANA[2]), "1600\n");
    let macros = "SELECT $__timeGroup(event_time, '15m') AS g, $__timeEpoch(last), count(*) FROM \
                  (SELECT event_time, event_time AS last, extract(epoch from event_time) AS seconds FROM events) AS e \
                  WHERE $__timeFilter(event_time) AND event_time >= $__timeFrom() AND event_time < $__timeTo() \
                  AND $__unixEpochFilter(seconds) GROUP BY g, last ORDER BY g LIMIT 3";
    let groups = serving.ask(&expanded(macros, "1h"));
    assert_eq!(groups.lines().count(), 3, "{groups}");
    for sql in METABASE {
        serving.ask(sql);
    }
    assert!(serving.ask(METABASE[4]).contains("public|sessions|"), "{}", serving.ask(METABASE[4]));
    let fields = serving.ask(METABASE[5]);
    assert!(fields.starts_with("session_id|text|0|public|sessions|f|The issued access key;"), "{fields}");
    assert!(fields.contains("\nissued_at|timestamptz|") && fields.contains("\nchain_path|_text|"), "{fields}");
    assert!(fields.lines().all(|field| field.contains("|public|sessions|f|")), "{fields}");
    assert!(serving.ask(METABASE[8]).lines().count() > 5);

    let dashboard = std::fs::read_to_string(project().join("queries/grafana/rolecall.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 8);
    for panel in panels {
        let sql = expanded(panel["targets"][0]["rawSql"].as_str().unwrap(), "1h");
        let answer = serving.ask(&sql);
        assert!(!answer.trim().is_empty(), "{}: {sql}", panel["title"]);
        // The sample organisation has no rolecall.toml here, so nobody is known to be outside.
        if panel["targets"][0]["format"] == "time_series" {
            let first = answer.split(['|', '\n']).next().unwrap().parse::<f64>().unwrap();
            assert!((1_794_000_000.0..1_796_000_000.0).contains(&first), "{}: {answer}", panel["title"]);
        }
    }
}
