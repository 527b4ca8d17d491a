//! Who made calls: each distinct caller once, however many rows show it.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

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
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
    list: Vec<Seen>,
    /// Rows of one caller mostly stand side by side.
    latest: u32,
}

impl Callers {
    /// With room for so many: the table grows by copies of itself otherwise.
    pub fn with_room(callers: usize) -> Self {
        let mut room = Self::default();
        room.places.reserve(callers, |_| 0);
        room.list.reserve(callers);
        room
    }

    /// The number of the caller of calls made from `first` to `last`.
    pub fn place(&mut self, caller: &Caller, exact_time: Option<i64>, first: i64, last: i64) -> u32 {
        let Self { hasher, places, list, latest } = self;
        let same = |seen: &Seen| seen.caller == *caller && seen.exact_time == exact_time;
        if !list.get(*latest as usize).is_some_and(same) {
            let hash = |seen: &Seen| hasher.hash_one((&seen.caller, seen.exact_time));
            let entry = places.entry(
                hasher.hash_one((caller, exact_time)),
                |&place| same(&list[place as usize]),
                |&place| hash(&list[place as usize]),
            );
            *latest = match entry {
                Entry::Occupied(there) => *there.get(),
                Entry::Vacant(free) => {
                    let next = list.len() as u32;
                    free.insert(next);
                    list.push(Seen { caller: *caller, exact_time, first_at: first, last_at: last });
                    next
                }
            };
        }
        if let Some(seen) = list.get_mut(*latest as usize) {
            seen.first_at = seen.first_at.min(first);
            seen.last_at = seen.last_at.max(last);
        }
        *latest
    }

    /// All of them, by number.
    pub fn into_list(self) -> Vec<Seen> {
        self.list
    }
}
