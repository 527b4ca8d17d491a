//! Verifies log files: what digests list is looked up and hashed, what no digest lists is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;

use super::HOUR;
use super::chain::{Content, Examined, Judged, Trust};
use super::digest::HASH_ALGORITHM;
use super::examine::Hashed;
use super::name::Chain;
use super::run::Run;
use super::shelf::Item;
use super::signature::same_hash;
use super::verdict::{Kind, Row, Verdict, Why};
use crate::error::Result;
use crate::source::layout::Folder;

/// Who lists a log file.
#[derive(Debug)]
pub struct Lister {
    /// The digest's address.
    pub uri: String,
    /// Its chain.
    pub chain: Chain,
    /// Its verdict.
    pub judged: Judged,
    /// Beyond the time that was asked for: it tells of neighbours, and nothing is told of it.
    pub witness: bool,
}

/// What one digest says of a log file.
#[derive(Debug)]
pub struct Listing {
    lister: Arc<Lister>,
    hash: Option<String>,
}

/// What the digests of a unit say.
#[derive(Debug, Default)]
pub struct Said {
    /// Log files, by bucket and key.
    logs: BTreeMap<(String, String), Vec<Listing>>,
    /// The times that digests cover, microseconds.
    covered: Vec<(i64, i64)>,
}

/// Where something that a digest names was found.
pub enum Whereabouts {
    /// Among what was listed.
    Listed(usize),
    /// In the bucket, outside what was listed.
    Elsewhere(Box<Item>),
    /// Where this source does not reach.
    Outside,
    /// It is not there.
    Nowhere,
    /// The bucket does not tell.
    Refused,
}

impl Run<'_> {
    /// Looks for what a digest names: among what was listed, else in the bucket itself.
    pub(super) async fn look(&self, bucket: &str, key: &str, listed: Option<&HashMap<String, usize>>) -> Whereabouts {
        let names = self.mapping.names_in(bucket, key);
        if names.is_empty() {
            return Whereabouts::Outside;
        }
        if let Some(place) = listed.and_then(|listed| names.iter().find_map(|name| listed.get(name))) {
            return Whereabouts::Listed(*place);
        }
        if let (true, Some(there)) = (self.reader.source().is_remote(), self.mapping.key_in_source(key)) {
            return match self.reader.source().find(&there).await {
                Ok(Some(object)) => Whereabouts::Elsewhere(Box::new(Item {
                    path: there,
                    folder: Folder::CloudTrail,
                    delivered_at: object.layout.as_ref().and_then(|key| key.delivered_at),
                    archived: false,
                    object,
                })),
                Ok(None) => Whereabouts::Nowhere,
                Err(_) => Whereabouts::Refused,
            };
        }
        if self.mapping.is_inside(key) { Whereabouts::Nowhere } else { Whereabouts::Outside }
    }

    /// Hashes what the digests list, and tells which of the listed objects that were.
    pub(super) async fn listed_logs(
        &mut self,
        account: &str,
        region: &str,
        logs: &[Item],
        said: &Said,
    ) -> Result<Vec<bool>> {
        let mut matched = vec![false; logs.len()];
        // Of two copies with one name the first is meant; the other is in no digest.
        let mut listed: HashMap<String, usize> = HashMap::with_capacity(logs.len());
        for (place, log) in logs.iter().enumerate() {
            listed.entry(self.mapping.name_of(&log.path)).or_insert(place);
        }
        let reader = self.reader.clone();
        let mut next = said.logs.iter();
        loop {
            // A few hundred at a time, so that rows flow while the files behind them are read.
            let part: Vec<_> = next.by_ref().take(512).collect();
            if part.is_empty() {
                return Ok(matched);
            }
            let run = &*self;
            let looked: Vec<_> = stream::iter(part)
                .map(|((bucket, key), listings)| {
                    let (reader, listed) = (&reader, &listed);
                    async move {
                        let at = run.look(bucket, key, Some(listed)).await;
                        let item = match &at {
                            Whereabouts::Listed(place) => logs.get(*place),
                            Whereabouts::Elsewhere(item) => Some(item.as_ref()),
                            _ => None,
                        };
                        let silent = listings.iter().all(|listing| listing.lister.witness);
                        let found = match item {
                            Some(item) if !item.archived && !silent => Some(reader.hash(item).await),
                            _ => None,
                        };
                        (bucket, key, listings, at, found, silent)
                    }
                })
                .buffered(reader.at_once)
                .collect()
                .await;
            for (bucket, key, listings, at, found, silent) in looked {
                if let Whereabouts::Listed(place) = &at
                    && let Some(matched) = matched.get_mut(*place)
                {
                    *matched = true;
                }
                if silent {
                    continue;
                }
                let item = match &at {
                    Whereabouts::Listed(place) => logs.get(*place),
                    Whereabouts::Elsewhere(item) => Some(item.as_ref()),
                    _ => None,
                };
                let object = item.map_or_else(|| format!("s3://{bucket}/{key}"), |item| item.object.uri.clone());
                let found = match (found, item) {
                    (Some(Ok(found)), _) => Some(found),
                    (Some(Err(error)), _) => {
                        self.failed(format!("{object}: {error}"));
                        None
                    }
                    (None, Some(_)) => {
                        self.failed(format!("{object}: {}", Why::Archived.text()));
                        None
                    }
                    (None, None) => None,
                };
                if let Some(item) = item.filter(|_| found.is_some()) {
                    self.hashed(item.object.size.unwrap_or_default());
                }
                let (verdict, why, best) = log_verdict(&at, item, found.as_ref(), listings);
                let Some(best) = best else { continue };
                self.row(Row {
                    kind: Kind::Log,
                    object,
                    verdict,
                    why,
                    proof: best.lister.judged.proof,
                    account: account.to_owned(),
                    region: region.to_owned(),
                    trail: Some(best.lister.chain.trail.clone()),
                    chain: Some(best.lister.chain.kind()),
                    digest: Some(best.lister.uri.clone()),
                    delivered_at: item.and_then(|item| item.delivered_at).or_else(|| super::delivered_at(key)),
                    expected_sha256: best.hash.clone(),
                    found_sha256: match found {
                        Some(Hashed::Whole(hash)) => Some(hash),
                        _ => None,
                    },
                })
                .await?;
            }
        }
    }

    /// Rows for what no digest lists.
    pub(super) async fn unlisted_logs(
        &mut self,
        account: &str,
        region: &str,
        logs: &[Item],
        matched: &[bool],
        said: &Said,
    ) -> Result<()> {
        let last = said.covered.iter().map(|(_, end)| *end).max();
        let covered = |at: i64| said.covered.iter().any(|(start, end)| *start <= at && at < *end);
        for (log, _) in logs.iter().zip(matched).filter(|(_, matched)| !**matched) {
            if log.delivered_at.is_some_and(|at| !self.window.wants_log(at)) {
                continue;
            }
            let why = match (log.delivered_at, last) {
                _ if log.folder != Folder::CloudTrail => Why::OtherFolder,
                (Some(at), Some(last)) if at > last - HOUR => Why::TooNew,
                // What is delivered late in an hour may be listed in the next one's digest.
                (Some(at), Some(_)) if covered(at) && covered(at + HOUR) => Why::NotInDigest,
                _ => Why::NoDigest,
            };
            self.row(Row {
                kind: Kind::Log,
                object: log.object.uri.clone(),
                verdict: Verdict::Unlisted,
                why: Some(why),
                proof: None,
                account: account.to_owned(),
                region: region.to_owned(),
                trail: None,
                chain: None,
                digest: None,
                delivered_at: log.delivered_at,
                expected_sha256: None,
                found_sha256: None,
            })
            .await?;
        }
        Ok(())
    }
}

