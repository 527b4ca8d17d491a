//! Rows of any table of `schema`, one cell at a time, into an Arrow batch.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListBuilder, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::compute::{SortColumn, cast, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Field};

use crate::error::{Error, Result};

use super::schema::{Table, Type};

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// Text.
    Text(&'a str),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Time(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// A list of texts.
    Texts(&'a [String]),
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Cell::Null, Cell::Text)
    }
}

impl<'a> From<&'a Option<String>> for Cell<'a> {
    fn from(value: &'a Option<String>) -> Self {
        value.as_deref().into()
    }
}

impl From<Option<bool>> for Cell<'_> {
    fn from(value: Option<bool>) -> Self {
        value.map_or(Cell::Null, Cell::Bool)
    }
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Texts(ListBuilder<StringBuilder>),
}

/// Builds a batch of one table, row by row.
pub struct Rows {
    table: &'static Table,
    builders: Vec<Builder>,
    rows: usize,
}

impl Rows {
    /// An empty batch of `table`; errors where the table has columns that no cell can fill (lists of faults).
    pub fn new(table: &'static Table) -> Result<Self> {
        let builders = table.columns.iter().map(|column| {
            Ok(match column.kind {
                Type::Text => Builder::Text(StringBuilder::new()),
                Type::Int => Builder::Int(Int64Builder::new()),
                Type::Float => Builder::Float(Float64Builder::new()),
                Type::Bool => Builder::Bool(BooleanBuilder::new()),
                Type::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
                Type::Date => Builder::Date(Date32Builder::new()),
                Type::Texts => Builder::Texts(ListBuilder::new(StringBuilder::new()).with_field(Arc::new(Field::new(
                    "element",
                    DataType::Utf8,
                    true,
                )))),
                Type::Faults => return Err(Error::internal(format!("{} is not built by cells", column.name))),
            })
        });
        Ok(Self { table, builders: builders.collect::<Result<_>>()?, rows: 0 })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends a row; `cells` are in the table's column order. A cell of another type than its column's becomes null.
    pub fn push(&mut self, cells: &[Cell<'_>]) {
        debug_assert_eq!(cells.len(), self.builders.len());
        for (builder, cell) in self.builders.iter_mut().zip(cells) {
            match (builder, *cell) {
                (Builder::Text(b), Cell::Text(v)) => b.append_value(v),
                (Builder::Text(b), _) => b.append_null(),
                (Builder::Int(b), Cell::Int(v)) => b.append_value(v),
                (Builder::Int(b), _) => b.append_null(),
                (Builder::Float(b), Cell::Float(v)) => b.append_value(v),
                (Builder::Float(b), _) => b.append_null(),
                (Builder::Bool(b), Cell::Bool(v)) => b.append_value(v),
                (Builder::Bool(b), _) => b.append_null(),
                (Builder::Time(b), Cell::Time(v)) => b.append_value(v),
                (Builder::Time(b), _) => b.append_null(),
                (Builder::Date(b), Cell::Date(v)) => b.append_value(v),
                (Builder::Date(b), _) => b.append_null(),
                (Builder::Texts(b), Cell::Texts(list)) => {
                    list.iter().for_each(|v| b.values().append_value(v));
                    b.append(true);
                }
                (Builder::Texts(b), _) => b.append(false),
            }
        }
        self.rows += 1;
    }

    /// The batch.
    pub fn finish(mut self) -> Result<RecordBatch> {
        let arrays = self.builders.iter_mut().map(|builder| -> ArrayRef {
            match builder {
                Builder::Text(b) => Arc::new(b.finish()),
                Builder::Int(b) => Arc::new(b.finish()),
                Builder::Float(b) => Arc::new(b.finish()),
                Builder::Bool(b) => Arc::new(b.finish()),
                Builder::Time(b) => Arc::new(b.finish()),
                Builder::Date(b) => Arc::new(b.finish()),
                Builder::Texts(b) => Arc::new(b.finish()),
            }
        });
        let arrays = arrays.collect();
        RecordBatch::try_new(self.table.schema(), arrays)
            .map_err(|e| Error::internal("a batch does not fit its table").source(e))
    }
}

/// The column `name` of `batch` as `wanted`, cast where a reader gave it another form; nulls where the batch has none.
pub fn column(batch: &RecordBatch, name: &str, wanted: &DataType) -> Result<ArrayRef> {
    match batch.column_by_name(name) {
        None => Ok(new_null_array(wanted, batch.num_rows())),
        Some(array) if array.data_type() == wanted => Ok(array.clone()),
        Some(array) => {
            cast(array, wanted).map_err(|e| Error::internal(format!("column {name} has an unexpected type")).source(e))
        }
    }
}

/// The text column `name` of `batch`.
pub fn text_column(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    typed(batch, name, &DataType::Utf8)
}

/// The column `name` of `batch` as the Arrow array type `A` of `wanted`.
pub fn typed<A: Clone + 'static>(batch: &RecordBatch, name: &str, wanted: &DataType) -> Result<A> {
    let array = column(batch, name, wanted)?;
    let found = array.as_any().downcast_ref::<A>().cloned();
    found.ok_or_else(|| Error::internal(format!("column {name} has an unexpected type")))
}

/// The rows of `batch` in order of some of its columns, the first of them first.
pub fn in_order(batch: &RecordBatch, columns: &[&str]) -> Result<RecordBatch> {
    let unsortable = |e| Error::internal("rows cannot be put in order").source(e);
    let columns = columns.iter().filter_map(|name| batch.column_by_name(name));
    let columns: Vec<_> = columns.map(|values| SortColumn { values: values.clone(), options: None }).collect();
    let places = lexsort_to_indices(&columns, None).map_err(unsortable)?;
    take_record_batch(batch, &places).map_err(unsortable)
}
