//! What the program must never do, tried from outside: change or read anything through SQL, let a session token out,
//! write terminal or spreadsheet commands, leave the folders it was given.

use std::fs;
use std::path::Path;

use rolecall::lake::schema::TABLES;
use serde_json::{Value, json};

use crate::cli::{path, rolecall, run, told};
use crate::ingest::{event, gzip, texts, walk};

/// A token as STS makes them; what is looked for is its middle.
fn token(start: &str) -> String {
    format!("{start}{}", "TOKENmarkTOKENmark0123456789abcdefghijklmnop".repeat(8))
}
const MARK: &str = "TOKENmark";

#[test]
fn sql_only_reads_and_only_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("a.json");
    fs::write(&logs, event(1, "2026-11-07T00:01:00Z").to_string()).unwrap();
    fs::write(folder.path().join("secret.csv"), "secret\nhunter2\n").unwrap();
    let secret = folder.path().join("secret.csv");
    let secret = path(&secret);
    let out = folder.path().join("out");
    let out = path(&out);
    let lake = folder.path().join("lake");
    assert_eq!(run(&["ingest", path(&logs), "--lake", path(&lake)]).0, 0);
    let before: Vec<_> = walk(folder.path()).into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect();
    for sql in [
        "CREATE TABLE x (a INT)",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE SCHEMA x",
        "CREATE DATABASE x",
        "CREATE FUNCTION f(a INT) RETURNS INT RETURN a + 1",
        "DROP TABLE events",
        "DROP VIEW coverage",
        "ALTER TABLE events RENAME TO x",
        "TRUNCATE TABLE events",
        "INSERT INTO events SELECT * FROM events",
        "INSERT OVERWRITE events SELECT * FROM events",
        "UPDATE events SET event_id = 'x'",
        "DELETE FROM events",
        "MERGE INTO events USING ledger ON true WHEN MATCHED THEN DELETE",
        &format!("COPY events TO '{out}'"),
        &format!("COPY (SELECT 1) TO '{out}.csv' STORED AS CSV"),
        &format!("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '{secret}'"),
        &format!("SELECT * FROM '{secret}'"),
        &format!("SELECT * FROM \"{secret}\""),
        &format!("SELECT * FROM \"file://{secret}\""),
        &format!("SELECT * FROM read_csv('{secret}')"),
        &format!("SELECT * FROM read_parquet('{secret}')"),
        &format!("SELECT pg_read_file('{secret}')"),
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "COMMIT",
        "SELECT 1; DROP TABLE events",
        "SELECT 1; SELECT 2",
        "WITH x AS (SELECT 1) INSERT INTO events SELECT * FROM events",
        "EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events",
    ] {
        for from in [["--lake", path(&lake)], ["--logs", path(&logs)]] {
            let (code, answer, error) = run(&["sql", sql, from[0], from[1]]);
            assert!(code != 0 && answer.is_empty(), "{sql}: {code} {answer}");
            assert!(!error.contains("hunter2") && !error.contains("panicked"), "{sql}: {error}");
        }
    }
    let after: Vec<_> = walk(folder.path()).into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect();
    assert!(before == after, "something was written");
}

/// Records with tokens wherever AWS, or somebody who copies a record, may put one.
fn records() -> Vec<Value> {
    let places: [fn(&mut Value, String); 7] = [
        |record, token| record["responseElements"] = json!({ "credentials": { "accessKeyId": "ASIAEXAMPLE", "sessionToken": token, "expiration": "Nov 7, 2026, 1:00:00 AM" } }),
        |record, token| {
            record["requestParameters"] =
                json!({ "webIdentityToken": token, "roleArn": "arn:aws:iam::111122223333:role/R" })
        },
        |record, token| record["requestParameters"] = json!({ "headers": { "x-amz-security-token": token } }),
        |record, token| {
            record["additionalEventData"] =
                json!({ "url": format!("https://s3.amazonaws.com/b/k?X-Amz-Security-Token={token}&x=1") })
        },
        |record, token| record["errorMessage"] = json!(format!("the token {token} is not valid")),
        |record, token| record["somethingNew"] = json!({ "SessionToken": token }),
        |record, token| record["userAgent"] = json!(format!("made/1.0 {token}")),
    ];
    let starts = ["IQoJb3JpZ2luX2VjE", "FwoGZXIvYXdzE", "AgoJb3JpZ2luX2VjE"];
    let mut records = Vec::new();
    for (n, place) in places.into_iter().enumerate() {
        for (k, start) in starts.into_iter().enumerate() {
            let mut record = event(u32::try_from(3 * (10 * n + k)).unwrap(), "2026-11-07T00:01:00Z");
            place(&mut record, token(start));
            records.push(record);
        }
    }
    records
}

