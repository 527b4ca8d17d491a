//! Events → the small rows that sessions are found from: `credential_calls` and `activity`.
//!
//! Takes deduplicated events only, once each; rows of several runs merge by minimum, maximum and sum.

use arrow::array::{Array, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use hashbrown::HashMap;

use crate::error::Result;
use crate::sts::call::{self, Facts};
use crate::sts::denial;

use super::rows::{Cell, Rows, in_order, text_column, typed};
use super::schema::{ACTIVITY, CREDENTIAL_CALLS, Table, Type};

/// The columns of `events` that deriving reads; a reader need build no others.
pub const NEEDED: &[&str] = &[
    "event_time",
    "event_id",
    "shared_event_id",
    "event_source",
    "event_name",
    "effective_region",
    "recipient_account_id",
    "read_only",
    "error_code",
    "error_message",
    "source_ip_address",
    "source_ip_kind",
    "user_agent",
    "vpc_endpoint_id",
    "identity_type",
    "identity_arn",
    "identity_account_id",
    "identity_principal_id",
    "identity_user_name",
    "access_key_id",
    "invoked_by",
    "session_issuer_arn",
    "session_created_at",
    "session_mfa",
    "session_name",
    "source_identity",
    "identity_provider",
    "on_behalf_of_user_id",
    "from_console",
    "request_parameters",
    "response_elements",
    "additional_event_data",
    "extra",
];

const DAY: i64 = 86_400_000_000;

#[derive(Debug, Clone, Copy)]
struct Counts {
    first: i64,
    last: i64,
    events: i64,
    errors: i64,
    denied: i64,
    writes: i64,
}

/// Collects the derived rows of any number of event batches.
pub struct Derived {
    calls: Rows,
    activity: HashMap<Box<[u8]>, usize>,
    counts: Vec<Counts>,
    /// The identifying cells of each activity row, in the order of first sight: (offset of each cell's text).
    keys: Vec<Box<[u8]>>,
    scratch: Vec<u8>,
}

impl Derived {
    /// Nothing yet.
    pub fn new() -> Result<Self> {
        Ok(Self {
            calls: Rows::new(&CREDENTIAL_CALLS)?,
            activity: HashMap::new(),
            counts: Vec::new(),
            keys: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Adds deduplicated events; `batch` holds at least the columns `NEEDED`.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.add_rows(batch, 0..batch.num_rows())
    }

    /// The same for the rows at these places.
    pub fn add_rows(&mut self, batch: &RecordBatch, rows: impl Iterator<Item = usize>) -> Result<()> {
        let events = Columns::of(batch)?;
        for row in rows {
            if call::may_be_call(
                events.text(SOURCE, row).unwrap_or_default(),
                events.text(NAME, row).unwrap_or_default(),
            ) {
                self.add_call(&events, row);
            }
            self.add_activity(&events, row);
        }
        Ok(())
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.counts.is_empty()
    }

    /// The rows, one batch a table: calls by time, activity by day and, within it, a caller's rows side by side. What is asked of
    /// a stretch of time then reads the pages of that stretch.
    pub fn finish(self) -> Result<Vec<(&'static Table, RecordBatch)>> {
        let mut order: Vec<(&[u8], &Counts)> = self.keys.iter().map(AsRef::as_ref).zip(&self.counts).collect();
        order.sort_unstable_by(|(a, _), (b, _)| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
        let mut rows = Rows::new(&ACTIVITY)?;
        for (key, counts) in order {
            push_activity(&mut rows, key, counts);
        }
        Ok(vec![
            (&CREDENTIAL_CALLS, in_order(&self.calls.finish()?, &["event_time", "event_id"])?),
            (&ACTIVITY, rows.finish()?),
        ])
    }

    fn add_call(&mut self, events: &Columns, row: usize) {
        let text = |column| events.text(column, row);
        let facts = Facts {
            event_time: events.time.value(row),
            event_source: text(SOURCE).unwrap_or_default(),
            event_name: text(NAME).unwrap_or_default(),
            error_code: text(ERROR_CODE),
            error_message: text(ERROR_MESSAGE),
            request_parameters: text(REQUEST),
            response_elements: text(RESPONSE),
            additional_event_data: text(ADDITIONAL),
            extra: text(EXTRA),
            identity_type: text(IDENTITY_TYPE),
            identity_account_id: text(IDENTITY_ACCOUNT),
            identity_user_name: text(USER_NAME),
            recipient_account_id: text(RECIPIENT),
        };
        let Some(call) = call::read(&facts) else { return };
        let time = |value: Option<i64>| value.map_or(Cell::Null, Cell::Time);
        self.calls.push(&[
            Cell::Text(call.kind.as_str()),
            Cell::Time(facts.event_time),
            text(EVENT_ID).into(),
            text(SHARED_EVENT_ID).into(),
            text(RECIPIENT).into(),
            text(NAME).into(),
            text(ERROR_CODE).into(),
            text(ERROR_MESSAGE).into(),
            text(IDENTITY_TYPE).into(),
            text(IDENTITY_ARN).into(),
            text(IDENTITY_ACCOUNT).into(),
            text(PRINCIPAL).into(),
            text(USER_NAME).into(),
            text(KEY).into(),
            text(ISSUER_ARN).into(),
            text(SESSION_NAME).into(),
            time(events.created(row)),
            text(SOURCE_IDENTITY).into(),
            events.mfa(row).into(),
            text(INVOKED_BY).into(),
            text(PROVIDER).into(),
            text(ON_BEHALF_OF).into(),
            text(IP).into(),
            text(AGENT).into(),
            text(REGION).into(),
            (&call.role_arn).into(),
            (&call.role_id).into(),
            (&call.session_name).into(),
            (&call.key_id).into(),
            time(call.expires_at),
            call.requested_seconds.map_or(Cell::Null, Cell::Int),
            (&call.external_id).into(),
            (&call.source_identity).into(),
            (&call.serial_number).into(),
            (&call.session_tags).into(),
            if call.transitive_tag_keys.is_empty() { Cell::Null } else { Cell::Texts(&call.transitive_tag_keys) },
            (&call.session_policy).into(),
            (&call.provider).into(),
            (&call.subject).into(),
            (&call.audience).into(),
            (&call.target_account).into(),
            (&call.permission_set).into(),
            Cell::Bool(call.success),
            call.mfa_used.into(),
            time(call.issued_before),
        ]);
    }

    fn add_activity(&mut self, events: &Columns, row: usize) {
        let text = |column| events.text(column, row);
        let (key, principal) = (text(KEY), text(PRINCIPAL));
        if key.is_none() && (principal.is_none() || text(IDENTITY_TYPE) != Some("AssumedRole")) {
            return;
        }
        // Of a call that several accounts recorded, only the caller's own copy is the caller's call.
        let foreign = matches!((text(RECIPIENT), text(IDENTITY_ACCOUNT)), (Some(a), Some(b)) if a != b);
        if foreign && text(SHARED_EVENT_ID).is_some() {
            return;
        }
        let at = events.time.value(row);
        let created = events.created(row);
        let exact = if key.is_none() && created.is_none() { Some(at) } else { None };
        self.scratch.clear();
        for value in [Some(at.div_euclid(DAY)), created, exact] {
            put_integer(&mut self.scratch, value);
        }
        put_flag(&mut self.scratch, events.mfa(row));
        put_flag(&mut self.scratch, events.console(row));
        for column in ACTIVITY_TEXTS {
            put_text(&mut self.scratch, text(*column));
        }
        let error = text(ERROR_CODE);
        let one = Counts {
            first: at,
            last: at,
            events: 1,
            errors: i64::from(error.is_some()),
            denied: i64::from(error.is_some_and(denial::is_denied)),
            writes: i64::from(events.read_only(row) == Some(false)),
        };
        match self.activity.get(self.scratch.as_slice()) {
            Some(&place) => {
                let sum = &mut self.counts[place];
                sum.first = sum.first.min(at);
                sum.last = sum.last.max(at);
                sum.events += 1;
                sum.errors += one.errors;
                sum.denied += one.denied;
                sum.writes += one.writes;
            }
            None => {
                let key: Box<[u8]> = self.scratch.as_slice().into();
                self.activity.insert(key.clone(), self.counts.len());
                self.keys.push(key);
                self.counts.push(one);
            }
        }
    }
}

/// What activity is put in order by: the day, then whose it is.
fn place(key: &[u8]) -> (Option<i64>, &[u8]) {
    (Key(key).integer(), key.get(TEXTS_FROM..).unwrap_or_default())
}

/// Where in a key the texts begin, the access key first: behind three integers and two flags.
const TEXTS_FROM: usize = 3 * 8 + 2;

fn put_integer(buffer: &mut Vec<u8>, value: Option<i64>) {
    buffer.extend_from_slice(&value.unwrap_or(i64::MIN).to_le_bytes());
}

fn put_flag(buffer: &mut Vec<u8>, value: Option<bool>) {
    buffer.push(value.map_or(2, u8::from));
}

fn put_text(buffer: &mut Vec<u8>, value: Option<&str>) {
    let length = value.map_or(u32::MAX, |v| v.len() as u32);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(value.unwrap_or_default().as_bytes());
}

/// Reads the cells of a key back, in the order in which they were put.
struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(length.min(self.0.len()));
        self.0 = tail;
        head
    }

    fn integer(&mut self) -> Option<i64> {
        let value = i64::from_le_bytes(self.bytes(8).try_into().unwrap_or_default());
        (value != i64::MIN).then_some(value)
    }

    fn flag(&mut self) -> Cell<'a> {
        match self.bytes(1) {
            [0] => Cell::Bool(false),
            [1] => Cell::Bool(true),
            _ => Cell::Null,
        }
    }

    fn text(&mut self) -> Cell<'a> {
        match u32::from_le_bytes(self.bytes(4).try_into().unwrap_or_default()) {
            u32::MAX => Cell::Null,
            length => std::str::from_utf8(self.bytes(length as usize)).map_or(Cell::Null, Cell::Text),
        }
    }
}

