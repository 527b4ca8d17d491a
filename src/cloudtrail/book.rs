//! The words of the decoder's answer: limits, faults, forms, and the book that must balance.

/// How much the decoder may take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that one object may hold once decompressed; what lies beyond is a fault. 8 GiB.
    pub max_decompressed: u64,
    /// Bytes held decompressed at a time; grown only for a single record that is larger. 32 MiB.
    pub window: usize,
    /// Faults kept with their text; all are counted. 1,000.
    pub max_faults: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_decompressed: 8 << 30, window: 32 << 20, max_faults: 1000 }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $text:literal;)*) => {
        /// Why something could not be read. The texts are stable: they are stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $name),* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];

            /// The stable text, in snake_case.
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $text),* }
            }
        }
    };
}

reasons! {
    /// The gzip data ends too early.
    GzipTruncated "gzip_truncated";
    /// The gzip data breaks its format or its checksum.
    GzipCorrupt "gzip_corrupt";
    /// The zip archive, or a member of it, cannot be read.
    ZipCorrupt "zip_corrupt";
    /// A zip member is encrypted or compressed in a way that is not read.
    ZipUnsupported "zip_unsupported";
    /// Something that is neither gzip nor JSON follows the end.
    TrailingGarbage "trailing_garbage";
    /// The object, or one record in it, is larger than the limit.
    TooLarge "too_large";
    /// The JSON text ends inside a record or before its closing bracket.
    TruncatedRecord "truncated_record";
    /// The text breaks JSON's grammar.
    NotJson "not_json";
    /// Bytes that are no UTF-8; they are replaced by U+FFFD, the records are kept.
    InvalidUtf8 "invalid_utf8";
    /// Nested too deeply.
    TooDeep "too_deep";
    /// The record is no JSON object.
    NotAnObject "not_an_object";
    /// No eventID, or an empty one.
    MissingEventId "missing_event_id";
    /// No eventTime.
    MissingEventTime "missing_event_time";
    /// No eventSource.
    MissingEventSource "missing_event_source";
    /// No eventName.
    MissingEventName "missing_event_name";
    /// An eventTime that is no time.
    UnreadableEventTime "unreadable_event_time";
}

/// Something unreadable: where, why, and a text of positions and types that never quotes the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The record's place in its object (or zip member); `None` for the object itself.
    pub index: Option<u64>,
    /// The zip member.
    pub member: Option<String>,
    /// Why.
    pub reason: Reason,
    /// What was found, where; no content.
    pub text: String,
}

/// What an object turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// CloudTrail events, readable or not.
    CloudTrail,
    /// Nothing: no bytes, no records, or nothing readable (then a fault says why).
    Empty,
    /// Something else, and what: "digest", "insight", "notification", "other JSON", "csv", "no JSON".
    NotCloudTrail(&'static str),
}

/// The account of one object: `records = events + not_events + fault_count + undecoded`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// What the object is.
    pub form: Form,
    /// Records found, broken ones included.
    pub records: u64,
    /// Records decoded to events.
    pub events: u64,
    /// Records that are no CloudTrail events: digests, Insight records, notifications, other JSON.
    pub not_events: u64,
    /// Records that are faults.
    pub fault_count: u64,
    /// Records that were passed over because they are not asked for.
    pub undecoded: u64,
    /// Whether a rest was passed over whole, its records uncounted, because it cannot hold what is asked for.
    pub unread: bool,
    /// The faults, those of the object itself included, up to `Limits::max_faults`.
    pub faults: Vec<Fault>,
    /// Whether the object could not be read to its end.
    pub truncated: bool,
    /// Bytes after decompression.
    pub decompressed: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            form: Form::Empty,
            records: 0,
            events: 0,
            not_events: 0,
            fault_count: 0,
            undecoded: 0,
            unread: false,
            faults: Vec::new(),
            truncated: false,
            decompressed: 0,
        }
    }
}

impl Book {
    /// Whether every record is accounted for.
    pub fn balances(&self) -> bool {
        self.records == self.events + self.not_events + self.fault_count + self.undecoded
    }

    /// Adds the book of a zip member.
    pub(super) fn add(&mut self, other: Book, limits: &Limits) {
        self.form = match (self.form, other.form) {
            (Form::CloudTrail, _) | (_, Form::CloudTrail) => Form::CloudTrail,
            (Form::Empty, form) => form,
            (form, _) => form,
        };
        self.records += other.records;
        self.events += other.events;
        self.not_events += other.not_events;
        self.fault_count += other.fault_count;
        self.undecoded += other.undecoded;
        self.unread |= other.unread;
        let room = limits.max_faults.saturating_sub(self.faults.len());
        self.faults.extend(other.faults.into_iter().take(room));
        self.truncated |= other.truncated;
        self.decompressed += other.decompressed;
    }
}

/// Where an event stands in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    /// The zip member.
    pub member: Option<&'p str>,
    /// The record's place, from 0, in the object or the member.
    pub index: u64,
}
