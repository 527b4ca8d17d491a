//! Opens what the user named as sources, and tells what they turned out to be.

use super::console::Console;
use crate::error::Result;
use crate::source::{S3Options, Source};

/// Opens every source, in order.
///
/// # Errors
/// One of them cannot be opened.
pub async fn open(names: &[String], s3: &S3Options, console: Console) -> Result<Vec<Source>> {
    let mut sources = Vec::with_capacity(names.len());
    for name in names {
        let source = Source::open(name, s3).await?;
        for note in source.notes() {
            console.status(&note);
        }
        sources.push(source);
    }
    Ok(sources)
}
