//! Derived rows out of Arrow into what linking reads.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::lake::rows::typed;
use crate::lake::schema::Type;
use crate::sts::link::{Caller, Callers, Input, Issue, Links, Revocation, Sighting, Use, link};
use crate::sts::names::{Name, Names};

use super::super::knowledge::{Known, Top};
use super::Linked;
use super::caller::{OF_ACTIVITY, OF_CALLS};
use super::known::{Dictionaries, Texts};

/// A failed STS call.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Batch and row in `credential_calls`.
    pub row: (usize, usize),
    /// When.
    pub at: i64,
    /// Who.
    pub caller: Caller,
    /// The service that called.
    pub invoked_by: Name,
    /// The federated subject.
    pub subject: Name,
    /// The SAML or OIDC provider's ARN.
    pub provider: Name,
    /// The role asked for.
    pub role_arn: Name,
}

/// A sign-in: its batch and row in `credential_calls`.
#[derive(Debug, Clone, Copy)]
pub struct SignIn {
    /// Batch and row.
    pub row: (usize, usize),
}

/// The text columns of `credential_calls` that linking reads; the first seven say who called.
const CALLS: [&str; 27] = OF_CALLS.and([
    "kind",
    "event_id",
    "recipient_account_id",
    "api",
    "caller_user_name",
    "caller_source_identity",
    "invoked_by",
    "identity_provider",
    "source_ip_address",
    "user_agent",
    "role_arn",
    "role_id",
    "session_name",
    "key_id",
    "source_identity",
    "serial_number",
    "provider",
    "subject",
    "target_account",
    "permission_set",
]);
const KIND: usize = 7;
const EVENT_ID: usize = 8;
const RECIPIENT: usize = 9;
const API: usize = 10;
const USER_NAME: usize = 11;
const CALLER_SOURCE_IDENTITY: usize = 12;
const INVOKED_BY: usize = 13;
const IDENTITY_PROVIDER: usize = 14;
const IP: usize = 15;
const AGENT: usize = 16;
const ROLE_ARN: usize = 17;
const ROLE_ID: usize = 18;
const SESSION_NAME: usize = 19;
const KEY_ID: usize = 20;
const SOURCE_IDENTITY: usize = 21;
const SERIAL: usize = 22;
const PROVIDER: usize = 23;
const SUBJECT: usize = 24;
const TARGET: usize = 25;
const PERMISSION_SET: usize = 26;

/// The text columns of `activity` that linking reads; the first seven say who called.
const ACTIVITY: [&str; 15] = OF_ACTIVITY.and([
    "identity_user_name",
    "source_identity",
    "recipient_account_id",
    "effective_region",
    "source_ip_address",
    "source_ip_kind",
    "vpc_endpoint_id",
    "user_agent",
]);

