//! Which events are in the lake already: unique by (recipient account or the empty text, event id).
//!
//! It looks only where a duplicate can be (pages of the same day whose accounts and times overlap, ids only) and keeps
//! the ids of one commit at a time, so that memory stays bounded however large the lake is. It never reads a whole row.

use std::hash::{Hash, Hasher};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use sha2::{Digest, Sha256};

use super::files::{DataFile, Files, Reading};
use super::pages::{Indexed, Pages};
use super::slots::Slots;
use crate::error::{Error, Result};

/// The columns that tell whether a stored row is the event in question.
pub(super) const ID_READING: Reading<'_> = Reading {
    columns: &["event_id", "recipient_account_id", "source_object", "record_index"],
    coded: &["recipient_account_id", "source_object"],
    rows: 8192,
};

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

/// What is known of one event that is about to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not seen before: to be stored.
    New,
    /// In the lake already, from this very record of this object: a run ended between its events and its ledger row.
    Own,
    /// In the lake already, or met before in this run, from another record.
    Duplicate,
}

/// An event that another run stored while this one was about to; objects by the numbers that [`Keys::owners`] gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forestalled {
    /// `Own` where the other run stored this very record, else `Duplicate`.
    pub verdict: Verdict,
    /// The object whose record was to be stored.
    pub object: usize,
    /// The object whose record is the stored one, where this run took it for a duplicate.
    pub stored_from: Option<usize>,
}

/// An event that is to be stored, and the object it is from.
#[derive(Debug, Clone, Copy)]
struct Pending {
    place: Place,
    object: usize,
}

/// A batch's keys: what dedup must know of its rows.
#[derive(Debug, Default)]
pub struct Keys {
    /// The events' ids, row by row.
    pub ids: Vec<Id>,
    /// Where the records stood, row by row.
    pub places: Vec<Place>,
    /// The number of the object each is from, row by row.
    pub owners: Vec<usize>,
    /// The stretches of the day that the events fall into.
    pub slots: Slots,
    /// The smallest and the largest account, the empty text included.
    pub accounts: Option<(String, String)>,
}

impl Keys {
    /// Adds a row.
    pub fn push(&mut self, id: Id, place: Place, owner: usize, time: i64, account: &str) {
        self.ids.push(id);
        self.places.push(place);
        self.owners.push(owner);
        self.slots.add(time);
        match &mut self.accounts {
            None => self.accounts = Some((account.to_owned(), account.to_owned())),
            Some((low, high)) => {
                if account < low.as_str() {
                    account.clone_into(low);
                } else if account > high.as_str() {
                    account.clone_into(high);
                }
            }
        }
    }

    fn may_be_in(&self, file: &DataFile, slots: &Slots) -> bool {
        self.accounts.as_ref().is_some_and(|(low, high)| file.may_hold(slots, low, high))
    }
}

/// The ids of one commit's events, and of the stored ones that they could repeat.
#[derive(Debug)]
pub struct Dedup {
    files: Files,
    /// Of files of `files`: the stretches of the day whose ids are in `stored`.
    loaded: HashMap<String, Slots>,
    /// The indexes of files that were looked into.
    indexes: HashMap<String, Indexed>,
    stored: HashMap<Id, Place>,
    pending: HashMap<Id, Pending>,
    /// Records that repeat a pending one, and their objects: should another run have stored one of them, it counts.
    repeats: HashMap<Place, usize>,
    limit: usize,
}

impl Dedup {
    /// Starts a commit over the events table's files; at about `limit` ids it says that it is full.
    pub fn new(files: Files, limit: usize) -> Self {
        Self {
            files,
            loaded: HashMap::new(),
            indexes: HashMap::new(),
            stored: HashMap::new(),
            pending: HashMap::new(),
            repeats: HashMap::new(),
            limit,
        }
    }

    /// Whether the commit should be made before more events come.
    pub fn is_full(&self) -> bool {
        self.held() >= self.limit
    }

    fn held(&self) -> usize {
        self.pending.len() + self.stored.len() + self.repeats.len()
    }

