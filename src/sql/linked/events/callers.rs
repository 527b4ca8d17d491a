//! The callers that are sessions, as `session_links` has them, found by what events show.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array, new_empty_array, new_null_array,
};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::sql::schema::SESSION_LINKS;
use crate::sts::shares::share;

use super::super::Linked;
use super::super::focus::{Focus, Window};
use super::super::provider::{Inputs, outside};
use super::shown::{COLUMNS, Room, Shown};

/// What `session_links` calls the time of callers that only the time tells.
const EXACT_TIME: &str = "exact_time";

/// Callers, and some columns of what linking tells of them.
pub struct Callers {
    /// What linking tells of them, texts as views.
    rows: RecordBatch,
    /// All that they show, one behind the other, so that a comparison reads one place in memory.
    spelt: Vec<u8>,
    /// Where what each shows ends in `spelt`; it starts where the one before ends.
    ends: Vec<usize>,
    hasher: DefaultHashBuilder,
    places: HashTable<(u64, u32)>,
}

/// The callers of all that was linked, and what they were taken from; `None` for what was written down.
pub struct KnownCallers {
    linked: Option<Arc<Linked>>,
    columns: Vec<usize>,
    callers: Arc<Callers>,
}

/// What some callers show, and hashes of it.
#[derive(Default)]
struct Spelt {
    spelt: Vec<u8>,
    ends: Vec<usize>,
    hashes: Vec<u64>,
}

impl Spelt {
    fn of(batches: &[RecordBatch], hasher: &DefaultHashBuilder) -> Result<Self> {
        let mut all = Self::default();
        for batch in batches {
            let shown = COLUMNS.iter().map(|&name| if name == "event_time" { EXACT_TIME } else { name });
            let column = |name| Ok(batch.column(batch.schema_ref().index_of(name)?).clone());
            let shown = Shown::of(&shown.map(column).collect::<Result<Vec<_>>>()?)?;
            for row in 0..batch.num_rows() {
                let start = all.spelt.len();
                shown.spell(row, &mut all.spelt);
                all.ends.push(all.spelt.len());
                all.hashes.push(hasher.hash_one(&all.spelt[start..]));
            }
        }
        Ok(all)
    }
}

/// The callers of a batch.
pub struct Found {
    /// Callers by their place; `None` for one that is no session. The same one may stand more than once.
    pub callers: Vec<Option<u32>>,
    /// Per row: where its caller stands in `callers`.
    pub rows: UInt32Array,
}

