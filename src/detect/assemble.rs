//! From a detection's row to a finding: keys, identities, roles and accounts of the sessions it names, its fingerprint, and the
//! command that goes on.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use sha2::{Digest, Sha256};

use super::baseline;
use super::catalogue::{Detection, Footing, hex};
use super::finding::{Finding, State};
use super::hit::Hit;
use super::night_tables::{Span, texts};
use crate::error::{Error, Result};
use crate::lake::rows::typed;
use crate::lake::schema::Type;
use crate::sql::session::Engine;

/// What a finding takes from a session.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Who answers for it.
    pub who: String,
    /// The first session of its chain.
    pub root: String,
    /// The session's own ARN, its caller's, its origin: whoever is concerned.
    principals: Vec<String>,
    keys: Vec<String>,
    role: Option<String>,
    chain: Vec<String>,
    accounts: Vec<String>,
    issue_events: Vec<String>,
    first_at: Option<i64>,
    last_at: Option<i64>,
}

const FACTS: &str = "SELECT session_id, who, root_session_id, origin, caller_arn, caller, role_arn, role_account, session_name, \
    used_key_ids, chain_path, chain_accounts, issue_event_ids, coalesce(issued_at, first_event_at) AS first_at, \
    coalesce(last_event_at, issued_at) AS last_at FROM profiled";

/// The facts of every session that is known around the night.
///
/// # Errors
/// They cannot be asked for.
pub async fn facts(engine: &Engine) -> Result<BTreeMap<String, Facts>> {
    let rows = baseline::ask(engine, FACTS, Vec::new()).await?;
    let names = [
        "session_id",
        "who",
        "root_session_id",
        "origin",
        "caller_arn",
        "caller",
        "role_arn",
        "role_account",
        "session_name",
    ];
    let columns: Vec<_> = names.iter().map(|name| texts(&rows, name)).collect::<Result<_>>()?;
    let lists: Vec<ListArray> = ["used_key_ids", "chain_path", "chain_accounts", "issue_event_ids"]
        .iter()
        .map(|name| typed(&rows, name, &Type::Texts.arrow()))
        .collect::<Result<_>>()?;
    let times: Vec<TimestampMicrosecondArray> =
        ["first_at", "last_at"].iter().map(|name| typed(&rows, name, &Type::Time.arrow())).collect::<Result<_>>()?;
    let text = |column: usize, row: usize| columns[column].is_valid(row).then(|| columns[column].value(row).to_owned());
    let list = |column: usize, row: usize| of_list(&lists[column], row);
    let time = |column: usize, row: usize| times[column].is_valid(row).then(|| times[column].value(row));
    let mut all = BTreeMap::new();
    for row in 0..rows.num_rows() {
        let Some(id) = text(0, row) else { continue };
        let role = text(6, row);
        let own = role.as_deref().zip(text(8, row)).and_then(|(role, name)| session_arn(role, &name));
        let principals = [text(3, row), text(4, row), text(5, row), own].into_iter().flatten().collect();
        let mut accounts = list(2, row);
        accounts.extend(text(7, row));
        all.insert(
            id.clone(),
            Facts {
                who: text(1, row).unwrap_or_else(|| id.clone()),
                root: text(2, row).unwrap_or(id),
                principals,
                keys: list(0, row),
                role,
                chain: list(1, row),
                accounts,
                issue_events: list(3, row),
                first_at: time(0, row),
                last_at: time(1, row),
            },
        );
    }
    Ok(all)
}

fn of_list(lists: &ListArray, row: usize) -> Vec<String> {
    if lists.is_null(row) {
        return Vec::new();
    }
    lists.value(row).as_string::<i32>().iter().flatten().map(str::to_owned).collect()
}

fn session_arn(role: &str, name: &str) -> Option<String> {
    let mut parts = role.splitn(6, ':');
    let (partition, account) = (parts.nth(1)?, parts.nth(2)?);
    let role_name = crate::sts::arn::name(role)?;
    Some(format!("arn:{partition}:sts::{account}:assumed-role/{role_name}/{name}"))
}

