//! The run: reads what the feed names, keeps the workers busy, and commits chunk after chunk.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::time::{Interval, MissedTickBehavior};

use super::chunk::{Chunk, Done, ObjectState, Writers};
use super::feed::{Fed, Tally, feed};
use super::summary::{Located, Summary};
use super::worker::{Read, Shared, work};
use super::{Knobs, Phase, Plan, Progress};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::lake::catch_up::{Prepared, catch_up, derived_tables};
use crate::lake::commit::commit_events;
use crate::lake::dedup::{Dedup, Forestalled, Verdict};
use crate::lake::files::Files;
use crate::lake::ledger::{self, Entry, Known, Status};
use crate::lake::schema::EVENTS;
use crate::lake::store::Lake;
use crate::source::Source;

/// Objects read at a time: many from S3, where each waits for the network, few from a disk.
const READERS: (usize, usize) = (16, 4);
/// Objects that wait for a worker: enough that workers seldom sleep. What remote ones hold of memory is counted where they are read.
const WAITING: usize = 64;
/// How often progress is told and the stop flag looked at.
const TICK: Duration = Duration::from_millis(200);
/// The unit in which room for bytes read ahead is counted.
const KIB: u64 = 1024;

/// Something that was read, or an entry that needs no reading.
enum Next {
    Read(Box<Read>),
    Entry(Box<Entry>),
}

pub async fn run(plan: Plan, progress: &(dyn Fn(Progress) + Sync), stop: Arc<AtomicBool>) -> Result<Summary> {
    let started = Instant::now();
    let mut lake = match Lake::is_lake(&plan.lake, &plan.lake_options).await? {
        true if plan.dry_run => Some(Lake::open(&plan.lake, &plan.lake_options).await?),
        true => Some(Lake::create_if_missing(&plan.lake, &plan.lake_options).await?),
        false => None,
    };
    if let (Some(lake), false) = (&mut lake, plan.dry_run) {
        catch_up(lake, None).await?;
    }
    let known = Arc::new(match &lake {
        Some(lake) => Known::load(lake).await?,
        None => Known::default(),
    });
    let tally = Arc::new(Tally::default());
    let ingest_number = known.next_ingest();
    let threads = match plan.knobs.threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        some => some,
    };
    let fed = feed(plan.sources.clone(), plan.filters.clone(), Arc::clone(&known), Arc::clone(&tally));
    let shared = Arc::new(Shared {
        filters: plan.filters.clone(),
        limits: plan.limits,
        ingest_number,
        known: Arc::clone(&known),
        tally: Arc::clone(&tally),
    });
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut run = Run {
        summary: Summary { lake: plan.lake.clone(), dry_run: plan.dry_run, ..Summary::default() },
        next: Box::pin(reading(&plan, fed).peekable()),
        plan,
        progress,
        stop,
        tick,
        known,
        tally,
        shared,
        threads,
    };
    run.chunks(&mut lake).await?;
    let mut summary = run.summary;
    let before = summary.objects;
    run.tally.close(&mut summary.objects);
    // Entries that the listing decided were counted by it; those that were read, by their chunk.
    let o = summary.objects;
    let told = o.ingested + o.known + o.pruned + o.archived + o.not_cloudtrail + o.failed;
    summary.objects.left = if summary.interrupted { o.listed.saturating_sub(told) } else { before.left };
    summary.bytes_read = run.tally.bytes.load(Ordering::Relaxed);
    summary.bytes_decompressed = run.tally.decompressed.load(Ordering::Relaxed);
    summary.elapsed = started.elapsed();
    if let Some(lake) = &lake {
        summary.versions = lake.versions();
    }
    debug_assert!(summary.balances(), "the books do not balance: {summary:?}");
    Ok(summary)
}

