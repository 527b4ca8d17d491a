//! What is usual: the table `daily`, brought up to date, and the sums over it that detections compare a night with.
//!
//! A day is made from the lake's other tables by `queries/baselines/20-daily.sql` and kept with the number of events that it was
//! made from: where events came late the number differs, and the day is made anew. So a night reads ready sums of the days
//! before, and its cost is that of the night.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Date32Type};
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use std::sync::Arc;

use super::catalogue::hex;
use super::functions;
use crate::error::{Error, Result};
use crate::lake::rows::{column, typed};
use crate::lake::schema::{DAILY, EVENTS};
use crate::lake::store::Lake;
use crate::source::Filters;
use crate::sql::session::Engine;
use crate::sql::setup::Setup;

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// Days that a baseline looks back.
pub const WINDOW: i32 = 90;

/// What linking must see before a moment to tell the sessions of that moment: twice the longest life of a credential.
const LOOK_BACK: i64 = 3 * DAY;

/// Days that are made at a time: a lake's whole past is no more work at once than this.
const CHUNK: i32 = 10;

/// Sessions with stable names.
const PROFILED: &str = include_str!("../../queries/baselines/10-profiled.sql");
/// What many of a day's rows are made from, asked once and held: a statement that names a part of itself several times computes it as
/// often.
const PARTS: [(&str, &str); 3] = [
    ("day_issued", include_str!("../../queries/baselines/15-day_issued.sql")),
    ("day_used", include_str!("../../queries/baselines/16-day_used.sql")),
    ("day_called", include_str!("../../queries/baselines/17-day_called.sql")),
];
/// A day's rows.
const MAKE: &str = include_str!("../../queries/baselines/20-daily.sql");

/// An engine over what belongs to a stretch of time, with the detections' functions and the view `profiled`.
///
/// # Errors
/// The lake cannot be read.
pub async fn engine(lake: &Lake, setup: &Setup, from: i64, until: i64) -> Result<Engine> {
    let span = (from.saturating_sub(LOOK_BACK), until.saturating_sub(1));
    let engine = Engine::over_span(lake, &Filters::default(), setup.clone(), Some(span)).await?;
    engine.teach(functions::all());
    engine.define("profiled", PROFILED).await?;
    Ok(engine)
}

/// Asks an engine; at least one batch, which may be empty.
///
/// # Errors
/// The query fails.
pub async fn ask(engine: &Engine, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<RecordBatch> {
    let stream = engine.run(sql, parameters).await?;
    let schema = stream.schema();
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| crate::sql::mistake::explain(e, &[]))?;
    concat_batches(&schema, &batches).map_err(|e| Error::internal("rows cannot be put together").source(e))
}

/// A moment as a parameter.
pub fn moment(at: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(at), Some("UTC".into()))
}

/// What a day's rows are made by: another statement, or other knowledge of who is who, makes other rows, so that every day is made anew.
fn recipe(setup: &Setup) -> String {
    let mut hash = Sha256::new();
    hash.update(setup.known.of_baselines());
    hash.update(PROFILED);
    PARTS.iter().for_each(|(_, sql)| hash.update(sql));
    hash.update(MAKE);
    hex(&hash.finalize()[..6])
}

/// Events a day, from the list of files.
///
/// # Errors
/// The lake cannot be read.
pub fn events_by_day(lake: &Lake) -> Result<BTreeMap<i32, u64>> {
    Ok(lake.files(&EVENTS)?.rows_by_day())
}

