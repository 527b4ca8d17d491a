//! What a question needs of the derived rows: where it asks for one credential's story, the rows of that credential's time.
//!
//! Temporary credentials live 36 hours at most, so that whatever belongs to one lies within that time of it, and whatever
//! belongs to the one it came from as well. A chain that reaches out of the rows that were read is read on with more of them.

use std::collections::BTreeSet;

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::sts::unique_id;

use super::Linked;

/// The longest life of a temporary credential: 36 hours, in microseconds.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
const LONGEST: i64 = 36 * 3600 * 1_000_000;

/// How long before a credential the first of its chain mostly was issued; chains that go back further are read on. Twelve hours: the
/// longest life of a role session.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html>
const BEFORE: i64 = 12 * 3600 * 1_000_000;

/// What a question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Focus {
    /// Any session.
    Everything,
    /// The sessions of these temporary keys, issued or used.
    Keys(Vec<String>),
}

impl Focus {
    /// Reads it out of the filters of a scan of `sessions`, all of which hold for every row that is asked for.
    pub fn of(filters: &[Expr]) -> Self {
        filters.iter().find_map(keys).map_or(Focus::Everything, Focus::Keys)
    }

    /// Whether a filter says which keys are asked for.
    pub fn takes(filter: &Expr) -> bool {
        keys(filter).is_some()
    }
}

/// The only keys that a filter lets through; `None` where others may pass too.
fn keys(filter: &Expr) -> Option<Vec<String>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => Some([keys(left)?, keys(right)?].concat()),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => keys(left).or_else(|| keys(right)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (&**left, &**right) {
            (Expr::Column(column), value) | (value, Expr::Column(column)) if is(column, "session_id") => {
                texts(value).filter(|found| found.iter().all(|key| is_temporary(key)))
            }
            _ => None,
        },
        Expr::InList(InList { expr, list, negated: false }) if matches!(&**expr, Expr::Column(c) if is(c, "session_id")) =>
        {
            let found: Vec<Vec<String>> = list.iter().map(texts).collect::<Option<_>>()?;
            Some(found.concat()).filter(|found| found.iter().all(|key| is_temporary(key)))
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "array_has" => match args.as_slice() {
            [Expr::Column(list), value] if is(list, "used_key_ids") => {
                texts(value).filter(|found| found.iter().all(|key| is_temporary(key)))
            }
            [list, Expr::Column(value)] if is(value, "session_id") => {
                texts(list).filter(|found| found.iter().all(|key| is_temporary(key)))
            }
            _ => None,
        },
        Expr::Literal(ScalarValue::Boolean(Some(false)), _) => Some(Vec::new()),
        _ => None,
    }
}

fn is(column: &Column, name: &str) -> bool {
    column.name == name
}

/// The texts of a literal: of a text itself, or of a list.
fn texts(value: &Expr) -> Option<Vec<String>> {
    let Expr::Literal(value, _) = value else { return None };
    match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            Some(vec![text.clone()?])
        }
        ScalarValue::List(list) => {
            let values = list.values();
            (0..values.len())
                .map(|row| texts(&Expr::Literal(ScalarValue::try_from_array(values, row).ok()?, None)))
                .collect::<Option<Vec<_>>>()
                .map(|found| found.concat())
        }
        _ => None,
    }
}

/// Whether a text is a temporary access key as AWS writes them. A long-term key's story has no end.
fn is_temporary(key: &str) -> bool {
    key.len() >= 16
        && unique_id::kind(key) == Some("temporary_key")
        && key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A stretch of time that derived rows are read of, both ends included; microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub from: i64,
    /// Its last moment.
    pub to: i64,
}

impl Window {
    /// All time.
    pub const ALL: Window = Window { from: i64::MIN, to: i64::MAX };

    /// Whether nothing lies in it.
    pub fn is_empty(self) -> bool {
        self.to < self.from
    }

    /// Everything that can belong to credentials that were seen from the first to the last of these moments.
    pub fn around((first, last): (i64, i64)) -> Self {
        Self { from: first.saturating_sub(LONGEST + BEFORE), to: last.saturating_add(LONGEST) }
    }

    /// The same with ten more days before it; after two tries, all time.
    pub fn wider(self, tries: usize) -> Self {
        if tries < 2 { Self { from: self.from.saturating_sub(10 * 24 * 3600 * 1_000_000), ..self } } else { Self::ALL }
    }
}

impl Linked {
    /// The sessions that these keys were issued for or used with, in order.
    pub(super) fn of_keys(&self, keys: &[String]) -> Vec<usize> {
        let wanted: Vec<_> = keys.iter().filter_map(|key| self.links.names.find(key)).collect();
        let issued =
            self.links.sessions.iter().enumerate().filter(|(_, s)| wanted.contains(&s.id) || wanted.contains(&s.key));
        let mut found: BTreeSet<usize> = issued.map(|(place, _)| place).collect();
        found.extend(
            (0..self.links.callers.len())
                .filter(|&place| wanted.contains(&self.links.callers[place].caller.key))
                .filter_map(|place| self.links.session_of(place)),
        );
        found.into_iter().collect()
    }

    /// Whether everything that decides about the sessions of `keys` lies within the window that was read: each chain ends at
    /// somebody who is no session, or at a credential whose issue would have been in the window. `None` where no session is theirs.
    pub(super) fn is_whole(&self, keys: &[String], window: Window) -> Option<bool> {
        let found = self.of_keys(keys);
        if found.is_empty() {
            return None;
        }
        // What begins within the first 36 hours may have come from before, or be one of several that fit.
        let known_from = window.from.saturating_add(LONGEST);
        let decided = |place: usize| {
            let session = &self.links.sessions[place];
            let begun = session.issued_at.or(session.first_at).unwrap_or(i64::MIN);
            // A user who is known by the unique id alone may show the ARN at any time. Its calls may go on for as long as it lives.
            window.from == i64::MIN
                || begun >= known_from
                    && begun.saturating_add(LONGEST) <= window.to
                    && session.origin.kind != "outside_principal"
        };
        Some(found.iter().all(|&place| decided(place) && self.above(place).into_iter().all(decided)))
    }
}
