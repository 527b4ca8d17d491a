//! When a value was seen: the rows of a derived table that hold it, found by bloom filters and read no further than their times.

use futures::StreamExt;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;

use super::files::{DataFile, Files, Reading};
use crate::error::{Error, Result};

/// Files looked into at a time.
const FILES: usize = 8;

/// The columns that tell when a row of a derived table happened, the first and the last moment; in some it is one.
fn time_columns(one: bool) -> (&'static str, &'static str) {
    if one { ("event_time", "event_time") } else { ("first_at", "last_at") }
}

impl Files {
    /// The first and the last moment, in microseconds, of the rows whose text `column` is one of `values`; `None` where no row is.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub async fn times_of(&self, column: &str, values: &[String]) -> Result<Option<(i64, i64)>> {
        let files: Vec<DataFile> = self.all().cloned().collect();
        let mut reads = futures::stream::iter(files)
            .map(|file| async move { self.times_in(&file, column, values).await })
            .buffer_unordered(FILES);
        let mut all: Option<(i64, i64)> = None;
        while let Some(found) = reads.next().await {
            all = widest(all, found?);
        }
        Ok(all)
    }

    async fn times_in(&self, file: &DataFile, column: &str, values: &[String]) -> Result<Option<(i64, i64)>> {
        if !self.may_hold(file, column, values).await? {
            return Ok(None);
        }
        let (first, last) = time_columns(self.table().index("event_time").is_some());
        let mut found = None;
        let columns = [column, first, last];
        let reading = Reading::of(&columns, &[]);
        self.read(file, reading, &mut |batch| {
            found = widest(found, times_in(&batch, column, values)?);
            Ok(())
        })
        .await?;
        Ok(found)
    }
}

/// The first and the last moment, in microseconds, of the rows of a derived table whose text `column` is one of `values`.
///
/// # Errors
/// Where the rows are of another table.
pub fn times_in(batch: &RecordBatch, column: &str, values: &[String]) -> Result<Option<(i64, i64)>> {
    let misfit = || Error::internal("a derived table does not have the lake's columns");
    let time = |name| batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>();
    let (first, last) = time_columns(batch.column_by_name("event_time").is_some());
    let texts = batch.column_by_name(column).and_then(|c| c.as_string_opt::<i32>()).ok_or_else(misfit)?;
    let (first, last) = (time(first).ok_or_else(misfit)?, time(last).ok_or_else(misfit)?);
    let mut found = None;
    for row in (0..batch.num_rows()).filter(|&row| texts.is_valid(row)) {
        if values.iter().any(|value| value == texts.value(row)) {
            found = widest(found, Some((first.value(row), last.value(row))));
        }
    }
    Ok(found)
}

/// The stretch from the first of two stretches to the last.
pub fn widest(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (one, other) => one.or(other),
    }
}
