//! Tables that were computed from a lake, written down in its folder: who asks the same lake again need not compute them again.
//!
//! A file's name says what it was computed from, so that no answer is older than the lake. They are nobody's truth: a file that is
//! missing or cannot be read is computed again. Only a lake on disk has them; on S3 they would cost every question an upload.

use std::fs::{self, DirEntry, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use sha2::{Digest, Sha256};

use super::files::Files;
use super::schema::Table;
use crate::error::{Error, Kind, Result};

/// The folder in the lake.
pub const FOLDER: &str = "_computed";

/// Rows that are read by one core at a time.
pub const GROUP: usize = 1 << 16;

/// Rows a batch.
const BATCH: usize = 8192;

/// How old a file must be that a run left half written.
const ABANDONED: Duration = Duration::from_hours(24);

/// The tables computed from one version of a lake.
#[derive(Debug, Clone)]
pub struct ComputedFiles {
    folder: PathBuf,
    made_of: String,
}

impl ComputedFiles {
    /// Those of the lake in `lake`, computed from `files` by what `meaning` stands for.
    pub(super) fn new(lake: &Path, files: &[&Files], meaning: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(meaning);
        for files in files {
            // A file never changes under its name.
            let mut all: Vec<_> = files.all().map(|file| (file.path.as_str(), file.size)).collect();
            all.sort_unstable();
            hash.update(format!("\n{} {}\n", files.table().name, all.len()));
            all.iter().for_each(|(path, size)| hash.update(format!("{size} {path}\n")));
        }
        let made_of = hash.finalize()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { folder: lake.join(FOLDER), made_of }
    }

    fn name(&self, table: &Table) -> String {
        format!("{}-{}.parquet", table.name, self.made_of)
    }

    /// Whether the table is written down, to its end.
    pub fn has(&self, table: &Table) -> bool {
        let file = File::open(self.folder.join(self.name(table)));
        file.is_ok_and(|file| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).is_ok())
    }

    /// The columns of a table at these places, all rows in the order in which they were written; `None` where they have to be
    /// computed.
    pub fn read(&self, table: &Table, columns: &[usize]) -> Option<Vec<RecordBatch>> {
        let file = self.folder.join(self.name(table));
        match read(&file, table, columns) {
            Ok(batches) => Some(batches),
            Err(e) => {
                tracing::debug!(file = %file.display(), error = %e, "computed again");
                // What cannot be read would keep what can be from being written; mostly it is not there at all.
                _ = fs::remove_file(&file);
                None
            }
        }
    }

    /// Writes a table down, and removes what stands there of it that was computed from something else.
    ///
    /// # Errors
    /// A batch cannot be made, or the folder cannot be written to.
    pub fn write(&self, table: &Table, batches: impl IntoIterator<Item = Result<RecordBatch>>) -> Result<()> {
        let broken = |e: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Kind::Output, "a computed table cannot be written down").context("table", table.name).source(e)
        };
        fs::create_dir_all(&self.folder).map_err(|e| broken(e.into()))?;
        let name = self.name(table);
        let half = self.folder.join(format!(".{name}.{}", std::process::id()));
        let written = || -> Result<()> {
            let file = File::create(&half).map_err(|e| broken(e.into()))?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_statistics_enabled(EnabledStatistics::None)
                .set_max_row_group_row_count(Some(GROUP))
                .build();
            let writer = ArrowWriter::try_new(file, table.schema(), Some(properties));
            let mut writer = writer.map_err(|e| broken(e.into()))?;
            for batch in batches {
                writer.write(&batch?).map_err(|e| broken(e.into()))?;
            }
            writer.close().map_err(|e| broken(e.into()))?;
            fs::rename(&half, self.folder.join(&name)).map_err(|e| broken(e.into()))
        };
        let done = written();
        if done.is_err() {
            _ = fs::remove_file(&half);
        }
        let is_other = |_: &DirEntry, other: &str| {
            other != name && other.strip_prefix(table.name).is_some_and(|rest| rest.starts_with('-'))
        };
        // What cannot be removed is never read.
        _ = sweep(&self.folder, is_other);
        done
    }
}

/// Removes the computed tables of the lake in `lake` that were written before a time; tells how many.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn remove_before(lake: &Path, time: SystemTime) -> std::io::Result<u64> {
    match sweep(&lake.join(FOLDER), |entry, _| is_before(entry, time)) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        removed => removed,
    }
}

fn is_before(entry: &DirEntry, time: SystemTime) -> bool {
    entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|written| written < time)
}

/// Removes the files of a folder that are `unneeded`, and those that a run left half written; tells how many.
fn sweep(folder: &Path, unneeded: impl Fn(&DirEntry, &str) -> bool) -> std::io::Result<u64> {
    let abandoned = SystemTime::now() - ABANDONED;
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let goes = match name.starts_with('.') {
            true => is_before(&entry, abandoned),
            false => name.ends_with(".parquet") && unneeded(&entry, &name),
        };
        if goes && fs::remove_file(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn read(path: &Path, table: &Table, columns: &[usize]) -> std::result::Result<Vec<RecordBatch>, Failure> {
    let metadata = ArrowReaderMetadata::load(&File::open(path)?, ArrowReaderOptions::new())?;
    let names: Vec<&str> = columns.iter().filter_map(|&column| table.columns.get(column)).map(|c| c.name).collect();
    let schema: SchemaRef = std::sync::Arc::new(table.schema().project(columns)?);
    let mask = ProjectionMask::columns(metadata.parquet_schema(), names.iter().copied());
    let groups: Vec<usize> = (0..metadata.metadata().num_row_groups()).collect();
    let some = |groups: &[usize]| -> std::result::Result<Vec<RecordBatch>, Failure> {
        // Each core has the file opened for itself: one that is shared is read at one place.
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(path)?, metadata.clone())
            .with_projection(mask.clone())
            .with_row_groups(groups.to_vec())
            .with_batch_size(BATCH)
            .build()?;
        reader
            .map(|batch| {
                let batch = batch?;
                let place = |name: &&str| batch.column_by_name(name).cloned().ok_or_else(|| format!("no {name}"));
                let columns = names.iter().map(place).collect::<std::result::Result<Vec<_>, _>>()?;
                let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
            })
            .collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = groups.len().div_ceil(threads).max(1);
    if groups.len() <= 1 {
        return some(&groups);
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = groups.chunks(share).map(|part| scope.spawn(|| some(part))).collect();
        let read = parts.into_iter().map(|part| part.join().unwrap_or_else(|_| Err("reading broke off".into())));
        Ok(read.collect::<std::result::Result<Vec<_>, Failure>>()?.concat())
    })
}
