//! Values for the `$names` of a query: each name has one, each value has the type that its place in the query asks for.

use arrow::datatypes::DataType;
use chrono::Utc;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::LogicalPlan;

use super::mistake::explained;
use super::nearest::nearest;
use super::parameter::Kind;
use crate::error::{Error, Result};

/// Fits the given values to a plan. Text becomes what it is compared with: a number, a time.
///
/// # Errors
/// A name without a value, a value without a name, a text that is not of the type asked for.
pub fn fit(plan: &LogicalPlan, given: Vec<(String, ScalarValue)>) -> Result<Vec<(String, ScalarValue)>> {
    let asked = explained(plan.get_parameter_types(), &[])?;
    let mut names: Vec<&str> = asked.keys().map(|name| name.trim_start_matches('$')).collect();
    names.sort_unstable();
    if let Some(name) = names.iter().find(|name| !given.iter().any(|(given, _)| given == *name)) {
        return Err(Error::usage(format!("the parameter ${name} has no value")).hint(format!("--param {name}=...")));
    }
    given
        .into_iter()
        .map(|(name, value)| match asked.get(&format!("${name}")) {
            None => Err(unknown(&name, &names)),
            Some(kind) => Ok((name.clone(), typed(&name, value, kind.as_ref())?)),
        })
        .collect()
}

fn unknown(name: &str, names: &[&str]) -> Error {
    let error = Error::usage(format!("the query has no parameter ${name}"));
    match nearest(name, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean ${near}?")),
        None if names.is_empty() => {
            error.hint("a parameter stands in the query as $name; in a shell, put the query in single quotes")
        }
        None => error.hint(format!("it has ${}", names.join(", $"))),
    }
}

fn typed(name: &str, value: ScalarValue, asked: Option<&DataType>) -> Result<ScalarValue> {
    let (ScalarValue::Utf8(Some(text)), Some(asked)) = (&value, asked) else { return Ok(value) };
    let kind = match asked {
        DataType::Boolean => Kind::Bool,
        DataType::Timestamp(_, _) => Kind::Timestamp,
        DataType::Date32 | DataType::Date64 => Kind::Date,
        DataType::Interval(_) => Kind::Duration,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Kind::Float,
        kind if kind.is_integer() => Kind::Int,
        _ => return Ok(value),
    };
    kind.parse(text, Utc::now())
        .and_then(|value| value.cast_to(asked).ok())
        .ok_or_else(|| Error::usage(format!("'{text}' is no {kind} for the parameter ${name}")).hint(kind.form()))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    async fn fitted(sql: &str, given: &[(&str, &str)]) -> Result<Vec<(String, ScalarValue)>> {
        let context = SessionContext::new();
        let view = "CREATE VIEW t AS SELECT 1 AS n, 'x' AS s, arrow_cast(0, 'Timestamp(µs, \"UTC\")') AS at, true AS b";
        context.sql(view).await.unwrap();
        let frame = context.sql(sql).await.unwrap();
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), ScalarValue::from(*text))).collect();
        fit(frame.logical_plan(), given)
    }

    #[tokio::test]
    async fn texts_become_what_they_are_compared_with() {
        let sql = "SELECT * FROM t WHERE n > $n AND s = $s AND at >= $at AND n IN (SELECT n FROM t WHERE n < $m)";
        let values = fitted(sql, &[("n", "10"), ("s", "015"), ("at", "1970-01-02"), ("m", "3")]).await.unwrap();
        let value = |name: &str| &values.iter().find(|(given, _)| given == name).unwrap().1;
        assert_eq!(value("n"), &ScalarValue::from(10i64));
        assert_eq!(value("s"), &ScalarValue::from("015"));
        assert_eq!(value("at"), &ScalarValue::TimestampMicrosecond(Some(86_400_000_000), Some("UTC".into())));
        assert_eq!(value("m"), &ScalarValue::from(3i64));
    }

    #[tokio::test]
    async fn names_and_values_must_match() {
        for (sql, given, what, hint) in [
            ("SELECT $x", vec![], "the parameter $x has no value", "--param x=..."),
            (
                "SELECT 1",
                vec![("x", "1")],
                "the query has no parameter $x",
                "a parameter stands in the query as $name; in a shell, put the query in single quotes",
            ),
            (
                "SELECT $role",
                vec![("role", "1"), ("rolle", "1")],
                "the query has no parameter $rolle",
                "did you mean $role?",
            ),
            (
                "SELECT * FROM t WHERE n = $n",
                vec![("n", "ten")],
                "'ten' is no int for the parameter $n",
                "write a whole number",
            ),
        ] {
            let error = fitted(sql, &given).await.unwrap_err();
            assert_eq!((error.to_string().as_str(), error.hints()), (what, &[hint.to_owned()][..]), "{sql}");
        }
    }
}
