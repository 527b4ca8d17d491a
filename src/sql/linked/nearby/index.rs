//! Every derived row in the few columns that decide what belongs together, as hashes: small enough to look at all of them.
//!
//! Hashes of different texts may be equal; then a row too many is chosen, which changes nothing.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int32Type;
use hashbrown::{DefaultHashBuilder, HashMap};

use crate::error::Result;
use crate::lake::rows::{text_column, typed};
use crate::lake::schema::Type;
use crate::sql::linked::caller::{Columns, OF_ACTIVITY, OF_CALLS};
use crate::sts::{arn, ip};

/// The columns of `credential_calls` that are looked at.
pub const CALLS: [&str; 21] = [
    "kind",
    "event_time",
    OF_CALLS.kind,
    OF_CALLS.arn,
    OF_CALLS.account,
    OF_CALLS.principal,
    OF_CALLS.key,
    OF_CALLS.issuer,
    OF_CALLS.session,
    OF_CALLS.created,
    "caller_source_identity",
    "invoked_by",
    "identity_provider",
    "source_ip_address",
    "role_arn",
    "role_id",
    "session_name",
    "key_id",
    "source_identity",
    "provider",
    "subject",
];

/// The columns of `activity` that are looked at.
pub const USES: [&str; 12] = [
    OF_ACTIVITY.key,
    OF_ACTIVITY.kind,
    OF_ACTIVITY.arn,
    OF_ACTIVITY.principal,
    OF_ACTIVITY.issuer,
    OF_ACTIVITY.session,
    OF_ACTIVITY.created,
    "source_identity",
    "source_ip_address",
    "user_agent",
    "first_at",
    "last_at",
];

/// Stands for the role of a federated user's session; see `sts::link::index`.
const FEDERATED: &str = "federated-user/";

/// No text.
pub const NONE: u32 = 0;

/// Hashes are compared within one run only.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The hash of a text, letters' case aside.
pub fn word(text: &str) -> u32 {
    if text.is_empty() {
        return NONE;
    }
    let hash = if text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        HASHER.hash_one(text.to_lowercase().as_str())
    } else {
        HASHER.hash_one(text)
    };
    (hash as u32).max(1)
}

/// One hash of two; none where either is none.
pub fn both(one: u32, other: u32) -> u32 {
    if one == NONE || other == NONE {
        return NONE;
    }
    ((u64::from(one).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16) as u32 ^ other.rotate_left(7)).max(1)
}

/// The hash of a unique id, with the session name where it holds one.
pub fn principal(text: &str) -> u32 {
    text.split_once(':').map_or_else(|| word(text), |(id, name)| both(word(id), word(name)))
}

/// The hash of a role by account and name, whose path is left out.
pub fn role(arn: &str) -> u32 {
    both(word(arn::account(arn).unwrap_or_default()), word(arn::name(arn).unwrap_or_default()))
}

fn shown_role(text: &str) -> u32 {
    arn::role_of_assumed(text).map_or(NONE, |shown| both(word(shown.account), word(shown.role_name)))
}

/// What kind of caller a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A role's or federated user's session.
    Session,
    /// A user or root, with a key of their own or a temporary one.
    User,
    /// An outside account, which shows a principal id alone.
    Outside,
    /// A service, a federated subject, anybody else.
    Other,
}

fn who(kind: &str) -> u32 {
    match kind {
        "AssumedRole" | "FederatedUser" => 0,
        "IAMUser" | "Root" => 1,
        "AWSAccount" => 2,
        _ => 3,
    }
}

const WHO: [Who; 4] = [Who::Session, Who::User, Who::Outside, Who::Other];

/// What both tables show of a caller.
#[derive(Debug, Default)]
pub struct Callers {
    kind: Vec<u32>,
    /// Temporary keys.
    pub key: Vec<u32>,
    /// The role's session: account, role and session name.
    pub group: Vec<u32>,
    /// The unique id, with the session name where it holds one.
    pub principal: Vec<u32>,
    /// For sessions: whether the key was issued nowhere, or more than once, so that other things must tell whose it is.
    pub unsure: Vec<bool>,
    /// When the credentials were issued; [`i64::MIN`] where the record does not say.
    pub created: Vec<i64>,
}

