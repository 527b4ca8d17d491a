//! Reads the index of the derived rows once, chooses what is asked about, and links that alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::catalog::Session;
use datafusion::error::DataFusionError;
use futures::{StreamExt, TryStreamExt};

use super::asked::Asked;
use super::index::{CALLS, Index, USES};
use super::spread::Spread;
use crate::error::{Error, Result};
use crate::lake::files::{DataFile, Files, Reading};
use crate::lake::schema::Type;
use crate::sql::linked::Linked;
use crate::sql::linked::focus::Window;
use crate::sql::linked::load::Loader;
use crate::sql::linked::provider::{Derived, Inputs, READ, UNIQUE, made, rows};
use crate::sql::mistake::explain;

/// One part in so many may be chosen; of more, all is linked.
const PART: usize = 2;

/// Files looked at a core: those that are done wait for the ones before them.
const AHEAD: usize = 4;

/// The rows of one file, or of one batch of rows that no file holds.
struct Part {
    file: Option<DataFile>,
    batch: Option<RecordBatch>,
    rows: usize,
}

/// The rows of one table, and those that were read so far.
#[derive(Default)]
struct Rows {
    parts: Vec<Part>,
    read: Vec<bool>,
    batches: Vec<RecordBatch>,
}

impl Rows {
    fn of(parts: Vec<Part>) -> Self {
        let rows = parts.iter().map(|part| part.rows).sum();
        Self { parts, read: vec![false; rows], batches: Vec::new() }
    }

    /// Reads what is chosen and was not read before.
    async fn take(&mut self, files: Option<&Files>, rows: &[bool], threads: usize) -> Result<()> {
        let new: Vec<bool> = rows.iter().zip(&self.read).map(|(wanted, known)| *wanted && !known).collect();
        self.batches.extend(chosen(files, &self.parts, &new, threads).await?);
        self.read.iter_mut().zip(new).for_each(|(known, new)| *known |= new);
        Ok(())
    }
}

/// The index, and what was chosen so far.
pub struct Nearby {
    index: Index,
    spread: Spread,
    calls: Rows,
    activity: Rows,
    /// Whether so much was chosen that all is linked.
    whole: bool,
}

fn lost(error: DataFusionError) -> Error {
    explain(error, &[])
}

/// Takes a batch into the index.
type Take = fn(&mut Index, &RecordBatch) -> Result<()>;

/// A file's text columns that come dictionary-encoded.
fn coded<'a>(files: &Files, columns: &[&'a str]) -> Vec<&'a str> {
    let is_text = |name: &str| files.table().columns.iter().any(|c| c.name == name && c.kind == Type::Text);
    columns.iter().copied().filter(|name| is_text(name) && !UNIQUE.contains(name)).collect()
}

/// Looks at the columns of every file, in the order of their paths; each file's rows are hashed where they are read.
async fn look(
    files: &Files,
    columns: &'static [&'static str],
    threads: usize,
    index: &mut Index,
    take: Take,
) -> Result<Vec<Part>> {
    let mut all: Vec<DataFile> = files.all().cloned().collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    let mut reads = futures::stream::iter(all)
        .map(|file| {
            let files = files.clone();
            tokio::spawn(async move {
                let coded = coded(&files, columns);
                let (mut own, mut rows) = (Index::default(), 0);
                let reading = Reading { columns, coded: &coded, rows: READ };
                files
                    .read(&file, reading, &mut |batch| {
                        rows += batch.num_rows();
                        take(&mut own, &batch)
                    })
                    .await?;
                Ok::<_, Error>((file, rows, own))
            })
        })
        .buffered(AHEAD * threads.max(1));
    let mut parts = Vec::new();
    while let Some(read) = reads.next().await {
        let (file, rows, own) = read.map_err(|e| Error::internal("reading a derived table broke off").source(e))??;
        index.append(own);
        parts.push(Part { file: Some(file), batch: None, rows });
    }
    Ok(parts)
}

fn take_made(batches: Vec<RecordBatch>, parts: &mut Vec<Part>, index: &mut Index, take: Take) -> Result<()> {
    for batch in batches {
        take(index, &batch)?;
        parts.push(Part { file: None, rows: batch.num_rows(), batch: Some(batch) });
    }
    Ok(())
}

