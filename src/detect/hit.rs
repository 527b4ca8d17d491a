//! What a detection's statement answers with: a row a hit, in columns that all detections share.
//!
//! Needed are `entity`, `score` and `reason`; every other column may be missing. A column of another name is refused, so that a
//! misspelt one is found when the detection is written.

use arrow::array::{
    Array, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;

use super::finding::Severity;
use crate::error::{Error, Result};
use crate::lake::rows::typed;
use crate::lake::schema::Type;

/// One row of a detection's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hit {
    /// Who it is about: a name that stays the same from night to night.
    pub entity: String,
    /// On what: likewise.
    pub target: String,
    /// The class of value: what kind of new, not which.
    pub value: String,
    /// Bits of surprise.
    pub score: f64,
    /// Where the row knows better than the detection's header.
    pub severity: Option<Severity>,
    /// What happened, in one line; the detection's title where none is given.
    pub title: Option<String>,
    /// Why, and against which baseline.
    pub reason: String,
    /// The sessions concerned.
    pub session_ids: Vec<String>,
    /// Long-term keys concerned.
    pub access_keys: Vec<String>,
    /// Identities beside those of the sessions.
    pub principals: Vec<String>,
    /// Roles beside those of the sessions.
    pub role_arns: Vec<String>,
    /// Addresses concerned.
    pub source_ips: Vec<String>,
    /// Accounts beside those of the roles.
    pub accounts: Vec<String>,
    /// Events that it rests on.
    pub event_ids: Vec<String>,
    /// How many events.
    pub event_count: Option<i64>,
    /// The first of them, microseconds.
    pub first_at: Option<i64>,
    /// The last of them, microseconds.
    pub last_at: Option<i64>,
}

const TEXTS: [&str; 6] = ["entity", "target", "value", "severity", "title", "reason"];
const LISTS: [&str; 7] =
    ["session_ids", "access_keys", "principals", "role_arns", "source_ips", "accounts", "event_ids"];
const OTHERS: [&str; 4] = ["score", "event_count", "first_at", "last_at"];

/// Reads the rows of an answer.
///
/// # Errors
/// A column that is not known, or one that is needed and is missing.
pub fn read(detection: &str, batch: &RecordBatch) -> Result<Vec<Hit>> {
    let wrong = |what: String| Error::usage(format!("{detection}: {what}"));
    for field in batch.schema().fields() {
        let name = field.name().as_str();
        if !TEXTS.contains(&name) && !LISTS.contains(&name) && !OTHERS.contains(&name) {
            return Err(wrong(format!("a detection has no column '{name}'")));
        }
    }
    for needed in ["entity", "score", "reason"] {
        if batch.column_by_name(needed).is_none() {
            return Err(wrong(format!("the column '{needed}' is missing")));
        }
    }
    let texts: Vec<StringArray> =
        TEXTS.iter().map(|name| typed(batch, name, &DataType::Utf8)).collect::<Result<_>>()?;
    let lists: Vec<ListArray> =
        LISTS.iter().map(|name| typed(batch, name, &Type::Texts.arrow())).collect::<Result<_>>()?;
    let scores: Float64Array = typed(batch, "score", &DataType::Float64)?;
    let counts: Int64Array = typed(batch, "event_count", &DataType::Int64)?;
    let first: TimestampMicrosecondArray = typed(batch, "first_at", &Type::Time.arrow())?;
    let last: TimestampMicrosecondArray = typed(batch, "last_at", &Type::Time.arrow())?;
    let text = |column: usize, row: usize| {
        let array = &texts[column];
        array.is_valid(row).then(|| array.value(row).to_owned())
    };
    let list = |column: usize, row: usize| -> Vec<String> {
        let array = &lists[column];
        if array.is_null(row) {
            return Vec::new();
        }
        let values = array.value(row);
        let mut found: Vec<String> =
            values.as_string::<i32>().iter().flatten().filter(|text| !text.is_empty()).map(str::to_owned).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    (0..batch.num_rows())
        .map(|row| {
            let severity = match text(3, row) {
                None => None,
                Some(word) => Some(Severity::parse(&word).ok_or_else(|| wrong(format!("'{word}' is no severity")))?),
            };
            Ok(Hit {
                entity: text(0, row).unwrap_or_default(),
                target: text(1, row).unwrap_or_default(),
                value: text(2, row).unwrap_or_default(),
                severity,
                title: text(4, row),
                reason: text(5, row).unwrap_or_default(),
                score: if scores.is_valid(row) { scores.value(row) } else { 0.0 },
                session_ids: list(0, row),
                access_keys: list(1, row),
                principals: list(2, row),
                role_arns: list(3, row),
                source_ips: list(4, row),
                accounts: list(5, row),
                event_ids: list(6, row),
                event_count: counts.is_valid(row).then(|| counts.value(row)),
                first_at: first.is_valid(row).then(|| first.value(row)),
                last_at: last.is_valid(row).then(|| last.value(row)),
            })
        })
        .collect()
}
