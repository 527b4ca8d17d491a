//! From text to records, whatever wraps them: envelopes, arrays, lines, LookupEvents output, EventBridge envelopes.
//!
//! The text may come in pieces (`feed`); a record that a piece cuts is read again with the next one, so how the text is cut
//! never changes the result. A broken record is one fault, and reading goes on at the next place where a record can begin.
//! Bytes that are no UTF-8 are replaced by U+FFFD in their record only, and one fault of the object tells how many records.

mod desk;
mod passing;
mod resync;

use std::borrow::Cow;

use super::book::{Book, Form, Limits, Place, Reason};
use super::event::Event;
use super::record::{Found, Slots};
use super::scan::{self, Stop};
use super::wanted::Wanted;
use desk::Desk;

/// No record may be longer: CloudTrail's are at most 256 KiB (1 MiB in an event data store).
pub(super) const MAX_RECORD: usize = 64 << 20;
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
    places: Vec<(usize, usize)>,
}

/// One object's (or zip member's) way from text to events.
pub(super) struct Walk<'w> {
    name: &'w str,
    slots: &'w mut Slots,
    places: &'w mut Vec<(usize, usize)>,
    wanted: &'w Wanted,
    desk: Desk<'w>,
    state: State,
    /// Whether nothing of the array at hand has been read.
    fresh: bool,
    /// Bytes of the text before the piece at hand.
    offset: u64,
    /// Where the text was cut, if it was.
    cut: Option<String>,
    /// What the bytes are that the text begins with, where they are no JSON.
    no_json: Option<&'static str>,
    /// Record faults that say nothing of CloudTrail: where nothing else does, they are no faults.
    loose: u64,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        limits: &'w Limits,
        wanted: &'w Wanted,
        name: &'w str,
        member: Option<&'w str>,
        each: &'w mut dyn FnMut(Place<'_>, &Event<'_>),
        buffers: &'w mut Buffers,
    ) -> Self {
        let Buffers { outer, inner, places } = buffers;
        Walk {
            name,
            slots: outer,
            places,
            wanted,
            desk: Desk::new(limits, wanted.parts, member, each, inner),
            state: State::Between,
            fresh: false,
            offset: 0,
            cut: None,
            no_json: None,
            loose: 0,
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
                State::Array { envelope: true } if last && std::mem::take(&mut self.fresh) => self.pass_over(buf, at),
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
                let index = self.desk.book.records;
                self.cut
                    .get_or_insert_with(|| format!("the text ends after {index} records, before its closing bracket"));
            }
            State::Garbage(from) if self.no_json.is_none() => {
                let length = self.offset - from;
                self.desk.fault(
                    None,
                    Reason::TrailingGarbage,
                    format!("{length} bytes at byte {from} that are no JSON"),
                );
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
                if self.desk.book.records == 0 && self.desk.other.is_none() && self.no_json.is_none() {
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
            self.desk.record_fault(Reason::NotJson, format!("{length} bytes at byte {from} that are no JSON"));
            self.state = State::Between;
            return Step::To(next);
        }
        let newline = !last && buf.ends_with(b"\n");
        if newline { Step::More(buf.len() - 1) } else { Step::To(buf.len()) }
    }

    fn enter_records(&mut self) {
        self.state = State::Array { envelope: true };
        self.fresh = !self.wanted.is_everything();
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
            Some(&first) => match scan::value(&buf[at..buf.len().min(at + MAX_RECORD)], 0, &mut 0) {
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
                    self.desk.record_fault(Reason::NotAnObject, format!("{kind} of {length} bytes at byte {from}"));
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
                self.enter_records();
                Step::To(next)
            }
            Ok((false, next)) => Step::To(next),
            Err(Stop::More) if last => {
                self.cut = Some(format!("the text ends in the envelope, after {} records", self.desk.book.records));
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
        match self.slots.scan(b, array.is_none()) {
            Ok(Found::Envelope(records)) => {
                self.enter_records();
                Step::To(at + records + 1)
            }
            Ok(Found::Object(end)) => {
                self.desk.record(&b[..end], self.slots, array == Some(true));
                Step::To(at + end)
            }
            Err(stop) => self.broken(buf, at, stop, array, last),
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
                self.desk.fault(None, reason, text);
                self.desk.book.truncated |= reason != Reason::TrailingGarbage;
            }
            None => {
                if let Some(text) = cut {
                    self.desk.fault(None, Reason::TruncatedRecord, text);
                    self.desk.book.truncated = true;
                }
            }
        }
        let (count, first) = self.desk.replaced;
        if count > 0 {
            let text =
                format!("{count} records hold bytes that are no UTF-8, replaced by U+FFFD; the first is {first}");
            self.desk.fault(None, Reason::InvalidUtf8, text);
        }
        let book = &mut self.desk.book;
        if book.events == 0 && book.fault_count == self.loose && self.loose > 0 {
            // Nothing here is CloudTrail's: text that is no JSON, or an array of something else.
            book.faults.retain(|fault| fault.index.is_none());
            (book.not_events, book.fault_count) = (book.not_events + self.loose, 0);
            self.desk.other.get_or_insert("other JSON");
        }
        let passed = book.undecoded + u64::from(book.unread);
        book.form = match (book.events + book.fault_count + passed, self.desk.other, self.no_json) {
            (1.., _, _) => Form::CloudTrail,
            (0, Some(what), _) | (0, None, Some(what)) => Form::NotCloudTrail(what),
            (0, None, None) => Form::Empty,
        };
        self.desk.book
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
