//! Rows of small answers as Rust values.

use std::cell::RefCell;
use std::collections::HashMap;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use futures::TryStreamExt;

use crate::error::{Error, Result};
use crate::sql::mistake::explain;
use crate::sql::session::Engine;

/// An answer whole, its columns by name.
pub struct Rows {
    batch: RecordBatch,
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal("an answer could not be read").source(error)
}

impl Rows {
    /// Asks, and reads the whole answer.
    ///
    /// # Errors
    /// The query fails.
    pub async fn ask(engine: &Engine, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<Self> {
        let started = std::time::Instant::now();
        let stream = engine.query(sql, parameters).await?;
        let (schema, planned) = (stream.schema(), started.elapsed().as_secs_f64());
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| explain(e, &[]))?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let about: String = sql.chars().filter(|c| *c != '\n').take(400).collect();
        tracing::debug!(rows, planned, seconds = started.elapsed().as_secs_f64(), ?about, "asked");
        Ok(Self { batch: concat_batches(&schema, &batches).map_err(broken)? })
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// The batch itself.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    fn column(&self, name: &str, kind: &DataType) -> Result<ArrayRef> {
        let column = self.batch.column_by_name(name).ok_or_else(|| Error::internal(format!("no column {name}")))?;
        if column.data_type() == kind { Ok(column.clone()) } else { cast(column, kind).map_err(broken) }
    }

    /// A column of texts.
    ///
    /// # Errors
    /// It is not there, or is none of texts; so with the others.
    pub fn texts(&self, name: &str) -> Result<StringArray> {
        Ok(self.column(name, &DataType::Utf8)?.as_string::<i32>().clone())
    }

    /// A column of times, in microseconds.
    pub fn times(&self, name: &str) -> Result<TimestampMicrosecondArray> {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Ok(self.column(name, &kind)?.as_primitive().clone())
    }

    /// A column of whole numbers.
    pub fn integers(&self, name: &str) -> Result<Int64Array> {
        Ok(self.column(name, &DataType::Int64)?.as_primitive().clone())
    }

    /// A column of truths.
    pub fn truths(&self, name: &str) -> Result<BooleanArray> {
        Ok(self.column(name, &DataType::Boolean)?.as_boolean().clone())
    }

    /// A column of lists of texts.
    pub fn lists(&self, name: &str) -> Result<Lists> {
        let column = self.batch.column_by_name(name).ok_or_else(|| Error::internal(format!("no column {name}")))?;
        let list = column.as_list_opt::<i32>().ok_or_else(|| Error::internal(format!("{name} is no list")))?;
        Ok(Lists(list.clone()))
    }
}

/// Asks, and remembers what was answered: the walk is gone again and again until it has all it needs, and asks the same.
pub struct Book<'e> {
    engine: &'e Engine,
    known: RefCell<HashMap<String, RecordBatch>>,
}

impl<'e> Book<'e> {
    /// Nothing is asked yet.
    pub fn new(engine: &'e Engine) -> Self {
        Self { engine, known: RefCell::default() }
    }

    /// The engine, for what changes from walk to walk.
    pub fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// Asks for rows of `events` or `activity`.
    ///
    /// # Errors
    /// The query fails.
    pub async fn ask(&self, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<Rows> {
        let question = format!("{sql} {parameters:?}");
        let known = self.known.borrow().get(&question).cloned();
        if let Some(batch) = known {
            return Ok(Rows { batch });
        }
        let rows = Rows::ask(self.engine, sql, parameters).await?;
        self.known.borrow_mut().insert(question, rows.batch.clone());
        Ok(rows)
    }
}

/// Lists of texts.
pub struct Lists(ListArray);

impl Lists {
    /// The texts of a row.
    pub fn get(&self, row: usize) -> Vec<String> {
        if self.0.is_null(row) {
            return Vec::new();
        }
        let values = self.0.value(row);
        let Ok(values) = cast(&values, &DataType::Utf8) else { return Vec::new() };
        values.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    }
}

/// A text, where there is one.
pub fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// A text of its own, where there is one.
pub fn owned(column: &StringArray, row: usize) -> Option<String> {
    text(column, row).map(str::to_owned)
}

/// A time, where there is one.
pub fn time(column: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// A number, else nought.
pub fn number(column: &Int64Array, row: usize) -> i64 {
    if column.is_valid(row) { column.value(row) } else { 0 }
}

/// A truth, where there is one.
pub fn truth(column: &BooleanArray, row: usize) -> Option<bool> {
    column.is_valid(row).then(|| column.value(row))
}

/// A list of texts as SQL text: `'a', 'b'`. Literals, not parameters, so that files are passed over by their statistics.
pub fn literals<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut all: Vec<_> = texts.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    let quoted: Vec<_> = all.iter().map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
    if quoted.is_empty() { "''".to_owned() } else { quoted.join(", ") }
}
