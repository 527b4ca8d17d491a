//! `rolecall lake`: what is in the lake; `upkeep` looks after it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use clap::{Args, Subcommand};

use super::Outcome;
use super::answer::Answering;
use super::arguments::{Answer, Configured, S3, lake_location};
use super::console::Console;
use super::interrupt::Interrupt;
use super::upkeep::{Optimize, Rederive, Upgrade, Vacuum};
use crate::error::{Error, Result};
use crate::lake::schema::{EVENTS, TABLES};
use crate::lake::store;

/// Look after the lake
#[derive(Debug, Args)]
pub struct Lake {
    #[command(subcommand)]
    verb: LakeVerb,
}

#[derive(Debug, Subcommand)]
enum LakeVerb {
    Status(Status),
    Optimize(Optimize),
    Vacuum(Vacuum),
    Rederive(Rederive),
    Upgrade(Upgrade),
}

/// Say what is in the lake: every table's rows, files, bytes and version, and the time its events span
#[derive(Debug, Args)]
struct Status {
    /// The lake: a folder or s3://bucket/prefix [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake]
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    s3: S3,
    #[command(flatten)]
    configured: Configured,
}

impl Lake {
    /// Does what was asked of the lake.
    ///
    /// # Errors
    /// There is no lake, or it cannot be read, or the answer cannot be written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let status = match self.verb {
            LakeVerb::Status(status) => status,
            LakeVerb::Optimize(verb) => return verb.run(console, interrupt).await,
            LakeVerb::Vacuum(verb) => return verb.run(console, interrupt).await,
            LakeVerb::Rederive(verb) => return verb.run(console, interrupt).await,
            LakeVerb::Upgrade(verb) => return verb.run(console, interrupt).await,
        };
        let answering = Answering::begin(&status.answer, console)?;
        interrupt
            .unless(async {
                let config = status.configured.load()?;
                let location = lake_location(status.lake.as_deref(), &config);
                let lake = store::Lake::open(&location, &status.s3.lake_options(&config)).await?;
                console.status(&format!("Lake {}", lake.location()));
                answering.batches(&[tables(&lake)?])?;
                Ok(Outcome::Complete)
            })
            .await
    }
}

/// One row a table, from the lists of files: no data is read.
fn tables(lake: &store::Lake) -> Result<RecordBatch> {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut names = Vec::new();
    let (mut rows, mut files, mut bytes, mut versions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for table in TABLES.iter() {
        let list = lake.files(table)?;
        names.push(table.name);
        rows.push(list.all().map(|file| count(file.rows as u64)).sum::<i64>());
        files.push(count(list.all().count() as u64));
        bytes.push(list.all().map(|file| count(file.size)).sum::<i64>());
        versions.push(count(lake.version(table.name)?));
        let times = list.all().filter(|_| table.name == EVENTS.name).filter_map(|file| file.times());
        let (starts, ends): (Vec<_>, Vec<_>) = times.unzip();
        first.push(starts.into_iter().min());
        last.push(ends.into_iter().max());
    }
    let number = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let time =
        |values: Vec<Option<i64>>| Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")) as ArrayRef;
    RecordBatch::try_from_iter_with_nullable([
        ("table", Arc::new(StringArray::from(names)) as ArrayRef, true),
        ("rows", number(rows), true),
        ("files", number(files), true),
        ("bytes", number(bytes), true),
        ("version", number(versions), true),
        ("first_event_at", time(first), true),
        ("last_event_at", time(last), true),
    ])
    .map_err(|e| Error::internal("the lake's status cannot be shown").source(e))
}