impl Callers {
    /// What kind of caller.
    pub fn who(&self, row: usize) -> Who {
        WHO[self.kind[row] as usize & 3]
    }
}

/// `credential_calls`.
#[derive(Debug, Default)]
pub struct Calls {
    /// When.
    pub at: Vec<i64>,
    /// 1 for an issue, 2 for a record of a person's own address, 3 for a revocation, 0 for the rest.
    pub kind: Vec<u32>,
    /// The issued key.
    pub key: Vec<u32>,
    /// The issued session: account, role and session name.
    pub target: Vec<u32>,
    /// The role's unique id with the session name.
    pub target_id: Vec<u32>,
    /// The role.
    pub role: Vec<u32>,
    /// Whether AWS's own address hides the person's.
    pub hidden: Vec<bool>,
    /// Who asked.
    pub callers: Callers,
    /// Everything that a name can be, one list a column.
    pub words: [Vec<u32>; 16],
}

/// `activity`.
#[derive(Debug, Default)]
pub struct Uses {
    /// The first call.
    pub first: Vec<i64>,
    /// The last.
    pub last: Vec<i64>,
    /// Who called.
    pub callers: Callers,
    /// The program, letters' case aside.
    pub program: Vec<u32>,
    /// Everything that a name can be, one list a column.
    pub words: [Vec<u32>; 8],
}

/// All rows of both tables.
#[derive(Debug, Default)]
pub struct Index {
    /// `credential_calls`.
    pub calls: Calls,
    /// `activity`.
    pub uses: Uses,
}

/// A text column, each different text of a dictionary looked at once.
fn mapped(batch: &RecordBatch, name: &str, of: impl Fn(&str) -> u32) -> Result<Vec<u32>> {
    if let Some(coded) = batch.column_by_name(name).and_then(|column| column.as_dictionary_opt::<Int32Type>())
        && let Some(values) = coded.values().as_string_opt::<i32>()
    {
        let known: Vec<u32> =
            (0..values.len()).map(|row| if values.is_valid(row) { of(values.value(row)) } else { NONE }).collect();
        let keys = coded.keys();
        let one = |row| {
            if keys.is_valid(row) { known.get(keys.value(row) as usize).copied().unwrap_or(NONE) } else { NONE }
        };
        return Ok((0..batch.num_rows()).map(one).collect());
    }
    let plain = text_column(batch, name)?;
    Ok((0..batch.num_rows()).map(|row| if plain.is_valid(row) { of(plain.value(row)) } else { NONE }).collect())
}

fn times(batch: &RecordBatch, name: &str) -> Result<Vec<i64>> {
    let column: TimestampMicrosecondArray = typed(batch, name, &Type::Time.arrow())?;
    Ok((0..column.len()).map(|row| if column.is_valid(row) { column.value(row) } else { i64::MIN }).collect())
}

fn pairs(one: &[u32], other: &[u32]) -> Vec<u32> {
    one.iter().zip(other).map(|(one, other)| both(*one, *other)).collect()
}

fn either(one: Vec<u32>, other: &[u32]) -> Vec<u32> {
    one.into_iter().zip(other).map(|(one, other)| if one == NONE { *other } else { one }).collect()
}

impl Callers {
    fn add(&mut self, batch: &RecordBatch, names: &Columns) -> Result<()> {
        let federated = word(FEDERATED);
        let session = mapped(batch, names.session, word)?;
        let roles = either(mapped(batch, names.issuer, role)?, &mapped(batch, names.arn, shown_role)?);
        let group = either(
            pairs(&roles, &session),
            &mapped(batch, names.arn, |text| match text.contains(":federated-user/") {
                true => both(
                    both(word(arn::account(text).unwrap_or_default()), federated),
                    word(arn::name(text).unwrap_or_default()),
                ),
                false => NONE,
            })?,
        );
        self.group.extend(group);
        self.kind.extend(mapped(batch, names.kind, who)?);
        self.key.extend(mapped(batch, names.key, |text| if text.starts_with("AKIA") { NONE } else { word(text) })?);
        self.principal.extend(mapped(batch, names.principal, principal)?);
        self.created.extend(times(batch, names.created)?);
        // Missing kinds are none of the four.
        let from = self.key.len() - batch.num_rows();
        let nobody = mapped(batch, names.kind, |_| 1)?;
        self.kind[from..].iter_mut().zip(nobody).for_each(|(kind, there)| {
            if there == NONE {
                *kind = 3;
            }
        });
        Ok(())
    }
}

