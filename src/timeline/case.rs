//! The case: what the walk found, in full, in the order in which it is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::error::Result;
use crate::sql::session::Engine;

use super::departure;
use super::events::{self, Event};
use super::evidence::{self, Evidence};
use super::keys::UserKey;
use super::load::{Place, Sessions};
use super::rows::{Book, Rows, literals, number, owned, time, truth};
use super::seeds::{Seeds, Understood};
use super::split::Split;
use super::walk::{How, Made, Party, Pivot, Walk};

/// A session of the case with everything that is told of it. Times are microseconds.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct CaseSession {
    pub id: String,
    pub api: Option<String>,
    pub issue_seen: bool,
    pub link_method: String,
    pub role_arn: Option<String>,
    pub role_name: Option<String>,
    pub role_account: Option<String>,
    pub permission_set: Option<String>,
    pub session_name: Option<String>,
    pub session_name_kind: Option<String>,
    pub issued_at: Option<i64>,
    pub expires_at: Option<i64>,
    pub valid_until: Option<i64>,
    pub revoked_at: Option<i64>,
    pub first_at: Option<i64>,
    pub last_at: Option<i64>,
    pub caller_arn: Option<String>,
    pub caller_account: Option<String>,
    pub caller_key: Option<String>,
    pub origin: Option<String>,
    pub origin_type: String,
    pub origin_class: String,
    pub origin_provider: Option<String>,
    pub origin_account: Option<String>,
    pub parent: Option<String>,
    pub root: String,
    pub depth: i64,
    pub issued_ip: Option<String>,
    pub requester_ip: Option<String>,
    pub used_ips: Vec<String>,
    pub used_agents: Vec<String>,
    pub used_keys: Vec<String>,
    pub used_accounts: Vec<String>,
    pub issue_event_ids: Vec<String>,
    pub mfa: Option<bool>,
    pub source_identity: Option<String>,
    pub external_id: Option<String>,
    pub events: i64,
    pub errors: i64,
    pub denied: i64,
    pub writes: i64,
    pub how: Option<How>,
    pub via: Option<String>,
    pub why: String,
    pub certainty: &'static str,
    pub round: u32,
    pub party: Option<Party>,
    pub split: Split,
    pub departure: u32,
    pub reasons: Vec<String>,
    /// Whether it does what the others of its family do not, from the same place and with the same program.
    pub odd: bool,
}

impl CaseSession {
    /// The role's or the call's short name.
    pub fn what(&self) -> &str {
        let role = self.permission_set.as_deref().or(self.role_name.as_deref());
        role.or(self.api.as_deref()).unwrap_or("console credentials")
    }

    /// Whether it could still be used at a time.
    pub fn is_valid_at(&self, at: i64) -> bool {
        self.valid_until.is_some_and(|until| until > at)
    }

    /// Whether any of it is another's than its owner's.
    pub fn is_suspicious(&self) -> bool {
        self.party.is_some_and(|party| party != Party::Owner)
    }
}

/// Something that was created.
#[derive(Debug, Clone)]
pub struct CaseMade {
    /// What, in words.
    pub what: String,
    /// When.
    pub at: i64,
    /// The call.
    pub call: String,
    /// Its event.
    pub event_id: String,
    /// The session or key that made it.
    pub by: Option<String>,
    /// Sessions that came of it.
    pub gave: Vec<String>,
}

