//! The computed tables: sessions, chains and what follows from them, made from `credential_calls` and `activity` at query time.
//!
//! Linking looks at all derived rows at once and is done once per question; a table builds only the columns a query reads.

pub(super) mod build;
mod caller;
mod edges;
mod events;
mod focus;
mod known;
mod load;
mod nearby;
mod plain;
mod provider;
mod sessions;
mod tables;

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;

use crate::sts::link::Links;

use super::knowledge::Known;

pub use events::LinkedEvents;
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
    /// Finds callers by what events show of them; made when first asked.
    lookup: OnceLock<events::Lookup>,
    /// What the configuration says.
    told: Arc<Known>,
}

impl Linked {
    /// Finds callers by what events show of them.
    fn lookup(&self) -> &events::Lookup {
        self.lookup.get_or_init(|| events::Lookup::new(&self.links))
    }
}
