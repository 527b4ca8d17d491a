//! Brings a lake that an earlier rolecall wrote to the tables and columns of this one. No data file is touched: a column
//! that is younger than a file is null in it.

use std::collections::HashMap;

use deltalake::DeltaTable;

use crate::error::{Error, Result};
use crate::lake::catch_up::catch_up;
use crate::lake::root::{LakeOptions, Root, delta_schema, properties};
use crate::lake::schema::{EVENTS, LATER, TABLES, Table};
use crate::lake::store::Lake;

/// What was done to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The table.
    pub table: &'static str,
    /// Whether it was missing.
    pub created: bool,
    /// Columns that were missing.
    pub columns: Vec<&'static str>,
}

/// Gives a lake what it lacks; tables that lack nothing are not told of.
///
/// # Errors
/// Where there is no lake of this program's, or of a newer one's, or it cannot be written.
pub async fn upgrade(location: &str, options: &LakeOptions) -> Result<Vec<Upgraded>> {
    let root = Root::new(location, options)?;
    if root.find(&EVENTS).await?.is_none() {
        return Err(Error::input("there is no lake here").context("lake", location.to_owned()));
    }
    let mut done = Vec::new();
    for table in TABLES.iter().copied().chain(LATER) {
        let Some(delta) = root.find(table).await? else {
            // A table of `LATER` comes with its first row.
            if !LATER.iter().any(|later| later.name == table.name) {
                root.create(table).await?;
                done.push(Upgraded { table: table.name, created: true, columns: Vec::new() });
            }
            continue;
        };
        let layout = root.layout(table, &delta)?;
        if layout.is_ours() {
            continue;
        }
        let columns = layout.missing;
        fit(delta, table, &columns).await.map_err(|e| {
            Error::input("cannot change a table of the lake")
                .context("lake", location.to_owned())
                .context("table", table.name)
                .hint("check that the lake's folder or bucket can be written to")
                .source(e)
        })?;
        done.push(Upgraded { table: table.name, created: false, columns });
    }
    // Questions stand at the newest version of the events that the derived tables know: it must be one with the columns.
    let mut lake = Lake::create_if_missing(location, options).await?;
    catch_up(&mut lake, None).await?;
    Ok(done)
}

/// Adds the columns first and the mark of the new layout last, so that a run that is broken off is done again.
async fn fit(mut delta: DeltaTable, table: &Table, missing: &[&str]) -> Result<(), deltalake::DeltaTableError> {
    if !missing.is_empty() {
        let fields: Vec<_> = delta_schema(table).into_iter().filter(|f| missing.contains(&f.name().as_str())).collect();
        delta = delta.add_columns().with_fields(fields).await?;
    }
    let marks: HashMap<_, _> = properties(table).into_iter().collect();
    delta.set_tbl_properties().with_properties(marks).with_raise_if_not_exists(false).await?;
    Ok(())
}
