//! Comma-separated values, safe to open in a spreadsheet.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::{Cells, is_number};
use super::{Target, Writer, failed};
use crate::error::Result;
use crate::escape::{disarmed, visible_lines};

/// CSV being written.
pub struct Csv {
    schema: SchemaRef,
    writer: csv::Writer<Target>,
}

impl Csv {
    /// Writes the header, so that an empty answer has one too.
    pub fn new(schema: SchemaRef, target: Target) -> Result<Self> {
        let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(target);
        writer.write_record(schema.fields().iter().map(|field| field.name())).map_err(failed)?;
        Ok(Self { schema, writer })
    }
}

impl Writer for Csv {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut columns = Cells::of(&self.schema, batch).map_err(failed)?;
        for row in 0..batch.num_rows() {
            for (cells, field) in columns.iter_mut().zip(self.schema.fields()) {
                let text = cells.text(row).map_err(failed)?.unwrap_or_default();
                if is_number(field.data_type()) {
                    self.writer.write_field(text.as_bytes()).map_err(failed)?;
                } else {
                    self.writer.write_field(disarmed(visible_lines(&text)).as_bytes()).map_err(failed)?;
                }
            }
            self.writer.write_record(None::<&[u8]>).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        self.writer.flush().map_err(failed)?;
        Ok(0)
    }
}
