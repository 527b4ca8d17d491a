//! The lake as it is now: re-read as new ingests commit, while every statement sees one version of all tables.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::lake::store::{Lake, LakeOptions};
use crate::source::Filters;
use crate::sql::session::Engine;
use crate::sql::setup::Setup;

/// How often a statement looks whether the lake has grown.
const EVERY: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The version of the lake that the running statement sees.
    static PINNED: Arc<Snapshot>;
}

/// Which lake is served, and how.
#[derive(Debug, Clone)]
pub struct LakeToServe {
    /// The folder or s3:// location.
    pub location: String,
    /// How a lake on S3 is reached.
    pub options: LakeOptions,
    /// What the tables show.
    pub filters: Filters,
    /// What the configuration says.
    pub setup: Setup,
}

/// The lake at one version of each table.
struct Snapshot {
    lake: Lake,
    tables: HashMap<String, Arc<dyn TableProvider>>,
}

impl Snapshot {
    async fn open(what: &LakeToServe) -> Result<Self> {
        let lake = Lake::open(&what.location, &what.options).await?;
        let engine = Engine::over_lake(&lake, &what.filters, what.setup.clone()).await?;
        let mut tables = HashMap::new();
        for name in engine.tables_known() {
            let table = engine.table(&name).await?;
            tables.insert(name, table);
        }
        Ok(Self { lake, tables })
    }

    fn table(&self, name: &str) -> DataFusionResult<&Arc<dyn TableProvider>> {
        self.tables.get(name).ok_or_else(|| {
            let gone = Error::input(format!("the lake has no table '{name}' any more"));
            DataFusionError::External(Box::new(gone))
        })
    }
}

/// A lake that is served.
pub struct Served {
    what: LakeToServe,
    current: RwLock<Arc<Snapshot>>,
    looked: Mutex<Instant>,
}

impl Served {
    /// Opens the lake.
    ///
    /// # Errors
    /// Where there is no lake, or it cannot be read.
    pub async fn open(what: LakeToServe) -> Result<Arc<Self>> {
        let current = RwLock::new(Arc::new(Snapshot::open(&what).await?));
        Ok(Arc::new(Self { what, current, looked: Mutex::new(Instant::now()) }))
    }

    /// What the configuration says.
    pub fn setup(&self) -> &Setup {
        &self.what.setup
    }

    fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something with the newest version of the lake, and that one only.
    pub async fn pinned<T>(&self, work: impl Future<Output = T>) -> T {
        self.renew().await;
        PINNED.scope(self.current(), work).await
    }

    /// Takes in what was committed since. Where the lake cannot be read for a moment, what is known of it goes on to be served.
    async fn renew(&self) {
        // Whoever comes while another looks takes what there is.
        let Ok(mut looked) = self.looked.try_lock() else { return };
        if looked.elapsed() < EVERY {
            return;
        }
        let fresh = async {
            match self.current().lake.has_newer().await? {
                true => Snapshot::open(&self.what).await.map(Some),
                false => Ok(None),
            }
        };
        match fresh.await {
            Ok(Some(fresh)) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("the lake could not be read anew: {error}"),
        }
        *looked = Instant::now();
    }

    /// A table for each that the lake has.
    pub fn tables(self: &Arc<Self>) -> Vec<(String, Arc<dyn TableProvider>)> {
        let current = self.current();
        let live = |(name, table): (&String, &Arc<dyn TableProvider>)| {
            let live =
                Live { name: name.clone(), schema: table.schema(), kind: table.table_type(), served: Arc::clone(self) };
            (name.clone(), Arc::new(live) as Arc<dyn TableProvider>)
        };
        current.tables.iter().map(live).collect()
    }
}

/// A table that looks through to the version that the running statement sees.
struct Live {
    name: String,
    schema: SchemaRef,
    kind: TableType,
    served: Arc<Served>,
}

impl Live {
    fn snapshot(&self) -> Arc<Snapshot> {
        PINNED.try_with(Arc::clone).unwrap_or_else(|_| self.served.current())
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("table", &self.name).finish()
    }
}

#[async_trait]
impl TableProvider for Live {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        self.kind
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.snapshot().table(&self.name)?.scan(state, projection, filters, limit).await
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        self.snapshot().table(&self.name)?.supports_filters_pushdown(filters)
    }
}
