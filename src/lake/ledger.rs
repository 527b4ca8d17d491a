//! The ingest book: what became of every object, so that no object is read twice and every record is accounted for.
//!
//! An object that is read again (it was truncated and is whole now, it was archived and is restored) gets another row;
//! the row of the highest `ingest_number` counts, see [`latest`]. A row is written only after the object's events are
//! committed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray, StringBuilder,
    StructBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, TimestampMicrosecondType};

use super::dedup::hash128;
use super::files::Reading;
use super::schema::{LEDGER, Type};
use super::store::{Committed, Lake};
use crate::error::{Error, Result};

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Read to its end.
    Ingested,
    /// Broken off: what was whole is stored; it is read again when it changes.
    Truncated,
    /// No CloudTrail events in it: digests, other files.
    NotCloudTrail,
    /// In cold storage; tried again in every run.
    Archived,
    /// Could not be read; tried again in every run.
    Failed,
}

impl Status {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ingested => "ingested",
            Status::Truncated => "truncated",
            Status::NotCloudTrail => "not_cloudtrail",
            Status::Archived => "archived",
            Status::Failed => "failed",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Status::Ingested, Status::Truncated, Status::NotCloudTrail, Status::Archived, Status::Failed]
            .into_iter()
            .find(|status| status.as_str() == word)
    }

    /// Whether an unchanged object of this status need not be read again.
    fn is_final(self) -> bool {
        matches!(self, Status::Ingested | Status::Truncated | Status::NotCloudTrail)
    }
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The record's index; `None` for the object itself.
    pub index: Option<i64>,
    /// The reason, a fixed word.
    pub reason: String,
    /// More about it.
    pub text: String,
}

/// One object's row, as far as the object determines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path or URI.
    pub source_object: String,
    /// Bytes, compressed.
    pub size: Option<i64>,
    /// S3's ETag.
    pub etag: Option<String>,
    /// Microseconds.
    pub last_modified: Option<i64>,
    /// Records found.
    pub records: i64,
    /// Records stored as events.
    pub events: i64,
    /// Records that were stored before.
    pub duplicates: i64,
    /// Records that are no events.
    pub not_events: i64,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// What became of it.
    pub status: Status,
}

/// What identifies one state of an object.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Bytes, compressed.
    pub size: Option<i64>,
    /// S3's ETag.
    pub etag: Option<&'a str>,
    /// Microseconds.
    pub last_modified: Option<i64>,
}

impl Identity<'_> {
    /// A hash of the size with the ETag, else with the modification time.
    fn hash(self) -> u64 {
        let state = match self.etag {
            Some(etag) => format!("{:?} etag {etag}", self.size),
            None => format!("{:?} time {:?}", self.size, self.last_modified),
        };
        hash128(&state)[0]
    }
}

/// The latest row of each object, in short: 40 bytes an object.
#[derive(Debug, Default)]
pub struct Known {
    objects: HashMap<[u64; 2], Short>,
    highest: i64,
}

#[derive(Debug, Clone, Copy)]
struct Short {
    identity: u64,
    ingest_number: i64,
    status: Status,
}

