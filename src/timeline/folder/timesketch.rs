//! The timeline for Timesketch, as JSON lines and as CSV: `message`, `datetime`, `timestamp_desc` and the fields that its
//! CloudTrail taggers read. <https://timesketch.org/guides/user/import-from-json-csv/>

use chrono::DateTime;
use serde_json::{Map, Value, json};

use crate::error::Result;

use super::super::case::Case;
use super::super::events::Event;
use super::records::Records;
use super::tables::{cell, finish, writer};

/// Longer values lose their keyword in OpenSearch.
const LONGEST: usize = 32_766;

/// One form for every row: an importer that has seen the first one expects it.
fn datetime(at: i64) -> String {
    DateTime::from_timestamp_micros(at)
        .map_or_else(String::new, |time| time.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string())
}

fn description(event: &Event) -> &'static str {
    match (event.synthetic, event.name.as_str()) {
        (true, "Session Revoked") => "Session Revoked",
        (true, _) => "Session Expires",
        _ if event.gave.is_some() => "Session Issued",
        _ => "API Call Time",
    }
}

fn message(event: &Event, case: &Case) -> String {
    let session = event.session.as_deref().and_then(|id| case.session(id));
    let who = session.map(super::super::verdict::who).or_else(|| event.identity_arn.clone()).unwrap_or_default();
    let mut text = if event.synthetic { event.name.clone() } else { event.call() };
    for part in [
        (!event.target.is_empty()).then(|| format!(" {}", event.target)),
        event.error.as_ref().map(|code| format!(" [{code}]")),
        (!who.is_empty()).then(|| format!(" by {who}")),
        (!event.ip.is_empty()).then(|| format!(" from {}", event.ip)),
        (!event.why.is_empty()).then(|| format!(": {}", event.why.join("; "))),
    ]
    .into_iter()
    .flatten()
    {
        text.push_str(&part);
    }
    text
}

fn tags(event: &Event) -> Vec<String> {
    let mut tags = vec![format!("lane-{}", event.lane().word())];
    if event.other {
        tags.push("the-other".to_owned());
    }
    if !event.why.is_empty() {
        tags.push("key-event".to_owned());
    }
    tags
}

/// One row, its fields in order.
fn row(event: &Event, case: &Case, raw: Option<&str>) -> Map<String, Value> {
    let session = event.session.as_deref().and_then(|id| case.session(id));
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    put("message", json!(message(event, case)));
    put("datetime", json!(datetime(event.at)));
    put("timestamp", json!(event.at));
    put("timestamp_desc", json!(description(event)));
    put("data_type", json!("aws:cloudtrail:entry"));
    put("event_name", json!(event.name));
    put("event_source", text(&event.source));
    put("account_identifier", text(&event.account));
    put("aws_region", text(&event.region));
    put("source_ip", text(&event.ip));
    put("user_agent", text(&event.agent));
    put("user_identity_arn", json!(event.identity_arn));
    put("access_key", json!(event.key));
    put("error_code", json!(event.error));
    put("event_id", if event.synthetic { Value::Null } else { json!(event.id) });
    put("lane", json!(event.lane().word()));
    put("target", text(&event.target));
    put("session_id", json!(event.session));
    put("issued_session_id", json!(event.gave));
    put("chain_root", json!(session.map(|session| &session.root)));
    put("origin", json!(session.and_then(|session| session.origin.as_deref())));
    put("party", json!(if event.other { "other" } else { "owner" }));
    put("why", text(&event.why.join("; ")));
    put("tag", json!(tags(event)));
    put("cloud_trail_event", raw.filter(|raw| raw.len() <= LONGEST).map_or(Value::Null, |raw| json!(raw)));
    fields
}

/// The columns of the CSV file.
const COLUMNS: &[&str] = &[
    "message",
    "datetime",
    "timestamp",
    "timestamp_desc",
    "data_type",
    "event_name",
    "event_source",
    "account_identifier",
    "aws_region",
    "source_ip",
    "user_agent",
    "user_identity_arn",
    "access_key",
    "error_code",
    "event_id",
    "lane",
    "target",
    "session_id",
    "issued_session_id",
    "chain_root",
    "origin",
    "party",
    "why",
    "tag",
    "cloud_trail_event",
];

/// JSON, one object a line.
pub fn jsonl(case: &Case, records: &Records) -> String {
    let mut text = String::new();
    for event in &case.events {
        let row = row(event, case, records.get(&event.id, &event.account));
        text.push_str(&Value::Object(row).to_string());
        text.push('\n');
    }
    text
}

/// One JSON array.
pub fn array(case: &Case, records: &Records) -> String {
    let rows = case.events.iter().map(|event| Value::Object(row(event, case, records.get(&event.id, &event.account))));
    let lines: Vec<String> = rows.map(|row| row.to_string()).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// CSV.
///
/// # Errors
/// Only where memory is no place to write to.
pub fn csv(case: &Case, records: &Records) -> Result<String> {
    let mut out = writer(COLUMNS)?;
    for event in &case.events {
        let row = row(event, case, records.get(&event.id, &event.account));
        let cells = COLUMNS.iter().map(|name| match row.get(*name) {
            None => String::new(),
            Some(Value::String(text)) => cell(text),
            Some(other) => other.to_string(),
        });
        finish(&mut out, cells)?;
    }
    super::tables::text(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form() {
        assert_eq!(datetime(1_762_486_560_000_000), "2025-11-07T03:36:00.000000+00:00");
        assert_eq!(datetime(1_762_486_560_250_000), "2025-11-07T03:36:00.250000+00:00");
    }
}
