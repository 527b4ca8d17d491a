//! The data files of one version of a table: which there are, what their statistics say, and their columns read straight
//! from Parquet.
//!
//! It reads only; the version it was made from never changes under it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Date32Type, Field, Int64Type, Schema, TimestampMicrosecondType};
use bytes::Bytes;
use deltalake::DeltaTable;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryFutureExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::batch::day;
use super::schema::Table;
use super::slots::Slots;
use crate::error::{Error, Result};

/// Bytes read of a file's end at once: its footer is seldom larger.
pub(super) const FOOTER: usize = 32 << 10;

/// One data file, and what its statistics say.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Its path below the table.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its rows; 0 where the statistics do not say.
    pub rows: usize,
    /// The partition's day.
    pub(super) day: Option<i32>,
    times: Option<(i64, i64)>,
    accounts: Option<(String, String)>,
}

impl DataFile {
    /// Whether a row within these times (both ends included) can be in the file. Yes where the statistics do not say.
    pub fn may_be_within(&self, from: i64, to: i64) -> bool {
        self.times.is_none_or(|(first, last)| first <= to && from <= last)
    }

    /// Whether an event within these slots of the day and these accounts (both ends included) can be in the file. Yes where
    /// the statistics do not say.
    pub fn may_hold(&self, slots: &Slots, low: &str, high: &str) -> bool {
        let time = self.times.is_none_or(|(first, last)| Slots::span(first, last).meets(slots));
        // An account's absence is not in the statistics' bounds: whoever asks for the empty text asks every file.
        let account = low.is_empty()
            || self.accounts.as_ref().is_none_or(|(first, last)| first.as_str() <= high && low <= last.as_str());
        time && account
    }

    /// Where it is in the table's store.
    pub(super) fn location(&self) -> Path {
        located(&self.path)
    }

    /// The first and the last event time, microseconds; of activity, the first and the last call.
    pub fn times(&self) -> Option<(i64, i64)> {
        self.times
    }
}

/// What is read of a file.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The columns.
    pub columns: &'a [&'a str],
    /// Those of them that come dictionary-encoded.
    pub coded: &'a [&'a str],
    /// Rows at a time.
    pub rows: usize,
}

impl<'a> Reading<'a> {
    /// These columns, those in `coded` dictionary-encoded, a few thousand rows at a time.
    pub fn of(columns: &'a [&'a str], coded: &'a [&'a str]) -> Self {
        Self { columns, coded, rows: 8192 }
    }
}

/// The data files of one version of a table.
#[derive(Debug, Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    table: &'static Table,
    by_day: Arc<HashMap<Option<i32>, Vec<DataFile>>>,
}

impl Files {
    /// No files at all, where there is no lake.
    pub fn none(table: &'static Table) -> Self {
        Self { store: Arc::new(InMemory::new()), table, by_day: Arc::default() }
    }

    /// The files of the version that `delta` is at.
    ///
    /// # Errors
    /// Where the table is not loaded, or its log cannot be read.
    pub(super) fn of(delta: &DeltaTable, table: &'static Table) -> Result<Self> {
        let broken = |e| Error::input("cannot read the list of a table's files").context("table", table.name).source(e);
        let batches = delta.snapshot().and_then(|s| s.add_actions_batches(true)).map_err(broken)?;
        let mut by_day: HashMap<Option<i32>, Vec<DataFile>> = HashMap::new();
        for batch in &batches {
            for file in listed(batch) {
                by_day.entry(file.day).or_default().push(file);
            }
        }
        Ok(Self { store: delta.log_store().object_store(None), table, by_day: Arc::new(by_day) })
    }

