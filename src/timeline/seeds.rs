//! What the anchors name: sessions, users' keys, addresses; and for those that name nothing, what is near.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::ScalarValue;

use crate::error::Result;
use crate::sql::nearest::nearest;
use crate::sql::session::Engine;
use crate::sts::arn;

use super::anchor::Anchor;
use super::keys::{self, KeyUse};
use super::load::Sessions;
use super::rows::{Rows, owned, text, time};

/// Sessions that one anchor brings in, at most: of a wider one the newest are taken.
const MOST: usize = 2_000;

/// An anchor, and what it was taken for.
#[derive(Debug, Clone)]
pub struct Understood {
    /// As typed.
    pub text: String,
    /// What it looks like.
    pub kind: Anchor,
    /// In words.
    pub words: String,
    /// Sessions it names.
    pub sessions: usize,
    /// Users' keys it names.
    pub keys: usize,
    /// Sessions beyond those that are taken.
    pub more: usize,
    /// What is near, where it names nothing.
    pub near: Option<String>,
}

impl Understood {
    /// Whether it names nothing.
    pub fn is_missing(&self) -> bool {
        self.sessions == 0 && self.keys == 0
    }
}

/// What the walk starts from.
#[derive(Debug, Default)]
pub struct Seeds {
    /// Whether few sessions are named for certain.
    pub narrow: bool,
    /// From when on.
    pub since: Option<i64>,
    /// Session ids, each with why.
    pub sessions: Vec<(String, String)>,
    /// Those that were named by their own key.
    pub by_name: BTreeSet<String>,
    /// Users' keys, each with why.
    pub keys: BTreeMap<String, String>,
    /// Those that were found by address.
    pub by_address: BTreeSet<String>,
    /// What these keys did.
    pub key_uses: Vec<KeyUse>,
    /// Addresses that were named.
    pub addresses: BTreeSet<String>,
    /// The anchors.
    pub anchors: Vec<Understood>,
}

/// Looks every anchor up.
///
/// # Errors
/// The tables cannot be asked.
pub async fn find(
    engine: &Engine,
    sessions: &Sessions,
    anchors: &[String],
    since: Option<i64>,
    until: Option<i64>,
) -> Result<Seeds> {
    let mut seeds = Seeds { since, narrow: true, ..Seeds::default() };
    let within = |first: i64, last: i64| since.is_none_or(|t| last >= t) && until.is_none_or(|t| first < t);
    for typed in anchors {
        let mut typed = typed.trim().to_owned();
        let mut kind = Anchor::of(&typed);
        if kind == Anchor::Uuid
            && let Some((other, of)) = of_event(engine, &typed).await?
            && by_condition(engine, kind, &typed).await?.is_empty()
        {
            // An event without a session: the user's key that made it, else where it came from.
            (typed, kind) = (other, of);
        }
        let named_key = kind == Anchor::Key && !typed.starts_with("AKIA");
        let mut found: Vec<_> = by_condition(engine, kind, &typed)
            .await?
            .into_iter()
            .filter_map(|id| sessions.place(&id))
            .filter(|&place| named_key || within(sessions.begun(place), sessions.seen(place)))
            .collect();
        found.sort_by_key(|&place| (std::cmp::Reverse(sessions.seen(place)), sessions.id(place)));
        let more = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        let words = kind.understood(&typed);
        for &place in &found {
            let id = sessions.id(place).to_owned();
            if named_key {
                seeds.by_name.insert(id.clone());
            }
            if !seeds.sessions.iter().any(|(known, _)| *known == id) {
                seeds.sessions.push((id, format!("named by the {} {typed}", kind.word())));
            }
        }
        let mut ids = BTreeSet::new();
        if kind != Anchor::Uuid && !named_key {
            let uses = keys::uses(engine, kind.calls(), Some(&typed)).await?;
            for used in uses.iter().filter(|used| within(used.first, used.last)) {
                let Some(id) = &used.key else { continue };
                ids.insert(id.clone());
                seeds.keys.entry(id.clone()).or_insert_with(|| format!("named by the {} {typed}", kind.word()));
                if matches!(kind, Anchor::Address | Anchor::Network) {
                    seeds.by_address.insert(id.clone());
                    seeds.addresses.insert(used.ip.clone());
                }
            }
        }
        match kind {
            Anchor::Address => _ = seeds.addresses.insert(typed.clone()),
            Anchor::Network => {
                let inside = |ip: &str| crate::sts::ip::ip_in(ip, &typed) == Some(true);
                for &place in &found {
                    let used = sessions.uses(place).map(|used| used.ip);
                    let asked = sessions.issued_ip(place).into_iter().chain(sessions.requester_ip(place));
                    seeds.addresses.extend(used.chain(asked).filter(|ip| inside(ip)).map(str::to_owned));
                }
            }
            Anchor::Key | Anchor::Uuid => {}
            _ => seeds.narrow = false,
        }
        let near = if found.is_empty() && ids.is_empty() { near(sessions, kind, &typed) } else { None };
        seeds.anchors.push(Understood { text: typed, kind, words, sessions: found.len(), keys: ids.len(), more, near });
    }
    // The keys that the named sessions were asked for with: where those were used tells who asked.
    let named = seeds.sessions.iter().filter_map(|(id, _)| sessions.place(id));
    let mut ids: BTreeSet<String> = seeds.keys.keys().cloned().collect();
    for place in named {
        let key = sessions.caller_key(sessions.root(place)).filter(|key| key.starts_with("AKIA"));
        if let Some(key) = key
            && ids.insert(key.to_owned())
        {
            seeds.keys.insert(key.to_owned(), format!("asked for {}", sessions.id(sessions.root(place))));
        }
    }
    seeds.key_uses = keys::of(engine, &ids).await?;
    Ok(seeds)
}

