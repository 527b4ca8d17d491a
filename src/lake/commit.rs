//! A commit of events: upon the version they were deduplicated against, or, where another run came first, after they
//! were deduplicated once more against what that run added.

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use hashbrown::HashMap;

use super::dedup::{Dedup, Forestalled, ID_READING, Id, Ids, ids_of};
use super::kept::Kept;
use super::schema::EVENTS;
use super::store::{Committed, Lake};
use super::write::NewFile;
use crate::error::{Error, Result};

/// The application id under which every commit of events counts up by one.
const EVENTS_APP: &str = "rolecall/events";

/// What became of a commit of events.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The version it became; `None` where another run had stored every event.
    pub version: Option<u64>,
    /// Rows that another run stored first: taken out before the commit.
    pub taken_out: Vec<Forestalled>,
}

/// Commits files of events that `dedup` has judged. The lake's `events` must stand at the version that `dedup` began with.
///
/// # Errors
/// Where the lake cannot be read or written; nothing is committed then.
pub async fn commit_events(lake: &mut Lake, mut files: Vec<NewFile>, dedup: &mut Dedup) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    while !files.is_empty() {
        let count = lake.transaction(&EVENTS, EVENTS_APP).await?.unwrap_or(0) + 1;
        match lake.commit(&EVENTS, &files, Some((EVENTS_APP, count))).await? {
            Committed::Version(version) => {
                outcome.version = Some(version);
                break;
            }
            Committed::Behind => {
                let found = dedup.recheck(lake.files(&EVENTS)?).await?;
                if !found.is_empty() {
                    files = take_out(lake, files, &found, &mut outcome.taken_out).await?;
                }
            }
        }
    }
    Ok(outcome)
}

/// Writes those files anew that hold rows which must not be stored.
async fn take_out(
    lake: &Lake,
    files: Vec<NewFile>,
    found: &HashMap<Id, Forestalled>,
    taken_out: &mut Vec<Forestalled>,
) -> Result<Vec<NewFile>> {
    let (writer, files_now) = (lake.writer(&EVENTS)?, lake.files(&EVENTS)?);
    let mut kept = Vec::with_capacity(files.len());
    for file in files {
        let before = taken_out.len();
        let (mut keep, mut ids) = (Vec::with_capacity(file.rows), Ids::default());
        files_now
            .read_path(&file.add.path, ID_READING, &mut |batch| {
                ids_of(&batch, &mut ids, &mut |id, _| {
                    let forestalled = found.get(&id);
                    keep.push(forestalled.is_none());
                    taken_out.extend(forestalled);
                })
            })
            .await?;
        if taken_out.len() == before {
            kept.push(file);
            continue;
        }
        let mut rest: Vec<Kept> = Vec::new();
        let mut at = 0;
        files_now
            .read_rows(&file.add.path, &mut |batch| {
                let mask: BooleanArray = keep.iter().skip(at).take(batch.num_rows()).copied().map(Some).collect();
                at += batch.num_rows();
                let batch = filter_record_batch(&batch, &mask)
                    .map_err(|e| Error::internal("cannot take rows out of a file").source(e))?;
                if batch.num_rows() > 0 {
                    rest.push(batch.into());
                }
                Ok(())
            })
            .await?;
        if let (false, Some(day)) = (rest.is_empty(), file.day) {
            kept.push(writer.write_events(day, &rest).await?);
        }
        writer.discard(&file).await;
    }
    Ok(kept)
}
