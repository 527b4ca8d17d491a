//! What happened: the calls of the case's sessions, keys and addresses, each in its lane and in somebody's hands.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;
use serde_json::Value;

use crate::error::Result;
use crate::sts::denial;

use super::case::CaseSession;
use super::keys::UserKey;
use super::lanes::{self, Lane};
use super::rows::{Book, Rows, literals, owned, text, time, truth};
use super::seeds::Seeds;
use super::text as words;
use super::walk::{How, Party, Walk};
use crate::sts::agent::tool;

/// Events of a case, at most.
const MOST: usize = 100_000;

const HOUR: i64 = 3600 * 1_000_000;

/// One row of the timeline. Times are microseconds.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Event {
    pub at: i64,
    pub id: String,
    pub source: String,
    pub name: String,
    pub account: String,
    pub region: String,
    pub ip: String,
    pub agent: String,
    pub key: Option<String>,
    pub identity_arn: Option<String>,
    pub identity_type: Option<String>,
    pub error: Option<String>,
    pub read_only: bool,
    pub target: String,
    pub lane: Option<Lane>,
    /// What kind of act it is, refused or not.
    pub act: Option<Lane>,
    /// The session that made the call.
    pub session: Option<String>,
    /// The session that the call gave.
    pub gave: Option<String>,
    /// Whether it is the other's.
    pub other: bool,
    pub why: Vec<String>,
    pub weight: u32,
    /// Whether no record stands behind it: a credential that ran out or was revoked.
    pub synthetic: bool,
    /// The log file that it is from.
    pub object: Option<Arc<str>>,
}

