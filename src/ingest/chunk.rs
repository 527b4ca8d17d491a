//! One commit's worth of events: deduplicated as they come, buffered by day, encoded into the days' files as buffers fill.
//!
//! Shared by all workers. Nothing in it is part of the lake until the run commits it; what is not committed is removed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::open_days::{OpenDays, Whole};
use crate::error::{Error, Result};
use crate::lake::catch_up::DERIVE_ROWS;
use crate::lake::dedup::{Dedup, Keys, Verdict};
use crate::lake::derive::Derived;
use crate::lake::kept::Kept;
use crate::lake::ledger::Entry;
use crate::lake::write::{NewFile, Writer};

/// The smallest and the largest buffer of a day's rows that is encoded into the day's file.
const FLUSH: (usize, usize) = (1 << 20, 64 << 20);

/// An object of the chunk.
#[derive(Debug)]
pub struct ObjectState {
    /// Its ledger row to be.
    pub entry: Entry,
    /// Events that the filters excluded.
    pub filtered: u64,
    /// Events of it that were not in the lake.
    pub stored: u64,
    /// Records that could not be read.
    pub faults: u64,
}

/// Rows of one day, on their way into the chunk.
#[derive(Debug)]
pub struct Rows {
    /// The day.
    pub day: i32,
    /// The rows; none where nothing is stored.
    pub batch: RecordBatch,
    /// What dedup must know of them; `owners` numbers the chunk's objects.
    pub keys: Keys,
}

/// Where files go: `None` in a dry run.
#[derive(Debug, Clone)]
pub struct Writers {
    /// For events.
    pub events: Writer,
    /// For what is derived from them.
    pub derived: Vec<Writer>,
}

/// Everything between two commits.
pub struct Chunk {
    dedup: tokio::sync::Mutex<Dedup>,
    writers: Option<Writers>,
    buffers: Mutex<Buffers>,
    growing: Mutex<OpenDays>,
    derived: Mutex<Option<(Derived, usize)>>,
    files: Mutex<Vec<NewFile>>,
    derived_files: Mutex<Vec<NewFile>>,
    objects: Mutex<Vec<ObjectState>>,
    stored: AtomicUsize,
    full: AtomicBool,
    failed: Mutex<Option<Error>>,
    flush: usize,
    grown: usize,
    most: (usize, usize),
}

#[derive(Debug, Default)]
struct Buffers {
    days: HashMap<i32, (Vec<Kept>, usize)>,
    bytes: usize,
}

impl Buffers {
    fn take(&mut self, day: i32) -> Option<(i32, Vec<Kept>)> {
        let (batches, bytes) = self.days.remove(&day)?;
        self.bytes -= bytes;
        Some((day, batches))
    }

    fn largest(&self) -> Option<i32> {
        self.days.iter().max_by_key(|(day, (_, bytes))| (*bytes, **day)).map(|(day, _)| *day)
    }
}

/// What is left of a chunk once every worker is done: all of it is written, none of it committed.
#[derive(Debug)]
pub struct Done {
    /// The ids.
    pub dedup: Dedup,
    /// Files of events.
    pub files: Vec<NewFile>,
    /// Files of derived rows.
    pub derived: Vec<NewFile>,
    /// The objects.
    pub objects: Vec<ObjectState>,
}

