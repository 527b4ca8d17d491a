//! Finds the sessions that a caller could be, by key and by role and session name.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::super::arn;
use super::super::names::{Name, Names};
use super::{CREATION_SLACK, Caller, Session};

/// Stands for the role of a federated user's session, which has none; no role's name holds a slash.
const FEDERATED: &str = "federated-user/";

/// A caller's role and session name, in the forms in which sessions are looked up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Who {
    /// The unique id of the role.
    pub role_id: Name,
    /// The role's account.
    pub account: Name,
    /// The role's name, without its path.
    pub role_name: Name,
    /// The role session name.
    pub session_name: Name,
}

/// Reads callers; remembers what the roles' ARNs say, which many callers show.
#[derive(Debug, Default)]
pub struct Whos {
    /// Account and name by the role's ARN; `None` where it is no role's.
    roles: HashMap<Name, Option<(Name, Name)>>,
}

impl Whos {
    /// Reads role and session name out of an identity; all are none for callers that hold no session of a role.
    pub fn of(&mut self, names: &mut Names, caller: &Caller) -> Who {
        match names.text(caller.kind) {
            "AssumedRole" => self.assumed(names, caller),
            "FederatedUser" => {
                let user = arn::name(names.text(caller.arn)).map(str::to_owned);
                let name = names.add(user.as_deref());
                Who {
                    account: caller.account,
                    role_name: names.add(Some(FEDERATED)),
                    session_name: name,
                    role_id: Name::NONE,
                }
            }
            _ => Who::default(),
        }
    }

    fn assumed(&mut self, names: &mut Names, caller: &Caller) -> Who {
        let id = names.text(caller.principal).split(':').next().filter(|id| !id.is_empty());
        let id = match id.map(|id| names.find(id).ok_or_else(|| id.to_owned())) {
            Some(Ok(known)) => known,
            Some(Err(new)) => names.add(Some(&new)),
            None => Name::NONE,
        };
        // The session's own ARN drops the role's path; the issuer's keeps it. Account and last part are the same in both.
        let issuer = *self.roles.entry(caller.issuer_arn).or_insert_with(|| {
            let issuer = names.text(caller.issuer_arn);
            let (account, role) = (arn::account(issuer)?.to_owned(), arn::name(issuer)?.to_owned());
            Some((names.add(Some(&account)), names.add(Some(&role))))
        });
        let (account, role_name) = issuer.unwrap_or_else(|| {
            let shown = arn::role_of_assumed(names.text(caller.arn));
            let shown = shown.map(|shown| (shown.account.to_owned(), shown.role_name.to_owned()));
            match shown {
                Some((account, role)) => (names.add(Some(&account)), names.add(Some(&role))),
                None => (caller.account, Name::NONE),
            }
        });
        Who { role_id: id, account, role_name, session_name: caller.session_name }
    }
}

/// Issued sessions by their key. Hardly any two share one: a list for each would cost more than all the rest.
#[derive(Debug, Default)]
struct ByKey {
    /// By the key's number: the first session, counted from 1.
    first: Vec<u32>,
    /// By session: the next one with the same key, counted from 1.
    next: Vec<u32>,
}

impl ByKey {
    fn new(names: &Names, sessions: &[Session]) -> Self {
        let mut all = Self { first: vec![0; names.len() + 1], next: vec![0; sessions.len()] };
        // From the last to the first, so that each list is in order.
        for (place, session) in sessions.iter().enumerate().rev().filter(|(_, s)| s.issue_seen && s.key.is_some()) {
            let first = &mut all.first[session.key.number()];
            all.next[place] = std::mem::replace(first, place as u32 + 1);
        }
        all
    }

    fn of(&self, key: Name) -> impl Iterator<Item = usize> {
        let place = |counted: u32| counted.checked_sub(1).map(|place| place as usize);
        let first = self.first.get(key.number()).copied().and_then(place);
        std::iter::successors(first, move |&at| place(self.next[at]))
    }
}

/// Sessions by what a caller shows.
#[derive(Debug, Default)]
pub struct Index {
    by_key: ByKey,
    by_id: HashMap<(Name, Name), Vec<usize>>,
    by_name: HashMap<(Name, Name, Name), Vec<usize>>,
}

