//! Removes files that no version of the last days needs: what a crash left behind, and what a later version replaced.

use std::collections::HashSet;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Duration, Utc};
use deltalake::operations::vacuum::{Clock, VacuumMode};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::lake::catch_up::catch_up;
use crate::lake::computed;
use crate::lake::schema::Table;
use crate::lake::store::Lake;

/// How long files are kept that the newest version does not need: readers and runs may still be at them.
pub const USUAL_DAYS: i64 = 7;
/// A shorter time could take away the files of an ingest that is under way.
pub const LEAST_DAYS: i64 = 1;

/// What was removed from one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// The table, or the folder of the computed ones.
    pub table: &'static str,
    /// Files.
    pub files: u64,
}

/// The time that the caller says it is.
#[derive(Debug)]
struct Now(DateTime<Utc>);

impl Clock for Now {
    fn current_timestamp_millis(&self) -> i64 {
        self.0.timestamp_millis()
    }
}

/// Removes what has been of no use to the newest version for so many days before `now`, from every table.
///
/// # Errors
/// Fewer days than [`LEAST_DAYS`], or the lake cannot be read or written.
pub async fn vacuum(lake: &mut Lake, days: i64, now: DateTime<Utc>) -> Result<Vec<Removed>> {
    if days < LEAST_DAYS {
        return Err(Error::usage("files of the last day may belong to an ingest that is under way")
            .hint(format!("keep at least {LEAST_DAYS} day")));
    }
    // Questions stand at the newest version that the derived tables know; its files must not be among those that go.
    catch_up(lake, None).await?;
    let mut all = Vec::new();
    let tables: Vec<_> = lake.has_tables().collect();
    for table in tables {
        lake.refresh(table).await?;
        let store = lake.table(table.name)?.log_store().object_store(None);
        let mut unneeded = unneeded(lake, table, days, now).await?;
        // The log names files for as long as it is kept that an earlier vacuum took.
        let there: HashSet<Path> =
            store.list(None).map_ok(|file| file.location).try_collect().await.map_err(|e| unlisted(lake, table, e))?;
        unneeded.retain(|path| there.contains(path));
        let files = unneeded.len() as u64;
        let mut gone = store.delete_stream(stream::iter(unneeded.into_iter().map(Ok)).boxed());
        while let Some(result) = gone.next().await {
            result.map(|_| ()).or_else(|e| refused(lake, table, e))?;
        }
        let halves = match lake.folder(table)? {
            Some(folder) => remove_halves(&folder, (now - Duration::days(days)).into()),
            None => 0,
        };
        all.push(Removed { table: table.name, files: files + halves });
    }
    if let Some(folder) = lake.at() {
        let before = (now - Duration::days(days)).into();
        let removed = computed::remove_before(&folder, before).map_err(|e| {
            Error::input("cannot remove the computed tables").context("lake", lake.location().to_owned()).source(e)
        })?;
        if removed > 0 {
            all.push(Removed { table: computed::FOLDER, files: removed });
        }
    }
    Ok(all)
}

/// The files below a table that go, as the library finds them; it is not let do it, because it would commit twice for it.
async fn unneeded(lake: &Lake, table: &'static Table, days: i64, now: DateTime<Utc>) -> Result<Vec<Path>> {
    let found = lake
        .table(table.name)?
        .clone()
        .vacuum()
        .with_mode(VacuumMode::Full)
        .with_retention_period(Duration::days(days))
        .with_enforce_retention_duration(false)
        .with_clock(Arc::new(Now(now)))
        .with_dry_run(true)
        .await;
    let (_, plan) = found.map_err(|e| unlisted(lake, table, e))?;
    Ok(plan.files_deleted.iter().map(|path| Path::parse(path).unwrap_or_else(|_| Path::from(path.as_str()))).collect())
}

fn unlisted(lake: &Lake, table: &Table, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::input("cannot find out which files of the lake are of no use")
        .context("lake", lake.location().to_owned())
        .context("table", table.name)
        .source(e)
}

fn refused(lake: &Lake, table: &Table, e: object_store::Error) -> Result<()> {
    match e {
        // Another vacuum was there first.
        object_store::Error::NotFound { .. } => Ok(()),
        e => Err(Error::input("cannot remove files from the lake")
            .context("lake", lake.location().to_owned())
            .context("table", table.name)
            .hint("check that the lake's folder or bucket can be written to")
            .source(e)),
    }
}

/// Removes files that were never written to their end: on disk a file has a name with `#` until it is whole, and whoever
/// lists the store does not see it.
fn remove_halves(folder: &FilePath, before: SystemTime) -> u64 {
    let half = |name: &str| name.rsplit_once('#').is_some_and(|(_, n)| n.bytes().all(|c| c.is_ascii_digit()));
    let old = |entry: &walkdir::DirEntry| {
        entry.metadata().ok().and_then(|m| m.modified().ok()).is_some_and(|changed| changed < before)
    };
    WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file() && half(&entry.file_name().to_string_lossy()) && old(entry))
        .filter(|entry| std::fs::remove_file(entry.path()).is_ok())
        .count() as u64
}
