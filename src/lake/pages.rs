//! Part of a data file: pages that were chosen by their times, and bloom filters; nothing else of it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::files::{DataFile, Files, Reading, unreadable};
use super::schema::Table;
use super::slots::Slots;
use crate::error::{Error, Result};

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

/// A file whose index is known.
#[derive(Debug, Clone)]
pub struct Indexed {
    path: String,
    metadata: Arc<ParquetMetaData>,
}

/// A page of a file, or a row group whose pages the file does not list.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Its row group.
    pub group: usize,
    /// Its rows.
    pub rows: usize,
    /// The first and the last time in it; `None` where the file does not tell.
    pub times: Option<(i64, i64)>,
}

/// The rows of a file that stand in some of its pages.
#[derive(Debug)]
pub struct Pages {
    /// How many rows.
    pub rows: usize,
    selection: RowSelection,
}

impl Files {
    /// Reads a file's index.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub async fn index(&self, file: &DataFile) -> Result<Indexed> {
        let metadata = self.stored(&file.path).load(true).await.map_err(|e| unreadable(self.table(), &file.path, e))?;
        Ok(Indexed { path: file.path.clone(), metadata })
    }

    /// Reads a file's footer, without its index.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub async fn footer(&self, file: &DataFile) -> Result<Arc<ParquetMetaData>> {
        self.stored(&file.path).load(false).await.map_err(|e| unreadable(self.table(), &file.path, e))
    }

    /// A row group's bloom filter of a column; `None` where there is none.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub async fn filter(
        &self,
        file: &DataFile,
        footer: &Arc<ParquetMetaData>,
        group: usize,
        column: &str,
    ) -> Result<Option<Sbbf>> {
        let broken = |e| unreadable(self.table(), &file.path, e);
        let metadata = ArrowReaderMetadata::try_new(footer.clone(), ArrowReaderOptions::new()).map_err(broken)?;
        let mut builder = ParquetRecordBatchStreamBuilder::new_with_metadata(self.stored(&file.path), metadata);
        let place = builder.parquet_schema().columns().iter().position(|c| c.path().parts() == [column]);
        let Some(place) = place else { return Ok(None) };
        builder.get_row_group_column_bloom_filter(group, place).await.map_err(broken)
    }

    /// Reads some columns of some rows of a file: those that `chosen` says, one truth a row. `each` sees batch after batch.
    ///
    /// # Errors
    /// Where the file cannot be read, or `each` fails.
    pub async fn read_chosen(
        &self,
        file: &DataFile,
        chosen: &[bool],
        reading: Reading<'_>,
        each: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        let index = self.index(file).await?;
        let rows = RowSelection::from_filters(&[BooleanArray::from(chosen.to_vec())]);
        self.read_selected(&index.path, index.metadata, Some(rows), reading, each).await
    }

    /// Reads some columns of some pages of a file. `each` sees batch after batch.
    ///
    /// # Errors
    /// Where the file cannot be read, or `each` fails.
    pub async fn read_pages(
        &self,
        file: &Indexed,
        pages: &Pages,
        reading: Reading<'_>,
        each: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        self.read_selected(&file.path, file.metadata.clone(), Some(pages.selection.clone()), reading, each).await
    }
}

impl Indexed {
    /// The file's path below the table.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Bytes that the index takes.
    pub fn memory_size(&self) -> usize {
        self.metadata.memory_size()
    }

    /// The pages of a derived table that hold what happened between two moments, both included; microseconds.
    ///
    /// # Errors
    /// Where the index is broken.
    pub fn pages_within(&self, table: &Table, from: i64, to: i64) -> Result<Pages> {
        let (column, longest) = match table.index("first_at") {
            // A row of activity lasts a day at most.
            Some(_) => ("first_at", DAY),
            None => ("event_time", 0),
        };
        let stretches = self.stretches(column)?;
        let within = |(first, last): (i64, i64)| first <= to && from <= last.saturating_add(longest);
        let places = stretches.iter().enumerate().filter(|(_, page)| page.times.is_none_or(within));
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        Ok(Pages::of(&stretches, &places))
    }

