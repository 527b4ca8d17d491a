//! Apache Parquet, for other tools.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Target, Writer, failed};
use crate::error::Result;

/// A Parquet file being written.
pub struct Parquet(ArrowWriter<Target>);

impl Parquet {
    /// Starts the file.
    pub fn new(schema: SchemaRef, target: Target) -> Result<Self> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        // Parquet's own types say it all. Arrow's beside them would ask readers for forms that not all know: pandas
        // refuses lists of string views.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        Ok(Self(ArrowWriter::try_new_with_options(target, schema, options).map_err(failed)?))
    }
}

impl Writer for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch).map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        let mut target = self.0.into_inner().map_err(failed)?;
        target.flush().map_err(failed)?;
        Ok(0)
    }
}
