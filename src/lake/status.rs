//! What is in a lake: the figures that `rolecall lake status` shows.
//!
//! Reads the lists of files and the ledger; of `events` nothing.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::prelude::SessionContext;

use super::ledger;
use super::schema::{EVENTS, LEDGER};
use super::store::Lake;
use crate::error::{Error, Result};

/// One table's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStatus {
    /// The table.
    pub name: &'static str,
    /// Its version.
    pub version: u64,
    /// Rows.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// The first and the last event time, microseconds; of `events` alone.
    pub times: Option<(i64, i64)>,
}

/// A lake's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The tables.
    pub tables: Vec<TableStatus>,
    /// Runs that stored something.
    pub ingests: u64,
    /// Objects by what became of them.
    pub objects: BTreeMap<String, u64>,
    /// Faults by reason.
    pub faults: BTreeMap<String, u64>,
}

/// The tables' figures, from their lists of files: no data is read.
///
/// # Errors
/// Where the lake cannot be read.
pub fn tables(lake: &Lake) -> Result<Vec<TableStatus>> {
    let mut tables = Vec::new();
    for table in lake.has_tables() {
        let files = lake.files(table)?;
        let times = || files.all().filter(|_| table.name == EVENTS.name).filter_map(|file| file.times());
        tables.push(TableStatus {
            name: table.name,
            version: lake.version(table.name)?,
            rows: files.all().map(|file| number(file.rows)).sum(),
            files: number(files.all().count()),
            bytes: files.all().map(|file| file.size).sum(),
            times: times().map(|(first, _)| first).min().zip(times().map(|(_, last)| last).max()),
        });
    }
    Ok(tables)
}

/// The first of the newest days that hold at least so many events together, days since 1970; `None` where all of them hold
/// fewer.
///
/// # Errors
/// Where the lake cannot be read.
pub fn newest_days(lake: &Lake, events: u64) -> Result<Option<i32>> {
    let files = lake.files(&EVENTS)?;
    let mut days = BTreeMap::<i32, u64>::new();
    for file in files.all() {
        let day = file.times().map(|(first, _)| super::batch::day(first));
        *days.entry(day.unwrap_or_default()).or_default() += number(file.rows);
    }
    let mut sum = 0;
    for (day, rows) in days.into_iter().rev() {
        sum += rows;
        if sum >= events {
            return Ok(Some(day));
        }
    }
    Ok(None)
}

/// Finds a lake's figures, at the versions it stands at.
///
/// # Errors
/// Where the lake cannot be read.
pub async fn status(lake: &Lake) -> Result<Status> {
    let context = SessionContext::new();
    context.register_table(LEDGER.name, lake.provider(LEDGER.name).await?).map_err(|e| broken(lake, e))?;
    let latest = ledger::latest();
    let ask = async |query: String| counts(&context, &query).await.map_err(|e| broken(lake, e));
    let faults = format!("SELECT unnest(faults) AS fault FROM ({latest})");
    Ok(Status {
        tables: tables(lake)?,
        ingests: number(ask("SELECT ingest_number, count(*) FROM ledger GROUP BY 1".to_owned()).await?.len()),
        objects: ask(format!("SELECT status, count(*) FROM ({latest}) GROUP BY 1")).await?,
        faults: ask(format!("SELECT fault['reason'], count(*) FROM ({faults}) GROUP BY 1")).await?,
    })
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// The rows of a query that gives a text and a count.
async fn counts(context: &SessionContext, query: &str) -> datafusion::error::Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for batch in context.sql(query).await?.collect().await? {
        let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
        let numbers = arrow::compute::cast(batch.column(1), &DataType::Int64)?;
        let (texts, numbers) = (texts.as_string::<i32>(), numbers.as_primitive::<Int64Type>());
        for row in (0..batch.num_rows()).filter(|row| texts.is_valid(*row)) {
            counts.insert(texts.value(row).to_owned(), u64::try_from(numbers.value(row)).unwrap_or_default());
        }
    }
    Ok(counts)
}

fn broken(lake: &Lake, e: datafusion::error::DataFusionError) -> Error {
    Error::input("cannot read the lake").context("lake", lake.location().to_owned()).source(e)
}
