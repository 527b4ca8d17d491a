//! What a case's evidence rests on: what `verify` said of the log files that its events are from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::Result;
use crate::sql::session::Engine;

use super::events::Event;
use super::rows::{Rows, literals, owned, time};
use super::text::{self, count};

/// Log files that no run of `verify` looked at.
const NOT_VERIFIED: &str = "not_verified";

/// Verdicts by which a log file is not what was delivered; see the verdicts of `integrity`.
const ALTERED: [&str; 3] = ["modified", "missing", "moved"];

/// The log files of one verdict and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The verdict; `not_verified` where there is none.
    pub verdict: String,
    /// Why it is not valid.
    pub reason: Option<String>,
    /// The log files.
    pub objects: Vec<Arc<str>>,
    /// The case's events in them.
    pub events: usize,
    /// When the last of them was verified, microseconds.
    pub verified_at: Option<i64>,
}

impl Evidence {
    /// Whether these files are not what CloudTrail delivered.
    pub fn is_altered(&self) -> bool {
        ALTERED.contains(&self.verdict.as_str())
    }

    /// `12 events of 3 log files: valid`.
    pub fn words(&self) -> String {
        let what = match (self.verdict.as_str(), &self.reason) {
            (NOT_VERIFIED, _) => "not verified".to_owned(),
            (verdict, Some(reason)) => format!("{verdict} ({reason})"),
            (verdict, None) => verdict.to_owned(),
        };
        format!("{} of {}: {what}", count(self.events, "event"), count(self.objects.len(), "log file"))
    }

    /// For the manifest; `named`: with the names of files that are not valid.
    pub fn json(&self, named: bool) -> Value {
        let names: Vec<&str> = match self.verdict.as_str() {
            _ if !named => Vec::new(),
            "valid" | NOT_VERIFIED => Vec::new(),
            _ => self.objects.iter().map(|object| &**object).collect(),
        };
        json!({"verdict": self.verdict, "reason": self.reason, "objects": self.objects.len(), "events": self.events,
            "verified_at": self.verified_at.map(text::time), "names": names})
    }
}

/// What the events rest on, verdict by verdict, the altered ones first.
///
/// # Errors
/// The verdicts cannot be asked.
pub async fn load(engine: &Engine, events: &[Event]) -> Result<Vec<Evidence>> {
    let mut objects: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for object in events.iter().filter_map(|event| event.object.as_ref()) {
        *objects.entry(object).or_default() += 1;
    }
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT source_object, verdict, reason, verified_at FROM integrity WHERE kind = 'log' AND source_object IN ({})",
        literals(objects.keys().map(|object| &***object))
    );
    let rows = Rows::ask(engine, &sql, Vec::new()).await?;
    let (object, verdict, reason) = (rows.texts("source_object")?, rows.texts("verdict")?, rows.texts("reason")?);
    let at = rows.times("verified_at")?;
    let said: HashMap<String, usize> = (0..rows.len()).filter_map(|row| Some((owned(&object, row)?, row))).collect();
    let mut found: BTreeMap<(bool, String, Option<String>), Evidence> = BTreeMap::new();
    for (name, events) in objects {
        let row = said.get(&**name).copied();
        let verdict = row.and_then(|row| owned(&verdict, row)).unwrap_or_else(|| NOT_VERIFIED.to_owned());
        let reason = row.and_then(|row| owned(&reason, row));
        let key = (!ALTERED.contains(&verdict.as_str()), verdict.clone(), reason.clone());
        let entry = found.entry(key).or_insert_with(|| Evidence {
            verdict,
            reason,
            objects: Vec::new(),
            events: 0,
            verified_at: None,
        });
        entry.objects.push(Arc::clone(name));
        entry.events += events;
        entry.verified_at = entry.verified_at.max(row.and_then(|row| time(&at, row)));
    }
    Ok(found.into_values().collect())
}

/// What the reader must know of it before anything else.
pub fn warning(evidence: &[Evidence]) -> Option<String> {
    let altered: Vec<String> = evidence.iter().filter(|one| one.is_altered()).map(Evidence::words).collect();
    (!altered.is_empty()).then(|| format!("the evidence was altered: {}", altered.join("; ")))
}
