//! Events on their way, each with what its caller's link says.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, take};
use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{ChildFilterDescription, FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
    SendableRecordBatchStream,
};
use futures::StreamExt;

use super::belongs::Belongs;
use super::shown::{COLUMNS, Room, Shown};
use super::wanted::{Wanted, narrowed};

/// Events, where nobody counted them.
const MANY: usize = 1 << 30;

/// Where a column comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// From the events: its place there.
    Event(usize),
    /// From the caller's link.
    Link,
}

/// Adds links to events, and leaves out those of callers that nobody asks for.
#[derive(Debug)]
pub struct LinkedScan {
    events: Arc<dyn ExecutionPlan>,
    wanted: Arc<Wanted>,
    origins: Vec<Origin>,
    /// Where the events show their callers.
    shown: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl LinkedScan {
    /// The columns of `schema` of the callers `wanted`; `events` holds those of them that are columns of events, and those that
    /// show the caller.
    ///
    /// # Errors
    /// A column is missing.
    pub fn new(events: Arc<dyn ExecutionPlan>, schema: SchemaRef, wanted: Arc<Wanted>) -> Result<Self> {
        let stored = events.schema();
        let origins = schema.fields().iter().map(|field| match super::is_own(field.name()) {
            true => Ok(Origin::Link),
            false => Ok(Origin::Event(stored.index_of(field.name())?)),
        });
        let origins = origins.collect::<Result<_>>()?;
        let shown = COLUMNS.iter().map(|name| Ok(stored.index_of(name)?)).collect::<Result<_>>()?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(events.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { events, wanted, origins, shown, properties: Arc::new(properties) })
    }

    /// A filter on the events: whether their callers are `wanted`.
    fn belongs(&self, wanted: Arc<Wanted>) -> Arc<dyn PhysicalExpr> {
        let shown = COLUMNS.iter().zip(&self.shown).map(|(name, &place)| Arc::new(Column::new(name, place)) as _);
        Arc::new(Belongs::new(shown.collect(), wanted))
    }
}

impl DisplayAs for LinkedScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wanted.told() {
            told if told.is_empty() => f.write_str("LinkedScan"),
            told => write!(f, "LinkedScan: {told}"),
        }
    }
}

impl ExecutionPlan for LinkedScan {
    fn name(&self) -> &'static str {
        "LinkedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.events]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(events), true) = (children.pop(), children.is_empty()) else {
            return Err(DataFusionError::Internal("links are added to one scan of events".into()));
        };
        Ok(Arc::new(Self::new(events, self.schema(), self.wanted.clone())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let events = self.events.execute(partition, context)?;
        let (schema, wanted) = (self.schema(), self.wanted.clone());
        let (origins, shown) = (self.origins.clone(), self.shown.clone());
        let mut room = Room::default();
        let linked = events.map(move |batch| linked(&batch?, &schema, &origins, &shown, &wanted, &mut room));
        let kept = linked.filter(|batch| {
            let kept = batch.as_ref().map_or(true, |batch| batch.num_rows() > 0);
            std::future::ready(kept)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), kept)))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(&self, events: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        // A join collects the smaller side, which events hardly are.
        let num_rows = match events.first().map_or(Precision::Absent, |events| events.num_rows).to_inexact() {
            Precision::Absent => Precision::Inexact(MANY),
            known => known,
        };
        let column_statistics = vec![ColumnStatistics::new_unknown(); self.origins.len()];
        Ok(Arc::new(Statistics { num_rows, total_byte_size: Precision::Absent, column_statistics }))
    }

    fn gather_filters_for_pushdown(
        &self,
        phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let of_events = self.origins.iter().enumerate().filter(|(_, origin)| matches!(origin, Origin::Event(_)));
        let of_events = of_events.map(|(place, _)| place).collect();
        let mut events =
            ChildFilterDescription::from_child_with_allowed_indices(&parent_filters, of_events, &self.events)?;
        let wanted = match phase {
            FilterPushdownPhase::Pre => self.wanted.are_few().then(|| self.wanted.clone()),
            FilterPushdownPhase::Post => {
                let growing: Vec<_> = parent_filters.into_iter().filter(|filter| self.wanted.decides(filter)).collect();
                (!growing.is_empty()).then(|| Arc::new(self.wanted.and(growing)))
            }
        };
        if let Some(wanted) = wanted {
            events = events.with_self_filter(self.belongs(wanted));
        }
        Ok(FilterDescription::new().with_child(events))
    }
}

/// A batch of events with the links of their callers.
fn linked(
    batch: &RecordBatch,
    schema: &SchemaRef,
    origins: &[Origin],
    shown: &[usize],
    wanted: &Wanted,
    room: &mut Room,
) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = shown.iter().map(|&place| batch.column(place).clone()).collect();
    let mut found = wanted.look(&Shown::of(&columns)?, room);
    let mut batch = batch.clone();
    if let Some(rows) = wanted.rows(&found)? {
        (batch, found) = narrowed(&batch, found, &rows)?;
    }
    let places = found.places();
    let columns = origins.iter().zip(schema.fields()).map(|(origin, field)| match origin {
        Origin::Event(place) => Ok(batch.column(*place).clone()),
        Origin::Link => Ok(cast(&take(&wanted.callers().column(field)?, &places, None)?, field.data_type())?),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_>>()?, &options)?)
}
