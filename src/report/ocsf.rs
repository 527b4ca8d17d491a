//! Findings as OCSF 1.5 Detection Findings (2004), one a line, with the profiles cloud and datetime.
//!
//! <https://schema.ocsf.io/1.5.0/classes/detection_finding>

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::escape;
use super::parts::gravest;
use crate::detect::finding::{Evidence, Finding, Severity, State};
use crate::detect::night::Night;

const VERSION: &str = "1.5.0";

/// Events of the evidence that are named one by one.
const EVENTS: usize = 20;

/// `findings.ocsf.jsonl`.
pub fn render(night: &Night) -> String {
    let mut out = String::new();
    for finding in gravest(&night.findings).into_iter().chain(gravest(&night.sigma)) {
        out.push_str(&escape::json(&map(finding, night).to_string()));
        out.push('\n');
    }
    out
}

fn map(finding: &Finding, night: &Night) -> Value {
    let activity = match finding.state {
        State::New => (1, "Create"),
        State::Ongoing | State::Worsened | State::Suppressed => (2, "Update"),
        State::Resolved => (3, "Close"),
    };
    let status = match finding.state {
        State::New => (1, "New"),
        State::Ongoing | State::Worsened => (2, "In Progress"),
        State::Suppressed => (3, "Suppressed"),
        State::Resolved => (4, "Resolved"),
    };
    let severity = match finding.severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    };
    let alert = finding.severity >= Severity::High && matches!(finding.state, State::New | State::Worsened);
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            event.insert(name.to_owned(), value);
        }
    };
    put("class_uid", 2004.into());
    put("class_name", "Detection Finding".into());
    put("category_uid", 2.into());
    put("category_name", "Findings".into());
    put("activity_id", activity.0.into());
    put("activity_name", activity.1.into());
    put("type_uid", (200_400 + activity.0).into());
    put("type_name", format!("Detection Finding: {}", activity.1).into());
    put("severity_id", severity.0.into());
    put("severity", severity.1.into());
    put("status_id", status.0.into());
    put("status", status.1.into());
    put("status_detail", finding.suppressed_by.as_deref().map_or(Value::Null, Value::from));
    put("is_alert", alert.into());
    // The night's end is when the finding was made: the same night gives the same time.
    put("time", milliseconds(&night.header.until).unwrap_or_else(|| 0.into()));
    put("start_time", milliseconds(&finding.first_seen).unwrap_or_default());
    put("end_time", milliseconds(&finding.last_seen).unwrap_or_default());
    put("count", finding.event_count.into());
    put("message", finding.reason.as_str().into());
    put("cloud", cloud(finding));
    put("metadata", metadata(finding, night));
    put("finding_info", info(finding));
    put("anomaly_analyses", anomalies(finding));
    put("evidences", finding.evidence.iter().take(EVENTS).map(evidence).collect());
    put("resources", finding.role_arns.iter().map(|arn| json!({"uid": arn, "type": "AWS::IAM::Role"})).collect());
    put("observables", observables(finding));
    put("remediation", if finding.next.is_empty() { Value::Null } else { json!({"desc": finding.next}) });
    put("unmapped", unmapped(finding));
    Value::Object(event)
}

/// Milliseconds since 1970-01-01T00:00:00Z.
fn milliseconds(time: &str) -> Option<Value> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| Value::from(time.timestamp_millis()))
}

/// The schema has place for one account; all of them stand among the unmapped.
fn cloud(finding: &Finding) -> Value {
    match finding.accounts.first() {
        Some(account) => json!({"provider": "AWS", "account": {"uid": account}}),
        None => json!({"provider": "AWS"}),
    }
}

fn metadata(finding: &Finding, night: &Night) -> Value {
    json!({
        "version": VERSION, "uid": format!("{}/{}", night.header.night, finding.fingerprint), "profiles": ["cloud", "datetime"],
        "product": {"name": "rolecall", "vendor_name": "rolecall", "version": night.header.version},
    })
}

fn info(finding: &Finding) -> Value {
    let mut info = Map::new();
    info.insert("uid".to_owned(), finding.fingerprint.as_str().into());
    info.insert("title".to_owned(), finding.title.as_str().into());
    info.insert("desc".to_owned(), finding.reason.as_str().into());
    // Rules are kind 1, statistics kind 2; what a detection is made of the finding does not say.
    info.insert("analytic".to_owned(), json!({"uid": finding.detection, "type_id": 99, "type": "Detection"}));
    for (name, time) in [("first_seen_time", &finding.first_seen), ("last_seen_time", &finding.last_seen)] {
        if let Some(time) = milliseconds(time) {
            info.insert(name.to_owned(), time);
        }
    }
    let attacks: Vec<Value> = finding.attack.iter().filter(|id| !id.is_empty()).map(|id| technique(id)).collect();
    if !attacks.is_empty() {
        info.insert("attacks".to_owned(), attacks.into());
    }
    info.insert("data_sources".to_owned(), json!(["AWS CloudTrail"]));
    Value::Object(info)
}

/// `T1550.001` is a technique and a sub-technique of it.
fn technique(id: &str) -> Value {
    match id.split_once('.') {
        Some((technique, _)) => json!({"technique": {"uid": technique}, "sub_technique": {"uid": id}}),
        None => json!({"technique": {"uid": id}}),
    }
}

/// What was seen against which baseline.
fn anomalies(finding: &Finding) -> Value {
    let target = Some(&finding.origin).filter(|origin| !origin.is_empty()).unwrap_or(&finding.fingerprint);
    json!([{
        "analysis_targets": [{"name": target, "type": "identity"}],
        "anomalies": [{"observation_parameter": "bits of surprise", "observations": [{"value": format!("{:.1}", finding.score)}],
            "observed_pattern": finding.reason}],
    }])
}

fn evidence(event: &Evidence) -> Value {
    json!({"uid": event.event_id, "data": {"event_date": event.event_date, "account": event.account, "event_id": event.event_id}})
}

/// Addresses (2) and resources (10) to search for.
fn observables(finding: &Finding) -> Value {
    let of = |name: &'static str, kind: u8, list: &[String]| {
        list.iter().map(|value| json!({"name": name, "type_id": kind, "value": value})).collect::<Vec<_>>()
    };
    let mut all = of("evidences.src_endpoint.ip", 2, &finding.source_ips);
    all.extend(of("resources.uid", 10, &finding.role_arns));
    all.into()
}

/// What the schema has no place for.
fn unmapped(finding: &Finding) -> Value {
    json!({
        "night": finding.night, "state": finding.state.as_str(), "score": finding.score, "session_ids": finding.session_ids,
        "access_keys": finding.access_keys, "principals": finding.principals, "accounts": finding.accounts, "origin": finding.origin,
        "owner": finding.owner, "late": finding.late, "nights": finding.nights, "total_events": finding.total_events,
        "suppressed_by": finding.suppressed_by,
    })
}
