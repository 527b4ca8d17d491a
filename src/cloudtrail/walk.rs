//! From text to records, whatever wraps them: envelopes, arrays, lines, LookupEvents output, EventBridge envelopes.
//!
//! The text may come in pieces (`feed`); a record that a piece cuts is read again with the next one, so how the text is cut
//! never changes the result. A broken record is one fault, and reading goes on at the next place where a record can begin.
//! Bytes that are no UTF-8 are replaced by U+FFFD in their record only, and one fault of the object tells how many records.

use std::borrow::Cow;

use super::book::{Book, Fault, Form, Limits, Place, Reason};
use super::event::Event;
use super::record::{Field, Found, Kind, Slots};
use super::scan::{self, Stop};
use super::text::unescape;
use super::typed::Record;

/// No record may be longer: CloudTrail's are at most 256 KiB (1 MiB in an event data store).
pub(super) const MAX_RECORD: usize = 64 << 20;
/// The fields that a record begins with, in CloudTrail's own order or sorted: after a broken record, the next may begin there.
const FIRST_KEYS: [&[u8]; 9] = [
    b"eventVersion",
    b"awsRegion",
    b"additionalEventData",
    b"addendum",
    b"apiVersion",
    b"userIdentity",
    b"eventTime",
    b"eventID",
    b"eventName",
];
/// The bytes of a UTF-8 byte-order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Where the walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before, between or after JSON values.
    Between,
    /// In bytes that are no JSON, up to the next line that begins like an object; they began here.
    Garbage(u64),
    /// In an array of records; of an envelope or bare.
    Array { envelope: bool },
    /// In an envelope, outside its array.
    Envelope,
    /// Nothing more can be read.
    Done,
}

/// What one step came to.
enum Step {
    /// Go on at this place.
    To(usize),
    /// The rest has to be seen together with what follows it.
    More(usize),
}

/// Buffers that outlive a walk.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    outer: Slots,
    inner: Slots,
}