/// Everything.
pub struct Case {
    /// What was asked.
    pub anchors: Vec<Understood>,
    /// The time that "still valid" refers to: as given, else the last event of the logs.
    pub at: i64,
    /// The first and the last moment of the case.
    pub span: (i64, i64),
    /// Its sessions, the most suspicious first.
    pub sessions: Vec<CaseSession>,
    /// The other sessions of a family that the anchors name, where some of it is in strange hands: nothing speaks against these.
    pub family: Vec<CaseSession>,
    /// Users' keys.
    pub keys: Vec<UserKey>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Whether there were more events than are told.
    pub truncated: bool,
    /// What was created.
    pub made: Vec<CaseMade>,
    /// What the events rest on.
    pub evidence: Vec<Evidence>,
    /// Addresses of the suspicious part.
    pub pivots: BTreeMap<String, Pivot>,
    /// Addresses left out, with the number of others there.
    pub shared: BTreeMap<String, usize>,
    /// Named sessions that were left out, since nothing speaks against them.
    pub left_out: usize,
    /// Whether nothing is in strange hands, so that what was asked about is only supposed to be.
    pub supposed: bool,
    /// Sessions from other addresses with the very program of the suspicious part: leads, not members.
    pub leads: Vec<(String, String)>,
    /// What was asked of the tables, so that somebody can go on.
    pub queries: Vec<(String, String)>,
    places: HashMap<String, usize>,
}

impl Case {
    /// The session of an id.
    pub fn session(&self, id: &str) -> Option<&CaseSession> {
        self.places.get(id).map(|&at| &self.sessions[at])
    }

    /// Whether a session is what the case is about: in strange hands, or where none is, what was asked about and departs.
    pub fn in_question(&self, session: &CaseSession) -> bool {
        match (self.supposed, self.sessions.iter().any(|session| session.odd)) {
            (false, _) => session.is_suspicious(),
            (true, true) => session.odd,
            (true, false) => session.how == Some(How::Anchor),
        }
    }

    /// Whether a user's key is.
    pub fn key_in_question(&self, key: &UserKey) -> bool {
        self.supposed || key.created || !key.other.is_empty()
    }

    /// Fills the case in.
    ///
    /// # Errors
    /// The tables cannot be asked.
    pub async fn assemble(
        book: &Book<'_>,
        walk: &Walk<'_>,
        seeds: &Seeds,
        at: Option<i64>,
        until: Option<i64>,
    ) -> Result<Self> {
        let (sessions, engine) = (walk.sessions, book.engine());
        let ids: Vec<&str> = walk.members.keys().map(|&place| sessions.id(place)).collect();
        let sql = format!("SELECT * FROM sessions WHERE session_id IN ({})", literals(ids.iter().copied()));
        let mut list = if ids.is_empty() { Vec::new() } else { details(engine, &sql).await? };
        for session in &mut list {
            let Some(place) = sessions.place(&session.id) else { continue };
            let Some(member) = walk.members.get(&place) else { continue };
            session.how = Some(member.how);
            session.via = member.via.map(|via| sessions.id(via).to_owned());
            session.why.clone_from(&member.why);
            session.certainty = member.certainty;
            session.round = member.round;
            session.party = Some(member.party);
            session.split = walk.split(place).as_ref().clone();
            departure::rank(session, walk, place);
        }
        list.sort_by(|a, b| {
            b.departure.cmp(&a.departure).then(a.issued_at.cmp(&b.issued_at)).then_with(|| a.id.cmp(&b.id))
        });
        let (list, family) = if walk.is_narrow() { (list, Vec::new()) } else { apart(list) };
        let left_apart = family.len();
        let strange = list.iter().any(CaseSession::is_suspicious)
            || walk.keys.values().any(|key| key.created || !key.other.is_empty());
        let supposed = !strange && (walk.is_narrow() || list.iter().any(|session| session.odd));
        let keys: Vec<UserKey> = walk.keys.values().cloned().collect();
        let (events, truncated, mut queries) = events::load(book, &list, &keys, walk, seeds, until).await?;
        if !ids.is_empty() {
            queries.insert(0, ("The sessions of the case".to_owned(), sql));
        }
        let newest = sessions.seen_last();
        let moments = list.iter().flat_map(|s| [s.issued_at, s.first_at, s.last_at]).flatten();
        let moments = moments.chain(events.iter().map(|event| event.at));
        let (first, last) = moments.fold((i64::MAX, i64::MIN), |(a, b), t| (a.min(t), b.max(t)));
        let made = walk.made.iter().map(|made| of_made(made, sessions)).collect();
        let places = list.iter().enumerate().map(|(at, session)| (session.id.clone(), at)).collect();
        Ok(Self {
            anchors: seeds.anchors.clone(),
            at: at.unwrap_or(newest.max(last)),
            span: if first > last { (newest, newest) } else { (first, last) },
            supposed,
            leads: leads(walk),
            sessions: list,
            family,
            keys,
            evidence: evidence::load(engine, &events).await?,
            events,
            truncated,
            made,
            pivots: walk.pivots.clone(),
            shared: walk.shared.clone(),
            left_out: walk.left_out + left_apart + seeds.anchors.iter().map(|anchor| anchor.more).sum::<usize>(),
            queries,
            places,
        })
    }

