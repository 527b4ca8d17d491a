//! What a whole record is (an event, an event in another envelope, or none), and the book it is counted in.

use super::super::book::{Book, Fault, Limits, Place, Reason};
use super::super::event::Event;
use super::super::fields::Field;
use super::super::record::{Kind, Slots};
use super::super::scan::Stop;
use super::super::text::unescape;
use super::super::typed::Record;
use super::super::wanted::Parts;
use super::resync::why;

/// Where records are decoded and counted.
pub(super) struct Desk<'w> {
    limits: &'w Limits,
    parts: Parts,
    member: Option<&'w str>,
    each: &'w mut dyn FnMut(Place<'_>, &Event<'_>),
    inner: &'w mut Slots,
    pub book: Book,
    /// What the first record was that is no event.
    pub other: Option<&'static str>,
    /// Records with replaced bytes, and the first of them.
    pub replaced: (u64, u64),
}

impl<'w> Desk<'w> {
    pub(super) fn new(
        limits: &'w Limits,
        parts: Parts,
        member: Option<&'w str>,
        each: &'w mut dyn FnMut(Place<'_>, &Event<'_>),
        inner: &'w mut Slots,
    ) -> Self {
        Desk { limits, parts, member, each, inner, book: Book::default(), other: None, replaced: (0, 0) }
    }

    /// Decodes one whole object, whose fields `slots` tells, and counts it.
    pub(super) fn record(&mut self, raw: &[u8], slots: &mut Slots, in_envelope: bool) {
        if let Ok(text) = simdutf8::basic::from_utf8(raw) {
            return self.unwrap(text, slots, in_envelope);
        }
        if self.replaced.0 == 0 {
            self.replaced.1 = self.book.records;
        }
        self.replaced.0 += 1;
        let text = String::from_utf8_lossy(raw);
        match slots.scan(text.as_bytes(), false) {
            Ok(_) => self.unwrap(&text, slots, in_envelope),
            Err(stop) => {
                let (reason, text) = why(stop, 0);
                self.record_fault(reason, text);
            }
        }
    }

    /// Unwraps a record that holds the event in a field of its own.
    fn unwrap(&mut self, text: &str, slots: &Slots, in_envelope: bool) {
        let own = slots.has(Field::EventVersion) || slots.has(Field::EventName);
        let lookup = slots.get(Field::CloudTrailEvent);
        if !own && lookup.kind == Kind::String {
            let plain = unescape(lookup.text(text)).0;
            let plain = plain.trim();
            let scanned = match plain.starts_with('{') {
                true => self.inner.scan(plain.as_bytes(), false),
                false => Err(Stop::Bad(0)),
            };
            return match scanned {
                Ok(_) => self.inner(plain),
                Err(Stop::More) => {
                    self.record_fault(Reason::TruncatedRecord, "the text in CloudTrailEvent ends too early".to_owned());
                }
                Err(stop) => {
                    let (reason, _) = why(stop, 0);
                    self.record_fault(reason, "the text in CloudTrailEvent is no event".to_owned());
                }
            };
        }
        let detail = slots.get(Field::Detail);
        if !own && detail.kind == Kind::Nested && detail.text(text).starts_with('{') {
            let through = slots.get(Field::DetailType).text(text).ends_with("via CloudTrail");
            let detail = detail.text(text);
            let scanned = self.inner.scan(detail.as_bytes(), false);
            let event =
                scanned.is_ok() && (through || self.inner.has(Field::EventVersion) || self.inner.has(Field::EventId));
            return if event { self.inner(detail) } else { self.not_event("other JSON") };
        }
        self.classify(text, slots, in_envelope);
    }

    /// Goes on with the object inside that `self.inner` has scanned.
    fn inner(&mut self, text: &str) {
        let slots = std::mem::take(self.inner);
        self.classify(text, &slots, true);
        *self.inner = slots;
    }

    /// Tells events from what is none. `expected`: the surroundings say that it should be an event.
    fn classify(&mut self, text: &str, slots: &Slots, expected: bool) {
        let is = |field: Field, value: &str| slots.get(field).text(text) == value;
        let notification = |field: Field| slots.get(field).text(text).starts_with("aws:");
        if is(Field::EventCategory, "Insight") || is(Field::EventType, "AwsCloudTrailInsight") {
            return self.not_event("insight");
        }
        if notification(Field::EventSource) || notification(Field::NotificationSource) {
            return self.not_event("notification");
        }
        let marks = [
            Field::EventVersion,
            Field::EventId,
            Field::LowEventId,
            Field::EventName,
            Field::EventSource,
            Field::EventTime,
        ];
        let marked = slots.has_identity() || marks.into_iter().any(|field| slots.has(field));
        if slots.has(Field::Digest) && !marked {
            return self.not_event("digest");
        }
        if !marked && !expected {
            return self.not_event("other JSON");
        }
        match Record::new(text, slots).event(self.parts) {
            Ok(event) => {
                (self.each)(Place { member: self.member, index: self.book.records }, &event);
                self.book.records += 1;
                self.book.events += 1;
            }
            Err((reason, text)) => self.record_fault(reason, text),
        }
    }

    fn not_event(&mut self, what: &'static str) {
        self.other.get_or_insert(what);
        self.book.records += 1;
        self.book.not_events += 1;
    }

    /// Counts a record that is a fault.
    pub(super) fn record_fault(&mut self, reason: Reason, text: String) {
        let index = self.book.records;
        self.book.records += 1;
        self.book.fault_count += 1;
        self.fault(Some(index), reason, text);
    }

    /// Keeps a fault of a record, or of the object itself.
    pub(super) fn fault(&mut self, index: Option<u64>, reason: Reason, text: String) {
        if self.book.faults.len() < self.limits.max_faults {
            self.book.faults.push(Fault { index, member: self.member.map(str::to_owned), reason, text });
        }
    }
}
