//! A finding of the nightly report as an anchor: by its fingerprint, or the beginning of it.

use std::collections::BTreeMap;

use datafusion::common::ScalarValue;

use crate::error::Result;
use crate::sql::nearest::nearest;

use super::anchor::Anchor;
use super::rows::{Book, Rows, owned, time};
use super::seeds::Understood;
use super::text::some;

/// Letters of a whole fingerprint.
const WHOLE: usize = 32;

/// Letters that are enough to ask for one: fewer may be a name.
const ENOUGH: usize = 6;

/// Fingerprints that are shown where several begin alike.
const SHOWN: usize = 4;

const DAY: i64 = 86_400 * 1_000_000;

/// An anchor, and the finding that named it.
#[derive(Debug, Clone)]
pub struct Named {
    /// The anchor.
    pub text: String,
    /// The finding's fingerprint and title.
    pub of: Option<String>,
}

/// The anchors with findings replaced by what they name.
#[derive(Debug, Default)]
pub struct Resolved {
    /// What is looked for.
    pub anchors: Vec<Named>,
    /// The day of the earliest finding, where nothing else is looked for; microseconds.
    pub since: Option<i64>,
    /// Fingerprints that are no one finding's, with what is near.
    pub unknown: BTreeMap<String, Understood>,
}

impl Resolved {
    /// The finding that named an anchor.
    pub fn of(&self, anchor: &str) -> Option<&String> {
        self.anchors.iter().find(|named| named.text == anchor).and_then(|named| named.of.as_ref())
    }
}

fn may_be(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (ENOUGH..=WHOLE).contains(&text.len()) && text.bytes().all(hex) && Anchor::of(text) == Anchor::Name
}

/// Looks up which anchors are findings.
///
/// # Errors
/// The findings cannot be asked.
pub async fn resolve(book: &Book<'_>, anchors: &[String]) -> Result<Resolved> {
    let mut resolved = Resolved::default();
    let mut others = false;
    for typed in anchors.iter().map(|typed| typed.trim()) {
        let plain = Named { text: typed.to_owned(), of: None };
        if !may_be(typed) {
            others = true;
            resolved.anchors.push(plain);
            continue;
        }
        let sql = "SELECT fingerprint, title, session_ids, access_keys, principals, source_ips, evidence, first_seen
                   FROM findings WHERE starts_with(fingerprint, $anchor) ORDER BY night DESC, fingerprint";
        let bound = vec![("anchor".to_owned(), ScalarValue::Utf8(Some(typed.to_owned())))];
        let rows = book.ask(sql, bound).await?;
        let (print, title) = (rows.texts("fingerprint")?, rows.texts("title")?);
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for row in 0..rows.len() {
            let title = owned(&title, row).unwrap_or_default();
            known.entry(owned(&print, row).unwrap_or_default()).or_insert(title);
        }
        if known.len() == 1 {
            let (print, title) = known.into_iter().next().unwrap_or_default();
            let of = format!("{}, {title}", print.chars().take(12).collect::<String>());
            resolved.anchors.extend(named(&rows)?.into_iter().map(|text| Named { text, of: Some(of.clone()) }));
            let first = time(&rows.times("first_seen")?, 0).map(|at| at.div_euclid(DAY) * DAY);
            resolved.since = resolved.since.into_iter().chain(first).min();
            continue;
        }
        others = true;
        if !known.is_empty() || typed.len() == WHOLE {
            resolved.unknown.insert(typed.to_owned(), unknown(book, typed, &known).await?);
        }
        // It may be a name all the same.
        resolved.anchors.push(plain);
    }
    resolved.since = resolved.since.filter(|_| !others);
    Ok(resolved)
}

async fn unknown(book: &Book<'_>, typed: &str, known: &BTreeMap<String, String>) -> Result<Understood> {
    let near = if known.is_empty() {
        let rows = book.ask("SELECT DISTINCT fingerprint FROM findings", Vec::new()).await?;
        let print = rows.texts("fingerprint")?;
        let all: Vec<String> = (0..rows.len()).filter_map(|row| owned(&print, row)).collect();
        nearest(typed, all.iter().map(String::as_str)).map(str::to_owned)
    } else {
        let list: Vec<String> = known.iter().map(|(print, title)| format!("{print} ({title})")).collect();
        Some(some(list.iter().map(String::as_str), SHOWN))
    };
    let words = if known.is_empty() { "finding" } else { "beginning of several findings" };
    Ok(Understood {
        text: typed.to_owned(),
        kind: Anchor::Name,
        words: words.to_owned(),
        sessions: 0,
        keys: 0,
        more: 0,
        near,
    })
}

/// What a finding's latest night names: its sessions and keys; else who, from where, and what events.
fn named(rows: &Rows) -> Result<Vec<String>> {
    let list = |name: &str| rows.lists(name).map(|lists| lists.get(0));
    let mut all = list("session_ids")?;
    all.extend(list("access_keys")?);
    if all.is_empty() {
        all = list("principals")?;
    }
    // Identity Center's user ids stand in few records.
    if all.iter().all(|who| Anchor::of(who) == Anchor::Uuid) {
        all.extend(list("source_ips")?);
    }
    if all.is_empty() {
        let text = owned(&rows.texts("evidence")?, 0).unwrap_or_default();
        let events: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
        all.extend(events.iter().filter_map(|event| event["event_id"].as_str()).map(str::to_owned));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_fingerprint() {
        for (text, expected) in [
            ("2b8a32fae0f2a4a3eeff00041c6ad10e", true),
            ("2b8a32", true),
            ("2b8a3", false),
            ("2B8A32FAE0F2A4A3EEFF00041C6AD10E", false),
            ("111122223333", false),
            ("legacy", false),
            ("2b8a32fae0f2a4a3eeff00041c6ad10e0", false),
        ] {
            assert_eq!(may_be(text), expected, "{text}");
        }
    }
}
