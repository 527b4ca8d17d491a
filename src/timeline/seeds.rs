//! What the anchors name: sessions, users' keys, addresses; and for those that name nothing, what is near.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::ScalarValue;

use crate::error::Result;
use crate::sql::linked::Asked;
use crate::sql::nearest::nearest;
use crate::sql::session::Engine;
use crate::sts::arn;

use super::anchor::Anchor;
use super::fingerprint::{Named, Resolved};
use super::keys::{self, KeyUse};
use super::load::Sessions;
use super::rows::{Book, Rows, literals, owned, text, time};

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
    /// Sign-ins of whom nothing else shows: the event, and when.
    pub sign_ins: BTreeMap<String, i64>,
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
    book: &Book<'_>,
    sessions: &Sessions,
    named: &Resolved,
    since: Option<i64>,
    until: Option<i64>,
) -> Result<Seeds> {
    let mut seeds = Seeds { since, narrow: true, ..Seeds::default() };
    let within = |first: i64, last: i64| since.is_none_or(|t| last >= t) && until.is_none_or(|t| first < t);
    for Named { text, of } in &named.anchors {
        let mut typed = text.trim().to_owned();
        let mut kind = Anchor::of(&typed);
        if kind == Anchor::Uuid
            && let Some((other, of)) = of_event(book, &typed).await?
            && by_condition(book.engine(), kind, &typed).await?.is_empty()
        {
            // An event without a session: the user's key that made it, else where it came from.
            (typed, kind) = (other, of);
        }
        let named_key = kind == Anchor::Key && !typed.starts_with("AKIA");
        let mut found: Vec<_> = by_condition(book.engine(), kind, &typed)
            .await?
            .into_iter()
            .filter_map(|id| sessions.place(&id))
            .filter(|&place| named_key || within(sessions.begun(place), sessions.seen(place)))
            .collect();
        found.sort_by_key(|&place| (std::cmp::Reverse(sessions.seen(place)), sessions.id(place)));
        let more = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        let words = match of {
            Some(of) => format!("{} of finding {of}", kind.understood(&typed)),
            None => kind.understood(&typed),
        };
        let why = match of {
            Some(of) => format!("named by finding {of}"),
            None => format!("named by the {} {typed}", kind.word()),
        };
        for &place in &found {
            let id = sessions.id(place).to_owned();
            if named_key {
                seeds.by_name.insert(id.clone());
            }
            if !seeds.sessions.iter().any(|(known, _)| *known == id) {
                seeds.sessions.push((id, why.clone()));
            }
        }
        let mut ids = BTreeSet::new();
        if kind != Anchor::Uuid && !named_key {
            let uses = keys::uses(book, kind.calls(), Some(&typed)).await?;
            for used in uses.iter().filter(|used| within(used.first, used.last)) {
                let Some(id) = &used.key else { continue };
                ids.insert(id.clone());
                seeds.keys.entry(id.clone()).or_insert_with(|| why.clone());
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
        let mut events = BTreeMap::new();
        if found.is_empty() && ids.is_empty() {
            events = sign_ins(book, kind, &typed).await?;
            events.retain(|_, at| within(*at, *at));
        }
        let missing = found.is_empty() && ids.is_empty() && events.is_empty();
        if let Some(unknown) = named.unknown.get(&typed).filter(|_| missing) {
            seeds.anchors.push(unknown.clone());
            continue;
        }
        let near = if missing { near(book, kind, &typed).await? } else { None };
        seeds.anchors.push(Understood {
            text: typed,
            kind,
            words,
            sessions: found.len(),
            keys: ids.len().max(events.len().min(1)),
            more,
            near,
        });
        seeds.sign_ins.extend(events);
    }
    // A finding is found where anything of it is: some of its keys may have been left out.
    let of: Vec<Option<&String>> = seeds.anchors.iter().map(|a| named.of(&a.text)).collect();
    let lost: Vec<bool> = seeds
        .anchors
        .iter()
        .zip(&of)
        .map(|(anchor, finding)| {
            let any = seeds.anchors.iter().zip(&of).any(|(a, other)| other == finding && !a.is_missing());
            finding.is_some() && anchor.is_missing() && any
        })
        .collect();
    let mut lost = lost.into_iter();
    seeds.anchors.retain(|_| !lost.next().unwrap_or(false));
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
    seeds.key_uses = keys::of(book, &ids).await?;
    Ok(seeds)
}

async fn by_condition(engine: &Engine, kind: Anchor, typed: &str) -> Result<Vec<String>> {
    let bound = vec![("anchor".to_owned(), ScalarValue::Utf8(Some(typed.to_owned())))];
    let rows = Rows::ask(engine, &format!("SELECT session_id FROM sessions WHERE {}", kind.sessions()), bound).await?;
    let ids = rows.texts("session_id")?;
    Ok((0..rows.len()).filter_map(|row| owned(&ids, row)).collect())
}

/// Sign-ins, which are made without a key: of somebody whose calls do not show otherwise.
async fn sign_ins(book: &Book<'_>, kind: Anchor, typed: &str) -> Result<BTreeMap<String, i64>> {
    let condition = match kind {
        Anchor::Key => return Ok(BTreeMap::new()),
        Anchor::Arn => "caller_arn = $anchor",
        Anchor::UniqueId => "caller_principal_id = $anchor",
        Anchor::Address => "source_ip_address = $anchor",
        Anchor::Network => "ip_in(source_ip_address, $anchor)",
        Anchor::Account => "recipient_account_id = $anchor",
        Anchor::Uuid => {
            "event_id = CAST($anchor AS VARCHAR) OR on_behalf_of_user_id = CAST($anchor AS VARCHAR) OR caller_principal_id = CAST($anchor AS VARCHAR)"
        }
        Anchor::Name => "caller_user_name = $anchor",
    };
    let sql = format!(
        "SELECT event_id, event_time FROM credential_calls
         WHERE kind IN ('sign_in', 'portal', 'switch') AND caller_key_id IS NULL AND ({condition})
         ORDER BY event_time DESC, event_id LIMIT {MOST}"
    );
    let bound = vec![("anchor".to_owned(), ScalarValue::Utf8(Some(typed.to_owned())))];
    let rows = book.ask(&sql, bound).await?;
    let (id, at) = (rows.texts("event_id")?, rows.times("event_time")?);
    Ok((0..rows.len()).filter_map(|row| Some((owned(&id, row)?, time(&at, row)?))).collect())
}

/// The key or the address of an event.
async fn of_event(book: &Book<'_>, id: &str) -> Result<Option<(String, Anchor)>> {
    let bound = vec![("anchor".to_owned(), ScalarValue::Utf8(Some(id.to_owned())))];
    let sql = format!(
        "SELECT access_key_id, source_ip_address, event_time FROM events WHERE {} ORDER BY access_key_id NULLS LAST, event_time LIMIT 1",
        Anchor::Uuid.calls()
    );
    let rows = book.ask(&sql, bound).await?;
    let (key, ip, at) = (rows.texts("access_key_id")?, rows.texts("source_ip_address")?, rows.times("event_time")?);
    if rows.len() == 0 || time(&at, 0).is_none() {
        return Ok(None);
    }
    let found = text(&key, 0).map(|key| (key.to_owned(), Anchor::Key));
    let address =
        || text(&ip, 0).filter(|ip| Anchor::of(ip) == Anchor::Address).map(|ip| (ip.to_owned(), Anchor::Address));
    Ok(found.or_else(address))
}

/// What of the logs bears on the anchors, before anything is known of them.
///
/// # Errors
/// The tables cannot be asked.
pub async fn asked(book: &Book<'_>, anchors: &[Named]) -> Result<Asked> {
    let mut asked = Asked::default();
    for typed in anchors.iter().map(|anchor| anchor.text.trim()) {
        let kind = Anchor::of(typed);
        let bound = || vec![("anchor".to_owned(), ScalarValue::Utf8(Some(typed.to_owned())))];
        match kind {
            Anchor::Key if !typed.starts_with("AKIA") => _ = asked.sessions.insert(typed.to_owned()),
            Anchor::Key | Anchor::Address => _ = asked.names.insert(typed.to_owned()),
            Anchor::Account => asked.everything = true,
            Anchor::Arn | Anchor::Name | Anchor::UniqueId => {
                asked.names.insert(typed.to_owned());
                let last = arn::name(typed).filter(|_| kind == Anchor::Arn && !typed.contains(":assumed-role/"));
                let named = last.filter(|_| typed.contains(":instance/") || typed.contains(":federated-user/"));
                asked.names.extend(named.map(str::to_owned));
                if kind == Anchor::UniqueId {
                    let sql =
                        "SELECT DISTINCT identity_arn AS name FROM activity WHERE identity_principal_id = $anchor";
                    asked.names.extend(names(&book.ask(sql, bound()).await?)?);
                }
            }
            Anchor::Network => {
                let sql = "SELECT DISTINCT source_ip_address AS name FROM activity WHERE ip_in(source_ip_address, $anchor)
                           UNION SELECT DISTINCT source_ip_address FROM credential_calls WHERE ip_in(source_ip_address, $anchor)";
                asked.names.extend(names(&book.ask(sql, bound()).await?)?);
            }
            // What an event gave, and who made it; a sign-in is no event that gives a key.
            Anchor::Uuid => {
                let sql = format!("SELECT event_id, access_key_id FROM events WHERE {}", kind.calls());
                let rows = book.ask(&sql, bound()).await?;
                let (id, key) = (rows.texts("event_id")?, rows.texts("access_key_id")?);
                let ids: BTreeSet<&str> = (0..rows.len()).filter_map(|row| text(&id, row)).collect();
                let keys: BTreeSet<&str> = (0..rows.len()).filter_map(|row| text(&key, row)).collect();
                asked.everything |= keys.is_empty();
                asked.names.extend(keys.iter().filter(|key| key.starts_with("AKIA")).map(|&key| key.to_owned()));
                asked.sessions.extend(keys.into_iter().map(str::to_owned));
                let sql = format!("SELECT key_id AS name FROM credential_calls WHERE event_id IN ({})", literals(ids));
                asked.sessions.extend(names(&book.ask(&sql, Vec::new()).await?)?);
                asked.names.insert(typed.to_owned());
            }
        }
    }
    Ok(asked)
}

fn names(rows: &Rows) -> Result<BTreeSet<String>> {
    let name = rows.texts("name")?;
    Ok((0..rows.len()).filter_map(|row| owned(&name, row)).collect())
}

/// The known name that a text probably stands for.
async fn near(book: &Book<'_>, kind: Anchor, typed: &str) -> Result<Option<String>> {
    let columns: &[&str] = match kind {
        Anchor::Key => &["key_id FROM credential_calls", "access_key_id FROM activity"],
        Anchor::UniqueId => &["role_id FROM credential_calls", "identity_principal_id FROM activity"],
        Anchor::Arn => &["role_arn FROM credential_calls", "identity_arn FROM activity"],
        Anchor::Address | Anchor::Network => {
            &["source_ip_address FROM credential_calls", "source_ip_address FROM activity"]
        }
        Anchor::Account => &["recipient_account_id FROM credential_calls", "recipient_account_id FROM activity"],
        Anchor::Uuid => return Ok(None),
        Anchor::Name => &[
            "session_name FROM credential_calls",
            "subject FROM credential_calls",
            "invoked_by FROM credential_calls",
            "arn_name(role_arn) FROM credential_calls",
            "identity_user_name FROM activity",
        ],
    };
    let mut known: BTreeSet<String> = BTreeSet::new();
    for column in columns {
        let (value, table) = column.split_once(" FROM ").unwrap_or((column, ""));
        let sql = format!("SELECT DISTINCT {value} AS name FROM {table}");
        known.extend(names(&book.ask(&sql, Vec::new()).await?)?);
    }
    let lower = typed.to_lowercase();
    let holds = known.iter().filter(|name| name.to_lowercase().contains(&lower)).min_by_key(|name| name.len());
    Ok(holds.map(String::as_str).or_else(|| nearest(typed, known.iter().map(String::as_str))).map(str::to_owned))
}
