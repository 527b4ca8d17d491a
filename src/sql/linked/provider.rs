//! The computed tables as DataFusion sees them. The derived rows are read and linked when the first of them is asked, once.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::{ExecutionPlan, collect};
use futures::StreamExt;
use tokio::sync::{Mutex, mpsc};

use crate::error::{Error, Result};
use crate::lake::computed::ComputedFiles;
use crate::lake::files::{DataFile, Files, Reading};
use crate::lake::lookup::{times_in, widest};
use crate::lake::schema::{Table, Type};
use crate::sql::schema::{SESSION_LINKS, SESSIONS};

use super::super::knowledge::Known;
use super::Linked;
use super::events::KnownCallers;
use super::focus::{Focus, Window};
use super::load::Loader;
use super::nearby::Nearby;

/// Columns whose texts hardly repeat: a dictionary of them helps nobody.
pub(super) const UNIQUE: [&str; 4] = ["event_id", "shared_event_id", "key_id", "error_message"];

/// Rows a batch: enough to keep an engine busy, small enough to stream.
const BATCH: usize = 8192;

/// Rows read at a time from a lake: dictionaries are the same for many of them.
pub(super) const READ: usize = 32_768;

/// Batches that wait to be linked.
const WAITING: usize = 4;

/// Where the derived rows are.
pub enum Derived {
    /// In a lake, and beside it those of log files that it does not hold: `credential_calls` and `activity`.
    Stored {
        /// The lake's `credential_calls`.
        calls: Files,
        /// The lake's `activity`.
        activity: Files,
        /// Both, of log files.
        fresh: Option<(Arc<dyn TableProvider>, Arc<dyn TableProvider>)>,
        /// What was computed from these rows before, where they are all that there is.
        kept: Option<ComputedFiles>,
    },
    /// Made of log files: `credential_calls` and `activity`.
    Made(Arc<dyn TableProvider>, Arc<dyn TableProvider>),
}

/// Where the derived rows come from, and what linking made of them.
pub struct Inputs {
    pub(super) derived: Derived,
    pub(super) told: Arc<Known>,
    /// The time that is looked at; all of it where nothing else was asked for.
    pub(super) span: Window,
    pub(super) linked: Mutex<Option<(Window, Arc<Linked>)>>,
    /// What was chosen of the rows, where something is looked at alone.
    pub(super) nearby: Mutex<Option<Nearby>>,
    /// The callers of what was linked, or kept, for all of it.
    pub(super) callers: Mutex<Option<KnownCallers>>,
}

/// A batch of one of the derived tables.
enum Rows {
    Calls(RecordBatch),
    Activity(RecordBatch),
}

impl Inputs {
    /// Reads from there, when asked, with what the configuration says beside it.
    ///
    /// `span`: the first and the last moment that count, microseconds; rows outside are as if they were not there.
    pub fn new(derived: Derived, told: Arc<Known>, span: Option<(i64, i64)>) -> Arc<Self> {
        let span = span.map_or(Window::ALL, |(from, to)| Window { from, to });
        Arc::new(Self {
            derived,
            told,
            span,
            linked: Mutex::default(),
            nearby: Mutex::default(),
            callers: Mutex::default(),
        })
    }

