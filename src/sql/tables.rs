//! The tables that a statement can name. A view is planned when it is first asked: most questions name few of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::config::Dialect;
use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::prelude::{DataFrame, SessionContext};

/// Tables, and the text of views that nobody asked yet.
pub struct Tables {
    known: MemorySchemaProvider,
    views: Mutex<BTreeMap<&'static str, &'static str>>,
    /// The session's state; `None` once the session is gone, which holds these tables.
    state: Box<dyn Fn() -> Option<SessionState> + Send + Sync>,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("names", &self.table_names()).finish_non_exhaustive()
    }
}

impl Tables {
    /// No tables yet, in the default schema of a session.
    ///
    /// # Errors
    /// The session has no default catalog.
    pub fn of(context: &SessionContext) -> Result<Arc<Self>> {
        let session = context.state_weak_ref();
        let state = Box::new(move || session.upgrade().map(|state| state.read().clone()));
        let tables = Arc::new(Self { known: MemorySchemaProvider::new(), views: Mutex::default(), state });
        let named = context.state().config_options().catalog.clone();
        let catalog = context.catalog(&named.default_catalog);
        let catalog = catalog.ok_or_else(|| DataFusionError::Internal("there is no default catalog".into()))?;
        catalog.register_schema(&named.default_schema, Arc::clone(&tables) as _)?;
        Ok(tables)
    }

    /// Adds a view, or one of that name anew. It is written in a dialect that can leave columns out of `*`, which questions are not.
    pub fn define(&self, name: &'static str, sql: &'static str) -> Result<()> {
        self.known.deregister_table(name)?;
        self.views().insert(name, sql);
        Ok(())
    }

    fn views(&self) -> MutexGuard<'_, BTreeMap<&'static str, &'static str>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = self.known.table_names().into_iter().collect();
        names.extend(self.views().keys().map(ToString::to_string));
        names.into_iter().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.known.table(name).await? {
            return Ok(Some(table));
        }
        let sql = self.views().get(name).copied();
        let (Some(sql), Some(state)) = (sql, (self.state)()) else { return Ok(None) };
        let statement = state.sql_to_statement(sql, &Dialect::DuckDB)?;
        let plan = state.statement_to_plan(statement).await?;
        let view = DataFrame::new(state, plan).into_view();
        // Where two ask at once, both have planned the same.
        _ = self.known.register_table(name.to_owned(), Arc::clone(&view));
        Ok(Some(view))
    }

    fn register_table(&self, name: String, table: Arc<dyn TableProvider>) -> Result<Option<Arc<dyn TableProvider>>> {
        if self.table_exist(&name) {
            return exec_err!("the table {name} already exists");
        }
        self.known.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.views().remove(name);
        self.known.deregister_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.known.table_exist(name) || self.views().contains_key(name)
    }
}