/// A finding on its way: with what combining needs beside it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The finding.
    pub finding: Finding,
    /// The family of its signal.
    pub family: &'static str,
    /// What its detection stands on.
    pub footing: Footing,
    /// Whether it is held back, for what it is about is being learned.
    pub held: bool,
    /// The first sessions of the chains it names; the entity where it names none.
    pub roots: BTreeSet<String>,
    /// The class of value, by which findings of one cause are told.
    pub value: String,
    /// The events that it rests on, by id.
    pub event_ids: Vec<String>,
}

/// Makes a draft of a row.
pub fn draft(detection: &Detection, hit: Hit, facts: &BTreeMap<String, Facts>, span: Span) -> Draft {
    let sessions: Vec<&Facts> = hit.session_ids.iter().filter_map(|id| facts.get(id)).collect();
    let severity = hit.severity.unwrap_or(detection.severity);
    let score = if hit.score > 0.0 { (hit.score * 100.0).round() / 100.0 } else { severity.bits() };
    let joined = |own: Vec<String>, of: &dyn Fn(&Facts) -> Vec<String>| -> Vec<String> {
        let all: BTreeSet<String> = own.into_iter().chain(sessions.iter().flat_map(|s| of(s))).collect();
        all.into_iter().filter(|text| !text.is_empty()).collect()
    };
    let origin = sessions.first().map_or_else(|| hit.entity.clone(), |s| s.who.clone());
    let mut named = hit.principals;
    named.extend([origin.clone(), hit.entity.clone()]);
    let mut keys = hit.access_keys;
    keys.extend(hit.session_ids.iter().filter(|id| id.starts_with("ASIA") || id.starts_with("AKIA")).cloned());
    let longest = sessions.iter().max_by_key(|s| s.chain.len()).map(|s| s.chain.clone()).unwrap_or_default();
    let first = hit.first_at.or_else(|| sessions.iter().filter_map(|s| s.first_at).min()).unwrap_or(span.from);
    let last = hit.last_at.or_else(|| sessions.iter().filter_map(|s| s.last_at).max()).unwrap_or(first).max(first);
    let mut event_ids = hit.event_ids;
    event_ids.extend(sessions.iter().flat_map(|s| s.issue_events.clone()));
    let roots: BTreeSet<String> = sessions.iter().map(|s| s.root.clone()).collect();
    let events = hit.event_count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0).max(1);
    let mut role_arns = hit.role_arns;
    role_arns.retain(|role| role.contains(":role/"));
    let finding = Finding {
        fingerprint: fingerprint(&detection.id, &hit.entity, &hit.target, &hit.value),
        detection: detection.id.clone(),
        title: hit.title.unwrap_or_else(|| detection.query.title.clone()),
        severity,
        score,
        state: State::New,
        night: date(span.night()),
        first_seen: instant(first),
        last_seen: instant(last),
        event_count: events,
        access_keys: joined(keys, &|s| s.keys.clone()),
        principals: joined(named, &|s| s.principals.clone()),
        role_arns: joined(role_arns, &|s| s.role.iter().cloned().collect()),
        source_ips: joined(hit.source_ips, &|_| Vec::new()),
        accounts: joined(hit.accounts, &|s| s.accounts.clone()),
        reason: hit.reason,
        next: next(&hit.session_ids, &origin, span),
        evidence: Vec::new(),
        origin,
        attack: detection.query.attack.clone(),
        chain: longest,
        owner: None,
        late: false,
        nights: 1,
        total_events: events,
        max_score: score,
        suppressed_by: None,
        session_ids: hit.session_ids,
    };
    Draft {
        roots: if roots.is_empty() { [finding.origin.clone()].into() } else { roots },
        finding,
        family: detection.family,
        footing: detection.footing,
        held: false,
        value: hit.value,
        event_ids,
    }
}

/// The same every night and in every version: without time, session id or digits of an address.
pub fn fingerprint(detection: &str, entity: &str, target: &str, value: &str) -> String {
    let mut hash = Sha256::new();
    for part in [detection, entity, target, value] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..16])
}

