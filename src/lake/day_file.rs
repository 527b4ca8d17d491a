//! A file of one day's events that grows in memory, row group by row group, until it is stored.
//!
//! A question opens every file that it cannot rule out, so few large files serve it better than many small ones; and what is already
//! encoded takes a tenth of the memory of decoded rows. Several threads encode rows of one day at the same time, each in a lane of its own.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::file::writer::SerializedFileWriter;

use super::encoding::properties;
use super::kept::Kept;
use super::schema::{EVENTS, Table};
use super::write::{NewFile, SLICE, Stats, Writer, stored_columns, unwritable};
use crate::error::{Error, Result};

/// Rows after which a row group is closed: readers skip by row groups, and one that is open takes memory.
const GROUP_ROWS: usize = 1 << 16;
/// What an open row group takes beside what it says of itself: a compressor for each column of long texts.
const COMPRESSORS: usize = 5 << 20;

/// The order of the rows of batches of events (credentials' own services first, then by time and id), and how many stand
/// before the rest.
///
/// Each place is (batch, row), as `interleave` takes it.
fn order(batches: &[Kept]) -> Result<(Vec<(usize, usize)>, usize)> {
    let mut keys = Vec::with_capacity(batches.iter().map(Kept::len).sum());
    let mut ids: Vec<&StringArray> = Vec::with_capacity(batches.len());
    for (b, kept) in batches.iter().enumerate() {
        let batch = &kept.batch;
        let misfit = || Error::internal("a batch of events does not have the lake's columns");
        let sources = batch.column_by_name("event_source").and_then(|c| c.as_string_opt::<i32>()).ok_or_else(misfit)?;
        let times = batch
            .column_by_name("event_time")
            .and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>())
            .ok_or_else(misfit)?;
        ids.push(batch.column_by_name("event_id").and_then(|c| c.as_string_opt::<i32>()).ok_or_else(misfit)?);
        for row in kept.rows() {
            let class = match sources.value(row) {
                "sts.amazonaws.com" => 0_u8,
                "signin.amazonaws.com" | "sso.amazonaws.com" => 1,
                _ => 2,
            };
            keys.push((class, times.value(row), b, row));
        }
    }
    let id = |b: usize, row: usize| ids.get(b).map(|column| column.value(row));
    keys.sort_unstable_by(|x, y| (x.0, x.1).cmp(&(y.0, y.1)).then_with(|| id(x.2, x.3).cmp(&id(y.2, y.3))));
    let first = keys.iter().take_while(|key| key.0 < 2).count();
    Ok((keys.into_iter().map(|(_, _, b, row)| (b, row)).collect(), first))
}

/// A row group that is being encoded.
struct Group {
    writers: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl Group {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.rows += rows.num_rows();
        let mut writers = self.writers.iter_mut();
        for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
            for leaf in compute_leaves(field, column).map_err(unwritable)? {
                let writer = writers.next().ok_or_else(|| Error::internal("a column without its writer"))?;
                writer.write(&leaf).map_err(unwritable)?;
            }
        }
        Ok(())
    }

    fn close(self) -> Result<Vec<ArrowColumnChunk>> {
        self.writers.into_iter().map(|writer| writer.close().map_err(unwritable)).collect()
    }

    fn memory(&self) -> usize {
        COMPRESSORS + self.writers.iter().map(ArrowColumnWriter::memory_size).sum::<usize>()
    }
}

/// What encodes rows for a file, the same for every thread.
struct Form {
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// The table's columns without the partition, which the path holds.
    columns: Vec<usize>,
}

impl Form {
    fn group(&self) -> Result<Group> {
        Ok(Group { writers: self.factory.create_column_writers(0).map_err(unwritable)?, rows: 0 })
    }
}

/// One thread's share of a file: a row group that it encodes rows into.
pub struct Lane {
    form: Arc<Form>,
    open: Option<Group>,
    closed: Vec<Vec<ArrowColumnChunk>>,
    /// Rows of credentials' own services, which get row groups of their own.
    credentials: Vec<RecordBatch>,
    stats: Stats,
}

impl Lane {
    /// Encodes rows, sorted among themselves.
    ///
    /// # Errors
    /// Where the rows do not have the lake's columns.
    pub fn write(&mut self, batches: &[Kept]) -> Result<()> {
        let (order, first) = order(batches)?;
        let borrowed: Vec<&RecordBatch> = batches.iter().map(|kept| &kept.batch).collect();
        let (credentials, rest) = order.split_at(first);
        for (places, is_rest) in
            credentials.chunks(SLICE).map(|c| (c, false)).chain(rest.chunks(SLICE).map(|c| (c, true)))
        {
            // The sorted copy never exists as a whole.
            let sorted = interleave_record_batch(&borrowed, places).map_err(unwritable)?;
            self.stats.add(&sorted);
            let sorted = sorted.project(&self.form.columns).map_err(unwritable)?;
            if is_rest {
                let mut group = match self.open.take() {
                    Some(group) => group,
                    None => self.form.group()?,
                };
                group.write(&sorted)?;
                if group.rows >= GROUP_ROWS {
                    self.closed.push(group.close()?);
                } else {
                    self.open = Some(group);
                }
            } else {
                self.credentials.push(sorted);
            }
        }
        Ok(())
    }

