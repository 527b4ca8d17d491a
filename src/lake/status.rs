//! What is in a lake: the figures that `rolecall lake status` shows.
//!
//! It reads statistics where they tell, and the ledger; of `events` no more than one column.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::prelude::SessionContext;

use super::ledger;
use super::schema::{EVENTS, LEDGER, TABLES};
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
}

/// A lake's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The lake, as named.
    pub location: String,
    /// The tables.
    pub tables: Vec<TableStatus>,
    /// The first and the last event time, microseconds.
    pub events: Option<(i64, i64)>,
    /// The accounts that received events, sorted; events without one are not told.
    pub accounts: Vec<String>,
    /// Runs that stored something.
    pub ingests: u64,
    /// Objects by what became of them.
    pub objects: BTreeMap<String, u64>,
    /// Faults by reason.
    pub faults: BTreeMap<String, u64>,
}

/// Finds a lake's figures, at the versions it stands at.
///
/// # Errors
/// Where the lake cannot be read.
pub async fn status(lake: &Lake) -> Result<Status> {
    let mut status = Status { location: lake.location().to_owned(), ..Status::default() };
    let sum = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    for table in TABLES.iter() {
        let files = lake.files(table)?;
        status.tables.push(TableStatus {
            name: table.name,
            version: lake.version(table.name)?,
            rows: files.all().map(|file| sum(file.rows)).sum(),
            files: sum(files.all().count()),
            bytes: files.all().map(|file| file.size).sum(),
        });
        if table.name == EVENTS.name {
            let times = || files.all().filter_map(|file| file.times());
            status.events = times().map(|(first, _)| first).min().zip(times().map(|(_, last)| last).max());
        }
    }
    let context = SessionContext::new();
    for table in [EVENTS.name, LEDGER.name] {
        context.register_table(table, lake.provider(table).await?).map_err(|e| broken(lake, e))?;
    }
    let latest = ledger::latest();
    let ask = async |query: String| counts(&context, &query).await.map_err(|e| broken(lake, e));
    let accounts =
        "SELECT recipient_account_id, count(*) FROM events WHERE recipient_account_id IS NOT NULL GROUP BY 1";
    status.accounts = ask(accounts.to_owned()).await?.into_keys().collect();
    status.ingests = sum(ask("SELECT ingest_number, count(*) FROM ledger GROUP BY 1".to_owned()).await?.len());
    status.objects = ask(format!("SELECT status, count(*) FROM ({latest}) GROUP BY 1")).await?;
    let faults = format!("SELECT unnest(faults) AS fault FROM ({latest})");
    status.faults = ask(format!("SELECT fault['reason'], count(*) FROM ({faults}) GROUP BY 1")).await?;
    Ok(status)
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
