//! One thread's work: objects to events to rows, a batch a day, handed to the chunk.
//!
//! Runs on a blocking thread; it waits for the chunk's files, and thereby never gets ahead of what memory allows.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc};

use super::chunk::{Chunk, Rows};
use super::feed::{Job, Tally, identity};
use crate::cloudtrail::event::Event;
use crate::cloudtrail::{self, Book, Form, Limits, Place, Wanted};
use crate::error::{Error, Result};
use crate::lake::batch::{EventRows, ObjectContext, day, recipient};
use crate::lake::dedup::{Ids, Keys, Row, object_hash, place};
use crate::lake::ledger::{Entry, Fault, Identity, Known, Status};
use crate::source::Filters;

/// Rows and bytes after which a worker hands a day's rows over.
const HAND_OVER: (usize, usize) = (8192, 4 << 20);
/// Days that a worker keeps apart at a time; log content is hostile and may name any number of them. Quiet accounts deliver a few
/// events a day, and a batch of a few rows costs more than the rows.
const DAYS: usize = 64;
/// Bytes of text that a worker holds in all its days.
const HELD: usize = 16 << 20;

/// An object that was read, or could not be, or that the worker is to read.
#[derive(Debug)]
pub struct Read {
    /// What it is.
    pub job: Box<Job>,
    /// Its bytes, where they were read ahead.
    pub bytes: Option<Result<Bytes>>,
    /// The room it takes up among what is read ahead.
    pub room: Option<OwnedSemaphorePermit>,
}

/// What every worker of a run shares.
#[derive(Debug)]
pub struct Shared {
    /// Which events are wanted.
    pub filters: Filters,
    /// How much the decoder may take on.
    pub limits: Limits,
    /// The run's number.
    pub ingest_number: i64,
    /// The ledger.
    pub known: Arc<Known>,
    /// Counts.
    pub tally: Arc<Tally>,
}

/// Works until no more objects come or an error ends the run.
pub fn work(shared: &Shared, chunk: &Chunk, objects: &Mutex<mpsc::Receiver<Read>>, runtime: &Handle) {
    let mut worker = Worker { shared, chunk, runtime, ids: Ids::default(), days: Vec::new(), latest: 0, failed: None };
    while !chunk.has_failed() {
        let next = runtime.block_on(async { objects.lock().await.recv().await });
        let Some(read) = next else { break };
        worker.object(read);
        if let Some(error) = worker.failed.take() {
            chunk.fail(error);
        }
    }
    if let Err(error) = worker.hand_over(0) {
        chunk.fail(error);
    }
}

/// Rows of one day that are not handed over yet.
struct Open {
    day: i32,
    rows: EventRows,
    keys: Keys,
}

impl Open {
    /// Bytes of text; the ids are held twice, in a dry run only for themselves.
    fn bytes(&self) -> usize {
        self.rows.bytes() + self.keys.bytes()
    }

    fn is_full(&self, times: usize) -> bool {
        self.keys.ids.len() >= times * HAND_OVER.0 || self.bytes() >= times * HAND_OVER.1
    }
}

struct Worker<'w> {
    shared: &'w Shared,
    chunk: &'w Chunk,
    runtime: &'w Handle,
    ids: Ids,
    days: Vec<Open>,
    /// Where in `days` the last event went; the next one mostly goes there too.
    latest: usize,
    failed: Option<Error>,
}

/// What the events of one object have in common.
struct Origin {
    number: usize,
    uri: String,
    delivered_at: Option<i64>,
    key_account: Option<String>,
    /// The zip member that `source_object` and `hash` stand for.
    member: Option<String>,
    source_object: String,
    hash: u64,
    filtered: u64,
    events: u64,
}