impl Known {
    /// Reads the ledger at the lake's version of it.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub async fn load(lake: &Lake) -> Result<Self> {
        let files = lake.files(&LEDGER)?;
        let columns = ["source_object", "size", "etag", "last_modified", "status", "ingest_number"];
        let mut known = Self::default();
        for file in files.all() {
            files.read(file, Reading::of(&columns, &[]), &mut |batch| known.add(&batch)).await?;
        }
        Ok(known)
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let misfit = || Error::internal("a stored file of the ledger does not have the lake's columns");
        let text = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>()).ok_or_else(misfit);
        let int =
            |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>()).ok_or_else(misfit);
        let times = batch
            .column_by_name("last_modified")
            .and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>())
            .ok_or_else(misfit)?;
        let (objects, etags, statuses) = (text("source_object")?, text("etag")?, text("status")?);
        let (sizes, numbers) = (int("size")?, int("ingest_number")?);
        for row in 0..batch.num_rows() {
            let identity = Identity {
                size: sizes.is_valid(row).then(|| sizes.value(row)),
                etag: etags.is_valid(row).then(|| etags.value(row)),
                last_modified: times.is_valid(row).then(|| times.value(row)),
            };
            let ingest_number = numbers.value(row);
            self.highest = self.highest.max(ingest_number);
            let status = Status::of(statuses.value(row)).unwrap_or(Status::Failed);
            let short = Short { identity: identity.hash(), ingest_number, status };
            let there = self.objects.entry(hash128(objects.value(row))).or_insert(short);
            if there.ingest_number <= ingest_number {
                *there = short;
            }
        }
        Ok(())
    }

    /// The number of the next run.
    pub fn next_ingest(&self) -> i64 {
        self.highest + 1
    }

    /// The state of an object that need not be read again, because it has not changed since.
    pub fn done(&self, source_object: &str, identity: Identity<'_>) -> Option<Status> {
        // A stream tells nothing of its state before it is read.
        if identity.etag.is_none() && identity.last_modified.is_none() {
            return None;
        }
        let short = self.objects.get(&hash128(source_object))?;
        (short.status.is_final() && short.identity == identity.hash()).then_some(short.status)
    }

    /// Whether the ledger says the same of the object already: then there is nothing to write.
    pub fn says(&self, entry: &Entry) -> bool {
        let identity = Identity { size: entry.size, etag: entry.etag.as_deref(), last_modified: entry.last_modified };
        self.objects
            .get(&hash128(&entry.source_object))
            .is_some_and(|short| short.status == entry.status && short.identity == identity.hash())
    }
}

/// The places that the lake was filled from: what stands before `AWSLogs/` in its objects' names, as they were named then.
/// Files that lie in no such folder tell nothing of what comes after them.
///
/// # Errors
/// Where the ledger cannot be read.
pub async fn places(lake: &Lake) -> Result<BTreeSet<String>> {
    let files = lake.files(&LEDGER)?;
    let mut places = BTreeSet::new();
    for file in files.all() {
        files
            .read(file, Reading::of(&["source_object"], &[]), &mut |batch| {
                let misfit = || Error::internal("a stored file of the ledger does not have the lake's columns");
                let objects = batch.column(0).as_string_opt::<i32>().ok_or_else(misfit)?;
                for (before, _) in objects.iter().flatten().filter_map(|object| object.split_once("AWSLogs/")) {
                    if before.is_empty() || before.ends_with('/') {
                        places.insert(if before.is_empty() { "AWSLogs".to_owned() } else { before.to_owned() });
                    }
                }
                Ok(())
            })
            .await?;
    }
    // A place within another is listed with it.
    let all = places.clone();
    places.retain(|place| !all.iter().any(|other| other != place && place.starts_with(other.as_str())));
    Ok(places)
}

/// The row of each object that counts, as SQL over a table `ledger` that holds all rows. The number 0 is that of what is
/// read and not ingested, which is newer than any that is.
pub fn latest() -> &'static str {
    "SELECT source_object, size, etag, last_modified, records, events, duplicates, not_events, faults, status, \
     ingest_number, ingested_at FROM (SELECT *, row_number() OVER (PARTITION BY source_object ORDER BY ingest_number = 0 \
     DESC, ingest_number DESC, ingested_at DESC) AS place FROM ledger) WHERE place = 1"
}

/// Writes and commits the rows of objects whose events are all committed. `at` is the present time, microseconds.
///
/// # Errors
/// Where the lake cannot be written.
pub async fn commit(lake: &mut Lake, entries: &[Entry], ingest_number: i64, at: i64) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = rows(entries, ingest_number, at)?;
    let file = lake.writer(&LEDGER)?.write_rows(&rows).await?;
    // Rows of another run do not stand in the way of these: the latest counts.
    while lake.commit(&LEDGER, std::slice::from_ref(&file), None).await? == Committed::Behind {}
    Ok(())
}