impl Callers {
    fn reserve(&mut self, rows: usize) {
        for column in [&mut self.kind, &mut self.key, &mut self.group, &mut self.principal] {
            column.reserve(rows);
        }
        self.created.reserve(rows);
    }

    /// Which of the sessions' keys `issued` does not tell.
    fn settle(&mut self, issued: &HashMap<u32, (i64, bool)>) {
        let Self { kind, key, unsure, .. } = self;
        let told = |key: &u32| issued.get(key).is_some_and(|(_, several)| !several);
        *unsure = kind.iter().zip(key).map(|(kind, key)| *kind == 0 && !told(key)).collect();
    }

    fn append(&mut self, more: Self) {
        let Self { kind, key, group, principal, unsure, created } = more;
        self.kind.extend(kind);
        self.key.extend(key);
        self.group.extend(group);
        self.principal.extend(principal);
        self.unsure.extend(unsure);
        self.created.extend(created);
    }
}

fn append<const N: usize>(known: &mut [Vec<u32>; N], more: [Vec<u32>; N]) {
    known.iter_mut().zip(more).for_each(|(known, more)| known.extend(more));
}

fn unique(text: &str) -> u32 {
    word(text.split(':').next().unwrap_or_default())
}

impl Index {
    /// With room for so many rows of `credential_calls` and `activity`: lists this long grow by copies of themselves otherwise.
    pub fn with_room(calls: usize, uses: usize) -> Self {
        let mut room = Self::default();
        let Calls { at, kind, key, target, target_id, role, hidden, callers, words } = &mut room.calls;
        [kind, key, target, target_id, role].into_iter().chain(words).for_each(|column| column.reserve(calls));
        at.reserve(calls);
        hidden.reserve(calls);
        callers.reserve(calls);
        let Uses { first, last, callers, program, words } = &mut room.uses;
        [program].into_iter().chain(words).for_each(|column| column.reserve(uses));
        [first, last].into_iter().for_each(|column| column.reserve(uses));
        callers.reserve(uses);
        room
    }

    /// Adds the rows of another index behind its own.
    pub fn append(&mut self, more: Self) {
        let Calls { at, kind, key, target, target_id, role, hidden, callers, words } = more.calls;
        let calls = &mut self.calls;
        calls.at.extend(at);
        calls.kind.extend(kind);
        calls.key.extend(key);
        calls.target.extend(target);
        calls.target_id.extend(target_id);
        calls.role.extend(role);
        calls.hidden.extend(hidden);
        calls.callers.append(callers);
        append(&mut calls.words, words);
        let Uses { first, last, callers, program, words } = more.uses;
        let uses = &mut self.uses;
        uses.first.extend(first);
        uses.last.extend(last);
        uses.callers.append(callers);
        uses.program.extend(program);
        append(&mut uses.words, words);
    }

    /// Settles which keys are known from their issue; to be called once all rows are there.
    pub fn settle(&mut self) {
        let mut issued: HashMap<u32, (i64, bool)> = HashMap::with_capacity(self.calls.key.len());
        for (row, &key) in self.calls.key.iter().enumerate().filter(|(_, key)| **key != NONE) {
            let at = self.calls.at[row];
            let known = issued.entry(key).or_insert((at, false));
            known.1 |= known.0 != at;
        }
        std::thread::scope(|scope| {
            for callers in [&mut self.calls.callers, &mut self.uses.callers] {
                let issued = &issued;
                scope.spawn(move || callers.settle(issued));
            }
        });
    }

