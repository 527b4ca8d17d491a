//! `rolecall lake`: what is in the lake, and what is not; `upkeep` looks after it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use futures::TryStreamExt;
use indicatif::HumanCount;

use super::Outcome;
use super::answer::Answering;
use super::arguments::{Answer, Configured, S3, Wanted, lake_location};
use super::console::Console;
use super::interrupt::Interrupt;
use super::lake_screen::{Picture, render};
use super::output::{Format, Row, rows};
use super::upkeep::{Optimize, Rederive, Upgrade, Vacuum};
use crate::error::{Error, Result};
use crate::lake::status::{self, TableStatus};
use crate::lake::store;
use crate::source::{Filters, layout};
use crate::sql::mistake::explain;
use crate::sql::session::Engine;
use crate::sql::setup::Setup;

/// Events in which fields without a column are looked for; the newest days of them, for their texts are most of a lake.
const LOOKED_THROUGH: u64 = 1_000_000;

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

/// Say what is in the lake, and what is not
///
/// On a terminal: the tables, the books, a strip of events for each account, silences that are not usual, trails without calls
/// that only read, accounts that are named and deliver nothing, faults, and fields that are new. All of it can be asked for in SQL:
/// coverage, coverage_gaps, account_coverage, missing_accounts, unknown_fields, faults, evidence. Other formats give a row a table.
#[derive(Debug, Args)]
struct Status {
    /// The lake: a folder or s3://bucket/prefix [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake]
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
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
        interrupt.unless(status.answered(answering, console)).await
    }
}

impl Status {
    async fn answered(&self, answering: Answering, console: Console) -> Result<Outcome> {
        let config = self.configured.load()?;
        let location = lake_location(self.lake.as_deref(), &config);
        let filters = self.wanted.filters(&config)?;
        let lake = store::Lake::open(&location, &self.s3.lake_options(&config)).await?;
        if answering.format() == Format::Table {
            let picture = picture(&lake, filters, Setup::of(&config)?).await?;
            console.status(&format!("Lake {}, filled by {} runs", lake.location(), HumanCount(picture.status.ingests)));
            let text = render(&picture, answering.width(), unicode());
            answering.text(&text)?;
        } else {
            console.status(&format!("Lake {}", lake.location()));
            answering.batches(&[tables(&status::tables(&lake)?)?])?;
        }
        Ok(Outcome::Complete)
    }
}

/// Asks for everything that the screen shows.
async fn picture(lake: &store::Lake, filters: Filters, setup: Setup) -> Result<Picture> {
    let engine = Engine::over_lake(lake, &filters, setup.clone()).await?;
    engine.hold_coverage().await?;
    let since = status::newest_days(lake, LOOKED_THROUGH)?.and_then(NaiveDate::from_epoch_days);
    let since = since.filter(|day| layout::day_start(*day) > filters.since);
    let newest = Filters { since: since.and_then(layout::day_start).max(filters.since), ..filters.clone() };
    let newest = Engine::over_lake(lake, &newest, setup).await?;
    let within = |first: &str, last: &str| {
        let since = filters.since.map(|t| format!("to_unixtime({last}) >= {}", t.div_euclid(1_000_000)));
        let until = filters.until.map(|t| format!("to_unixtime({first}) < {}", t.div_euclid(1_000_000)));
        since.into_iter().chain(until).fold("true".to_owned(), |all, one| format!("{all} AND {one}"))
    };
    Ok(Picture {
            status: status::status(lake).await?,
            hours: ask(
                &engine,
                "SELECT account, hour, CAST(sum(events) AS BIGINT) AS events, max(lateness) AS lateness FROM coverage GROUP BY 1, 2",
            )
            .await?,
            gaps: ask(&engine, "SELECT * FROM coverage_gaps ORDER BY silent_hours DESC, account, region, silent_from").await?,
            write_only: ask(
                &engine,
                "SELECT account, events FROM account_coverage WHERE NOT delivers_read_only ORDER BY events DESC, account",
            )
            .await?,
            missing: ask(
                &engine,
                &format!(
                    "SELECT * FROM missing_accounts WHERE {} ORDER BY calls DESC, account",
                    within("first_seen", "last_seen")
                ),
            )
            .await?,
            fields: ask(&newest, "SELECT * FROM unknown_fields WHERE NOT documented ORDER BY first_seen DESC, field").await?,
            fields_since: since.map(|day| day.to_string()),
            evidence: ask(&engine, "SELECT verdict, CAST(sum(events) AS BIGINT) AS events FROM evidence GROUP BY 1").await?,
        })
}

/// A small answer.
async fn ask(engine: &Engine, sql: &str) -> Result<Vec<Row>> {
    let stream = engine.query(sql, Vec::new()).await?;
    rows(&stream.try_collect::<Vec<_>>().await.map_err(|e| explain(e, &[]))?)
}

/// Whether the terminal's locale can show more than ASCII; where nothing tells, it is taken for able to.
fn unicode() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// One row a table.
fn tables(tables: &[TableStatus]) -> Result<RecordBatch> {
    let number = |of: fn(&TableStatus) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(tables.iter().map(|table| i64::try_from(of(table)).unwrap_or(i64::MAX))))
    };
    let time = |of: fn((i64, i64)) -> i64| -> ArrayRef {
        let times = tables.iter().map(|table| table.times.map(of));
        Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
    };
    RecordBatch::try_from_iter_with_nullable([
        ("table", Arc::new(StringArray::from_iter_values(tables.iter().map(|table| table.name))) as ArrayRef, true),
        ("rows", number(|table| table.rows), true),
        ("files", number(|table| table.files), true),
        ("bytes", number(|table| table.bytes), true),
        ("version", number(|table| table.version), true),
        ("first_event_at", time(|times| times.0), true),
        ("last_event_at", time(|times| times.1), true),
    ])
    .map_err(|e| Error::internal("the lake's status cannot be shown").source(e))
}
