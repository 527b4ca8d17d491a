//! What a verification found, in numbers.

use std::collections::BTreeMap;

use super::verdict::{Kind, Row, Verdict, Why};

/// Rows that are kept to be shown.
const SHOWN: usize = 20;

/// Counts of one trail in one account and region; the trail is none for log files that no digest lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Digests by verdict, gaps included.
    pub digests: BTreeMap<Verdict, u64>,
    /// Log files by verdict.
    pub logs: BTreeMap<Verdict, u64>,
    /// The ends of the first and the last digest, microseconds.
    pub digest_ends: Option<(i64, i64)>,
}

/// Whose counts: account, region, trail.
pub type Whose = (String, String, Option<String>);

/// What a verification found.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// By account, region and trail.
    pub counts: BTreeMap<Whose, Counts>,
    /// Rows by the reason why they are not valid.
    pub whys: BTreeMap<&'static str, u64>,
    /// The first rows that prove an alteration, then the first that are not proved, in the order in which they were found.
    pub problems: Vec<Row>,
    /// Objects and keys that could not be read.
    pub failures: u64,
    /// The first of them.
    pub first_failures: Vec<String>,
    /// Objects and folders that are neither digests nor CloudTrail's log files.
    pub others: u64,
}

impl Summary {
    pub(super) fn enter(&mut self, row: &Row) {
        let counts = self.counts.entry((row.account.clone(), row.region.clone(), row.trail.clone())).or_default();
        let by_verdict = if row.kind == Kind::Log { &mut counts.logs } else { &mut counts.digests };
        *by_verdict.entry(row.verdict).or_default() += 1;
        if let (Kind::Digest, Some(end)) =
            (row.kind, row.delivered_at.filter(|_| row.verdict != Verdict::DigestMissing))
        {
            let (first, last) = counts.digest_ends.unwrap_or((end, end));
            counts.digest_ends = Some((first.min(end), last.max(end)));
        }
        if let Some(why) = row.why {
            *self.whys.entry(why.as_str()).or_default() += 1;
        }
        let altered = |row: &Row| row.verdict.is_altered();
        if row.verdict == Verdict::Valid || is_awaited(row) {
            return;
        }
        let at = if altered(row) { self.problems.partition_point(altered) } else { self.problems.len() };
        if at < SHOWN {
            self.problems.insert(at, row.clone());
            self.problems.truncate(SHOWN);
        }
    }

    /// How many rows of a kind have a verdict.
    pub fn count(&self, kind: Kind, verdict: Verdict) -> u64 {
        let of = |counts: &Counts| {
            let by_verdict = if kind == Kind::Log { &counts.logs } else { &counts.digests };
            by_verdict.get(&verdict).copied().unwrap_or_default()
        };
        self.counts.values().map(of).sum()
    }

    /// How many rows have a verdict.
    fn total(&self, verdict: impl Fn(Verdict) -> bool) -> u64 {
        let of = |by_verdict: &BTreeMap<Verdict, u64>| -> u64 {
            by_verdict.iter().filter(|(there, _)| verdict(**there)).map(|(_, count)| count).sum()
        };
        self.counts.values().map(|counts| of(&counts.digests) + of(&counts.logs)).sum()
    }

    /// Rows that prove an alteration.
    pub fn altered(&self) -> u64 {
        self.total(Verdict::is_altered)
    }

    /// Rows that are neither proved nor disproved; what the next digest may list is not among them.
    pub fn unproven(&self) -> u64 {
        let all = self.total(|verdict| verdict != Verdict::Valid && !verdict.is_altered());
        let awaited: u64 = AWAITED.iter().filter_map(|why| self.whys.get(why.as_str())).sum();
        all.saturating_sub(awaited)
    }

    /// Digests that were looked at.
    pub fn digests(&self) -> u64 {
        self.counts
            .values()
            .flat_map(|counts| counts.digests.iter())
            .filter(|(verdict, _)| !matches!(verdict, Verdict::Gap | Verdict::DigestMissing))
            .map(|(_, count)| count)
            .sum()
    }
}

/// Reasons for `unlisted` that are as they should be.
const AWAITED: [Why; 2] = [Why::TooNew, Why::OtherFolder];

fn is_awaited(row: &Row) -> bool {
    row.why.is_some_and(|why| AWAITED.contains(&why))
}
