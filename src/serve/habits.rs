//! What clients ask by habit and the catalogue has no answer to: keys, which no table here has, and a few settings.
//!
//! Recognised by a mark in the statement's text, and answered with the columns that the client reads.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::cast::as_string_array;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

/// Statements that are asked in place of others: what they hold, and what is asked instead.
const STAND_INS: [(&[&str], &str); 4] = [
    // pgjdbc's getPrimaryKeys and getBestRowIdentifier, which take an index's columns apart.
    (
        &["_pg_expandarray", "KEY_SEQ"],
        "SELECT ''::text AS \"TABLE_CAT\", ''::text AS \"TABLE_SCHEM\", ''::text AS \"TABLE_NAME\", ''::text AS \"COLUMN_NAME\", \
         1::smallint AS \"KEY_SEQ\", ''::text AS \"PK_NAME\" WHERE false",
    ),
    (&["_pg_expandarray"], "SELECT ''::text AS attname, 25::int AS atttypid, -1::int AS atttypmod WHERE false"),
    // Its getImportedKeys and getExportedKeys.
    (
        &["PKTABLE_NAME", "confupdtype"],
        "SELECT ''::text AS \"PKTABLE_CAT\", ''::text AS \"PKTABLE_SCHEM\", ''::text AS \"PKTABLE_NAME\", \
         ''::text AS \"PKCOLUMN_NAME\", ''::text AS \"FKTABLE_CAT\", ''::text AS \"FKTABLE_SCHEM\", ''::text AS \"FKTABLE_NAME\", \
         ''::text AS \"FKCOLUMN_NAME\", 1::smallint AS \"KEY_SEQ\", 1::smallint AS \"UPDATE_RULE\", \
         1::smallint AS \"DELETE_RULE\", ''::text AS \"FK_NAME\", ''::text AS \"PK_NAME\", \
         7::smallint AS \"DEFERRABILITY\" WHERE false",
    ),
    (&["pg_settings", "'max_index_keys'"], "SELECT '32'::text AS setting"),
];

/// What psql's `\d+` asks of a table's storage options, which no table here has, in a form that the engine does not know.
const STORAGE_OPTIONS: (&str, &str) = ("array_to_string(c.reloptions || ", ", ', ')");

/// What is asked in place of a statement, where something is.
pub fn stand_in(statement: &str) -> Option<String> {
    let holds = |marks: &[&str]| marks.iter().all(|mark| statement.contains(mark));
    if let Some((_, instead)) = STAND_INS.iter().find(|(marks, _)| holds(marks)) {
        return Some((*instead).to_owned());
    }
    let (before, rest) = statement.split_once(STORAGE_OPTIONS.0)?;
    let (_, after) = rest.split_once(STORAGE_OPTIONS.1)?;
    Some(format!("{}''{after}", before.trim_end_matches("pg_catalog.")))
}

/// `col_description(table, column)`: the catalogue keeps no comments.
pub fn col_description() -> ScalarUDF {
    create_udf(
        "col_description",
        vec![DataType::Int64, DataType::Int64],
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(|_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None)))),
    )
}

fn setting(name: &str) -> Option<&'static str> {
    match name {
        "server_version" => Some("16.6"),
        "server_version_num" => Some("160006"),
        "search_path" => Some("public"),
        "TimeZone" | "timezone" => Some("UTC"),
        "server_encoding" | "client_encoding" => Some("UTF8"),
        "standard_conforming_strings" | "transaction_read_only" | "default_transaction_read_only" => Some("on"),
        "max_index_keys" => Some("32"),
        _ => None,
    }
}

/// `current_setting(name)`: Grafana asks for the version with it; null for what is no setting here.
pub fn current_setting() -> ScalarUDF {
    create_udf(
        "current_setting",
        vec![DataType::Utf8],
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(|arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let names: &StringArray = match arrays.first() {
                Some(names) => as_string_array(names)?,
                None => return datafusion::common::exec_err!("current_setting takes a name"),
            };
            let values: StringArray = names.iter().map(|name| name.and_then(setting)).collect();
            Ok(ColumnarValue::Array(Arc::new(values) as ArrayRef))
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_known_by_their_marks() {
        assert!(
            stand_in("SELECT (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ FROM x")
                .is_some_and(|s| s.contains("PK_NAME"))
        );
        assert!(
            stand_in("SELECT information_schema._pg_expandarray(i.indkey) AS keys")
                .is_some_and(|s| s.contains("attname"))
        );
        assert_eq!(stand_in("SELECT * FROM sessions"), None);
        let psql = "SELECT c.relkind, pg_catalog.array_to_string(c.reloptions || array(SELECT 'x'), ', ') FROM c";
        assert_eq!(stand_in(psql).as_deref(), Some("SELECT c.relkind, '' FROM c"));
        assert_eq!(setting("server_version_num"), Some("160006"));
    }
}
