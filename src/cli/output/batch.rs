//! Batches in the few column types that every format writes: unions become text, dictionaries values, times UTC
//! microseconds, and columns of one name are told apart.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::failed;
use crate::error::Result;
use crate::sql::json_value::{formatted, union_text};

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
