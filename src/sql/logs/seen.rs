//! Which events were handed on already, however many objects hold them.

use std::sync::{Mutex, PoisonError};

use hashbrown::HashSet;

use crate::lake::dedup::Id;

/// How many sets share the ids: workers seldom wait for each other, and one set's part of a batch finds it in the cache.
const SHARDS: usize = 64;

/// The ids of the events that were handed on.
pub struct Seen(Vec<Mutex<HashSet<Id>>>);

impl Seen {
    /// None yet.
    pub fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::new(HashSet::new())).collect())
    }

    /// Which of a batch's ids are new: neither `held` elsewhere nor seen before. From now on they are seen.
    ///
    /// One set after another: an id at a time is a cache miss each, a fifth of what a question without filter costs.
    pub fn judge(&self, ids: &[Id], held: impl Fn(&Id) -> bool) -> Vec<bool> {
        let mut by_shard: Vec<Vec<u32>> = vec![Vec::new(); SHARDS];
        for (id, row) in ids.iter().zip(0..) {
            by_shard[id.shard(SHARDS)].push(row);
        }
        let mut new = vec![false; ids.len()];
        for (rows, shard) in by_shard.iter().zip(&self.0).filter(|(rows, _)| !rows.is_empty()) {
            let mut seen = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for row in rows.iter().map(|row| *row as usize) {
                new[row] = !held(&ids[row]) && seen.insert(ids[row]);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::dedup::Ids;

    #[test]
    fn the_first_of_each_is_new() {
        let (mut make, seen) = (Ids::default(), Seen::new());
        let mut ids: Vec<Id> = (0..200).map(|n| make.id("111122223333", &format!("event {n}"))).collect();
        ids.push(ids[7]);
        let (first, held) = (seen.judge(&ids, |id| *id == ids[3]), ids[3]);
        assert!(first.iter().enumerate().all(|(row, new)| *new == (row != 3 && row != 200)));
        assert_eq!(seen.judge(&ids, |_| false), ids.iter().map(|id| *id == held).collect::<Vec<_>>());
    }
}
