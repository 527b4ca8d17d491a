//! Verdicts as rows of the table `integrity`.

use arrow::array::RecordBatch;

use super::verdict::Row;
use crate::error::Result;
use crate::lake::rows::{Cell, Rows};
use crate::lake::schema::INTEGRITY;

/// What belongs to a run as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Book {
    /// The run's number in the lake; none where nothing is stored.
    pub number: Option<i64>,
    /// When it began, microseconds.
    pub at: i64,
}

/// The rows, in the table's columns.
///
/// # Errors
/// They do not fit the table, which a test rules out.
pub fn batch(rows: &[Row], book: Book) -> Result<RecordBatch> {
    let mut made = Rows::new(&INTEGRITY)?;
    for row in rows {
        made.push(&[
            Cell::Text(&row.object),
            Cell::Text(row.kind.as_str()),
            Cell::Text(row.verdict.as_str()),
            row.why.map(|why| why.as_str()).into(),
            row.proof.map(|proof| proof.as_str()).into(),
            Cell::Text(&row.account),
            Cell::Text(&row.region),
            (&row.trail).into(),
            row.chain.into(),
            (&row.digest).into(),
            row.delivered_at.map_or(Cell::Null, Cell::Time),
            (&row.expected_sha256).into(),
            (&row.found_sha256).into(),
            book.number.map_or(Cell::Null, Cell::Int),
            Cell::Time(book.at),
        ]);
    }
    made.finish()
}
