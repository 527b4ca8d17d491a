//! Batches in the few column types that every format writes: unions become text, dictionaries values, times UTC
//! microseconds, and columns of one name are told apart.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion_functions_json::{JsonUnionEncoder, JsonUnionValue};

use super::failed;
use crate::error::Result;

/// The columns that are written.
pub struct Shape {
    schema: SchemaRef,
}

impl Shape {
    /// The written form of these columns.
    pub fn new(schema: &SchemaRef) -> Self {
        let mut names = HashSet::new();
        let fields: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| {
                // An object with one key twice loses a column in most readers.
                let mut name = field.name().clone();
                let mut number = 2;
                while !names.insert(name.clone()) {
                    name = format!("{}_{number}", field.name());
                    number += 1;
                }
                Field::new(name, written_type(field.data_type()), true)
            })
            .collect();
        Self { schema: Arc::new(Schema::new(fields)) }
    }

    /// The written columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// A batch in that form.
    pub fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(array, field)| {
            if array.data_type() == field.data_type() {
                return Ok(Arc::clone(array));
            }
            match array.data_type() {
                DataType::Union(_, _) => union_text(array),
                DataType::Interval(_) => formatted(array),
                _ => cast(array, field.data_type()),
            }
        });
        let columns = columns.collect::<Result<Vec<_>, ArrowError>>().map_err(failed)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), columns, &options).map_err(failed)
    }
}

fn written_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Union(_, _) | DataType::Interval(_) => DataType::Utf8,
        DataType::Dictionary(_, values) => written_type(values),
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => other.clone(),
    }
}

fn formatted(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let mut out = StringBuilder::new();
    for row in 0..array.len() {
        out.append_option(array.is_valid(row).then(|| formatter.value(row).to_string()));
    }
    Ok(Arc::new(out.finish()))
}

/// The values of `json_get` and `->`: text as it is, everything else as its JSON.
pub fn union_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let Some(values) = array.as_union_opt().and_then(|union| JsonUnionEncoder::from_union(union.clone())) else {
        return formatted(array);
    };
    let mut out = StringBuilder::new();
    for row in 0..values.len() {
        match values.get_value(row) {
            JsonUnionValue::JsonNull => out.append_null(),
            JsonUnionValue::Bool(value) => out.append_value(if value { "true" } else { "false" }),
            JsonUnionValue::Int(value) => out.append_value(value.to_string()),
            JsonUnionValue::Float(value) => out.append_value(value.to_string()),
            JsonUnionValue::Str(text) | JsonUnionValue::Array(text) | JsonUnionValue::Object(text) => {
                out.append_value(text)
            }
        }
    }
    Ok(Arc::new(out.finish()))
}
