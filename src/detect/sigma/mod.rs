//! Sigma rules of SigmaHQ's `rules/cloud/aws/cloudtrail` format, translated to SQL over `events`. A section of its own: their findings have no
//! baseline; states, allow-list and verdicts they have as others do. A rule that cannot be translated is passed over with the reason.
//!
//! <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html>

mod condition;
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{Array, StringArray};

use super::assemble::{date, fingerprint};
use super::baseline;
use super::finding::{Evidence, Finding, State};
use super::night_tables::{Span, parameters, texts};
use crate::error::{Error, Result};
use crate::sql::session::Engine;

pub use rule::Rule;

/// Events of one rule that are looked at.
const MOST: usize = 10_000;
/// Events that a finding names.
const NAMED: usize = 20;

/// A rule that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// Reads every rule below a folder, in the order of their files' names.
///
/// # Errors
/// The folder cannot be read.
pub fn read(folder: &Path) -> Result<(Vec<Rule>, Vec<Skipped>)> {
    let (mut rules, mut skipped) = (Vec::new(), Vec::new());
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|e| {
            Error::usage("the Sigma rules cannot be read").context("folder", folder.display().to_string()).source(e)
        })?;
        let name = entry.path().display().to_string();
        if !entry.file_type().is_file() || !(name.ends_with(".yml") || name.ends_with(".yaml")) {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).map_err(|e| e.to_string());
        match text.and_then(|text| Rule::parse(&text)) {
            Ok(rule) => rules.push(rule),
            Err(reason) => skipped.push(Skipped { file: name, reason }),
        }
    }
    Ok((rules, skipped))
}

/// The findings of every rule in a time: one a rule and identity. What fails in a rule ends that rule alone.
///
/// # Errors
/// The answers are no rows of ours.
pub async fn run(engine: &Engine, rules: &[Rule], span: Span) -> Result<(Vec<Finding>, Vec<Skipped>)> {
    let (mut findings, mut skipped) = (Vec::new(), Vec::new());
    for rule in rules {
        let sql = format!(
            "SELECT coalesce(session_issuer_arn, identity_arn, identity_principal_id, invoked_by, source_ip_address, 'nobody known') AS who, \
             event_id, CAST(event_date AS VARCHAR) AS day, recipient_account_id AS account, access_key_id AS key, \
             source_ip_address AS ip, identity_arn AS arn, session_issuer_arn AS role, \
             to_char(event_time, '%Y-%m-%dT%H:%M:%SZ') AS at, event_name AS call FROM events \
             WHERE event_time >= $from AND event_time < $until AND ({}) ORDER BY event_time, event_id LIMIT {MOST}",
            rule.sql
        );
        match baseline::ask(engine, &sql, parameters(span, &["from", "until"])).await {
            Err(error) => skipped.push(Skipped { file: rule.id.clone(), reason: error.to_string() }),
            Ok(rows) => {
                let names = ["who", "event_id", "day", "account", "key", "ip", "arn", "role", "at", "call"];
                let columns: Vec<StringArray> = names.iter().map(|name| texts(&rows, name)).collect::<Result<_>>()?;
                let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
                (0..rows.num_rows())
                    .for_each(|row| places.entry(columns[0].value(row).to_owned()).or_default().push(row));
                findings.extend(places.iter().map(|(who, rows)| finding(rule, who, rows, &columns, span)));
            }
        }
    }
    findings.sort_by(|a: &Finding, b: &Finding| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.detection.cmp(&b.detection))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    Ok((findings, skipped))
}

fn finding(rule: &Rule, who: &str, rows: &[usize], columns: &[StringArray], span: Span) -> Finding {
    let text = |column: usize, row: usize| columns[column].is_valid(row).then(|| columns[column].value(row).to_owned());
    let all = |column: usize| -> Vec<String> {
        rows.iter().filter_map(|row| text(column, *row)).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let (keys, calls, times) = (all(4), all(9), all(8));
    let anchor = keys.first().map_or(who, String::as_str);
    let next = match shlex::try_quote(anchor) {
        Ok(anchor) => format!("rolecall timeline {anchor}"),
        Err(_) => String::new(),
    };
    let event = |row: &usize| {
        let part = |column| text(column, *row).unwrap_or_default();
        Evidence { event_date: part(2), account: part(3), event_id: part(1) }
    };
    let evidence: BTreeSet<Evidence> = rows.iter().take(NAMED).map(event).collect();
    let some = calls.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let first = times.first().cloned().unwrap_or_default();
    let score = super::score::CAP * f64::from(rule.level as u8) / 4.0;
    let about = rule.description.split_whitespace().collect::<Vec<_>>().join(" ");
    Finding {
        fingerprint: fingerprint(&rule.id, who, "", ""),
        detection: rule.id.clone(),
        title: rule.title.clone(),
        severity: rule.level,
        score,
        state: State::New,
        night: date(span.night()),
        first_seen: first,
        last_seen: times.last().cloned().unwrap_or_default(),
        event_count: rows.len() as u64,
        session_ids: keys.iter().filter(|key| key.starts_with("ASIA")).cloned().collect(),
        principals: all(6),
        role_arns: all(7),
        source_ips: all(5),
        accounts: all(3),
        access_keys: keys,
        reason: format!("a Sigma rule fits {} calls ({some}): {about}", rows.len()),
        next,
        evidence: evidence.into_iter().collect(),
        origin: who.to_owned(),
        attack: rule.attack.clone(),
        chain: Vec::new(),
        owner: None,
        late: false,
        nights: 1,
        total_events: rows.len() as u64,
        max_score: score,
        suppressed_by: None,
    }
}
