//! One pass over a record's bytes: where every field stands. Nothing is built here; `typed` does that afterwards.
//!
//! Duplicate keys: the last wins. Keys may be written with escapes.

use super::fields::{FIELDS, Field, Target, Within, target};
use super::scan::{self, Key, Scan, Stop};
use super::text::unescape;

/// How a field's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// The field is absent or null.
    #[default]
    Nothing,
    /// A string; the span leaves the quotes out.
    String,
    /// A number or boolean.
    Literal,
    /// An object or array.
    Nested,
}

/// Where a value stands in its record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
    pub kind: Kind,
    pub flags: u8,
}

impl Span {
    pub(super) fn new(start: usize, end: usize, kind: Kind, flags: u8) -> Span {
        // The walk hands over no record of 4 GiB.
        Span { start: start as u32, end: end as u32, kind, flags }
    }

    /// The value's bytes, a string's without quotes.
    #[inline]
    pub(super) fn text(self, record: &str) -> &str {
        record.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The value as JSON, a string's quotes included.
    #[inline]
    pub(super) fn raw(self, record: &str) -> &str {
        let quote = usize::from(self.kind == Kind::String);
        record.get(self.start as usize - quote..self.end as usize + quote).unwrap_or_default()
    }
}

/// A field without a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other {
    pub within: Within,
    pub key: Span,
    pub value: Span,
}

/// What a scanned object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// An object that ends before this place.
    Object(usize),
    /// An envelope: an array of records begins at this place.
    Envelope(usize),
}

/// Where everything in one record stands. Kept and cleared from record to record.
#[derive(Debug)]
pub(super) struct Slots {
    spans: [Span; FIELDS],
    seen: u16,
    /// Fields without a column, in the record's order.
    pub others: Vec<Other>,
}

impl Default for Slots {
    fn default() -> Self {
        Slots { spans: [Span::default(); FIELDS], seen: 0, others: Vec::new() }
    }
}

impl Slots {
    /// The field's span.
    #[inline]
    pub(super) fn get(&self, field: Field) -> Span {
        self.spans[field as usize]
    }

    /// Whether the field is there and not null.
    #[inline]
    pub(super) fn has(&self, field: Field) -> bool {
        self.get(field).kind != Kind::Nothing
    }

    /// Whether the record has a userIdentity that is an object.
    pub(super) fn has_identity(&self) -> bool {
        self.seen & 1 << Within::Identity as u16 != 0
    }

    /// Scans the object that `b` begins with. With `top`, an array under `Records` or `Events` ends the scan there.
    pub(super) fn scan(&mut self, b: &[u8], top: bool) -> Scan<Found> {
        self.spans = [Span::default(); FIELDS];
        self.seen = 0;
        self.others.clear();
        let mut envelope = None;
        let end = self.object(b, 0, Within::Record, &mut |name, at| {
            let opens = top && matches!(name, b"Records" | b"Events") && b[at] == b'[';
            if opens {
                envelope = Some(at);
            }
            opens
        });
        match envelope {
            Some(at) => Ok(Found::Envelope(at)),
            None => end.map(Found::Object),
        }
    }

    /// Scans one object; calls itself for the objects of `Within` only, so four levels deep at most.
    fn object(
        &mut self,
        b: &[u8],
        at: usize,
        within: Within,
        opens: &mut dyn FnMut(&[u8], usize) -> bool,
    ) -> Scan<usize> {
        scan::members(b, at, |key, at| {
            if key.flags == 0 {
                return self.member(b, within, key, &b[key.start..key.end], at, opens);
            }
            let written = String::from_utf8_lossy(&b[key.start..key.end]);
            self.member(b, within, key, unescape(&written).0.as_bytes(), at, opens)
        })
    }

    #[inline]
    fn member(
        &mut self,
        b: &[u8],
        within: Within,
        key: Key,
        name: &[u8],
        at: usize,
        opens: &mut dyn FnMut(&[u8], usize) -> bool,
    ) -> Scan<usize> {
        let target = target(within, name);
        if let Target::Inside(inner) = target {
            self.enter(inner);
            if b[at] == b'{' {
                return self.object(b, at, inner, opens);
            }
        }
        if let (Target::Other, Within::Record) = (&target, within)
            && opens(name, at)
        {
            return Err(Stop::More);
        }
        let (value, end) = span(b, at)?;
        match target {
            Target::Field(field) => self.spans[field as usize] = value,
            Target::Mark(field) => {
                self.spans[field as usize] = value;
                self.other(b, within, key, value);
            }
            Target::Inside(_) | Target::Other => self.other(b, within, key, value),
        }
        Ok(end)
    }

    /// Forgets an earlier copy of the same object.
    #[inline]
    fn enter(&mut self, inner: Within) {
        let bit = 1 << inner as u16;
        if self.seen & bit != 0 {
            let (first, last) = inner.fields();
            self.spans[first as usize..=last as usize].fill(Span::default());
            self.others.retain(|o| o.within < inner || o.within > inner.last());
        }
        self.seen |= bit;
    }

    #[inline]
    fn other(&mut self, b: &[u8], within: Within, key: Key, value: Span) {
        let mut flags = key.flags;
        if super::redact::secret_key(&b[key.start..key.end]) {
            flags |= scan::SUSPECT;
        }
        let key = Span::new(key.start, key.end, Kind::String, flags);
        self.others.push(Other { within, key, value });
    }
}

/// The span of the value at `at`, and its end.
// As a call of its own it gives its result through memory, for which every member waits.
#[inline(always)]
pub(super) fn span(b: &[u8], at: usize) -> Scan<(Span, usize)> {
    let mut flags = 0;
    Ok(match b.get(at) {
        Some(b'"') => {
            let (end, flags) = scan::string(b, at + 1)?;
            (Span::new(at + 1, end, Kind::String, flags), end + 1)
        }
        Some(b'{' | b'[') => {
            let end = scan::value(b, at, &mut flags)?;
            (Span::new(at, end, Kind::Nested, flags), end)
        }
        first => {
            let end = scan::value(b, at, &mut flags)?;
            let kind = if first == Some(&b'n') { Kind::Nothing } else { Kind::Literal };
            (Span::new(at, end, kind, 0), end)
        }
    })
}
