//! The case as tables: sessions, edges, indicators. Every cell is harmless in a spreadsheet.

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};
use crate::escape::{disarmed, visible_lines};

use super::super::case::{Case, CaseSession};
use super::super::text::time;
use crate::sts::agent::tool;

type Writer = csv::Writer<Vec<u8>>;

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Output, "a table of the case could not be written").source(error)
}

/// A table with its header.
pub fn writer(columns: &[&str]) -> Result<Writer> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(columns).map_err(failed)?;
    Ok(out)
}

/// A cell that no spreadsheet runs.
pub fn cell(text: &str) -> String {
    disarmed(Cow::Borrowed(&visible_lines(text))).into_owned()
}

/// Writes a row.
pub fn finish(out: &mut Writer, cells: impl IntoIterator<Item = String>) -> Result<()> {
    out.write_record(cells).map_err(failed)
}

/// The whole text.
pub fn text(out: Writer) -> Result<String> {
    String::from_utf8(out.into_inner().map_err(|e| failed(e.to_string()))?).map_err(failed)
}

fn opt(text: &Option<String>) -> String {
    text.as_deref().map(cell).unwrap_or_default()
}

fn at(moment: Option<i64>) -> String {
    moment.map(time).unwrap_or_default()
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    cell(&items.into_iter().map(String::as_str).collect::<Vec<_>>().join(" | "))
}

const SESSIONS: &[&str] = &[
    "session_id",
    "party",
    "how",
    "why",
    "certainty",
    "round",
    "departure",
    "reasons",
    "origin",
    "origin_type",
    "origin_class",
    "origin_provider",
    "origin_account",
    "role_arn",
    "role_account",
    "session_name",
    "api",
    "issue_seen",
    "issued_at",
    "expires_at",
    "valid_until",
    "revoked_at",
    "still_valid",
    "first_event_at",
    "last_event_at",
    "event_count",
    "error_count",
    "denied_count",
    "write_count",
    "parent_session_id",
    "root_session_id",
    "chain_depth",
    "caller_arn",
    "caller_account",
    "caller_key_id",
    "issued_ip",
    "requester_ip",
    "used_ips",
    "used_user_agents",
    "owner_ips",
    "other_ips",
    "split_at",
    "split_reasons",
    "used_key_ids",
    "used_accounts",
    "mfa_at_issue",
    "source_identity",
    "external_id",
    "link_method",
];

/// `sessions.csv` and `family.csv`, the most suspicious first.
///
/// # Errors
/// Only where memory is no place to write to; so with the others.
pub fn sessions(case: &Case, sessions: &[CaseSession]) -> Result<String> {
    let mut out = writer(SESSIONS)?;
    for s in sessions {
        let truth = |value: Option<bool>| value.map(|value| value.to_string()).unwrap_or_default();
        let row = [
            s.id.clone(),
            s.party.map(|party| party.word().to_owned()).unwrap_or_default(),
            s.how.map(|how| how.word().to_owned()).unwrap_or_default(),
            cell(&s.why),
            s.certainty.to_owned(),
            s.round.to_string(),
            s.departure.to_string(),
            list(&s.reasons),
            opt(&s.origin),
            s.origin_type.clone(),
            s.origin_class.clone(),
            opt(&s.origin_provider),
            opt(&s.origin_account),
            opt(&s.role_arn),
            opt(&s.role_account),
            opt(&s.session_name),
            opt(&s.api),
            s.issue_seen.to_string(),
            at(s.issued_at),
            at(s.expires_at),
            at(s.valid_until),
            at(s.revoked_at),
            s.is_valid_at(case.at).to_string(),
            at(s.first_at),
            at(s.last_at),
            s.events.to_string(),
            s.errors.to_string(),
            s.denied.to_string(),
            s.writes.to_string(),
            opt(&s.parent),
            s.root.clone(),
            s.depth.to_string(),
            opt(&s.caller_arn),
            opt(&s.caller_account),
            opt(&s.caller_key),
            opt(&s.issued_ip),
            opt(&s.requester_ip),
            list(&s.used_ips),
            list(&s.used_agents),
            list(&s.split.home),
            list(&s.split.other),
            at(s.split.at),
            list(&s.split.why),
            list(&s.used_keys),
            list(&s.used_accounts),
            truth(s.mfa),
            opt(&s.source_identity),
            opt(&s.external_id),
            s.link_method.clone(),
        ];
        finish(&mut out, row)?;
    }
    text(out)
}

/// A line between two things of the case.
pub struct Edge {
    /// From: a session, a key, an address, an origin.
    pub from: String,
    /// What that is.
    pub from_kind: &'static str,
    /// To.
    pub to: String,
    /// What that is.
    pub to_kind: &'static str,
    /// assumed, created, used_from.
    pub relation: &'static str,
    /// When.
    pub at: Option<i64>,
    /// exact, derived, guessed.
    pub certainty: String,
    /// Why.
    pub why: String,
}