/// Reads what the feed names, several objects at a time, no more bytes ahead than there is room for.
fn reading(plan: &Plan, fed: mpsc::Receiver<Fed>) -> BoxStream<'static, Next> {
    let Knobs { read_ahead, .. } = plan.knobs;
    let most = u32::try_from(read_ahead / 1024).unwrap_or(u32::MAX).max(1);
    let room = Arc::new(Semaphore::new(most as usize));
    let remote = plan.sources.iter().any(Source::is_remote);
    let readers = if remote { READERS.0 } else { READERS.1 };
    let names = stream::unfold(fed, |mut fed| async move { fed.recv().await.map(|next| (next, fed)) });
    names
        .map(move |next| {
            let room = Arc::clone(&room);
            async move {
                match next {
                    Fed::Entry(entry) => Next::Entry(entry),
                    // A worker reads a local file in less time than it takes to hand its bytes over.
                    Fed::Job(job) if !job.source.is_remote() => {
                        Next::Read(Box::new(Read { job, bytes: None, room: None }))
                    }
                    Fed::Job(job) => {
                        let wanted = u32::try_from(job.object.size.unwrap_or_default() / KIB + 1).unwrap_or(u32::MAX);
                        let room = room.acquire_many_owned(wanted.min(most)).await.ok();
                        let (source, object) = (job.source.clone(), job.object.clone());
                        // A task of its own goes on while the run is busy with a commit.
                        let bytes = match tokio::spawn(async move { source.read(&object).await }).await {
                            Ok(bytes) => bytes,
                            Err(e) => Err(Error::internal("reading an object broke off").source(e)),
                        };
                        Next::Read(Box::new(Read { job, bytes: Some(bytes), room }))
                    }
                }
            }
        })
        .buffer_unordered(readers)
        .boxed()
}

struct Run<'r> {
    plan: Plan,
    progress: &'r (dyn Fn(Progress) + Sync),
    stop: Arc<AtomicBool>,
    tick: Interval,
    known: Arc<Known>,
    tally: Arc<Tally>,
    shared: Arc<Shared>,
    threads: usize,
    next: Pin<Box<stream::Peekable<BoxStream<'static, Next>>>>,
    summary: Summary,
}

