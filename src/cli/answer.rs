//! Writes an answer to where the user wants it, and says what was left out.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use indicatif::HumanCount;

use super::arguments::Answer;
use super::console::Console;
use super::output::{Fit, Format, Output, Target, Written};
use crate::error::{Error, Result};
use crate::sql::mistake::explain;

/// A place for an answer, taken before the work begins.
pub struct Answering {
    format: Format,
    target: Target,
    console: Console,
    fit: Fit,
}

impl Answering {
    /// Opens the place.
    ///
    /// # Errors
    /// The file cannot be made, or the format is not for a terminal.
    pub fn begin(answer: &Answer, console: Console) -> Result<Self> {
        let file = answer.output.as_deref().filter(|path| *path != std::path::Path::new("-"));
        let to_terminal = file.is_none() && console.answer_is_terminal();
        let format = answer.format.unwrap_or(if to_terminal { Format::Table } else { Format::Ndjson });
        if format == Format::Parquet && to_terminal {
            return Err(Error::usage("parquet is not for a terminal").hint("name a file: -o FILE"));
        }
        // A file is as wide as it needs to be.
        let width = if file.is_some() { None } else { console.width() };
        let fit = Fit::from(width);
        Ok(Self { format, target: console.target(file)?, fit, console })
    }

    /// An answer to a place that is open already.
    pub fn new(format: Format, target: Target, fit: Fit, console: Console) -> Self {
        Self { format, target, fit, console }
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The width of what is read by people.
    pub fn width(&self) -> Option<usize> {
        self.fit.width()
    }

    /// Writes text instead of rows.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn text(self, text: &str) -> Result<()> {
        super::output::text(self.target, text)
    }

    /// Begins an answer of rows that come bit by bit.
    ///
    /// # Errors
    /// The first bytes cannot be written.
    pub fn rows(self, schema: &SchemaRef) -> Result<Answered> {
        Ok(Answered { output: Output::new(self.format, schema, self.target, self.fit)?, console: self.console })
    }

    /// Writes a stream of batches as they come. An error half-way is an error: a short answer must not look whole.
    ///
    /// # Errors
    /// The query fails, or the answer cannot be written.
    pub async fn stream(self, mut batches: SendableRecordBatchStream) -> Result<()> {
        let mut output = Output::new(self.format, &batches.schema(), self.target, self.fit)?;
        while let Some(batch) = batches.next().await {
            if !output.write(&batch.map_err(|e| explain(e, &[]))?)? {
                break;
            }
        }
        said(self.console, output.finish()?);
        Ok(())
    }

    /// Writes batches of one schema.
    ///
    /// # Errors
    /// There is none, or the answer cannot be written.
    pub fn batches(self, batches: &[RecordBatch]) -> Result<()> {
        let first = batches.first().ok_or_else(|| Error::internal("an answer has no columns"))?;
        let mut output = Output::new(self.format, &first.schema(), self.target, self.fit)?;
        for batch in batches {
            if !output.write(batch)? {
                break;
            }
        }
        said(self.console, output.finish()?);
        Ok(())
    }
}

/// An answer that is being written.
pub struct Answered {
    output: Output,
    console: Console,
}

impl Answered {
    /// Writes rows; a reader that went away takes no more, which is no error.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.output.write(batch).map(|_| ())
    }

    /// Ends the answer, and says what was left out.
    ///
    /// # Errors
    /// The last bytes cannot be written.
    pub fn finish(self) -> Result<()> {
        said(self.console, self.output.finish()?);
        Ok(())
    }
}

fn said(console: Console, written: Written) {
    if written.left_out > 0 {
        console.warning(&format!(
            "{} more rows are not shown; --format csv or ndjson writes them all",
            HumanCount(written.left_out)
        ));
    }
}
