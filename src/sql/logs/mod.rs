//! Log files as tables, with nothing stored: `events` streams out of the objects, and the derived rows and the ledger are made
//! by one pass over them when a question first needs them.
//!
//! Every event comes once, whichever objects hold it. What cannot be read is kept in the books; a question that reads only
//! part of the objects (LIMIT) books only that part.

mod books;
mod derived;
mod held;
mod scan;
mod seen;
mod wanted;
mod work;

use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use tokio::sync::OnceCell;

use crate::cloudtrail::Limits;
use crate::error::{Error, Result};
use crate::source::{Filters, Found, Object, Source};

use held::Held;

pub use books::Books;
pub use derived::{DerivedRows, LedgerRows, Pass};
pub use scan::RawEvents;

/// Log files that questions are asked of.
pub struct Logs {
    sources: Vec<Source>,
    /// What is listed: wider than what is asked for, because linking looks back.
    filters: Filters,
    limits: Limits,
    objects: OnceCell<Arc<Vec<Listed>>>,
    books: Mutex<Books>,
    /// The lake beside which they are read; what it holds is passed over.
    held: Option<Held>,
}

/// An object and the source that reads it.
#[derive(Clone)]
pub struct Listed {
    source: Source,
    object: Object,
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").field("sources", &self.sources.len()).finish()
    }
}

impl Logs {
    /// Log files of `sources`, as far as `filters` let them be pruned.
    ///
    /// An object may hold `max_object` bytes once decompressed; `None` for the usual.
    pub fn new(sources: Vec<Source>, filters: Filters, max_object: Option<u64>) -> Arc<Self> {
        Arc::new(Self::beside(None, sources, filters, max_object))
    }

    fn beside(held: Option<Held>, sources: Vec<Source>, filters: Filters, max_object: Option<u64>) -> Self {
        let usual = Limits::default();
        let limits = Limits { max_decompressed: max_object.unwrap_or(usual.max_decompressed), ..usual };
        let books = Mutex::new(Books::default());
        Self { sources, filters, limits, objects: OnceCell::new(), books, held }
    }

    /// Lists the objects, once.
    ///
    /// # Errors
    /// Where nothing of a source can be listed.
    pub async fn objects(&self) -> Result<Arc<Vec<Listed>>> {
        let listed = self.objects.get_or_try_init(|| async {
            let mut objects = Vec::new();
            for source in &self.sources {
                let mut found = source.list(&self.filters);
                let (mut first_failure, before) = (None, objects.len());
                let mut seen = 0_u64;
                while let Some(found) = found.next().await {
                    seen += 1;
                    match found {
                        Found::Object(object) | Found::Archived(object)
                            if self.held.as_ref().is_some_and(|held| held.knows(&object)) =>
                        {
                            self.books(|books| books.known += 1);
                        }
                        Found::Object(object) => objects.push(Listed { source: source.clone(), object }),
                        Found::Failed { uri, error } => {
                            self.books(|books| books.failed(&uri, &error));
                            first_failure.get_or_insert(error);
                        }
                        Found::Archived(object) => self.books(|books| books.archived(&object.uri)),
                        Found::NotCloudTrail { .. } => self.books(|books| books.not_cloudtrail += 1),
                        Found::Pruned(_) => self.books(|books| books.pruned += 1),
                    }
                }
                if let (Some(error), true) = (first_failure, objects.len() == before && seen == 1) {
                    return Err(error);
                }
            }
            self.books(|books| books.listed = Some(objects.len()));
            Ok(Arc::new(objects))
        });
        listed.await.cloned()
    }

    /// Works with the books.
    fn books<T>(&self, work: impl FnOnce(&mut Books) -> T) -> T {
        work(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What has been read so far.
    pub fn books_so_far(&self) -> Books {
        self.books(|books| books.clone())
    }

    /// What the sources are, for messages.
    pub fn describe(&self) -> String {
        self.sources.iter().map(Source::describe).collect::<Vec<_>>().join(", ")
    }
}

/// The error of a thread that could not be waited for.
fn lost(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("reading the logs was cut off").source(error)
}
