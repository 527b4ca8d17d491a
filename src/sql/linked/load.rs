//! Derived rows out of Arrow into what linking reads.

use arrow::array::{Array, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::lake::rows::{text_column, typed};
use crate::lake::schema::Type;
use crate::sts::link::{self, Caller, Input, Issue, Revocation, Sighting, Use, link};
use crate::sts::names::{Name, Names};

use super::Linked;

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
    /// The role asked for.
    pub role_arn: Name,
}

/// A sign-in: its batch and row in `credential_calls`.
#[derive(Debug, Clone, Copy)]
pub struct SignIn {
    /// Batch and row.
    pub row: (usize, usize),
}

/// One batch's columns by name.
struct Batch<'b> {
    batch: &'b RecordBatch,
}

impl Batch<'_> {
    fn texts(&self, name: &str) -> Result<StringArray> {
        text_column(self.batch, name)
    }

    fn times(&self, name: &str) -> Result<TimestampMicrosecondArray> {
        typed(self.batch, name, &Type::Time.arrow())
    }

    fn integers(&self, name: &str) -> Result<Int64Array> {
        typed(self.batch, name, &DataType::Int64)
    }

    fn truths(&self, name: &str) -> Result<BooleanArray> {
        typed(self.batch, name, &DataType::Boolean)
    }
}

