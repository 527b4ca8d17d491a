//! What a batch of events shows of its callers.

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::error::{DataFusionError, Result};

use crate::lake::schema::Type;

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

/// Groups of rows that are remembered at a time: a batch has fewer callers.
const SLOTS: usize = 4096;

/// Room for work on one batch, used again for the next.
#[derive(Debug, Default)]
pub struct Room {
    marks: Vec<u64>,
    slots: Vec<u32>,
    /// What one row shows.
    pub spelt: Vec<u8>,
}

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

    /// Rows that show the same caller at the same place: the first row of each group, and per row its group. One caller may have
    /// several groups; a group has one caller.
    pub fn groups(&self, room: &mut Room) -> (Vec<u32>, Vec<u32>) {
        self.mark(&mut room.marks);
        let (marks, slots) = (&room.marks, &mut room.slots);
        slots.clear();
        slots.resize(SLOTS, u32::MAX);
        let mut firsts: Vec<u32> = Vec::new();
        let mut rows = Vec::with_capacity(marks.len());
        for (row, &mark) in marks.iter().enumerate() {
            let slot = &mut slots[(mark >> 32) as usize % SLOTS];
            let first = firsts.get(*slot as usize).map(|&first| first as usize);
            if !first.is_some_and(|first| marks[first] == mark && self.stand_alike(first, row)) {
                *slot = firsts.len() as u32;
                firsts.push(row as u32);
            }
            rows.push(*slot);
        }
        (firsts, rows)
    }

    /// A hash of where each row's texts stand, and of its times: equal texts of a batch mostly stand at one place.
    fn mark(&self, marks: &mut Vec<u64>) {
        marks.clear();
        marks.resize(self.at.len(), 0);
        for texts in &self.texts {
            let stands = |view: u128| (view as u64).rotate_left(23) ^ (view >> 64) as u64;
            let views = marks.iter_mut().zip(texts.views());
            match texts.nulls() {
                None => views.for_each(|(mark, &view)| *mark = mixed(*mark, stands(view))),
                Some(valid) => views.zip(valid.iter()).for_each(|((mark, &view), is_valid)| {
                    *mark = mixed(*mark, if is_valid { stands(view) } else { 0 });
                }),
            }
        }
        for (row, mark) in marks.iter_mut().enumerate() {
            *mark = mixed(mixed(*mark, of_time(self.created(row))), of_time(self.exact(row)));
        }
    }

    /// Whether two rows have the same texts at the same places, and the same times.
    fn stand_alike(&self, one: usize, other: usize) -> bool {
        let view = |texts: &StringViewArray, row: usize| if texts.is_valid(row) { texts.views()[row] } else { 0 };
        self.texts.iter().all(|texts| view(texts, one) == view(texts, other))
            && self.created(one) == self.created(other)
            && self.exact(one) == self.exact(other)
    }

    /// Adds all that a row shows to `bytes`: rows that show the same add the same, and no others do.
    pub fn spell(&self, row: usize, bytes: &mut Vec<u8>) {
        for texts in &self.texts {
            let text = text(texts, row);
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        for time in [self.created(row), self.exact(row)] {
            bytes.push(u8::from(time.is_some()));
            bytes.extend_from_slice(&time.unwrap_or_default().to_le_bytes());
        }
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

/// The text, else an empty one.
fn text(texts: &StringViewArray, row: usize) -> &str {
    if texts.is_valid(row) { texts.value(row) } else { "" }
}

fn of_time(time: Option<i64>) -> u64 {
    time.map_or(0, |time| time as u64 ^ 0x51)
}

fn mixed(hash: u64, other: u64) -> u64 {
    (hash.rotate_left(29) ^ other).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
