//! A Markdown table, safe to paste into a ticket: no cell can open a tag, load an image or break out of its row.

use std::io::{BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::{Cells, is_number};
use super::{Target, Writer, failed};
use crate::error::Result;
use crate::escape::visible_lines;

/// Markdown being written.
pub struct Markdown {
    schema: SchemaRef,
    out: BufWriter<Target>,
}

impl Markdown {
    /// Writes the header.
    pub fn new(schema: SchemaRef, target: Target) -> Result<Self> {
        let mut out = BufWriter::new(target);
        let mut lines = String::from("|");
        for field in schema.fields() {
            lines.push(' ');
            escape(field.name(), &mut lines);
            lines.push_str(" |");
        }
        lines.push_str("\n|");
        for field in schema.fields() {
            lines.push_str(if is_number(field.data_type()) { " ---: |" } else { " --- |" });
        }
        lines.push('\n');
        out.write_all(lines.as_bytes()).map_err(failed)?;
        Ok(Self { schema, out })
    }
}

fn escape(text: &str, out: &mut String) {
    let text = visible_lines(text);
    let mut chars = text.trim().chars().peekable();
    let mut inside = false;
    while let Some(c) = chars.next() {
        // Between letters and digits an underscore is one; elsewhere it begins or ends emphasis.
        let within = inside && chars.peek().is_some_and(|next| next.is_alphanumeric());
        inside = c.is_alphanumeric() || (c == '_' && inside);
        match c {
            '_' if !within => out.push_str("\\_"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br>"),
            '\r' => {}
            '\t' => out.push(' '),
            '|' | '\\' | '`' | '*' | '[' | ']' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
}

impl Writer for Markdown {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut columns = Cells::of(&self.schema, batch).map_err(failed)?;
        let mut line = String::new();
        for row in 0..batch.num_rows() {
            line.clear();
            line.push('|');
            for cells in &mut columns {
                line.push(' ');
                escape(&cells.text(row).map_err(failed)?.unwrap_or_default(), &mut line);
                line.push_str(" |");
            }
            line.push('\n');
            self.out.write_all(line.as_bytes()).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        self.out.flush().map_err(failed)?;
        Ok(0)
    }
}
