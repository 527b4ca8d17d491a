//! Errors as Postgres has them: our words, a code that clients know, and what to do as the hint.

use datafusion::error::DataFusionError;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};

use crate::error::{Error, Kind};
use crate::sql::mistake::explain;

/// Codes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
const READ_ONLY: &str = "25006";
const CANCELED: &str = "57014";

fn severe(severity: &str, code: &str, message: impl Into<String>) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new(severity.to_owned(), code.to_owned(), message.into())))
}

/// An error that ends the connection.
pub fn fatal(code: &str, message: impl Into<String>) -> PgWireError {
    severe("FATAL", code, message)
}

/// A statement that would change something.
pub fn read_only(statement: &str) -> PgWireError {
    severe("ERROR", READ_ONLY, format!("only questions can be asked: {statement} is refused"))
}

/// A setting that is not the client's to change.
pub fn no_setting(name: &str) -> PgWireError {
    severe("ERROR", "42704", format!("the setting '{name}' cannot be changed here"))
}

/// A FETCH that goes elsewhere than forward.
pub fn no_direction() -> PgWireError {
    severe("ERROR", "0A000", "a cursor only goes forward: FETCH FORWARD n, or FETCH ALL")
}

/// A FETCH from what is no cursor.
pub fn no_cursor(name: &str) -> PgWireError {
    severe("ERROR", "34000", format!("cursor \"{name}\" does not exist"))
}

/// A statement that took too long.
pub fn too_long(seconds: f64) -> PgWireError {
    severe("ERROR", CANCELED, format!("the statement took longer than {seconds} s and was ended"))
}

/// A statement that its client cancelled.
pub fn canceled() -> PgWireError {
    severe("ERROR", CANCELED, "canceling statement due to user request")
}

/// An error of planning or running a query. `tables` are the names that it could have used.
pub fn mistake(error: DataFusionError, tables: &[&str]) -> PgWireError {
    let error = explain(error, tables);
    let mut info = ErrorInfo::new("ERROR".to_owned(), code(&error).to_owned(), error.to_string());
    let mut details: Vec<String> = error.contexts().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    details.extend(std::error::Error::source(&error).map(ToString::to_string));
    info.detail = Some(details.join("; ")).filter(|text| !text.is_empty());
    info.hint = Some(error.hints().join("; ")).filter(|text| !text.is_empty());
    PgWireError::UserError(Box::new(info))
}

fn code(error: &Error) -> &'static str {
    let message = error.to_string();
    let begins = |words: &str| message.starts_with(words);
    match error.kind() {
        Kind::Usage if begins("there is no table") => "42P01",
        Kind::Usage if begins("there is no column") => "42703",
        Kind::Usage if begins("Invalid function") => "42883",
        Kind::Usage if begins("this is no SQL") => "42601",
        Kind::Usage if begins("only questions can be asked") => READ_ONLY,
        Kind::Usage if begins("this SQL is not supported") => "0A000",
        Kind::Usage => "42000",
        Kind::Input if begins("the query needs more memory") => "53200",
        Kind::Input => "58030",
        _ => "XX000",
    }
}

/// Puts an error that came from the engine while rows were sent into our words.
pub fn reword(error: &mut PgWireError) {
    let PgWireError::ApiError(inner) = error else { return };
    let inner = std::mem::replace(inner, "".into());
    *error = match inner.downcast::<DataFusionError>() {
        Ok(ours) => mistake(*ours, &[]),
        Err(inner) => PgWireError::ApiError(inner),
    };
}
