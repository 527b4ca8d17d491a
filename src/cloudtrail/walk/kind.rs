//! What a whole record is: an event, an event in another envelope, or none.

use super::resync::why;
use super::{Field, Kind, Place, Reason, Record, Slots, Stop, Walk, unescape};

impl Walk<'_> {
    /// Decodes one whole object and counts it.
    pub(super) fn record(&mut self, raw: &[u8], in_envelope: bool) {
        let mut buffers = std::mem::take(self.buffers);
        match simdutf8::basic::from_utf8(raw) {
            Ok(text) => self.decide(text, &buffers.outer, &mut buffers.inner, in_envelope),
            Err(_) => {
                if self.replaced.0 == 0 {
                    self.replaced.1 = self.book.records;
                }
                self.replaced.0 += 1;
                let text = String::from_utf8_lossy(raw);
                match buffers.outer.scan(text.as_bytes(), false) {
                    Ok(_) => self.decide(&text, &buffers.outer, &mut buffers.inner, in_envelope),
                    Err(stop) => {
                        let (reason, text) = why(stop, self.offset);
                        self.record_fault(reason, text);
                    }
                }
            }
        }
        *self.buffers = buffers;
    }

    /// Unwraps a record that holds the event in a field of its own.
    fn decide(&mut self, text: &str, slots: &Slots, inner: &mut Slots, in_envelope: bool) {
        let own = slots.has(Field::EventVersion) || slots.has(Field::EventName);
        let lookup = slots.get(Field::CloudTrailEvent);
        if !own && lookup.kind == Kind::String {
            let plain = unescape(lookup.text(text)).0;
            let plain = plain.trim();
            let scanned = match plain.starts_with('{') {
                true => inner.scan(plain.as_bytes(), false),
                false => Err(Stop::Bad(0)),
            };
            return match scanned {
                Ok(_) => self.classify(plain, inner, true),
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
            let scanned = inner.scan(detail.as_bytes(), false);
            let event = scanned.is_ok() && (through || inner.has(Field::EventVersion) || inner.has(Field::EventId));
            return if event { self.classify(detail, inner, true) } else { self.not_event("other JSON") };
        }
        self.classify(text, slots, in_envelope);
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
        match Record::new(text, slots).event() {
            Ok(event) => {
                (self.each)(Place { member: self.member, index: self.book.records }, &event);
                self.book.records += 1;
                self.book.events += 1;
            }
            Err((reason, text)) => self.record_fault(reason, text),
        }
    }
}