/// Every line of the case.
pub fn lines(case: &Case) -> Vec<Edge> {
    let mut edges = Vec::new();
    for s in &case.sessions {
        let (from, from_kind) = match &s.parent {
            Some(parent) => (parent.clone(), "session"),
            None => match &s.caller_key {
                Some(key) => (key.clone(), "key"),
                None => (s.origin.clone().unwrap_or_else(|| "unknown".to_owned()), "origin"),
            },
        };
        let certainty = match (s.issue_seen, s.caller_key.is_some() || s.parent.is_none()) {
            (false, _) => "guessed",
            (true, true) => "exact",
            (true, false) => "derived",
        };
        edges.push(Edge {
            from,
            from_kind,
            to: s.id.clone(),
            to_kind: "session",
            relation: "assumed",
            at: s.issued_at,
            certainty: certainty.to_owned(),
            why: s.api.clone().unwrap_or_default(),
        });
        for ip in &s.used_ips {
            let other = s.split.other.contains(ip) || case.pivots.contains_key(ip);
            edges.push(Edge {
                from: ip.clone(),
                from_kind: "address",
                to: s.id.clone(),
                to_kind: "session",
                relation: "used_from",
                at: if other { s.split.at } else { s.first_at },
                certainty: "exact".to_owned(),
                why: if other { "the other's" } else { "" }.to_owned(),
            });
        }
    }
    for made in &case.made {
        let from = made.by.clone().unwrap_or_else(|| "unknown".to_owned());
        for gave in &made.gave {
            edges.push(Edge {
                from: from.clone(),
                from_kind: "session",
                to: gave.clone(),
                to_kind: "session",
                relation: "created",
                at: Some(made.at),
                certainty: "derived".to_owned(),
                why: format!("{} by {}", made.what, made.call),
            });
        }
        if made.gave.is_empty() {
            edges.push(Edge {
                from,
                from_kind: "session",
                to: made.what.clone(),
                to_kind: "thing",
                relation: "created",
                at: Some(made.at),
                certainty: "exact".to_owned(),
                why: made.call.clone(),
            });
        }
    }
    edges
}

/// `edges.csv`.
///
/// # Errors
/// As above.
pub fn edges(case: &Case) -> Result<String> {
    let mut out = writer(&["from", "from_kind", "to", "to_kind", "relation", "at", "certainty", "why"])?;
    for edge in lines(case) {
        let row = [
            cell(&edge.from),
            edge.from_kind.to_owned(),
            cell(&edge.to),
            edge.to_kind.to_owned(),
            edge.relation.to_owned(),
            at(edge.at),
            edge.certainty,
            cell(&edge.why),
        ];
        finish(&mut out, row)?;
    }
    text(out)
}

/// `iocs.csv`: what to look for elsewhere.
///
/// # Errors
/// As above.
pub fn iocs(case: &Case) -> Result<String> {
    let mut out = writer(&["type", "value", "context", "first_seen", "last_seen", "calls"])?;
    let mut put = |kind: &str, value: &str, context: &str, seen: &[i64]| {
        let row = [
            kind.to_owned(),
            cell(value),
            cell(context),
            at(seen.iter().min().copied()),
            at(seen.iter().max().copied()),
            seen.len().to_string(),
        ];
        finish(&mut out, row)
    };
    for (ip, pivot) in &case.pivots {
        let seen: Vec<i64> = case.events.iter().filter(|event| event.ip == *ip).map(|event| event.at).collect();
        put("address", ip, &pivot.why, &seen)?;
    }
    let other = case.events.iter().filter(|event| event.other && !event.agent.is_empty());
    let mut agents: std::collections::BTreeMap<&str, Vec<i64>> = std::collections::BTreeMap::new();
    other.for_each(|event| agents.entry(&event.agent).or_default().push(event.at));
    for (agent, seen) in agents {
        put("user_agent", agent, tool(agent).map_or("used by the other", |_| "an attacker's tool"), &seen)?;
    }
    let moments = |s: &CaseSession| [s.issued_at, s.first_at, s.last_at].into_iter().flatten().collect::<Vec<_>>();
    for s in case.sessions.iter().filter(|session| session.is_suspicious()) {
        put("access_key", &s.id, &format!("session of {}", s.role_arn.as_deref().unwrap_or("a user")), &moments(s))?;
    }
    for key in case.keys.iter().filter(|key| key.created || !key.other.is_empty()) {
        put("access_key", &key.id, &format!("{} ({})", key.arn, key.why), &[key.first, key.last])?;
    }
    for made in case.made.iter().filter(|made| !made.what.starts_with("access key")) {
        put("created", &made.what, &made.call, &[made.at])?;
    }
    for s in case.sessions.iter().filter(|session| session.origin_type == "outside_principal") {
        put("account", s.caller_account.as_deref().unwrap_or_default(), "outside caller", &moments(s))?;
    }
    text(out)
}