fn clean(what: &str, bytes: &[u8]) {
    let found = memchr::memmem::find(bytes, MARK.as_bytes());
    let around = found.map(|at| bytes[at.saturating_sub(200)..(at + 60).min(bytes.len())].escape_ascii().to_string());
    assert!(around.is_none(), "a session token in {what}: {}", around.unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_token_is_in_no_table_answer_message_or_log() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let whole = json!({ "Records": records() }).to_string();
    assert!(whole.contains(MARK));
    fs::write(logs.join("a.json"), &whole).unwrap();
    fs::write(logs.join("b.json.gz"), gzip(whole.as_bytes())).unwrap();
    // Broken in every way, and each time with a token where it breaks.
    for (n, record) in records().into_iter().enumerate() {
        let text = record.to_string();
        let at = text.find(MARK).unwrap() + 40;
        fs::write(logs.join(format!("cut-{n}.json")), &text[..at]).unwrap();
        fs::write(logs.join(format!("quote-{n}.json")), format!("{}\"{}\n{text}", &text[..at], &text[at..])).unwrap();
        let lookup = json!({ "Events": [{ "CloudTrailEvent": &text[..at] }, { "CloudTrailEvent": text }] });
        fs::write(logs.join(format!("lookup-{n}.json")), lookup.to_string()).unwrap();
    }
    fs::write(logs.join("time.json"), whole.replace("2026-11-07T00:01:00Z", &token("IQoJb3JpZ2luX2VjE"))).unwrap();
    fs::write(
        logs.join("id.json"),
        whole.replace("\"eventID\":\"", &format!("\"eventID\":[1],\"x\":\"{}", token("IQoJb3JpZ2luX2VjE"))),
    )
    .unwrap();

    let lake = folder.path().join("lake");
    let (logs, at_lake) = (path(&logs), path(&lake));
    let all = "SELECT * FROM events";
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["ingest", logs, "--dry-run", "--lake", at_lake],
        vec!["ingest", logs, "--lake", at_lake],
        vec!["ingest", logs, "--lake", at_lake],
        vec!["lake", "status", "--lake", at_lake],
        vec!["lake", "optimize", "--lake", at_lake],
        vec!["lake", "rederive", "--lake", at_lake],
        vec!["who", "alice", "--lake", at_lake],
        vec!["sql", "SELECT CAST(event_time AS INT) / 0 FROM events", "--lake", at_lake],
        vec!["sql", "SELECT CAST(request_parameters AS INT) FROM events", "--lake", at_lake],
        vec!["sql", "SELECT CAST(error_message AS INT) FROM events", "--logs", logs],
        vec!["sql", "SELECT * FROM session_events", "--lake", at_lake],
        vec!["sql", "SELECT * FROM failures", "--lake", at_lake],
        vec!["sql", "SELECT * FROM ledger", "--lake", at_lake],
        vec!["sql", "SELECT * FROM ledger", "--logs", logs],
    ];
    for format in ["table", "csv", "json", "ndjson", "markdown"] {
        commands.push(vec!["sql", all, "--format", format, "--logs", logs]);
        commands.push(vec!["sql", all, "--format", format, "--lake", at_lake]);
    }
    for arguments in commands {
        let output = rolecall(&arguments).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").output().unwrap();
        clean(&format!("the answer of {arguments:?}"), &output.stdout);
        clean(&format!("the messages of {arguments:?}"), &output.stderr);
        let (_, _, error) = told(output);
        assert!(!error.contains("panicked"), "{error}");
    }
    // In the tables, whose files are compressed, and in whatever else is in the lake's folder.
    for file in walk(&lake) {
        clean(&file.display().to_string(), &fs::read(&file).unwrap());
    }
    for table in TABLES.iter() {
        for column in table.columns.iter().map(|column| column.name) {
            let query = match column {
                "faults" => "SELECT f['text'] FROM (SELECT unnest(faults) AS f FROM ledger)".to_owned(),
                _ => format!("SELECT CAST(\"{column}\" AS VARCHAR) FROM {}", table.name),
            };
            let values = texts(&lake, &query).await;
            clean(&format!("{}.{column}", table.name), values.join("\n").as_bytes());
        }
    }
    // The events are all there, and one more whose id is no text; their tokens alone are gone.
    assert_eq!(texts(&lake, "SELECT count(DISTINCT event_id) FROM events").await, [(records().len() + 1).to_string()]);
}

