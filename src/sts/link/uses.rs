//! Ties callers to sessions by the ladder: key, creation, window; what fits none becomes a session that was never issued here.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html>

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::super::names::{Name, Names};
use super::super::shares::share;
use super::index::{Index, Who, Whos, near, nearest};
use super::sessions::{self, Session};
use super::{Caller, Callers, Issue, Link, Method, Seen, Use, Why};

/// Rows by session, in the order of the rows: one list, and where each session's part of it begins.
#[derive(Debug, Default)]
pub struct BySession {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl BySession {
    /// Groups rows; `of` says which session a row belongs to.
    fn new(sessions: usize, rows: usize, of: impl Fn(usize) -> Option<usize>) -> Self {
        let mut starts = vec![0; sessions + 1];
        for session in (0..rows).filter_map(&of) {
            starts[session + 1] += 1;
        }
        for session in 0..sessions {
            starts[session + 1] += starts[session];
        }
        let mut free = starts.clone();
        let mut list = vec![0; starts[sessions] as usize];
        for row in 0..rows {
            if let Some(session) = of(row) {
                list[free[session] as usize] = row as u32;
                free[session] += 1;
            }
        }
        Self { starts, rows: list }
    }

    /// The rows of a session.
    pub fn of(&self, session: usize) -> &[u32] {
        &self.rows[self.starts[session] as usize..self.starts[session + 1] as usize]
    }
}

/// What tying leaves behind for the steps after it.
#[derive(Debug, Default)]
pub struct Tied {
    /// One entry per distinct caller (and time, where only the time tells).
    pub callers: Vec<Seen>,
    /// Per caller: where its calls belong.
    pub links: Vec<Link>,
    /// Per session: its uses.
    pub session_uses: BySession,
    /// Per issue record: the place of its caller in `callers`.
    pub issue_callers: Vec<u32>,
    /// Every session, parents before children.
    pub top_down: Vec<usize>,
    /// Issues whose caller could not be found.
    pub unlinked_issues: Vec<(usize, Why)>,
    /// Finds issued sessions.
    pub index: Index,
}

/// Ties every caller of `uses` and `issues`; adds the sessions that were never issued here.
pub fn tie(
    names: &mut Names,
    sessions: &mut Vec<Session>,
    mut callers: Callers,
    issues: &[Issue],
    uses: &[Use],
) -> Tied {
    let issue_callers = issues
        .iter()
        .map(|i| {
            let tellable = i.caller.key.is_some() || i.caller.created_at.is_some();
            callers.place(&i.caller, (!tellable).then_some(i.at), i.at, i.at)
        })
        .collect();
    let mut whos = Whos::default();
    let callers = callers.into_list();
    let whos = callers.iter().map(|seen| whos.of(names, &seen.caller)).collect();
    let mut ties = Ties { links: vec![None; callers.len()], whos, callers };
    let index = Index::new(names, sessions);
    ties.by_key(names, sessions, &index);
    ties.by_role(names, sessions, &index);
    ties.never_issued(names, sessions);
    let links: Vec<Link> = ties.links.into_iter().map(|link| link.unwrap_or(Link::LongTerm)).collect();
    let session_of = |row: usize| match links[uses[row].caller as usize] {
        Link::To(session, _) => Some(session),
        _ => None,
    };
    let session_uses = BySession::new(sessions.len(), uses.len(), session_of);
    for used in uses {
        if let Link::To(session, method) = links[used.caller as usize] {
            sessions[session].method = sessions[session].method.max(Some(method));
        }
    }
    Tied { issue_callers, callers: ties.callers, links, session_uses, index, ..Tied::default() }
}

/// The distinct callers while they are being tied; all three lists by a caller's number.
struct Ties {
    callers: Vec<Seen>,
    whos: Vec<Who>,
    links: Vec<Option<Link>>,
}

impl Ties {
    /// Looks at every caller; each core at its share.
    fn each(&mut self, look: impl Fn(&Seen, &Who, &mut Option<Link>) + Sync) {
        let share = share(self.callers.len());
        let parts = self.callers.chunks(share).zip(self.whos.chunks(share)).zip(self.links.chunks_mut(share));
        std::thread::scope(|scope| {
            let look = &look;
            for ((callers, whos), links) in parts {
                scope.spawn(move || {
                    for ((seen, who), link) in callers.iter().zip(whos).zip(links) {
                        look(seen, who, link);
                    }
                });
            }
        });
    }

    /// Rung 1. A key that several issues show (masked logs) is told apart by role and creation date.
    fn by_key(&mut self, names: &Names, sessions: &[Session], index: &Index) {
        self.each(|Seen { caller, .. }, who, link| {
            if caller.key.is_none() {
                return;
            }
            let fits = |s: &Session| {
                who.role_name.is_none() || s.role_name.is_none() || {
                    let same_id = who.role_id.is_none() || s.role_id.is_none() || who.role_id == s.role_id;
                    let same_role = who.account == s.role_account && who.role_name == s.role_name;
                    (same_id || same_role)
                        && (who.session_name.is_none()
                            || s.session_name.is_none()
                            || who.session_name == s.session_name)
                }
            };
            let mut found: SmallVec<[usize; 2]> = index.by_key(caller.key).filter(|&s| fits(&sessions[s])).collect();
            if let (Some(created), true) = (caller.created_at, found.len() > 1) {
                found = nearest(sessions, found.into_iter(), created);
            }
            *link = match found.as_slice() {
                [] => None,
                [one] => Some(Link::To(*one, Method::Key)),
                _ => Some(Link::None(Why::Ambiguous)),
            };
            if link.is_none() && !is_temporary(names, caller) {
                *link = Some(Link::LongTerm);
            }
        });
    }