impl Run<'_> {
    async fn chunks(&mut self, lake: &mut Option<Lake>) -> Result<()> {
        loop {
            let (progress, tally) = (self.progress, Arc::clone(&self.tally));
            let tell = || progress(tally.progress(Phase::Reading));
            let first = unless_stopped(&self.stop, &mut self.tick, tell, self.next.as_mut().peek()).await;
            match first.map(|next| next.is_some()) {
                Some(true) if !self.stop.load(Ordering::Relaxed) => {}
                Some(false) => return Ok(()),
                _ => {
                    self.summary.interrupted = true;
                    return Ok(());
                }
            }
            if lake.is_none() && !self.plan.dry_run {
                *lake = Some(Lake::create_if_missing(&self.plan.lake, &self.plan.lake_options).await?);
            }
            let (files, writers) = match lake {
                Some(lake) if !self.plan.dry_run => {
                    lake.refresh(&EVENTS).await?;
                    let derived = derived_tables().into_iter().map(|table| lake.writer(table));
                    let derived = derived.collect::<Result<Vec<_>>>()?;
                    (lake.files(&EVENTS)?, Some(Writers { events: lake.writer(&EVENTS)?, derived }))
                }
                Some(lake) => (lake.files(&EVENTS)?, None),
                None => (Files::none(&EVENTS), None),
            };
            let knobs = self.plan.knobs;
            let most = (knobs.commit_events, knobs.commit_objects);
            let chunk =
                Chunk::new(Dedup::new(files, knobs.ids), writers, (knobs.buffer, knobs.grown), self.threads, most);
            let (done, entries) = self.fill(Arc::new(chunk)).await?;
            self.commit(lake.as_mut(), done, entries).await?;
        }
    }

    /// Fills a chunk: reads objects and has them decoded until the chunk is full or there is nothing more.
    async fn fill(&mut self, chunk: Arc<Chunk>) -> Result<(Done, Vec<Entry>)> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        let workers: Vec<_> = (0..self.threads)
            .map(|_| {
                let (shared, chunk, receiver) = (Arc::clone(&self.shared), Arc::clone(&chunk), Arc::clone(&receiver));
                let runtime = Handle::current();
                tokio::task::spawn_blocking(move || work(&shared, &chunk, &receiver, &runtime))
            })
            .collect();
        drop(receiver);
        let mut entries = Vec::new();
        let (progress, tally) = (self.progress, Arc::clone(&self.tally));
        // Objects that wait for a worker belong to the chunk as much as those that were taken.
        let mut given = 0;
        while given < self.plan.knobs.commit_objects
            && !chunk.is_full()
            && !chunk.has_failed()
            && !self.stop.load(Ordering::Relaxed)
        {
            let tell = || progress(tally.progress(Phase::Reading));
            match unless_stopped(&self.stop, &mut self.tick, tell, self.next.next()).await.flatten() {
                None => break,
                Some(Next::Entry(entry)) => entries.push(*entry),
                Some(Next::Read(read)) => {
                    given += 1;
                    if ticking(&mut self.tick, tell, sender.send(*read)).await.is_err() {
                        break;
                    }
                }
            }
        }
        drop(sender);
        for worker in workers {
            let joined = ticking(&mut self.tick, || progress(tally.progress(Phase::Reading)), worker).await;
            joined.map_err(|e| Error::internal("a worker broke off").source(e))?;
        }
        self.drain(&chunk, false).await?;
        self.drain(&chunk, true).await?;
        if let Some(error) = chunk.failure() {
            chunk.discard().await;
            return Err(error);
        }
        let chunk = Arc::into_inner(chunk).ok_or_else(|| Error::internal("a worker outlived its work"))?;
        Ok((chunk.finish().await?, entries))
    }

    /// Encodes what is buffered, or stores the files that have grown; every thread takes its share.
    async fn drain(&mut self, chunk: &Arc<Chunk>, store: bool) -> Result<()> {
        let writers: Vec<_> = (0..self.threads)
            .map(|_| {
                let (chunk, runtime) = (Arc::clone(chunk), Handle::current());
                tokio::task::spawn_blocking(move || {
                    while !chunk.has_failed() {
                        let more = if store {
                            runtime.block_on(chunk.store_one())
                        } else {
                            runtime.block_on(chunk.write_one())
                        };
                        match more {
                            Ok(true) => {}
                            Ok(false) => break,
                            Err(error) => chunk.fail(error),
                        }
                    }
                })
            })
            .collect();
        let (progress, tally) = (self.progress, Arc::clone(&self.tally));
        for writer in writers {
            let joined = ticking(&mut self.tick, || progress(tally.progress(Phase::Committing)), writer).await;
            joined.map_err(|e| Error::internal("a writer broke off").source(e))?;
        }
        Ok(())
    }

    /// Commits a chunk: events, what is derived from them, then the ledger; and enters it into the summary.
    async fn commit(&mut self, lake: Option<&mut Lake>, done: Done, entries: Vec<Entry>) -> Result<()> {
        (self.progress)(self.tally.progress(Phase::Committing));
        let Done { mut dedup, files, derived, mut objects } = done;
        if let Some(lake) = lake
            && !self.plan.dry_run
        {
            failpoint::reached("files");
            let outcome = commit_events(lake, files, &mut dedup).await?;
            failpoint::reached("events");
            let as_prepared = outcome.taken_out.is_empty();
            take_back(&mut objects, &outcome.taken_out);
            let prepared = match outcome.version {
                Some(version) if as_prepared => Some(Prepared { version, files: derived }),
                _ => {
                    for file in &derived {
                        lake.writer(file.table)?.discard(file).await;
                    }
                    None
                }
            };
            if outcome.version.is_some() {
                catch_up(lake, prepared).await?;
            }
            failpoint::reached("all-derived");
            let rows = self.rows(&objects, &entries);
            if !rows.is_empty() {
                let at = chrono::Utc::now().timestamp_micros();
                ledger::commit(lake, &rows, self.shared.ingest_number, at).await?;
            }
            if !rows.is_empty() || outcome.version.is_some() {
                self.summary.ingest_number = Some(self.shared.ingest_number);
            }
        }
        for object in objects {
            self.enter(object);
        }
        for entry in entries {
            let Entry { source_object, faults, .. } = entry;
            self.enter_faults(source_object, faults);
        }
        Ok(())
    }

    /// The rows that the ledger lacks. Objects that lost events to the filters are left out, to be read again.
    fn rows(&self, objects: &[ObjectState], entries: &[Entry]) -> Vec<Entry> {
        let whole = objects.iter().filter(|o| o.filtered == 0 && (o.stored > 0 || !self.known.says(&o.entry)));
        let unread = entries.iter().filter(|entry| !self.known.says(entry));
        whole.map(|o| &o.entry).chain(unread).cloned().collect()
    }

    fn enter(&mut self, object: ObjectState) {
        let ObjectState { entry, filtered, stored, faults } = object;
        let count = |n: i64| u64::try_from(n).unwrap_or_default();
        let summary = &mut self.summary;
        match entry.status {
            Status::Ingested => summary.objects.ingested += 1,
            Status::Truncated => {
                summary.objects.ingested += 1;
                summary.objects.truncated += 1;
            }
            Status::NotCloudTrail => summary.objects.not_cloudtrail += 1,
            Status::Archived => summary.objects.archived += 1,
            Status::Failed => summary.objects.failed += 1,
        }
        summary.records += count(entry.records);
        summary.events += count(entry.events);
        summary.duplicates += count(entry.duplicates);
        summary.not_events += count(entry.not_events);
        summary.stored += stored;
        summary.filtered += filtered;
        summary.faults += faults;
        self.enter_faults(entry.source_object, entry.faults);
    }

    fn enter_faults(&mut self, object: String, faults: Vec<ledger::Fault>) {
        for ledger::Fault { index, reason, text } in faults {
            self.summary.fault(Located { object: object.clone(), index, reason, text });
        }
    }
}