fn rows(entries: &[Entry], ingest_number: i64, at: i64) -> Result<RecordBatch> {
    let int =
        |value: fn(&Entry) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(entries.iter().map(value))) };
    let time =
        |times: Vec<Option<i64>>| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(entries.iter().map(|e| &e.source_object))),
        Arc::new(Int64Array::from_iter(entries.iter().map(|e| e.size))),
        Arc::new(StringArray::from_iter(entries.iter().map(|e| e.etag.as_deref()))),
        time(entries.iter().map(|e| e.last_modified).collect()),
        int(|e| e.records),
        int(|e| e.events),
        int(|e| e.duplicates),
        int(|e| e.not_events),
        faults(entries),
        Arc::new(StringArray::from_iter_values(entries.iter().map(|e| e.status.as_str()))),
        Arc::new(Int64Array::from_value(ingest_number, entries.len())),
        time(vec![Some(at); entries.len()]),
    ];
    RecordBatch::try_new(LEDGER.schema(), columns)
        .map_err(|e| Error::internal("rows do not fit the columns of the ledger").source(e))
}

fn faults(entries: &[Entry]) -> ArrayRef {
    let fields = match Type::Faults.arrow() {
        DataType::List(element) => match element.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => Default::default(),
        },
        _ => Default::default(),
    };
    let element = Arc::new(Field::new("element", DataType::Struct(fields.clone()), true));
    let mut list = ListBuilder::new(StructBuilder::from_fields(fields, entries.len())).with_field(element);
    for entry in entries {
        for fault in &entry.faults {
            let one = list.values();
            if let Some(index) = one.field_builder::<Int64Builder>(0) {
                index.append_option(fault.index);
            }
            for (place, text) in [(1, &fault.reason), (2, &fault.text)] {
                if let Some(builder) = one.field_builder::<StringBuilder>(place) {
                    builder.append_value(text);
                }
            }
            one.append(true);
        }
        list.append(true);
    }
    Arc::new(list.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, status: Status) -> Entry {
        Entry {
            source_object: name.into(),
            size: Some(10),
            etag: None,
            last_modified: Some(7),
            records: 3,
            events: 2,
            duplicates: 0,
            not_events: 0,
            faults: vec![Fault { index: Some(2), reason: "no_event_id".into(), text: "record 2".into() }],
            status,
        }
    }

    #[test]
    fn the_latest_row_counts_and_only_unchanged_objects_are_done() {
        let mut known = Known::default();
        known.add(&rows(&[entry("a", Status::Ingested), entry("b", Status::Failed)], 4, 0).unwrap()).unwrap();
        known.add(&rows(&[entry("a", Status::Truncated)], 3, 0).unwrap()).unwrap();
        assert_eq!(known.next_ingest(), 5);
        let same = Identity { size: Some(10), etag: None, last_modified: Some(7) };
        assert_eq!(known.done("a", same), Some(Status::Ingested));
        assert_eq!(known.done("b", same), None);
        assert_eq!(known.done("c", same), None);
        assert_eq!(known.done("a", Identity { last_modified: Some(8), ..same }), None);
        assert_eq!(known.done("a", Identity { etag: Some("x"), ..same }), None);
        assert!(known.says(&entry("b", Status::Failed)));
        assert!(!known.says(&entry("b", Status::Archived)));
    }

    #[test]
    fn rows_have_the_ledgers_columns() {
        let batch = rows(&[entry("a", Status::Ingested)], 1, 5).unwrap();
        assert_eq!(batch.schema(), LEDGER.schema());
        let faults = batch.column_by_name("faults").unwrap().as_list::<i32>().value(0);
        assert_eq!(faults.len(), 1);
    }
}
