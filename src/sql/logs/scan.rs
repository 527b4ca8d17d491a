//! `events` as DataFusion sees it when it is log files: workers that decode objects and stream batches.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};

use crate::lake::schema::EVENTS;

use super::work::Work;
use super::{Listed, Logs, wanted};

/// The events of log files.
#[derive(Debug)]
pub struct RawEvents {
    logs: Arc<Logs>,
}

impl RawEvents {
    /// The events of `logs`.
    pub fn new(logs: Arc<Logs>) -> Self {
        Self { logs }
    }
}

#[async_trait]
impl TableProvider for RawEvents {
    fn schema(&self) -> SchemaRef {
        EVENTS.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        // What the decoder passes over is only part of what a filter excludes.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let objects = self.logs.objects().await.map_err(|e| DataFusionError::External(Box::new(e)))?;
        let period = wanted::period(filters);
        let objects = match period.is_empty() {
            true => objects,
            false => {
                let timely = |listed: &&Listed| listed.object.layout.as_ref().is_none_or(|key| period.wants(key));
                Arc::new(objects.iter().filter(timely).cloned().collect())
            }
        };
        let columns = projection.cloned().unwrap_or_else(|| (0..EVENTS.columns.len()).collect());
        let workers = state.config().target_partitions().clamp(1, objects.len().max(1));
        Ok(Arc::new(RawScan::new(Work::new(self.logs.clone(), objects, wanted::wanted(filters)), columns, workers)?))
    }
}

/// One pass over the objects, shared by as many workers as there are partitions.
pub struct RawScan {
    work: Arc<Work>,
    columns: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl RawScan {
    /// A pass that builds `columns` of `events`.
    ///
    /// # Errors
    /// Where `columns` names places that `events` does not have.
    pub fn new(work: Work, columns: Vec<usize>, workers: usize) -> DataFusionResult<Self> {
        let schema = Arc::new(EVENTS.schema().project(&columns)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(workers),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { work: Arc::new(work), columns, properties: Arc::new(properties) })
    }
}

impl fmt::Debug for RawScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawScan").field("objects", &self.work.objects.len()).finish()
    }
}

impl DisplayAs for RawScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawScan: objects={}, columns={}", self.work.objects.len(), self.columns.len())
    }
}

impl ExecutionPlan for RawScan {
    fn name(&self) -> &'static str {
        "RawScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> DataFusionResult<SendableRecordBatchStream> {
        let mut builder = RecordBatchReceiverStreamBuilder::new(self.schema(), 2);
        let (sender, work, columns) = (builder.tx(), self.work.clone(), self.columns.clone());
        builder.spawn_blocking(move || {
            let mut hand_on = |batch| sender.blocking_send(Ok(batch)).is_ok();
            work.run(&columns, &mut hand_on).map_err(|e| DataFusionError::External(Box::new(e)))
        });
        Ok(builder.build())
    }
}
