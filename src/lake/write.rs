//! Rows to Parquet files in the lake's store, each with the statistics that let readers skip it.
//!
//! A file written here is no part of the lake until `store` commits it; one that is never committed is an orphan that
//! harms nobody.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use deltalake::kernel::Add;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value, json};

use super::encoding::properties;
use super::schema::Table;
use crate::error::{Error, Result};

/// Rows handed to the Parquet encoder at a time: small enough that the sorted copy of a file never exists as a whole.
pub(super) const SLICE: usize = 4096;
/// Characters of a text that a file's statistics keep.
const STATS_CHARS: usize = 32;

/// A file that was written and is not yet committed.
#[derive(Debug, Clone)]
pub struct NewFile {
    pub(super) add: Add,
    /// The table that it is for.
    pub table: &'static Table,
    /// Its rows.
    pub rows: usize,
    /// The partition's day, where the table has days.
    pub day: Option<i32>,
}

/// The columns whose bounds a file's statistics tell: those that questions and dedup filter by.
pub(super) fn stats_columns(table: &Table) -> Vec<&'static str> {
    const KNOWN: [&str; 16] = [
        "event_time",
        "event_source",
        "event_name",
        "recipient_account_id",
        "access_key_id",
        "identity_principal_id",
        "session_name",
        "source_ip_address",
        "delivered_at",
        "ingest_number",
        "source_object",
        "kind",
        "key_id",
        "first_at",
        "last_at",
        "status",
    ];
    let events_day = (table.partition.is_none()).then_some("event_date");
    table.columns.iter().map(|c| c.name).filter(|name| KNOWN.contains(name) || Some(*name) == events_day).collect()
}

/// Writes files of one table.
#[derive(Debug, Clone)]
pub struct Writer {
    store: Arc<dyn ObjectStore>,
    table: &'static Table,
}

impl Writer {
    pub(super) fn new(store: Arc<dyn ObjectStore>, table: &'static Table) -> Self {
        Self { store, table }
    }

    /// The table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Writes rows of a table without partitions as one file, in the order given.
    ///
    /// # Errors
    /// Where the store refuses the file.
    pub async fn write_rows(&self, rows: &RecordBatch) -> Result<NewFile> {
        let mut file = Encoder::new(self.table, rows.num_rows())?;
        for from in (0..rows.num_rows()).step_by(SLICE) {
            file.write(&rows.slice(from, SLICE.min(rows.num_rows() - from)))?;
        }
        file.store(self, None).await
    }

    /// Writes rows of one day as one file, in the order given; `day` is the value of the table's partition column.
    ///
    /// # Errors
    /// Where the store refuses the file.
    pub async fn write_day(&self, day: i32, rows: &RecordBatch) -> Result<NewFile> {
        let mut file = Encoder::new(self.table, rows.num_rows())?;
        for from in (0..rows.num_rows()).step_by(SLICE) {
            file.write(&rows.slice(from, SLICE.min(rows.num_rows() - from)))?;
        }
        file.store(self, Some(day)).await
    }

    /// Puts an encoded file into the store.
    pub(super) async fn put(&self, day: Option<i32>, bytes: Vec<u8>, stats: &Stats) -> Result<NewFile> {
        let table = self.table;
        let partition = table.partition.zip(day.map(date));
        let name = format!("part-{}.zstd.parquet", unique());
        let path = match &partition {
            Some((column, date)) => format!("{column}={date}/{name}"),
            None => name,
        };
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.store.put(&Path::from(path.as_str()), bytes.into()).await.map_err(|e| {
            Error::input("cannot write to the lake")
                .context("table", table.name)
                .hint("check that the lake's folder or bucket can be written to and has room")
                .source(e)
        })?;
        let add = Add {
            path,
            partition_values: partition
                .map(|(column, date)| HashMap::from([(column.to_owned(), Some(date))]))
                .unwrap_or_default(),
            size,
            modification_time: chrono::Utc::now().timestamp_millis(),
            data_change: true,
            stats: Some(stats.json()),
            ..Add::default()
        };
        Ok(NewFile { add, table, rows: stats.rows, day })
    }

    /// Removes a file that will not be committed. An orphan harms nobody, so failing to remove it is no error.
    pub async fn discard(&self, file: &NewFile) {
        if let Err(e) = self.store.delete(&Path::from(file.add.path.as_str())).await {
            tracing::debug!(file = file.add.path, error = %e, "an uncommitted file stays behind");
        }
    }
}

pub(super) fn unwritable(e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal("cannot encode rows as Parquet").source(e)
}

