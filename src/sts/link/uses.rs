//! Ties callers to sessions by the ladder: key, creation, window; what fits none becomes a session that was never issued here.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html>

use hashbrown::{HashMap, HashSet};

use super::super::names::{Name, Names};
use super::index::{Index, Who, Whos, near, nearest};
use super::sessions::{self, Session};
use super::{Caller, Callers, Issue, Link, Method, Seen, Use, Why};

/// What tying leaves behind for the steps after it.
#[derive(Debug, Default)]
pub struct Tied {
    /// One entry per distinct caller (and time, where only the time tells).
    pub callers: Vec<(Caller, Option<i64>, Link)>,
    /// Per session: its uses.
    pub session_uses: Vec<Vec<u32>>,
    /// Per issue record: the place of its caller in `callers`.
    pub issue_callers: Vec<u32>,
    /// Every session, parents before children.
    pub top_down: Vec<usize>,
    /// Issues whose caller could not be found.
    pub unlinked_issues: Vec<(usize, Why)>,
}

/// A distinct caller while it is being tied.
struct Candidate {
    caller: Caller,
    exact_time: Option<i64>,
    who: Who,
    first_at: i64,
    last_at: i64,
    link: Option<Link>,
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
    let list = callers.into_list().into_iter().map(|seen| {
        let Seen { caller, exact_time, first_at, last_at } = seen;
        Candidate { caller, exact_time, who: whos.of(names, &caller), first_at, last_at, link: None }
    });
    let mut ties = Ties { list: list.collect() };
    let index = Index::new(names, sessions);
    ties.by_key(names, sessions, &index);
    ties.by_role(names, sessions, &index);
    ties.never_issued(names, sessions);
    let mut tied = Tied { issue_callers, ..Tied::default() };
    tied.callers = ties.list.into_iter().map(|c| (c.caller, c.exact_time, c.link.unwrap_or(Link::LongTerm))).collect();
    tied.session_uses = vec![Vec::new(); sessions.len()];
    for (row, used) in uses.iter().enumerate() {
        if let Link::To(session, method) = tied.callers[used.caller as usize].2 {
            tied.session_uses[session].push(row as u32);
            sessions[session].method = sessions[session].method.max(Some(method));
        }
    }
    tied
}

struct Ties {
    list: Vec<Candidate>,
}

impl Ties {
    /// Rung 1. A key that several issues show (masked logs) is told apart by role and creation date.
    fn by_key(&mut self, names: &Names, sessions: &[Session], index: &Index) {
        for candidate in self.list.iter_mut().filter(|c| c.caller.key.is_some()) {
            let who = candidate.who;
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
            let mut found: Vec<usize> =
                index.by_key(candidate.caller.key).iter().copied().filter(|&s| fits(&sessions[s])).collect();
            if let (Some(created), true) = (candidate.caller.created_at, found.len() > 1) {
                found = nearest(sessions, found.into_iter(), created);
            }
            candidate.link = match found.as_slice() {
                [] => None,
                [one] => Some(Link::To(*one, Method::Key)),
                _ => Some(Link::None(Why::Ambiguous)),
            };
            if candidate.link.is_none() && !is_temporary(names, &candidate.caller) {
                candidate.link = Some(Link::LongTerm);
            }
        }
    }

