//! Derived tables follow `events`: each commit to one says which version of `events` it was made from, so that whatever a
//! crash or another run left behind is made from exactly the files added since, once.

use super::derive::Derived;
use super::schema::{ACTIVITY, CREDENTIAL_CALLS, EVENTS, Table};
use super::store::{Committed, DERIVED_APP, Lake};
use super::write::NewFile;
use crate::error::{Error, Result};
use crate::failpoint;

/// Rows of `events` after which derived rows are written out, so that memory stays bounded.
pub const DERIVE_ROWS: usize = 500_000;

/// The tables that are made from `events`.
pub fn derived_tables() -> [&'static Table; 2] {
    [&CREDENTIAL_CALLS, &ACTIVITY]
}

/// Derived rows made from exactly one version of `events`, written and not yet committed.
#[derive(Debug)]
pub struct Prepared {
    /// The version of `events`.
    pub version: u64,
    /// The files, of all derived tables.
    pub files: Vec<NewFile>,
}

/// Brings every derived table up to the version of `events` that the lake stands at.
///
/// # Errors
/// Where the lake cannot be read or written, or the log of what is missing is gone.
pub async fn catch_up(lake: &mut Lake, prepared: Option<Prepared>) -> Result<()> {
    let target = lake.version(EVENTS.name)?;
    for table in derived_tables() {
        lake.refresh(table).await?;
        while let Some(missing) = missing(lake, table, target, prepared.as_ref()).await? {
            let ours = missing.with_prepared.then_some(prepared.as_ref()).flatten();
            let mut files: Vec<NewFile> = ours
                .map(|p| p.files.iter().filter(|f| f.table.name == table.name).cloned().collect())
                .unwrap_or_default();
            let made = derive(lake, &[table], &missing.paths).await?;
            files.extend(made.iter().cloned());
            // No events yet, hence nothing to know of.
            if missing.never && missing.paths.is_empty() && !missing.with_prepared {
                break;
            }
            let version = i64::try_from(target).unwrap_or(i64::MAX);
            match lake.commit(table, &files, Some((DERIVED_APP, version))).await? {
                Committed::Version(_) => {
                    failpoint::reached("derived");
                    break;
                }
                // Another run caught up first, or half of the way: look again.
                Committed::Behind => {
                    let writer = lake.writer(table)?;
                    for file in &made {
                        writer.discard(file).await;
                    }
                }
            }
        }
    }
    Ok(())
}

/// What a derived table lacks.
struct Missing {
    /// Files of `events` to derive from.
    paths: Vec<String>,
    /// Whether the prepared rows are missing too.
    with_prepared: bool,
    /// Whether the table was never derived to.
    never: bool,
}

async fn missing(
    lake: &Lake,
    table: &'static Table,
    target: u64,
    prepared: Option<&Prepared>,
) -> Result<Option<Missing>> {
    let have = lake.transaction(table, DERIVED_APP).await?.and_then(|version| u64::try_from(version).ok());
    let ours = prepared.map(|p| p.version);
    let Some(have) = have else {
        // A new table, or one that was dropped to be made anew: from whatever is there now.
        let mut paths: Vec<String> = lake.files(&EVENTS)?.all().map(|file| file.path.clone()).collect();
        let mut with_prepared = false;
        if let Some(version) = ours
            && let Some(added) = lake.added(&EVENTS, version).await?
        {
            // Files that were put together with others meanwhile hold the prepared rows' events: all is made from those then.
            with_prepared = added.iter().all(|path| paths.contains(path));
            if with_prepared {
                paths.retain(|path| !added.contains(path));
            }
        }
        return Ok(Some(Missing { paths, with_prepared, never: true }));
    };
    if have >= target {
        return Ok(None);
    }
    let mut missing = Missing { paths: Vec::new(), with_prepared: false, never: false };
    for version in have + 1..=target {
        if ours == Some(version) {
            missing.with_prepared = true;
            continue;
        }
        let added = lake.added(&EVENTS, version).await?.ok_or_else(|| {
            Error::input("a derived table is so far behind that the log of the events it lacks is gone")
                .context("lake", lake.location().to_owned())
                .context("table", table.name)
                .hint("make it anew from the events: rolecall lake rederive")
        })?;
        missing.paths.extend(added);
    }
    Ok(Some(missing))
}

/// Makes and writes some derived tables' rows from files of `events`.
pub(super) async fn derive(lake: &Lake, tables: &[&'static Table], paths: &[String]) -> Result<Vec<NewFile>> {
    let events = lake.files(&EVENTS)?;
    let mut files = Vec::new();
    let (mut derived, mut rows) = (Derived::new()?, 0);
    for (place, path) in paths.iter().enumerate() {
        events
            .read_rows(path, &mut |batch| {
                rows += batch.num_rows();
                derived.add(&batch)
            })
            .await?;
        if rows >= DERIVE_ROWS || place + 1 == paths.len() {
            for (made, batch) in std::mem::replace(&mut derived, Derived::new()?).finish()? {
                if tables.iter().any(|table| table.name == made.name) && batch.num_rows() > 0 {
                    files.push(lake.writer(made)?.write_rows(&batch).await?);
                }
            }
            rows = 0;
        }
    }
    Ok(files)
}
