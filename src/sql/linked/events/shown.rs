//! What a batch of events shows of its callers.

use std::hash::BuildHasher;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::error::{DataFusionError, Result};
use hashbrown::DefaultHashBuilder;

use crate::lake::schema::Type;
use crate::sts::link::{Caller, Seen};
use crate::sts::names::{Name, Names};

/// The columns of `events` that tell its caller: seven texts, the credential's creation date, and the event's time, which counts
/// where neither key nor creation date tell the session.
pub const COLUMNS: [&str; 9] = [
    "identity_type",
    "identity_arn",
    "identity_account_id",
    "identity_principal_id",
    "access_key_id",
    "session_issuer_arn",
    "session_name",
    "session_created_at",
    "event_time",
];

/// How many of them are text.
const TEXTS: usize = 7;

/// Which of them is the key.
const KEY: usize = 4;

/// These columns of a batch.
pub struct Shown {
    texts: [StringViewArray; TEXTS],
    created: TimestampMicrosecondArray,
    at: TimestampMicrosecondArray,
}

impl Shown {
    /// Of a batch's columns, in the order of [`COLUMNS`].
    ///
    /// # Errors
    /// They have other types.
    pub fn of(columns: &[ArrayRef]) -> Result<Self> {
        let misfit = || DataFusionError::Internal("events do not show their callers".into());
        let [texts @ .., created, at] = columns else { return Err(misfit()) };
        let texts: Vec<StringViewArray> = texts
            .iter()
            .map(|text| Ok(cast(text, &DataType::Utf8View)?.as_string_view().clone()))
            .collect::<Result<_>>()?;
        let time = |column: &ArrayRef| -> Result<TimestampMicrosecondArray> {
            let column = cast(column, &Type::Time.arrow())?;
            column.as_primitive_opt::<TimestampMicrosecondType>().cloned().ok_or_else(misfit)
        };
        let texts = <[StringViewArray; TEXTS]>::try_from(texts).map_err(|_| misfit())?;
        Ok(Self { texts, created: time(created)?, at: time(at)? })
    }

    /// A hash of each row's caller.
    pub fn hashes(&self, hasher: &DefaultHashBuilder) -> Vec<u64> {
        let mut hashes = vec![0; self.at.len()];
        for texts in &self.texts {
            // Rows of one caller, and more so of one account or role, mostly stand side by side.
            let mut latest = (0, 0);
            for (row, hash) in hashes.iter_mut().enumerate() {
                let view = if texts.is_valid(row) { texts.views()[row] } else { 0 };
                if view != latest.0 {
                    latest = (view, of_text(hasher, text(texts, row)));
                }
                *hash = mixed(*hash, latest.1);
            }
        }
        for (row, hash) in hashes.iter_mut().enumerate() {
            *hash = mixed(mixed(*hash, of_time(self.created(row))), of_time(self.exact(row)));
        }
        hashes
    }

    /// Whether two rows show the same caller.
    pub fn same(&self, one: usize, other: usize) -> bool {
        let same = |texts: &StringViewArray| {
            texts.views()[one] == texts.views()[other] || text(texts, one) == text(texts, other)
        };
        self.texts.iter().all(|texts| texts.is_valid(one) == texts.is_valid(other) && same(texts))
            && self.created(one) == self.created(other)
            && self.exact(one) == self.exact(other)
    }

    /// Whether a row shows this caller.
    pub fn is(&self, row: usize, names: &Names, seen: &Seen) -> bool {
        let caller = &seen.caller;
        let known = told(caller);
        self.created(row) == caller.created_at
            && self.exact(row) == seen.exact_time
            && self.texts.iter().zip(known).all(|(texts, known)| text(texts, row) == names.text(known))
    }

    fn created(&self, row: usize) -> Option<i64> {
        self.created.is_valid(row).then(|| self.created.value(row))
    }

    /// The event's time, where only that tells.
    fn exact(&self, row: usize) -> Option<i64> {
        let told = self.created.is_valid(row) || !text(&self.texts[KEY], row).is_empty();
        (!told).then(|| self.at.value(row))
    }
}

/// What tells a caller, in the order of [`COLUMNS`].
fn told(caller: &Caller) -> [Name; TEXTS] {
    let Caller { kind, arn, account, principal, key, issuer_arn, session_name, .. } = *caller;
    [kind, arn, account, principal, key, issuer_arn, session_name]
}

/// The text, else an empty one.
fn text(texts: &StringViewArray, row: usize) -> &str {
    if texts.is_valid(row) { texts.value(row) } else { "" }
}

fn of_text(hasher: &DefaultHashBuilder, text: &str) -> u64 {
    if text.is_empty() { 0 } else { hasher.hash_one(text) }
}

fn of_time(time: Option<i64>) -> u64 {
    time.map_or(0, |time| time as u64 ^ 0x51)
}

fn mixed(hash: u64, other: u64) -> u64 {
    (hash.rotate_left(29) ^ other).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The hash of a caller, as [`Shown::hashes`] makes it of a row that shows it.
pub fn hash(hasher: &DefaultHashBuilder, names: &Names, seen: &Seen) -> u64 {
    let caller = &seen.caller;
    let texts = told(caller);
    let hash = texts.iter().fold(0, |hash, &name| mixed(hash, of_text(hasher, names.text(name))));
    mixed(mixed(hash, of_time(caller.created_at)), of_time(seen.exact_time))
}
