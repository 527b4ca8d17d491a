//! The pipeline: list, read, decode, deduplicate, write, commit.
//!
//! The one room that knows sources, the decoder and the lake. It commits events first, then what is derived from them,
//! then the ledger rows of the objects whose events are all committed: wherever it is stopped, the lake is whole, and the
//! next run does the rest. It judges no event.
//!
//! A run with filters records an object in the ledger only where the filters took no event out of it, so that a later
//! run without them reads the object again.

mod chunk;
mod feed;
mod open_days;
mod run;
mod summary;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use summary::{Located, Objects, Summary};

use crate::cloudtrail::Limits;
use crate::error::Result;
use crate::lake::store::LakeOptions;
use crate::source::{Filters, Source};

/// What is to be ingested, and into what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the objects are.
    pub sources: Vec<Source>,
    /// The lake's folder or s3:// location.
    pub lake: String,
    /// How a lake on S3 is reached.
    pub lake_options: LakeOptions,
    /// Which objects and events are wanted.
    pub filters: Filters,
    /// How much the decoder may take on.
    pub limits: Limits,
    /// Read and decode, store nothing. Duplicates are then told apart within one commit's worth of events only.
    pub dry_run: bool,
    /// How much memory may be used, and how many threads.
    pub knobs: Knobs,
}

impl Plan {
    /// Everything in the sources, with the usual limits.
    pub fn new(sources: Vec<Source>, lake: impl Into<String>) -> Self {
        Self {
            sources,
            lake: lake.into(),
            lake_options: LakeOptions::default(),
            filters: Filters::default(),
            limits: Limits::default(),
            dry_run: false,
            knobs: Knobs::default(),
        }
    }
}

/// What bounds memory; with the defaults a run on two cores takes some 500 MB.
#[derive(Debug, Clone, Copy)]
pub struct Knobs {
    /// Events after which a commit is made.
    pub commit_events: usize,
    /// Objects after which a commit is made.
    pub commit_objects: usize,
    /// Event ids held at a time, 33 bytes each and as much again while their table grows.
    pub ids: usize,
    /// Bytes of decoded events held at a time, those being written included.
    pub buffer: usize,
    /// Bytes of files that grow, encoded.
    pub grown: usize,
    /// Bytes of objects read ahead.
    pub read_ahead: usize,
    /// Threads that decode and write; 0 for as many as the machine has cores.
    pub threads: usize,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            commit_events: 500_000,
            commit_objects: 32_768,
            ids: 1_000_000,
            buffer: 56 << 20,
            grown: 56 << 20,
            read_ahead: 48 << 20,
            threads: 0,
        }
    }
}

/// What a run is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Listing, reading and decoding.
    Reading,
    /// Writing and committing.
    Committing,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is busy with.
    pub phase: Phase,
    /// Objects found that are to be read.
    pub objects_total: u64,
    /// Whether the listing has ended, so that the totals are final.
    pub listed: bool,
    /// Objects read and decoded.
    pub objects_done: u64,
    /// Objects that the ledger knew already.
    pub objects_known: u64,
    /// Events decoded.
    pub events: u64,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// Bytes of the objects found, where the listing tells.
    pub bytes_total: u64,
}

/// Ingests. `progress` is told a few times a second. Once `stop` is set, what was begun is committed and the run ends;
/// the summary then says `interrupted`.
///
/// # Errors
/// Where the lake cannot be opened, created, read or written. Objects that cannot be read are no errors but counted.
pub async fn ingest(plan: Plan, progress: &(dyn Fn(Progress) + Sync), stop: Arc<AtomicBool>) -> Result<Summary> {
    run::run(plan, progress, stop).await
}
