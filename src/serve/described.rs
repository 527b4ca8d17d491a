//! What Postgres's catalogue says of tables, columns, views and functions here: psql's `\d+`, `\dt+` and `\df`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::cast::{as_int64_array, as_string_array};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;

use crate::sql::known::Function;
use crate::sql::schema::{all_columns, documented};
use crate::sql::session::view_sql;

/// The statements that list what is there; the numbers are those that the catalogue gave out.
const TABLES: &str = "SELECT CAST(c.oid AS BIGINT), c.relname FROM pg_catalog.pg_class c \
                      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'";
const COLUMNS: &str = "SELECT CAST(attrelid AS BIGINT), attname, CAST(attnum AS BIGINT) FROM pg_catalog.pg_attribute";

/// The words for what the catalogue knows by number.
#[derive(Debug, Default)]
pub struct Described {
    /// By table and column; column 0 is the table itself.
    meanings: HashMap<(i64, i64), &'static str>,
    /// The SQL of a view.
    views: HashMap<i64, &'static str>,
}

impl Described {
    /// Reads the catalogue of a session, whose tables do not change any more.
    ///
    /// # Errors
    /// The catalogue cannot be asked.
    pub async fn read(context: &SessionContext) -> DataFusionResult<Self> {
        let mut described = Self::default();
        let mut tables = HashMap::new();
        for batch in context.sql(TABLES).await?.collect().await? {
            let (numbers, names) = (as_int64_array(batch.column(0))?, as_string_array(batch.column(1))?);
            for (number, name) in numbers.iter().flatten().zip(names.iter().flatten()) {
                let Some(table) = documented().into_iter().find(|table| table.name == name) else { continue };
                described.meanings.insert((number, 0), table.doc);
                described.views.extend(view_sql(name).map(|sql| (number, sql)));
                tables.insert(number, table);
            }
        }
        for batch in context.sql(COLUMNS).await?.collect().await? {
            let (numbers, names) = (as_int64_array(batch.column(0))?, as_string_array(batch.column(1))?);
            let places = as_int64_array(batch.column(2))?;
            for ((number, name), place) in
                numbers.iter().flatten().zip(names.iter().flatten()).zip(places.iter().flatten())
            {
                let columns = tables.get(&number).map(|table| all_columns(table)).unwrap_or_default();
                let column = columns.into_iter().find(|column| column.name == name);
                described.meanings.extend(column.map(|column| ((number, place), column.doc)));
            }
        }
        Ok(described)
    }

    fn meaning(&self, number: Option<i64>, place: Option<i64>) -> Option<&'static str> {
        self.meanings.get(&(number?, place?)).copied()
    }
}

/// A function of one or two arguments that is answered a row at a time.
fn function(
    name: &str,
    takes: Vec<DataType>,
    gives: DataType,
    answer: impl Fn(&[ArrayRef]) -> DataFusionResult<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let body = move |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        Ok(ColumnarValue::Array(answer(&arrays)?))
    };
    create_udf(name, takes, gives, Volatility::Stable, Arc::new(body))
}

/// One that knows nothing.
fn unknown(name: &str, takes: Vec<DataType>, gives: DataType) -> ScalarUDF {
    let null = ScalarValue::try_from(&gives).unwrap_or(ScalarValue::Null);
    create_udf(name, takes, gives, Volatility::Stable, Arc::new(move |_| Ok(ColumnarValue::Scalar(null.clone()))))
}

