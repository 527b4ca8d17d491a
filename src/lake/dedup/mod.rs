//! Which events are in the lake already: unique by (recipient account or the empty text, event id).
//!
//! It looks only where a duplicate can be (pages of the same day whose times overlap and whose bloom filter knows an id, ids
//! only) and keeps the ids of one commit at a time, so that memory stays bounded however large the lake is. It never reads a
//! whole row.

mod id;
mod stored;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

pub use self::id::{Id, Ids, Place, hash128, object_hash, place};
use self::stored::Lookup;
use super::files::{DataFile, Files, Reading};
use super::slots::Slots;
use crate::error::{Error, Result};

/// The columns that tell whether a stored row is the event in question.
pub(super) const ID_READING: Reading<'_> = Reading {
    columns: &["event_id", "recipient_account_id", "source_object", "record_index"],
    coded: &["recipient_account_id", "source_object"],
    rows: 8192,
};

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
    /// The stretch of the day that each falls into.
    slots: Vec<u16>,
    /// Their ids as CloudTrail wrote them, one after the other, and where each ends.
    texts: (String, Vec<usize>),
    /// All stretches of the day that they fall into.
    span: Slots,
    /// The smallest and the largest account, the empty text included.
    accounts: Option<(String, String)>,
}

/// One row of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its event's id.
    pub id: Id,
    /// The id as CloudTrail wrote it.
    pub event_id: &'a str,
    /// Where the record stood.
    pub place: Place,
    /// The number of its object.
    pub owner: usize,
    /// The event's time, microseconds.
    pub time: i64,
    /// The account that CloudTrail delivered it to, or the empty text.
    pub account: &'a str,
}

impl Keys {
    /// Adds a row.
    pub fn push(&mut self, row: Row<'_>) {
        self.ids.push(row.id);
        self.places.push(row.place);
        self.owners.push(row.owner);
        self.slots.push(self.span.add(row.time));
        self.texts.0.push_str(row.event_id);
        self.texts.1.push(self.texts.0.len());
        match &mut self.accounts {
            None => self.accounts = Some((row.account.to_owned(), row.account.to_owned())),
            Some((low, high)) => {
                if row.account < low.as_str() {
                    row.account.clone_into(low);
                } else if row.account > high.as_str() {
                    row.account.clone_into(high);
                }
            }
        }
    }

    /// Bytes of the ids' texts.
    pub fn bytes(&self) -> usize {
        self.texts.0.len()
    }

    /// A row's event id.
    fn event_id(&self, row: usize) -> &str {
        let (texts, ends) = &self.texts;
        let start = row.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
        ends.get(row).and_then(|end| texts.get(start..*end)).unwrap_or_default()
    }

    fn may_be_in(&self, file: &DataFile) -> bool {
        self.accounts.as_ref().is_some_and(|(low, high)| file.may_hold(&self.span, low, high))
    }
}

/// The ids of one commit's events, and of the stored ones that they could repeat.
#[derive(Debug)]
pub struct Dedup {
    files: Files,
    lookup: Lookup,
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
            lookup: Lookup::default(),
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
        let there: Vec<&DataFile> = self.files.of_day(day).iter().filter(|file| keys.may_be_in(file)).collect();
        if !there.is_empty() {
            let unknown = |id: &Id| !self.stored.contains_key(id) && !self.pending.contains_key(id);
            let rows: Vec<usize> =
                keys.ids.iter().enumerate().filter(|(_, id)| unknown(id)).map(|(row, _)| row).collect();
            let mut candidates = Vec::new();
            for file in there {
                candidates.extend(self.lookup.candidate(&self.files, file, keys, &rows).await?);
            }
            let held = self.held();
            if held + candidates.iter().map(|candidate| candidate.rows()).sum::<usize>() <= self.limit {
                for candidate in candidates {
                    let stored = &mut self.stored;
                    candidate
                        .read(&self.files, &mut |id, place| {
                            stored.insert(id, place);
                        })
                        .await?;
                    self.lookup.has_read(&candidate);
                }
            } else {
                // A day with more stored events than fit in memory: its ids pass by, and only this batch's are held.
                let mut wanted: HashMap<Id, Vec<usize>> = HashMap::new();
                for (row, id) in keys.ids.iter().enumerate() {
                    wanted.entry(*id).or_default().push(row);
                }
                for candidate in candidates {
                    candidate
                        .read(&self.files, &mut |id, place| {
                            for row in wanted.get(&id).into_iter().flatten() {
                                if let (Some(verdict), Some(own)) = (verdicts.get_mut(*row), keys.places.get(*row)) {
                                    *verdict = stored_verdict(place, *own);
                                }
                            }
                        })
                        .await?;
                }
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
            let mut ids = Ids::default();
            files
                .read(file, ID_READING, &mut |batch| {
                    ids_of(&batch, &mut ids, &mut |id, place| {
                        if let Some(own) = pending.get(&id) {
                            let verdict = stored_verdict(place, own.place);
                            let stored_from = repeats.get(&place).copied();
                            found.insert(id, Forestalled { verdict, object: own.object, stored_from });
                        }
                    })
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
    fn keys_span_times_and_accounts() {
        let (mut keys, mut ids) = (Keys::default(), Ids::default());
        for (time, account, event_id) in [(5, "b", "one"), (300_000_003, "", ""), (9, "c", "three")] {
            keys.push(Row { id: ids.id(account, event_id), event_id, place: 0, owner: 0, time, account });
        }
        assert_eq!(keys.span, Slots::span(5, 300_000_003));
        assert_eq!(keys.slots, [0, 1, 0]);
        assert_eq!(keys.accounts, Some((String::new(), "c".to_owned())));
        assert_eq!([keys.event_id(0), keys.event_id(1), keys.event_id(2), keys.event_id(3)], ["one", "", "three", ""]);
    }
}
