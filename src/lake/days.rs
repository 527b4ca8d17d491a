//! Tables that are written a day at a time, each day as a whole: `daily`, `findings`, `nights`; and `verdicts`, which only grow.

use arrow::array::RecordBatch;

use super::schema::{Table, VERDICTS};
use super::store::{Committed, Lake};
use crate::error::Result;

impl Lake {
    /// Puts rows in the place of all that a table holds of their days; the table is made where the lake has none. Days are days
    /// since 1970-01-01; a day without rows is emptied.
    ///
    /// # Errors
    /// Where the lake cannot be read or written.
    pub async fn write_days(&mut self, table: &'static Table, days: &[(i32, RecordBatch)]) -> Result<()> {
        if !self.has(table) {
            self.add(table).await?;
        }
        let writer = self.writer(table)?;
        let mut files = Vec::with_capacity(days.len());
        for (day, rows) in days {
            if rows.num_rows() > 0 {
                files.push(writer.write_day(*day, rows).await?);
            }
        }
        let days: Vec<i32> = days.iter().map(|(day, _)| *day).collect();
        // Whoever wrote meanwhile wrote the same days from the same events, or other days.
        while self.replace_days(table, &days, &files).await? == Committed::Behind {}
        Ok(())
    }

    /// Adds verdicts.
    ///
    /// # Errors
    /// Where the lake cannot be read or written.
    pub async fn add_verdicts(&mut self, rows: &RecordBatch) -> Result<()> {
        if !self.has(&VERDICTS) {
            self.add(&VERDICTS).await?;
        }
        let file = self.writer(&VERDICTS)?.write_rows(rows).await?;
        while self.commit(&VERDICTS, std::slice::from_ref(&file), None).await? == Committed::Behind {}
        Ok(())
    }
}