/// Encodes one file in memory and keeps its statistics.
struct Encoder {
    writer: ArrowWriter<Vec<u8>>,
    /// As [`stored_columns`] gives them.
    columns: Vec<usize>,
    stats: Stats,
}

impl Encoder {
    fn new(table: &'static Table, rows: usize) -> Result<Self> {
        let columns = stored_columns(table);
        let schema = table.schema().project(&columns).map_err(unwritable)?;
        let writer =
            ArrowWriter::try_new(Vec::new(), Arc::new(schema), Some(properties(table, rows)?)).map_err(unwritable)?;
        Ok(Self { writer, columns, stats: Stats::new(table) })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.stats.add(rows);
        self.writer.write(&rows.project(&self.columns).map_err(unwritable)?).map_err(unwritable)
    }

    async fn store(self, writer: &Writer, day: Option<i32>) -> Result<NewFile> {
        let bytes = self.writer.into_inner().map_err(unwritable)?;
        writer.put(day, bytes, &self.stats).await
    }
}

/// The table's columns without the partition, which the path holds.
pub(super) fn stored_columns(table: &Table) -> Vec<usize> {
    let columns = table.columns.iter().enumerate();
    columns.filter(|(_, column)| Some(column.name) != table.partition).map(|(place, _)| place).collect()
}

/// A name that no other file of the lake has.
fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // The standard library seeds each hasher state at random; with the time and a count that is unique across processes.
    let random = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), COUNT.load(Ordering::Relaxed));
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = chrono::Utc::now().timestamp_micros();
    format!("{now:014x}-{count:04x}-{:016x}{:016x}", random(), random())
}

/// Days since 1970-01-01 as YYYY-MM-DD.
pub(super) fn date(day: i32) -> String {
    NaiveDate::from_epoch_days(day).map_or_else(|| "1970-01-01".to_owned(), |date| date.format("%Y-%m-%d").to_string())
}

/// A file's statistics, as Delta's `stats` text holds them.
#[derive(Debug)]
pub(super) struct Stats {
    rows: usize,
    columns: Vec<(usize, &'static str, Bounds)>,
}

#[derive(Debug)]
struct Bounds {
    nulls: usize,
    bounds: Option<Range>,
}

#[derive(Debug, PartialEq)]
enum Range {
    Text(String, String),
    Int(i64, i64),
    Time(i64, i64),
    Date(i32, i32),
}

impl Stats {
    pub(super) fn new(table: &'static Table) -> Self {
        let columns = stats_columns(table)
            .into_iter()
            .filter_map(|name| Some((table.index(name)?, name, Bounds { nulls: 0, bounds: None })))
            .collect();
        Self { rows: 0, columns }
    }

    pub(super) fn add(&mut self, rows: &RecordBatch) {
        self.rows += rows.num_rows();
        for (place, _, bounds) in &mut self.columns {
            let column = rows.column(*place);
            bounds.nulls += column.null_count();
            bounds.widen(column);
        }
    }

    /// Takes over the statistics of other rows of the same table.
    pub(super) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        for ((_, _, bounds), (_, _, more)) in self.columns.iter_mut().zip(other.columns) {
            bounds.nulls += more.nulls;
            if let Some(range) = more.bounds {
                bounds.cover(range);
            }
        }
    }

    fn json(&self) -> String {
        let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (_, name, bounds) in &self.columns {
            nulls.insert((*name).to_owned(), json!(bounds.nulls));
            let (min, max) = bounds.bounds.as_ref().map(Range::json).unwrap_or_default();
            low.extend(min.map(|value| ((*name).to_owned(), value)));
            high.extend(max.map(|value| ((*name).to_owned(), value)));
        }
        json!({ "numRecords": self.rows, "minValues": low, "maxValues": high, "nullCount": nulls }).to_string()
    }
}