    /// Bytes that its open row group takes.
    pub fn memory(&self) -> usize {
        self.open.as_ref().map_or(0, Group::memory)
    }
}

/// A file of one day's events, not stored yet.
pub struct DayFile {
    table: &'static Table,
    day: i32,
    form: Arc<Form>,
    file: SerializedFileWriter<Vec<u8>>,
    credentials: Vec<RecordBatch>,
    held: usize,
    stats: Stats,
}

impl DayFile {
    /// An empty file for events of a day, in days since 1970-01-01.
    ///
    /// # Errors
    /// Where the table's columns cannot be written.
    pub fn new(day: i32) -> Result<Self> {
        let table = &EVENTS;
        let columns = stored_columns(table);
        let schema = Arc::new(table.schema().project(&columns).map_err(unwritable)?);
        let properties = properties(table, GROUP_ROWS)?;
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties)).map_err(unwritable)?;
        let (file, factory) = writer.into_serialized_writer().map_err(unwritable)?;
        let form = Arc::new(Form { factory, schema, columns });
        Ok(Self { table, day, form, file, credentials: Vec::new(), held: 0, stats: Stats::new(table) })
    }

    /// A lane for a thread that has none.
    pub fn lane(&self) -> Lane {
        Lane {
            form: Arc::clone(&self.form),
            open: None,
            closed: Vec::new(),
            credentials: Vec::new(),
            stats: Stats::new(self.table),
        }
    }

    /// Takes over what a lane has finished. What it has open stays in it.
    ///
    /// # Errors
    /// Where the row groups cannot be written.
    pub fn take(&mut self, lane: &mut Lane) -> Result<()> {
        self.hold(lane);
        for chunks in std::mem::take(&mut lane.closed) {
            self.append(chunks)?;
        }
        Ok(())
    }

    fn hold(&mut self, lane: &mut Lane) {
        for batch in lane.credentials.drain(..) {
            self.held += batch.get_array_memory_size();
            self.credentials.push(batch);
        }
        self.stats.merge(std::mem::replace(&mut lane.stats, Stats::new(self.table)));
    }

    /// Bytes that the file takes: what is encoded, and the rows of credentials' own services that wait.
    pub fn memory(&self) -> usize {
        self.file.bytes_written() + self.held
    }

    /// Encodes the rows that wait, where they take more than `most` bytes.
    ///
    /// # Errors
    /// Where the row group cannot be written.
    pub fn settle(&mut self, most: usize) -> Result<()> {
        if self.held <= most || self.credentials.is_empty() {
            return Ok(());
        }
        // Each hand-over was sorted for itself.
        let rows = concat_batches(&self.form.schema, &self.credentials).map_err(unwritable)?;
        self.credentials.clear();
        self.held = 0;
        let sorted = [Kept::from(rows)];
        let (order, _) = order(&sorted)?;
        let [rows] = &sorted;
        let mut group = self.form.group()?;
        for places in order.chunks(SLICE) {
            group.write(&interleave_record_batch(&[&rows.batch], places).map_err(unwritable)?)?;
        }
        self.append(group.close()?)
    }

    fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<()> {
        let mut group = self.file.next_row_group().map_err(unwritable)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group).map_err(unwritable)?;
        }
        group.close().map(|_| ()).map_err(unwritable)
    }

    /// Stores the file with all that its lanes hold.
    ///
    /// # Errors
    /// Where the store refuses the file (read-only, full, no access).
    pub async fn store(mut self, mut lanes: Vec<Lane>, writer: &Writer) -> Result<NewFile> {
        // What is written at once has credentials' own services first, and the rest in the order of time.
        lanes.iter_mut().for_each(|lane| self.hold(lane));
        self.settle(0)?;
        for mut lane in lanes {
            self.take(&mut lane)?;
            if let Some(group) = lane.open.take() {
                self.append(group.close()?)?;
            }
        }
        let bytes = self.file.into_inner().map_err(unwritable)?;
        writer.put(Some(self.day), bytes, &self.stats).await
    }
}

impl Writer {
    /// Writes events of one day as one file, sorted.
    ///
    /// # Errors
    /// Where the store refuses the file (read-only, full, no access).
    pub async fn write_events(&self, day: i32, batches: &[Kept]) -> Result<NewFile> {
        let file = DayFile::new(day)?;
        let mut lane = file.lane();
        lane.write(batches)?;
        file.store(vec![lane], self).await
    }
}
