//! After a broken record: what to tell of it, and where the next one can begin.
//!
//! A record's end is where its brackets close, unless a place where a record begins comes before that. The choice never depends
//! on how the text is cut into pieces: where what is seen does not decide it, more is asked for.

use super::{MAX_RECORD, Reason, State, Step, Stop, Walk, gap, scan};

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

impl Walk<'_> {
    /// The value at `at` cannot be read to its end: waits for more, or counts it as a fault and finds where to go on.
    pub(super) fn broken(&mut self, buf: &[u8], at: usize, stop: Stop, array: Option<bool>, last: bool) -> Step {
        let seen = buf.len() - at;
        if stop == Stop::More && !last && seen < MAX_RECORD {
            return Step::More(at);
        }
        let from = self.offset + at as u64;
        let limit = buf.len().min(at + MAX_RECORD);
        let begin = |from: usize, to: usize| match array {
            None => memchr::memmem::find(&buf[from..to], b"\n{").map(|line| from + line + 1),
            Some(_) => next_record(&buf[..to], from + 1),
        };
        // Looks as far as needed and not to the end of the text each time, or a text of broken records would take forever.
        let (mut end, mut next, mut to) = (None, None, at);
        while end.is_none() && next.is_none() && to < limit {
            to = limit.min(at + 2 * (to - at).max(64));
            end = scan::balanced(&buf[..to], at).ok();
            next = begin(at, end.unwrap_or(to));
        }
        let more = !last && seen < MAX_RECORD;
        let resume = match (end, next) {
            (_, Some(next)) => Some(next),
            (None, None) if more => return Step::More(at),
            (None, None) => None,
            (Some(end), None) => {
                let after = gap(buf, end);
                match (buf.get(after), array) {
                    (None, _) if more => return Step::More(at),
                    (None, _) | (Some(b'{' | b'['), None) | (Some(b'{' | b']'), Some(_)) => Some(end),
                    _ => match begin(end - 1, limit) {
                        None if more => return Step::More(at),
                        next => next,
                    },
                }
            }
        };
        let index = self.desk.book.records;
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
            self.desk.record_fault(reason, format!("{text}; the rest cannot be read"));
            self.desk.book.truncated = true;
            return Step::To(buf.len());
        };
        let (reason, text) = why(stop, from);
        self.desk.record_fault(reason, format!("{text}; {} bytes left out", resume - at));
        Step::To(resume)
    }
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
pub(super) fn why(stop: Stop, from: u64) -> (Reason, String) {
    match stop {
        Stop::Bad(at) => {
            let place = from + at as u64;
            (Reason::NotJson, format!("the record at byte {from} breaks JSON's grammar at byte {place}"))
        }
        Stop::Deep => (Reason::TooDeep, format!("the record at byte {from} is nested too deeply")),
        Stop::More => (Reason::NotJson, format!("the record at byte {from} has no end")),
    }
}