    /// Rungs 2 and 3, for callers that show a role session.
    fn by_role(&mut self, names: &Names, sessions: &[Session], index: &Index) {
        // The console and Identity Center never use the issued key. A session whose own key is in use therefore is not
        // theirs, and another key of the same second is another credential.
        let own_key_used: HashSet<usize> = self
            .list
            .iter()
            .filter_map(|c| match c.link {
                Some(Link::To(session, Method::Key)) => Some(session),
                _ => None,
            })
            .collect();
        for candidate in self.list.iter_mut().filter(|c| c.link.is_none()) {
            let who = candidate.who;
            if who.role_name.is_none() && who.role_id.is_none() || who.session_name.is_none() {
                if candidate.caller.key.is_none() {
                    candidate.link =
                        Some(if is_role(names, &candidate.caller) { Link::None(Why::NoKey) } else { Link::LongTerm });
                }
                continue;
            }
            let keyed = candidate.caller.key.is_some();
            let open = index.by_role(sessions, &who).filter(|s| !keyed || !own_key_used.contains(s));
            match candidate.caller.created_at {
                // A keyed call shows a credential of its own, whose creation date is its issue's second. A call without key shows
                // none: it belongs to any session of the same seconds.
                Some(created) => {
                    match (if keyed { nearest(sessions, open, created) } else { near(sessions, open, created) })
                        .as_slice()
                    {
                        [] => {}
                        [one] => candidate.link = Some(Link::To(*one, Method::Creation)),
                        _ => candidate.link = Some(Link::None(Why::Ambiguous)),
                    }
                }
                None => {
                    let (first, last) = match candidate.exact_time {
                        Some(at) => (at, at),
                        None => (candidate.first_at, candidate.last_at),
                    };
                    let inside = |s: &usize| {
                        sessions[*s].issued_at.is_some_and(|at| at <= first) && last < sessions[*s].latest_end()
                    };
                    match open.filter(inside).collect::<Vec<_>>().as_slice() {
                        [] if keyed => {}
                        [] => candidate.link = Some(Link::None(Why::NoKey)),
                        [one] => candidate.link = Some(Link::To(*one, Method::Window)),
                        _ if keyed => {}
                        _ => candidate.link = Some(Link::None(Why::Ambiguous)),
                    }
                }
            }
        }
    }

    /// What is left shows credentials that were never issued in these logs: one session a key, else one per principal and
    /// creation date.
    fn never_issued(&mut self, names: &mut Names, sessions: &mut Vec<Session>) {
        let mut groups: HashMap<Name, Vec<usize>> = HashMap::new();
        for (place, candidate) in
            self.list.iter().enumerate().filter(|(_, c)| c.link.is_none() && c.caller.key.is_some())
        {
            groups.entry(candidate.caller.key).or_default().push(place);
        }
        let added = self.add_sessions(names, sessions, groups.into_iter().collect(), Method::Key);
        // A call without key belongs to the credential of the same principal and creation date, where there is one.
        let mut by_creation: HashMap<(Name, i64), Vec<usize>> = HashMap::new();
        for place in added {
            if let (Some(created), Some(Link::To(session, _))) =
                (self.list[place].caller.created_at, self.list[place].link)
            {
                let known = by_creation.entry((self.list[place].caller.principal, created)).or_default();
                if !known.contains(&session) {
                    known.push(session);
                }
            }
        }
        let mut groups: HashMap<Name, Vec<usize>> = HashMap::new();
        for (place, candidate) in self.list.iter_mut().enumerate().filter(|(_, c)| c.link.is_none()) {
            let Some(created) = candidate.caller.created_at else {
                candidate.link = Some(Link::None(Why::NoKey));
                continue;
            };
            match by_creation.get(&(candidate.caller.principal, created)).map(Vec::as_slice) {
                Some([one]) => candidate.link = Some(Link::To(*one, Method::Creation)),
                Some(_) => candidate.link = Some(Link::None(Why::Ambiguous)),
                None => {
                    let id = format!("{}@{}", names.text(candidate.caller.principal), sessions::iso(created));
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
                let c = &self.list[p];
                (c.caller.created_at.unwrap_or(i64::MAX), c.first_at, names.text(c.caller.arn).to_owned())
            });
            let first_at = places.iter().map(|&p| self.list[p].first_at).min().unwrap_or_default();
            let lead = &self.list[places[0]];
            let session = Session::never_issued(names, id, &lead.caller, &lead.who, first_at);
            for &place in &places {
                self.list[place].link = Some(Link::To(sessions.len(), method));
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