/// Adds the functions with which clients ask.
pub fn register(context: &SessionContext, described: &Arc<Described>) {
    use DataType::{Boolean, Int64, Utf8};
    let of = Arc::clone(described);
    let columns = function("col_description", vec![Int64, Int64], Utf8, move |arguments| {
        let (numbers, places) = (as_int64_array(&arguments[0])?, as_int64_array(&arguments[1])?);
        let told = numbers.iter().zip(places).map(|(number, place)| of.meaning(number, place));
        Ok(Arc::new(told.collect::<StringArray>()))
    });
    let of = Arc::clone(described);
    // No two things share a number, so that which kind of thing is meant needs no telling.
    let objects = function("obj_description", vec![Int64, Utf8], Utf8, move |arguments| {
        let told = as_int64_array(&arguments[0])?.iter().map(|number| of.meaning(number, Some(0)));
        Ok(Arc::new(told.collect::<StringArray>()))
    });
    let of = Arc::clone(described);
    let views = function("pg_get_viewdef", vec![Int64, Boolean], Utf8, move |arguments| {
        let sql = |number: Option<i64>| of.views.get(&number?).copied();
        Ok(Arc::new(as_int64_array(&arguments[0])?.iter().map(sql).collect::<StringArray>()))
    });
    let visible = |name| {
        function(name, vec![Int64], Boolean, |arguments| {
            Ok(Arc::new(BooleanArray::from(vec![true; arguments[0].len()])))
        })
    };
    let pretty = function("pg_size_pretty", vec![Int64], Utf8, |arguments| {
        let sizes: &Int64Array = as_int64_array(&arguments[0])?;
        Ok(Arc::new(sizes.iter().map(|size| size.map(|size| format!("{size} bytes"))).collect::<StringArray>()))
    });
    for udf in [
        columns,
        objects,
        views,
        visible("pg_function_is_visible"),
        visible("pg_type_is_visible"),
        pretty,
        unknown("pg_table_size", vec![Int64], Int64),
        unknown("pg_database_size", vec![Utf8], Int64),
        unknown("shobj_description", vec![Int64, Utf8], Utf8),
    ] {
        context.register_udf(udf);
    }
}

/// What psql's `\df` is answered with: rolecall's own functions, as [`known`](crate::sql::known) explains them.
#[derive(Debug)]
pub struct Functions(String);

impl Functions {
    /// Those of a session.
    pub fn of(functions: &[Function]) -> Self {
        let quoted = |text: &str| text.replace('\'', "''");
        let row = |function: &Function| {
            let arguments = function.call.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
            format!("('{}', '{}', '{}')", quoted(&function.name), quoted(arguments), quoted(&function.meaning))
        };
        Self(functions.iter().filter(|function| function.own).map(row).collect::<Vec<_>>().join(", "))
    }

    /// The statement to ask in place of `\df`'s; `None` where a statement asks for something else.
    pub fn instead(&self, statement: &str) -> Option<String> {
        let asked = ["pg_proc", "pg_get_function_result", "pg_get_function_arguments", "\"Argument data types\""];
        if !asked.iter().all(|mark| statement.contains(mark)) {
            return None;
        }
        // The name that was asked for, as a regular expression; what is quoted in it stays quoted.
        let pattern = statement.match_indices("p.proname").find_map(|(at, _)| {
            let (operator, rest) = statement[at..].split_once('\'')?;
            let (pattern, _) = rest.split_once(")$'")?;
            operator.contains('~').then(|| format!("{pattern})$"))
        });
        let narrowed = pattern.map_or_else(String::new, |pattern| format!(" WHERE name ~ '{pattern}'"));
        Some(format!(
            "SELECT 'public' AS \"Schema\", name AS \"Name\", arguments AS \"Argument data types\", meaning AS \"Description\" \
             FROM (VALUES {}) AS own (name, arguments, meaning){narrowed} ORDER BY name",
            self.0
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_listed_by_name() {
        let function = |name: &str, own| Function {
            name: name.to_owned(),
            call: format!("{name}(it, its)"),
            meaning: "What's there".to_owned(),
            own,
        };
        let functions = Functions::of(&[function("arn_name", true), function("abs", false)]);
        let psql = "SELECT n.nspname AS \"Schema\", p.proname AS \"Name\", pg_catalog.pg_get_function_result(p.oid) AS r, \
                    pg_catalog.pg_get_function_arguments(p.oid) AS \"Argument data types\" FROM pg_catalog.pg_proc AS p";
        let all = functions.instead(psql).unwrap();
        assert!(all.contains("(VALUES ('arn_name', 'it, its', 'What''s there'))") && !all.contains("WHERE"), "{all}");
        let some = functions.instead(&format!("{psql} WHERE p.proname OPERATOR(pg_catalog.~) '^(arn.*)$'")).unwrap();
        assert!(some.contains(" WHERE name ~ '^(arn.*)$' ORDER"), "{some}");
        let more = psql.replace(" FROM", ", CASE p.prokind WHEN 'a' THEN 'agg' END FROM");
        let some = functions.instead(&format!("{more} WHERE p.proname ~ '^(arn.*)$' AND n.nspname <> 'x'")).unwrap();
        assert!(some.contains(" WHERE name ~ '^(arn.*)$' ORDER"), "{some}");
        assert!(!functions.instead(&more).unwrap().contains("WHERE"));
        assert_eq!(functions.instead("SELECT * FROM pg_catalog.pg_proc"), None);
    }
}
