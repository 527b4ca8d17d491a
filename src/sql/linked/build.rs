//! Arrow columns out of closures over rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};

/// A text column.
pub fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// An integer column.
pub fn integers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

/// A truth column.
pub fn truths(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

/// A time column, from microseconds.
pub fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// A column of lists of texts.
pub fn lists<'a, L: IntoIterator<Item = &'a str>>(values: impl Iterator<Item = L>) -> ArrayRef {
    let field = Arc::new(Field::new("element", DataType::Utf8, true));
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(field);
    for list in values {
        list.into_iter().for_each(|text| builder.values().append_value(text));
        builder.append(true);
    }
    Arc::new(builder.finish())
}