    /// Links what `focus` needs; what was linked for an earlier question serves this one where it is enough.
    pub(super) async fn linked(&self, focus: &Focus, state: &dyn Session) -> DataFusionResult<Arc<Linked>> {
        let mut known = self.linked.lock().await;
        if self.span != Window::ALL {
            if let Some((_, linked)) = &*known {
                return Ok(linked.clone());
            }
            let linked = Arc::new(self.link(self.span, state).await?);
            *known = Some((self.span, linked.clone()));
            return Ok(linked);
        }
        let whole = |linked: &Linked, window| match focus {
            Focus::Keys(keys) => window == Window::ALL || linked.is_whole(keys, window) == Some(true),
            Focus::Everything => window == Window::ALL,
        };
        if let Some((window, linked)) = &*known
            && whole(linked, *window)
        {
            return Ok(linked.clone());
        }
        let mut window = match (&self.derived, focus) {
            (Derived::Stored { calls, activity, fresh, .. }, Focus::Keys(keys)) => {
                let (issued, used) =
                    futures::try_join!(calls.times_of("key_id", keys), activity.times_of("access_key_id", keys))
                        .map_err(outside)?;
                let mut times = widest(issued, used);
                if let Some((calls, activity)) = fresh {
                    for batch in made(calls, state).await? {
                        times = widest(times, times_in(&batch, "key_id", keys).map_err(outside)?);
                    }
                    for batch in made(activity, state).await? {
                        times = widest(times, times_in(&batch, "access_key_id", keys).map_err(outside)?);
                    }
                }
                // A key that is nowhere has no time, and needs no rows.
                times.map_or(Window { from: 0, to: -1 }, Window::around)
            }
            _ => Window::ALL,
        };
        let mut tries = 0;
        loop {
            let linked = Arc::new(self.link(window, state).await?);
            if whole(&linked, window) || window.is_empty() {
                *known = Some((window, linked.clone()));
                return Ok(linked);
            }
            window = window.wider(tries);
            tries += 1;
        }
    }

    /// Reads the derived rows of a window and links them.
    pub(super) async fn link(&self, window: Window, state: &dyn Session) -> DataFusionResult<Linked> {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let told = Arc::clone(&self.told);
        let room = match &self.derived {
            Derived::Stored { calls, activity, .. } if window == Window::ALL => (rows(calls), rows(activity)),
            _ => (0, 0),
        };
        let linking = tokio::task::spawn_blocking(move || {
            let mut loader = Loader::with_room(room.0, room.1);
            while let Some(rows) = receiver.blocking_recv() {
                match rows {
                    Rows::Calls(batch) => loader.calls(batch)?,
                    Rows::Activity(batch) => loader.activity(&batch)?,
                }
            }
            Ok(loader.finish(told))
        });
        // Where nobody listens any more, linking has failed and says why.
        match &self.derived {
            Derived::Stored { calls, activity, .. } => {
                let threads = state.config().target_partitions();
                let exact = self.span != Window::ALL;
                let within = |column: &'static str| exact.then_some(column);
                stored(calls, window, within("event_time"), threads, &sender, Rows::Calls).await.map_err(outside)?;
                stored(activity, window, within("first_at"), threads, &sender, Rows::Activity)
                    .await
                    .map_err(outside)?;
            }
            Derived::Made(..) => {}
        }
        if let Derived::Made(calls, activity) | Derived::Stored { fresh: Some((calls, activity)), .. } = &self.derived
            && !window.is_empty()
        {
            for batch in made(calls, state).await? {
                _ = sender.send(Rows::Calls(batch)).await;
            }
            for batch in made(activity, state).await? {
                _ = sender.send(Rows::Activity(batch)).await;
            }
        }
        drop(sender);
        let linked: Result<Linked> = linking.await.map_err(outside)?;
        linked.map_err(outside)
    }
}

pub(super) fn rows(files: &Files) -> usize {
    files.all().map(|file| file.rows).sum()
}

