//! `manifest.json`: what was asked, of what, with which hashes, so that the folder can be trusted and brought up to date.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::sql::session::Engine;

use super::super::Request;
use super::super::case::Case;
use super::super::rows::{Rows, literals, number, owned, time};
use super::super::text;

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The objects that hold the case's events, with what the ledger knows of them; a local file is hashed as it stands.
///
/// # Errors
/// The ledger cannot be asked.
pub async fn inputs(engine: &Engine, objects: &BTreeSet<String>) -> Result<Vec<Value>> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT source_object, size, etag, last_modified FROM ledger WHERE source_object IN ({}) ORDER BY source_object",
        literals(objects.iter().map(String::as_str))
    );
    let rows = Rows::ask(engine, &sql, Vec::new()).await?;
    let (object, etag) = (rows.texts("source_object")?, rows.texts("etag")?);
    let (size, modified) = (rows.integers("size")?, rows.times("last_modified")?);
    let one = |row: usize| {
        let name = owned(&object, row).unwrap_or_default();
        let hash = std::fs::read(&name).ok().map(|bytes| sha256(&bytes));
        json!({"object": name, "size": number(&size, row), "etag": owned(&etag, row),
            "last_modified": time(&modified, row).map(text::time), "sha256": hash})
    };
    Ok((0..rows.len()).map(one).collect())
}

/// What the logs cover of the case's accounts, within its time.
///
/// # Errors
/// The events cannot be asked.
pub async fn coverage(engine: &Engine, case: &Case) -> Result<Vec<Value>> {
    let day = |at: i64| text::time(at)[..10].to_owned();
    let sql = format!(
        "SELECT recipient_account_id AS account, aws_region AS region, min(event_time) AS first, max(event_time) AS last, count(*) AS events
         FROM events WHERE event_date BETWEEN DATE '{}' AND DATE '{}' AND recipient_account_id IN ({})
         GROUP BY 1, 2 ORDER BY 1, 2",
        day(case.span.0), day(case.span.1), literals(case.accounts())
    );
    let rows = Rows::ask(engine, &sql, Vec::new()).await?;
    let (account, region) = (rows.texts("account")?, rows.texts("region")?);
    let (first, last, events) = (rows.times("first")?, rows.times("last")?, rows.integers("events")?);
    let one = |row: usize| {
        json!({"account": owned(&account, row), "region": owned(&region, row), "first": time(&first, row).map(text::time),
            "last": time(&last, row).map(text::time), "events": number(&events, row)})
    };
    Ok((0..rows.len()).map(one).collect())
}

/// How the case was when the folder was first written.
#[derive(Debug, Clone, Default)]
pub struct First {
    /// The time that it referred to.
    pub at: i64,
    /// Its sessions.
    pub sessions: BTreeSet<String>,
}

/// The manifest.
pub fn manifest(
    case: &Case,
    request: &Request,
    first: &First,
    redacted: bool,
    (inputs, coverage): (Vec<Value>, Vec<Value>),
    outputs: &BTreeMap<String, String>,
) -> Value {
    json!({
        "tool": "rolecall",
        "version": env!("CARGO_PKG_VERSION"),
        "arguments": {
            "anchors": request.anchors,
            "since": request.since.map(text::time),
            "until": request.until.map(text::time),
            "expand": request.expand,
            "redact": redacted,
        },
        "at": text::time(case.at),
        "first_written": {"at": text::time(first.at), "sessions": first.sessions},
        "sessions": case.sessions.len(),
        "events": case.events.len(),
        "truncated": case.truncated,
        "coverage": coverage,
        "digests": case.evidence.iter().map(|evidence| evidence.json(!redacted)).collect::<Vec<_>>(),
        "inputs": inputs,
        "outputs": outputs,
    })
}
