//! The verdicts of `verify`: written as they come, part of the lake all at once at the run's end.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::files::Reading;
use super::schema::INTEGRITY;
use super::store::{Committed, Lake};
use super::write::NewFile;
use crate::error::{Error, Result};

/// The row of each object that counts, as SQL over a table `integrity_rows` that holds the rows of all runs.
pub fn latest() -> &'static str {
    "SELECT source_object, kind, verdict, reason, proof, account, region, trail, chain, digest, delivered_at, \
     expected_sha256, found_sha256, verify_number, verified_at FROM (SELECT *, row_number() OVER (PARTITION BY \
     source_object, kind ORDER BY verify_number DESC, verified_at DESC) AS place FROM integrity_rows) WHERE place = 1"
}

/// A run's verdicts on their way into the lake.
#[derive(Debug)]
pub struct Verdicts {
    lake: Lake,
    files: Vec<NewFile>,
    /// The run's number, from 1.
    pub number: i64,
}

impl Verdicts {
    /// Begins a run; the lake gets the table where it has none.
    ///
    /// # Errors
    /// Where the lake cannot be read or written.
    pub async fn begin(mut lake: Lake) -> Result<Self> {
        lake.add(&INTEGRITY).await?;
        let files = lake.files(&INTEGRITY)?;
        let mut highest = 0;
        for file in files.all() {
            let misfit = || Error::internal("a stored file of integrity does not have the lake's columns");
            files
                .read(file, Reading::of(&["verify_number"], &[]), &mut |batch| {
                    let numbers = batch.column_by_name("verify_number").ok_or_else(misfit)?;
                    let numbers = numbers.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
                    highest = numbers.iter().flatten().fold(highest, i64::max);
                    Ok(())
                })
                .await?;
        }
        Ok(Self { lake, files: Vec::new(), number: highest + 1 })
    }

    /// Writes rows; nobody sees them yet.
    ///
    /// # Errors
    /// Where the lake cannot be written.
    pub async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() > 0 {
            self.files.push(self.lake.writer(&INTEGRITY)?.write_rows(rows).await?);
        }
        Ok(())
    }

    /// Makes all of them part of the lake.
    ///
    /// # Errors
    /// Where the lake cannot be written.
    pub async fn commit(mut self) -> Result<()> {
        if self.files.is_empty() {
            return Ok(());
        }
        // Rows of another run do not stand in the way of these: the latest count.
        while self.lake.commit(&INTEGRITY, &self.files, None).await? == Committed::Behind {}
        Ok(())
    }
}
