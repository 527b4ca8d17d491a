//! A table of the lake as the engine scans it. The table's log says which files can hold what is asked for; the rest is the work of
//! DataFusion's own Parquet reader.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::cast::as_boolean_array;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, DFSchema, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::{ObjectMeta, ObjectStore};

use super::files::DataFile;
use super::footers::Footers;
use super::schema::{Table, Type};
use super::write::stats_columns;

/// A table of the lake at one version.
pub struct StoredTable {
    table: &'static Table,
    store: Arc<dyn ObjectStore>,
    /// What the log says of each file, in the order of `listed`.
    told: Told,
    listed: Vec<DataFile>,
    schema: SchemaRef,
    /// The columns of a file, then the partition's: places in `schema`.
    order: Vec<usize>,
    within: TableSchema,
}

impl StoredTable {
    /// The version of `table` that `log` lists the files of; they are in `store`.
    ///
    /// # Errors
    /// Where the log's parts do not fit together.
    pub(super) fn new(table: &'static Table, store: Arc<dyn ObjectStore>, log: &[RecordBatch]) -> Result<Self> {
        let schema = schema(table);
        let is_partition = |place: &usize| Some(schema.field(*place).name().as_str()) == table.partition;
        let (last, first): (Vec<usize>, Vec<usize>) = (0..schema.fields().len()).partition(is_partition);
        let fields = |places: &[usize]| places.iter().map(|&place| schema.fields()[place].clone()).collect::<Vec<_>>();
        let within = TableSchema::builder(Arc::new(Schema::new(fields(&first))))
            .with_table_partition_cols(fields(&last))
            .build();
        let order = [first, last].concat();
        let told = match log.first() {
            Some(one) => Told { rows: concat_batches(&one.schema(), log)?, partition: table.partition },
            None => Told { rows: RecordBatch::new_empty(Arc::new(Schema::empty())), partition: table.partition },
        };
        let listed = super::files::listed(&told.rows).collect();
        Ok(Self { table, store, told, listed, schema, order, within })
    }

    /// The files that can hold rows which pass all filters; every row of them passes those that are about the partition alone.
    fn chosen(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&DataFile>> {
        let (of_partition, of_rows): (Vec<Expr>, Vec<Expr>) =
            filters.iter().cloned().partition(|filter| self.is_about_partition(filter));
        let mut kept = vec![true; self.listed.len()];
        let mut narrow = |more: &[bool]| kept.iter_mut().zip(more).for_each(|(kept, more)| *kept &= more);
        if let Some(filter) = conjunction(of_partition) {
            let days: ArrayRef = Arc::new(self.listed.iter().map(|file| file.day).collect::<Date32Array>());
            let schema = Arc::new(Schema::new(vec![self.within.table_partition_cols()[0].clone()]));
            let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema.as_ref().clone())?)?;
            let passes = filter.evaluate(&RecordBatch::try_new(schema, vec![days])?)?.into_array(self.listed.len())?;
            narrow(&as_boolean_array(&passes)?.iter().map(|passes| passes == Some(true)).collect::<Vec<_>>());
        }
        if let Some(filter) = conjunction(of_rows) {
            let filter = state.create_physical_expr(filter, &DFSchema::try_from(self.schema.as_ref().clone())?)?;
            // A filter that asks nothing of what the log tells leaves all files in.
            if let Ok(pruning) = PruningPredicateBuilder::new().with_file_schema(self.schema.clone()).try_build(filter)
                && !pruning.always_true()
            {
                narrow(&pruning.prune(&self.told)?);
            }
        }
        Ok(self.listed.iter().zip(kept).filter(|(_, kept)| *kept).map(|(file, _)| file).collect())
    }

    fn is_about_partition(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !filter.is_volatile()
            && !columns.is_empty()
            && columns.iter().all(|column| Some(column.name.as_str()) == self.table.partition)
    }
}

/// A table's columns as a scan gives them: texts as views, which point at what they share.
fn schema(table: &Table) -> SchemaRef {
    let fields = table.columns.iter().map(|column| {
        let kind = if column.kind == Type::Text { DataType::Utf8View } else { column.kind.arrow() };
        Field::new(column.name, kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl fmt::Debug for StoredTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTable").field("table", &self.table.name).finish()
    }
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // A file belongs to one partition as a whole. Other filters go down to the rows when the plan is made.
        let pushed = filters.iter().map(|filter| match self.is_about_partition(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        });
        Ok(pushed.collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.chosen(state, filters)?;
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.order.len()).collect());
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(&wanted)?))));
        }
        let url = ObjectStoreUrl::parse(format!("lake://{}", self.table.name.replace('_', "-")))?;
        state.runtime_env().register_object_store(url.as_ref(), self.store.clone());
        let source = ParquetSource::new(self.within.clone())
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_parquet_file_reader_factory(Arc::new(Footers::new(self.store.clone(), self.places_of(filters))));
        let places = wanted.iter().filter_map(|place| self.order.iter().position(|here| here == place)).collect();
        let rows = files.iter().map(|file| file.rows).sum();
        // Where the log does not count a file's rows, nothing exact is known.
        let num_rows = match files.iter().all(|file| file.rows > 0) {
            true => Precision::Exact(rows),
            false => Precision::Absent,
        };
        let statistics = Statistics {
            num_rows,
            total_byte_size: Precision::Absent,
            column_statistics: vec![ColumnStatistics::new_unknown(); self.order.len()],
        };
        let groups = FileGroup::new(files.into_iter().map(|file| self.partitioned(file)).collect())
            .split_files(state.config().target_partitions());
        let scan = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(Some(places))?
            .with_statistics(statistics)
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

impl StoredTable {
    /// Where the columns of filters stand in a file, and those that a sort or a join may come to filter by.
    fn places_of(&self, filters: &[Expr]) -> Vec<usize> {
        let asked = filters.iter().flat_map(|filter| filter.column_refs()).map(|column| column.name.as_str());
        let names = asked.chain(stats_columns(self.table));
        names.filter_map(|name| self.within.file_schema().index_of(name).ok()).collect()
    }

    fn partitioned(&self, file: &DataFile) -> PartitionedFile {
        let meta = ObjectMeta {
            location: file.location(),
            last_modified: DateTime::<Utc>::UNIX_EPOCH,
            size: file.size,
            e_tag: None,
            version: None,
        };
        let partition = self.table.partition.map(|_| ScalarValue::Date32(file.day));
        PartitionedFile::new_from_meta(meta).with_partition_values(partition.into_iter().collect())
    }
}

/// What a table's log says of its files.
struct Told {
    rows: RecordBatch,
    partition: Option<&'static str>,
}

impl Told {
    fn of(&self, what: &str, column: &Column) -> Option<ArrayRef> {
        let name = if Some(column.name.as_str()) == self.partition { "partition" } else { what };
        self.rows.column_by_name(&format!("{name}.{}", column.name)).cloned()
    }
}

impl PruningStatistics for Told {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of("min", column)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of("max", column)
    }

    fn num_containers(&self) -> usize {
        self.rows.num_rows()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        self.rows.column_by_name(&format!("null_count.{}", column.name)).and_then(counted)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        self.rows.column_by_name("num_records").and_then(counted)
    }

    fn contained(&self, _: &Column, _: &std::collections::HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

fn counted(counts: &ArrayRef) -> Option<ArrayRef> {
    arrow::compute::cast(counts, &DataType::UInt64).ok()
}