    /// The files of one day's partition.
    pub fn of_day(&self, day: i32) -> &[DataFile] {
        self.by_day.get(&Some(day)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The rows of each day's partition, the days as days since 1970-01-01.
    pub fn rows_by_day(&self) -> BTreeMap<i32, u64> {
        let rows = |files: &Vec<DataFile>| files.iter().map(|file| file.rows as u64).sum();
        self.by_day.iter().filter_map(|(day, files)| Some(((*day)?, rows(files)))).collect()
    }

    /// The table that they are of.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// All files.
    pub fn all(&self) -> impl Iterator<Item = &DataFile> {
        self.by_day.values().flatten()
    }

    /// Whether the file is one of them.
    pub fn has(&self, file: &DataFile) -> bool {
        self.by_day.get(&file.day).is_some_and(|files| files.iter().any(|f| f.path == file.path))
    }

    /// Reads some columns of a file. `each` sees batch after batch.
    ///
    /// # Errors
    /// Where the file cannot be read, or `each` fails.
    pub async fn read(
        &self,
        file: &DataFile,
        reading: Reading<'_>,
        each: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        self.read_path(&file.path, reading, each).await
    }

    /// Whether a row whose text `column` is one of `values` can be in the file, as far as its bloom filters tell.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) async fn may_hold(&self, file: &DataFile, column: &str, values: &[String]) -> Result<bool> {
        let footer = self.footer(file).await?;
        for group in 0..footer.num_row_groups() {
            match self.filter(file, &footer, group, column).await? {
                Some(filter) if !values.iter().any(|value| filter.check(value.as_str())) => {}
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Like `read`, of any file below the table, committed or not.
    pub(super) async fn read_path(
        &self,
        path: &str,
        reading: Reading<'_>,
        each: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        let metadata = self.stored(path).load(false).await.map_err(|e| unreadable(self.table, path, e))?;
        self.read_selected(path, metadata, None, reading, each).await
    }

    /// A file in the lake's store.
    pub(super) fn stored(&self, path: &str) -> StoredFile {
        StoredFile { store: self.store.clone(), location: located(path) }
    }

    /// Reads some columns of some rows of a file, batch after batch.
    pub(super) async fn read_selected(
        &self,
        path: &str,
        metadata: Arc<ParquetMetaData>,
        rows: Option<RowSelection>,
        reading: Reading<'_>,
        each: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        let broken = |e| unreadable(self.table, path, e);
        let plain = ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new()).map_err(broken)?;
        let fields: Vec<Field> = plain
            .schema()
            .fields()
            .iter()
            .map(|field| {
                if reading.coded.contains(&field.name().as_str()) {
                    let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                    Field::new(field.name(), kind, field.is_nullable())
                } else {
                    field.as_ref().clone()
                }
            })
            .collect();
        let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
        let metadata = ArrowReaderMetadata::try_new(metadata, options).map_err(broken)?;
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(self.stored(path), metadata);
        let mask = ProjectionMask::columns(builder.parquet_schema(), reading.columns.iter().copied());
        let builder = builder.with_projection(mask).with_batch_size(reading.rows);
        let builder = match rows {
            Some(rows) => builder.with_row_selection(rows),
            None => builder,
        };
        let mut stream = builder.build().map_err(broken)?;
        while let Some(batch) = stream.next().await {
            each(with_nulls(batch.map_err(broken)?, self.table, reading.columns)?)?;
        }
        Ok(())
    }
}

impl Files {
    /// Reads whole rows of a file, the partition's column included.
    ///
    /// # Errors
    /// Where the file cannot be read, or `each` fails.
    pub(super) async fn read_rows(
        &self,
        path: &str,
        each: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        let table = self.table;
        let columns: Vec<&str> =
            table.columns.iter().map(|c| c.name).filter(|name| Some(*name) != table.partition).collect();
        let misfit = || Error::internal("a stored file does not have the lake's columns").context("table", table.name);
        self.read_path(path, Reading::of(&columns, &[]), &mut |stored| {
            let days = || {
                let times = stored.column_by_name("event_time")?.as_primitive_opt::<TimestampMicrosecondType>()?;
                Some(Arc::new(times.unary::<_, Date32Type>(day)) as ArrayRef)
            };
            let columns = table
                .columns
                .iter()
                .map(|column| match stored.column_by_name(column.name) {
                    Some(values) => Some(values.clone()),
                    None => days().filter(|_| Some(column.name) == table.partition),
                })
                .collect::<Option<Vec<_>>>()
                .ok_or_else(misfit)?;
            each(RecordBatch::try_new(table.schema(), columns).map_err(|e| misfit().source(e))?)
        })
        .await
    }
}

pub(super) fn unreadable(table: &Table, path: &str, e: ParquetError) -> Error {
    Error::input("cannot read a data file of the lake")
        .context("table", table.name)
        .context("file", path.to_owned())
        .source(e)
}

/// Adds the columns that are younger than the file.
fn with_nulls(batch: RecordBatch, table: &Table, wanted: &[&str]) -> Result<RecordBatch> {
    let lacks = |name: &str| wanted.contains(&name) && batch.column_by_name(name).is_none();
    let young: Vec<_> = table.columns.iter().filter(|column| lacks(column.name)).collect();
    if young.is_empty() {
        return Ok(batch);
    }
    let rows = batch.num_rows();
    let old = batch.schema();
    let fields = old.fields().iter().zip(batch.columns()).map(|(f, c)| (f.name().clone(), c.clone(), true));
    let nulls = young.iter().map(|c| (c.name.to_owned(), new_null_array(&c.kind.arrow(), rows), true));
    RecordBatch::try_from_iter_with_nullable(fields.chain(nulls))
        .map_err(|e| Error::internal("cannot add columns to a file's rows").context("table", table.name).source(e))
}

fn located(path: &str) -> Path {
    Path::parse(path).unwrap_or_else(|_| Path::from(path))
}

/// One file in the lake's store, read by ranges.
pub(super) struct StoredFile {
    store: Arc<dyn ObjectStore>,
    location: Path,
}

impl StoredFile {
    /// The file's footer; with `pages` the page index too.
    pub(super) async fn load(&mut self, pages: bool) -> parquet::errors::Result<Arc<ParquetMetaData>> {
        let meta = self.store.head(&self.location).await.map_err(outside)?;
        let policy = if pages { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
        let reader = ParquetMetaDataReader::new().with_page_index_policy(policy);
        let reader = reader.with_prefetch_hint(Some(FOOTER));
        Ok(Arc::new(reader.load_and_finish(&mut *self, meta.size).await?))
    }
}

fn outside(e: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(e))
}

impl AsyncFileReader for StoredFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.store.get_range(&self.location, range).map_err(outside).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.location, &ranges).await.map_err(outside) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        self.load(false).boxed()
    }
}

