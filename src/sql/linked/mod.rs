//! The computed tables: sessions, chains and what follows from them, made from `credential_calls` and `activity` at query time.
//!
//! Linking looks at all derived rows at once and is done once per question; a table builds only the columns a query reads.

pub(super) mod build;
mod caller;
mod edges;
mod events;
mod focus;
mod kept;
mod known;
mod links;
mod load;
mod meaning;
mod nearby;
mod plain;
mod provider;
mod sessions;
mod tables;

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::sts::link::Links;

use super::knowledge::Known;

pub use events::LinkedEvents;
pub use meaning::of as meaning;
pub use nearby::Asked;
pub use provider::{Computed, Derived, Inputs};

/// Everything the computed tables are built from.
pub struct Linked {
    links: Links,
    /// The batches of `credential_calls`, for the columns that are passed on as they are.
    calls: Vec<RecordBatch>,
    /// Per issue record of `links`: its batch and row in `calls`.
    issue_rows: Vec<(usize, usize)>,
    failures: Vec<load::Failure>,
    sign_ins: Vec<load::SignIn>,
    plain: plain::Plain,
    /// What the configuration says.
    told: Arc<Known>,
}
