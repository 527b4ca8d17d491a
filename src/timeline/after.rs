//! What happened since a case folder was first written: what was refused, what succeeded, what is new.

use std::collections::BTreeSet;

use super::case::Case;
use super::text::{count, some, time};

/// What is new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct After {
    /// When the folder was first written, in the logs' time.
    pub since: i64,
    /// Calls since then that were refused.
    pub refused: usize,
    /// Calls since then that succeeded; within a minute of a revocation they prove nothing.
    pub succeeded: usize,
    /// Sessions that succeeded after they were revoked.
    pub still: Vec<String>,
    /// Sessions that were not in the case then.
    pub new: Vec<String>,
}

/// A revocation takes some seconds to be known everywhere.
const SPREAD: i64 = 60 * 1_000_000;

impl After {
    /// Compares the case with what it was.
    pub fn of(case: &Case, since: i64, known: &BTreeSet<String>) -> Self {
        let later = case.events.iter().filter(|event| event.at > since && !event.synthetic && event.session.is_some());
        let mut after = After { since, ..After::default() };
        let mut still = BTreeSet::new();
        for event in later {
            if event.error.is_some() {
                after.refused += 1;
                continue;
            }
            after.succeeded += 1;
            let session = event.session.as_deref().and_then(|id| case.session(id));
            if let Some(session) = session.filter(|s| s.revoked_at.is_some_and(|revoked| event.at > revoked + SPREAD)) {
                still.insert(session.id.clone());
            }
        }
        after.still = still.into_iter().collect();
        after.new = case.sessions.iter().map(|session| session.id.clone()).filter(|id| !known.contains(id)).collect();
        after.new.sort();
        after
    }

    /// It in sentences.
    pub fn lines(&self, most: usize) -> Vec<String> {
        let mut lines = vec![format!(
            "Since {}: {} refused, {} succeeded, {}",
            time(self.since),
            self.refused,
            self.succeeded,
            count(self.new.len(), "new session")
        )];
        if !self.new.is_empty() {
            lines.push(format!("  new: {}", some(self.new.iter().map(String::as_str), 4)));
        }
        if !self.still.is_empty() {
            lines.insert(
                1,
                format!(
                    "  not contained: {} succeeded after revocation",
                    some(self.still.iter().map(String::as_str), 4)
                ),
            );
        }
        lines.truncate(most);
        lines
    }
}
