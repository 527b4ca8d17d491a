//! The run: lists a source, and verifies account by account, region by region.

use std::collections::{HashMap, HashSet};

use futures::StreamExt;

use super::examine::Reader;
use super::fetch::CloudTrail;
use super::keys::Keys;
use super::mapping::Mapping;
use super::shelf::{Shelf, Unit};
use super::summary::Summary;
use super::verdict::Row;
use super::{HOUR, Plan, Progress, Take};
use crate::error::Result;
use crate::source::filters::LATEST_DELIVERY;
use crate::source::{Filters, Found};

/// Things that could not be read and are told one by one.
const TOLD: usize = 10;

/// The time that was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    since: Option<i64>,
    until: Option<i64>,
}

impl Window {
    /// Whether a digest that ends then is read. One hour past the end, since logs spill into the next digest, as the official
    /// validator does; and one hour more for the digest that holds the last one's signature.
    pub fn wants_digest(self, end: i64) -> bool {
        !self.is_before(end) && self.until.is_none_or(|until| end <= until.saturating_add(2 * HOUR))
    }

    /// Whether a digest that ends then only tells of others.
    pub fn is_witness(self, end: i64) -> bool {
        self.until.is_some_and(|until| end > until.saturating_add(HOUR))
    }

    /// Whether a time lies before what was asked for.
    pub fn is_before(self, at: i64) -> bool {
        self.since.is_some_and(|since| at < since)
    }

    /// Whether a log file that was delivered then is asked for.
    pub fn wants_log(self, at: i64) -> bool {
        !self.is_before(at) && self.until.is_none_or(|until| at < until)
    }
}

/// A run under way.
pub struct Run<'r> {
    pub(super) reader: Reader,
    pub(super) mapping: Mapping,
    pub(super) window: Window,
    pub(super) keys: Keys,
    cloudtrail: Option<CloudTrail>,
    /// Regions that were asked for keys, and for which times.
    asked: HashMap<String, Vec<(i64, i64)>>,
    refused: HashSet<String>,
    summary: Summary,
    taker: &'r mut dyn Take,
    tell: &'r (dyn Fn(Progress) + Sync),
    progress: Progress,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        plan: &Plan,
        mapping: Mapping,
        cloudtrail: Option<CloudTrail>,
        taker: &'r mut dyn Take,
        tell: &'r (dyn Fn(Progress) + Sync),
    ) -> Self {
        Self {
            reader: Reader::new(plan.source.clone(), plan.max_object),
            mapping,
            window: Window { since: plan.filters.since, until: plan.filters.until },
            keys: plan.keys.clone(),
            cloudtrail,
            asked: HashMap::new(),
            refused: HashSet::new(),
            summary: Summary::default(),
            taker,
            tell,
            progress: Progress::default(),
        }
    }

    /// Lists and verifies everything.
    pub(super) async fn go(mut self, filters: &Filters) -> Result<(Summary, Keys)> {
        // Listings go on for a month after the end, for late events; digests and the files in them are not late. The files of the
        // first digest may be older than its own time.
        let listed = Filters {
            since: filters.since.map(|since| since.saturating_sub(2 * HOUR)),
            until: filters.until.map(|until| until.saturating_add(2 * HOUR).saturating_sub(LATEST_DELIVERY)),
            ..filters.clone()
        };
        let source = self.reader.source().clone();
        let mut listing = source.list_with_digests(&listed);
        let mut shelf = Shelf::default();
        let mut done: Vec<Unit> = Vec::new();
        while let Some(found) = listing.next().await {
            let (object, archived) = match found {
                Found::Object(object) => (object, false),
                Found::Archived(object) => (object, true),
                Found::Pruned(_) => continue,
                Found::NotCloudTrail { .. } => {
                    self.summary.others += 1;
                    continue;
                }
                Found::Failed { uri, error } => {
                    self.failed(format!("{uri}: {error}"));
                    continue;
                }
            };
            self.progress.listed += 1;
            (self.tell)(self.progress);
            let path = source.path_of(&object);
            if !shelf.put(object, path, archived, &mut done) {
                self.summary.others += 1;
            }
            for unit in done.drain(..) {
                self.unit(unit).await?;
            }
        }
        for unit in shelf.finish() {
            self.unit(unit).await?;
        }
        Ok((self.summary, self.keys))
    }

    /// Takes a row.
    pub(super) async fn row(&mut self, row: Row) -> Result<()> {
        self.summary.enter(&row);
        self.taker.take(row).await
    }

    /// Counts something that could not be read.
    pub(super) fn failed(&mut self, what: String) {
        self.summary.failures += 1;
        if self.summary.first_failures.len() < TOLD {
            self.summary.first_failures.push(what);
        }
    }

    /// Counts a log file that was hashed.
    pub(super) fn hashed(&mut self, bytes: u64) {
        self.progress.logs += 1;
        self.progress.bytes += bytes;
        (self.tell)(self.progress);
    }

    /// Asks CloudTrail for a region's keys, once for a time.
    pub(super) async fn fetch_keys(&mut self, region: &str, from: i64, to: i64) {
        let Some(cloudtrail) = &self.cloudtrail else { return };
        let asked = self.asked.entry(region.to_owned()).or_default();
        if self.refused.contains(region) || asked.iter().any(|(start, end)| *start <= from && to <= *end) {
            return;
        }
        asked.push((from, to));
        match cloudtrail.public_keys(region, from, to).await {
            Ok(keys) => {
                for key in keys {
                    self.keys.add(key);
                }
            }
            Err(error) => {
                self.refused.insert(region.to_owned());
                self.failed(error.to_string());
            }
        }
    }
}
