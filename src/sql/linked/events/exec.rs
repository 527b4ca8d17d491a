//! Events on their way, each with what its caller's link says.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
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
    let callers: UInt32Array = found.callers.iter().copied().collect();
    let columns = origins.iter().zip(schema.fields()).map(|(origin, field)| match origin {
        Origin::Event(place) => Ok(batch.column(*place).clone()),
        Origin::Link => {
            let told = compact(take(&wanted.callers().column(field)?, &callers, None)?);
            Ok(cast(&take(&told, &found.rows, None)?, field.data_type())?)
        }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_>>()?, &options)?)
}

/// The same texts in a buffer of their own: whoever keeps a batch would keep the texts of all callers with it.
fn compact(texts: ArrayRef) -> ArrayRef {
    match texts.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()),
        None => texts,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{StringArray, new_null_array};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::sql::linked::events::callers::Callers;
    use crate::sql::schema::{LINKED_EVENTS, SESSION_LINKS};

    /// A sort, or whatever else collects batches, counts all that they hold on to.
    #[test]
    fn a_batch_holds_on_to_no_more_than_its_own_texts() {
        let text = |n: usize| format!("arn:aws:sts::111111111111:assumed-role/role/{n:060}");
        let many: ArrayRef = Arc::new((0..2000).map(|n| Some(text(n))).collect::<StringArray>());
        let known = SESSION_LINKS.columns.iter().map(|column| match column.name {
            "identity_arn" | "access_key_id" | "session_id" => many.clone(),
            _ => new_null_array(&column.kind.arrow(), many.len()),
        });
        let known = RecordBatch::try_new(SESSION_LINKS.schema(), known.collect()).unwrap();
        let callers = Arc::new(Callers::of(&[known]).unwrap());
        let own = LINKED_EVENTS.columns.iter().find(|column| column.name == "session_id").unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new(own.name, DataType::Utf8View, true)]));
        let wanted = Wanted::new(callers, schema.clone(), Vec::new()).unwrap();
        let event = COLUMNS.iter().map(|name| -> (&str, ArrayRef) {
            let stored = SESSION_LINKS.columns.iter().find(|column| column.name == *name);
            let kind = stored.map_or(crate::lake::schema::Type::Time, |column| column.kind).arrow();
            match *name {
                "identity_arn" | "access_key_id" => (name, Arc::new(StringArray::from(vec![text(7), text(7)]))),
                _ => (name, new_null_array(&kind, 2)),
            }
        });
        let event = RecordBatch::try_from_iter_with_nullable(event.map(|(name, column)| (name, column, true))).unwrap();
        let places: Vec<usize> = (0..COLUMNS.len()).collect();
        let linked = linked(&event, &schema, &[Origin::Link], &places, &wanted, &mut Room::default()).unwrap();
        let told = linked.column(0).as_string_view();
        assert_eq!(told.iter().collect::<Vec<_>>(), [Some(text(7).as_str()); 2]);
        let held: usize = told.data_buffers().iter().map(|buffer| buffer.capacity()).sum();
        assert!(held < 1000, "{held}");
    }
}
