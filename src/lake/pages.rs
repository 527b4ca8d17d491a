//! Part of a data file: the pages whose times fall into some slots of the day, by the page index, and nothing else of it.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
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

/// The rows of a file that stand in pages of some slots.
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
        pages: Pages,
        reading: Reading<'_>,
        each: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        self.read_selected(&file.path, file.metadata.clone(), Some(pages.selection), reading, each).await
    }
}

impl Indexed {
    /// The file's path below the table.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The pages that hold events of the slots, as far as the index tells.
    ///
    /// # Errors
    /// Where the index is broken.
    pub fn pages(&self, slots: &Slots) -> Result<Pages> {
        self.select("event_time", &|first, last| Slots::span(first, last).meets(slots))
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
        self.select(column, &|first, last| first <= to && from <= last.saturating_add(longest))
    }

    fn select(&self, column: &str, wanted: &dyn Fn(i64, i64) -> bool) -> Result<Pages> {
        self.selection(column, wanted)
            .map_err(|e| Error::input("a data file's index is broken").context("file", self.path.clone()).source(e))
    }

    fn selection(&self, column: &str, wanted: &dyn Fn(i64, i64) -> bool) -> std::result::Result<Pages, ParquetError> {
        let arrow = ArrowReaderMetadata::try_new(self.metadata.clone(), ArrowReaderOptions::new())?;
        let schema = self.metadata.file_metadata().schema_descr();
        let times = StatisticsConverter::try_new(column, arrow.schema(), schema)?;
        let mut selectors: Vec<RowSelector> = Vec::new();
        for (place, group) in self.metadata.row_groups().iter().enumerate() {
            let whole = usize::try_from(group.num_rows()).unwrap_or_default();
            let (Some(columns), Some(offsets)) = (self.metadata.column_index(), self.metadata.offset_index()) else {
                selectors.push(RowSelector::select(whole));
                continue;
            };
            let lows = times.data_page_mins(columns, offsets, [&place])?;
            let highs = times.data_page_maxes(columns, offsets, [&place])?;
            let counts = times.data_page_row_counts(offsets, self.metadata.row_groups(), [&place])?;
            let (lows, highs) = (
                lows.as_primitive_opt::<TimestampMicrosecondType>(),
                highs.as_primitive_opt::<TimestampMicrosecondType>(),
            );
            let (Some(lows), Some(highs), Some(counts)) = (lows, highs, counts) else {
                selectors.push(RowSelector::select(whole));
                continue;
            };
            for (page, rows) in counts.iter().enumerate() {
                let rows = usize::try_from(rows.unwrap_or_default()).unwrap_or_default();
                let told = page < lows.len() && lows.is_valid(page) && highs.is_valid(page);
                let wanted = !told || wanted(lows.value(page), highs.value(page));
                selectors.push(if wanted { RowSelector::select(rows) } else { RowSelector::skip(rows) });
            }
        }
        let selection = RowSelection::from(selectors);
        Ok(Pages { rows: selection.row_count(), selection })
    }
}
