//! What a lake says of its own holes: over made-up logs with each of them.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::{Value, json};

use crate::digests::gzip;

const STEADY: &str = "111111111111";
const WRITES_ONLY: &str = "222222222222";
const ELSEWHERE: &str = "333333333333";

fn event(n: usize, account: &str, hour: usize, read_only: bool) -> Value {
    json!({ "eventVersion": "1.08", "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "eventTime": format!("2026-11-{:02}T{:02}:10:00Z", 1 + hour / 24, hour % 24),
        "eventSource": "ec2.amazonaws.com", "eventName": if read_only { "DescribeInstances" } else { "RunInstances" },
        "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9", "userAgent": "made/1.0", "readOnly": read_only,
        "managementEvent": true, "recipientAccountId": account,
        "userIdentity": { "type": "IAMUser", "accountId": account, "principalId": "AIDAEXAMPLE",
            "arn": format!("arn:aws:iam::{account}:user/alice"), "userName": "alice", "accessKeyId": "AKIAEXAMPLE" } })
}

/// Two days: one account with events in every hour but seven, one without calls that read, one that only calls.
fn lake(folder: &Path) -> String {
    let mut records = Vec::new();
    for hour in (0..48).filter(|hour| !(20..27).contains(hour)) {
        records.push(event(records.len(), STEADY, hour, true));
        records.push(event(records.len(), WRITES_ONLY, hour, false));
    }
    let mut outside = event(records.len(), STEADY, 47, true);
    outside["userIdentity"] = json!({ "type": "AWSAccount", "accountId": ELSEWHERE, "principalId": "AIDAOUTSIDE" });
    outside["somethingNew"] = json!({ "a": 1 });
    records.push(outside);
    records.push(json!({ "eventVersion": "1.08", "eventTime": "2026-11-01T00:10:00Z" }));
    // Delivered two days after the first event.
    let logs = folder.join(format!("logs/AWSLogs/{STEADY}/CloudTrail/us-east-1/2026/11/03"));
    std::fs::create_dir_all(&logs).unwrap();
    let name = format!("{STEADY}_CloudTrail_us-east-1_20261103T0015Z_aaaaaaaaaaaaaaaa.json.gz");
    std::fs::write(logs.join(name), gzip(json!({ "Records": records }).to_string().as_bytes())).unwrap();
    let ingest = ["ingest", "logs", "--lake", "lake", "--quiet"];
    let output = cargo_bin_cmd!("rolecall").current_dir(folder).args(ingest).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("lake").to_str().unwrap().to_owned()
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let mut command = cargo_bin_cmd!("rolecall");
    let output =
        command.current_dir(folder).env("COLUMNS", "80").env("LC_ALL", "C.UTF-8").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_lake_tells_its_holes_in_sql() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let sql = |query: &str| said(folder.path(), &["sql", query, "--lake", &lake, "--format", "csv"]);
    assert_eq!(
        sql("SELECT * FROM coverage_gaps WHERE account = '111111111111'"),
        "account,region,silent_from,silent_until,silent_hours,usual_hours,events_per_hour,lasting\n\
         111111111111,us-east-1,2026-11-01T20:00:00Z,2026-11-02T03:00:00Z,7,1,1,false\n"
    );
    assert_eq!(
        sql("SELECT account, events, read_only_events, delivers_read_only FROM account_coverage ORDER BY 1"),
        "account,events,read_only_events,delivers_read_only\n111111111111,42,42,true\n222222222222,41,0,false\n"
    );
    assert_eq!(
        sql("SELECT account, seen_as, calls FROM missing_accounts"),
        "account,seen_as,calls\n333333333333,caller,1\n"
    );
    assert_eq!(
        sql("SELECT field, documented, events, first_seen FROM unknown_fields"),
        "field,documented,events,first_seen\nsomethingNew,false,1,2026-11-02T23:10:00Z\n"
    );
    assert_eq!(sql("SELECT record_index, reason FROM faults"), "record_index,reason\n83,missing_event_id\n");
    assert_eq!(sql("SELECT verdict, objects, events FROM evidence"), "verdict,objects,events\nnot_verified,1,83\n");
}

#[test]
fn a_lake_draws_its_holes_on_80_columns() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let screen = said(folder.path(), &["lake", "status", "--lake", &lake, "--format", "table"]);
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    // Sizes and versions of files are the writer's affair.
    let (_, told) = screen.split_once("\n\n").unwrap();
    insta::assert_snapshot!(told, @r"
    Objects: 1 ingested
    Faults: 1 missing_event_id
    Events by what verify says of their objects: 83 not_verified

    Events, a mark for 2 hours, 2026-11-01 to 2026-11-02 UTC
    account                                     events   latest
    111111111111  ▇▇▇▇▇▇▇▇▇▇···▄▇▇▇▇▇▇▇▇▇█          42      2 d
    222222222222  ██████████···▆██████████          41      2 d
    (· no events; latest: the longest time from an event to its delivery)

    Silences that are not usual: 2
      111111111111 us-east-1: 2026-11-01T20:00:00Z to 2026-11-02T03:00:00Z, 7
        hours; events in every hour are usual
      222222222222 us-east-1: 2026-11-01T20:00:00Z to 2026-11-02T03:00:00Z, 7
        hours; events in every hour are usual

    Trails without calls that only read, hence without AssumeRole: 1
      222222222222: 41 events

    Accounts that are named here and deliver no events: 1
      333333333333: calls, once

    Fields that have no column and that AWS does not document: 1
      somethingNew since 2026-11-02T23:10:00Z, events: 1, services: 1
    ");
    let part = [
        "lake",
        "status",
        "--lake",
        &lake,
        "--format",
        "table",
        "--account",
        WRITES_ONLY,
        "--until",
        "2026-11-01T12:00:00Z",
    ];
    let part = said(folder.path(), &part);
    assert!(!part.contains(STEADY) && part.contains(WRITES_ONLY), "{part}");
    let ascii = cargo_bin_cmd!("rolecall")
        .env("LC_ALL", "C")
        .args(["lake", "status", "--lake", &lake, "--format", "table"])
        .output()
        .unwrap();
    assert!(ascii.stdout.is_ascii(), "{}", String::from_utf8_lossy(&ascii.stdout));
}
