//! Each detection by an attack that fires it and a benign twin that does not: `tests/detections/*.json`, compact lists of events
//! that are written out as log files, ingested, and reported.
//!
//! A file holds `usual` (the events of each of the ten days before), and on the last day either `attack` or `twin`. `as` is a
//! user's name, a service's host, or the key of a session that an earlier event `issues`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Map, Value, json};

const ACCOUNT: &str = "111122223333";
const LAST: u32 = 20;
const BEFORE: u32 = 10;

/// Sessions by the key that their issue names: role, session name, time of issue.
type Issued = BTreeMap<String, (String, String, String)>;

fn text<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    event.get(name).and_then(Value::as_str)
}

fn identity(event: &Value, issued: &Issued) -> Value {
    let who = text(event, "as").unwrap();
    if who.ends_with(".amazonaws.com") {
        return json!({"type": "AWSService", "invokedBy": who});
    }
    if let Some(account) = who.strip_prefix("account ") {
        return json!({"type": "AWSAccount", "accountId": account, "principalId": format!("AIDA{account}")});
    }
    if let Some(subject) = who.strip_prefix("oidc ") {
        let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com");
        return json!({"type": "WebIdentityUser", "principalId": format!("{provider}:sts.amazonaws.com:{subject}"),
                      "userName": subject, "identityProvider": provider});
    }
    let Some((role, name, at)) = issued.get(who) else {
        return json!({"type": "IAMUser", "principalId": format!("AIDA{who}"), "arn": format!("arn:aws:iam::{ACCOUNT}:user/{who}"),
                      "accountId": ACCOUNT, "accessKeyId": format!("AKIA{:A>16}", who.to_uppercase()), "userName": who});
    };
    let account = role.split(':').nth(4).unwrap();
    let role_name = role.rsplit('/').next().unwrap();
    let id = format!("AROA{:A>17}", role_name.to_uppercase().replace('-', "X"));
    json!({"type": "AssumedRole", "principalId": format!("{id}:{name}"), "accessKeyId": who, "accountId": account,
           "arn": format!("arn:aws:sts::{account}:assumed-role/{role_name}/{name}"),
           "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": id, "arn": role, "accountId": account, "userName": role_name},
                              "attributes": {"creationDate": at, "mfaAuthenticated": "false"}}})
}

/// One record of an event of a day; `n` makes its ids.
fn record(event: &Value, day: u32, n: usize, issued: &mut Issued) -> Value {
    let at = format!("2026-11-{day:02}T{}Z", text(event, "at").unwrap());
    let (source, name) = text(event, "call").unwrap().split_once(':').unwrap();
    let who = identity(event, issued);
    let mut record = Map::new();
    let mut request = event.get("request").cloned().unwrap_or(Value::Null);
    let mut response = event.get("response").cloned().unwrap_or(Value::Null);
    if let Some(key) = text(event, "issues") {
        let key = key.replace("DAY", &format!("{day:02}"));
        let role = text(event, "role").unwrap_or_default();
        let role = if role.is_empty() || role.starts_with("arn:") {
            role.to_owned()
        } else {
            format!("arn:aws:iam::{ACCOUNT}:role/{role}")
        };
        let session = text(event, "name").unwrap_or("work").to_owned();
        let hours = event.get("hours").and_then(Value::as_i64).unwrap_or(1);
        let begins = chrono::DateTime::parse_from_rfc3339(&at).unwrap();
        let ends = (begins + chrono::Duration::hours(hours)).format("%b %-d, %Y, %-I:%M:%S %p").to_string();
        let mut asked = json!({"roleArn": role, "roleSessionName": session, "durationSeconds": hours * 3600});
        if let (Some(asked), Some(more)) = (asked.as_object_mut(), request.as_object()) {
            asked.extend(more.clone());
        }
        request = asked;
        response = json!({"credentials": {"accessKeyId": key, "expiration": ends}});
        issued.insert(key, (role, session, at.clone()));
    }
    let error = text(event, "error").map(|error| error.split_once(' ').unwrap_or((error, "")));
    record.insert("eventVersion".into(), json!("1.11"));
    record.insert("userIdentity".into(), who);
    record.insert("eventTime".into(), json!(at));
    record.insert("eventSource".into(), json!(format!("{source}.amazonaws.com")));
    record.insert("eventName".into(), json!(name));
    record.insert("awsRegion".into(), json!("eu-central-1"));
    record.insert("sourceIPAddress".into(), json!(text(event, "ip").unwrap_or("203.0.113.10")));
    record.insert("userAgent".into(), json!(text(event, "agent").unwrap_or("aws-cli/2.31.4 os/linux")));
    record.insert("requestParameters".into(), if error.is_some() { Value::Null } else { request });
    record.insert("responseElements".into(), response);
    if let Some((code, message)) = error {
        record.insert("errorCode".into(), json!(code));
        record.insert("errorMessage".into(), json!(message));
    }
    record.insert("eventID".into(), json!(format!("00000000-0000-4000-8000-{day:04}{n:08}")));
    record.insert(
        "readOnly".into(),
        json!(!text(event, "call").unwrap().contains(":Create") && !name.starts_with("Put")),
    );
    record.insert("eventType".into(), json!("AwsApiCall"));
    record.insert("recipientAccountId".into(), json!(ACCOUNT));
    record.insert("eventCategory".into(), json!("Management"));
    Value::Object(record)
}

