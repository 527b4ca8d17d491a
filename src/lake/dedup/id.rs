//! What tells events apart: their ids, and where their records stood.

use std::hash::{Hash, Hasher};

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

/// An event's identity in 128 bits: the value of a UUID as it is, any other text hashed, the account folded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id([u64; 2]);

impl Id {
    /// Which of `shards` sets the id belongs to.
    pub fn shard(self, shards: usize) -> usize {
        (self.0[1] as usize) % shards.max(1)
    }
}

/// Where a record stood: a hash of its object and index.
pub type Place = u64;

/// Makes ids; remembers each account's hash, because objects hold few accounts and many events.
#[derive(Debug, Default)]
pub struct Ids {
    accounts: HashMap<String, [u64; 2]>,
    last: Option<(String, [u64; 2])>,
}

/// Accounts remembered by `Ids` before it starts anew: log content is hostile and may invent any number of them.
const MAX_ACCOUNTS: usize = 100_000;

impl Ids {
    /// The id of an event; `account` is empty where there is none.
    pub fn id(&mut self, account: &str, event_id: &str) -> Id {
        let [a, b] = self.account(account);
        let [c, d] = uuid(event_id).unwrap_or_else(|| hash128(event_id));
        Id([a ^ c, b ^ d])
    }

    fn account(&mut self, account: &str) -> [u64; 2] {
        if let Some((last, hash)) = &self.last
            && last == account
        {
            return *hash;
        }
        let hash = match self.accounts.get(account) {
            Some(hash) => *hash,
            None => {
                if self.accounts.len() >= MAX_ACCOUNTS {
                    self.accounts.clear();
                }
                let hash = hash128(account);
                self.accounts.insert(account.to_owned(), hash);
                hash
            }
        };
        self.last = Some((account.to_owned(), hash));
        hash
    }
}

/// The first 128 bits of a text's SHA-256.
pub fn hash128(text: &str) -> [u64; 2] {
    let digest = Sha256::digest(text.as_bytes());
    let word = |from: usize| digest.iter().skip(from).take(8).fold(0_u64, |acc, byte| acc << 8 | u64::from(*byte));
    [word(0), word(8)]
}

/// What each byte is as a digit of a UUID in its canonical form; more than 15 where it is none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// The value of a UUID in its canonical form (lower case, hyphens). Another spelling is another text, hence `None`.
fn uuid(text: &str) -> Option<[u64; 2]> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    // Every event's id comes through here: no branch a digit.
    let mut wrong = 0;
    let mut read = |digits: &[u8]| {
        digits.iter().fold(0_u64, |value, byte| {
            let digit = DIGITS[usize::from(*byte)];
            wrong |= digit;
            value << 4 | u64::from(digit & 15)
        })
    };
    let high = read(&bytes[..8]) << 32 | read(&bytes[9..13]) << 16 | read(&bytes[14..18]);
    let low = read(&bytes[19..23]) << 48 | read(&bytes[24..]);
    let hyphens = [8, 13, 18, 23].iter().all(|&place| bytes[place] == b'-');
    (wrong < 16 && hyphens).then_some([high, low])
}

/// A hash of an object's name, to be made once an object.
pub fn object_hash(source_object: &str) -> u64 {
    // Both sides of every comparison are hashed in this process; nothing of it is stored.
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    source_object.hash(&mut hasher);
    hasher.finish()
}

/// The place of one record of an object.
pub fn place(object_hash: u64, record_index: i64) -> Place {
    let mut x = object_hash ^ record_index.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_its_own_value_and_another_spelling_is_another_id() {
        assert_eq!(uuid("00000000-0000-0001-0000-000000000002"), Some([1, 2]));
        assert_eq!(uuid("0000000000000-0001-0000-000000000002"), None);
        assert_eq!(uuid("ABCDEF00-0000-0001-0000-000000000002"), None);
        let mut ids = Ids::default();
        let one = ids.id("111111111111", "abcdef00-0000-0001-0000-000000000002");
        assert_eq!(one, ids.id("111111111111", "abcdef00-0000-0001-0000-000000000002"));
        assert_ne!(one, ids.id("222222222222", "abcdef00-0000-0001-0000-000000000002"));
        assert_ne!(one, ids.id("111111111111", "ABCDEF00-0000-0001-0000-000000000002"));
        assert_ne!(ids.id("", "x"), ids.id("", "y"));
    }

    #[test]
    fn places_differ_by_object_and_index() {
        let (a, b) = (object_hash("a"), object_hash("b"));
        assert_ne!(place(a, 0), place(b, 0));
        assert_ne!(place(a, 0), place(a, 1));
        assert_eq!(place(a, 1), place(object_hash("a"), 1));
    }
}
