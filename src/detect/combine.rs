//! Weak signals that meet in one chain of sessions add up: within a family the strongest counts, families are summed.
//!
//! One signal that is odd by itself happens every night somewhere; three at once on one person do not.

use std::collections::{BTreeMap, BTreeSet};

use super::assemble::Draft;
use super::finding::Severity;
use super::score::CAP;

/// Bits from which a chain is worth looking at by day.
const NOTABLE: f64 = 16.0;

/// Families that must agree before a chain becomes one to act on.
const AGREEING: usize = 3;

/// Findings of one cause from which on they are one row.
const SAME_CAUSE: usize = 5;

/// Lets the strongest finding of each chain speak for all of its signals.
pub fn add_up(drafts: &mut [Draft]) {
    let mut chains: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        for root in &draft.roots {
            chains.entry(root.clone()).or_default().push(place);
        }
    }
    for (_, places) in chains {
        let mut families: BTreeMap<&str, f64> = BTreeMap::new();
        for draft in places.iter().filter_map(|&place| drafts.get(place)) {
            if adds(draft) {
                let bits = families.entry(draft.family).or_default();
                *bits = bits.max(draft.finding.score.min(CAP));
            }
        }
        let total: f64 = families.values().sum();
        let strong = families.values().filter(|bits| **bits >= 2.0).count();
        if total < NOTABLE || strong < 2 {
            continue;
        }
        let severity = if strong >= AGREEING { Severity::High } else { Severity::Medium };
        let chosen = places.iter().copied().filter(|&place| adds(&drafts[place])).max_by(|&a, &b| {
            let (a, b) = (&drafts[a].finding, &drafts[b].finding);
            a.severity.cmp(&b.severity).then(a.score.total_cmp(&b.score)).then(b.detection.cmp(&a.detection))
        });
        let Some(chosen) = chosen.filter(|&place| drafts[place].finding.severity < severity) else { continue };
        let others: BTreeSet<String> = places
            .iter()
            .filter(|&&place| place != chosen && adds(&drafts[place]))
            .map(|&place| format!("{} ({})", drafts[place].finding.title, drafts[place].finding.detection))
            .collect();
        let sessions: BTreeSet<String> =
            places.iter().flat_map(|&place| drafts[place].finding.session_ids.clone()).collect();
        let keys: BTreeSet<String> =
            places.iter().flat_map(|&place| drafts[place].finding.access_keys.clone()).collect();
        let draft = &mut drafts[chosen];
        draft.finding.severity = severity;
        draft.finding.score = (total * 100.0).round() / 100.0;
        draft.finding.max_score = draft.finding.score;
        // Only the chain's own sessions: a finding that covers many chains keeps its own.
        if draft.roots.len() == 1 {
            draft.finding.session_ids = sessions.into_iter().collect();
            draft.finding.access_keys = keys.into_iter().collect();
        }
        let others: Vec<String> = others.into_iter().collect();
        draft.finding.reason = format!(
            "{}; together with: {}: {total:.0} bits in {strong} families",
            draft.finding.reason,
            others.join(", ")
        );
    }
}

/// Whether a draft is a signal: what is only worth knowing, or held back while it is learned, is none.
fn adds(draft: &Draft) -> bool {
    draft.finding.severity > Severity::Info && !draft.held
}

/// Many findings of one detection and one class of value have one cause: a deployment, a new network, a new account. One row
/// stands for them all.
pub fn same_cause(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut groups: BTreeMap<(String, String), Vec<Draft>> = BTreeMap::new();
    let mut out = Vec::new();
    for draft in drafts {
        if draft.value.is_empty() || draft.finding.severity >= Severity::High {
            out.push(draft);
        } else {
            groups.entry((draft.finding.detection.clone(), draft.value.clone())).or_default().push(draft);
        }
    }
    for ((detection, value), mut group) in groups {
        if group.len() < SAME_CAUSE {
            out.append(&mut group);
            continue;
        }
        group.sort_by(|a, b| {
            b.finding.score.total_cmp(&a.finding.score).then(a.finding.fingerprint.cmp(&b.finding.fingerprint))
        });
        let count = group.len();
        let mut rest = group.into_iter();
        let Some(mut first) = rest.next() else { continue };
        for draft in rest {
            merge(&mut first, draft);
        }
        first.finding.fingerprint = super::assemble::fingerprint(&detection, "many", "", &value);
        first.finding.title = format!("{} ({count} times, for one cause)", first.finding.title);
        first.finding.reason = format!("{count} findings share {value}; the strongest: {}", first.finding.reason);
        out.push(first);
    }
    out
}

/// Takes another finding of the same fingerprint in.
pub fn absorb(first: &mut Draft, other: Draft) {
    merge(first, other);
}

fn merge(first: &mut Draft, other: Draft) {
    let join = |own: &mut Vec<String>, more: Vec<String>| {
        let all: BTreeSet<String> = own.drain(..).chain(more).collect();
        own.extend(all);
    };
    let (f, o) = (&mut first.finding, other.finding);
    join(&mut f.session_ids, o.session_ids);
    join(&mut f.access_keys, o.access_keys);
    join(&mut f.principals, o.principals);
    join(&mut f.role_arns, o.role_arns);
    join(&mut f.source_ips, o.source_ips);
    join(&mut f.accounts, o.accounts);
    f.severity = f.severity.max(o.severity);
    f.first_seen = f.first_seen.clone().min(o.first_seen);
    f.last_seen = f.last_seen.clone().max(o.last_seen);
    f.event_count += o.event_count;
    f.total_events = f.event_count;
    first.roots.extend(other.roots);
    first.event_ids.extend(other.event_ids);
}