impl Event {
    /// `iam:CreateAccessKey`.
    pub fn call(&self) -> String {
        match self.source.split('.').next() {
            Some(service) if !service.is_empty() => format!("{service}:{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// Its lane.
    pub fn lane(&self) -> Lane {
        self.lane.unwrap_or(Lane::Read)
    }
}

const COLUMNS: &str = "event_time, event_id, event_source, event_name, recipient_account_id, effective_region, source_ip_address, user_agent,
    access_key_id, identity_arn, identity_type, error_code, error_message, read_only, request_parameters, response_elements, resource_arns, shared_event_id, identity_account_id, source_object";

/// The condition of the earliest events of those that are too many. Their times tell the end: whole records in order would have to be
/// held all at once.
async fn earliest(book: &Book<'_>, condition: &str) -> Result<String> {
    let sql = format!("SELECT event_time FROM events WHERE {condition} ORDER BY event_time LIMIT 1 OFFSET {MOST}");
    let rows = book.ask(&sql, Vec::new()).await?;
    let end = time(&rows.times("event_time")?, 0);
    Ok(end.map_or_else(|| condition.to_owned(), |end| format!("{condition} AND {}", words::within(0, end - 1))))
}

/// The events of a condition, the earliest of them where they are too many; and whether they are.
async fn some(book: &Book<'_>, condition: &str) -> Result<(Rows, bool)> {
    let sql = |condition: &str| format!("SELECT {COLUMNS} FROM events WHERE {condition} LIMIT {}", MOST + 1);
    let rows = book.ask(&sql(condition), Vec::new()).await?;
    if rows.len() <= MOST {
        return Ok((rows, false));
    }
    Ok((book.ask(&sql(&earliest(book, condition).await?), Vec::new()).await?, true))
}

/// Reads them. Also: whether there were too many, and what was asked.
///
/// # Errors
/// The events cannot be asked.
pub async fn load(
    book: &Book<'_>,
    sessions: &[CaseSession],
    keys: &[UserKey],
    walk: &Walk<'_>,
    seeds: &Seeds,
    until: Option<i64>,
) -> Result<(Vec<Event>, bool, Vec<(String, String)>)> {
    let mut of_key: HashMap<&str, usize> = HashMap::new();
    let mut gave: HashMap<&str, &str> = HashMap::new();
    for (at, session) in sessions.iter().enumerate() {
        of_key.insert(&session.id, at);
        of_key.extend(session.used_keys.iter().map(|key| (key.as_str(), at)));
        gave.extend(session.issue_event_ids.iter().map(|event| (event.as_str(), session.id.as_str())));
    }
    let begun = sessions.iter().filter_map(|s| s.issued_at.or(s.first_at)).chain(keys.iter().map(|key| key.first));
    let ended = sessions.iter().filter_map(|s| s.last_at.or(s.issued_at)).chain(keys.iter().map(|key| key.last));
    let (begun, ended) = (begun.chain(seeds.sign_ins.values().copied()), ended.chain(seeds.sign_ins.values().copied()));
    let (Some(first), Some(last)) = (begun.min(), ended.max()) else { return Ok((Vec::new(), false, Vec::new())) };
    let last = until.map_or(last, |until| last.min(until));
    let mut asked = Vec::new();
    let keyed = of_key.keys().copied().filter(|key| !key.contains('@'));
    let wanted_keys = keys.iter().filter(|key| is_wanted(key, seeds)).map(|key| key.id.as_str());
    let all_keys: BTreeSet<&str> = keyed.chain(wanted_keys).collect();
    if !all_keys.is_empty() {
        let condition = format!("access_key_id IN ({}) AND {}", literals(all_keys), words::within(first, last));
        asked.push(("Calls made with the case's keys".to_owned(), condition));
    }
    if !gave.is_empty() {
        let condition = format!("event_id IN ({}) AND {}", literals(gave.keys().copied()), words::within(first, last));
        asked.push(("The calls that gave the case's credentials".to_owned(), condition));
    }
    if !walk.pivots.is_empty() {
        let ips = literals(walk.pivots.keys().map(String::as_str));
        let condition = format!(
            "source_ip_address IN ({ips}) AND access_key_id IS NULL AND {}",
            words::within(first - HOUR, last + HOUR)
        );
        asked.push(("Calls without a key from the suspicious addresses".to_owned(), condition));
    }
    if !seeds.sign_ins.is_empty() {
        let ids = literals(seeds.sign_ins.keys().map(String::as_str));
        asked.push((
            "Sign-ins of those who are asked about".to_owned(),
            format!("event_id IN ({ids}) AND {}", words::within(first, last)),
        ));
    }
    let roles: BTreeSet<&str> =
        sessions.iter().filter(|s| s.revoked_at.is_some()).filter_map(|s| s.role_name.as_deref()).collect();
    if !roles.is_empty() {
        let about: Vec<_> = roles
            .iter()
            .map(|role| format!("strpos(request_parameters, '{}') > 0", role.replace('\'', "''")))
            .collect();
        let condition = format!(
            "event_name IN ('PutRolePolicy', 'DeleteSession') AND ({}) AND {}",
            about.join(" OR "),
            words::within(first, walk.sessions.seen_last())
        );
        asked.push(("Revocations of the case's roles".to_owned(), condition));
    }
    let mut events: BTreeMap<(i64, String, String), Event> = BTreeMap::new();
    let mut truncated = false;
    let mut queries = Vec::new();
    let answers = try_join_all(asked.iter().map(|(_, condition)| some(book, condition))).await?;
    for ((title, condition), (rows, more)) in asked.into_iter().zip(answers) {
        truncated |= more;
        for event in read(&rows, &of_key, &gave, sessions)? {
            events.insert((event.at, event.id.clone(), event.account.clone()), event);
        }
        queries.push((title, format!("SELECT * FROM events WHERE {condition} ORDER BY event_time, event_id")));
    }
    let mut list: Vec<Event> = events.into_values().collect();
    let firsts: HashMap<&str, i64> =
        sessions.iter().filter_map(|session| Some((session.id.as_str(), session.split.at?))).collect();
    let mut seen_first = BTreeSet::new();
    for event in &mut list {
        judge(event, sessions, &of_key, keys, walk, &firsts, &mut seen_first);
    }
    list.retain(|event| {
        // A user's key in two hands: its owner's ordinary calls are no part of the case.
        let key =
            event.key.as_ref().filter(|_| event.session.is_none()).and_then(|id| keys.iter().find(|key| key.id == *id));
        key.is_none_or(|key| key.other.is_empty() || event.other || event.gave.is_some())
    });
    list.extend(sessions.iter().flat_map(ends));
    list.sort_by(|a, b| (a.at, a.synthetic, &a.id, &a.account).cmp(&(b.at, b.synthetic, &b.id, &b.account)));
    truncated |= list.len() > MOST;
    list.truncate(MOST);
    Ok((list, truncated, queries))
}

/// Whether a user's key is in the case for what it did, and not only for what was asked for with it.
fn is_wanted(key: &UserKey, seeds: &Seeds) -> bool {
    key.created || !key.other.is_empty() || seeds.keys.get(&key.id).is_some_and(|why| why.starts_with("named"))
}

fn read(
    rows: &Rows,
    of_key: &HashMap<&str, usize>,
    gave: &HashMap<&str, &str>,
    sessions: &[CaseSession],
) -> Result<Vec<Event>> {
    let at = rows.times("event_time")?;
    let names =
        ["event_id", "event_source", "event_name", "recipient_account_id", "effective_region", "source_ip_address"];
    let [id, source, name, account, region, ip] = names.map(|name| rows.texts(name));
    let (id, source, name, account, region, ip) = (id?, source?, name?, account?, region?, ip?);
    let (agent, key, arn, kind) = (
        rows.texts("user_agent")?,
        rows.texts("access_key_id")?,
        rows.texts("identity_arn")?,
        rows.texts("identity_type")?,
    );
    let (error, read_only) = (rows.texts("error_code")?, rows.truths("read_only")?);
    let (message, response) = (rows.texts("error_message")?, rows.texts("response_elements")?);
    let (request, resources) = (rows.texts("request_parameters")?, rows.lists("resource_arns")?);
    let (shared, caller) = (rows.texts("shared_event_id")?, rows.texts("identity_account_id")?);
    let object = rows.texts("source_object")?;
    let mut objects: HashMap<&str, Arc<str>> = HashMap::new();
    let mut list = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        let own = |column| owned(column, row).unwrap_or_default();
        // Of a call that several accounts recorded, the caller's own copy counts.
        let copy = text(&kind, row) == Some("AWSAccount") && text(&shared, row).is_some();
        if copy
            && text(&caller, row)
                .is_some_and(|account| sessions.iter().any(|s| s.used_accounts.iter().any(|a| a == account)))
        {
            continue;
        }
        let request: Value =
            text(&request, row).and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        let name = own(&name);
        let read_only = truth(&read_only, row).unwrap_or(true);
        let mut error = owned(&error, row);
        if error.is_none() && text(&response, row).is_some_and(|text| text.contains("\"Failure\"")) {
            error = Some("Failure".to_owned());
        }
        let act = lanes::act(&name, read_only, &request);
        let refused = error
            .as_deref()
            .is_some_and(|code| denial::is_denied(code) || code == "Failure" || code.starts_with("ExpiredToken"));
        let mut target = lanes::target(&request, &resources.get(row));
        if target.is_empty() && refused {
            target = text(&message, row)
                .and_then(denial::target)
                .and_then(|denied| denied.role_arn)
                .unwrap_or_default()
                .to_owned();
        }
        let id = own(&id);
        let key = owned(&key, row);
        list.push(Event {
            at: time(&at, row).unwrap_or_default(),
            gave: gave.get(id.as_str()).map(|session| (*session).to_owned()),
            session: key.as_deref().and_then(|key| of_key.get(key)).map(|&at| sessions[at].id.clone()),
            id,
            source: own(&source),
            account: own(&account),
            region: own(&region),
            ip: own(&ip),
            agent: own(&agent),
            key,
            identity_arn: owned(&arn, row),
            identity_type: owned(&kind, row),
            lane: Some(if refused { Lane::Deny } else { act }),
            act: Some(act),
            weight: if error.is_some() && act != Lane::Evade {
                lanes::weight(act, &name) / 2
            } else {
                lanes::weight(act, &name)
            },
            error,
            read_only,
            target,
            name,
            object: text(&object, row).map(|name| objects.entry(name).or_insert_with(|| name.into()).clone()),
            ..Event::default()
        });
    }
    Ok(list)
}

fn judge(
    event: &mut Event,
    sessions: &[CaseSession],
    of_key: &HashMap<&str, usize>,
    keys: &[UserKey],
    walk: &Walk<'_>,
    firsts: &HashMap<&str, i64>,
    seen_first: &mut BTreeSet<String>,
) {
    let session = event.key.as_deref().and_then(|key| of_key.get(key)).map(|&at| &sessions[at]);
    let given = event.gave.as_deref().and_then(|id| of_key.get(id)).map(|&at| &sessions[at]);
    event.other = match session {
        Some(session) => match session.party {
            Some(Party::Other) => true,
            Some(Party::Both) => {
                session.split.other.contains(&event.ip)
                    || !session.split.home.contains(&event.ip) && walk.pivots.contains_key(&event.ip)
            }
            _ => false,
        },
        None => {
            let key = event.key.as_ref().and_then(|id| keys.iter().find(|key| key.id == *id));
            key.is_some_and(|key| key.created || key.other.contains(&event.ip)) || walk.pivots.contains_key(&event.ip)
        }
    };
    if let Some(session) = session
        && event.other
        && firsts.get(session.id.as_str()).is_some_and(|&at| at == event.at)
        && session.split.other.contains(&event.ip)
        && seen_first.insert(session.id.clone())
    {
        event.why.push(format!("first use of {} from elsewhere", session.id));
        event.weight += 120;
    }
    if let Some(given) = given {
        if given.how == Some(How::Created) {
            event.why.push(format!("gave {}, which {}", given.id, given.why));
            event.weight += 30;
        } else {
            event.why.push(format!("gave {} ({})", given.id, given.what()));
        }
        event.weight += given.departure / 3;
    }
    if let Some(key) = event.key.as_ref().filter(|id| keys.iter().any(|key| key.created && key.id == **id))
        && seen_first.insert(key.clone())
    {
        event.why.push(format!("first use of {key}, made in this case"));
        event.weight += 90;
    }
    for made in walk.made.iter().filter(|made| made.deed.event_id == event.id) {
        event.why.push(format!("made {}", made.clue.words()));
        event.weight += 25;
    }
    if let Some(mark) = tool(&event.agent) {
        event.why.push(format!("an attacker's tool ({mark})"));
        event.weight += 5;
    }
    let refused = event.lane == Some(Lane::Deny);
    match event.act {
        Some(Lane::Evade) => event.why.push(if refused { "tried to hide traces" } else { "hides traces" }.to_owned()),
        Some(Lane::Persist) if refused => event.why.push("tried to leave a way back in".to_owned()),
        Some(Lane::Data) if lanes::takes_secret(&event.name) && !refused => event.why.push("takes a secret".to_owned()),
        Some(Lane::Data) if lanes::shares(&event.name) && !refused => event.why.push("opens data to others".to_owned()),
        _ => {}
    }
    if event.other {
        event.weight += 40;
    }
}

/// The end of a credential, as a row of its own.
fn ends(session: &CaseSession) -> Vec<Event> {
    let row = |at: i64, name: &str, lane: Lane, why: String| Event {
        at,
        id: format!("{name} {}", session.id),
        name: name.to_owned(),
        account: session.role_account.clone().unwrap_or_default(),
        session: Some(session.id.clone()),
        target: session.what().to_owned(),
        lane: Some(lane),
        act: Some(lane),
        why: vec![why],
        weight: if lane == Lane::Revoke { 80 } else { 1 },
        synthetic: true,
        ..Event::default()
    };
    let revoked =
        session.revoked_at.map(|at| row(at, "Session Revoked", Lane::Revoke, format!("{} was revoked", session.id)));
    let expires = session.expires_at.filter(|at| session.revoked_at.is_none_or(|revoked| revoked > *at));
    let expired = expires.map(|at| row(at, "Session Expires", Lane::Expire, format!("{} runs out", session.id)));
    revoked.into_iter().chain(expired).collect()
}
