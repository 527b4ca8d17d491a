//! Puts small files together, so that a question opens few: one commit that takes the small ones out and the large one in.
//!
//! No row changes, none is added or lost, and a file's rows stay in their order: credentials' own services first, then
//! by time. Where another run took one of the files first, this one's work is thrown away.

use std::collections::{BTreeMap, HashSet};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use crate::error::{Error, Result};
use crate::failpoint;
use crate::lake::catch_up::catch_up;
use crate::lake::files::{DataFile, Files};
use crate::lake::kept::Kept;
use crate::lake::schema::Table;
use crate::lake::store::{Committed, Lake};
use crate::lake::write::{NewFile, Writer};

/// The application id under which every commit of this kind counts up by one.
const MAINTENANCE_APP: &str = "rolecall/maintenance";

/// How large files shall become, and what bounds memory meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Aims {
    /// Rows of a file that is large enough.
    pub rows: usize,
    /// Stored bytes of a file that is large enough.
    pub size: u64,
    /// Bytes of decoded rows after which a file is written, however few they are.
    pub held: usize,
}

impl Default for Aims {
    fn default() -> Self {
        Self { rows: 250_000, size: 16 << 20, held: 128 << 20 }
    }
}

/// What became of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Optimized {
    /// The table.
    pub table: &'static str,
    /// Small files that were taken out.
    pub before: u64,
    /// Files that hold their rows now.
    pub after: u64,
}

/// Puts the small files of every table together, day by day.
///
/// # Errors
/// Where the lake cannot be read or written.
pub async fn optimize(lake: &mut Lake, aims: Aims) -> Result<Vec<Optimized>> {
    let mut all = Vec::new();
    let tables: Vec<_> = lake.has_tables().collect();
    for table in tables {
        let mut done = Optimized { table: table.name, before: 0, after: 0 };
        lake.refresh(table).await?;
        let (files, writer) = (lake.files(table)?, lake.writer(table)?);
        for ((day, _), group) in groups(&files, aims) {
            let made = put_together(&files, &writer, day, &group, aims.held).await?;
            failpoint::reached("put-together");
            let old: Vec<String> = group.into_iter().map(|file| file.path).collect();
            if commit(lake, table, &old, &made).await? {
                done.before += old.len() as u64;
                done.after += made.len() as u64;
            }
        }
        failpoint::reached("optimized");
        all.push(done);
    }
    // Questions stand at the newest version of the events that the derived tables know.
    catch_up(lake, None).await?;
    Ok(all)
}

/// Small files that make a large one together, by day, in the order of their events' times.
fn groups(files: &Files, aims: Aims) -> BTreeMap<(Option<i32>, usize), Vec<DataFile>> {
    let mut small: Vec<&DataFile> =
        files.all().filter(|f| f.rows > 0 && f.rows < aims.rows / 2 && f.size < aims.size / 2).collect();
    small.sort_by(|a, b| (a.day, a.times(), &a.path).cmp(&(b.day, b.times(), &b.path)));
    let mut groups: BTreeMap<_, Vec<DataFile>> = BTreeMap::new();
    let (mut number, mut rows, mut size, mut day) = (0, 0, 0, None);
    for file in small {
        rows += file.rows;
        size += file.size;
        if file.day != day || rows > aims.rows || size > aims.size {
            number += 1;
            (rows, size, day) = (file.rows, file.size, file.day);
        }
        groups.entry((file.day, number)).or_default().push(file.clone());
    }
    groups.retain(|_, group| group.len() > 1);
    groups
}

/// Writes the rows of a group of files anew: into one file, or into more where they would take too much memory.
async fn put_together(
    files: &Files,
    writer: &Writer,
    day: Option<i32>,
    group: &[DataFile],
    most: usize,
) -> Result<Vec<NewFile>> {
    let mut made = Vec::new();
    let (mut batches, mut held): (Vec<RecordBatch>, usize) = (Vec::new(), 0);
    for (place, file) in group.iter().enumerate() {
        files
            .read_rows(&file.path, &mut |batch| {
                held += batch.get_array_memory_size();
                batches.push(batch);
                Ok(())
            })
            .await?;
        if held >= most || place + 1 == group.len() {
            made.push(write(files.table(), writer, day, std::mem::take(&mut batches)).await?);
            held = 0;
        }
    }
    let (before, after): (usize, usize) = (group.iter().map(|f| f.rows).sum(), made.iter().map(|f| f.rows).sum());
    if before != after {
        return Err(Error::internal(format!("{before} rows became {after}; nothing was changed"))
            .context("table", files.table().name));
    }
    Ok(made)
}

async fn write(table: &'static Table, writer: &Writer, day: Option<i32>, batches: Vec<RecordBatch>) -> Result<NewFile> {
    match day {
        Some(day) => writer.write_events(day, &batches.into_iter().map(Kept::from).collect::<Vec<_>>()).await,
        None => {
            let rows = concat_batches(&table.schema(), &batches)
                .map_err(|e| Error::internal("rows of one table do not fit together").source(e))?;
            writer.write_rows(&rows).await
        }
    }
}

/// Whether the new files are in the old ones' place; not where another run took one of those first.
async fn commit(lake: &mut Lake, table: &'static Table, old: &[String], made: &[NewFile]) -> Result<bool> {
    loop {
        let count = lake.transaction(table, MAINTENANCE_APP).await?.unwrap_or(0) + 1;
        if let Committed::Version(_) = lake.rearrange(table, old, made, (MAINTENANCE_APP, count)).await? {
            return Ok(true);
        }
        let files = lake.files(table)?;
        let there: HashSet<&str> = files.all().map(|file| file.path.as_str()).collect();
        if !old.iter().all(|path| there.contains(path.as_str())) {
            let writer = lake.writer(table)?;
            for file in made {
                writer.discard(file).await;
            }
            return Ok(false);
        }
    }
}