    /// Adds rows of `credential_calls`, with at least the columns [`CALLS`].
    ///
    /// # Errors
    /// An internal error where a column has another type than the table's.
    pub fn calls(&mut self, batch: &RecordBatch) -> Result<()> {
        let calls = &mut self.calls;
        calls.callers.add(batch, &OF_CALLS)?;
        let kinds = mapped(batch, "kind", |text| match text {
            "issue" => 1,
            "portal" | "switch" | "sign_in" => 2,
            "revocation" => 3,
            _ => NONE,
        })?;
        let session = mapped(batch, "session_name", word)?;
        let roles = mapped(batch, "role_arn", role)?;
        // A federated user has no role; the caller's account is its own.
        let accounts = mapped(batch, "caller_account", |text| both(word(text), word(FEDERATED)))?;
        let federated: Vec<u32> =
            roles.iter().zip(accounts).map(|(role, own)| if *role == NONE { own } else { *role }).collect();
        calls.target.extend(pairs(&federated, &session));
        calls.target_id.extend(pairs(&mapped(batch, "role_id", word)?, &session));
        calls.hidden.extend(
            mapped(batch, "source_ip_address", |text| u32::from(ip::parse(text).is_none()))?
                .into_iter()
                .zip(mapped(batch, "caller_type", |text| u32::from(text == "AWSService"))?)
                .map(|(hidden, service)| hidden == 1 && service == 0),
        );
        calls.at.extend(times(batch, "event_time")?);
        calls.key.extend(mapped(batch, "key_id", word)?);
        calls.role.extend(mapped(batch, "role_arn", word)?);
        calls.kind.extend(kinds);
        let outside = mapped(batch, "caller_type", |text| u32::from(text == "AWSAccount"))?;
        let accounts = mapped(batch, "caller_account", word)?;
        let outside = outside.iter().zip(accounts).map(|(outside, account)| if *outside == 1 { account } else { NONE });
        let columns: [Vec<u32>; 16] = [
            mapped(batch, "caller_arn", word)?,
            mapped(batch, "caller_arn", |text| word(arn::name(text).unwrap_or_default()))?,
            session,
            mapped(batch, "subject", word)?,
            mapped(batch, "provider", word)?,
            mapped(batch, "identity_provider", word)?,
            mapped(batch, "role_arn", word)?,
            mapped(batch, "role_arn", |text| word(arn::name(text).unwrap_or_default()))?,
            mapped(batch, "role_arn", |text| {
                word(arn::permission_set(arn::name(text).unwrap_or_default()).unwrap_or_default())
            })?,
            mapped(batch, "role_id", word)?,
            mapped(batch, "source_ip_address", word)?,
            mapped(batch, "invoked_by", word)?,
            mapped(batch, "caller_principal_id", word)?,
            mapped(batch, "source_identity", word)?,
            mapped(batch, "caller_key_id", |text| if text.starts_with("AKIA") { word(text) } else { NONE })?,
            outside.collect(),
        ];
        append(&mut calls.words, columns);
        Ok(())
    }

    /// Adds rows of `activity`, with at least the columns [`USES`].
    ///
    /// # Errors
    /// An internal error where a column has another type than the table's.
    pub fn uses(&mut self, batch: &RecordBatch) -> Result<()> {
        let uses = &mut self.uses;
        uses.callers.add(batch, &OF_ACTIVITY)?;
        uses.first.extend(times(batch, "first_at")?);
        uses.last.extend(times(batch, "last_at")?);
        uses.program.extend(mapped(batch, "user_agent", word)?);
        let columns: [Vec<u32>; 8] = [
            mapped(batch, "identity_arn", word)?,
            mapped(batch, "identity_arn", |text| word(arn::name(text).unwrap_or_default()))?,
            mapped(batch, "session_name", word)?,
            mapped(batch, "session_issuer_arn", word)?,
            mapped(batch, "identity_principal_id", unique)?,
            mapped(batch, "identity_principal_id", word)?,
            mapped(batch, "source_identity", word)?,
            mapped(batch, "source_ip_address", word)?,
        ];
        append(&mut uses.words, columns);
        Ok(())
    }
}