/// The events of a list, those with `times` repeated a minute apart with `#` counted up.
fn expanded(list: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    for event in list {
        let times = event.get("times").and_then(Value::as_u64).unwrap_or(1);
        for n in 0..times {
            let mut event: Value = serde_json::from_str(&event.to_string().replace('#', &n.to_string())).unwrap();
            let at = text(&event, "at").unwrap().to_owned();
            let start = chrono::NaiveTime::parse_from_str(&at, "%H:%M:%S").unwrap();
            let moved = start + chrono::Duration::seconds(10 * i64::try_from(n).unwrap());
            event["at"] = json!(moved.format("%H:%M:%S").to_string());
            all.push(event);
        }
    }
    all
}

fn rolecall(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.args(arguments).env_remove("ROLECALL_LAKE").env_remove("ROLECALL_CONFIG").stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn written(folder: &Path, scenario: &Value, last: &str) {
    let mut issued = Issued::new();
    let list = |name: &str| scenario.get(name).and_then(Value::as_array).map(|list| expanded(list)).unwrap_or_default();
    for day in LAST - BEFORE..=LAST {
        let mut events = list("usual");
        if day == LAST {
            events.extend(list(last));
        }
        let records: Vec<Value> = events
            .iter()
            .enumerate()
            .map(|(n, event)| {
                let event: Value =
                    serde_json::from_str(&event.to_string().replace("DAY", &format!("{day:02}"))).unwrap();
                record(&event, day, n, &mut issued)
            })
            .collect();
        let file = folder.join(format!("{ACCOUNT}_CloudTrail_eu-central-1_202611{day:02}T2355Z_aaaaaaaaaaaaaaaa.json"));
        std::fs::write(file, json!({"Records": records}).to_string()).unwrap();
    }
}

/// The detections that find something at these severities on the last day.
fn fired(scenario: &Value, last: &str) -> Vec<(String, String)> {
    let place = tempfile::tempdir().unwrap();
    let (logs, lake) = (place.path().join("logs"), place.path().join("lake").display().to_string());
    std::fs::create_dir(&logs).unwrap();
    written(&logs, scenario, last);
    let (code, _, error) = rolecall(&["ingest", logs.to_str().unwrap(), "--lake", &lake, "--quiet"]);
    assert_eq!(code, 0, "{error}");
    let id = text(scenario, "id").unwrap();
    let night = format!("2026-11-{LAST}");
    let (code, found, error) =
        rolecall(&["report", "--lake", &lake, "--night", &night, "--detection", id, "--format", "ndjson"]);
    assert_eq!(code, 0, "{error}");
    let of = |line: &str| {
        let finding: Value = serde_json::from_str(line).unwrap();
        (finding["detection"].as_str().unwrap().to_owned(), finding["severity"].as_str().unwrap().to_owned())
    };
    found.lines().map(of).collect()
}

#[test]
fn each_attack_fires_and_its_twin_does_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detections");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let scenario: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let severity = text(&scenario, "severity").unwrap();
        let attack = fired(&scenario, "attack");
        assert!(attack.iter().any(|(_, s)| s == severity), "{}: {attack:?}", file.display());
        let twin = fired(&scenario, "twin");
        let loud: Vec<_> = twin.iter().filter(|(_, s)| s != "info").collect();
        let loud: Vec<_> = loud.into_iter().filter(|(_, s)| s == severity).collect();
        assert!(loud.is_empty(), "{}: the twin gives {twin:?}", file.display());
    }
}
