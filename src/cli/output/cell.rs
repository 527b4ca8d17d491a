//! One column's cells as text, for the formats that are made of text: csv, markdown, table.

use std::borrow::Cow;

use arrow::array::{
    Array, AsArray, LargeStringArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::json::writer::{NullableEncoder, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, SecondsFormat};

use super::json::NESTED;

/// A time as the contract writes it: `2026-11-07T03:36:00Z`, with a fraction only where there is one.
pub fn time(microseconds: i64) -> String {
    match DateTime::from_timestamp_micros(microseconds) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => microseconds.to_string(),
    }
}

/// A column's values, as text.
pub enum Cells<'a> {
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    TextView(&'a StringViewArray),
    Time(&'a TimestampMicrosecondArray),
    /// Lists, structs and maps, as JSON.
    Nested(&'a dyn Array, NullableEncoder<'a>),
    Other(&'a dyn Array, ArrayFormatter<'a>),
}

static PLAIN: FormatOptions<'static> = FormatOptions::new();

impl<'a> Cells<'a> {
    fn new(schema: &'a SchemaRef, batch: &'a RecordBatch, column: usize) -> Result<Self, ArrowError> {
        let array = batch.column(column).as_ref();
        Ok(match array.data_type() {
            DataType::Utf8 => Cells::Text(array.as_string()),
            DataType::LargeUtf8 => Cells::LargeText(array.as_string()),
            DataType::Utf8View => Cells::TextView(array.as_string_view()),
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => {
                Cells::Time(array.as_primitive::<TimestampMicrosecondType>())
            }
            kind if kind.is_nested() => Cells::Nested(array, make_encoder(&schema.fields()[column], array, &NESTED)?),
            _ => Cells::Other(array, ArrayFormatter::try_new(array, &PLAIN)?),
        })
    }

    /// The cells of every column of a batch.
    pub fn of(schema: &'a SchemaRef, batch: &'a RecordBatch) -> Result<Vec<Self>, ArrowError> {
        (0..batch.num_columns()).map(|column| Self::new(schema, batch, column)).collect()
    }

    /// The text of a row; `None` for null.
    pub fn text(&mut self, row: usize) -> Result<Option<Cow<'a, str>>, ArrowError> {
        Ok(match self {
            Cells::Text(array) => array.is_valid(row).then(|| Cow::Borrowed(array.value(row))),
            Cells::LargeText(array) => array.is_valid(row).then(|| Cow::Borrowed(array.value(row))),
            Cells::TextView(array) => array.is_valid(row).then(|| Cow::Borrowed(array.value(row))),
            Cells::Time(array) => array.is_valid(row).then(|| Cow::Owned(time(array.value(row)))),
            Cells::Nested(array, encoder) => {
                if array.is_null(row) {
                    return Ok(None);
                }
                let mut json = Vec::new();
                encoder.encode(row, &mut json);
                let text = String::from_utf8(json).map_err(|e| ArrowError::from_external_error(Box::new(e)))?;
                Some(Cow::Owned(text))
            }
            Cells::Other(array, formatter) => {
                array.is_valid(row).then(|| formatter.value(row).try_to_string().map(Cow::Owned)).transpose()?
            }
        })
    }
}

/// Whether a column is read as numbers: right-aligned, and never disarmed.
pub fn is_number(kind: &DataType) -> bool {
    kind.is_numeric()
}
