//! The callers that are sessions, as `session_links` has them, found by what events show.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::Session;
use datafusion::error::Result;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::sql::schema::SESSION_LINKS;
use crate::sts::shares::share;

use super::super::Linked;
use super::super::focus::{Focus, Window};
use super::super::provider::{Inputs, outside};
use super::shown::{COLUMNS, Shown};

/// What `session_links` calls the time of callers that only the time tells.
const EXACT_TIME: &str = "exact_time";

/// Callers, and some columns of what linking tells of them.
pub struct Callers {
    /// Rows of `session_links`, texts as views.
    rows: RecordBatch,
    shown: Shown,
    hasher: DefaultHashBuilder,
    places: HashTable<(u64, u32)>,
}

/// The callers of all that was linked, and what they were taken from; `None` for what was written down.
pub struct KnownCallers {
    linked: Option<Arc<Linked>>,
    columns: Vec<usize>,
    callers: Arc<Callers>,
}

/// The callers of a batch.
pub struct Found {
    /// Callers by their place; `None` for one that is no session. The same one may stand more than once.
    pub callers: Vec<Option<u32>>,
    /// Per row: where its caller stands in `callers`.
    pub rows: UInt32Array,
}

impl Found {
    /// Per row: its caller's place.
    pub fn places(&self) -> UInt32Array {
        self.rows.values().iter().map(|&row| self.callers[row as usize]).collect()
    }
}

impl Callers {
    /// Of rows of `session_links`, with the columns that show a caller and maybe others.
    ///
    /// # Errors
    /// A column is missing, or has another type.
    pub fn of(batches: &[RecordBatch]) -> Result<Self> {
        let rows = together(batches)?;
        let shown = COLUMNS.iter().map(|&name| if name == "event_time" { EXACT_TIME } else { name });
        let shown: Vec<ArrayRef> =
            shown.map(|name| Ok(rows.column(rows.schema_ref().index_of(name)?).clone())).collect::<Result<_>>()?;
        let shown = Shown::of(&shown)?;
        let hasher = DefaultHashBuilder::default();
        let mut hashes = vec![0; rows.num_rows()];
        let share = share(hashes.len());
        std::thread::scope(|scope| {
            for (part, hashes) in hashes.chunks_mut(share).enumerate() {
                let (hasher, shown) = (&hasher, &shown);
                scope.spawn(move || {
                    for (row, place) in hashes.iter_mut().enumerate() {
                        *place = shown.hash(hasher, part * share + row);
                    }
                });
            }
        });
        let mut places = HashTable::with_capacity(hashes.len());
        for (place, hash) in hashes.into_iter().enumerate() {
            places.insert_unique(hash, (hash, place as u32), |(hash, _)| *hash);
        }
        Ok(Self { rows, shown, hasher, places })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Who made the events of a batch.
    pub fn look(&self, shown: &Shown) -> Found {
        let (firsts, rows) = shown.groups();
        let caller = |row: u32| {
            let (row, hash) = (row as usize, shown.hash(&self.hasher, row as usize));
            let is = |&(known, place): &(u64, u32)| known == hash && shown.tells(row, &self.shown, place as usize);
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

/// All rows in one batch, whose texts are views into one buffer a column, so that taking rows of it is cheap.
fn together(batches: &[RecordBatch]) -> Result<RecordBatch> {
    let Some(first) = batches.first() else {
        let schema = SESSION_LINKS.schema();
        return together(&[RecordBatch::new_empty(schema)]);
    };
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (place, field) in first.schema_ref().fields().iter().enumerate() {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(place).as_ref()).collect();
        let bytes = |part: &&dyn Array| part.as_string_opt::<i32>().map_or(0, |texts| texts.value_data().len());
        let column = if parts.iter().map(bytes).sum::<usize>() < i32::MAX as usize {
            as_views(&concat(&parts)?)?
        } else {
            let parts = parts.iter().map(|part| as_views(&arrow::array::make_array(part.to_data())));
            let parts: Vec<ArrayRef> = parts.collect::<Result<_>>()?;
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
