//! Users' own keys, which are no sessions: where they were used, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::ScalarValue;

use crate::error::Result;

use super::owner::{is_address, same_network};
use super::rows::{Book, literals, number, owned, text, time};
use crate::sts::agent::tool;

const DAY: i64 = 86_400 * 1_000_000;
const MARGIN: i64 = 6 * 3600 * 1_000_000;

/// What a user's key did from one address with one program on one day.
#[derive(Debug, Clone)]
pub struct KeyUse {
    /// The key; none for calls that show none (a sign-in).
    pub key: Option<String>,
    /// The user's ARN.
    pub arn: String,
    /// The user's account.
    pub account: String,
    /// The address as written.
    pub ip: String,
    /// What it is.
    pub kind: String,
    /// The program.
    pub agent: Option<String>,
    /// The first call of the day.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// Calls.
    pub events: i64,
    /// Calls that were denied.
    pub denied: i64,
    /// Calls that write.
    pub writes: i64,
}

/// A user's key in the case.
#[derive(Debug, Clone, Default)]
pub struct UserKey {
    /// The key's id.
    pub id: String,
    /// The user.
    pub arn: String,
    /// The account.
    pub account: String,
    /// Why it belongs to the case.
    pub why: String,
    /// Whether it was made within the case: then nobody but the other holds it.
    pub created: bool,
    /// How many rounds sideways it was found.
    pub round: u32,
    /// The owner's addresses.
    pub home: BTreeSet<String>,
    /// The other's.
    pub other: BTreeSet<String>,
    /// What tells the other, in words.
    pub sign: String,
    /// The first and the last call in these logs, whosever.
    pub all: (i64, i64),
    /// First call of the part in question.
    pub first: i64,
    /// Last call.
    pub last: i64,
    /// Calls of the part in question.
    pub events: i64,
    /// Denied ones.
    pub denied: i64,
    /// Writing ones.
    pub writes: i64,
}

/// What users' keys did, as far as a condition on `activity` goes.
///
/// # Errors
/// The table cannot be asked.
pub async fn uses(book: &Book<'_>, condition: &str, anchor: Option<&str>) -> Result<Vec<KeyUse>> {
    let sql = format!(
        "SELECT access_key_id, identity_arn, identity_account_id, source_ip_address, source_ip_kind, user_agent, event_date,
                min(first_at) AS first_at, max(last_at) AS last_at, sum(event_count) AS events, sum(denied_count) AS denied,
                sum(write_count) AS writes
         FROM activity
         WHERE ({condition}) AND identity_type IN ('IAMUser', 'Root') AND (access_key_id IS NULL OR access_key_id LIKE 'AKIA%')
         GROUP BY access_key_id, identity_arn, identity_account_id, source_ip_address, source_ip_kind, user_agent, event_date
         ORDER BY first_at, access_key_id, source_ip_address, user_agent"
    );
    let bound = anchor.map(|text| ("anchor".to_owned(), ScalarValue::Utf8(Some(text.to_owned()))));
    let rows = book.ask(&sql, bound.into_iter().collect()).await?;
    let (key, arn, account) =
        (rows.texts("access_key_id")?, rows.texts("identity_arn")?, rows.texts("identity_account_id")?);
    let (ip, kind, agent) =
        (rows.texts("source_ip_address")?, rows.texts("source_ip_kind")?, rows.texts("user_agent")?);
    let (first, last) = (rows.times("first_at")?, rows.times("last_at")?);
    let (events, denied, writes) = (rows.integers("events")?, rows.integers("denied")?, rows.integers("writes")?);
    let one = |row| KeyUse {
        key: owned(&key, row),
        arn: owned(&arn, row).unwrap_or_default(),
        account: owned(&account, row).unwrap_or_default(),
        ip: owned(&ip, row).unwrap_or_default(),
        kind: text(&kind, row).unwrap_or_default().to_owned(),
        agent: owned(&agent, row),
        first: time(&first, row).unwrap_or_default(),
        last: time(&last, row).unwrap_or_default(),
        events: number(&events, row),
        denied: number(&denied, row),
        writes: number(&writes, row),
    };
    Ok((0..rows.len()).map(one).collect())
}

/// The same, of these keys.
///
/// # Errors
/// The table cannot be asked.
pub async fn of(book: &Book<'_>, keys: &BTreeSet<String>) -> Result<Vec<KeyUse>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    uses(book, &format!("access_key_id IN ({})", literals(keys.iter().map(String::as_str))), None).await
}