fn text(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

fn time(array: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

fn integer(array: &Int64Array, row: usize) -> i64 {
    if array.is_valid(row) { array.value(row) } else { 0 }
}

fn truth(array: &BooleanArray, row: usize) -> Option<bool> {
    array.is_valid(row).then(|| array.value(row))
}

/// Reads both derived tables and links them.
pub fn load(calls: Vec<RecordBatch>, activity: &[RecordBatch]) -> Result<Linked> {
    let mut input = Input::default();
    let mut rest = Rest::default();
    for (place, batch) in calls.iter().enumerate() {
        read_calls(&mut input, &mut rest, place, &Batch { batch })?;
    }
    let activity = activity.iter().map(|batch| read_activity(&mut input.names, &Batch { batch }));
    input.uses = activity.collect::<Result<Vec<_>>>()?.concat();
    let (issues, uses) = (input.issues.clone(), input.uses.clone());
    let links = link(input);
    let ancestors = (0..links.sessions.len()).map(|place| link::ancestors(&links.sessions, place)).collect();
    let Rest { issue_rows, failures, sign_ins } = rest;
    Ok(Linked { links, calls, issue_rows, issues, uses, failures, sign_ins, ancestors })
}

#[derive(Default)]
struct Rest {
    issue_rows: Vec<(usize, usize)>,
    failures: Vec<Failure>,
    sign_ins: Vec<SignIn>,
}

fn read_calls(input: &mut Input, rest: &mut Rest, place: usize, batch: &Batch<'_>) -> Result<()> {
    let [kind, event_id, recipient, api] = ["kind", "event_id", "recipient_account_id", "api"].map(|n| batch.texts(n));
    let (kind, event_id, recipient, api) = (kind?, event_id?, recipient?, api?);
    let callers = Callers::of(
        batch,
        "caller_type",
        "caller_arn",
        "caller_account",
        "caller_principal_id",
        "caller_key_id",
        "caller_issuer_arn",
        "caller_session_name",
        "caller_created_at",
    )?;
    let [user_name, caller_source_identity, invoked_by, identity_provider] =
        ["caller_user_name", "caller_source_identity", "invoked_by", "identity_provider"].map(|n| batch.texts(n));
    let (user_name, caller_source_identity) = (user_name?, caller_source_identity?);
    let (invoked_by, identity_provider) = (invoked_by?, identity_provider?);
    let [ip, agent, role_arn, role_id] =
        ["source_ip_address", "user_agent", "role_arn", "role_id"].map(|n| batch.texts(n));
    let (ip, agent, role_arn, role_id) = (ip?, agent?, role_arn?, role_id?);
    let [session_name, key_id, source_identity, serial] =
        ["session_name", "key_id", "source_identity", "serial_number"].map(|n| batch.texts(n));
    let (session_name, key_id, source_identity, serial) = (session_name?, key_id?, source_identity?, serial?);
    let [provider, subject, target, set] =
        ["provider", "subject", "target_account", "permission_set"].map(|n| batch.texts(n));
    let (provider, subject, target, set) = (provider?, subject?, target?, set?);
    let (at, expires, before) = (batch.times("event_time")?, batch.times("expires_at")?, batch.times("issued_before")?);
    let (requested, mfa, success) =
        (batch.integers("requested_seconds")?, batch.truths("caller_mfa")?, batch.truths("success")?);
    let names = &mut input.names;
    for row in 0..batch.batch.num_rows() {
        let caller = callers.read(names, row);
        let at = at.value(row);
        match text(&kind, row) {
            Some("issue") => {
                rest.issue_rows.push((place, row));
                input.issues.push(Issue {
                    event_id: names.add(text(&event_id, row)),
                    at,
                    recipient: names.add(text(&recipient, row)),
                    api: names.add(text(&api, row)),
                    caller,
                    caller_user_name: names.add(text(&user_name, row)),
                    caller_source_identity: names.add(text(&caller_source_identity, row)),
                    caller_mfa: truth(&mfa, row),
                    invoked_by: names.add(text(&invoked_by, row)),
                    identity_provider: names.add(text(&identity_provider, row)),
                    source_ip: names.add(text(&ip, row)),
                    role_arn: names.add(text(&role_arn, row)),
                    role_id: names.add(text(&role_id, row)),
                    session_name: names.add(text(&session_name, row)),
                    key: names.add(text(&key_id, row)),
                    expires_at: time(&expires, row),
                    requested_seconds: requested.is_valid(row).then(|| requested.value(row)),
                    source_identity: names.add(text(&source_identity, row)),
                    serial_number: names.add(text(&serial, row)),
                    provider: names.add(text(&provider, row)),
                    subject: names.add(text(&subject, row)),
                    target_account: names.add(text(&target, row)),
                });
            }
            Some("failure") => rest.failures.push(Failure {
                row: (place, row),
                at,
                caller,
                invoked_by: names.add(text(&invoked_by, row)),
                subject: names.add(text(&subject, row)),
                role_arn: names.add(text(&role_arn, row)),
            }),
            Some("revocation") => input.revocations.push(Revocation {
                at,
                account: names.add(text(&target, row)),
                role_name: names.add(text(&session_name, row)),
                issued_before: time(&before, row).unwrap_or(at),
            }),
            Some(kind) => {
                let portal = kind == "portal";
                // GetSigninToken is made by the portal's or a broker's server: its address is nobody's own.
                let own = portal || kind == "switch" || text(&api, row) == Some("ConsoleLogin");
                if own && truth(&success, row) != Some(false) {
                    input.sightings.push(Sighting {
                        at,
                        portal,
                        permission_set: names.add(text(&set, row)),
                        target_account: names.add(text(&target, row)),
                        caller,
                        source_ip: names.add(text(&ip, row)),
                        agent: names.add(text(&agent, row)),
                    });
                }
                if kind == "sign_in" {
                    rest.sign_ins.push(SignIn { row: (place, row) });
                }
            }
            None => {}
        }
    }
    Ok(())
}

struct Callers {
    texts: [StringArray; 7],
    created: TimestampMicrosecondArray,
}

impl Callers {
    #[allow(clippy::too_many_arguments)]
    fn of(
        batch: &Batch<'_>,
        kind: &str,
        arn: &str,
        account: &str,
        principal: &str,
        key: &str,
        issuer: &str,
        session_name: &str,
        created: &str,
    ) -> Result<Self> {
        let t = |name: &str| batch.texts(name);
        Ok(Self {
            texts: [t(kind)?, t(arn)?, t(account)?, t(principal)?, t(key)?, t(issuer)?, t(session_name)?],
            created: batch.times(created)?,
        })
    }

    fn read(&self, names: &mut Names, row: usize) -> Caller {
        let mut name = |column: usize| names.add(text(&self.texts[column], row));
        Caller {
            kind: name(0),
            arn: name(1),
            account: name(2),
            principal: name(3),
            key: name(4),
            issuer_arn: name(5),
            session_name: name(6),
            created_at: time(&self.created, row),
        }
    }
}

fn read_activity(names: &mut Names, batch: &Batch<'_>) -> Result<Vec<Use>> {
    let callers = Callers::of(
        batch,
        "identity_type",
        "identity_arn",
        "identity_account_id",
        "identity_principal_id",
        "access_key_id",
        "session_issuer_arn",
        "session_name",
        "session_created_at",
    )?;
    let columns = [
        "identity_user_name",
        "source_identity",
        "recipient_account_id",
        "effective_region",
        "source_ip_address",
        "source_ip_kind",
        "vpc_endpoint_id",
        "user_agent",
    ];
    let texts: Vec<StringArray> = columns.iter().map(|name| batch.texts(name)).collect::<Result<_>>()?;
    let (mfa, from_console) = (batch.truths("session_mfa")?, batch.truths("from_console")?);
    let (exact, first, last) = (batch.times("exact_time")?, batch.times("first_at")?, batch.times("last_at")?);
    let counts = ["event_count", "error_count", "denied_count", "write_count"].map(|name| batch.integers(name));
    let [events, errors, denied, writes] = counts;
    let (events, errors, denied, writes) = (events?, errors?, denied?, writes?);
    let rows = (0..batch.batch.num_rows()).map(|row| {
        let caller = callers.read(names, row);
        let mut name = |column: usize| names.add(text(&texts[column], row));
        Use {
            caller,
            exact_time: time(&exact, row),
            user_name: name(0),
            source_identity: name(1),
            mfa: truth(&mfa, row),
            from_console: truth(&from_console, row),
            recipient: name(2),
            region: name(3),
            ip: name(4),
            ip_kind: name(5),
            vpc_endpoint: name(6),
            agent: name(7),
            first_at: time(&first, row).unwrap_or_default(),
            last_at: time(&last, row).unwrap_or_default(),
            events: integer(&events, row),
            errors: integer(&errors, row),
            denied: integer(&denied, row),
            writes: integer(&writes, row),
        }
    });
    Ok(rows.collect())
}
