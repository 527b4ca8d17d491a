//! What is to be read: lists the sources, leaves out what the ledger knows, and puts the rest in order of delivery.
//!
//! The order serves the lake, nothing depends on it: neighbours in time fill few days at once, and repeated deliveries
//! meet in one commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::mpsc;

use super::{Objects, Phase, Progress};
use crate::lake::dedup::hash128;
use crate::lake::ledger::{Entry, Fault, Identity, Known, Status};
use crate::source::{Filters, Found, Object, Source};

/// Objects put in order at a time.
const WINDOW: usize = 131_072;
/// How long a reader with nothing to do waits for a window to fill, so that reading goes on during a long listing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Days are as far as objects without a delivery time are told apart, microseconds.
const DAY: i64 = 86_400_000_000;

/// An object to read.
#[derive(Debug)]
pub struct Job {
    /// Its source.
    pub source: Source,
    /// The object.
    pub object: Object,
}

/// What comes out of the listing.
#[derive(Debug)]
pub enum Fed {
    /// An object to read.
    Job(Box<Job>),
    /// An object that is not read, for the ledger.
    Entry(Box<Entry>),
}

/// Counts that several tasks keep.
#[derive(Debug, Default)]
pub struct Tally {
    listed: AtomicU64,
    known: AtomicU64,
    pruned: AtomicU64,
    archived: AtomicU64,
    not_cloudtrail: AtomicU64,
    failed: AtomicU64,
    to_read: AtomicU64,
    bytes_total: AtomicU64,
    ended: AtomicBool,
    /// Objects read and decoded.
    pub done: AtomicU64,
    /// Events decoded.
    pub events: AtomicU64,
    /// Bytes read.
    pub bytes: AtomicU64,
    /// Bytes after decompression.
    pub decompressed: AtomicU64,
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Tally {
    /// How far the run is.
    pub fn progress(&self, phase: Phase) -> Progress {
        Progress {
            phase,
            objects_total: get(&self.to_read),
            listed: self.ended.load(Ordering::Relaxed),
            objects_done: get(&self.done),
            objects_known: get(&self.known),
            events: get(&self.events),
            bytes: get(&self.bytes),
            bytes_total: get(&self.bytes_total),
        }
    }

    /// Adds what the listing alone decided to the objects' book.
    pub fn close(&self, objects: &mut Objects) {
        objects.listed = get(&self.listed);
        objects.known += get(&self.known);
        objects.pruned += get(&self.pruned);
        objects.archived += get(&self.archived);
        objects.not_cloudtrail += get(&self.not_cloudtrail);
        objects.failed += get(&self.failed);
    }

    /// An object that turned out to be known once it was read.
    pub fn known_after_all(&self) {
        add(&self.known, 1);
    }
}

/// What identifies the state that the listing tells.
pub fn identity(object: &Object) -> Identity<'_> {
    Identity {
        size: object.size.and_then(|size| i64::try_from(size).ok()),
        etag: object.etag.as_deref(),
        last_modified: object.last_modified,
    }
}

/// Starts the listing of all sources; it runs ahead of the reader by a bounded number of objects.
pub fn feed(sources: Vec<Source>, filters: Filters, known: Arc<Known>, tally: Arc<Tally>) -> mpsc::Receiver<Fed> {
    let (sender, receiver) = mpsc::channel(256);
    tokio::spawn(async move {
        let mut feeder =
            Feeder { known, tally, sender, seen: HashSet::new(), window: Vec::new(), since: Instant::now() };
        for source in sources {
            if !feeder.list(&source, &filters).await {
                return;
            }
        }
        if feeder.send_window().await {
            feeder.tally.ended.store(true, Ordering::Relaxed);
        }
    });
    receiver
}

struct Feeder {
    known: Arc<Known>,
    tally: Arc<Tally>,
    sender: mpsc::Sender<Fed>,
    /// Addresses of this run, hashed: two sources may name one object.
    seen: HashSet<[u64; 2]>,
    window: Vec<Job>,
    since: Instant,
}

impl Feeder {
    /// Whether the reader still listens.
    async fn list(&mut self, source: &Source, filters: &Filters) -> bool {
        let mut listing = source.list(filters);
        while let Some(found) = listing.next().await {
            add(&self.tally.listed, 1);
            let open = match found {
                Found::Object(object) => self.object(source, object).await,
                Found::Pruned(_) => {
                    add(&self.tally.pruned, 1);
                    true
                }
                Found::NotCloudTrail { uri, why } => {
                    add(&self.tally.not_cloudtrail, 1);
                    self.entry(unread(uri, Status::NotCloudTrail, "not_cloudtrail", why.to_owned())).await
                }
                Found::Archived(object) => {
                    add(&self.tally.archived, 1);
                    let mut entry = unread(
                        object.uri.clone(),
                        Status::Archived,
                        "archived",
                        "in cold storage; it can be read once it is restored".to_owned(),
                    );
                    (entry.size, entry.etag, entry.last_modified) =
                        (identity(&object).size, object.etag, object.last_modified);
                    self.entry(entry).await
                }
                Found::Failed { uri, error } => {
                    add(&self.tally.failed, 1);
                    self.entry(unread(uri, Status::Failed, "unreadable", error.to_string())).await
                }
            };
            if !open {
                return false;
            }
        }
        true
    }

    async fn object(&mut self, source: &Source, object: Object) -> bool {
        let seen = !self.seen.insert(hash128(&object.uri));
        if seen || self.known.done(&object.uri, identity(&object)).is_some() {
            add(&self.tally.known, 1);
            return true;
        }
        add(&self.tally.to_read, 1);
        add(&self.tally.bytes_total, object.size.unwrap_or_default());
        if self.window.is_empty() {
            self.since = Instant::now();
        }
        self.window.push(Job { source: source.clone(), object });
        let hungry = self.sender.capacity() == self.sender.max_capacity();
        let late = hungry && self.since.elapsed() >= PATIENCE;
        if self.window.len() >= WINDOW || late { self.send_window().await } else { true }
    }

    async fn entry(&mut self, entry: Entry) -> bool {
        self.sender.send(Fed::Entry(Box::new(entry))).await.is_ok()
    }

    async fn send_window(&mut self) -> bool {
        self.window
            .sort_unstable_by(|a, b| (delivery(&a.object), &a.object.uri).cmp(&(delivery(&b.object), &b.object.uri)));
        for job in self.window.drain(..) {
            if self.sender.send(Fed::Job(Box::new(job))).await.is_err() {
                return false;
            }
        }
        true
    }
}

/// When an object was delivered, microseconds: the time in its key, else the day in it, else its modification time.
fn delivery(object: &Object) -> Option<i64> {
    let key = object.layout.as_ref();
    let day = || key?.date.map(|date| i64::from(date.to_epoch_days()) * DAY);
    key.and_then(|key| key.delivered_at).or_else(day).or(object.last_modified)
}

fn unread(source_object: String, status: Status, reason: &str, text: String) -> Entry {
    // What a digest is not is no fault; what should have been read is one.
    let faults = match status {
        Status::NotCloudTrail => Vec::new(),
        _ => vec![Fault { index: None, reason: reason.to_owned(), text }],
    };
    Entry {
        source_object,
        size: None,
        etag: None,
        last_modified: None,
        records: 0,
        events: 0,
        duplicates: 0,
        not_events: 0,
        faults,
        status,
    }
}
