//! Where in stored files ids can be that are sought: the row groups of their times, of those the ones whose bloom filter
//! knows an id, and of those the pages of that id's time.
//!
//! A filter is a tenth of what the ids themselves take, so that events that are new, which nearly all are, cost little
//! however many of their day are stored.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::EntryRef;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::ParquetMetaData;

use super::{ID_READING, Id, Ids, Keys, Place, ids_of};
use crate::error::Result;
use crate::lake::files::{DataFile, Files};
use crate::lake::pages::{Indexed, Pages, Stretch, group_times};
use crate::lake::slots::Slots;

/// Bytes of indexes and bloom filters held at a time: 8 MB of filters serve a day of four million events.
const HELD: usize = 48 << 20;

/// Days that are kept whatever they take: events of one object mostly lie in one day or on both sides of a midnight.
const DAYS: usize = 2;

/// A file that was looked into.
#[derive(Debug)]
struct Opened {
    footer: Arc<ParquetMetaData>,
    groups: Vec<Group>,
    /// Its pages, once one had to be read.
    pages: Option<(Indexed, Vec<Stretch>)>,
    /// Which of the pages were read.
    read: Vec<bool>,
}

/// A row group of it.
#[derive(Debug)]
struct Group {
    times: Slots,
    /// Its bloom filter of event ids, once it had to be read; `Some(None)` where it has none.
    filter: Option<Option<Sbbf>>,
}

/// What was looked into of one day's files.
#[derive(Debug, Default)]
struct Day {
    files: HashMap<String, Opened>,
    /// Bytes of their indexes and filters.
    held: usize,
    /// When it was last needed, as a count.
    used: u64,
}

/// What was looked into so far, by day.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    days: HashMap<Option<i32>, Day>,
    clock: u64,
}

/// Pages that can hold ids that are sought.
#[derive(Debug)]
pub(super) struct Candidate {
    day: Option<i32>,
    index: Indexed,
    places: Vec<usize>,
    pages: Pages,
}

impl Candidate {
    /// The rows of its pages.
    pub(super) fn rows(&self) -> usize {
        self.pages.rows
    }

    /// Reads the ids of its pages.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) async fn read(&self, files: &Files, each: &mut (dyn FnMut(Id, Place) + Send)) -> Result<()> {
        let mut ids = Ids::default();
        files.read_pages(&self.index, &self.pages, ID_READING, &mut |batch| ids_of(&batch, &mut ids, each)).await
    }
}

impl Lookup {
    /// The pages of a file that were not read yet and can hold one of these rows of a batch; `None` where there is none.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) async fn candidate(
        &mut self,
        files: &Files,
        file: &DataFile,
        keys: &Keys,
        rows: &[usize],
    ) -> Result<Option<Candidate>> {
        let Day { files: opened, held, .. } = self.day(file.day);
        let there = match opened.entry_ref(file.path.as_str()) {
            EntryRef::Occupied(there) => there.into_mut(),
            EntryRef::Vacant(free) => {
                let footer = files.footer(file).await?;
                let groups = group_times(&footer, "event_time", &file.path)?.into_iter();
                let groups = groups.map(|times| Group { times, filter: None }).collect();
                *held += footer.memory_size();
                free.insert(Opened { footer, groups, pages: None, read: Vec::new() })
            }
        };
        let slot = |row: usize| keys.slots.get(row).copied().unwrap_or_default();
        let mut wanted = vec![Slots::default(); there.groups.len()];
        for (place, (Group { times, filter }, wanted)) in there.groups.iter_mut().zip(&mut wanted).enumerate() {
            if !times.meets(&keys.span) {
                continue;
            }
            let mut inside = rows.iter().copied().filter(|row| times.has(slot(*row))).peekable();
            if inside.peek().is_none() {
                continue;
            }
            let filter = match filter {
                Some(known) => known,
                unread => {
                    let read = files.filter(file, &there.footer, place, "event_id").await?;
                    *held += read.as_ref().map_or(0, |filter| filter.num_blocks() * 32);
                    unread.insert(read)
                }
            };
            for row in inside {
                if filter.as_ref().is_none_or(|filter| filter.check(keys.event_id(row))) {
                    wanted.put(slot(row));
                }
            }
        }
        if wanted.iter().all(Slots::is_empty) {
            return Ok(None);
        }
        let (index, pages) = match &mut there.pages {
            Some(pages) => pages,
            none => {
                let index = files.index(file).await?;
                *held += index.memory_size();
                let pages = index.stretches("event_time")?;
                there.read = vec![false; pages.len()];
                none.insert((index, pages))
            }
        };
        let sought = |page: &Stretch| {
            let wanted = wanted.get(page.group).copied().unwrap_or_default();
            !wanted.is_empty() && page.times.is_none_or(|(first, last)| Slots::span(first, last).meets(&wanted))
        };
        let unread = pages.iter().zip(&there.read).enumerate().filter(|(_, (page, read))| !**read && sought(page));
        let places: Vec<usize> = unread.map(|(place, _)| place).collect();
        let pages = Pages::of(pages, &places);
        Ok(if places.is_empty() {
            None
        } else {
            Some(Candidate { day: file.day, index: index.clone(), places, pages })
        })
    }

    /// What is known of a day; days that were not needed for longest make room for it.
    fn day(&mut self, day: Option<i32>) -> &mut Day {
        self.clock += 1;
        while self.days.len() > DAYS && self.days.values().map(|day| day.held).sum::<usize>() > HELD {
            let oldest = self.days.iter().filter(|(other, _)| **other != day).min_by_key(|(_, day)| day.used);
            let Some(oldest) = oldest.map(|(day, _)| *day) else { break };
            self.days.remove(&oldest);
        }
        let there = self.days.entry(day).or_default();
        there.used = self.clock;
        there
    }

    /// The ids of these pages are known from now on.
    pub(super) fn has_read(&mut self, candidate: &Candidate) {
        let there = self.days.get_mut(&candidate.day).and_then(|day| day.files.get_mut(candidate.index.path()));
        let Some(there) = there else { return };
        for place in &candidate.places {
            if let Some(read) = there.read.get_mut(*place) {
                *read = true;
            }
        }
    }
}
