//! Files of events that are growing, one a day, and which of them to store when they take too much memory.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::lake::day_file::{DayFile, Lane};

/// Bytes of credentials' events that wait for their row group, a file.
const CREDENTIALS: usize = 6 << 20;

/// A file that is growing.
struct Open {
    file: DayFile,
    /// Lanes that no thread has.
    idle: Vec<Lane>,
    /// Lanes that threads have.
    busy: usize,
    /// When rows last came, as a count.
    used: u64,
}

impl Open {
    fn memory(&self) -> usize {
        self.file.memory() + self.idle.iter().map(Lane::memory).sum::<usize>()
    }
}

/// A file that is to be stored, with all its lanes.
pub type Whole = (DayFile, Vec<Lane>);

/// All files that are growing.
#[derive(Default)]
pub struct OpenDays {
    days: HashMap<i32, Open>,
    clock: u64,
}

impl OpenDays {
    /// A lane of the day's file, for one thread.
    ///
    /// # Errors
    /// Where a file cannot be begun.
    pub fn lane(&mut self, day: i32) -> Result<Lane> {
        self.clock += 1;
        let open = match self.days.entry(day) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(Open { file: DayFile::new(day)?, idle: Vec::new(), busy: 0, used: 0 })
            }
        };
        open.used = self.clock;
        open.busy += 1;
        Ok(open.idle.pop().unwrap_or_else(|| open.file.lane()))
    }

    /// Takes a lane back after rows were written to it. Gives the file that nothing was written to for longest, where all take more
    /// than `most` bytes.
    ///
    /// # Errors
    /// Where the file cannot take over what the lane finished.
    pub fn give_back(&mut self, day: i32, mut lane: Lane, most: usize) -> Result<Option<Whole>> {
        let open = self.days.get_mut(&day).ok_or_else(|| Error::internal("a lane outlived its file"))?;
        open.file.take(&mut lane)?;
        open.file.settle(CREDENTIALS)?;
        open.idle.push(lane);
        open.busy -= 1;
        if self.days.values().map(Open::memory).sum::<usize>() <= most {
            return Ok(None);
        }
        let free = self.days.iter().filter(|(_, open)| open.busy == 0);
        let oldest = free.min_by_key(|(_, open)| open.used).map(|(day, _)| *day);
        Ok(oldest.and_then(|day| self.remove(day)))
    }

    /// Takes a lane back like [`OpenDays::give_back`], and gives that day's file where no other thread writes to it: nothing more comes.
    ///
    /// # Errors
    /// Where the file cannot take over what the lane finished.
    pub fn close(&mut self, day: i32, lane: Lane) -> Result<Option<Whole>> {
        let whole = self.give_back(day, lane, usize::MAX)?;
        debug_assert!(whole.is_none());
        Ok(if self.days.get(&day).is_some_and(|open| open.busy == 0) { self.remove(day) } else { None })
    }

    /// Any file that no thread writes to; `None` where there is none.
    pub fn pop(&mut self) -> Option<Whole> {
        let day = self.days.iter().find(|(_, open)| open.busy == 0).map(|(day, _)| *day)?;
        self.remove(day)
    }

    fn remove(&mut self, day: i32) -> Option<Whole> {
        self.days.remove(&day).map(|open| (open.file, open.idle))
    }
}
