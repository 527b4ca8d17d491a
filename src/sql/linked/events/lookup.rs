//! Finds the caller of an event among those that were linked.

use arrow::array::UInt32Array;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::sts::link::Links;
use crate::sts::shares::share;

use super::shown::{Shown, hash};

/// Rows of a batch that are remembered: a batch has fewer callers than rows.
const SLOTS: usize = 2048;

/// All callers, by what an event shows of them.
pub struct Lookup {
    hasher: DefaultHashBuilder,
    places: HashTable<(u64, u32)>,
}

/// The callers of a batch.
pub struct Found {
    /// Callers by their place in the links; `None` for one that was never linked. The same one may stand more than once.
    pub callers: Vec<Option<usize>>,
    /// Per row: where its caller stands in `callers`.
    pub rows: UInt32Array,
}

impl Lookup {
    /// Of these links.
    pub fn new(links: &Links) -> Self {
        let hasher = DefaultHashBuilder::default();
        let mut hashes = vec![0; links.callers.len()];
        let share = share(hashes.len());
        std::thread::scope(|scope| {
            for (hashes, callers) in hashes.chunks_mut(share).zip(links.callers.chunks(share)) {
                let hasher = &hasher;
                scope.spawn(move || {
                    for (place, seen) in hashes.iter_mut().zip(callers) {
                        *place = hash(hasher, &links.names, seen);
                    }
                });
            }
        });
        let mut places = HashTable::with_capacity(hashes.len());
        for (place, hash) in hashes.into_iter().enumerate() {
            places.insert_unique(hash, (hash, place as u32), |(hash, _)| *hash);
        }
        Self { hasher, places }
    }

    /// Who made the events of a batch.
    pub fn look(&self, links: &Links, shown: &Shown) -> Found {
        let hashes = shown.hashes(&self.hasher);
        let mut callers = Vec::new();
        let mut rows = Vec::with_capacity(hashes.len());
        // The row that each slot saw last: its hash, its place, and its caller's place.
        let mut slots: Vec<Option<(u64, u32, u32)>> = vec![None; SLOTS];
        for (row, &hash) in hashes.iter().enumerate() {
            let slot = &mut slots[hash as usize % SLOTS];
            let place = match *slot {
                Some((known, before, place)) if known == hash && shown.same(before as usize, row) => place,
                _ => {
                    let is = |&(known, place): &(u64, u32)| {
                        known == hash && shown.is(row, &links.names, &links.callers[place as usize])
                    };
                    callers.push(self.places.find(hash, is).map(|&(_, place)| place as usize));
                    let place = callers.len() as u32 - 1;
                    *slot = Some((hash, row as u32, place));
                    place
                }
            };
            rows.push(place);
        }
        Found { callers, rows: rows.into() }
    }
}
