//! The answer's formats: record batches in, bytes out; one file a format.
//!
//! Log content is chosen by callers, some of them hostile: no format passes on what a terminal, a spreadsheet or a browser
//! would obey. A format never stops early and calls it done: what it could not write is an error.

mod batch;
mod cell;
mod csv;
mod json;
mod layout;
mod markdown;
mod ocsf;
mod parquet;
mod table;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;

use crate::error::{Error, Kind, Result};

pub use crate::escape::visible;
pub use json::{Row, rows};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people, as wide as the terminal
    Table,
    /// Comma-separated values; cells that a spreadsheet would run are disarmed
    Csv,
    /// One JSON array
    Json,
    /// One JSON object a line
    Ndjson,
    /// A Markdown table
    Markdown,
    /// Apache Parquet
    Parquet,
    /// OCSF 1.5 events, one JSON object a line; for rows of events
    Ocsf,
}

/// How a table is fitted to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As wide as it needs to be.
    Free,
    /// At most so wide: columns that do not fit beside each other become blocks of name and value.
    Screen(usize),
    /// So wide where that is enough, else as wide as it needs to be: its reader can scroll sideways.
    Scrolled(usize),
    /// A block a row, at most so wide.
    Blocks(Option<usize>),
}

impl Fit {
    /// The width that lines are broken at.
    pub fn width(self) -> Option<usize> {
        match self {
            Fit::Free => None,
            Fit::Screen(width) | Fit::Scrolled(width) => Some(width),
            Fit::Blocks(width) => width,
        }
    }
}

impl From<Option<usize>> for Fit {
    /// A screen of that width, else as wide as it needs to be.
    fn from(width: Option<usize>) -> Self {
        width.map_or(Fit::Free, Fit::Screen)
    }
}

/// Where the bytes go. It remembers a reader that went away, which is no error: `rolecall sql ... | head` is done.
pub struct Target {
    inner: Box<dyn Write + Send>,
    closed: Arc<AtomicBool>,
}

impl Target {
    /// Writes to `inner`.
    pub fn new(inner: impl Write + Send + 'static) -> Self {
        Self { inner: Box::new(inner), closed: Arc::default() }
    }

    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            self.closed.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.watch(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.watch(result)
    }
}

/// One format at work: batches one after the other, then the end.
trait Writer: Send {
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Writes what is left, flushes, and says how many rows it left out on purpose.
    fn finish(self: Box<Self>) -> Result<u64>;
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows of the answer.
    pub rows: u64,
    /// Rows that the table left out because nobody reads so many.
    pub left_out: u64,
    /// The reader went away before the end.
    pub closed: bool,
}

/// An answer being written.
pub struct Output {
    shape: batch::Shape,
    writer: Box<dyn Writer>,
    closed: Arc<AtomicBool>,
    rows: u64,
}

impl Output {
    /// Starts an answer with these columns; `fit` is for the table.
    ///
    /// # Errors
    /// The first bytes cannot be written.
    pub fn new(format: Format, schema: &SchemaRef, target: Target, fit: impl Into<Fit>) -> Result<Self> {
        let shape = batch::Shape::new(schema);
        let closed = Arc::clone(&target.closed);
        let columns = shape.schema();
        let writer: Box<dyn Writer> = match format {
            Format::Table => Box::new(table::Table::new(columns, target, fit.into())),
            Format::Csv => Box::new(csv::Csv::new(columns, target)?),
            Format::Json => Box::new(json::array(target)),
            Format::Ndjson => Box::new(json::lines(target)),
            Format::Markdown => Box::new(markdown::Markdown::new(columns, target)?),
            Format::Parquet => Box::new(parquet::Parquet::new(columns, target)?),
            Format::Ocsf => Box::new(ocsf::Ocsf::new(&columns, target)?),
        };
        Ok(Self { shape, writer, closed, rows: 0 })
    }

    /// Writes a batch; `false` says that the reader went away and nothing more is needed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<bool> {
        self.rows += batch.num_rows() as u64;
        match self.shape.apply(batch).and_then(|batch| self.writer.write(&batch)) {
            Err(_) if self.closed.load(Ordering::Relaxed) => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// The last bytes cannot be written.
    pub fn finish(self) -> Result<Written> {
        let result = self.writer.finish();
        let closed = self.closed.load(Ordering::Relaxed);
        match result {
            Err(_) if closed => Ok(Written { rows: self.rows, left_out: 0, closed }),
            result => Ok(Written { rows: self.rows, left_out: result?, closed }),
        }
    }
}

/// Writes a text as it is; the caller has made it [`visible`].
///
/// # Errors
/// It cannot be written.
pub fn text(mut target: Target, text: &str) -> Result<()> {
    let result = target.write_all(text.as_bytes()).and_then(|()| target.flush());
    match result {
        Err(_) if target.closed.load(Ordering::Relaxed) => Ok(()),
        result => result.map_err(failed),
    }
}

/// A sentence in lines that fit, broken between words; one line where nothing limits it.
pub fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    layout::wrap_words(text, width.unwrap_or(usize::MAX).max(1))
}

/// Adds a sentence to a text, in lines that fit: the first behind the indent, the others two columns further in.
pub fn paragraph(out: &mut String, indent: &str, text: &str, width: Option<usize>) {
    for (number, line) in wrapped(text, width.map(|width| width.saturating_sub(indent.len() + 2))).iter().enumerate() {
        out.push_str(indent);
        out.push_str(if number > 0 { "  " } else { "" });
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Output, "the answer cannot be written").source(cause)
}

#[cfg(test)]
mod tests;
