//! A map from hashes that tells most of those that are not in it by a few bits.

use hashbrown::HashMap;

use super::index::NONE;

/// Values by hash; most hashes are none of them, which a few bits tell.
#[derive(Debug)]
pub struct Sieve<T> {
    bits: Vec<u64>,
    values: HashMap<u32, T>,
}

impl<T> Default for Sieve<T> {
    fn default() -> Self {
        Self { bits: vec![0; 1024], values: HashMap::new() }
    }
}

impl<T> Sieve<T> {
    /// The value of a hash.
    pub fn get(&self, hash: u32) -> Option<&T> {
        let there = self.bits[(hash as usize >> 6) & 1023] >> (hash & 63) & 1 == 1;
        if there && hash != NONE { self.values.get(&hash) } else { None }
    }

    /// Where the value of a hash stands or shall stand.
    pub fn slot(&mut self, hash: u32) -> hashbrown::hash_map::Entry<'_, u32, T, hashbrown::DefaultHashBuilder> {
        self.bits[(hash as usize >> 6) & 1023] |= 1 << (hash & 63);
        self.values.entry(hash)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
