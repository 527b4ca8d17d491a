//! Log files beside a lake: of the objects those that its ledger does not know, of the events those that it does not hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use hashbrown::HashSet;
use tokio::sync::{OnceCell, mpsc};

use crate::cloudtrail::Wanted;
use crate::error::{Error, Result};
use crate::lake::batch::day;
use crate::lake::dedup::{Dedup, Id, Ids, Keys, Row, Verdict};
use crate::lake::files::Files;
use crate::lake::ledger::{Identity, Known};
use crate::lake::schema::EVENTS;
use crate::lake::store::Lake;
use crate::source::{Filters, Object, Source};

use super::work::Work;
use super::{Logs, lost};

/// What tells an event from another.
const TELLING: [&str; 3] = ["event_time", "event_id", "recipient_account_id"];

/// Ids held at a time while the lake is looked through.
const HELD: usize = 1_000_000;

/// Batches that wait to be looked up.
const WAITING: usize = 4;

/// What the lake holds.
pub struct Held {
    known: Known,
    events: Files,
    /// The events of the objects at hand that are in the lake already, from other objects or from a run that was cut off.
    ids: OnceCell<HashSet<Id>>,
}

impl Held {
    /// Whether the lake has taken the object in as it is now.
    pub fn knows(&self, object: &Object) -> bool {
        let identity = Identity {
            size: object.size.and_then(|size| i64::try_from(size).ok()),
            etag: object.etag.as_deref(),
            last_modified: object.last_modified,
        };
        self.known.done(&object.uri, identity).is_some()
    }
}

impl Logs {
    /// What `sources` hold that `lake` does not: its objects are listed and looked up in the lake at once.
    ///
    /// # Errors
    /// Where nothing of a source can be listed, or the lake cannot be read.
    pub async fn since(
        lake: &Lake,
        sources: Vec<Source>,
        filters: Filters,
        max_object: Option<u64>,
        workers: usize,
    ) -> Result<Arc<Self>> {
        let held = Held { known: Known::load(lake).await?, events: lake.files(&EVENTS)?, ids: OnceCell::new() };
        let logs = Arc::new(Self::beside(Some(held), sources, filters, max_object));
        let ids = logs.held_ids(workers).await?;
        if let Some(held) = &logs.held {
            // Nobody else has these logs yet.
            _ = held.ids.set(ids);
        }
        Ok(logs)
    }

    /// Whether the lake beside them holds an event.
    pub fn is_held(&self, id: &Id) -> bool {
        self.held.as_ref().and_then(|held| held.ids.get()).is_some_and(|ids| ids.contains(id))
    }

    /// Looks every event of the objects up in the lake, as an ingest would.
    async fn held_ids(self: &Arc<Self>, workers: usize) -> Result<HashSet<Id>> {
        let mut held = HashSet::new();
        let objects = self.objects().await?;
        let Some(lake) = self.held.as_ref().filter(|_| !objects.is_empty()) else { return Ok(held) };
        let work = Arc::new(Work::new(self.clone(), objects, Wanted::default()));
        let columns: Vec<usize> = TELLING.iter().filter_map(|name| EVENTS.index(name)).collect();
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let workers: Vec<_> = (0..workers.max(1))
            .map(|_| {
                let (work, columns, sender) = (work.clone(), columns.clone(), sender.clone());
                tokio::task::spawn_blocking(move || {
                    work.run(&columns, &mut |batch| sender.blocking_send(batch).is_ok())
                })
            })
            .collect();
        drop(sender);
        let mut dedup = Dedup::new(lake.events.clone(), HELD);
        let mut ids = Ids::default();
        while let Some(batch) = receiver.recv().await {
            if dedup.is_full() {
                dedup = Dedup::new(lake.events.clone(), HELD);
            }
            for (day, keys) in keys(&batch, &mut ids)? {
                let verdicts = dedup.admit(day, &keys).await?;
                let there = keys.ids.iter().zip(verdicts).filter(|(_, verdict)| *verdict != Verdict::New);
                held.extend(there.map(|(id, _)| *id));
            }
        }
        for worker in workers {
            worker.await.map_err(lost)??;
        }
        Ok(held)
    }
}

/// What tells the events of a batch, day by day.
fn keys(batch: &RecordBatch, ids: &mut Ids) -> Result<BTreeMap<i32, Keys>> {
    let misfit = || Error::internal("events do not have the lake's columns");
    let text = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>()).ok_or_else(misfit);
    let times = batch.column_by_name("event_time").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
    let (times, events, accounts) = (times.ok_or_else(misfit)?, text("event_id")?, text("recipient_account_id")?);
    let mut days: BTreeMap<i32, Keys> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let account = if accounts.is_valid(row) { accounts.value(row) } else { "" };
        let (time, event_id) = (times.value(row), events.value(row));
        let id = ids.id(account, event_id);
        days.entry(day(time)).or_default().push(Row { id, event_id, place: 0, owner: 0, time, account });
    }
    Ok(days)
}
