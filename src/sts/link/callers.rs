//! Who made calls: each distinct caller once, however many rows show it.

use hashbrown::HashMap;

use super::Caller;

/// A distinct caller (and time, where only the time tells), and when its calls were made.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Who.
    pub caller: Caller,
    /// The only call's time, where neither key nor creation date tell the session; microseconds.
    pub exact_time: Option<i64>,
    /// The first call, microseconds.
    pub first_at: i64,
    /// The last call.
    pub last_at: i64,
}

/// All callers, numbered in the order of first sight.
#[derive(Debug, Default)]
pub struct Callers {
    places: HashMap<(Caller, Option<i64>), u32>,
    list: Vec<Seen>,
    /// Rows of one caller mostly stand side by side.
    latest: u32,
}

impl Callers {
    /// The number of the caller of calls made from `first` to `last`.
    pub fn place(&mut self, caller: &Caller, exact_time: Option<i64>, first: i64, last: i64) -> u32 {
        let same = |seen: &Seen| seen.caller == *caller && seen.exact_time == exact_time;
        if !self.list.get(self.latest as usize).is_some_and(same) {
            let next = self.list.len() as u32;
            self.latest = *self.places.entry((*caller, exact_time)).or_insert(next);
            if self.latest == next {
                self.list.push(Seen { caller: *caller, exact_time, first_at: first, last_at: last });
            }
        }
        if let Some(seen) = self.list.get_mut(self.latest as usize) {
            seen.first_at = seen.first_at.min(first);
            seen.last_at = seen.last_at.max(last);
        }
        self.latest
    }

    /// All of them, by number.
    pub fn into_list(self) -> Vec<Seen> {
        self.list
    }
}