async fn by_condition(engine: &Engine, kind: Anchor, typed: &str) -> Result<Vec<String>> {
    let bound = vec![("anchor".to_owned(), ScalarValue::Utf8(Some(typed.to_owned())))];
    let rows = Rows::ask(engine, &format!("SELECT session_id FROM sessions WHERE {}", kind.sessions()), bound).await?;
    let ids = rows.texts("session_id")?;
    Ok((0..rows.len()).filter_map(|row| owned(&ids, row)).collect())
}

/// The key or the address of an event.
async fn of_event(engine: &Engine, id: &str) -> Result<Option<(String, Anchor)>> {
    let bound = vec![("anchor".to_owned(), ScalarValue::Utf8(Some(id.to_owned())))];
    let sql = format!(
        "SELECT access_key_id, source_ip_address, event_time FROM events WHERE {} ORDER BY access_key_id NULLS LAST, event_time LIMIT 1",
        Anchor::Uuid.calls()
    );
    let rows = Rows::ask(engine, &sql, bound).await?;
    let (key, ip, at) = (rows.texts("access_key_id")?, rows.texts("source_ip_address")?, rows.times("event_time")?);
    if rows.len() == 0 || time(&at, 0).is_none() {
        return Ok(None);
    }
    let found = text(&key, 0).map(|key| (key.to_owned(), Anchor::Key));
    let address =
        || text(&ip, 0).filter(|ip| Anchor::of(ip) == Anchor::Address).map(|ip| (ip.to_owned(), Anchor::Address));
    Ok(found.or_else(address))
}

/// The known name that a text probably stands for.
fn near(sessions: &Sessions, kind: Anchor, typed: &str) -> Option<String> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for place in 0..sessions.len() {
        match kind {
            Anchor::Key | Anchor::UniqueId => _ = known.insert(sessions.id(place)),
            Anchor::Arn => known.extend(sessions.role(place).into_iter().chain(sessions.origin(place))),
            Anchor::Address | Anchor::Network => known.extend(sessions.uses(place).map(|used| used.ip)),
            Anchor::Account => known.extend(sessions.role_account(place)),
            Anchor::Uuid => {}
            Anchor::Name => {
                known.extend(sessions.name(place));
                known.extend(sessions.origin(place));
                known.extend(sessions.role(place).and_then(arn::name));
            }
        }
    }
    let lower = typed.to_lowercase();
    let holds = known.iter().filter(|name| name.to_lowercase().contains(&lower)).min_by_key(|name| name.len());
    holds.copied().or_else(|| nearest(typed, known.iter().copied())).map(str::to_owned)
}