pub(super) fn outside(error: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Reads the files of a derived table that reach into a window, several at a time; texts that repeat come dictionary-encoded.
async fn stored(
    files: &Files,
    window: Window,
    within: Option<&'static str>,
    threads: usize,
    to: &mpsc::Sender<Rows>,
    as_rows: fn(RecordBatch) -> Rows,
) -> Result<()> {
    let paths: Vec<DataFile> = files.all().filter(|f| f.may_be_within(window.from, window.to)).cloned().collect();
    let reads = futures::stream::iter(paths).map(|file| {
        let (files, to) = (files.clone(), to.clone());
        tokio::spawn(async move {
            let columns: Vec<&str> = files.table().columns.iter().map(|column| column.name).collect();
            let texts =
                files.table().columns.iter().filter(|column| column.kind == Type::Text).map(|column| column.name);
            let coded: Vec<&str> = texts.filter(|name| !UNIQUE.contains(name)).collect();
            let reading = Reading { columns: &columns, coded: &coded, rows: READ };
            let mut batches = Vec::new();
            let mut take = |batch| {
                batches.push(match within {
                    Some(column) => narrowed(&batch, column, window)?,
                    None => batch,
                });
                Ok(())
            };
            if window == Window::ALL {
                files.read(&file, reading, &mut take).await?;
            } else {
                let index = files.index(&file).await?;
                let pages = &index.pages_within(files.table(), window.from, window.to)?;
                files.read_pages(&index, pages, reading, &mut take).await?;
            }
            for batch in batches {
                _ = to.send(as_rows(batch)).await;
            }
            Ok::<(), Error>(())
        })
    });
    let mut reads = reads.buffer_unordered(threads.max(1));
    while let Some(read) = reads.next().await {
        read.map_err(|e| Error::internal("reading a derived table broke off").source(e))??;
    }
    Ok(())
}

/// The rows whose time lies in the window: which files they happen to stand in must not matter.
fn narrowed(batch: &RecordBatch, column: &str, window: Window) -> Result<RecordBatch> {
    let misfit = || Error::internal("a derived table does not have the lake's columns");
    let times = batch.column_by_name(column).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
    let times = times.ok_or_else(misfit)?;
    let inside: BooleanArray =
        times.iter().map(|time| Some(time.is_some_and(|t| window.from <= t && t <= window.to))).collect();
    filter_record_batch(batch, &inside).map_err(|e| Error::internal("rows cannot be narrowed").source(e))
}

pub(super) async fn made(table: &Arc<dyn TableProvider>, state: &dyn Session) -> DataFusionResult<Vec<RecordBatch>> {
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
    /// The rows of `table` that `focus` asks for, and maybe more, with the columns of `projection`.
    pub(super) fn batches(
        &self,
        table: &'static Table,
        projection: &[usize],
        focus: &Focus,
    ) -> Result<Vec<RecordBatch>> {
        let Some(places) = self.places(table, focus) else {
            let whole = self.table(table)?;
            return Ok(vec![whole.project(projection).map_err(|e| Error::internal("a projection").source(e))?]);
        };
        let chunks: Vec<&[usize]> = places.chunks(BATCH).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let build = |chunks: &[&[usize]]| -> Result<Vec<RecordBatch>> {
            chunks.iter().map(|places| self.some(table, projection, places)).collect()
        };
        std::thread::scope(|scope| {
            let share = chunks.len().div_ceil(threads).max(1);
            let parts: Vec<_> = chunks.chunks(share).map(|part| scope.spawn(|| build(part))).collect();
            let built = parts.into_iter().map(|part| {
                part.join().unwrap_or_else(|_| {
                    Err(Error::internal("building a computed table broke off").context("table", table.name))
                })
            });
            Ok(built.collect::<Result<Vec<_>>>()?.concat())
        })
    }

    /// What the rows of a table are made of that is built some rows at a time; `None` of one that is built whole.
    pub(super) fn places(&self, table: &Table, focus: &Focus) -> Option<Vec<usize>> {
        if table.name == SESSIONS.name {
            return Some(match focus {
                Focus::Keys(keys) => self.of_keys(keys),
                Focus::Everything => (0..self.links.sessions.len()).collect(),
            });
        }
        (table.name == SESSION_LINKS.name).then(|| self.callers_of_sessions())
    }

    /// Some rows of such a table.
    pub(super) fn some(&self, table: &Table, projection: &[usize], places: &[usize]) -> Result<RecordBatch> {
        let broken = |e| Error::internal(format!("the table {} could not be built", table.name)).source(e);
        let columns = projection.iter().map(|&column| match &table.columns[column] {
            column if table.name == SESSIONS.name => self.session_column(column, places),
            column => self.link_column(column, places),
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
        let schema = table.schema().project(projection).map_err(broken)?;
        RecordBatch::try_new_with_options(Arc::new(schema), columns, &options).map_err(broken)
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

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        // A filter tells which rows to read; the engine applies it to what comes of them.
        Ok(filters
            .iter()
            .map(|filter| match Focus::takes(filter) {
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let focus = if self.table.name == SESSIONS.name { Focus::of(filters) } else { Focus::Everything };
        let all: Vec<usize> = (0..self.table.columns.len()).collect();
        let wanted = projection.cloned().unwrap_or(all);
        let batches = self.inputs.rows(self.table, &wanted, focus, state).await?;
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
