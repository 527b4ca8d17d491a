//! Which of a session's calls are its owner's, and which another's: told by network and program.
//!
//! A laptop that changes its network is no theft: what follows with the same program, after the owner was last seen
//! elsewhere, is still the owner's.

use std::collections::BTreeSet;

use crate::sts::{ip, session_name};

use super::load::{Place, Sessions, Use};
use super::owner::{History, is_address, same_network};
use crate::sts::agent::{family, tool};

/// Two hands on one session, or a session in strange hands from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// The owner's addresses.
    pub home: BTreeSet<String>,
    /// The other's addresses.
    pub other: BTreeSet<String>,
    /// The other's first call, in microseconds.
    pub at: Option<i64>,
    /// The other's calls.
    pub other_events: i64,
    /// What tells them apart, in words.
    pub why: Vec<String>,
    /// Where the whole session was taken from a place that its owner was never at: that address.
    pub new_place: Option<String>,
    /// How sure: two signs and more, or one that leaves no doubt.
    pub sure: bool,
}

impl Split {
    /// Whether two parties used the session, or another one than its owner.
    pub fn is_split(&self) -> bool {
        !self.other.is_empty()
    }

    /// The addresses of the suspicious part.
    pub fn suspicious(&self) -> BTreeSet<String> {
        if self.is_split() { self.other.clone() } else { self.new_place.iter().cloned().collect() }
    }
}

/// Splits a session. `before` is when the incident may have begun: what lies long before it is the owner's past.
pub fn split<'a>(history: &History<'a>, sessions: &'a Sessions, place: Place, before: i64) -> Split {
    let owner = history.owner(place);
    let uses: Vec<Use<'_>> = sessions.uses(place).filter(|used| is_address(used.kind)).collect();
    let root = sessions.root(place);
    let by_service = owner.0 == "service" && root == place;
    let instance = by_service && sessions.name(place).is_some_and(|name| session_name::kind(name) == "instance");
    let asked = history.asked_from(place);
    let usual = |address: &str| history.usual(owner, address, before);
    let home: Option<&str> =
        if by_service { first_of(history, sessions, place) } else { asked.or(uses.first().map(|used| used.ip)) };
    let Some(home) = home else { return Split::default() };
    let at_home = |address: &str| same_network(home, address) || usual(address);
    // Within a VPC endpoint addresses change as machines do.
    let endpoints: BTreeSet<&str> =
        uses.iter().filter(|used| at_home(used.ip)).filter_map(|used| used.endpoint).collect();
    let ours = |used: &Use<'_>| at_home(used.ip) || used.endpoint.is_some_and(|endpoint| endpoints.contains(endpoint));
    let (mine, away): (Vec<_>, Vec<_>) = uses.iter().copied().partition(ours);
    let siblings = by_service.then(|| history.of(owner));
    let sibling_uses: Vec<Use<'_>> = siblings
        .into_iter()
        .flatten()
        .filter(|&&other| other != place)
        .flat_map(|&other| sessions.uses(other))
        .filter(|used| is_address(used.kind) && ours(used))
        .collect();
    let known: Vec<Use<'_>> = mine.iter().chain(&sibling_uses).copied().collect();
    let programs: BTreeSet<String> = known
        .iter()
        .filter_map(|used| used.agent)
        .chain(sessions.requester_agent(place))
        .chain(sessions.issued_agent(place).filter(|_| !by_service && asked == sessions.issued_ip(place)))
        .map(family)
        .collect();
    let mut split = Split { home: mine.iter().map(|used| used.ip.to_owned()).collect(), ..Split::default() };
    split.home.insert(home.to_owned());
    let mut signs = BTreeSet::new();
    for used in &away {
        let program = used.agent.map(family).unwrap_or_default();
        let other_program = !programs.is_empty() && !programs.contains(&program);
        let same_time =
            known.iter().any(|own| used.first <= own.last && used.last >= own.first && !dual_stack(own, used));
        let mark = used.agent.and_then(tool);
        // A function has many machines at once; an instance, a person, a job is in one place.
        let alien = mark.is_some() || other_program || same_time && (instance || !by_service);
        if !alien {
            continue;
        }
        split.other.insert(used.ip.to_owned());
        split.at = Some(split.at.map_or(used.first, |at: i64| at.min(used.first)));
        split.other_events += used.events;
        if other_program {
            signs.insert(format!("with another program ({program})"));
        }
        if same_time && !by_service {
            signs.insert("while its owner went on using it".to_owned());
        }
        if let Some(mark) = mark {
            signs.insert(format!("with an attacker's tool ({mark})"));
        }
        if same_time && instance {
            signs.insert(format!("while the instance itself called from {home}"));
        }
    }
    // Somebody with an attacker's tool behind the owner's own address.
    for used in mine.iter().filter(|used| used.agent.is_none_or(|agent| tool(agent).is_some())) {
        let Some(mark) = used.agent.and_then(tool) else { continue };
        if known.iter().any(|own| own.ip == used.ip && own.agent.is_some_and(|agent| tool(agent).is_none())) {
            split.why.push(format!("an attacker's tool ({mark}) from the owner's own address {}", used.ip));
        }
    }
    split.sure = signs.len() >= 2 || instance && !split.other.is_empty();
    split.why.extend(signs);
    let armed = mine.iter().find_map(|used| Some((used, used.agent.and_then(tool)?)));
    let unarmed = mine.iter().any(|used| used.agent.is_some_and(|agent| tool(agent).is_none()));
    if let Some((used, mark)) = armed.filter(|_| split.other.is_empty() && !unarmed) {
        split.new_place = Some(used.ip.to_owned());
        split.why.push(format!("an attacker's tool ({mark})"));
    } else if split.other.is_empty()
        && !by_service
        && sessions.origin_class(place) != Some("ci")
        && history.known(owner, before)
        && !usual(home)
    {
        split.new_place = Some(home.to_owned());
    }
    split
}

/// Where an instance or a function was first seen, over all its credentials.
fn first_of<'a>(history: &History<'a>, sessions: &'a Sessions, place: Place) -> Option<&'a str> {
    let all = history.of(history.owner(place)).iter().flat_map(|&sibling| sessions.uses(sibling));
    all.filter(|used| is_address(used.kind)).min_by_key(|used| (used.first, used.ip)).map(|used| used.ip)
}

/// One machine that speaks IPv4 and IPv6.
fn dual_stack(a: &Use<'_>, b: &Use<'_>) -> bool {
    let (Some(x), Some(y)) = (ip::parse(a.ip), ip::parse(b.ip)) else { return false };
    x.is_ipv4() != y.is_ipv4() && a.agent == b.agent
}