    /// Rungs 2 and 3, for callers that show a role session.
    fn by_role(&mut self, names: &Names, sessions: &[Session], index: &Index) {
        // The console and Identity Center never use the issued key. A session whose own key is in use therefore is not
        // theirs, and another key of the same second is another credential.
        let mut own_key_used = vec![false; sessions.len()];
        for link in &self.links {
            if let Some(Link::To(session, Method::Key)) = link {
                own_key_used[*session] = true;
            }
        }
        self.each(|seen, who, link| {
            if link.is_some() {
                return;
            }
            let caller = &seen.caller;
            if who.role_name.is_none() && who.role_id.is_none() || who.session_name.is_none() {
                if caller.key.is_none() {
                    *link = Some(if is_role(names, caller) { Link::None(Why::NoKey) } else { Link::LongTerm });
                }
                return;
            }
            let keyed = caller.key.is_some();
            let open = index.by_role(sessions, who, caller.created_at).filter(|&s| !keyed || !own_key_used[s]);
            match caller.created_at {
                // A keyed call shows a credential of its own, whose creation date is its issue's second. A call without key shows
                // none: it belongs to any session of the same seconds.
                Some(created) => {
                    match (if keyed { nearest(sessions, open, created) } else { near(sessions, open, created) })
                        .as_slice()
                    {
                        [] => {}
                        [one] => *link = Some(Link::To(*one, Method::Creation)),
                        _ => *link = Some(Link::None(Why::Ambiguous)),
                    }
                }
                None => {
                    let (first, last) = match seen.exact_time {
                        Some(at) => (at, at),
                        None => (seen.first_at, seen.last_at),
                    };
                    let inside = |s: &usize| {
                        sessions[*s].issued_at.is_some_and(|at| at <= first) && last < sessions[*s].latest_end()
                    };
                    match open.filter(inside).collect::<Vec<_>>().as_slice() {
                        [] if keyed => {}
                        [] => *link = Some(Link::None(Why::NoKey)),
                        [one] => *link = Some(Link::To(*one, Method::Window)),
                        _ if keyed => {}
                        _ => *link = Some(Link::None(Why::Ambiguous)),
                    }
                }
            }
        });
    }

    /// What is left shows credentials that were never issued in these logs: one session a key, else one per principal and
    /// creation date.
    fn never_issued(&mut self, names: &mut Names, sessions: &mut Vec<Session>) {
        let mut groups: HashMap<Name, Vec<usize>> = HashMap::new();
        for place in (0..self.callers.len()).filter(|&place| self.links[place].is_none()) {
            let key = self.callers[place].caller.key;
            if key.is_some() {
                groups.entry(key).or_default().push(place);
            }
        }
        let added = self.add_sessions(names, sessions, groups.into_iter().collect(), Method::Key);
        // A call without key belongs to the credential of the same principal and creation date, where there is one.
        let mut by_creation: HashMap<(Name, i64), Vec<usize>> = HashMap::new();
        for place in added {
            let caller = &self.callers[place].caller;
            if let (Some(created), Some(Link::To(session, _))) = (caller.created_at, self.links[place]) {
                let known = by_creation.entry((caller.principal, created)).or_default();
                if !known.contains(&session) {
                    known.push(session);
                }
            }
        }
        let mut groups: HashMap<Name, Vec<usize>> = HashMap::new();
        for (place, link) in self.links.iter_mut().enumerate().filter(|(_, link)| link.is_none()) {
            let caller = &self.callers[place].caller;
            let Some(created) = caller.created_at else {
                *link = Some(Link::None(Why::NoKey));
                continue;
            };
            match by_creation.get(&(caller.principal, created)).map(Vec::as_slice) {
                Some([one]) => *link = Some(Link::To(*one, Method::Creation)),
                Some(_) => *link = Some(Link::None(Why::Ambiguous)),
                None => {
                    let id = format!("{}@{}", names.text(caller.principal), sessions::iso(created));
                    groups.entry(names.add(Some(&id))).or_default().push(place);
                }
            }
        }
        self.add_sessions(names, sessions, groups.into_iter().collect(), Method::Creation);
    }

    fn add_sessions(
        &mut self,
        names: &mut Names,
        sessions: &mut Vec<Session>,
        mut groups: Vec<(Name, Vec<usize>)>,
        method: Method,
    ) -> Vec<usize> {
        // Numbers of names follow the order of reading; texts do not.
        groups.sort_by(|a, b| names.text(a.0).cmp(names.text(b.0)));
        let mut tied = Vec::new();
        for (id, mut places) in groups {
            places.sort_by_key(|&p| {
                let c = &self.callers[p];
                (c.caller.created_at.unwrap_or(i64::MAX), c.first_at, names.text(c.caller.arn).to_owned())
            });
            let first_at = places.iter().map(|&p| self.callers[p].first_at).min().unwrap_or_default();
            let lead = places[0];
            let session = Session::never_issued(names, id, &self.callers[lead].caller, &self.whos[lead], first_at);
            for &place in &places {
                self.links[place] = Some(Link::To(sessions.len(), method));
            }
            sessions.push(session);
            tied.extend(places);
        }
        tied
    }
}

fn is_role(names: &Names, caller: &Caller) -> bool {
    names.text(caller.kind) == "AssumedRole"
}

/// Whether the key is a temporary one. AKIA marks a long-term key, ASIA a temporary one; masked keys show it by their session.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>
fn is_temporary(names: &Names, caller: &Caller) -> bool {
    let key = names.text(caller.key);
    !key.starts_with("AKIA") && (key.starts_with("ASIA") || caller.created_at.is_some() || is_role(names, caller))
}
