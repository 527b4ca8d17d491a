//! What a run did: the books, which must balance.

use std::collections::BTreeMap;
use std::time::Duration;

/// Faults that the summary locates.
const LOCATED: usize = 10;

/// Objects, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Objects {
    /// Everything the sources told of.
    pub listed: u64,
    /// Read; `truncated` ones are among them.
    pub ingested: u64,
    /// In the ledger already and unchanged, or named by two sources of this run.
    pub known: u64,
    /// Excluded by the filters.
    pub pruned: u64,
    /// In cold storage.
    pub archived: u64,
    /// Digests and other files.
    pub not_cloudtrail: u64,
    /// Could not be listed, read or decoded at all.
    pub failed: u64,
    /// Not reached, because the run was stopped.
    pub left: u64,
    /// Read, but broken off before their end.
    pub truncated: u64,
}

/// A fault with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Located {
    /// The object.
    pub object: String,
    /// The record's place in it; `None` for the object itself.
    pub index: Option<i64>,
    /// The reason, a fixed word.
    pub reason: String,
    /// More about it.
    pub text: String,
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The lake, as named.
    pub lake: String,
    /// The run's number; `None` where nothing was stored.
    pub ingest_number: Option<i64>,
    /// Whether nothing was to be stored.
    pub dry_run: bool,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Objects, by what became of them.
    pub objects: Objects,
    /// Records found.
    pub records: u64,
    /// Records that are events of the lake through this object, those included that an earlier run had stored.
    pub events: u64,
    /// Events that this run added.
    pub stored: u64,
    /// Records that another record had brought already.
    pub duplicates: u64,
    /// Records that are no CloudTrail events.
    pub not_events: u64,
    /// Records that could not be read.
    pub faults: u64,
    /// Events that the filters excluded.
    pub filtered: u64,
    /// Bytes read, as stored.
    pub bytes_read: u64,
    /// Bytes after decompression.
    pub bytes_decompressed: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Faults by reason, those of whole objects included.
    pub reasons: BTreeMap<String, u64>,
    /// The first faults, by object and index.
    pub first_faults: Vec<Located>,
    /// The tables' versions afterwards.
    pub versions: Vec<(&'static str, u64)>,
}

impl Summary {
    /// Whether every object and every record is accounted for.
    pub fn balances(&self) -> bool {
        let o = &self.objects;
        let objects = o.ingested + o.known + o.pruned + o.archived + o.not_cloudtrail + o.failed + o.left;
        let records = self.events + self.duplicates + self.not_events + self.faults + self.filtered;
        o.listed == objects && self.records == records
    }

    /// Whether some input could not be read.
    pub fn is_incomplete(&self) -> bool {
        // `reasons` knows the faults of whole objects that are read to their end, such as bytes behind it.
        self.objects.failed + self.objects.archived + self.objects.truncated + self.faults > 0
            || !self.reasons.is_empty()
    }

    /// Events a second, duplicates included.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        #[allow(clippy::cast_precision_loss)]
        let events = (self.events + self.duplicates) as f64;
        if seconds > 0.0 { events / seconds } else { 0.0 }
    }

    pub(super) fn fault(&mut self, fault: Located) {
        *self.reasons.entry(fault.reason.clone()).or_default() += 1;
        let at = self.first_faults.partition_point(|there| *there <= fault);
        if at < LOCATED {
            self.first_faults.insert(at, fault);
            self.first_faults.truncate(LOCATED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_balance_or_say_so() {
        let mut summary = Summary { records: 3, events: 1, duplicates: 1, faults: 1, ..Summary::default() };
        summary.objects = Objects { listed: 2, ingested: 1, failed: 1, truncated: 1, ..Objects::default() };
        assert!(summary.balances());
        assert!(summary.is_incomplete());
        summary.records += 1;
        assert!(!summary.balances());
    }

    #[test]
    fn the_first_faults_do_not_depend_on_the_order() {
        let fault = |n: i64| Located { object: "o".into(), index: Some(n), reason: "r".into(), text: String::new() };
        let (mut up, mut down) = (Summary::default(), Summary::default());
        (0..30).for_each(|n| up.fault(fault(n)));
        (0..30).rev().for_each(|n| down.fault(fault(n)));
        assert_eq!(up.first_faults, down.first_faults);
        assert_eq!(up.first_faults.len(), LOCATED);
        assert_eq!(up.reasons.get("r"), Some(&30));
    }
}