    /// The file's pages, and the first and last time of `column` in each.
    ///
    /// # Errors
    /// Where the index is broken.
    pub fn stretches(&self, column: &str) -> Result<Vec<Stretch>> {
        self.all_stretches(column).map_err(|e| broken(&self.path, e))
    }

    fn all_stretches(&self, column: &str) -> std::result::Result<Vec<Stretch>, ParquetError> {
        let arrow = ArrowReaderMetadata::try_new(self.metadata.clone(), ArrowReaderOptions::new())?;
        let schema = self.metadata.file_metadata().schema_descr();
        let times = StatisticsConverter::try_new(column, arrow.schema(), schema)?;
        let mut stretches: Vec<Stretch> = Vec::new();
        for (place, group) in self.metadata.row_groups().iter().enumerate() {
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            let whole = Stretch { group: place, rows, times: None };
            let (Some(columns), Some(offsets)) = (self.metadata.column_index(), self.metadata.offset_index()) else {
                stretches.push(whole);
                continue;
            };
            let lows = times.data_page_mins(columns, offsets, [&place])?;
            let highs = times.data_page_maxes(columns, offsets, [&place])?;
            let counts = times.data_page_row_counts(offsets, self.metadata.row_groups(), [&place])?;
            let (Some(bounds), Some(counts)) = (bounds(&lows, &highs), counts) else {
                stretches.push(whole);
                continue;
            };
            let rows = counts.iter().map(|rows| usize::try_from(rows.unwrap_or_default()).unwrap_or_default());
            // A page that the column's index does not list has no known times.
            let bounds = bounds.into_iter().chain(std::iter::repeat(None));
            stretches.extend(rows.zip(bounds).map(|(rows, times)| Stretch { group: place, rows, times }));
        }
        Ok(stretches)
    }
}

impl Pages {
    /// Those of a file's pages at these places, which ascend.
    pub fn of(stretches: &[Stretch], places: &[usize]) -> Self {
        let mut places = places.iter().copied().peekable();
        let selection: RowSelection = stretches
            .iter()
            .enumerate()
            .map(|(place, page)| match places.next_if_eq(&place) {
                Some(_) => RowSelector::select(page.rows),
                None => RowSelector::skip(page.rows),
            })
            .collect();
        Self { rows: selection.row_count(), selection }
    }
}

/// The slots of the day that each row group's times span, by the footer alone; all of them where it does not tell.
///
/// # Errors
/// Where the footer is broken.
pub fn group_times(footer: &Arc<ParquetMetaData>, column: &str, path: &str) -> Result<Vec<Slots>> {
    let times = || {
        let arrow = ArrowReaderMetadata::try_new(footer.clone(), ArrowReaderOptions::new())?;
        let times = StatisticsConverter::try_new(column, arrow.schema(), footer.file_metadata().schema_descr())?;
        Ok((times.row_group_mins(footer.row_groups())?, times.row_group_maxes(footer.row_groups())?))
    };
    let (lows, highs) = times().map_err(|e| broken(path, e))?;
    let unknown = || vec![None; footer.num_row_groups()];
    let bounds = bounds(&lows, &highs).unwrap_or_else(unknown);
    Ok(bounds
        .into_iter()
        .map(|times| times.map_or_else(Slots::all, |(first, last)| Slots::span(first, last)))
        .collect())
}

/// The smallest and the largest time of each; `None` where they are no times.
fn bounds(lows: &ArrayRef, highs: &ArrayRef) -> Option<Vec<Option<(i64, i64)>>> {
    let lows = lows.as_primitive_opt::<TimestampMicrosecondType>()?;
    let highs = highs.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some(lows.iter().zip(highs).map(|(low, high)| low.zip(high)).collect())
}

fn broken(path: &str, e: ParquetError) -> Error {
    Error::input("a data file's index is broken").context("file", path.to_owned()).source(e)
}
