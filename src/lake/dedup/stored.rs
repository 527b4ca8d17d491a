//! Where in stored files ids can be that are sought: the row groups of their times, of those the ones whose bloom filter
//! knows an id, and of those the pages of that id's time.
//!
//! A filter is a tenth of what the ids themselves take, so that events that are new, which nearly all are, cost little
//! however many of their day are stored.

use std::sync::Arc;

use hashbrown::HashMap;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::ParquetMetaData;

use super::{ID_READING, Id, Ids, Keys, Place, ids_of};
use crate::error::Result;
use crate::lake::files::{DataFile, Files};
use crate::lake::pages::{Indexed, Pages, Stretch, group_times};
use crate::lake::slots::Slots;

/// Bytes of bloom filters held at a time.
const FILTERS: usize = 16 << 20;

/// A file that was looked into.
#[derive(Debug)]
struct Opened {
    footer: Arc<ParquetMetaData>,
    /// The times of each row group.
    groups: Vec<Slots>,
    /// Its pages, once one had to be read.
    pages: Option<(Indexed, Vec<Stretch>)>,
    /// Which of the pages were read.
    read: Vec<bool>,
}

/// What was looked into so far.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    files: HashMap<String, Opened>,
    /// By file and row group; `None` where there is none.
    filters: HashMap<(String, usize), Option<Sbbf>>,
    /// Bytes of `filters`.
    held: usize,
}

/// Pages that can hold ids that are sought.
#[derive(Debug)]
pub(super) struct Candidate {
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
        let Self { files: opened, filters, held } = self;
        let there = match opened.entry_ref(file.path.as_str()) {
            hashbrown::hash_map::EntryRef::Occupied(there) => there.into_mut(),
            hashbrown::hash_map::EntryRef::Vacant(free) => {
                let footer = files.footer(file).await?;
                let groups = group_times(&footer, "event_time", &file.path)?;
                free.insert(Opened { footer, groups, pages: None, read: Vec::new() })
            }
        };
        let slot = |row: usize| keys.slots.get(row).copied().unwrap_or_default();
        let mut wanted = vec![Slots::default(); there.groups.len()];
        for (group, (times, wanted)) in there.groups.iter().zip(&mut wanted).enumerate() {
            if !times.meets(&keys.span) {
                continue;
            }
            let mut inside = rows.iter().copied().filter(|row| times.has(slot(*row))).peekable();
            if inside.peek().is_none() {
                continue;
            }
            if *held > FILTERS {
                (*filters, *held) = (HashMap::new(), 0);
            }
            let name = (file.path.clone(), group);
            let filter = match filters.entry(name) {
                hashbrown::hash_map::Entry::Occupied(there) => there.into_mut(),
                hashbrown::hash_map::Entry::Vacant(free) => {
                    let filter = files.filter(file, &there.footer, group, "event_id").await?;
                    *held += filter.as_ref().map_or(0, |filter| filter.num_blocks() * 32);
                    free.insert(filter)
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
        Ok(if places.is_empty() { None } else { Some(Candidate { index: index.clone(), places, pages }) })
    }

    /// The ids of these pages are known from now on.
    pub(super) fn has_read(&mut self, candidate: &Candidate) {
        let Some(there) = self.files.get_mut(candidate.index.path()) else { return };
        for place in &candidate.places {
            if let Some(read) = there.read.get_mut(*place) {
                *read = true;
            }
        }
    }
}
