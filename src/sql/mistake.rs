//! DataFusion's errors in words that say what to do: whose mistake it is, where it stands, what was probably meant.

use arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError};

use super::nearest::nearest;
use crate::error::{Error, Kind, Result};

/// Lists of names longer than this help nobody.
const FEW: usize = 12;

/// Turns an error of planning or running a query into ours. `tables` are the names that the query could have used.
///
/// A mistake in the query is the asker's (exit 2); what cannot be read or computed is not (exit 1). An error of our own that
/// passed through DataFusion comes out as it went in.
pub fn explain(error: DataFusionError, tables: &[&str]) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => explain(*inner, tables),
        DataFusionError::Collection(errors) => match errors.into_iter().next() {
            Some(first) => explain(first, tables),
            None => Error::internal("the query failed and does not say why"),
        },
        DataFusionError::Shared(inner) => shared(&inner, tables),
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(inner) => match inner.downcast::<DataFusionError>() {
                Ok(inner) => explain(*inner, tables),
                Err(inner) => Error::input("the query could not be finished").source(inner),
            },
        },
        DataFusionError::ArrowError(inner, _) => match *inner {
            ArrowError::ExternalError(inner) => explain(DataFusionError::External(inner), tables),
            ArrowError::CastError(what) | ArrowError::ComputeError(what) | ArrowError::ParseError(what) => {
                Error::usage(format!("the query cannot be computed: {what}"))
                    .hint("try_cast gives null where a value has another form")
            }
            ArrowError::DivideByZero => {
                Error::usage("the query divides by zero").hint("nullif(x, 0) gives null instead")
            }
            other => Error::input("the query could not be finished").source(other),
        },
        DataFusionError::SchemaError(inner, _) => schema(*inner),
        DataFusionError::SQL(inner, _) => Error::usage(format!("this is no SQL: {}", plain(&inner.to_string()))),
        DataFusionError::Plan(what) => plan(&what, tables),
        DataFusionError::NotImplemented(what) if what.contains("single SQL statement") => {
            Error::usage("only one statement can be asked at a time")
        }
        DataFusionError::NotImplemented(what) => Error::usage(format!("this SQL is not supported: {}", plain(&what))),
        DataFusionError::Configuration(what) => Error::usage(plain(&what)),
        DataFusionError::Execution(what) => execution(&what),
        DataFusionError::ResourcesExhausted(what) => {
            Error::new(Kind::Input, "the query needs more memory than there is")
                .context("cause", plain(&what))
                .hint(
                    "ask about less (--since, --until, --account, fewer columns, a LIMIT), or give more: max_memory under [reading] in rolecall.toml",
                )
        }
        other @ (DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) | DataFusionError::ParquetError(_)) => {
            Error::input("the query could not read its data").source(other)
        }
        other => Error::internal("the query failed").source(other.strip_backtrace()),
    }
}

/// The same, for a result.
///
/// # Errors
/// The explained error.
pub fn explained<T>(result: Result<T, DataFusionError>, tables: &[&str]) -> Result<T> {
    result.map_err(|e| explain(e, tables))
}

/// An error that several readers share cannot be taken apart; its words can be copied.
fn shared(error: &DataFusionError, tables: &[&str]) -> Error {
    match error.find_root() {
        DataFusionError::Plan(what) => plan(what, tables),
        DataFusionError::Execution(what) => execution(what),
        DataFusionError::ResourcesExhausted(what) => explain(DataFusionError::ResourcesExhausted(what.clone()), tables),
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(ours) => copy(ours),
            None => Error::input("the query could not be finished").source(inner.to_string()),
        },
        other => Error::input("the query could not be finished").source(other.strip_backtrace()),
    }
}

fn copy(error: &Error) -> Error {
    let mut copy = Error::new(error.kind(), error.to_string());
    for (name, value) in error.contexts() {
        copy = copy.context(name, value.clone());
    }
    for hint in error.hints() {
        copy = copy.hint(hint.clone());
    }
    match std::error::Error::source(error) {
        Some(source) => copy.source(source.to_string()),
        None => copy,
    }
}

fn schema(error: SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let error = Error::usage(format!("there is no column '{}'", field.name()));
            let mut names: Vec<_> = valid_fields.iter().map(Column::name).collect();
            names.sort_unstable();
            names.dedup();
            match nearest(field.name(), names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None if names.is_empty() => error.hint("a text stands in single quotes: 'like this'"),
                None if names.len() <= FEW => error.hint(format!("there are {}", names.join(", "))),
                None => error.hint("the README lists every table's columns; `SELECT * FROM ... LIMIT 1` shows them"),
            }
        }
        SchemaError::AmbiguousReference { field } => {
            Error::usage(format!("the column '{}' is in several tables", field.name()))
                .hint(format!("name its table: ....{}", field.name()))
        }
        other => Error::usage(other.to_string()).hint("name one of the columns with AS"),
    }
}