impl Worker<'_> {
    fn object(&mut self, read: Read) {
        let Read { job, bytes, room } = read;
        let Job { object, source } = *job;
        let mut entry = Entry {
            source_object: object.uri.clone(),
            size: identity(&object).size,
            etag: object.etag.clone(),
            last_modified: object.last_modified,
            records: 0,
            events: 0,
            duplicates: 0,
            not_events: 0,
            faults: Vec::new(),
            status: Status::Failed,
        };
        let bytes = match bytes.unwrap_or_else(|| source.read_blocking(&object, self.runtime)) {
            Ok(bytes) => bytes,
            Err(error) => {
                entry.faults.push(Fault { index: None, reason: "unreadable".into(), text: describe(&error) });
                self.chunk.begin(entry);
                self.shared.tally.done.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        self.shared.tally.bytes.fetch_add(u64::try_from(bytes.len()).unwrap_or_default(), Ordering::Relaxed);
        if entry.etag.is_none() && entry.last_modified.is_none() {
            // A stream has no state that a listing could tell: its content names it, so that the next stream is another
            // object and the same one is known.
            let digest: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            entry.source_object = format!("{}#{digest}", object.uri);
            entry.size = i64::try_from(bytes.len()).ok();
            entry.etag = Some(digest);
            let identity = Identity { size: entry.size, etag: entry.etag.as_deref(), last_modified: None };
            if self.shared.known.done(&entry.source_object, identity).is_some() {
                self.shared.tally.known_after_all();
                self.shared.tally.done.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        let name = entry.source_object.clone();
        let mut origin = Origin {
            number: self.chunk.begin(entry),
            hash: object_hash(&name),
            source_object: name.clone(),
            uri: name,
            delivered_at: object.layout.as_ref().and_then(|key| key.delivered_at).or(object.last_modified),
            key_account: object.layout.map(|key| key.account),
            member: None,
            filtered: 0,
            events: 0,
        };
        let book = cloudtrail::decode_object(
            &origin.uri.clone(),
            &bytes,
            &self.shared.limits,
            &Wanted::default(),
            &mut |place, event| {
                self.event(&mut origin, &place, event);
            },
        );
        drop((bytes, room));
        self.shared.tally.decompressed.fetch_add(book.decompressed, Ordering::Relaxed);
        self.shared.tally.events.fetch_add(origin.events, Ordering::Relaxed);
        self.shared.tally.done.fetch_add(1, Ordering::Relaxed);
        close(self.chunk, &origin, book);
        if self.failed.is_none() {
            self.failed = self.hand_over(1).err();
        }
    }

    fn event(&mut self, origin: &mut Origin, at: &Place<'_>, event: &Event<'_>) {
        origin.events += 1;
        if self.failed.is_some() {
            return;
        }
        let account = recipient(event, origin.key_account.as_deref());
        if !wanted(&self.shared.filters, event, account) {
            origin.filtered += 1;
            return;
        }
        if at.member != origin.member.as_deref() {
            origin.member = at.member.map(str::to_owned);
            origin.source_object = match at.member {
                Some(member) => format!("{}!{member}", origin.uri),
                None => origin.uri.clone(),
            };
            origin.hash = object_hash(&origin.source_object);
        }
        let index = i64::try_from(at.index).unwrap_or(i64::MAX);
        let account = account.unwrap_or_default();
        let id = self.ids.id(account, &event.event_id);
        let (keeps_rows, ingest_number) = (self.chunk.keeps_rows(), self.shared.ingest_number);
        let open = self.open(day(event.event_time));
        open.keys.push(Row {
            id,
            event_id: &event.event_id,
            place: place(origin.hash, index),
            owner: origin.number,
            time: event.event_time,
            account,
        });
        if keeps_rows {
            let context = ObjectContext {
                source_object: &origin.source_object,
                delivered_at: origin.delivered_at,
                key_account: origin.key_account.as_deref(),
                ingest_number,
            };
            open.rows.push(event, &context, index);
        }
        if open.is_full(2) || self.days.len() > DAYS {
            self.failed = self.hand_over(2).err();
        }
    }

    fn held(&self) -> usize {
        self.days.iter().map(Open::bytes).sum()
    }

    fn open(&mut self, day: i32) -> &mut Open {
        if self.days.get(self.latest).is_none_or(|open| open.day != day) {
            self.latest = match self.days.iter().position(|open| open.day == day) {
                Some(there) => there,
                None => {
                    let wanted: Option<&[usize]> = if self.chunk.keeps_rows() { None } else { Some(&[]) };
                    self.days.push(Open { day, rows: EventRows::new(wanted), keys: Keys::default() });
                    self.days.len() - 1
                }
            };
        }
        &mut self.days[self.latest]
    }

    /// Hands the rows of those days to the chunk that have `times` the usual number; of all days where `times` is 0, or
    /// where there are too many.
    fn hand_over(&mut self, times: usize) -> Result<()> {
        let all = self.days.len() > DAYS || self.held() > HELD;
        for open in &mut self.days {
            if open.keys.ids.is_empty() || !(all || open.is_full(times)) {
                continue;
            }
            let rows = Rows { day: open.day, batch: open.rows.finish()?, keys: std::mem::take(&mut open.keys) };
            self.runtime.block_on(self.chunk.take(rows))?;
        }
        // Empty builders keep room for what they last held; only the day at hand is likely to need it again.
        let latest = self.days.get(self.latest).map(|open| open.day);
        self.days.retain(|open| !open.keys.ids.is_empty() || Some(open.day) == latest);
        self.latest = 0;
        Ok(())
    }
}

/// Whether the filters let an event through. Unlike an object, an event that does not say its region or account is not
/// of the region or account that was asked for.
fn wanted(filters: &Filters, event: &Event<'_>, account: Option<&str>) -> bool {
    let timely = filters.since.is_none_or(|since| event.event_time >= since)
        && filters.until.is_none_or(|until| event.event_time <= until);
    let region = || {
        let mut regions = [event.aws_region.as_deref(), event.serving_region.as_deref()].into_iter().flatten();
        filters.regions.is_empty() || regions.any(|region| filters.wants_region(region))
    };
    timely && filters.wants_account(account.unwrap_or_default()) && region()
}

/// Enters the decoder's book into the object's row.
fn close(chunk: &Chunk, origin: &Origin, book: Book) {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let unreadable = book.records == 0 && !book.faults.is_empty();
    let status = match book.form {
        _ if book.truncated => Status::Truncated,
        Form::NotCloudTrail(_) => Status::NotCloudTrail,
        Form::Empty if unreadable => Status::Failed,
        Form::CloudTrail | Form::Empty => Status::Ingested,
    };
    chunk.update(origin.number, |state| {
        state.filtered = origin.filtered;
        state.faults = book.fault_count;
        state.entry.records = count(book.records);
        state.entry.not_events = count(book.not_events);
        state.entry.status = status;
        state.entry.faults.extend(book.faults.into_iter().map(|fault| Fault {
            index: fault.index.map(count),
            reason: fault.reason.as_str().to_owned(),
            text: match fault.member {
                Some(member) => format!("{member}: {}", fault.text),
                None => fault.text,
            },
        }));
    });
}

/// An error with its causes, on one line.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
