//! Apache Parquet, for other tools.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
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
        Ok(Self(ArrowWriter::try_new(target, schema, Some(properties)).map_err(failed)?))
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