fn plan(what: &str, tables: &[&str]) -> Error {
    let what = plain(what);
    if let Some(name) = between(&what, "table '", "' not found") {
        // DataFusion names it with catalog and schema.
        let name = name.splitn(3, '.').nth(2).unwrap_or(name);
        let error = Error::usage(format!("there is no table '{name}'"));
        return match nearest(name, tables.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(format!("there are {}", tables.join(", "))),
        };
    }
    if let Some((what, suggestion)) = what.split_once("Did you mean ") {
        let near = suggestion.trim_end_matches('?').trim_matches('\'');
        return Error::usage(what.trim_end_matches(['.', ' '])).hint(format!("did you mean {near}?"));
    }
    if what.contains("not supported: ") {
        return Error::usage("only questions can be asked: this statement would change something")
            .context("statement", what)
            .hint("write SELECT, or EXPLAIN SELECT");
    }
    Error::usage(what)
}

fn execution(what: &str) -> Error {
    Error::usage(format!("the query cannot be computed: {}", plain(what)))
}

/// The message on one line, without DataFusion's backtrace and its own "Error during planning".
fn plain(what: &str) -> String {
    let what = what.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or(what);
    let what = what.trim_start_matches("SQL error: ").trim_start_matches("sql parser error: ");
    what.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::context::SQLOptions;
    use datafusion::prelude::SessionContext;

    use super::*;

    async fn mistake(sql: &str) -> Error {
        let context = SessionContext::new();
        crate::sql::functions::register(&context).unwrap();
        for view in ["sessions", "failures"] {
            let define = format!("CREATE VIEW {view} AS SELECT 'x' AS role_arn, 'y' AS session_name, 1 AS chain_depth");
            context.sql(&define).await.unwrap();
        }
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let result = match context.sql_with_options(sql, options).await {
            Ok(frame) => frame.collect().await.map(|_| ()),
            Err(e) => Err(e),
        };
        explain(result.unwrap_err(), &["sessions", "failures", "events"])
    }

    #[tokio::test]
    async fn mistakes_in_a_query_say_what_was_meant() {
        for (sql, what, hint) in [
            ("SELECT role_anr FROM sessions", "there is no column 'role_anr'", "did you mean role_arn?"),
            ("SELECT x FROM sessions", "there is no column 'x'", "there are chain_depth, role_arn, session_name"),
            ("SELECT * FROM sesions", "there is no table 'sesions'", "did you mean sessions?"),
            ("SELECT * FROM zzz", "there is no table 'zzz'", "there are sessions, failures, events"),
            ("SELECT arn_acount(role_arn) FROM sessions", "Invalid function 'arn_acount'", "did you mean arn_account?"),
            (
                "SELECT role_arn FROM sessions, failures",
                "the column 'role_arn' is in several tables",
                "name its table: ....role_arn",
            ),
            (
                "DROP TABLE sessions",
                "only questions can be asked: this statement would change something",
                "write SELECT, or EXPLAIN SELECT",
            ),
            (
                "COPY sessions TO 'x.csv'",
                "only questions can be asked: this statement would change something",
                "write SELECT, or EXPLAIN SELECT",
            ),
            (
                "SET x = 1",
                "only questions can be asked: this statement would change something",
                "write SELECT, or EXPLAIN SELECT",
            ),
            ("SELECT 1/0", "the query divides by zero", "nullif(x, 0) gives null instead"),
        ] {
            let error = mistake(sql).await;
            assert_eq!(error.to_string(), what, "{sql}");
            assert_eq!(error.hints(), [hint], "{sql}");
            assert_eq!(error.kind(), Kind::Usage, "{sql}");
        }
    }

    #[tokio::test]
    async fn syntax_errors_say_where() {
        let error = mistake("SELECT * FORM sessions").await.to_string();
        assert!(error.starts_with("this is no SQL: ") && error.contains("Line: 1, Column: "), "{error}");
        let error = mistake("SELECT ip_in('10.0.0.1', 'ten')").await.to_string();
        assert!(error.contains("'ten' is no network"), "{error}");
        let error = mistake("SELECT CAST('x' AS INT)").await;
        assert_eq!(error.kind(), Kind::Usage);
    }

    #[test]
    fn errors_of_our_own_come_out_as_they_went_in() {
        let ours = || Error::input("the bucket is gone").context("object", "s3://b/k").hint("look");
        let wrapped = DataFusionError::Context("x".into(), Box::new(DataFusionError::External(Box::new(ours()))));
        assert_eq!(explain(wrapped, &[]).to_string(), "the bucket is gone");
        let shared = DataFusionError::Shared(Arc::new(DataFusionError::External(Box::new(ours()))));
        let shared = explain(shared, &[]);
        assert_eq!(
            (shared.to_string().as_str(), shared.contexts().len(), shared.hints().len()),
            ("the bucket is gone", 1, 1)
        );
        let arrow = DataFusionError::ArrowError(Box::new(ArrowError::ExternalError(Box::new(ours()))), None);
        assert_eq!(explain(arrow, &[]).kind(), Kind::Input);
    }
}