fn time(array: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

fn integer(array: &Int64Array, row: usize) -> i64 {
    if array.is_valid(row) { array.value(row) } else { 0 }
}

fn truth(array: &BooleanArray, row: usize) -> Option<bool> {
    array.is_valid(row).then(|| array.value(row))
}

fn times(batch: &RecordBatch, name: &str) -> Result<TimestampMicrosecondArray> {
    typed(batch, name, &Type::Time.arrow())
}

fn integers(batch: &RecordBatch, name: &str) -> Result<Int64Array> {
    typed(batch, name, &DataType::Int64)
}

fn truths(batch: &RecordBatch, name: &str) -> Result<BooleanArray> {
    typed(batch, name, &DataType::Boolean)
}

/// Where the configuration knows an origin, its class is what the configuration says.
fn classify(links: &mut Links, told: &Known) {
    let Links { names, sessions, .. } = links;
    for origin in sessions.iter_mut().map(|session| &mut session.origin) {
        let [name, provider, account] = [origin.name, origin.provider, origin.account].map(|name| names.get(name));
        origin.class = told.class(Top { kind: origin.kind, name, provider, account }).unwrap_or(origin.class);
    }
}

/// Takes batches of both derived tables, in any order, and links them in the end.
#[derive(Default)]
pub struct Loader {
    input: Input,
    calls: Vec<RecordBatch>,
    issue_rows: Vec<(usize, usize)>,
    failures: Vec<Failure>,
    sign_ins: Vec<SignIn>,
    known_calls: Dictionaries,
    known_activity: Dictionaries,
}

impl Loader {
    /// With room for so many rows of either table: tables grow by copies of themselves otherwise.
    pub fn with_room(calls: usize, activity: usize) -> Self {
        let mut loader = Self::default();
        // Nearly every call issues a key, which the activity shows again; other texts are few.
        loader.input.names = Names::with_room(calls);
        loader.input.callers = Callers::with_room(activity);
        loader.input.issues.reserve(calls);
        loader.input.uses.reserve(activity);
        loader
    }

    /// Links what was taken.
    pub fn finish(self, told: Arc<Known>) -> Linked {
        let Self { input, calls, issue_rows, failures, sign_ins, .. } = self;
        let mut links = link(input);
        classify(&mut links, &told);
        Linked { links, calls, issue_rows, failures, sign_ins, plain: Default::default(), told }
    }

    /// Takes a batch of `credential_calls`.
    ///
    /// # Errors
    /// An internal error where a column has another type than the table's.
    pub fn calls(&mut self, batch: RecordBatch) -> Result<()> {
        let mut texts = Texts::open(&batch, &CALLS, &mut self.known_calls)?;
        let created = times(&batch, "caller_created_at")?;
        let (at, expires) = (times(&batch, "event_time")?, times(&batch, "expires_at")?);
        let before = times(&batch, "issued_before")?;
        let requested = integers(&batch, "requested_seconds")?;
        let (mfa, success) = (truths(&batch, "caller_mfa")?, truths(&batch, "success")?);
        let (input, place) = (&mut self.input, self.calls.len());
        let columns = texts.names(&mut input.names, &[KIND, EVENT_ID]);
        for row in 0..batch.num_rows() {
            let caller = caller(&columns, &created, row);
            let at = at.value(row);
            let kind = Kind::of(texts.text(KIND, row));
            // GetSigninToken is made by the portal's or a broker's server: its address is nobody's own.
            let own = match kind {
                Kind::Portal | Kind::Switch => true,
                Kind::SignIn => texts.text(API, row) == Some("ConsoleLogin"),
                _ => false,
            };
            let name = |column: usize| columns[column][row];
            match kind {
                Kind::Issue => {
                    self.issue_rows.push((place, row));
                    let event_id = input.names.keep(texts.text(EVENT_ID, row));
                    input.issues.push(Issue {
                        event_id,
                        at,
                        recipient: name(RECIPIENT),
                        api: name(API),
                        caller,
                        caller_user_name: name(USER_NAME),
                        caller_source_identity: name(CALLER_SOURCE_IDENTITY),
                        caller_mfa: truth(&mfa, row),
                        invoked_by: name(INVOKED_BY),
                        identity_provider: name(IDENTITY_PROVIDER),
                        source_ip: name(IP),
                        role_arn: name(ROLE_ARN),
                        role_id: name(ROLE_ID),
                        session_name: name(SESSION_NAME),
                        key: name(KEY_ID),
                        expires_at: time(&expires, row),
                        requested_seconds: requested.is_valid(row).then(|| requested.value(row)),
                        source_identity: name(SOURCE_IDENTITY),
                        serial_number: name(SERIAL),
                        provider: name(PROVIDER),
                        subject: name(SUBJECT),
                        target_account: name(TARGET),
                    });
                }
                Kind::Failure => self.failures.push(Failure {
                    row: (place, row),
                    at,
                    caller,
                    invoked_by: name(INVOKED_BY),
                    subject: name(SUBJECT),
                    // A refused web identity call has no response; userIdentity names the provider.
                    provider: name(PROVIDER).or(name(IDENTITY_PROVIDER)),
                    role_arn: name(ROLE_ARN),
                }),
                Kind::Revocation => input.revocations.push(Revocation {
                    at,
                    account: name(TARGET),
                    role_name: name(SESSION_NAME),
                    issued_before: time(&before, row).unwrap_or(at),
                }),
                Kind::Portal | Kind::Switch | Kind::SignIn => {
                    if own && truth(&success, row) != Some(false) {
                        input.sightings.push(Sighting {
                            at,
                            portal: kind == Kind::Portal,
                            permission_set: name(PERMISSION_SET),
                            target_account: name(TARGET),
                            caller,
                            source_ip: name(IP),
                            agent: name(AGENT),
                        });
                    }
                    if kind == Kind::SignIn {
                        self.sign_ins.push(SignIn { row: (place, row) });
                    }
                }
                Kind::Other => {}
            }
        }
        texts.close(&mut self.known_calls);
        self.calls.push(batch);
        Ok(())
    }

    /// Takes a batch of `activity`.
    ///
    /// # Errors
    /// An internal error where a column has another type than the table's.
    pub fn activity(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut texts = Texts::open(batch, &ACTIVITY, &mut self.known_activity)?;
        let created = times(batch, "session_created_at")?;
        let (mfa, from_console) = (truths(batch, "session_mfa")?, truths(batch, "from_console")?);
        let (exact, first) = (times(batch, "exact_time")?, times(batch, "first_at")?);
        let last = times(batch, "last_at")?;
        let (events, errors) = (integers(batch, "event_count")?, integers(batch, "error_count")?);
        let (denied, writes) = (integers(batch, "denied_count")?, integers(batch, "write_count")?);
        let Input { names, callers, uses, .. } = &mut self.input;
        let columns = texts.names(names, &[]);
        for row in 0..batch.num_rows() {
            let caller = caller(&columns, &created, row);
            let name = |column: usize| columns[column][row];
            let first_at = time(&first, row).unwrap_or_default();
            let last_at = time(&last, row).unwrap_or_default();
            uses.push(Use {
                caller: callers.place(&caller, time(&exact, row), first_at, last_at),
                user_name: name(7),
                source_identity: name(8),
                mfa: truth(&mfa, row),
                from_console: truth(&from_console, row),
                recipient: name(9),
                region: name(10),
                ip: name(11),
                ip_kind: name(12),
                vpc_endpoint: name(13),
                agent: name(14),
                first_at,
                last_at,
                events: integer(&events, row),
                errors: integer(&errors, row),
                denied: integer(&denied, row),
                writes: integer(&writes, row),
            });
        }
        texts.close(&mut self.known_activity);
        Ok(())
    }
}

/// What a row of `credential_calls` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Issue,
    Failure,
    Revocation,
    Portal,
    Switch,
    SignIn,
    Other,
}

impl Kind {
    fn of(text: Option<&str>) -> Self {
        match text {
            Some("issue") => Kind::Issue,
            Some("failure") => Kind::Failure,
            Some("revocation") => Kind::Revocation,
            Some("portal") => Kind::Portal,
            Some("switch") => Kind::Switch,
            Some("sign_in") => Kind::SignIn,
            _ => Kind::Other,
        }
    }
}

/// Who called, from the first seven columns of either list.
fn caller(columns: &[Vec<Name>], created: &TimestampMicrosecondArray, row: usize) -> Caller {
    let name = |column: usize| columns[column][row];
    Caller {
        kind: name(0),
        arn: name(1),
        account: name(2),
        principal: name(3),
        key: name(4),
        issuer_arn: name(5),
        session_name: name(6),
        created_at: time(created, row),
    }
}