/// One object's (or zip member's) way from text to events.
pub(super) struct Walk<'w> {
    limits: &'w Limits,
    name: &'w str,
    member: Option<&'w str>,
    each: &'w mut dyn FnMut(Place<'_>, &Event<'_>),
    buffers: &'w mut Buffers,
    book: Book,
    state: State,
    /// Bytes of the text before the piece at hand.
    offset: u64,
    /// Where the text was cut, if it was.
    cut: Option<String>,
    /// What the first record was that is no event.
    other: Option<&'static str>,
    /// What the bytes are that the text begins with, where they are no JSON.
    no_json: Option<&'static str>,
    /// Record faults that say nothing of CloudTrail: where nothing else does, they are no faults.
    loose: u64,
    /// Records with replaced bytes, and the first of them.
    replaced: (u64, u64),
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        limits: &'w Limits,
        name: &'w str,
        member: Option<&'w str>,
        each: &'w mut dyn FnMut(Place<'_>, &Event<'_>),
        buffers: &'w mut Buffers,
    ) -> Self {
        Walk {
            limits,
            name,
            member,
            each,
            buffers,
            book: Book::default(),
            state: State::Between,
            offset: 0,
            cut: None,
            other: None,
            no_json: None,
            loose: 0,
            replaced: (0, 0),
        }
    }

    /// Whether nothing more can be read.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads what is whole in `buf` and gives how many bytes that was; the rest is to be fed again, with more behind it.
    /// With `last` nothing follows.
    pub(super) fn feed(&mut self, buf: &[u8], last: bool) -> usize {
        let mut at = 0;
        while at < buf.len() {
            let step = match self.state {
                State::Between => self.between(buf, at, last),
                State::Garbage(from) => self.garbage(buf, at, from, last),
                State::Array { envelope } => self.array(buf, at, envelope, last),
                State::Envelope => self.envelope(buf, at, last),
                State::Done => Step::To(buf.len()),
            };
            match step {
                Step::To(next) => at = next,
                Step::More(next) => {
                    at = next;
                    break;
                }
            }
        }
        self.offset += at as u64;
        if last {
            self.end();
        }
        at
    }

    /// The text has ended: wherever that was, it must not be inside something.
    fn end(&mut self) {
        match self.state {
            State::Array { .. } | State::Envelope => {
                let index = self.book.records;
                self.cut
                    .get_or_insert_with(|| format!("the text ends after {index} records, before its closing bracket"));
            }
            State::Garbage(from) if self.no_json.is_none() => {
                let length = self.offset - from;
                self.fault(None, Reason::TrailingGarbage, format!("{length} bytes at byte {from} that are no JSON"));
            }
            _ => {}
        }
        self.state = State::Done;
    }

    fn between(&mut self, buf: &[u8], at: usize, last: bool) -> Step {
        let at = gap(buf, at);
        match buf.get(at) {
            None => Step::To(at),
            Some(b'{') => self.object(buf, at, None, last),
            Some(b'[') => {
                self.state = State::Array { envelope: false };
                Step::To(at + 1)
            }
            Some(_) if buf[at..].starts_with(BOM) => Step::To(at + BOM.len()),
            Some(_) if BOM.starts_with(&buf[at..]) && !last => Step::More(at),
            Some(_) => {
                if self.book.records == 0 && self.other.is_none() && self.no_json.is_none() {
                    self.no_json = Some(kind_of_text(self.name, &buf[at..]));
                }
                self.state = State::Garbage(self.offset + at as u64);
                Step::To(at)
            }
        }
    }

    fn garbage(&mut self, buf: &[u8], at: usize, from: u64, last: bool) -> Step {
        if let Some(line) = memchr::memmem::find(&buf[at..], b"\n{") {
            let next = at + line + 1;
            let length = self.offset + next as u64 - from;
            self.loose += 1;
            self.record_fault(Reason::NotJson, format!("{length} bytes at byte {from} that are no JSON"));
            self.state = State::Between;
            return Step::To(next);
        }
        let newline = !last && buf.ends_with(b"\n");
        if newline { Step::More(buf.len() - 1) } else { Step::To(buf.len()) }
    }

    fn array(&mut self, buf: &[u8], at: usize, envelope: bool, last: bool) -> Step {
        let at = gap(buf, at);
        match buf.get(at) {
            None => Step::To(at),
            Some(b'{') => self.object(buf, at, Some(envelope), last),
            Some(b']') => {
                self.state = if envelope { State::Envelope } else { State::Between };
                Step::To(at + 1)
            }
            Some(&first) => match scan::value(&buf[at..], 0, &mut 0) {
                Ok(length) => {
                    let kind = match first {
                        b'"' => "text",
                        b'[' => "array",
                        b'n' => "null",
                        b't' | b'f' => "boolean",
                        _ => "number",
                    };
                    self.loose += u64::from(!envelope);
                    let from = self.offset + at as u64;
                    self.record_fault(Reason::NotAnObject, format!("{kind} of {length} bytes at byte {from}"));
                    Step::To(at + length)
                }
                Err(stop) => self.broken(buf, at, stop, Some(envelope), last),
            },
        }
    }

    fn envelope(&mut self, buf: &[u8], at: usize, last: bool) -> Step {
        let at = gap(buf, at);
        match buf.get(at) {
            None => return Step::To(at),
            Some(b'}') => {
                self.state = State::Between;
                return Step::To(at + 1);
            }
            _ => {}
        }
        let member = scan::key(buf, at).and_then(|(key, value)| {
            let records = matches!(&buf[key.start..key.end], b"Records" | b"Events") && buf[value] == b'[';
            if records { Ok((true, value + 1)) } else { scan::value(buf, value, &mut 0).map(|end| (false, end)) }
        });
        match member {
            Ok((true, next)) => {
                self.state = State::Array { envelope: true };
                Step::To(next)
            }
            Ok((false, next)) => Step::To(next),
            Err(Stop::More) if last => {
                self.cut = Some(format!("the text ends in the envelope, after {} records", self.book.records));
                self.state = State::Done;
                Step::To(buf.len())
            }
            Err(Stop::More) if buf.len() - at < MAX_RECORD => Step::More(at),
            Err(_) => {
                // Its records are read; what follows may be another document.
                self.state = State::Garbage(self.offset + at as u64);
                Step::To(at)
            }
        }
    }

    /// Reads the object at `at`: a record of an array (`array` tells whether of an envelope's), else a document.
    fn object(&mut self, buf: &[u8], at: usize, array: Option<bool>, last: bool) -> Step {
        let b = &buf[at..buf.len().min(at + MAX_RECORD)];
        match self.buffers.outer.scan(b, array.is_none()) {
            Ok(Found::Envelope(records)) => {
                self.state = State::Array { envelope: true };
                Step::To(at + records + 1)
            }
            Ok(Found::Object(end)) => {
                self.record(&b[..end], array == Some(true));
                Step::To(at + end)
            }
            Err(stop) => self.broken(buf, at, stop, array, last),
        }
    }

    /// The value at `at` cannot be read to its end: waits for more, or counts it as a fault and finds where to go on.
    fn broken(&mut self, buf: &[u8], at: usize, stop: Stop, array: Option<bool>, last: bool) -> Step {
        let seen = buf.len() - at;
        if stop == Stop::More && !last && seen < MAX_RECORD {
            return Step::More(at);
        }
        let from = self.offset + at as u64;
        let next = match array {
            None => memchr::memmem::find(&buf[at..], b"\n{").map(|line| at + line + 1),
            Some(_) => next_record(buf, at + 1),
        };
        let end = scan::balanced(&buf[..buf.len().min(at + MAX_RECORD)], at);
        let resume = match (end, next) {
            (Ok(end), Some(next)) if next < end => Some(next),
            (Ok(end), next) => {
                let after = gap(buf, end);
                match (buf.get(after), array) {
                    (None, _) if !last => return Step::More(at),
                    (None, _) | (Some(b'{' | b'['), None) | (Some(b'{' | b']'), Some(_)) => Some(end),
                    _ => next,
                }
            }
            (Err(_), Some(next)) => Some(next),
            (Err(_), None) if !last && seen < MAX_RECORD => return Step::More(at),
            (Err(_), None) => None,
        };
        let index = self.book.records;
        let Some(resume) = resume else {
            self.state = State::Done;
            if stop == Stop::More && last && seen < MAX_RECORD {
                self.cut = Some(format!("the text ends inside record {index}, which begins at byte {from}"));
                return Step::To(buf.len());
            }
            let (reason, what) = if seen < MAX_RECORD { why(stop, from) } else { (Reason::TooLarge, String::new()) };
            let text = match reason {
                Reason::TooLarge => format!("record {index} at byte {from} is longer than {MAX_RECORD} bytes"),
                _ => what,
            };
            self.record_fault(reason, format!("{text}; the rest cannot be read"));
            self.book.truncated = true;
            return Step::To(buf.len());
        };
        let (reason, text) = why(stop, from);
        self.record_fault(reason, format!("{text}; {} bytes left out", resume - at));
        Step::To(resume)
    }

    /// Decodes one whole object and counts it.
    fn record(&mut self, raw: &[u8], in_envelope: bool) {
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

    fn not_event(&mut self, what: &'static str) {
        self.other.get_or_insert(what);
        self.book.records += 1;
        self.book.not_events += 1;
    }

    fn record_fault(&mut self, reason: Reason, text: String) {
        let index = self.book.records;
        self.book.records += 1;
        self.book.fault_count += 1;
        self.fault(Some(index), reason, text);
    }

    fn fault(&mut self, index: Option<u64>, reason: Reason, text: String) {
        if self.book.faults.len() < self.limits.max_faults {
            self.book.faults.push(Fault { index, member: self.member.map(str::to_owned), reason, text });
        }
    }

    /// Closes the book. `container` is what was wrong with the wrapping (gzip, zip, size); it stands for a cut text too.
    pub(super) fn finish(mut self, container: Option<(Reason, Cow<'static, str>)>) -> Book {
        let cut = self.cut.take();
        match container {
            Some((reason, text)) => {
                let text = match cut {
                    Some(cut) => format!("{text}: {cut}"),
                    None => text.into_owned(),
                };
                self.fault(None, reason, text);
                self.book.truncated |= reason != Reason::TrailingGarbage;
            }
            None => {
                if let Some(text) = cut {
                    self.fault(None, Reason::TruncatedRecord, text);
                    self.book.truncated = true;
                }
            }
        }
        let (count, first) = self.replaced;
        if count > 0 {
            let text =
                format!("{count} records hold bytes that are no UTF-8, replaced by U+FFFD; the first is {first}");
            self.fault(None, Reason::InvalidUtf8, text);
        }
        let book = &mut self.book;
        if book.events == 0 && book.fault_count == self.loose && self.loose > 0 {
            // Nothing here is CloudTrail's: text that is no JSON, or an array of something else.
            book.faults.retain(|fault| fault.index.is_none());
            (book.not_events, book.fault_count) = (book.not_events + self.loose, 0);
            self.other.get_or_insert("other JSON");
        }
        book.form = match (book.events + book.fault_count, self.other, self.no_json) {
            (1.., _, _) => Form::CloudTrail,
            (0, Some(what), _) | (0, None, Some(what)) => Form::NotCloudTrail(what),
            (0, None, None) => Form::Empty,
        };
        self.book
    }
}

/// The first byte that is no white space, NUL or comma.
fn gap(buf: &[u8], at: usize) -> usize {
    let blank = |c: &&u8| matches!(**c, b' ' | b'\n' | b'\r' | b'\t' | b',' | 0);
    at + buf[at..].iter().take_while(blank).count()
}

/// What bytes that are no JSON seem to be.
fn kind_of_text(name: &str, b: &[u8]) -> &'static str {
    let name = name.to_ascii_lowercase();
    if name.trim_end_matches(".gz").ends_with(".csv") {
        return "csv";
    }
    let head = &b[..b.len().min(48)];
    let commas = head.iter().filter(|&&c| c == b',').count();
    if commas >= 2 && head.iter().all(|&c| c >= b' ' || c.is_ascii_whitespace()) { "csv" } else { "no JSON" }
}

