//! The callers that a question asks for: what its filters say about sessions, decided once a caller instead of once an event.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{and_kleene, cast, filter, prep_null_mask_filter, take};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr_common::physical_expr::snapshot_generation;

use crate::sts::shares::share;

use super::callers::{Callers, Found};
use super::shown::{Room, Shown};

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
    callers: Arc<Callers>,
    /// The columns of `linked_events`.
    schema: SchemaRef,
    filters: Vec<Arc<dyn PhysicalExpr>>,
    /// Per caller whether it passes, and last whether one does that is no session.
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
    pub fn new(callers: Arc<Callers>, schema: SchemaRef, filters: Vec<Arc<dyn PhysicalExpr>>) -> Result<Self> {
        let chosen = chosen(&callers, &schema, &filters)?;
        Ok(Self { callers, schema, filters, chosen, lately: Mutex::default(), growing: Vec::new() })
    }

    /// Of these callers those that pass more filters, whose values become known while the question runs.
    pub fn and(&self, growing: Vec<Arc<dyn PhysicalExpr>>) -> Self {
        Self {
            callers: self.callers.clone(),
            schema: self.schema.clone(),
            filters: self.filters.clone(),
            chosen: self.chosen.clone(),
            lately: Mutex::default(),
            growing,
        }
    }

    /// All callers.
    pub fn callers(&self) -> &Callers {
        &self.callers
    }

    /// The filters, as text.
    pub fn told(&self) -> String {
        self.filters.iter().map(ToString::to_string).collect::<Vec<_>>().join(" AND ")
    }

    /// Whether so few callers pass that they are worth to be looked for first.
    pub fn are_few(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.count_set_bits() <= chosen.len() / FEW)
    }

    /// The caller of each row, in rows that show these columns.
    pub fn look(&self, shown: &Shown, room: &mut Room) -> Found {
        self.callers.look(shown, room)
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
            chosen => rows(chosen, &self.look(&shown()?, &mut Room::default())),
        }
    }

    fn lately(&self) -> Result<Option<BooleanBuffer>> {
        let mut known = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.growing.iter().map(snapshot_generation).fold(0, u64::wrapping_add);
        if known.generation != Some(generation) && known.looks < LOOKS {
            let more = chosen(&self.callers, &self.schema, &self.growing)?;
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
fn chosen(callers: &Callers, schema: &SchemaRef, filters: &[Arc<dyn PhysicalExpr>]) -> Result<Option<BooleanBuffer>> {
    if filters.is_empty() {
        return Ok(None);
    }
    let (filters, schema) = over_their_columns(filters, schema)?;
    let columns: Vec<ArrayRef> = schema.fields().iter().map(|field| callers.column(field)).collect::<Result<_>>()?;
    let judge = |from: usize, rows: usize| -> Result<BooleanBufferBuilder> {
        let mut passed = BooleanBufferBuilder::new(rows);
        for start in (from..from + rows).step_by(AT_A_TIME) {
            let some = AT_A_TIME.min(from + rows - start);
            let columns = columns.iter().zip(schema.fields());
            let columns = columns.map(|(column, field)| Ok(cast(&column.slice(start, some), field.data_type())?));
            passed.append_buffer(&passing(&filters, &schema, columns.collect::<Result<_>>()?, some)?);
        }
        Ok(passed)
    };
    let (all, share) = (callers.len(), share(callers.len()));
    let parts: Vec<Result<BooleanBufferBuilder>> = std::thread::scope(|scope| {
        let judge = &judge;
        let parts: Vec<_> =
            (0..all).step_by(share).map(|from| scope.spawn(move || judge(from, share.min(all - from)))).collect();
        parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|_| Err(misfit("choosing callers broke off"))))
            .collect()
    });
    let mut passed = BooleanBufferBuilder::new(all + 1);
    for part in parts {
        passed.append_buffer(&part?.finish());
    }
    // The last one stands for whoever is no session.
    let nobody = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    passed.append_buffer(&passing(&filters, &schema, nobody, 1)?);
    Ok(Some(passed.finish()))
}

/// Which rows pass all filters.
fn passing(
    filters: &[Arc<dyn PhysicalExpr>],
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<BooleanBuffer> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options)?;
    let mut all = BooleanArray::from(vec![true; rows]);
    for filter in filters {
        let passes = filter.evaluate(&batch)?.into_array(rows)?;
        let passes = passes.as_boolean_opt().ok_or_else(|| misfit("a filter gives no truth"))?;
        all = and_kleene(&all, passes)?;
    }
    // What is unknown does not pass.
    let all = if all.null_count() > 0 { prep_null_mask_filter(&all) } else { all };
    Ok(all.values().clone())
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
    let nobody = chosen.len() - 1;
    let passes: BooleanArray =
        found.callers.iter().map(|caller| Some(chosen.value(caller.map_or(nobody, |place| place as usize)))).collect();
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
