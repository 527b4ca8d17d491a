//! What is asked for. Of records: texts that they must hold; what holds none of them is passed over unread. Of an event: the
//! parts that somebody will look at; the others are left empty.
//!
//! A term may let a record through that is not wanted, because a text can stand anywhere in it; it never holds one back.

use memchr::memmem::{self, Finder};

/// What hides a text's letters: a `\uXXXX` escape, of whatever depth.
const ESCAPE: &[u8] = b"\\u";

/// A text that a wanted record holds.
#[derive(Debug, Clone)]
pub struct Needle {
    finder: Finder<'static>,
    /// Whether it is a whole value, between quotes.
    whole: bool,
}

impl Needle {
    /// A value that stands as a whole string in a wanted record. `None` where the value could be written in another way.
    pub fn value(value: &str) -> Option<Self> {
        // `true`, `12` and the like may stand without quotes.
        let literal = serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
        Self::new(value, !literal)
    }

    /// A text that is part of a value in a wanted record. `None` where the text could be written in another way.
    pub fn part(text: &str) -> Option<Self> {
        Self::new(text, false)
    }

    fn new(text: &str, whole: bool) -> Option<Self> {
        // JSON may write a slash with a backslash before it. What is neither letter nor digit nor one of these could come of a
        // secret taken out, or of bytes replaced.
        let plain = |c: u8| c.is_ascii_alphanumeric() || b".:-_@+=,".contains(&c);
        let plain = text.len() > 2 && text.bytes().all(plain);
        plain.then(|| Self { finder: Finder::new(text.as_bytes()).into_owned(), whole })
    }

    /// The first place at or after `from` where it stands.
    fn find(&self, b: &[u8], mut from: usize) -> Option<usize> {
        loop {
            let at = from + self.finder.find(b.get(from..)?)?;
            let quote_before = || at.checked_sub(1).and_then(|before| b.get(before)) == Some(&b'"');
            // Inside a text that holds JSON, quotes have a backslash before them.
            let quote_after = || matches!(b.get(at + self.finder.needle().len()), Some(b'"' | b'\\'));
            if !self.whole || (quote_before() && quote_after()) {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

/// Texts of which a wanted record holds at least one.
#[derive(Debug, Clone)]
pub struct Term {
    needles: Vec<Needle>,
    /// Accounts that need not stand in the record where they stand in its object's key.
    key_accounts: Vec<String>,
}

impl Term {
    /// A record must hold one of `needles`.
    pub fn any(needles: Vec<Needle>) -> Self {
        Self { needles, key_accounts: Vec::new() }
    }

    /// The same, but for objects of these accounts, whose records need not hold it.
    pub fn or_key_accounts(mut self, accounts: impl IntoIterator<Item = String>) -> Self {
        self.key_accounts.extend(accounts);
        self
    }

    /// A term that holds where one of two does.
    pub fn or(mut self, other: Term) -> Self {
        self.needles.extend(other.needles);
        self.key_accounts.extend(other.key_accounts);
        self
    }

    fn find(&self, b: &[u8], from: usize) -> Option<usize> {
        self.needles.iter().filter_map(|needle| needle.find(b, from)).min()
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// A part of an event that need not be built.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Part { $($(#[$doc])* $name),* }

        impl Part {
            /// Every part there is.
            pub const ALL: &'static [Part] = &[$(Part::$name),*];
        }
    };
}

parts! {
    /// `identity`.
    Identity;
    /// The ids beside `event_id`, version, type and category.
    Labels;
    /// `error_code`, `error_message`.
    Error;
    /// `source_ip_address`, `user_agent`, the VPC endpoint, TLS.
    Client;
    /// `request_parameters`.
    Request;
    /// `response_elements`.
    Response;
    /// `additional_event_data`.
    AdditionalData;
    /// `serving_region`.
    ServingRegion;
    /// `resources`.
    Resources;
    /// `resource_arns`.
    ResourceArns;
    /// `extra`.
    Extra;
}

/// A set of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts(u16);

impl Parts {
    /// All of them.
    pub const ALL: Parts = Parts(u16::MAX);

    /// These and no others.
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        Self(parts.into_iter().fold(0, |set, part| set | 1 << part as u8))
    }

    /// Whether a part is asked for.
    #[inline]
    pub fn has(self, part: Part) -> bool {
        self.0 & 1 << part as u8 != 0
    }
}

/// What is asked for: records that satisfy every term, and these parts of their events. The default asks for all.
#[derive(Debug, Clone)]
pub struct Wanted {
    terms: Vec<Term>,
    /// The parts of an event that somebody will look at.
    pub parts: Parts,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { terms: Vec::new(), parts: Parts::ALL }
    }
}

impl Wanted {
    /// Records that satisfy all of `terms`; the one that fewest records satisfy had best come first.
    pub fn all_of(terms: Vec<Term>) -> Self {
        Self { terms, parts: Parts::ALL }
    }

    /// The same records, but only these parts of their events.
    pub fn with_parts(self, parts: Parts) -> Self {
        Self { parts, ..self }
    }

    /// Whether every record is asked for.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// What is asked of an object with this account in its key.
    pub fn of_object(&self, key_account: Option<&str>) -> Wanted {
        let holds = |term: &&Term| !key_account.is_some_and(|account| term.key_accounts.iter().any(|a| a == account));
        Wanted { terms: self.terms.iter().filter(holds).cloned().collect(), parts: self.parts }
    }

    /// Starts looking through a text.
    pub(super) fn search<'b>(&self, b: &'b [u8]) -> Search<'_, 'b> {
        let (first, rest) = self.terms.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
        let next = first.map_or(Some(0), |term| term.find(b, 0));
        let none = next.is_none() || rest.iter().any(|term| term.find(b, 0).is_none());
        Search { b, first, rest, next, none, escape: memmem::find(b, ESCAPE) }
    }
}

/// A search for wanted records, from the text's beginning to its end.
pub(super) struct Search<'w, 'b> {
    b: &'b [u8],
    first: Option<&'w Term>,
    rest: &'w [Term],
    /// Where the first term holds next.
    next: Option<usize>,
    none: bool,
    /// Where an escape stands next.
    escape: Option<usize>,
}

impl Search<'_, '_> {
    /// Whether no record of the text can be wanted.
    pub(super) fn is_hopeless(&self) -> bool {
        self.none && self.escape.is_none()
    }

    /// Whether the record at this place, which lies behind all that were asked about before, may be wanted.
    pub(super) fn may_want(&mut self, from: usize, to: usize) -> bool {
        if self.escape.is_some_and(|at| at < from) {
            self.escape = self.b.get(from..).and_then(|rest| memmem::find(rest, ESCAPE)).map(|at| from + at);
        }
        if self.escape.is_some_and(|at| at < to) {
            return true;
        }
        if let (Some(term), true) = (self.first, self.next.is_some_and(|at| at < from)) {
            self.next = term.find(self.b, from);
        }
        let record = self.b.get(from..to).unwrap_or_default();
        self.next.is_some_and(|at| at < to) && self.rest.iter().all(|term| term.find(record, 0).is_some())
    }
}
