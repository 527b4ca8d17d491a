//! Opens what is asked, a lake or log files, and asks it.

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use indicatif::HumanCount;

use super::answer::Answering;
use super::arguments::{Reading, lake_location};
use super::console::Console;
use super::{Outcome, sources};
use crate::error::{Error, Kind, Result};
use crate::source::Filters;
use crate::sql::mistake::explain;
use crate::sql::session::Engine;

/// Faults that are told one by one.
const TOLD: usize = 10;

/// Something that can be asked.
pub struct Asking {
    engine: Engine,
    /// The log files, as named; empty for a lake.
    logs: String,
    console: Console,
}

impl Asking {
    /// Opens the lake or the log files.
    ///
    /// # Errors
    /// They cannot be opened.
    pub async fn open(reading: &Reading, console: Console) -> Result<Self> {
        Self::open_narrowed(reading, reading.wanted.filters()?, console).await
    }

    /// The same with filters of the verb's own.
    ///
    /// # Errors
    /// They cannot be opened.
    pub async fn open_narrowed(reading: &Reading, filters: Filters, console: Console) -> Result<Self> {
        let asked = &reading.asked;
        let engine = if asked.logs.is_empty() {
            Engine::open_lake(&lake_location(asked.lake.as_deref()), &reading.s3.lake_options(), &filters).await?
        } else {
            let opened = sources::open(&asked.logs, &reading.s3.options(), console).await?;
            Engine::open_logs(opened, &filters).await?
        };
        Ok(Self { engine, logs: asked.logs.join(", "), console })
    }

    /// What answers.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Asks, and writes the answer as it comes.
    ///
    /// # Errors
    /// The query is wrong or fails, or the answer cannot be written.
    pub async fn answer(&self, sql: &str, params: Vec<(String, ScalarValue)>, answering: Answering) -> Result<()> {
        answering.stream(self.engine.query(sql, params).await?).await
    }

    /// Asks for an answer that is small: at least one batch, which may be empty.
    ///
    /// # Errors
    /// The query fails.
    pub async fn rows(&self, sql: &str, params: Vec<(String, ScalarValue)>) -> Result<Vec<RecordBatch>> {
        let stream = self.engine.query(sql, params).await?;
        let mut batches = vec![RecordBatch::new_empty(stream.schema())];
        batches.extend(stream.try_collect::<Vec<_>>().await.map_err(|e| explain(e, &[]))?);
        Ok(batches)
    }

    /// Says what could not be read while answering, and so how the verb ended.
    ///
    /// # Errors
    /// The log files hold no CloudTrail records.
    pub fn close(self) -> Result<Outcome> {
        let Some(books) = self.engine.books() else { return Ok(Outcome::Complete) };
        if books.incomplete() {
            let all = books.faults() + books.failures.len() + books.archives.len();
            let count = HumanCount(all as u64);
            self.console.warning(&format!("the answer may not be whole: {count} things could not be read"));
            for fault in books.first_faults(TOLD) {
                self.console.warning(&fault);
            }
            return Ok(Outcome::Incomplete);
        }
        if books.empty() {
            return Err(Error::new(Kind::Empty, format!("no CloudTrail records in {}", self.logs)).hint(
                "expected are .json, .json.gz or .zip files, or keys like AWSLogs/<account>/CloudTrail/<region>/...",
            ));
        }
        Ok(Outcome::Complete)
    }
}
