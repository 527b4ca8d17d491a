//! Reads the calls that create credentials or what they come from: of these keys, or that made these names.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::Result;

use super::created::{ABOVE, CALLS, Deed};
use super::rows::{Book, literals, owned, text, time};
use super::text as words;

const COLUMNS: &str = "event_time, event_id, event_name, recipient_account_id, access_key_id, identity_arn, source_ip_address, user_agent,
    request_parameters, response_elements";

/// How many are looked at: who creates more does it for a living.
const MOST: usize = 2_000;

/// How long before a credential was last used its making is looked for: a week, and the longest life of a credential.
const WEEK: i64 = 9 * 86_400 * 1_000_000;

async fn read(book: &Book<'_>, condition: &str) -> Result<Vec<Deed>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE error_code IS NULL AND {condition} ORDER BY event_time, event_id LIMIT {MOST}"
    );
    let rows = book.ask(&sql, Vec::new()).await?;
    let at = rows.times("event_time")?;
    let (id, name, account) = (rows.texts("event_id")?, rows.texts("event_name")?, rows.texts("recipient_account_id")?);
    let (key, caller) = (rows.texts("access_key_id")?, rows.texts("identity_arn")?);
    let (ip, agent) = (rows.texts("source_ip_address")?, rows.texts("user_agent")?);
    let (request, response) = (rows.texts("request_parameters")?, rows.texts("response_elements")?);
    let json = |value: Option<&str>| value.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let one = |row| Deed {
        at: time(&at, row).unwrap_or_default(),
        event_id: owned(&id, row).unwrap_or_default(),
        name: owned(&name, row).unwrap_or_default(),
        account: owned(&account, row).unwrap_or_default(),
        key: owned(&key, row),
        caller: owned(&caller, row),
        ip: owned(&ip, row),
        agent: owned(&agent, row),
        request: json(text(&request, row)),
        response: json(text(&response, row)),
    };
    Ok((0..rows.len()).map(one).collect())
}

/// What these keys created, which were used from the first to the last of these moments.
///
/// # Errors
/// The events cannot be asked.
pub async fn by_keys(book: &Book<'_>, keys: &BTreeSet<String>, (first, last): (i64, i64)) -> Result<Vec<Deed>> {
    if keys.is_empty() || first > last {
        return Ok(Vec::new());
    }
    let (keys, when) = (literals(keys.iter().map(String::as_str)), words::within(first, last));
    let calls = literals(CALLS.iter().copied());
    read(book, &format!("{when} AND access_key_id IN ({keys}) AND event_name IN ({calls})")).await
}

/// What made these: keys, users, roles, providers, functions, by name; within a week before `latest`.
///
/// # Errors
/// The events cannot be asked.
pub async fn that_made(book: &Book<'_>, names: &BTreeSet<String>, latest: i64) -> Result<Vec<Deed>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let about = |name: &String| {
        let name = name.replace('\'', "''");
        format!("strpos(request_parameters, '{name}') > 0 OR strpos(response_elements, '{name}') > 0")
    };
    let about: Vec<_> = names.iter().map(about).collect();
    let when = words::within(latest - WEEK, latest);
    let calls = literals(ABOVE.iter().copied());
    read(book, &format!("{when} AND event_name IN ({calls}) AND ({})", about.join(" OR "))).await
}
