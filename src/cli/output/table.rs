//! The table for people. Where the columns do not fit beside each other, each row becomes a block of name and value.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use comfy_table::presets::{NOTHING, UTF8_FULL, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, ContentArrangement};

use super::cell::{Cells, is_number};
use super::layout::{self, Wish};
use super::{Fit, Target, Writer, failed};
use crate::error::Result;
use crate::escape::visible;

/// Rows that a table shows; nobody reads more, and a table is held in memory.
const MOST_ROWS: usize = 1000;
/// Lines of one cell in a table.
const CELL_LINES: usize = 6;
/// The widest column of a table that is scrolled sideways.
const SCROLLED_COLUMN: usize = 80;
/// Lines of one value in a block.
const BLOCK_LINES: usize = 12;

/// A table being collected: its widths are known only at the end.
pub struct Table {
    schema: SchemaRef,
    target: Target,
    fit: Fit,
    rows: Vec<Vec<String>>,
    left_out: u64,
}

impl Table {
    /// Starts a table.
    pub fn new(schema: SchemaRef, target: Target, fit: Fit) -> Self {
        Self { schema, target, fit, rows: Vec::new(), left_out: 0 }
    }

    fn rendered(&self) -> String {
        let names: Vec<_> = self.schema.fields().iter().map(|field| visible(field.name()).into_owned()).collect();
        let wishes: Vec<_> =
            self.schema.fields().iter().enumerate().map(|(i, field)| self.wish(i, field, &names[i])).collect();
        let borders = 3 * names.len() + 1;
        let room = self.fit.width().map_or(usize::MAX, |width| width.saturating_sub(borders));
        match (self.fit, layout::widths(&wishes, room)) {
            (Fit::Blocks(_), _) => self.blocks(&names),
            (_, Some(widths)) => self.grid(&names, &widths),
            (Fit::Scrolled(_), None) => self.grid(&names, &layout::capped(&wishes, SCROLLED_COLUMN)),
            (_, None) => self.blocks(&names),
        }
    }

    fn wish(&self, column: usize, field: &Field, name: &str) -> Wish {
        let kind = field.data_type();
        Wish {
            cells: self.rows.iter().map(|row| layout::width(&row[column])).max().unwrap_or(0),
            header: layout::width(name),
            header_word: name.split_inclusive(['_', ' ']).map(layout::width).max().unwrap_or(0),
            kind: match kind {
                DataType::Timestamp(_, _) => layout::Cells::Times,
                DataType::Boolean => layout::Cells::Whole,
                kind if is_number(kind) || kind.is_temporal() => layout::Cells::Whole,
                _ => layout::Cells::Text,
            },
        }
    }

    fn grid(&self, names: &[String], widths: &[usize]) -> String {
        let mut broken = false;
        let mut cell = |text: &str, column: usize| {
            let lines = layout::wrap(text, widths[column], CELL_LINES);
            broken |= lines.len() > 1;
            lines.join("\n")
        };
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().enumerate().map(|(column, text)| cell(text, column)).collect())
            .collect();
        let header: Vec<_> =
            names.iter().zip(widths).map(|(name, width)| layout::wrap(name, *width, usize::MAX).join("\n")).collect();
        let mut table = comfy_table::Table::new();
        // Rows of several lines need a line between them.
        table.load_preset(if broken { UTF8_FULL } else { UTF8_FULL_CONDENSED });
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header.iter().map(Cell::new));
        for row in rows {
            table.add_row(row);
        }
        for (column, field) in self.schema.fields().iter().enumerate() {
            if is_number(field.data_type())
                && let Some(column) = table.column_mut(column)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }

    fn blocks(&self, names: &[String]) -> String {
        let longest = names.iter().map(|name| layout::width(name)).max().unwrap_or(0);
        let room = self.fit.width().unwrap_or(usize::MAX).saturating_sub(longest + 2).max(longest.min(20)).max(1);
        let mut out = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut table = comfy_table::Table::new();
            table.load_preset(NOTHING);
            table.set_content_arrangement(ContentArrangement::Disabled);
            for (name, value) in names.iter().zip(row) {
                table.add_row([name.as_str(), &layout::wrap(value, room, BLOCK_LINES).join("\n")]);
            }
            for (column, padding) in [(0, (0, 2)), (1, (0, 0))] {
                if let Some(column) = table.column_mut(column) {
                    column.set_padding(padding);
                }
            }
            if number > 0 {
                out.push('\n');
            }
            out.push_str(&format!("── row {} ──\n{}\n", number + 1, table.trim_fmt()));
        }
        out.truncate(out.trim_end().len());
        out
    }
}

impl Writer for Table {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let shown = batch.num_rows().min(MOST_ROWS - self.rows.len());
        self.left_out += (batch.num_rows() - shown) as u64;
        let mut columns = Cells::of(&self.schema, batch).map_err(failed)?;
        for row in 0..shown {
            let mut texts = Vec::with_capacity(columns.len());
            for cells in &mut columns {
                let text = cells.text(row).map_err(failed)?.unwrap_or_default();
                texts.push(visible(&text).into_owned());
            }
            self.rows.push(texts);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        let mut text = self.rendered();
        text.push('\n');
        self.target.write_all(text.as_bytes()).map_err(failed)?;
        self.target.flush().map_err(failed)?;
        Ok(self.left_out)
    }
}