/// The chosen rows of every part, whole.
async fn chosen(files: Option<&Files>, parts: &[Part], rows: &[bool], threads: usize) -> Result<Vec<RecordBatch>> {
    let mut from = 0;
    let mut wanted = Vec::new();
    for part in parts {
        let own = &rows[from..from + part.rows];
        from += part.rows;
        if own.contains(&true) {
            wanted.push((part.file.clone(), part.batch.clone(), own.to_vec()));
        }
    }
    let reads = futures::stream::iter(wanted).map(|(file, batch, own)| {
        let files = files.cloned();
        async move {
            if let Some(batch) = batch {
                let rows = filter_record_batch(&batch, &BooleanArray::from(own));
                return Ok(vec![rows.map_err(|e| Error::internal("rows cannot be chosen").source(e))?]);
            }
            let (Some(files), Some(file)) = (files, file) else { return Ok(Vec::new()) };
            let read = tokio::spawn(async move {
                let columns: Vec<&str> = files.table().columns.iter().map(|column| column.name).collect();
                let coded = coded(&files, &columns);
                let reading = Reading { columns: &columns, coded: &coded, rows: READ };
                let mut batches = Vec::new();
                files
                    .read_chosen(&file, &own, reading, &mut |batch| {
                        batches.push(batch);
                        Ok(())
                    })
                    .await?;
                Ok::<_, Error>(batches)
            });
            read.await.map_err(|e| Error::internal("reading a derived table broke off").source(e))?
        }
    });
    let all: Vec<Vec<RecordBatch>> = reads.buffered(threads.max(1)).try_collect().await?;
    Ok(all.concat())
}

impl Nearby {
    async fn open(inputs: &Inputs, state: &dyn Session) -> Result<Self> {
        let threads = state.config().target_partitions();
        let mut index = match &inputs.derived {
            Derived::Stored { calls, activity, .. } => Index::with_room(rows(calls), rows(activity)),
            Derived::Made(..) => Index::default(),
        };
        let (mut calls, mut activity) = (Vec::new(), Vec::new());
        if let Derived::Stored { calls: issued, activity: used, .. } = &inputs.derived {
            calls = look(issued, &CALLS, threads, &mut index, Index::calls).await?;
            activity = look(used, &USES, threads, &mut index, Index::uses).await?;
        }
        if let Derived::Made(issued, used) | Derived::Stored { fresh: Some((issued, used)), .. } = &inputs.derived {
            take_made(made(issued, state).await.map_err(lost)?, &mut calls, &mut index, Index::calls)?;
            take_made(made(used, state).await.map_err(lost)?, &mut activity, &mut index, Index::uses)?;
        }
        index.settle();
        let spread = Spread::new(&index);
        Ok(Self { index, spread, calls: Rows::of(calls), activity: Rows::of(activity), whole: false })
    }
}

impl Inputs {
    /// From now on the computed tables hold the sessions that bear on `asked`, and maybe more. Gives the programs that too many
    /// used to be asked about.
    ///
    /// # Errors
    /// Where the derived rows cannot be read.
    pub async fn look_at(&self, asked: &Asked, state: &dyn Session) -> Result<BTreeSet<String>> {
        let mut nearby = self.nearby.lock().await;
        let mut linked = self.linked.lock().await;
        if asked.everything || self.span != Window::ALL {
            if nearby.take().is_some() {
                *linked = None;
            }
            return Ok(BTreeSet::new());
        }
        let mut open = match nearby.take() {
            Some(open) => open,
            None => Nearby::open(self, state).await?,
        };
        let (index, spread) = (&open.index, &mut open.spread);
        spread.choose(index, asked);
        let (some, all) = spread.share();
        let common = spread.common.clone();
        if open.whole || some * PART > all {
            // What is asked next is there already.
            if !open.whole {
                *linked = Some((Window::ALL, Arc::new(self.link(Window::ALL, state).await.map_err(lost)?)));
            }
            open.whole = true;
            *nearby = Some(open);
            return Ok(common);
        }
        let threads = state.config().target_partitions();
        let (issued, used) = match &self.derived {
            Derived::Stored { calls, activity, .. } => (Some(calls), Some(activity)),
            Derived::Made(..) => (None, None),
        };
        let uses: Vec<bool> = open.spread.uses.iter().map(|level| *level > 0).collect();
        let beside = open.spread.beside(&open.index);
        let Nearby { calls, activity, .. } = &mut open;
        futures::try_join!(calls.take(issued, &beside, threads), activity.take(used, &uses, threads))?;
        let mut loader = Loader::with_room(some, some);
        for batch in &calls.batches {
            loader.calls(batch.clone())?;
        }
        for batch in &activity.batches {
            loader.activity(batch)?;
        }
        let found: Linked = loader.finish(Arc::clone(&self.told));
        *linked = Some((Window::ALL, Arc::new(found)));
        *nearby = Some(open);
        Ok(common)
    }
}