/// The next place from which a record could begin: `,` and an object whose first field is a record's.
fn next_record(buf: &[u8], from: usize) -> Option<usize> {
    let blank = |c: &&u8| c.is_ascii_whitespace();
    memchr::memchr_iter(b'{', &buf[from..]).map(|i| from + i).find(|&at| {
        let before = buf[..at].iter().rev().find(|c| !blank(c));
        let inside = &buf[at + 1..];
        let key = &inside[inside.iter().take_while(blank).count()..];
        before == Some(&b',')
            && FIRST_KEYS.iter().any(|name| {
                let quoted = key.strip_prefix(b"\"").and_then(|key| key.strip_prefix(*name));
                quoted.is_some_and(|rest| rest.starts_with(b"\""))
            })
    })
}

/// The fault that a stop is, for a value at byte `from` of the text.
fn why(stop: Stop, from: u64) -> (Reason, String) {
    match stop {
        Stop::Bad(at) => {
            let place = from + at as u64;
            (Reason::NotJson, format!("the record at byte {from} breaks JSON's grammar at byte {place}"))
        }
        Stop::Deep => (Reason::TooDeep, format!("the record at byte {from} is nested too deeply")),
        Stop::More => (Reason::NotJson, format!("the record at byte {from} has no end")),
    }
}