/// The rows of a table of add actions.
pub(super) fn listed(batch: &RecordBatch) -> impl Iterator<Item = DataFile> {
    let texts = |name: &str| {
        let column = arrow::compute::cast(batch.column_by_name(name)?, &DataType::Utf8).ok()?;
        column.as_string_opt::<i32>().cloned()
    };
    let ints = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>().cloned();
    let times = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>().cloned();
    // A table has one partition at most, a day: of events their own, of findings the night's.
    let days = || {
        let place = batch.schema_ref().fields().iter().position(|f| f.name().starts_with("partition."))?;
        batch.column(place).as_primitive_opt::<Date32Type>().cloned()
    };
    let (paths, days, sizes, rows) = (texts("path"), days(), ints("size_bytes"), ints("num_records"));
    let events = (times("min.event_time"), times("max.event_time"));
    let activity = (times("min.first_at"), times("max.last_at"));
    let accounts = (texts("min.recipient_account_id"), texts("max.recipient_account_id"));
    (0..batch.num_rows()).filter_map(move |row| {
        let span = |(low, high): &(_, _)| value(low, row).zip(value(high, row));
        let text = |texts: &Option<StringArray>| {
            let texts = texts.as_ref().filter(|texts| texts.is_valid(row))?;
            Some(texts.value(row).to_owned())
        };
        Some(DataFile {
            path: text(&paths)?,
            size: value(&sizes, row).and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
            rows: value(&rows, row).and_then(|n| usize::try_from(n).ok()).unwrap_or_default(),
            day: value(&days, row),
            times: span(&events).or_else(|| span(&activity)),
            accounts: text(&accounts.0).zip(text(&accounts.1)),
        })
    })
}

fn value<T: ArrowPrimitiveType>(column: &Option<PrimitiveArray<T>>, row: usize) -> Option<T::Native> {
    column.as_ref().filter(|column| column.is_valid(row)).map(|column| column.value(row))
}
