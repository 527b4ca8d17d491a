//! The tables that a night's detections read, made once for all of them: `tonight`, `calls`, and what is usual.

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use std::sync::Arc;

use super::baseline::{self, DAY, WINDOW, moment};
use crate::error::{Error, Result};
use crate::lake::rows::typed;
use crate::lake::schema::DAILY;
use crate::lake::store::Lake;
use crate::sql::session::Engine;
use crate::sql::setup::Setup;

/// Days in which a day loses half its weight.
const HALF_LIFE: f64 = 14.0;

/// The tables, in the order in which they build on each other, and the parameters of each.
const TABLES: [(&str, &str, &[&str]); 6] = [
    ("tonight", include_str!("../../queries/baselines/30-tonight.sql"), &["from", "until"]),
    ("calls", include_str!("../../queries/baselines/31-calls.sql"), &["from", "until"]),
    ("taught", include_str!("../../queries/baselines/40-taught.sql"), &["since", "night", "half_life"]),
    ("habits", include_str!("../../queries/baselines/41-habits.sql"), &["since", "night"]),
    ("peers", include_str!("../../queries/baselines/42-peers.sql"), &["since", "night"]),
    ("novel", include_str!("../../queries/baselines/43-novel.sql"), &[]),
];

/// Of `taught` what is known: what only unreviewed findings showed makes a day in four such days.
const KNOWN: &str = "SELECT * FROM taught WHERE days > 0";

/// The stretch of time that is looked at, microseconds, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub from: i64,
    /// Its end.
    pub until: i64,
}

impl Span {
    /// A whole day, days since 1970-01-01.
    pub fn day(day: i32) -> Self {
        Self { from: i64::from(day) * DAY, until: i64::from(day + 1) * DAY }
    }

    /// The day that it begins on.
    pub fn night(self) -> i32 {
        i32::try_from(self.from.div_euclid(DAY)).unwrap_or(i32::MAX)
    }

    /// The midnight that its first day begins with.
    pub fn night_start(self) -> i64 {
        i64::from(self.night()) * DAY
    }

    /// Whether it is one whole day.
    pub fn is_day(self) -> bool {
        self == Self::day(self.night())
    }
}

/// One fact that a baseline does not learn from as from others: what a finding named that nobody has dismissed.
#[derive(Debug, Clone, PartialEq)]
pub struct Untaught {
    /// The night of the finding.
    pub night: i32,
    /// The identity, role or account.
    pub entity: String,
    /// The value.
    pub value: String,
    /// What the day counts for beside a day without a finding: nothing, or a part of it.
    pub weight: f64,
}

/// The values of every parameter that a statement can ask for.
pub fn parameters(span: Span, asked: &[&str]) -> Vec<(String, ScalarValue)> {
    let value = |name: &str| match name {
        "from" => moment(span.from),
        "until" => moment(span.until),
        "since" => ScalarValue::Date32(Some(span.night() - WINDOW)),
        "night" => ScalarValue::Date32(Some(span.night())),
        _ => ScalarValue::Float64(Some(HALF_LIFE)),
    };
    asked.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

/// Opens the night: an engine with every table that detections read.
///
/// # Errors
/// The lake cannot be read.
pub async fn open(lake: &Lake, setup: &Setup, span: Span, untaught: &[Untaught]) -> Result<Engine> {
    let engine = baseline::engine(lake, setup, span.from, span.until).await?;
    engine.keep("untaught", untaught_schema(), vec![untaught_rows(untaught)?])?;
    let values = tonight_values(&engine, span).await?;
    engine.keep("tonight_values", DAILY.schema(), vec![values])?;
    for (name, sql, asked) in TABLES {
        let started = std::time::Instant::now();
        let rows = baseline::ask(&engine, sql, parameters(span, asked)).await?;
        tracing::debug!(table = name, rows = rows.num_rows(), seconds = started.elapsed().as_secs_f64(), "made");
        engine.keep(name, rows.schema(), vec![rows])?;
        if name == "taught" {
            engine.define("known", KNOWN).await?;
        }
    }
    Ok(engine)
}

/// The rows of `daily` that the night itself makes: as kept, or made for a stretch that is no whole day.
async fn tonight_values(engine: &Engine, span: Span) -> Result<RecordBatch> {
    if !span.is_day() {
        return baseline::values(engine, span.from, span.until).await;
    }
    let sql = "SELECT * FROM daily WHERE event_date = $night AND entity_type <> 'day'";
    let rows = baseline::ask(engine, sql, parameters(span, &["night"])).await?;
    let columns: Vec<ArrayRef> = DAILY
        .columns
        .iter()
        .map(|c| crate::lake::rows::column(&rows, c.name, &c.kind.arrow()))
        .collect::<Result<_>>()?;
    RecordBatch::try_new(DAILY.schema(), columns).map_err(|e| Error::internal("daily rows do not fit").source(e))
}

fn untaught_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("night", DataType::Date32, true),
        Field::new("entity", DataType::Utf8, true),
        Field::new("value", DataType::Utf8, true),
        Field::new("weight", DataType::Float64, true),
    ]))
}

fn untaught_rows(rows: &[Untaught]) -> Result<RecordBatch> {
    let nights: Date32Array = rows.iter().map(|row| Some(row.night)).collect();
    let entities: StringArray = rows.iter().map(|row| Some(row.entity.as_str())).collect();
    let values: StringArray = rows.iter().map(|row| Some(row.value.as_str())).collect();
    let weights: Float64Array = rows.iter().map(|row| Some(row.weight)).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(nights), Arc::new(entities), Arc::new(values), Arc::new(weights)];
    RecordBatch::try_new(untaught_schema(), columns).map_err(|e| Error::internal("rows do not fit").source(e))
}

/// A text column of an answer.
///
/// # Errors
/// There is no such column.
pub fn texts(rows: &RecordBatch, name: &str) -> Result<StringArray> {
    typed(rows, name, &DataType::Utf8)
}

/// A column of truth values of an answer.
///
/// # Errors
/// There is no such column.
pub fn truths(rows: &RecordBatch, name: &str) -> Result<BooleanArray> {
    typed(rows, name, &DataType::Boolean)
}