fn push_activity(rows: &mut Rows, key: &[u8], counts: &Counts) {
    let mut key = Key(key);
    let (day, created, exact) = (key.integer(), key.integer(), key.integer());
    let (mfa, from_console) = (key.flag(), key.flag());
    let time = |value: Option<i64>| value.map_or(Cell::Null, Cell::Time);
    let mut texts = ACTIVITY_TEXTS.iter().map(|_| key.text());
    let cells: Vec<Cell<'_>> = ACTIVITY
        .columns
        .iter()
        .map(|column| match column.name {
            "event_date" => day.map_or(Cell::Null, |d| Cell::Date(d as i32)),
            "session_created_at" => time(created),
            "exact_time" => time(exact),
            "session_mfa" => mfa,
            "from_console" => from_console,
            "first_at" => Cell::Time(counts.first),
            "last_at" => Cell::Time(counts.last),
            "event_count" => Cell::Int(counts.events),
            "error_count" => Cell::Int(counts.errors),
            "denied_count" => Cell::Int(counts.denied),
            "write_count" => Cell::Int(counts.writes),
            _ if column.kind == Type::Text => texts.next().unwrap_or(Cell::Null),
            _ => Cell::Null,
        })
        .collect();
    rows.push(&cells);
}

/// The text columns of `NEEDED`, by place.
const TEXTS: &[&str] = &[
    "event_id",
    "shared_event_id",
    "event_source",
    "event_name",
    "effective_region",
    "recipient_account_id",
    "error_code",
    "error_message",
    "source_ip_address",
    "source_ip_kind",
    "user_agent",
    "vpc_endpoint_id",
    "identity_type",
    "identity_arn",
    "identity_account_id",
    "identity_principal_id",
    "identity_user_name",
    "access_key_id",
    "invoked_by",
    "session_issuer_arn",
    "session_name",
    "source_identity",
    "identity_provider",
    "on_behalf_of_user_id",
    "request_parameters",
    "response_elements",
    "additional_event_data",
    "extra",
];
const EVENT_ID: usize = 0;
const SHARED_EVENT_ID: usize = 1;
const SOURCE: usize = 2;
const NAME: usize = 3;
const REGION: usize = 4;
const RECIPIENT: usize = 5;
const ERROR_CODE: usize = 6;
const ERROR_MESSAGE: usize = 7;
const IP: usize = 8;
const IP_KIND: usize = 9;
const AGENT: usize = 10;
const VPC_ENDPOINT: usize = 11;
const IDENTITY_TYPE: usize = 12;
const IDENTITY_ARN: usize = 13;
const IDENTITY_ACCOUNT: usize = 14;
const PRINCIPAL: usize = 15;
const USER_NAME: usize = 16;
const KEY: usize = 17;
const INVOKED_BY: usize = 18;
const ISSUER_ARN: usize = 19;
const SESSION_NAME: usize = 20;
const SOURCE_IDENTITY: usize = 21;
const PROVIDER: usize = 22;
const ON_BEHALF_OF: usize = 23;
const REQUEST: usize = 24;
const RESPONSE: usize = 25;
const ADDITIONAL: usize = 26;
const EXTRA: usize = 27;

