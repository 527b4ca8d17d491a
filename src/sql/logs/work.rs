//! One worker: takes objects off the list, decodes them, and hands on batches of the events that were not seen before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use tokio::runtime::Handle;

use crate::cloudtrail::{Book, Place, Wanted, decode_object};
use crate::error::{Error, Result};
use crate::lake::batch::{EventRows, ObjectContext, parts, recipient};
use crate::lake::dedup::{Id, Ids};

use super::books::ObjectBook;
use super::seen::Seen;
use super::{Listed, Logs};

/// Rows a batch.
const BATCH: usize = 8192;

/// Bytes a batch: rows of many wide columns come in smaller batches.
const BATCH_BYTES: usize = 16 << 20;

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
        let mut waiting = Waiting { rows: EventRows::new(Some(columns)), ids: Vec::new(), objects: Vec::new() };
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
            let mut more = Ok(true);
            waiting.begin(listed);
            self.decode(listed, &bytes, &wanted, &mut ids, &mut waiting, &mut |waiting| {
                // Where nobody wants more, the rest of the object is read for its book alone.
                match more {
                    Ok(true) => more = self.hand_on(waiting, hand_on),
                    _ => _ = self.hand_on(waiting, &mut |_| false),
                }
            });
            if !more? {
                break;
            }
        }
        self.hand_on(&mut waiting, hand_on).map(|_| ())
    }

    /// Hands on the waiting rows whose events were not seen before, and books the objects that are read.
    fn hand_on(&self, waiting: &mut Waiting<'_>, hand_on: &mut dyn FnMut(RecordBatch) -> bool) -> Result<bool> {
        let new = self.seen.judge(&waiting.ids, |id| self.logs.is_held(id));
        waiting.ids.clear();
        for row in new.iter().enumerate().filter(|(_, new)| !**new).map(|(row, _)| row) {
            let after = waiting.objects.partition_point(|object| object.first <= row);
            if let Some(object) = after.checked_sub(1).and_then(|place| waiting.objects.get_mut(place)) {
                object.passed_over += 1;
            }
        }
        for Begun { listed, passed_over, book, .. } in waiting.objects.extract_if(.., |object| object.book.is_some()) {
            let Some(book) = book else { continue };
            let object = &listed.object;
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
        waiting.objects.iter_mut().for_each(|object| object.first = 0);
        if waiting.rows.is_empty() {
            return Ok(true);
        }
        let rows = waiting.rows.finish()?;
        if new.iter().all(|new| *new) {
            return Ok(hand_on(rows));
        }
        let rows = filter_record_batch(&rows, &BooleanArray::from(new))
            .map_err(|e| Error::internal("cannot take duplicates out of a batch").source(e))?;
        Ok(rows.num_rows() == 0 || hand_on(rows))
    }

    fn decode<'l>(
        &self,
        listed: &'l Listed,
        bytes: &[u8],
        wanted: &Wanted,
        ids: &mut Ids,
        waiting: &mut Waiting<'l>,
        full: &mut dyn FnMut(&mut Waiting<'l>),
    ) {
        let object = &listed.object;
        let layout = object.layout.as_ref();
        let delivered_at = layout.and_then(|l| l.delivered_at).or(object.last_modified);
        let key_account = layout.map(|l| l.account.as_str());
        let mut member = String::new();
        let wanted = wanted.of_object(key_account);
        let book = decode_object(&object.uri, bytes, &self.logs.limits, &wanted, &mut |place: Place<'_>, event| {
            waiting.ids.push(ids.id(recipient(event, key_account).unwrap_or_default(), &event.event_id));
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
            waiting.rows.push(event, &context, place.index as i64);
            if waiting.rows.len() >= BATCH || waiting.rows.bytes() >= BATCH_BYTES {
                full(waiting);
            }
        });
        if let Some(object) = waiting.objects.last_mut() {
            object.book = Some(book);
        }
    }
}

/// Decoded rows that were not handed on yet.
struct Waiting<'l> {
    rows: EventRows,
    /// Their events' ids, row by row.
    ids: Vec<Id>,
    /// The objects that they are from, in order.
    objects: Vec<Begun<'l>>,
}

/// An object that rows are waiting of.
struct Begun<'l> {
    listed: &'l Listed,
    /// The first waiting row of it.
    first: usize,
    /// Events of it that were seen elsewhere.
    passed_over: u64,
    /// What the decoder said, once it is read.
    book: Option<Book>,
}

impl<'l> Waiting<'l> {
    fn begin(&mut self, listed: &'l Listed) {
        self.objects.push(Begun { listed, first: self.rows.len(), passed_over: 0, book: None });
    }
}
