//! Footers of the lake's files, read no further than a question needs: of a hundred columns' statistics those that it filters by.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::error::Result;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};

use super::files::FOOTER;

/// Opens files for a scan.
#[derive(Debug)]
pub(super) struct Footers {
    files: DefaultParquetFileReaderFactory,
    /// Places of the columns whose statistics are of use.
    columns: Vec<usize>,
}

impl Footers {
    /// Of the files in `store`, for a scan that filters by the columns at these places.
    pub(super) fn new(store: Arc<dyn ObjectStore>, columns: Vec<usize>) -> Self {
        Self { files: DefaultParquetFileReaderFactory::new(store), columns }
    }
}

impl ParquetFileReaderFactory for Footers {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        footer: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let size = file.object_meta.size;
        let file = self.files.create_reader(partition, file, footer, metrics)?;
        // A file of an earlier version may have its columns in other places: then less is ruled out, never too much.
        let options = ParquetMetaDataOptions::new()
            .with_column_stats_policy(ParquetStatisticsPolicy::skip_except(&self.columns))
            .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        Ok(Box::new(Footer { file, size, options }))
    }
}

/// One file.
struct Footer {
    file: Box<dyn AsyncFileReader + Send>,
    size: u64,
    options: ParquetMetaDataOptions,
}

impl AsyncFileReader for Footer {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.file.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.file.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        let policy = options.map_or(PageIndexPolicy::Skip, ArrowReaderOptions::column_index_policy);
        let reader = ParquetMetaDataReader::new()
            .with_metadata_options(Some(self.options.clone()))
            .with_page_index_policy(policy)
            .with_prefetch_hint(Some(FOOTER));
        let size = self.size;
        async move { Ok(Arc::new(reader.load_and_finish(&mut *self, size).await?)) }.boxed()
    }
}
