//! How far a session departs from the rest of its owner's, and in what.

use super::case::CaseSession;
use super::load::Place;
use super::walk::{How, Party, Walk};
use crate::sts::agent::tool;

/// Other sessions that make a family's habits known.
const FAMILY: usize = 5;

/// Fewer calls than these are no burst, whatever the others make.
const BURST: i64 = 30;

/// Logs that begin so long before say something by not knowing somebody: two days.
const KNOWN: i64 = 2 * 86_400 * 1_000_000;

/// How far a session departs from its owner's others, and in what.
pub fn rank(session: &mut CaseSession, walk: &Walk<'_>, place: Place) {
    let mut add = |points: u32, reason: String| {
        session.departure += points;
        session.reasons.push(reason);
    };
    let split = walk.split(place);
    if split.is_split() {
        let who = super::text::some(split.other.iter().map(String::as_str), 3);
        add(60, format!("used from {who}, away from home"));
    }
    if let Some(place) = &split.new_place {
        add(40, format!("taken from {place}, where its owner never was"));
    }
    match walk.members.get(&place).map(|member| member.how) {
        Some(How::Created) => add(50, "came of something created in this case".to_owned()),
        Some(How::Beside) => add(30, "shares an address of the suspicious part".to_owned()),
        _ => {}
    }
    if session.party == Some(Party::Other) && !split.is_split() && split.new_place.is_none() {
        add(45, "asked for by the other".to_owned());
    }
    if let Some(mark) = session.used_agents.iter().find_map(|agent| tool(agent)) {
        add(20, format!("an attacker's tool ({mark})"));
    }
    let sessions = walk.sessions;
    let owner = walk.history.owner(place);
    let role = sessions.role(place);
    let begun = sessions.begun(place);
    let root = sessions.root(place);
    let earlier =
        walk.history.of(owner).iter().filter(|&&other| sessions.begun(other) < begun && sessions.root(other) != root);
    let (mut any, mut same) = (false, false);
    for &other in earlier {
        any = true;
        same |= sessions.role(other) == role;
    }
    if !any && begun - sessions.seen_first() > KNOWN {
        add(25, "its owner was never seen before".to_owned());
    }
    if any && !same && role.is_some() {
        add(25, "its owner never had this role before".to_owned());
    }
    let siblings =
        walk.history.of(owner).iter().filter(|&&other| sessions.events(other) > 0 && sessions.root(other) != root);
    let mut others: Vec<_> = siblings.map(|&other| (sessions.events(other), sessions.denied(other))).collect();
    for (points, reason) in burst(session.events, session.denied, &mut others) {
        add(points, reason);
        session.odd = true;
    }
    if session.denied >= 5 && session.denied * 3 >= session.events {
        add(10, format!("{} of {} calls refused", session.denied, session.events));
    }
    if session.depth >= 3 {
        add(5, format!("{} roles deep", session.depth));
    }
}

/// What a session does that nine in ten of its owner's do not come near to: from the same place and with the same program, the number
/// of calls and of refusals is all that tells an intruder, or a mistake, from the job itself.
fn burst(calls: i64, refused: i64, others: &mut [(i64, i64)]) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    if others.len() < FAMILY {
        return found;
    }
    let place = (others.len() * 9).div_ceil(10) - 1;
    others.sort_unstable();
    let usual = others[place].0;
    if calls >= BURST && calls >= 3 * usual {
        found.push((30, format!("{calls} calls, where nine in ten of its owner's sessions make {usual} at most")));
    }
    others.sort_unstable_by_key(|(_, refused)| *refused);
    let usual = others[place].1;
    if refused >= 5 && refused >= 4 * usual.max(1) {
        found.push((20, format!("{refused} refused, where nine in ten of its owner's sessions have {usual} at most")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_departs_from_its_family() {
        let family = || (0..9).map(|n| (20 + n % 3, n % 2)).collect::<Vec<_>>();
        assert_eq!(burst(22, 1, &mut family()), []);
        assert_eq!(burst(87, 22, &mut family()).iter().map(|(points, _)| *points).collect::<Vec<_>>(), [30, 20]);
        assert_eq!(burst(25, 5, &mut family()).len(), 1);
        // A family is needed to depart from; one other burst in it does not hide the next.
        assert_eq!(burst(400, 90, &mut family()[..3]), []);
        assert_eq!(burst(87, 22, &mut [family(), vec![(87, 22)]].concat()).len(), 2);
    }
}