/// Brings the days up to and with `night` up to date; days are days since 1970-01-01. Gives the number of days made.
///
/// # Errors
/// The lake cannot be read or written.
pub async fn bring_up_to_date(lake: &mut Lake, setup: &Setup, night: i32) -> Result<usize> {
    let have = events_by_day(lake)?;
    let known = made_from(lake, setup).await?;
    let recipe = recipe(setup);
    let stale: BTreeSet<i32> = have
        .range(night - WINDOW..=night)
        .filter(|(day, events)| known.get(day) != Some(&(**events, recipe.clone())))
        .map(|(day, _)| *day)
        .collect();
    let mut made = 0;
    let mut rest: Vec<i32> = stale.into_iter().collect();
    while let Some(&first) = rest.first() {
        let chunk: Vec<i32> = rest.iter().copied().take_while(|day| *day < first + CHUNK).collect();
        rest.drain(..chunk.len());
        let (from, until) = (i64::from(first) * DAY, i64::from(chunk.last().copied().unwrap_or(first) + 1) * DAY);
        let engine = engine(lake, setup, from, until).await?;
        let rows = values(&engine, from, until).await?;
        let mut days = Vec::with_capacity(chunk.len());
        for day in chunk {
            let marked = (have.get(&day).copied().unwrap_or_default(), recipe.as_str());
            days.push((day, with_mark(of_day(&rows, day)?, day, marked)?));
        }
        made += days.len();
        lake.write_days(&DAILY, &days).await?;
    }
    Ok(made)
}

/// The rows that a stretch of time makes, sorted.
///
/// # Errors
/// The query fails.
pub async fn values(engine: &Engine, from: i64, until: i64) -> Result<RecordBatch> {
    let sorted = format!("{MAKE}\nORDER BY event_date, entity_type, feature, entity, value");
    let parameters = vec![("from".to_owned(), moment(from)), ("until".to_owned(), moment(until))];
    for (name, sql) in PARTS {
        let part = ask(engine, sql, parameters.clone()).await?;
        engine.keep(name, part.schema(), vec![part])?;
    }
    let rows = ask(engine, &sorted, parameters).await?;
    let columns: Vec<ArrayRef> =
        DAILY.columns.iter().map(|c| column(&rows, c.name, &c.kind.arrow())).collect::<Result<_>>()?;
    RecordBatch::try_new(DAILY.schema(), columns).map_err(|e| Error::internal("daily rows do not fit").source(e))
}

fn of_day(rows: &RecordBatch, day: i32) -> Result<RecordBatch> {
    let dates: Date32Array = typed(rows, "event_date", &DataType::Date32)?;
    let keep = dates.iter().map(|date| Some(date == Some(day))).collect();
    filter_record_batch(rows, &keep).map_err(|e| Error::internal("rows cannot be narrowed").source(e))
}

/// Adds the row that says what the day was made from.
fn with_mark(rows: RecordBatch, day: i32, (events, recipe): (u64, &str)) -> Result<RecordBatch> {
    let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let count = |n: u64| Arc::new(Int64Array::from(vec![i64::try_from(n).unwrap_or(i64::MAX)])) as ArrayRef;
    let start = TimestampMicrosecondArray::from(vec![i64::from(day) * DAY]).with_timezone("UTC");
    let start = Arc::new(start) as ArrayRef;
    let columns = vec![
        Arc::new(arrow::array::PrimitiveArray::<Date32Type>::from(vec![day])) as ArrayRef,
        text("day"),
        text("all"),
        text("events"),
        text(recipe),
        count(events),
        count(0),
        start.clone(),
        start,
        count(0),
    ];
    let broken = |e| Error::internal("daily rows do not fit").source(e);
    let mark = RecordBatch::try_new(DAILY.schema(), columns).map_err(broken)?;
    concat_batches(&DAILY.schema(), &[rows, mark]).map_err(broken)
}

/// Per day that is kept: the number of events it was made from, and the recipe.
async fn made_from(lake: &Lake, setup: &Setup) -> Result<BTreeMap<i32, (u64, String)>> {
    if !lake.has(&DAILY) {
        return Ok(BTreeMap::new());
    }
    let engine = Engine::over_span(lake, &Filters::default(), setup.clone(), Some((0, 0))).await?;
    let rows = ask(&engine, "SELECT event_date, n, value FROM daily WHERE entity_type = 'day'", Vec::new()).await?;
    let days: Date32Array = typed(&rows, "event_date", &DataType::Date32)?;
    let counts: Int64Array = typed(&rows, "n", &DataType::Int64)?;
    let recipes: StringArray = typed(&rows, "value", &DataType::Utf8)?;
    Ok((0..rows.num_rows())
        .map(|row| {
            (days.value(row), (u64::try_from(counts.value(row)).unwrap_or_default(), recipes.value(row).to_owned()))
        })
        .collect())
}
