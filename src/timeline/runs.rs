//! Runs of alike rows told as one, and the rows that matter most.

use super::case::Case;
use super::events::Event;
use super::lanes::Lane;

/// Alike rows in a row: `DescribeInstances ×212`.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The first.
    pub first: &'a Event,
    /// When the last was.
    pub last: i64,
    /// How many.
    pub count: usize,
    /// The most that one of them weighs.
    pub weight: u32,
}

fn alike(a: &Event, b: &Event) -> bool {
    (&a.session, &a.name, &a.source, &a.ip, a.lane(), a.error.is_some(), a.other)
        == (&b.session, &b.name, &b.source, &b.ip, b.lane(), b.error.is_some(), b.other)
        && a.gave.is_none()
        && b.gave.is_none()
        && b.why.len() <= a.why.len()
}

/// Every run, in order.
pub fn runs(events: &[Event]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for event in events {
        match runs.last_mut() {
            Some(run) if alike(run.first, event) => {
                run.last = event.at;
                run.count += 1;
                run.weight = run.weight.max(event.weight);
            }
            _ => runs.push(Run { first: event, last: event.at, count: 1, weight: event.weight }),
        }
    }
    runs
}

/// The rows that matter most, in order of time: no more than `most`, and none that is only noise.
pub fn matter(case: &Case, most: usize) -> Vec<Run<'_>> {
    let suspicious = case.events.iter().any(|event| event.other);
    let shown = |run: &&Run<'_>| {
        run.first.lane() != Lane::Expire
            && (!suspicious || run.first.other || run.first.gave.is_some() || run.first.lane() == Lane::Revoke)
    };
    let all = runs(&case.events);
    let mut best: Vec<Run<'_>> = all.iter().filter(shown).copied().collect();
    best.sort_by(|a, b| {
        b.weight.cmp(&a.weight).then(a.first.at.cmp(&b.first.at)).then_with(|| a.first.id.cmp(&b.first.id))
    });
    // The same act again and again tells nothing new: the first of each, then the rest.
    let mut seen = std::collections::HashMap::new();
    let mut kept: Vec<(usize, Run<'_>)> = best
        .into_iter()
        .map(|run| {
            let times = seen.entry((run.first.name.clone(), run.first.error.is_some())).or_insert(0_usize);
            *times += 1;
            (*times - 1, run)
        })
        .collect();
    kept.sort_by_key(|(times, run)| (*times, std::cmp::Reverse(run.weight)));
    kept.truncate(most);
    let mut kept: Vec<Run<'_>> = kept.into_iter().map(|(_, run)| run).collect();
    kept.sort_by(|a, b| (a.first.at, &a.first.id).cmp(&(b.first.at, &b.first.id)));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_rows_are_one() {
        let event = |name: &str, at: i64| Event { name: name.to_owned(), at, ..Event::default() };
        let events = [event("A", 1), event("A", 2), event("B", 3), event("A", 4)];
        let runs: Vec<_> = runs(&events).iter().map(|run| (run.first.at, run.last, run.count)).collect();
        assert_eq!(runs, [(1, 2, 2), (3, 3, 1), (4, 4, 1)]);
    }
}
