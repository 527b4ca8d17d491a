//! Who asked for each session: the session of the issuing call's caller, up to the origin.

use hashbrown::HashMap;

use super::super::names::{Name, Names};
use super::sessions::{Origin, Session};
use super::uses::Tied;
use super::{Issue, Link, Seen, Use, Why};

/// Finds every session's parent, then its origin, from the top down.
pub fn tie(names: &mut Names, sessions: &mut [Session], issues: &[Issue], uses: &[Use], tied: &mut Tied) {
    learn_role_ids(names, sessions, uses, tied);
    let users = users_by_id(names, &tied.callers);
    let mut trails = vec![false; names.len() + 1];
    for recipient in issues.iter().map(|i| i.recipient).chain(uses.iter().map(|u| u.recipient)) {
        trails[recipient.number()] = true;
    }
    for place in 0..sessions.len() {
        let Some(&copy) = sessions[place].copies.first() else { continue };
        let (parent, why) =
            parent(names, sessions, &trails, &issues[copy as usize], tied.issue_callers[copy as usize], tied);
        sessions[place].parent = parent.filter(|&p| p != place);
        if let Some(why) = why {
            tied.unlinked_issues.push((place, why));
        }
    }
    tied.top_down = top_down(names, sessions);
    for place in tied.top_down.iter().copied() {
        let origin = match sessions[place].parent {
            Some(parent) => sessions[parent].origin,
            None => match sessions[place].copies.first() {
                Some(&copy) => Origin::of_issue(names, &issues[copy as usize], &sessions[place], &users),
                None => sessions[place].origin,
            },
        };
        let (depth, top) = sessions[place].parent.map_or((0, place), |p| (sessions[p].depth, sessions[p].root));
        let session = &mut sessions[place];
        session.origin = origin;
        session.root = top;
        session.depth = depth + u32::from(session.role_arn.is_some());
    }
}

/// EC2's issues name no role id; the calls made with their keys do.
fn learn_role_ids(names: &mut Names, sessions: &mut [Session], uses: &[Use], tied: &mut Tied) {
    for (place, session) in sessions.iter_mut().enumerate() {
        if session.role_id.is_some() || session.role_arn.is_none() {
            continue;
        }
        let principal = |row: u32| tied.callers[uses[row as usize].caller as usize].caller.principal;
        let ids = tied.session_uses.of(place).iter().filter_map(|&row| names.text(principal(row)).split_once(':'));
        if let Some(id) = ids.map(|(id, _)| id.to_owned()).min() {
            session.role_id = names.add(Some(&id));
            tied.index.learn(names, place, session);
        }
    }
}

/// IAM users by their unique ids, as their own calls show them.
fn users_by_id(names: &Names, callers: &[Seen]) -> HashMap<Name, Name> {
    let mut users: HashMap<Name, Name> = HashMap::new();
    for Seen { caller, .. } in callers {
        if caller.principal.is_some() && caller.arn.is_some() && names.text(caller.kind) == "IAMUser" {
            let arn = users.entry(caller.principal).or_insert(caller.arn);
            if names.text(caller.arn) < names.text(*arn) {
                *arn = caller.arn;
            }
        }
    }
    users
}

fn parent(
    names: &Names,
    sessions: &[Session],
    trails: &[bool],
    issue: &Issue,
    caller: u32,
    tied: &Tied,
) -> (Option<usize>, Option<Why>) {
    if names.text(issue.caller.kind) != "AWSAccount" {
        return match tied.links[caller as usize] {
            Link::To(session, _) => (Some(session), None),
            Link::None(why) if names.text(issue.caller.kind) == "AssumedRole" => (None, Some(why)),
            _ => (None, None),
        };
    }
    // The role's own account sees of an outside caller an account and a principal id; a role session's id holds its name.
    let Some((id, name)) = names.text(issue.caller.principal).split_once(':') else { return (None, None) };
    let fits = |place: &&usize| {
        let session = &sessions[**place];
        session.issued_at.is_some_and(|at| at <= issue.at) && issue.at < session.latest_end()
    };
    let found: Vec<usize> = match (names.find(id), names.find(name)) {
        (Some(id), Some(name)) => tied.index.by_principal(id, name).iter().filter(fits).copied().collect(),
        _ => Vec::new(),
    };
    match found.as_slice() {
        [one] => (Some(*one), None),
        [] if trails.get(issue.caller.account.number()) == Some(&true) => (None, Some(Why::BeforeWindow)),
        [] => (None, Some(Why::NoTrail)),
        _ => (None, Some(Why::Ambiguous)),
    }
}

/// Sessions in an order in which parents come first. Forged or masked logs can hold sessions that ask for each other: such a
/// circle is opened at its earliest session.
fn top_down(names: &Names, sessions: &mut [Session]) -> Vec<usize> {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; sessions.len()];
    let mut order = Vec::with_capacity(sessions.len());
    let mut path = Vec::new();
    for start in 0..sessions.len() {
        let mut at = start;
        while state[at] == NEW {
            state[at] = OPEN;
            path.push(at);
            match sessions[at].parent {
                Some(parent) if state[parent] == OPEN => {
                    let circle = path.iter().position(|&p| p == parent).unwrap_or(0);
                    let first = path[circle..].iter().copied().min_by(|&a, &b| {
                        let key = |s: &Session| (s.issued_at.unwrap_or(i64::MAX), names.text(s.id).to_owned());
                        key(&sessions[a]).cmp(&key(&sessions[b]))
                    });
                    if let Some(first) = first {
                        sessions[first].parent = None;
                        // The path is walked again from the opened place: its order has changed.
                        path.drain(..).for_each(|p| state[p] = NEW);
                        at = start;
                    }
                }
                Some(parent) => at = parent,
                None => break,
            }
        }
        for place in path.drain(..).rev() {
            state[place] = DONE;
            order.push(place);
        }
    }
    order
}