/// Tells a key's owner from another by its past: what was seen on two days and more before `since`, or on the only one.
pub fn key(id: &str, uses: &[KeyUse], since: Option<i64>, created: bool, why: &str) -> Option<UserKey> {
    let mine: Vec<_> = uses.iter().filter(|used| used.key.as_deref() == Some(id)).collect();
    let any = mine.first()?;
    let from = since.unwrap_or_else(|| mine.iter().map(|used| used.last).max().unwrap_or(0).div_euclid(DAY) * DAY);
    let past = |used: &KeyUse| used.first < from - MARGIN;
    let days: BTreeSet<i64> = mine.iter().filter(|used| past(used)).map(|used| used.first.div_euclid(DAY)).collect();
    let usual = |ip: &str| {
        let there: BTreeSet<i64> = mine
            .iter()
            .filter(|used| past(used) && same_network(&used.ip, ip))
            .map(|used| used.first.div_euclid(DAY))
            .collect();
        !there.is_empty() && there.len() >= days.len().min(2)
    };
    let (mut home, mut other) = (BTreeSet::new(), BTreeSet::new());
    let mut sign = "its owner was never there before".to_owned();
    for used in mine.iter().filter(|used| is_address(&used.kind)) {
        let mark = used.agent.as_deref().and_then(tool);
        if let Some(mark) = mark {
            sign = format!("an attacker's tool ({mark})");
        }
        let strange = created || mark.is_some() || !days.is_empty() && !usual(&used.ip) && used.last >= from - MARGIN;
        if strange {
            other.insert(used.ip.clone())
        } else {
            home.insert(used.ip.clone())
        };
    }
    home.retain(|ip: &String| !other.contains(ip));
    let counted: Vec<_> = mine
        .iter()
        .filter(|used| used.last >= since.unwrap_or(i64::MIN) && (other.is_empty() || other.contains(&used.ip)))
        .collect();
    Some(UserKey {
        id: id.to_owned(),
        arn: any.arn.clone(),
        account: any.account.clone(),
        why: why.to_owned(),
        created,
        round: 0,
        home,
        other,
        sign,
        all: mine.iter().fold((any.first, any.last), |(a, b), used| (a.min(used.first), b.max(used.last))),
        first: counted.iter().map(|used| used.first).min().unwrap_or(any.first),
        last: counted.iter().map(|used| used.last).max().unwrap_or(any.last),
        events: counted.iter().map(|used| used.events).sum(),
        denied: counted.iter().map(|used| used.denied).sum(),
        writes: counted.iter().map(|used| used.writes).sum(),
    })
}

/// Keys by id, where calls came from these addresses.
///
/// # Errors
/// The table cannot be asked.
pub async fn at(book: &Book<'_>, addresses: &BTreeSet<String>) -> Result<BTreeMap<String, KeyUse>> {
    if addresses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let condition = format!("source_ip_address IN ({})", literals(addresses.iter().map(String::as_str)));
    let found = uses(book, &condition, None).await?;
    Ok(found.into_iter().filter_map(|used| Some((used.key.clone()?, used))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(ip: &str, day: i64) -> KeyUse {
        KeyUse {
            key: Some("AKIAX".to_owned()),
            arn: "arn:aws:iam::1:user/svc".to_owned(),
            account: "1".to_owned(),
            ip: ip.to_owned(),
            kind: "public".to_owned(),
            agent: None,
            first: day * DAY,
            last: day * DAY + 1,
            events: 1,
            denied: 0,
            writes: 0,
        }
    }

    #[test]
    fn a_key_in_two_places() {
        let uses = [used("192.0.2.1", 1), used("192.0.2.1", 2), used("192.0.2.1", 3), used("203.0.113.9", 3)];
        let found = key("AKIAX", &uses, Some(3 * DAY), false, "").unwrap();
        assert_eq!(
            (found.home.len(), found.other.iter().map(String::as_str).collect::<Vec<_>>()),
            (1, vec!["203.0.113.9"])
        );
        assert_eq!(found.events, 1);
        let quiet = key("AKIAX", &uses[..3], Some(3 * DAY), false, "").unwrap();
        assert!(quiet.other.is_empty());
        let made = key("AKIAX", &uses[3..], None, true, "").unwrap();
        assert!(made.home.is_empty() && made.other.len() == 1);
    }
}