/// The command that goes on: the story of the first sessions, else of the identity.
fn next(sessions: &[String], origin: &str, span: Span) -> String {
    let anchors: Vec<&str> =
        if sessions.is_empty() { vec![origin] } else { sessions.iter().take(2).map(String::as_str).collect() };
    let quoted: Vec<_> = anchors.iter().filter_map(|anchor| shlex::try_quote(anchor).ok()).collect();
    format!("rolecall timeline {} --since {}", quoted.join(" "), date(span.night()))
}

/// A day, days since 1970-01-01, as `2026-11-07`.
pub fn date(day: i32) -> String {
    chrono::NaiveDate::from_epoch_days(day).map_or_else(String::new, |date| date.format("%Y-%m-%d").to_string())
}

/// A moment, microseconds, as RFC 3339 in UTC: fractions only where there are any.
pub fn instant(at: i64) -> String {
    chrono::DateTime::from_timestamp_micros(at)
        .map_or_else(String::new, |at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// Reads [`instant`]'s form.
pub fn micros(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
}

/// Fills in the evidence: where the first twenty events of each finding are to be found.
///
/// # Errors
/// The events cannot be asked for.
pub async fn with_evidence(engine: &Engine, drafts: &mut [Draft], span: Span) -> Result<()> {
    let wanted: BTreeSet<&str> = drafts.iter().flat_map(|d| d.event_ids.iter().map(String::as_str)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: StringArray = wanted.iter().map(|id| Some(*id)).collect();
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Utf8, true)]));
    let rows = RecordBatch::try_new(schema.clone(), vec![Arc::new(ids)])
        .map_err(|e| Error::internal("rows do not fit").source(e))?;
    engine.keep("evidence_wanted", schema, vec![rows])?;
    let sql = "SELECT CAST(e.event_date AS VARCHAR) AS day, e.recipient_account_id AS account, e.event_id FROM events e \
               JOIN evidence_wanted w ON w.id = e.event_id \
               WHERE e.event_time >= $from AND e.event_time < $until ORDER BY e.event_time, e.event_id, account";
    // Credentials live 36 hours at most: a session of the night may have been issued so long before.
    let before = Span { from: span.from - 2 * baseline::DAY, until: span.until };
    let rows = baseline::ask(engine, sql, super::night_tables::parameters(before, &["from", "until"])).await?;
    let found = places(&rows)?;
    for draft in drafts {
        let ids: BTreeSet<&str> = draft.event_ids.iter().map(String::as_str).collect();
        draft.finding.evidence = found.iter().filter(|e| ids.contains(e.event_id.as_str())).take(20).cloned().collect();
        draft.finding.evidence.sort();
        draft.finding.evidence.dedup();
    }
    Ok(())
}

fn places(rows: &RecordBatch) -> Result<Vec<super::finding::Evidence>> {
    let (days, accounts, ids) = (texts(rows, "day")?, texts(rows, "account")?, texts(rows, "event_id")?);
    let text = |column: &StringArray, row: usize| {
        if column.is_valid(row) { column.value(row).to_owned() } else { String::new() }
    };
    Ok((0..rows.num_rows())
        .map(|row| super::finding::Evidence {
            event_date: text(&days, row),
            account: text(&accounts, row),
            event_id: text(&ids, row),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_stable() {
        let one = fingerprint("CTAR-013", "a", "b", "");
        assert_eq!(one, fingerprint("CTAR-013", "a", "b", ""));
        assert_ne!(one, fingerprint("CTAR-013", "ab", "", ""));
        // It must survive upgrades: verdicts and allow-lists name it.
        assert_eq!(one.len(), 32);
    }

    #[test]
    fn moments_and_commands() {
        assert_eq!(instant(1_000_000), "1970-01-01T00:00:01Z");
        assert_eq!(micros("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(date(20_766), "2026-11-09");
        let span = Span::day(20_766);
        assert_eq!(next(&[], "a b; rm", span), "rolecall timeline 'a b; rm' --since 2026-11-09");
        let arn = session_arn("arn:aws:iam::111122223333:role/x/Deploy", "dana");
        assert_eq!(arn.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/Deploy/dana"));
    }
}
