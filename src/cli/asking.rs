//! Opens what is asked, a lake or log files, and asks it.

use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use indicatif::HumanCount;

use super::answer::Answering;
use super::arguments::{Reading, lake_location};
use super::console::Console;
use super::interrupt::Interrupt;
use super::{Outcome, sources};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::lake::store::Lake;
use crate::source::Filters;
use crate::sql::mistake::explain;
use crate::sql::session::{Engine, WORTH_KEEPING};
use crate::sql::setup::Setup;

/// Faults that are told one by one.
const TOLD: usize = 10;

/// Something that can be asked.
pub struct Asking {
    engine: Engine,
    /// The log files, as named; empty for a lake.
    logs: String,
    /// Faults that the user knows of.
    told: AtomicUsize,
    console: Console,
}

impl Asking {
    /// Opens the lake or the log files.
    ///
    /// # Errors
    /// They cannot be opened.
    pub async fn open(reading: &Reading, console: Console) -> Result<Self> {
        let config = reading.configured.load()?;
        let filters = reading.wanted.filters(&config)?;
        Self::open_narrowed(reading, &config, filters, console).await
    }

    /// The same with filters of the verb's own.
    ///
    /// # Errors
    /// They cannot be opened.
    pub async fn open_narrowed(reading: &Reading, config: &Config, filters: Filters, console: Console) -> Result<Self> {
        let setup = Setup::of(config)?;
        let asked = &reading.asked;
        let engine = if asked.logs.is_empty() {
            let location = lake_location(asked.lake.as_deref(), config);
            let lake = Lake::open(&location, &reading.s3.lake_options(config)).await?;
            if asked.fresh {
                let opened = sources::open_of_lake(&lake, config, &reading.s3, console).await?;
                let engine = Engine::over_both(&lake, opened, &filters, setup).await?;
                if let Some(books) = engine.books() {
                    let count = HumanCount(books.listed.unwrap_or_default() as u64);
                    console.status(&format!("{count} objects are read that the lake does not hold"));
                }
                engine
            } else {
                Engine::over_lake(&lake, &filters, setup).await?
            }
        } else {
            let opened = sources::open(&asked.logs, &reading.s3.options(), console).await?;
            Engine::over_logs(opened, &filters, setup).await?
        };
        Ok(Self { engine, logs: asked.logs.join(", "), told: AtomicUsize::new(0), console })
    }

    /// Asks one question, writes its answer, and says how it ended. What it had to link is written down when it is answered; who
    /// does not want to wait for that loses nothing.
    ///
    /// # Errors
    /// It cannot be opened, the query is wrong or fails, or the answer cannot be written.
    pub async fn once(
        reading: &Reading,
        sql: &str,
        params: Vec<(String, ScalarValue)>,
        answering: Answering,
        console: Console,
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        let asked = async {
            let asking = Self::open(reading, console).await?;
            asking.answer(sql, params, answering).await?;
            Ok((asking.outcome()?, asking))
        };
        let (outcome, asking) = interrupt.unless(asked).await?;
        asking.write_down(interrupt).await;
        Ok(outcome)
    }

    /// Writes down what had to be linked, unless interrupted.
    pub async fn write_down(&self, interrupt: &Interrupt) {
        _ = interrupt
            .unless(async {
                self.engine.write_down(WORTH_KEEPING).await;
                Ok(())
            })
            .await;
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Asks, and writes the answer as it comes.
    ///
    /// # Errors
    /// The query is wrong or fails, or the answer cannot be written.
    pub async fn answer(&self, sql: &str, params: Vec<(String, ScalarValue)>, answering: Answering) -> Result<()> {
        answering.stream(self.engine.query(sql, params).await?).await?;
        if let Some(missed) = self.engine.missed() {
            self.console.warning(&missed);
        }
        Ok(())
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

    /// Says what could not be read so far and was not said before, and so how the questions so far ended.
    ///
    /// # Errors
    /// The log files hold no CloudTrail records.
    pub fn outcome(&self) -> Result<Outcome> {
        let Some(books) = self.engine.books() else { return Ok(Outcome::Complete) };
        if books.incomplete() {
            let all = books.faults() + books.failures.len() + books.archives.len();
            if self.told.swap(all, Ordering::Relaxed) < all {
                let count = HumanCount(all as u64);
                self.console.warning(&format!("the answer may not be whole: {count} things could not be read"));
                for fault in books.first_faults(TOLD) {
                    self.console.warning(&fault);
                }
            }
            return Ok(Outcome::Incomplete);
        }
        if books.empty() && !self.logs.is_empty() {
            return Err(Error::new(Kind::Empty, format!("no CloudTrail records in {}", self.logs)).hint(
                "expected are .json, .json.gz or .zip files, or keys like AWSLogs/<account>/CloudTrail/<region>/...",
            ));
        }
        Ok(Outcome::Complete)
    }
}
