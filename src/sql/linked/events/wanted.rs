//! The callers that a question asks for: what its filters say about sessions, decided once a caller instead of once an event.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{and_kleene, filter, prep_null_mask_filter, take};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr_common::physical_expr::snapshot_generation;

use crate::sts::shares::share;

use super::super::Linked;
use super::caller::column;
use super::lookup::Found;
use super::shown::Shown;

/// Where no more than one in so many callers is asked for, it pays to look for them before the other columns are read.
const FEW: usize = 3;

/// Callers that are judged at a time.
const AT_A_TIME: usize = 8192;

/// How often filters that grow are looked at anew. Each time they let fewer through, so that what passed before is right too.
const LOOKS: usize = 8;

/// What filters chose while they grew.
#[derive(Default)]
struct Lately {
    /// How far they had grown.
    generation: Option<u64>,
    looks: usize,
    chosen: Option<BooleanBuffer>,
}

/// Callers, and the filters that choose among them.
pub struct Wanted {
    linked: Arc<Linked>,
    /// The columns of `linked_events`.
    schema: SchemaRef,
    filters: Vec<Arc<dyn PhysicalExpr>>,
    /// Per caller whether it passes, and last whether one does that was never linked.
    chosen: Option<BooleanBuffer>,
    /// What filters that grow while the question runs chose last.
    lately: Mutex<Lately>,
    growing: Vec<Arc<dyn PhysicalExpr>>,
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted").field("filters", &self.filters).field("growing", &self.growing).finish()
    }
}

impl Wanted {
    /// The callers that pass `filters`, which are over columns of `schema` that a caller decides.
    ///
    /// # Errors
    /// A filter cannot be applied.
    pub fn new(linked: Arc<Linked>, schema: SchemaRef, filters: Vec<Arc<dyn PhysicalExpr>>) -> Result<Self> {
        let chosen = chosen(&linked, &schema, &filters)?;
        Ok(Self { linked, schema, filters, chosen, lately: Mutex::default(), growing: Vec::new() })
    }

    /// Of these callers those that pass more filters, whose values become known while the question runs.
    pub fn and(&self, growing: Vec<Arc<dyn PhysicalExpr>>) -> Self {
        Self {
            linked: self.linked.clone(),
            schema: self.schema.clone(),
            filters: self.filters.clone(),
            chosen: self.chosen.clone(),
            lately: Mutex::default(),
            growing,
        }
    }

    /// What was linked.
    pub fn linked(&self) -> &Arc<Linked> {
        &self.linked
    }

    /// The filters, as text.
    pub fn told(&self) -> String {
        self.filters.iter().map(ToString::to_string).collect::<Vec<_>>().join(" AND ")
    }

    /// How many calls the callers made.
    pub fn calls(&self) -> usize {
        let calls: i64 = self.linked.links.uses.iter().map(|used| used.events).sum();
        usize::try_from(calls).unwrap_or(usize::MAX)
    }

    /// Whether so few callers pass that they are worth to be looked for first.
    pub fn are_few(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.count_set_bits() <= chosen.len() / FEW)
    }

    /// The caller of each row, in rows that show these columns.
    pub fn look(&self, shown: &Shown) -> Found {
        self.linked.lookup().look(&self.linked.links, shown)
    }

    /// The rows whose callers pass; `None` for all.
    pub fn rows(&self, found: &Found) -> Result<Option<BooleanArray>> {
        rows(self.chosen.as_ref(), found)
    }

    /// The rows that may pass by what is known so far, where looking for them pays; `None` for all.
    pub fn rows_lately(&self, shown: impl FnOnce() -> Result<Shown>) -> Result<Option<BooleanArray>> {
        let lately;
        let chosen = if self.growing.is_empty() {
            self.chosen.as_ref()
        } else {
            lately = self.lately()?;
            lately.as_ref()
        };
        match chosen.filter(|chosen| chosen.count_set_bits() <= chosen.len() / FEW) {
            None => Ok(None),
            chosen => rows(chosen, &self.look(&shown()?)),
        }
    }

    fn lately(&self) -> Result<Option<BooleanBuffer>> {
        let mut known = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.growing.iter().map(snapshot_generation).fold(0, u64::wrapping_add);
        if known.generation != Some(generation) && known.looks < LOOKS {
            let more = chosen(&self.linked, &self.schema, &self.growing)?;
            known.chosen = match (&self.chosen, more) {
                (Some(one), Some(other)) => Some(one & &other),
                (one, other) => one.clone().or(other),
            };
            known.generation = Some(generation);
            known.looks += 1;
        }
        Ok(known.chosen.clone())
    }

    /// Whether a caller decides all that a filter over columns of `linked_events` asks.
    pub fn decides(&self, filter: &Arc<dyn PhysicalExpr>) -> bool {
        let own = |column: &Column| super::is_own(column.name());
        let columns = collect_columns(filter);
        !columns.is_empty() && columns.iter().all(own)
    }
}

