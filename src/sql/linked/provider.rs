//! The computed tables as DataFusion sees them. The derived rows are read and linked when the first of them is asked, once.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::{ExecutionPlan, collect};
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::lake::schema::Table;

use super::{Linked, load};

/// Rows a batch: enough to keep an engine busy, small enough to stream.
const BATCH: usize = 8192;

/// Where the derived rows come from, and what linking made of them.
pub struct Inputs {
    credential_calls: Arc<dyn TableProvider>,
    activity: Arc<dyn TableProvider>,
    linked: OnceCell<Arc<Linked>>,
}

impl Inputs {
    /// Reads from these tables, when asked.
    pub fn new(credential_calls: Arc<dyn TableProvider>, activity: Arc<dyn TableProvider>) -> Arc<Self> {
        Arc::new(Self { credential_calls, activity, linked: OnceCell::new() })
    }

    async fn linked(&self, state: &dyn Session) -> DataFusionResult<Arc<Linked>> {
        let link = || async {
            let calls = read(&self.credential_calls, state).await?;
            let activity = read(&self.activity, state).await?;
            let linked = tokio::task::spawn_blocking(move || load::load(calls, &activity)).await;
            let linked: Result<Linked> = linked.map_err(|e| DataFusionError::External(Box::new(e)))?;
            linked.map(Arc::new).map_err(|e| DataFusionError::External(Box::new(e)))
        };
        self.linked.get_or_try_init(link).await.cloned()
    }
}

async fn read(table: &Arc<dyn TableProvider>, state: &dyn Session) -> DataFusionResult<Vec<RecordBatch>> {
    let plan = table.scan(state, None, &[], None).await?;
    collect(plan, state.task_ctx()).await
}

/// One computed table.
pub struct Computed {
    table: &'static Table,
    inputs: Arc<Inputs>,
}

impl Computed {
    /// `table`, computed from `inputs`.
    pub fn new(table: &'static Table, inputs: Arc<Inputs>) -> Self {
        Self { table, inputs }
    }
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computed").field("table", &self.table.name).finish()
    }
}

impl Linked {
    /// The rows of `table`, with the columns of `projection`.
    fn batches(&self, table: &'static Table, projection: &[usize]) -> Result<Vec<RecordBatch>> {
        let schema = Arc::new(
            table.schema().project(projection).map_err(|e| crate::error::Error::internal("a projection").source(e))?,
        );
        if table.name != "sessions" {
            let whole = self.table(table)?;
            return Ok(vec![
                whole.project(projection).map_err(|e| crate::error::Error::internal("a projection").source(e))?,
            ]);
        }
        let places: Vec<usize> = (0..self.links.sessions.len()).collect();
        places.chunks(BATCH).map(|places| self.session_batch(table, &schema, projection, places)).collect()
    }

    fn session_batch(
        &self,
        table: &Table,
        schema: &SchemaRef,
        projection: &[usize],
        places: &[usize],
    ) -> Result<RecordBatch> {
        let columns = projection.iter().map(|&column| self.session_column(&table.columns[column], places));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options)
            .map_err(|e| crate::error::Error::internal("the table sessions could not be built").source(e))
    }
}

#[async_trait]
impl TableProvider for Computed {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let linked = self.inputs.linked(state).await?;
        let all: Vec<usize> = (0..self.table.columns.len()).collect();
        let wanted = projection.cloned().unwrap_or(all);
        let table = self.table;
        let built = tokio::task::spawn_blocking(move || linked.batches(table, &wanted)).await;
        let batches = built.map_err(|e| DataFusionError::External(Box::new(e)))?;
        let batches = batches.map_err(|e| DataFusionError::External(Box::new(e)))?;
        let schema = match batches.first() {
            Some(batch) => batch.schema(),
            None => match projection {
                Some(projection) => Arc::new(self.schema().project(projection)?),
                None => self.schema(),
            },
        };
        MemTable::try_new(schema, vec![batches])?.scan(state, None, &[], limit).await
    }
}