impl Index {
    /// Indexes issued sessions.
    pub fn new(names: &mut Names, sessions: &[Session]) -> Self {
        let federated = names.add(Some(FEDERATED));
        let mut index = Index { by_key: ByKey::new(names, sessions), ..Index::default() };
        for (place, session) in sessions.iter().enumerate().filter(|(_, s)| s.issue_seen) {
            let role_name = if names.text(session.api) == "GetFederationToken" { federated } else { session.role_name };
            if role_name.is_none() || session.session_name.is_none() {
                continue;
            }
            if session.role_id.is_some() {
                index.by_id.entry((session.role_id, session.session_name)).or_default().push(place);
            }
            index.by_name.entry((session.role_account, role_name, session.session_name)).or_default().push(place);
        }
        index
    }

    /// A session whose role's unique id became known.
    pub fn learn(&mut self, names: &Names, place: usize, session: &Session) {
        let named = session.role_name.is_some() || names.text(session.api) == "GetFederationToken";
        if session.issue_seen && named && session.session_name.is_some() {
            self.by_id.entry((session.role_id, session.session_name)).or_default().push(place);
        }
    }

    /// Sessions whose issued key this is.
    pub fn by_key(&self, key: Name) -> impl Iterator<Item = usize> {
        self.by_key.of(key)
    }

    /// Sessions of this role and session name. The unique id decides where both sides know it: a role made anew under an old
    /// name is another role. With a creation date only those issued close to it.
    pub fn by_role<'a>(
        &'a self,
        sessions: &'a [Session],
        who: &Who,
        created_at: Option<i64>,
    ) -> impl Iterator<Item = usize> + 'a {
        let empty: &[usize] = &[];
        let by_id = self.by_id.get(&(who.role_id, who.session_name)).map_or(empty, Vec::as_slice);
        let by_id = if who.role_id.is_some() { by_id } else { empty };
        let by_name = self.by_name.get(&(who.account, who.role_name, who.session_name)).map_or(empty, Vec::as_slice);
        let [by_id, by_name] = [by_id, by_name].map(|list| close(sessions, list, created_at));
        let known = who.role_id.is_some();
        by_id.iter().chain(by_name.iter().filter(move |&&s| !known || sessions[s].role_id.is_none())).copied()
    }

    /// Sessions of this principal id (`AROA...:name`), as an outside account's copy shows it.
    pub fn by_principal(&self, role_id: Name, session_name: Name) -> &[usize] {
        self.by_id.get(&(role_id, session_name)).map_or(&[], Vec::as_slice)
    }
}

/// Of sessions in the order of their issue, those that a creation date can be of; all where there is none. A pipeline issues
/// thousands under one name.
fn close<'a>(sessions: &[Session], list: &'a [usize], created_at: Option<i64>) -> &'a [usize] {
    let Some(created_at) = created_at else { return list };
    let before = |limit: i64| list.partition_point(|&place| sessions[place].issued_at.is_some_and(|at| at < limit));
    let from = before(created_at.saturating_sub(CREATION_SLACK));
    &list[from..before(created_at.saturating_add(CREATION_SLACK + 1)).max(from)]
}

/// Of `candidates`, those issued at most two seconds away from `created_at`.
pub fn near(sessions: &[Session], candidates: impl Iterator<Item = usize>, created_at: i64) -> SmallVec<[usize; 2]> {
    let close = |&place: &usize| sessions[place].issued_at.is_some_and(|at| (at - created_at).abs() <= CREATION_SLACK);
    candidates.filter(close).collect()
}

/// Of `candidates`, those issued nearest to `created_at`, at most two seconds away.
pub fn nearest(sessions: &[Session], candidates: impl Iterator<Item = usize>, created_at: i64) -> SmallVec<[usize; 2]> {
    let mut best = CREATION_SLACK;
    let mut found = SmallVec::new();
    for place in candidates {
        let Some(issued_at) = sessions[place].issued_at else { continue };
        let distance = (issued_at - created_at).abs();
        if distance > best {
            continue;
        }
        if distance < best {
            best = distance;
            found.clear();
        }
        found.push(place);
    }
    found
}
