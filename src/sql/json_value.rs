//! The values of `json_get` and `->`, which no format has a type for, as text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result as DataFusionResult, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion_functions_json::{JsonUnionEncoder, JsonUnionValue};

/// Every value as Arrow shows it.
///
/// # Errors
/// Arrow cannot show values of this type.
pub fn formatted(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let mut out = StringBuilder::new();
    for row in 0..array.len() {
        out.append_option(array.is_valid(row).then(|| formatter.value(row).to_string()));
    }
    Ok(Arc::new(out.finish()))
}

/// The values of `json_get` and `->`: text as it is, everything else as its JSON.
///
/// # Errors
/// As [`formatted`], for unions that hold no JSON.
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

/// The same as a function, for plans whose rows are written by others.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct JsonText {
    signature: Signature,
}

impl JsonText {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl Default for JsonText {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for JsonText {
    fn name(&self) -> &str {
        "json_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let [value] = args.args.as_slice() else { return exec_err!("json_text takes one value") };
        Ok(ColumnarValue::Array(union_text(&value.to_array(args.number_rows)?)?))
    }
}
