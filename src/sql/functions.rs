//! The functions that SQL has beside DataFusion's own: rolecall's, and those over JSON text.
//!
//! What a text means is decided in `sts`; here it is only carried over columns.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result as DataFusionResult, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use ipnet::IpNet;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::sts::{arn, ip, session_name, unique_id};

/// Adds every function of the contract to a session.
///
/// # Errors
/// Only where DataFusion refuses a registration.
pub fn register(context: &SessionContext) -> Result<()> {
    let mut context = context.clone();
    datafusion_functions_json::register_all(&mut context)
        .map_err(|e| Error::internal("the JSON functions could not be registered").source(e))?;
    for function in TEXT_FUNCTIONS {
        context.register_udf(ScalarUDF::from(TextUdf::new(function)));
    }
    context.register_udf(ScalarUDF::from(IpIn::new()));
    Ok(())
}

/// A function from one text to another.
struct TextFunction {
    name: &'static str,
    /// What it gives for a null.
    of_null: Option<&'static str>,
    of: fn(&str) -> Option<Cow<'_, str>>,
}

static TEXT_FUNCTIONS: &[TextFunction] = &[
    TextFunction { name: "arn_account", of_null: None, of: |text| arn::account(text).map(Cow::Borrowed) },
    TextFunction { name: "arn_name", of_null: None, of: |text| arn::name(text).map(Cow::Borrowed) },
    TextFunction { name: "arn_short", of_null: None, of: |text| Some(arn::short(text)) },
    TextFunction { name: "session_name_kind", of_null: None, of: |text| Some(Cow::Borrowed(session_name::kind(text))) },
    TextFunction {
        name: "session_name_class",
        of_null: None,
        of: |text| Some(Cow::Borrowed(session_name::class(session_name::kind(text)))),
    },
    TextFunction {
        name: "session_name_origin",
        of_null: None,
        of: |text| session_name::origin(text).map(Cow::Borrowed),
    },
    TextFunction { name: "session_name_pattern", of_null: None, of: |text| Some(session_name::pattern(text)) },
    TextFunction { name: "access_key_account", of_null: None, of: |text| unique_id::account(text).map(Cow::Owned) },
    TextFunction { name: "ip_kind", of_null: Some("absent"), of: |text| Some(Cow::Borrowed(ip::ip_kind(text))) },
    TextFunction { name: "text_hash", of_null: None, of: |text| Some(Cow::Owned(text_hash(text))) },
    TextFunction {
        name: "ip_neighbourhood",
        of_null: None,
        of: |text| ip::neighbourhood(text).map(|network| Cow::Owned(network.to_string())),
    },
];

/// The first 16 hex digits of a text's SHA-256: equal texts can be told without showing them.
fn text_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(String::with_capacity(16), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Text of any Arrow form passes as it is, a null becomes text, everything else is the caller's mistake.
pub(super) fn coerce_to_text(
    function: &str,
    types: &[DataType],
    arguments: &[&str],
) -> DataFusionResult<Vec<DataType>> {
    if types.len() != arguments.len() {
        return plan_err!("{function} takes {}, not {} arguments", arguments.join(" and "), types.len());
    }
    types
        .iter()
        .zip(arguments)
        .map(|(kind, argument)| match kind {
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => Ok(kind.clone()),
            DataType::Null => Ok(DataType::Utf8),
            DataType::Dictionary(_, values) if values.is_string() || values.is_null() => Ok(DataType::Utf8View),
            _ => plan_err!("{function}: {argument} is a text, not {kind}"),
        })
        .collect()
}

/// Calls `each` with every row's text.
pub(super) fn each_text<'a>(
    array: &'a ArrayRef,
    each: impl FnMut(Option<&'a str>) -> DataFusionResult<()>,
) -> DataFusionResult<()> {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().try_for_each(each),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().try_for_each(each),
        DataType::Utf8View => array.as_string_view().iter().try_for_each(each),
        other => exec_err!("a text was expected, not {other}"),
    }
}