    /// The accounts that the case touches.
    pub fn accounts(&self) -> BTreeSet<&str> {
        let roles = self.sessions.iter().filter_map(|session| session.role_account.as_deref());
        let used = self.events.iter().map(|event| event.account.as_str()).filter(|account| !account.is_empty());
        roles.chain(used).collect()
    }
}

/// Takes a family apart: what is in strange hands with all that it came from, and the rest; where nothing is, what does what the rest
/// does not. Where nothing stands out, all of it stays.
fn apart(list: Vec<CaseSession>) -> (Vec<CaseSession>, Vec<CaseSession>) {
    let parents: HashMap<&str, Option<&str>> = list.iter().map(|s| (s.id.as_str(), s.parent.as_deref())).collect();
    let mut part: BTreeSet<String> = BTreeSet::new();
    let strange = list.iter().any(CaseSession::is_suspicious);
    for session in list.iter().filter(|session| if strange { session.is_suspicious() } else { session.odd }) {
        let mut at = Some(session.id.as_str());
        while let Some(id) = at.filter(|id| part.insert((*id).to_owned())) {
            at = parents.get(id).copied().flatten();
        }
    }
    if part.is_empty() { (list, Vec::new()) } else { list.into_iter().partition(|session| part.contains(&session.id)) }
}

fn of_made(made: &Made, sessions: &Sessions) -> CaseMade {
    CaseMade {
        what: made.clue.words(),
        at: made.deed.at,
        call: made.deed.name.clone(),
        event_id: made.deed.event_id.clone(),
        by: made.by.map(|by| sessions.id(by).to_owned()).or_else(|| made.deed.key.clone()),
        gave: made.gave.iter().map(|&place| sessions.id(place).to_owned()).collect(),
    }
}

/// Sessions elsewhere that used the very program of the suspicious part, where few did.
fn leads(walk: &Walk<'_>) -> Vec<(String, String)> {
    const FEW: usize = 20;
    let mut programs: BTreeSet<&str> = BTreeSet::new();
    for member in walk.members.values().filter(|member| member.party != Party::Owner) {
        let split = walk.split(member.place);
        let suspicious = split.suspicious();
        programs.extend(
            walk.sessions.uses(member.place).filter(|used| suspicious.contains(used.ip)).filter_map(|used| used.agent),
        );
    }
    walk.sessions.ask(|asked| asked.programs.extend(programs.iter().map(|&program| program.to_owned())));
    programs.retain(|program| !walk.sessions.is_common(program));
    let mut found: BTreeMap<&str, BTreeSet<Place>> = BTreeMap::new();
    for (place, used) in walk.sessions.all_uses() {
        if let Some(agent) = used.agent.filter(|agent| programs.contains(agent)) {
            found.entry(agent).or_default().insert(place);
        }
    }
    let few = found.into_iter().filter(|(_, places)| places.len() <= FEW);
    let beyond = few.flat_map(|(agent, places)| places.into_iter().map(move |place| (place, agent)));
    let beyond = beyond.filter(|(place, _)| !walk.members.contains_key(place));
    beyond.map(|(place, agent)| (walk.sessions.id(place).to_owned(), agent.to_owned())).collect()
}