/// Adds what a digest says to what is said.
pub fn take_in(digest: Examined, lister: &Arc<Lister>, said: &mut Said) {
    let Content::Whole(digest, _) = digest.content else { return };
    if lister.judged.trust != Trust::Invalid {
        said.covered.extend(digest.covers());
    }
    for log in digest.log_files {
        let hash = (log.hash_algorithm == HASH_ALGORITHM).then_some(log.hash_value);
        let listing = Listing { lister: Arc::clone(lister), hash };
        said.logs.entry((log.s3_bucket, log.s3_object)).or_default().push(listing);
    }
}

/// What is said of a log file, by what was found and by the listing that counts.
fn log_verdict<'l>(
    at: &Whereabouts,
    item: Option<&Item>,
    found: Option<&Hashed>,
    listings: &'l [Listing],
) -> (Verdict, Option<Why>, Option<&'l Listing>) {
    let trust = |listing: &Listing| listing.lister.judged.trust;
    let fits = |listing: &Listing| match (found, &listing.hash) {
        (Some(Hashed::Whole(found)), Some(hash)) => same_hash(hash, found),
        _ => false,
    };
    // The most trusted listing counts; among those, one that fits.
    let Some(best) = listings.iter().max_by_key(|listing| (trust(listing), fits(listing))) else {
        return (Verdict::Unverifiable, None, None);
    };
    let unverifiable = |why| (Verdict::Unverifiable, Some(why), Some(best));
    if trust(best) == Trust::Invalid {
        return unverifiable(Why::DigestNotValid);
    }
    match (at, item, found) {
        (Whereabouts::Nowhere, _, _) => return (Verdict::Missing, Some(Why::NotFound), Some(best)),
        (Whereabouts::Outside, _, _) => return unverifiable(Why::OutsideSource),
        (_, Some(item), None) if item.archived => return unverifiable(Why::Archived),
        (_, _, None) => return unverifiable(Why::Unreadable),
        (_, _, Some(Hashed::Broken)) => return (Verdict::Modified, Some(Why::NotWhole), Some(best)),
        (_, _, Some(Hashed::TooLarge)) => return unverifiable(Why::TooLarge),
        (_, _, Some(Hashed::Whole(_))) => {}
    }
    match (&best.hash, fits(best), trust(best)) {
        (None, _, _) => unverifiable(Why::Algorithm),
        (_, false, _) => (Verdict::Modified, Some(Why::HashDiffers), Some(best)),
        (_, true, Trust::Proven) => (Verdict::Valid, None, Some(best)),
        (_, true, _) => unverifiable(best.lister.judged.why.unwrap_or(Why::DigestNotValid)),
    }
}
