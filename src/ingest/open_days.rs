//! Files of events that are growing, one a day, and which of them to store when they take too much memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::error::{Error, Result};
use crate::lake::day_file::{DayFile, Lane};

/// Bytes of credentials' events that wait for their row group, a file.
const CREDENTIALS: usize = 6 << 20;

/// A file that is growing.
struct Open {
    file: DayFile,
    day: i32,
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

/// A lane that a thread has, and which file it belongs to.
pub struct Turn {
    file: u64,
    /// Where the thread's rows go.
    pub lane: Lane,
}

/// All files that are growing.
#[derive(Default)]
pub struct OpenDays {
    /// The file that takes a day's rows.
    days: HashMap<i32, u64>,
    files: HashMap<u64, Open>,
    /// Files that take no more rows and wait for the lanes that threads still have.
    leaving: HashMap<u64, Open>,
    clock: u64,
}

impl OpenDays {
    /// A lane of the day's file, for one thread.
    ///
    /// # Errors
    /// Where a file cannot be begun.
    pub fn lane(&mut self, day: i32) -> Result<Turn> {
        self.clock += 1;
        let file = *self.days.entry(day).or_insert(self.clock);
        let open = match self.files.entry(file) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => {
                free.insert(Open { file: DayFile::new(day)?, day, idle: Vec::new(), busy: 0, used: 0 })
            }
        };
        open.used = self.clock;
        open.busy += 1;
        Ok(Turn { file, lane: open.idle.pop().unwrap_or_else(|| open.file.lane()) })
    }

    /// Takes a lane back after rows were written to it. Where all files take more than `most` bytes, one takes no more rows: the one
    /// that no thread writes to and that nothing was written to for longest, else the one that was begun to be written to longest ago.
    /// Gives a file that takes no more rows, once no thread writes to it.
    ///
    /// # Errors
    /// Where the file cannot take over what the lane finished.
    pub fn give_back(&mut self, turn: Turn, most: usize) -> Result<Option<Whole>> {
        let Turn { file, mut lane } = turn;
        let open = self.files.get_mut(&file).or_else(|| self.leaving.get_mut(&file));
        let open = open.ok_or_else(|| Error::internal("a lane outlived its file"))?;
        open.file.take(&mut lane)?;
        open.file.settle(CREDENTIALS)?;
        open.idle.push(lane);
        open.busy -= 1;
        if open.busy == 0
            && let Some(open) = self.leaving.remove(&file)
        {
            return Ok(Some((open.file, open.idle)));
        }
        if self.files.values().map(Open::memory).sum::<usize>() <= most {
            return Ok(None);
        }
        let oldest = self.files.iter().min_by_key(|(_, open)| (open.busy > 0, open.used)).map(|(file, _)| *file);
        Ok(oldest.and_then(|file| self.leave(file)))
    }

    /// Takes a lane back like [`OpenDays::give_back`]; its file takes no more rows: nothing more comes.
    ///
    /// # Errors
    /// Where the file cannot take over what the lane finished.
    pub fn close(&mut self, turn: Turn) -> Result<Option<Whole>> {
        let file = turn.file;
        let whole = self.give_back(turn, usize::MAX)?;
        Ok(if whole.is_some() { whole } else { self.leave(file) })
    }

    /// Any file that no thread writes to; `None` where there is none.
    pub fn pop(&mut self) -> Option<Whole> {
        let file = self.files.iter().find(|(_, open)| open.busy == 0).map(|(file, _)| *file)?;
        self.leave(file)
    }

    /// Ends a file: gives it where no thread writes to it; else it waits for that.
    fn leave(&mut self, file: u64) -> Option<Whole> {
        let open = self.files.remove(&file)?;
        self.days.remove(&open.day);
        if open.busy == 0 {
            return Some((open.file, open.idle));
        }
        self.leaving.insert(file, open);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two threads that take turns never leave a file alone; it has to be stored all the same.
    #[test]
    fn a_file_that_always_has_a_writer_is_ended_when_all_take_too_much() {
        let mut days = OpenDays::default();
        let (first, second) = (days.lane(1).unwrap(), days.lane(1).unwrap());
        assert!(days.give_back(first, usize::MAX).unwrap().is_none());
        let first = days.lane(1).unwrap();
        assert_eq!(first.file, second.file);
        assert!(days.give_back(first, 0).unwrap().is_none(), "the second still writes");
        let next = days.lane(1).unwrap();
        assert_ne!(next.file, second.file, "it takes no more rows");
        let (_, lanes) = days.give_back(second, usize::MAX).unwrap().unwrap();
        assert_eq!(lanes.len(), 2);
        assert!(days.close(next).unwrap().is_some());
        assert!(days.pop().is_none());
    }
}
