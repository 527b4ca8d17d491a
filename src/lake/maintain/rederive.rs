//! Makes the derived tables anew from all events, as a better definition or a damaged table asks for.

use crate::error::{Error, Result};
use crate::failpoint;
use crate::lake::catch_up::{catch_up, derive, derived_tables};
use crate::lake::schema::EVENTS;
use crate::lake::store::{Committed, DERIVED_APP, Lake};
use crate::lake::write::NewFile;

/// One table that was made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rederived {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// Puts new rows in the place of all rows of every derived table. What is ingested meanwhile is in them once, too.
///
/// # Errors
/// Where the lake cannot be read or written.
pub async fn rederive(lake: &mut Lake) -> Result<Vec<Rederived>> {
    lake.refresh(&EVENTS).await?;
    // Before the events are read: a commit that another run makes meanwhile is then seen as one.
    for table in derived_tables() {
        lake.refresh(table).await?;
    }
    let (from, paths) = (lake.version(EVENTS.name)?, lake.files(&EVENTS)?);
    let paths: Vec<String> = paths.all().map(|file| file.path.clone()).collect();
    let made = derive(lake, &derived_tables(), &paths).await?;
    let mut all = Vec::new();
    for table in derived_tables() {
        let mut files: Vec<NewFile> = made.iter().filter(|file| file.table.name == table.name).cloned().collect();
        let mut version = from;
        while lake.replace_all(table, &files, (DERIVED_APP, i64::try_from(version).unwrap_or(i64::MAX))).await?
            == Committed::Behind
        {
            lake.refresh(&EVENTS).await?;
            let newest = lake.version(EVENTS.name)?;
            let mut added = Vec::new();
            for version in version + 1..=newest {
                added.extend(lake.added(&EVENTS, version).await?.ok_or_else(|| {
                    Error::input("the log of what was ingested meanwhile is gone")
                        .context("lake", lake.location().to_owned())
                        .hint("run it again")
                })?);
            }
            files.extend(derive(lake, &[table], &added).await?);
            version = newest;
        }
        failpoint::reached("rederived");
        all.push(Rederived { table: table.name, rows: files.iter().map(|file| file.rows as u64).sum() });
    }
    catch_up(lake, None).await?;
    Ok(all)
}
