//! What clients ask by habit and the catalogue has no answer to: keys, which no table here has, and a few settings.
//!
//! Recognised by a mark in the statement's text, and answered with the columns that the client reads.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

/// Statements that are asked in place of others: what they hold, and what is asked instead.
const STAND_INS: [(&[&str], &str); 8] = [
    // pgjdbc's getPrimaryKeys and getBestRowIdentifier, which take an index's columns apart.
    (
        &["_pg_expandarray", "KEY_SEQ"],
        "SELECT ''::text AS \"TABLE_CAT\", ''::text AS \"TABLE_SCHEM\", ''::text AS \"TABLE_NAME\", ''::text AS \"COLUMN_NAME\", \
         1::smallint AS \"KEY_SEQ\", ''::text AS \"PK_NAME\" WHERE false",
    ),
    // Metabase's look at indexes and foreign keys.
    (
        &["_pg_expandarray", "field-name"],
        "SELECT ''::text AS \"table-schema\", ''::text AS \"table-name\", ''::text AS \"field-name\" WHERE false",
    ),
    (
        &["fk-table-schema", "confkey"],
        "SELECT ''::text AS \"fk-table-schema\", ''::text AS \"fk-table-name\", ''::text AS \"fk-column-name\", \
         ''::text AS \"pk-table-schema\", ''::text AS \"pk-table-name\", ''::text AS \"pk-column-name\" WHERE false",
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
    // psql's \du, and \du+ with a column more.
    (
        &["pg_auth_members", "memberof", "shobj_description"],
        "SELECT 'postgres'::text AS rolname, false AS rolsuper, true AS rolinherit, false AS rolcreaterole, false AS rolcreatedb, \
         true AS rolcanlogin, -1 AS rolconnlimit, ''::text AS rolvaliduntil, '{}'::text AS memberof, ''::text AS description, \
         false AS rolreplication, false AS rolbypassrls",
    ),
    (
        &["pg_auth_members", "memberof"],
        "SELECT 'postgres'::text AS rolname, false AS rolsuper, true AS rolinherit, false AS rolcreaterole, false AS rolcreatedb, \
         true AS rolcanlogin, -1 AS rolconnlimit, ''::text AS rolvaliduntil, '{}'::text AS memberof, \
         false AS rolreplication, false AS rolbypassrls",
    ),
    (&["pg_settings", "'max_index_keys'"], "SELECT '32'::text AS setting"),
];

/// What psql's `\d+` asks of a table's storage options, which no table here has, in a form that the engine does not know.
const STORAGE_OPTIONS: (&str, &str) = ("array_to_string(c.reloptions || ", ", ', ')");

/// What the library makes of Grafana's question which schemas need no name before a table's, and what Postgres would answer.
const SEARCHED: (&str, &str) = ("quote_ident(table_schema) IN ('')", "quote_ident(table_schema) IN ('public')");

/// What Metabase asks of columns, which takes tables of keys that there are not.
const FIELDS: [&str; 2] = ["key_column_usage", "database-is-auto-increment"];

/// The same columns from the catalogue, of the tables that the statement asks for.
fn fields(statement: &str) -> String {
    let narrowed = |column: &str, ours: &str| {
        let (_, rest) = statement.split_once(&format!("\"c\".\"{column}\" IN ("))?;
        let (names, _) = rest.split_once(')')?;
        Some(format!(" AND {ours} IN ({names})"))
    };
    let schemas = narrowed("table_schema", "n.nspname").unwrap_or_default();
    let tables = narrowed("table_name", "c.relname").unwrap_or_default();
    format!(
        "SELECT a.attname AS name, t.typname AS \"database-type\", CAST(a.attnum - 1 AS INT) AS \"database-position\", \
         n.nspname AS \"table-schema\", c.relname AS \"table-name\", false AS \"pk?\", \
         col_description(a.attrelid, a.attnum) AS \"field-comment\", false AS \"database-required\", \
         false AS \"database-is-auto-increment\" FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE n.nspname = 'public' AND a.attnum > 0{schemas}{tables} \
         ORDER BY \"table-schema\", \"table-name\", \"database-position\""
    )
}

/// What is asked in place of a statement, where something is.
pub fn stand_in(statement: &str) -> Option<String> {
    // Metabase writes functions in capitals.
    let text = statement.to_lowercase();
    let holds = |marks: &[&str]| marks.iter().all(|mark| text.contains(&mark.to_lowercase()));
    if let Some((_, instead)) = STAND_INS.iter().find(|(marks, _)| holds(marks)) {
        return Some((*instead).to_owned());
    }
    if holds(&FIELDS) {
        return Some(fields(statement));
    }
    if statement.contains(SEARCHED.0) {
        return Some(statement.replace(SEARCHED.0, SEARCHED.1));
    }
    let (before, rest) = statement.split_once(STORAGE_OPTIONS.0)?;
    let (_, after) = rest.split_once(STORAGE_OPTIONS.1)?;
    Some(format!("{}''{after}", before.trim_end_matches("pg_catalog.")))
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
        let grafana = "SELECT CASE WHEN quote_ident(table_schema) IN ('') THEN 1 END";
        assert!(stand_in(grafana).is_some_and(|asked| asked.contains("IN ('public') THEN")));
        let metabase = "SELECT x AS \"database-is-auto-increment\" FROM information_schema.key_column_usage \
                        WHERE (\"c\".\"table_schema\" IN ($1)) AND (\"c\".\"table_name\" IN ($2, $3))";
        let asked = stand_in(metabase).unwrap();
        assert!(asked.contains(" AND n.nspname IN ($1) AND c.relname IN ($2, $3) ORDER BY"), "{asked}");
        assert_eq!(stand_in("SELECT * FROM sessions"), None);
        let psql = "SELECT c.relkind, pg_catalog.array_to_string(c.reloptions || array(SELECT 'x'), ', ') FROM c";
        assert_eq!(stand_in(psql).as_deref(), Some("SELECT c.relkind, '' FROM c"));
        assert_eq!(setting("server_version_num"), Some("160006"));
    }
}