/// A panic of another worker ends the run by its own error; what the lock guards is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chunk {
    /// An empty chunk that is full at about `most` events and objects; `threads` share `buffer` bytes of decoded rows, and the files
    /// that grow take `grown`.
    pub fn new(
        dedup: Dedup,
        writers: Option<Writers>,
        (buffer, grown): (usize, usize),
        threads: usize,
        most: (usize, usize),
    ) -> Self {
        Self {
            dedup: tokio::sync::Mutex::new(dedup),
            writers,
            buffers: Mutex::default(),
            growing: Mutex::default(),
            derived: Mutex::new(None),
            files: Mutex::default(),
            derived_files: Mutex::default(),
            objects: Mutex::default(),
            stored: AtomicUsize::new(0),
            full: AtomicBool::new(false),
            failed: Mutex::new(None),
            flush: (buffer / (threads + 2)).clamp(FLUSH.0, FLUSH.1),
            grown,
            most,
        }
    }

    /// Whether rows are kept at all.
    pub fn keeps_rows(&self) -> bool {
        self.writers.is_some()
    }

    /// Whether the commit should be made before more objects come.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
            || self.stored.load(Ordering::Relaxed) >= self.most.0
            || lock(&self.objects).len() >= self.most.1
    }

    /// Whether a worker met an error; the run must end.
    pub fn has_failed(&self) -> bool {
        lock(&self.failed).is_some()
    }

    /// Ends the run with an error; the first one counts.
    pub fn fail(&self, error: Error) {
        lock(&self.failed).get_or_insert(error);
    }

    /// The error that ends the run.
    pub fn failure(&self) -> Option<Error> {
        lock(&self.failed).take()
    }

    /// Takes an object in; gives its number in the chunk.
    pub fn begin(&self, entry: Entry) -> usize {
        let mut objects = lock(&self.objects);
        objects.push(ObjectState { entry, filtered: 0, stored: 0, faults: 0 });
        objects.len() - 1
    }

    /// Changes what is known of an object.
    pub fn update(&self, object: usize, change: impl FnOnce(&mut ObjectState)) {
        if let Some(state) = lock(&self.objects).get_mut(object) {
            change(state);
        }
    }

    /// Takes rows in: keeps the new ones, counts each for its object, and encodes a buffer that is full.
    ///
    /// # Errors
    /// Where the lake cannot be read or written.
    pub async fn take(&self, rows: Rows) -> Result<()> {
        let verdicts = {
            let mut dedup = self.dedup.lock().await;
            let verdicts = dedup.admit(rows.day, &rows.keys).await?;
            self.full.fetch_or(dedup.is_full(), Ordering::Relaxed);
            verdicts
        };
        let new = verdicts.iter().filter(|v| **v == Verdict::New).count();
        self.stored.fetch_add(new, Ordering::Relaxed);
        {
            let mut objects = lock(&self.objects);
            for (verdict, owner) in verdicts.iter().zip(&rows.keys.owners) {
                let Some(state) = objects.get_mut(*owner) else { continue };
                match verdict {
                    Verdict::New => {
                        state.entry.events += 1;
                        state.stored += 1;
                    }
                    Verdict::Own => state.entry.events += 1,
                    Verdict::Duplicate => state.entry.duplicates += 1,
                }
            }
        }
        if self.writers.is_none() || new == 0 {
            return Ok(());
        }
        let is_new = |v: &Verdict| *v == Verdict::New;
        let kept: Kept = if new == verdicts.len() {
            rows.batch.into()
        } else if new > verdicts.len() / 2 {
            let new = verdicts.iter().enumerate().filter(|(_, v)| is_new(v)).map(|(row, _)| row).collect();
            Kept::some(rows.batch, new)
        } else {
            // A batch of duplicates would be held for the sake of a few rows.
            let keep: BooleanArray = verdicts.iter().map(|v| Some(is_new(v))).collect();
            filter_record_batch(&rows.batch, &keep)
                .map_err(|e| Error::internal("cannot take duplicates out of a batch").source(e))?
                .into()
        };
        let full = {
            let mut buffers = lock(&self.buffers);
            let bytes = kept.batch.get_array_memory_size();
            buffers.bytes += bytes;
            let day = buffers.days.entry(rows.day).or_default();
            day.0.push(kept);
            day.1 += bytes;
            let day_full = (day.1 >= self.flush).then_some(rows.day);
            let over = buffers.bytes >= 2 * self.flush;
            let which = day_full.or_else(|| over.then(|| buffers.largest()).flatten());
            which.and_then(|day| buffers.take(day))
        };
        match full {
            Some((day, batches)) => self.write(day, batches, false).await,
            None => Ok(()),
        }
    }

    /// Encodes one buffer that is left, once nothing more comes, and stores the day's file; `false` where there is none.
    ///
    /// # Errors
    /// Where the lake cannot be written.
    pub async fn write_one(&self) -> Result<bool> {
        let next = {
            let mut buffers = lock(&self.buffers);
            buffers.largest().and_then(|day| buffers.take(day))
        };
        match next {
            Some((day, batches)) => self.write(day, batches, true).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Stores one file that has grown, once nothing is buffered any more; `false` where there is none.
    ///
    /// # Errors
    /// Where the lake cannot be written.
    pub async fn store_one(&self) -> Result<bool> {
        let next = lock(&self.growing).pop();
        match next {
            Some(whole) => self.store(whole).await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn store(&self, (file, lanes): Whole) -> Result<()> {
        let Some(writers) = &self.writers else { return Ok(()) };
        let file = file.store(lanes, &writers.events).await?;
        lock(&self.files).push(file);
        Ok(())
    }

    async fn write(&self, day: i32, batches: Vec<Kept>, last: bool) -> Result<()> {
        let mut turn = lock(&self.growing).lane(day)?;
        turn.lane.write(&batches)?;
        let whole = match lock(&self.growing) {
            mut growing if last => growing.close(turn)?,
            mut growing => growing.give_back(turn, self.grown)?,
        };
        if let Some(whole) = whole {
            self.store(whole).await?;
        }
        let enough = {
            let mut derived = lock(&self.derived);
            let (collected, rows) = match derived.as_mut() {
                Some(there) => there,
                None => derived.insert((Derived::new()?, 0)),
            };
            for kept in &batches {
                collected.add_rows(&kept.batch, kept.rows())?;
                *rows += kept.len();
            }
            if *rows >= DERIVE_ROWS { derived.take() } else { None }
        };
        drop(batches);
        self.write_derived(enough).await
    }

    async fn write_derived(&self, derived: Option<(Derived, usize)>) -> Result<()> {
        let (Some((derived, _)), Some(writers)) = (derived, &self.writers) else { return Ok(()) };
        for (table, rows) in derived.finish()? {
            if let Some(writer) = writers.derived.iter().find(|w| w.table().name == table.name)
                && rows.num_rows() > 0
            {
                let file = writer.write_rows(&rows).await?;
                lock(&self.derived_files).push(file);
            }
        }
        Ok(())
    }

    /// Writes the derived rows that are left and hands everything over for the commit.
    ///
    /// # Errors
    /// Where the lake cannot be written.
    pub async fn finish(self) -> Result<Done> {
        let derived = lock(&self.derived).take();
        self.write_derived(derived).await?;
        let whole = |mutex: Mutex<_>| mutex.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Done {
            dedup: self.dedup.into_inner(),
            files: whole(self.files),
            derived: whole(self.derived_files),
            objects: self.objects.into_inner().unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// Removes what was written; for a run that ends without its commit.
    pub async fn discard(&self) {
        let Some(writers) = &self.writers else { return };
        let (files, derived) =
            (std::mem::take(&mut *lock(&self.files)), std::mem::take(&mut *lock(&self.derived_files)));
        for file in files {
            writers.events.discard(&file).await;
        }
        for file in derived {
            if let Some(writer) = writers.derived.iter().find(|w| w.table().name == file.table.name) {
                writer.discard(&file).await;
            }
        }
    }
}