async fn details(engine: &Engine, sql: &str) -> Result<Vec<CaseSession>> {
    let rows = Rows::ask(engine, sql, Vec::new()).await?;
    let texts = |name: &str| rows.texts(name);
    let (id, api, link) = (texts("session_id")?, texts("api")?, texts("link_method")?);
    let (arn, role, account) = (texts("role_arn")?, texts("role_name")?, texts("role_account")?);
    let (set, name, kind) = (texts("permission_set")?, texts("session_name")?, texts("session_name_kind")?);
    let (issued, expires) = (rows.times("issued_at")?, rows.times("expires_at")?);
    let (until, revoked) = (rows.times("valid_until")?, rows.times("revoked_at")?);
    let (first, last) = (rows.times("first_event_at")?, rows.times("last_event_at")?);
    let (caller, caller_account, caller_key) =
        (texts("caller_arn")?, texts("caller_account")?, texts("caller_key_id")?);
    let (origin, origin_type, origin_class) = (texts("origin")?, texts("origin_type")?, texts("origin_class")?);
    let (provider, origin_account) = (texts("origin_provider")?, texts("origin_account")?);
    let (parent, root, depth) = (texts("parent_session_id")?, texts("root_session_id")?, rows.integers("chain_depth")?);
    let (issued_ip, requester) = (texts("issued_ip")?, texts("requester_ip")?);
    let (ips, agents, keys) = (rows.lists("used_ips")?, rows.lists("used_user_agents")?, rows.lists("used_key_ids")?);
    let (accounts, issues) = (rows.lists("used_accounts")?, rows.lists("issue_event_ids")?);
    let (mfa, seen) = (rows.truths("mfa_at_issue")?, rows.truths("issue_seen")?);
    let (identity, external) = (texts("source_identity")?, texts("external_id")?);
    let counts = ["event_count", "error_count", "denied_count", "write_count"].map(|name| rows.integers(name));
    let [events, errors, denied, writes] = counts;
    let (events, errors, denied, writes) = (events?, errors?, denied?, writes?);
    let one = |row: usize| CaseSession {
        id: owned(&id, row).unwrap_or_default(),
        api: owned(&api, row),
        issue_seen: truth(&seen, row).unwrap_or(false),
        link_method: owned(&link, row).unwrap_or_default(),
        role_arn: owned(&arn, row),
        role_name: owned(&role, row),
        role_account: owned(&account, row),
        permission_set: owned(&set, row),
        session_name: owned(&name, row),
        session_name_kind: owned(&kind, row),
        issued_at: time(&issued, row),
        expires_at: time(&expires, row),
        valid_until: time(&until, row),
        revoked_at: time(&revoked, row),
        first_at: time(&first, row),
        last_at: time(&last, row),
        caller_arn: owned(&caller, row),
        caller_account: owned(&caller_account, row),
        caller_key: owned(&caller_key, row),
        origin: owned(&origin, row),
        origin_type: owned(&origin_type, row).unwrap_or_default(),
        origin_class: owned(&origin_class, row).unwrap_or_default(),
        origin_provider: owned(&provider, row),
        origin_account: owned(&origin_account, row),
        parent: owned(&parent, row),
        root: owned(&root, row).unwrap_or_default(),
        depth: number(&depth, row),
        issued_ip: owned(&issued_ip, row),
        requester_ip: owned(&requester, row),
        used_ips: ips.get(row),
        used_agents: agents.get(row),
        used_keys: keys.get(row),
        used_accounts: accounts.get(row),
        issue_event_ids: issues.get(row),
        mfa: truth(&mfa, row),
        source_identity: owned(&identity, row),
        external_id: owned(&external, row),
        events: number(&events, row),
        errors: number(&errors, row),
        denied: number(&denied, row),
        writes: number(&writes, row),
        ..CaseSession::default()
    };
    Ok((0..rows.len()).map(one).collect())
}