/// An argument as an array of texts, dictionaries laid out.
pub(super) fn texts(argument: &ColumnarValue, rows: usize) -> DataFusionResult<ArrayRef> {
    let array = argument.to_array(rows)?;
    match array.data_type() {
        DataType::Dictionary(_, _) | DataType::Null => Ok(cast(&array, &DataType::Utf8View)?),
        _ => Ok(array),
    }
}

/// Rows to evaluate: one where every argument is a constant, so that the answer stays one too.
pub(super) fn rows(args: &ScalarFunctionArgs) -> (usize, bool) {
    let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    (if constant { 1 } else { args.number_rows }, constant)
}

pub(super) fn answer(array: ArrayRef, constant: bool) -> DataFusionResult<ColumnarValue> {
    if constant {
        Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
    } else {
        Ok(ColumnarValue::Array(array))
    }
}

pub(super) fn text_signature() -> Signature {
    Signature::new(TypeSignature::UserDefined, Volatility::Immutable)
}

/// A [`TextFunction`] as DataFusion sees it.
struct TextUdf {
    function: &'static TextFunction,
    signature: Signature,
}

impl TextUdf {
    fn new(function: &'static TextFunction) -> Self {
        Self { function, signature: text_signature() }
    }
}

impl fmt::Debug for TextUdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name)
    }
}

impl PartialEq for TextUdf {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for TextUdf {}

impl std::hash::Hash for TextUdf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for TextUdf {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        coerce_to_text(self.function.name, types, &["one text"])
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let (rows, constant) = rows(&args);
        let Some(argument) = args.args.first() else { return exec_err!("{} takes one text", self.function.name) };
        let texts = texts(argument, rows)?;
        let mut out = StringBuilder::with_capacity(texts.len(), texts.len() * 12);
        each_text(&texts, |text| {
            match text {
                Some(text) => out.append_option((self.function.of)(text)),
                None => out.append_option(self.function.of_null),
            }
            Ok(())
        })?;
        answer(Arc::new(out.finish()), constant)
    }
}

/// `ip_in(text, cidr)`: whether an address lies in a network; null where the text is no address.
#[derive(Debug, PartialEq, Eq, Hash)]
struct IpIn {
    signature: Signature,
}

impl IpIn {
    fn new() -> Self {
        Self { signature: text_signature() }
    }
}

fn network(cidr: &str) -> DataFusionResult<IpNet> {
    ip::network(cidr).ok_or_else(|| {
        DataFusionError::Execution(format!("ip_in: '{cidr}' is no network; write one like 10.0.0.0/8 or 2001:db8::/32"))
    })
}

impl ScalarUDFImpl for IpIn {
    fn name(&self) -> &str {
        "ip_in"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        coerce_to_text("ip_in", types, &["an address", "a network"])
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let (rows, constant) = rows(&args);
        let [address, cidr] = args.args.as_slice() else { return exec_err!("ip_in takes an address and a network") };
        let addresses = texts(address, rows)?;
        // A constant network, the usual case, is read once and not per row.
        let one_network = matches!(cidr, ColumnarValue::Scalar(_));
        let cidrs = texts(cidr, if one_network { 1 } else { rows })?;
        let mut networks = Vec::with_capacity(cidrs.len());
        each_text(&cidrs, |cidr| {
            networks.push(cidr.map(network).transpose()?);
            Ok(())
        })?;
        let mut out = BooleanBuilder::with_capacity(rows);
        let mut row = 0;
        each_text(&addresses, |text| {
            let network = networks.get(if one_network { 0 } else { row }).copied().flatten();
            let address = text.and_then(ip::parse);
            out.append_option(network.zip(address).map(|(network, address)| network.contains(&address)));
            row += 1;
            Ok(())
        })?;
        answer(Arc::new(out.finish()), constant)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, LargeStringArray, RecordBatch, StringArray, StringViewArray};
    use arrow::datatypes::Int32Type;
    use arrow::util::pretty::pretty_format_batches;

