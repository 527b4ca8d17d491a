//! Opens what the user named as sources, and tells what they turned out to be.

use super::arguments::S3;
use super::console::Console;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::ledger;
use crate::lake::store::Lake;
use crate::source::{Filters, S3Options, Source};

/// Opens the sources of the configuration, in order.
///
/// # Errors
/// One of them cannot be opened.
pub async fn open_configured(config: &Config, s3: &S3, console: Console) -> Result<Vec<Source>> {
    let mut sources = Vec::with_capacity(config.sources.len());
    for source in &config.sources {
        let opened = Source::open(&source.location, &s3.options_of(source)).await;
        let opened = opened.map_err(|e| e.context("source", source.name.clone()))?;
        told(&opened, console);
        sources.push(opened.without(Filters {
            since: source.since,
            skip_accounts: source.skip_accounts.clone(),
            skip_regions: source.skip_regions.clone(),
            ..Filters::default()
        }));
    }
    Ok(sources)
}

/// Opens what a lake is filled from: the sources of the configuration, else the places that its ledger names.
///
/// # Errors
/// One of them cannot be opened, or nothing tells where they are.
pub async fn open_of_lake(lake: &Lake, config: &Config, s3: &S3, console: Console) -> Result<Vec<Source>> {
    if !config.sources.is_empty() {
        return open_configured(config, s3, console).await;
    }
    let places = ledger::places(lake).await?;
    if places.is_empty() {
        return Err(Error::usage("nothing tells where this lake's new files come from")
            .context("lake", lake.location().to_owned())
            .hint("name it as a [[source]] in rolecall.toml"));
    }
    let opened = open(&places.into_iter().collect::<Vec<_>>(), &s3.options(), console).await;
    opened.map_err(|e| {
        e.context("lake", lake.location().to_owned()).hint(
            "it was filled from there: ask from the same folder, or name the place as a [[source]] in rolecall.toml",
        )
    })
}

fn told(source: &Source, console: Console) {
    for note in source.notes() {
        console.status(&note);
    }
}

/// Opens every source, in order.
///
/// # Errors
/// One of them cannot be opened.
pub async fn open(names: &[String], s3: &S3Options, console: Console) -> Result<Vec<Source>> {
    let mut sources = Vec::with_capacity(names.len());
    for name in names {
        let source = Source::open(name, s3).await?;
        told(&source, console);
        sources.push(source);
    }
    Ok(sources)
}