/// Waits for something, and tells progress meanwhile.
async fn ticking<F: Future>(tick: &mut Interval, tell: impl Fn(), future: F) -> F::Output {
    tokio::pin!(future);
    loop {
        tokio::select! {
            biased;
            output = &mut future => return output,
            _ = tick.tick() => tell(),
        }
    }
}

/// Like `ticking`; `None` once the run is stopped.
async fn unless_stopped<F: Future>(
    stop: &AtomicBool,
    tick: &mut Interval,
    tell: impl Fn(),
    future: F,
) -> Option<F::Output> {
    tokio::pin!(future);
    loop {
        tokio::select! {
            biased;
            output = &mut future => return Some(output),
            _ = tick.tick() => tell(),
        }
        if stop.load(Ordering::Relaxed) {
            return None;
        }
    }
}

/// Enters rows that another run stored first: what was to be an event of its object is a duplicate after all, and what
/// was taken for its duplicate is the event, where the other run stored that one.
fn take_back(objects: &mut [ObjectState], taken_out: &[Forestalled]) {
    for Forestalled { verdict, object, stored_from } in taken_out {
        if let Some(object) = objects.get_mut(*object) {
            object.stored = object.stored.saturating_sub(1);
            if *verdict == Verdict::Duplicate {
                object.entry.events -= 1;
                object.entry.duplicates += 1;
            }
        }
        if let Some(object) = stored_from.and_then(|place| objects.get_mut(place)) {
            object.entry.events += 1;
            object.entry.duplicates -= 1;
        }
    }
}