impl Callers {
    /// Of rows of `session_links`, with the columns that show a caller and maybe others.
    ///
    /// # Errors
    /// A column is missing, or has another type.
    pub fn of(batches: &[RecordBatch]) -> Result<Self> {
        let hasher = DefaultHashBuilder::default();
        let all: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let cores = all.div_ceil(share(all)).max(1);
        let parts: Vec<Spelt> = std::thread::scope(|scope| {
            let parts = batches.chunks(batches.len().div_ceil(cores).max(1));
            let parts: Vec<_> = parts.map(|part| scope.spawn(|| Spelt::of(part, &hasher))).collect();
            let broken = |_| DataFusionError::Internal("spelling callers broke off".into());
            parts.into_iter().map(|part| part.join().map_err(broken)?).collect::<Result<_>>()
        })?;
        let mut spelt = Vec::with_capacity(parts.iter().map(|part| part.spelt.len()).sum());
        let mut ends = Vec::with_capacity(all);
        let mut places = HashTable::with_capacity(all);
        for part in parts {
            for (hash, place) in part.hashes.into_iter().zip(ends.len()..) {
                places.insert_unique(hash, (hash, place as u32), |(hash, _)| *hash);
            }
            ends.extend(part.ends.into_iter().map(|end| end + spelt.len()));
            spelt.extend(part.spelt);
        }
        Ok(Self { rows: together(batches)?, spelt, ends, hasher, places })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    fn spelt(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.spelt[start..self.ends[place]]
    }

    /// Who made the events of a batch.
    pub fn look(&self, shown: &Shown, room: &mut Room) -> Found {
        let (firsts, rows) = shown.groups(room);
        let spelt = &mut room.spelt;
        let caller = |row: u32| {
            spelt.clear();
            shown.spell(row as usize, spelt);
            let hash = self.hasher.hash_one(spelt.as_slice());
            let is = |&(known, place): &(u64, u32)| known == hash && self.spelt(place as usize) == spelt.as_slice();
            self.places.find(hash, is).map(|&(_, place)| place)
        };
        Found { callers: firsts.into_iter().map(caller).collect(), rows: rows.into() }
    }

    /// A column of all of them; of nothing but nulls where it was not asked for.
    pub fn column(&self, field: &Field) -> Result<ArrayRef> {
        match self.rows.column_by_name(field.name()) {
            Some(column) => Ok(column.clone()),
            None => Ok(new_null_array(field.data_type(), self.len())),
        }
    }
}

/// What linking tells of all callers in one batch, whose texts are views into one buffer a column, so that taking rows of it is cheap.
fn together(batches: &[RecordBatch]) -> Result<RecordBatch> {
    let schema = batches.first().map_or_else(|| SESSION_LINKS.schema(), RecordBatch::schema);
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (place, field) in schema.fields().iter().enumerate().filter(|(_, field)| super::is_own(field.name())) {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(place).as_ref()).collect();
        let bytes = |part: &&dyn Array| part.as_string_opt::<i32>().map_or(0, |texts| texts.value_data().len());
        let column = if parts.is_empty() {
            new_empty_array(field.data_type())
        } else if parts.iter().map(bytes).sum::<usize>() < i32::MAX as usize {
            as_views(&concat(&parts)?)?
        } else {
            let parts: Vec<ArrayRef> = batches.iter().map(|b| as_views(b.column(place))).collect::<Result<_>>()?;
            concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>())?
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

fn as_views(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(if column.data_type() == &DataType::Utf8 { cast(column, &DataType::Utf8View)? } else { column.clone() })
}

impl Inputs {
    /// The callers that `focus` asks for, and maybe more, with the columns of `session_links` that show them and those called `told`.
    pub(super) async fn callers(&self, focus: &Focus, told: &[&str], state: &dyn Session) -> Result<Arc<Callers>> {
        let is_wanted = |name: &str| name == EXACT_TIME || COLUMNS.contains(&name) || told.contains(&name);
        let columns = SESSION_LINKS.columns.iter().enumerate().filter(|(_, column)| is_wanted(column.name));
        let columns: Vec<usize> = columns.map(|(place, _)| place).collect();
        if *focus != Focus::Everything {
            let linked = self.linked(focus, state).await?;
            return made(linked, columns).await;
        }
        // Whoever asks for the same at the same time waits.
        let mut known = self.callers.lock().await;
        let linked = match &*self.linked.lock().await {
            Some((Window::ALL, linked)) => Some(linked.clone()),
            _ => None,
        };
        if let Some(known) = &*known
            && columns.iter().all(|column| known.columns.contains(column))
            && known.linked.as_ref().map(Arc::as_ptr) == linked.as_ref().map(Arc::as_ptr)
        {
            return Ok(known.callers.clone());
        }
        let written = self.written(&SESSION_LINKS, &columns).await?;
        let (linked, callers) = match written {
            Some(rows) => {
                (None, tokio::task::spawn_blocking(move || Callers::of(&rows)).await.map_err(outside)??.into())
            }
            None => {
                let linked = self.linked(focus, state).await?;
                (Some(linked.clone()), made(linked, columns.clone()).await?)
            }
        };
        *known = Some(KnownCallers { linked, columns, callers: Arc::clone(&callers) });
        Ok(callers)
    }
}

async fn made(linked: Arc<Linked>, columns: Vec<usize>) -> Result<Arc<Callers>> {
    let built = tokio::task::spawn_blocking(move || {
        let rows = linked.batches(&SESSION_LINKS, &columns, &Focus::Everything).map_err(outside)?;
        Callers::of(&rows)
    });
    Ok(Arc::new(built.await.map_err(outside)??))
}
