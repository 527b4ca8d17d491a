//! Log file integrity: whether log files are what CloudTrail delivered, proved by its chain of signed digests.
//!
//! Proves files, not completeness: digests cover the log files of one trail, account and region, and say nothing of calls that
//! CloudTrail did not record. It reads and never writes; it takes nothing for proved that no signature leads to.
//!
//! The way: `shelf` puts an account's listed objects together, `examine` hashes them, `chain` judges the digests, `logs` the log
//! files, `unit` both together; `keys` and `fetch` know the public keys, `mapping` the places that copies were taken from.
//!
//! See <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html>.

mod book;
pub mod chain;
pub mod digest;
mod examine;
mod fetch;
pub mod keys;
mod logs;
mod mapping;
pub mod name;
mod run;
mod shelf;
pub mod signature;
mod summary;
#[cfg(test)]
mod tests;
mod unit;
pub mod verdict;

pub use book::{Book, batch};
pub use keys::Keys;
pub use summary::{Counts, Summary};

use async_trait::async_trait;
use fetch::CloudTrail;
use mapping::Mapping;
use run::Run;
use verdict::Row;

use crate::error::Result;
use crate::source::{Filters, S3Options, Source, layout};

/// Microseconds of the time that a digest covers.
const HOUR: i64 = 60 * layout::MINUTE;

/// What is verified, and by what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where digests and log files are.
    pub source: Source,
    /// Bucket and prefix that the source is a copy of, where it is one.
    pub copy_of: Option<(String, String)>,
    /// Which accounts, regions and times.
    pub filters: Filters,
    /// Bytes that one log file may hold once decompressed; of a larger one nothing is proved.
    pub max_object: u64,
    /// The public keys that are at hand.
    pub keys: Keys,
    /// How CloudTrail is asked for public keys; none where it is not to be asked.
    pub ask: Option<S3Options>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Objects listed.
    pub listed: u64,
    /// Log files hashed.
    pub logs: u64,
    /// Their bytes, as stored.
    pub bytes: u64,
}

/// Takes verdicts as they come.
#[async_trait]
pub trait Take: Send {
    /// Takes one.
    async fn take(&mut self, row: Row) -> Result<()>;
}

/// Verifies; `taker` takes the verdicts as they come. Gives the numbers, and the keys with what was learned.
///
/// # Errors
/// `taker` fails. What cannot be read is a verdict and counted.
pub async fn verify(plan: Plan, taker: &mut dyn Take, tell: &(dyn Fn(Progress) + Sync)) -> Result<(Summary, Keys)> {
    let own = plan.source.path();
    let mapping = match (&plan.copy_of, plan.source.bucket()) {
        (Some((bucket, prefix)), _) => Mapping::copy_of(bucket, prefix, &own),
        (None, Some((bucket, _))) => Mapping::bucket(bucket),
        (None, None) => Mapping::copy(&own),
    };
    let cloudtrail = match &plan.ask {
        Some(options) => Some(CloudTrail::connect(options).await),
        None => None,
    };
    let filters = plan.filters.clone();
    Run::new(&plan, mapping, cloudtrail, taker, tell).go(&filters).await
}

/// The minute of a log file's delivery, by its key, microseconds.
fn delivered_at(key: &str) -> Option<i64> {
    layout::parse(key)?.delivered_at
}