impl Bounds {
    fn widen(&mut self, column: &ArrayRef) {
        let range = if let Some(texts) = column.as_string_opt::<i32>() {
            let mut found: Option<(&str, &str)> = None;
            for text in texts.iter().flatten() {
                found = Some(match found {
                    None => (text, text),
                    Some((low, high)) if text < low => (text, high),
                    Some((low, high)) if text > high => (low, text),
                    same => same.unwrap_or((text, text)),
                });
            }
            found.map(|(low, high)| Range::Text(low.to_owned(), high.to_owned()))
        } else if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
            arrow::compute::min(times).zip(arrow::compute::max(times)).map(|(low, high)| Range::Time(low, high))
        } else if let Some(ints) = column.as_primitive_opt::<Int64Type>() {
            arrow::compute::min(ints).zip(arrow::compute::max(ints)).map(|(low, high)| Range::Int(low, high))
        } else if let Some(days) = column.as_primitive_opt::<Date32Type>() {
            arrow::compute::min(days).zip(arrow::compute::max(days)).map(|(low, high)| Range::Date(low, high))
        } else {
            None
        };
        if let Some(range) = range {
            self.cover(range);
        }
    }

    fn cover(&mut self, range: Range) {
        self.bounds = Some(match (self.bounds.take(), range) {
            (Some(Range::Text(a, b)), Range::Text(low, high)) => Range::Text(a.min(low), b.max(high)),
            (Some(Range::Int(a, b)), Range::Int(low, high)) => Range::Int(a.min(low), b.max(high)),
            (Some(Range::Time(a, b)), Range::Time(low, high)) => Range::Time(a.min(low), b.max(high)),
            (Some(Range::Date(a, b)), Range::Date(low, high)) => Range::Date(a.min(low), b.max(high)),
            // A column has one type.
            (_, range) => range,
        });
    }
}

impl Range {
    /// The bounds as Delta writes them; `None` for one that cannot be told.
    fn json(&self) -> (Option<Value>, Option<Value>) {
        match self {
            Range::Text(low, high) => (Some(json!(shortened_low(low))), shortened_high(high).map(|text| json!(text))),
            Range::Int(low, high) => (Some(json!(low)), Some(json!(high))),
            // Statistics hold milliseconds: the lower bound is rounded down, the upper one up.
            Range::Time(low, high) => (
                milliseconds(low.div_euclid(1000)),
                high.checked_add(999).and_then(|high| milliseconds(high.div_euclid(1000))),
            ),
            Range::Date(low, high) => (Some(json!(date(*low))), Some(json!(date(*high)))),
        }
    }
}

fn milliseconds(time: i64) -> Option<Value> {
    Some(json!(DateTime::from_timestamp_millis(time)?.to_rfc3339_opts(SecondsFormat::Millis, true)))
}

/// A prefix, which is never above the text.
fn shortened_low(text: &str) -> &str {
    text.char_indices().nth(STATS_CHARS).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A prefix with the largest of all characters behind it, which is above the text; `None` where the text goes on with
/// that very character.
fn shortened_high(text: &str) -> Option<String> {
    match text.strip_prefix(shortened_low(text))? {
        "" => Some(text.to_owned()),
        rest if rest.starts_with('\u{10ffff}') => None,
        _ => Some(format!("{}\u{10ffff}", shortened_low(text))),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;
    use crate::lake::schema::{EVENTS, LEDGER};

    #[test]
    fn long_bounds_stay_bounds() {
        let long = "ä".repeat(40);
        assert_eq!(shortened_low(&long).chars().count(), STATS_CHARS);
        assert!(shortened_low(&long) <= long.as_str());
        assert!(shortened_high(&long).unwrap() >= long);
        assert_eq!(shortened_high("short").as_deref(), Some("short"));
        assert_eq!(shortened_high(&format!("{}{}", "x".repeat(STATS_CHARS), "\u{10ffff}z")), None);
    }

    #[test]
    fn times_are_rounded_outwards() {
        let (low, high) = Range::Time(1_700_000_000_000_001, 1_700_000_000_000_001).json();
        assert_eq!(low, Some(json!("2023-11-14T22:13:20.000Z")));
        assert_eq!(high, Some(json!("2023-11-14T22:13:20.001Z")));
        assert_eq!(Range::Time(i64::MIN, i64::MAX).json(), (None, None));
    }

    #[test]
    fn bounds_widen_over_batches_and_skip_nulls() {
        let mut bounds = Bounds { nulls: 0, bounds: None };
        for texts in [vec![Some("m"), None], vec![None, None], vec![Some("z"), Some("a")]] {
            let column: ArrayRef = Arc::new(StringArray::from(texts));
            bounds.widen(&column);
        }
        assert_eq!(bounds.bounds, Some(Range::Text("a".into(), "z".into())));
        let mut bounds = Bounds { nulls: 0, bounds: None };
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(4), None, Some(-1)]));
        bounds.widen(&column);
        assert_eq!(bounds.bounds, Some(Range::Int(-1, 4)));
    }

    #[test]
    fn statistics_are_kept_for_columns_that_exist() {
        assert!(stats_columns(&EVENTS).contains(&"recipient_account_id"));
        assert!(!stats_columns(&EVENTS).contains(&"event_date"));
        assert!(stats_columns(&LEDGER).contains(&"source_object"));
        assert_ne!(unique(), unique());
    }
}
