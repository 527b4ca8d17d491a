//! One worker: takes objects off the list, decodes them, and hands on batches of the events that were not seen before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use hashbrown::HashSet;
use tokio::runtime::Handle;

use crate::cloudtrail::{Place, Wanted, decode_object};
use crate::error::Result;
use crate::lake::batch::{EventRows, ObjectContext, parts, recipient};
use crate::lake::dedup::{Id, Ids};

use super::books::ObjectBook;
use super::{Listed, Logs};

/// Rows a batch.
const BATCH: usize = 8192;

/// Bytes a batch: rows of many wide columns come in smaller batches.
const BATCH_BYTES: usize = 16 << 20;

/// How many sets share the ids, so that workers seldom wait for each other.
const SHARDS: usize = 64;

/// The ids of the events that were handed on.
pub struct Seen(Vec<Mutex<HashSet<Id>>>);

impl Seen {
    /// None yet.
    pub fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::new(HashSet::new())).collect())
    }

    /// Whether the id is new; from now on it is not.
    fn is_new(&self, id: Id) -> bool {
        self.0[id.shard(SHARDS)].lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }
}

/// The list of objects that the workers of one scan share.
pub struct Work {
    /// The logs they belong to.
    pub logs: Arc<Logs>,
    /// All objects.
    pub objects: Arc<Vec<Listed>>,
    /// The next one to be taken.
    pub next: AtomicUsize,
    /// The events handed on so far.
    pub seen: Seen,
    /// Which events are asked for.
    wanted: Wanted,
}

impl Work {
    /// All objects, none taken.
    pub fn new(logs: Arc<Logs>, objects: Arc<Vec<Listed>>, wanted: Wanted) -> Self {
        Self { logs, objects, next: AtomicUsize::new(0), seen: Seen::new(), wanted }
    }

    /// Takes objects until there are none left; `hand_on` says false where nobody wants more.
    ///
    /// # Errors
    /// Where a batch cannot be built; an object that cannot be read is booked and passed over.
    pub fn run(&self, columns: &[usize], hand_on: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
        let mut rows = EventRows::new(Some(columns));
        let mut ids = Ids::default();
        let runtime = Handle::current();
        let wanted = self.wanted.clone().with_parts(parts(columns));
        while let Some(listed) = self.objects.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let bytes = match listed.source.read_blocking(&listed.object, &runtime) {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.logs.books(|books| books.failed(&listed.object.uri, &error));
                    continue;
                }
            };
            let mut finished = Ok(true);
            self.decode(listed, &bytes, &wanted, &mut ids, &mut rows, &mut |rows| {
                if matches!(finished, Ok(true)) {
                    finished = rows.finish().map(&mut *hand_on);
                }
            });
            if !finished? {
                return Ok(());
            }
        }
        if !rows.is_empty() {
            hand_on(rows.finish()?);
        }
        Ok(())
    }

    fn decode(
        &self,
        listed: &Listed,
        bytes: &[u8],
        wanted: &Wanted,
        ids: &mut Ids,
        rows: &mut EventRows,
        full: &mut dyn FnMut(&mut EventRows),
    ) {
        let object = &listed.object;
        let layout = object.layout.as_ref();
        let delivered_at = layout.and_then(|l| l.delivered_at).or(object.last_modified);
        let key_account = layout.map(|l| l.account.as_str());
        let mut member = String::new();
        let mut passed_over = 0;
        let wanted = wanted.of_object(key_account);
        let book = decode_object(&object.uri, bytes, &self.logs.limits, &wanted, &mut |place: Place<'_>, event| {
            let id = ids.id(recipient(event, key_account).unwrap_or_default(), &event.event_id);
            if self.logs.is_held(&id) || !self.seen.is_new(id) {
                passed_over += 1;
                return;
            }
            let source_object = match place.member {
                None => object.uri.as_str(),
                Some(name) => {
                    member.clear();
                    member.push_str(&object.uri);
                    member.push('!');
                    member.push_str(name);
                    member.as_str()
                }
            };
            let context = ObjectContext { source_object, delivered_at, key_account, ingest_number: 0 };
            rows.push(event, &context, place.index as i64);
            if rows.len() >= BATCH || rows.bytes() >= BATCH_BYTES {
                full(rows);
            }
        });
        let entry = ObjectBook {
            size: object.size,
            etag: object.etag.clone(),
            last_modified: object.last_modified,
            events: book.events - passed_over,
            passed_over,
            book,
        };
        self.logs.books(|books| books.read(&object.uri, entry));
    }
}