    /// Events of this commit that are to be stored.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Judges a batch's rows, all of one `day`; the new ones count as seen from now on.
    ///
    /// # Errors
    /// Where a file of the lake cannot be read.
    pub async fn admit(&mut self, day: i32, keys: &Keys) -> Result<Vec<Verdict>> {
        let mut verdicts = vec![Verdict::New; keys.ids.len()];
        let mut candidates = Vec::new();
        for file in self.files.of_day(day) {
            let known = self.loaded.get(&file.path).copied().unwrap_or_default();
            let missing = keys.slots.without(&known);
            if !missing.is_empty() && keys.may_be_in(file, &missing) {
                let index = match self.indexes.get(&file.path) {
                    Some(index) => index.clone(),
                    None => self.indexes.entry(file.path.clone()).or_insert(self.files.index(file).await?).clone(),
                };
                candidates.push((index.pages(&missing)?, index, known.and(&missing)));
            }
        }
        let rows: usize = candidates.iter().map(|(pages, ..)| pages.rows).sum();
        if self.held() + rows <= self.limit {
            for (pages, index, known) in candidates {
                let stored = &mut self.stored;
                for_each_id(&self.files, &index, pages, &mut |id, place| {
                    stored.insert(id, place);
                })
                .await?;
                self.loaded.insert(index.path().to_owned(), known);
            }
        } else {
            // A day with more stored events than fit in memory: its ids pass by, and only this batch's are held.
            let mut wanted: HashMap<Id, Vec<usize>> = HashMap::new();
            for (row, id) in keys.ids.iter().enumerate() {
                wanted.entry(*id).or_default().push(row);
            }
            for (pages, index, _) in candidates {
                for_each_id(&self.files, &index, pages, &mut |id, place| {
                    for row in wanted.get(&id).into_iter().flatten() {
                        if let (Some(verdict), Some(own)) = (verdicts.get_mut(*row), keys.places.get(*row)) {
                            *verdict = stored_verdict(place, *own);
                        }
                    }
                })
                .await?;
            }
        }
        for (((verdict, id), place), owner) in verdicts.iter_mut().zip(&keys.ids).zip(&keys.places).zip(&keys.owners) {
            if *verdict != Verdict::New {
                continue;
            }
            *verdict = match self.stored.get(id) {
                Some(there) => stored_verdict(*there, *place),
                None => match self.pending.entry(*id) {
                    Entry::Occupied(_) => {
                        self.repeats.insert(*place, *owner);
                        Verdict::Duplicate
                    }
                    Entry::Vacant(free) => {
                        free.insert(Pending { place: *place, object: *owner });
                        Verdict::New
                    }
                },
            };
        }
        Ok(verdicts)
    }

    /// Judges the pending events once more, against files that another run added meanwhile. Gives those that must not
    /// be stored; they are no longer pending.
    ///
    /// # Errors
    /// Where a file of the lake cannot be read.
    pub async fn recheck(&mut self, files: Files) -> Result<HashMap<Id, Forestalled>> {
        let mut found = HashMap::new();
        let added: Vec<DataFile> = files.all().filter(|file| !self.files.has(file)).cloned().collect();
        for file in &added {
            let (pending, repeats) = (&self.pending, &self.repeats);
            let index = files.index(file).await?;
            let pages = index.pages(&Slots::all())?;
            for_each_id(&files, &index, pages, &mut |id, place| {
                if let Some(own) = pending.get(&id) {
                    let verdict = stored_verdict(place, own.place);
                    let stored_from = repeats.get(&place).copied();
                    found.insert(id, Forestalled { verdict, object: own.object, stored_from });
                }
            })
            .await?;
        }
        for id in found.keys() {
            self.pending.remove(id);
        }
        self.files = files;
        Ok(found)
    }
}

fn stored_verdict(stored: Place, own: Place) -> Verdict {
    if stored == own { Verdict::Own } else { Verdict::Duplicate }
}

/// Reads the ids of some pages of a stored file.
async fn for_each_id(
    files: &Files,
    file: &Indexed,
    pages: Pages,
    each: &mut (dyn FnMut(Id, Place) + Send),
) -> Result<()> {
    let mut ids = Ids::default();
    files.read_pages(file, pages, ID_READING, &mut |batch| ids_of(&batch, &mut ids, each)).await
}

/// Walks the rows of a batch that holds the id columns, dictionary-encoded where texts repeat.
pub(super) fn ids_of(batch: &RecordBatch, ids: &mut Ids, each: &mut dyn FnMut(Id, Place)) -> Result<()> {
    let misfit = || Error::internal("a stored file of events does not have the lake's columns");
    let column = |name: &str| batch.column_by_name(name).ok_or_else(misfit);
    let event_ids = column("event_id")?.as_string_opt::<i32>().ok_or_else(misfit)?;
    let accounts = column("recipient_account_id")?.as_dictionary_opt::<Int32Type>().ok_or_else(misfit)?;
    let account_names = accounts.values().as_string_opt::<i32>().ok_or_else(misfit)?;
    let objects = column("source_object")?.as_dictionary_opt::<Int32Type>().ok_or_else(misfit)?;
    let object_names = objects.values().as_string_opt::<i32>().ok_or_else(misfit)?;
    let hashes: Vec<u64> = object_names.iter().map(|name| object_hash(name.unwrap_or_default())).collect();
    let indices = column("record_index")?.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
    for row in 0..batch.num_rows() {
        let account = match accounts.key(row) {
            Some(key) if account_names.is_valid(key) => account_names.value(key),
            _ => "",
        };
        let object = objects.key(row).and_then(|key| hashes.get(key)).copied().unwrap_or_default();
        each(ids.id(account, event_ids.value(row)), place(object, indices.value(row)));
    }
    Ok(())
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

    #[test]
    fn keys_span_times_and_accounts() {
        let mut keys = Keys::default();
        for (time, account) in [(5, "b"), (3, ""), (9, "c")] {
            keys.push(Id([0, 0]), 0, 0, time, account);
        }
        assert_eq!(keys.slots, Slots::span(3, 9));
        assert_eq!(keys.accounts, Some((String::new(), "c".to_owned())));
    }
}