#[test]
fn what_callers_choose_never_commands_a_terminal_or_a_spreadsheet() {
    let folder = tempfile::tempdir().unwrap();
    let nasty = [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "a\u{1b}]0;x\u{7}b",
        "\u{9b}31m",
        "\u{202e}gpj.exe",
        "a\nb",
        "\u{7f}\u{0}",
    ];
    let records: Vec<Value> = nasty
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let mut record = event(u32::try_from(n).unwrap(), "2026-11-07T00:01:00Z");
            for field in ["userAgent", "sourceIPAddress", "errorCode", "errorMessage", "eventName"] {
                record[field] = (*text).into();
            }
            record["userIdentity"]["arn"] = format!("arn:aws:sts::111122223333:assumed-role/R/{text}").into();
            record
        })
        .collect();
    fs::write(folder.path().join("a.json"), json!({ "Records": records }).to_string()).unwrap();
    let logs = path(folder.path());
    let sql =
        "SELECT user_agent, source_ip_address, error_message, event_name, identity_arn FROM events ORDER BY event_id";
    for format in ["table", "markdown"] {
        let (code, out, error) = run(&["sql", sql, "--format", format, "--logs", logs]);
        assert_eq!(code, 0, "{error}");
        let bad = |c: char| {
            c != '\n'
                && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c))
        };
        assert!(!out.contains(bad) && !error.contains(bad), "{format}: {out:?} {error:?}");
    }
    let (_, out, _) = run(&["sql", sql, "--format", "csv", "--logs", logs]);
    let mut cells = csv::Reader::from_reader(out.as_bytes());
    for row in cells.records() {
        for cell in row.unwrap().iter() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
    }
    // An error that quotes what was asked for quotes it harmlessly.
    for arguments in [
        vec!["who", "a\u{1b}[31mb", "--logs", logs],
        vec!["ask", "\u{1b}]0;x\u{7}"],
        vec!["sql", "SELECT \"\u{1b}[31m\" FROM events", "--logs", logs],
    ] {
        let (code, _, error) = run(&arguments);
        assert!(code != 0 && error.chars().all(|c| c == '\n' || !c.is_control()), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_from_logs_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    // The day is what names a folder of the lake; a zip's members have names of their own.
    let mut records: Vec<Value> = Vec::new();
    for (n, time) in
        ["2026-11-07T00:01:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "../../x"].into_iter().enumerate()
    {
        let mut record = event(u32::try_from(n).unwrap(), time);
        for field in ["recipientAccountId", "awsRegion"] {
            record[field] = "../../../../outside".into();
        }
        records.push(record);
    }
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["../../outside.json", "/outside.json", "..\\outside.json"] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, event(77, "2026-11-07T00:01:00Z").to_string().as_bytes()).unwrap();
    }
    fs::write(logs.join("a.zip"), archive.finish().unwrap().into_inner()).unwrap();
    fs::write(logs.join("a.json"), json!({ "Records": records }).to_string()).unwrap();
    let lake = folder.path().join("deep/er/lake");
    let (code, _, error) = run(&["ingest", path(&logs), "--lake", path(&lake)]);
    assert_eq!(code, 3, "{error}");
    for file in walk(folder.path()) {
        let inside: Vec<&Path> = vec![&logs, &lake];
        assert!(inside.iter().any(|folder| file.starts_with(folder)), "{}", file.display());
        assert!(!file.to_string_lossy().contains("outside"), "{}", file.display());
    }
    assert!(!Path::new("/outside.json").exists());
}