/// The text columns that tell activity rows apart, in the order of ACTIVITY's text columns.
const ACTIVITY_TEXTS: &[usize] = &[
    KEY,
    IDENTITY_TYPE,
    PRINCIPAL,
    IDENTITY_ARN,
    IDENTITY_ACCOUNT,
    USER_NAME,
    ISSUER_ARN,
    SESSION_NAME,
    SOURCE_IDENTITY,
    RECIPIENT,
    REGION,
    IP,
    IP_KIND,
    VPC_ENDPOINT,
    AGENT,
];

struct Columns {
    texts: Vec<StringArray>,
    time: TimestampMicrosecondArray,
    created: TimestampMicrosecondArray,
    mfa: BooleanArray,
    from_console: BooleanArray,
    read_only: BooleanArray,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let time = Type::Time.arrow();
        Ok(Self {
            texts: TEXTS.iter().map(|name| text_column(batch, name)).collect::<Result<_>>()?,
            time: typed(batch, "event_time", &time)?,
            created: typed(batch, "session_created_at", &time)?,
            mfa: typed(batch, "session_mfa", &DataType::Boolean)?,
            from_console: typed(batch, "from_console", &DataType::Boolean)?,
            read_only: typed(batch, "read_only", &DataType::Boolean)?,
        })
    }

    fn text(&self, column: usize, row: usize) -> Option<&str> {
        let array = &self.texts[column];
        array.is_valid(row).then(|| array.value(row))
    }

    fn created(&self, row: usize) -> Option<i64> {
        self.created.is_valid(row).then(|| self.created.value(row))
    }

    fn mfa(&self, row: usize) -> Option<bool> {
        self.mfa.is_valid(row).then(|| self.mfa.value(row))
    }

    fn console(&self, row: usize) -> Option<bool> {
        self.from_console.is_valid(row).then(|| self.from_console.value(row))
    }

    fn read_only(&self, row: usize) -> Option<bool> {
        self.read_only.is_valid(row).then(|| self.read_only.value(row))
    }
}