    use super::*;

    fn context() -> SessionContext {
        let context = SessionContext::new();
        register(&context).unwrap();
        context
    }

    async fn ask(context: &SessionContext, sql: &str) -> DataFusionResult<String> {
        let batches = context.sql(sql).await?.collect().await?;
        Ok(pretty_format_batches(&batches)?.to_string())
    }

    #[tokio::test]
    async fn every_function_of_the_contract_is_there() {
        use datafusion::execution::FunctionRegistry;
        let names = context().udfs();
        for name in "arn_account arn_name arn_short session_name_kind session_name_class session_name_origin \
                     session_name_pattern access_key_account ip_kind ip_in ip_neighbourhood text_hash json_get json_get_str \
                     json_get_int json_get_bool json_get_float json_get_json json_get_array json_as_text json_contains \
                     json_length json_object_keys"
            .split_whitespace()
        {
            assert!(names.contains(name), "{name}");
        }
    }

    #[tokio::test]
    async fn text_in_every_arrow_form() {
        let values = vec![Some("arn:aws:iam::111122223333:role/a/Hub"), None, Some("no ARN")];
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(values.clone())),
            Arc::new(StringViewArray::from(values.clone())),
            Arc::new(LargeStringArray::from(values.clone())),
            Arc::new(values.clone().into_iter().collect::<DictionaryArray<Int32Type>>()),
        ];
        let expected = "\
+--------------+------+--------+
| account      | name | kind   |
+--------------+------+--------+
| 111122223333 | Hub  | other  |
|              |      | absent |
|              |      | other  |
+--------------+------+--------+";
        for array in arrays {
            let context = context();
            let form = array.data_type().clone();
            context
                .register_batch("t", RecordBatch::try_from_iter_with_nullable([("x", array, true)]).unwrap())
                .unwrap();
            let sql = "SELECT arn_account(x) AS account, arn_name(x) AS name, ip_kind(x) AS kind FROM t";
            assert_eq!(ask(&context, sql).await.unwrap(), expected, "{form}");
        }
    }

    #[tokio::test]
    async fn constants_and_nulls() {
        let sql = "SELECT access_key_account('ASIAQHAFIVV6B7Q4CRGS') AS a, session_name_kind('i-0dbc91f4') AS b, \
                   ip_kind(null) AS c, arn_name(null) AS d, ip_in('10.1.2.3', '10.0.0.0/8') AS e, \
                   ip_in('AWS Internal', '10.0.0.0/8') AS f, '{\"a\":{\"b\":1}}'->'a'->>'b' AS g";
        let expected = "\
+--------------+----------+--------+---+------+---+---+
| a            | b        | c      | d | e    | f | g |
+--------------+----------+--------+---+------+---+---+
| 015043439996 | instance | absent |   | true |   | 1 |
+--------------+----------+--------+---+------+---+---+";
        assert_eq!(ask(&context(), sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn networks_in_a_column() {
        let sql = "SELECT ip_in(a, n) AS x FROM (VALUES ('10.1.2.3', '10.0.0.0/8'), ('10.1.2.3', '11.0.0.0/8'), \
                   ('10.1.2.3', null)) AS t(a, n)";
        let expected = "\
+-------+
| x     |
+-------+
| true  |
| false |
|       |
+-------+";
        assert_eq!(ask(&context(), sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn mistakes_are_told() {
        let context = context();
        for (sql, words) in [
            ("SELECT ip_in('10.1.2.3', 'ten')", "'ten' is no network"),
            ("SELECT arn_name(1)", "is a text, not Int64"),
            ("SELECT ip_in('10.1.2.3')", "an address and a network"),
        ] {
            let error = ask(&context, sql).await.unwrap_err().to_string();
            assert!(error.contains(words), "{sql}: {error}");
        }
    }
}