/// The callers that pass all filters; `None` where there is no filter.
fn chosen(linked: &Linked, schema: &SchemaRef, filters: &[Arc<dyn PhysicalExpr>]) -> Result<Option<BooleanBuffer>> {
    if filters.is_empty() {
        return Ok(None);
    }
    let (filters, schema) = over_their_columns(filters, schema)?;
    // The last one stands for whoever was never linked.
    let callers: Vec<Option<usize>> = (0..linked.links.callers.len()).map(Some).chain([None]).collect();
    let judge = |callers: &[Option<usize>]| -> Result<BooleanBufferBuilder> {
        let mut passed = BooleanBufferBuilder::new(callers.len());
        for some in callers.chunks(AT_A_TIME) {
            let of = |field: &Arc<arrow::datatypes::Field>| {
                column(linked, field.name(), field.data_type(), some.iter().copied())
            };
            let options = RecordBatchOptions::new().with_row_count(Some(some.len()));
            let columns = schema.fields().iter().map(of).collect();
            let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options)?;
            let mut all = BooleanArray::from(vec![true; some.len()]);
            for filter in &filters {
                let passes = filter.evaluate(&batch)?.into_array(some.len())?;
                let passes = passes.as_boolean_opt().ok_or_else(|| misfit("a filter gives no truth"))?;
                all = and_kleene(&all, passes)?;
            }
            // What is unknown does not pass.
            let all = if all.null_count() > 0 { prep_null_mask_filter(&all) } else { all };
            passed.append_buffer(all.values());
        }
        Ok(passed)
    };
    let parts: Vec<Result<BooleanBufferBuilder>> = std::thread::scope(|scope| {
        let judge = &judge;
        let parts: Vec<_> =
            callers.chunks(share(callers.len())).map(|callers| scope.spawn(move || judge(callers))).collect();
        parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|_| Err(misfit("choosing callers broke off"))))
            .collect()
    });
    let mut all = BooleanBufferBuilder::new(callers.len());
    for part in parts {
        all.append_buffer(&part?.finish());
    }
    Ok(Some(all.finish()))
}

/// The filters over a schema of no more than their columns, found by name.
fn over_their_columns(
    filters: &[Arc<dyn PhysicalExpr>],
    schema: &SchemaRef,
) -> Result<(Vec<Arc<dyn PhysicalExpr>>, SchemaRef)> {
    let mut places = Vec::new();
    for filter in filters {
        filter.apply(|expr| {
            if let Some(column) = expr.downcast_ref::<Column>() {
                places.push(schema.index_of(column.name())?);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    places.sort_unstable();
    places.dedup();
    let narrow = Arc::new(schema.project(&places)?);
    let filters = filters.iter().map(|filter| reassign_expr_columns(filter.clone(), &narrow)).collect::<Result<_>>()?;
    Ok((filters, narrow))
}

/// The rows whose callers were chosen.
fn rows(chosen: Option<&BooleanBuffer>, found: &Found) -> Result<Option<BooleanArray>> {
    let Some(chosen) = chosen else { return Ok(None) };
    let stranger = chosen.len() - 1;
    let passes: BooleanArray =
        found.callers.iter().map(|caller| Some(chosen.value(caller.unwrap_or(stranger)))).collect();
    let rows = take(&passes, &found.rows, None)?;
    Ok(Some(rows.as_boolean().clone()))
}

/// What of a batch's rows passes.
pub fn narrowed(batch: &RecordBatch, found: Found, rows: &BooleanArray) -> Result<(RecordBatch, Found)> {
    let kept = filter(&found.rows, rows)?;
    let kept = kept.as_primitive_opt::<arrow::datatypes::UInt32Type>().ok_or_else(|| misfit("places are numbers"))?;
    Ok((arrow::compute::filter_record_batch(batch, rows)?, Found { callers: found.callers, rows: kept.clone() }))
}

fn misfit(what: &str) -> DataFusionError {
    DataFusionError::Internal(what.to_owned())
}
