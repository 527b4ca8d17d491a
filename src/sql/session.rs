//! The engine: a DataFusion session with rolecall's tables, views and functions, over a lake or over log files.
//!
//! Read-only: no statement writes, sets an option or reads a file that the tables do not stand for.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::config::Dialect;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::TrackConsumersPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, col};

use crate::error::{Error, Result};
use crate::lake::schema::{
    ACTIVITY, CREDENTIAL_CALLS, DAILY, EVENTS, FINDINGS, INTEGRITY, LATER, LEDGER, NIGHTS, Table, VERDICTS,
};
use crate::lake::store::{Lake, LakeOptions};
use crate::lake::{integrity, ledger};
use crate::source::{Filters, Source};

use super::linked::{Asked, Computed, Derived, Inputs, LinkedEvents, meaning};
use super::logs::{Books, DerivedRows, LedgerRows, Logs, Pass, RawEvents};
use super::pool::Pool;
use super::schema::{COMPUTED, LINKED_EVENTS};
use super::setup::Setup;
use super::tables::Tables;
use super::{binding, enrich, functions, known, mistake, period, sorted_joins, yielding};

/// How far linking looks beyond the time asked for: the longest life of a temporary credential, 36 hours.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
const LOOK_AROUND: i64 = 36 * 3600 * 1_000_000;

/// The memory that queries share before they spill to disk, where nobody says otherwise.
const MEMORY: usize = 2 << 30;

/// Linking fewer derived rows than these takes no longer than a person notices.
pub const WORTH_KEEPING: usize = 100_000;

/// The views, in the order in which they build on each other.
const VIEWS: [(&str, &str); 13] = [
    ("session_events", include_str!("../../queries/views/10-session_events.sql")),
    ("unlinked", include_str!("../../queries/views/20-unlinked.sql")),
    ("coverage", include_str!("../../queries/views/30-coverage.sql")),
    ("coverage_gaps", include_str!("../../queries/views/31-coverage_gaps.sql")),
    ("account_coverage", include_str!("../../queries/views/32-account_coverage.sql")),
    ("missing_accounts", include_str!("../../queries/views/33-missing_accounts.sql")),
    ("unknown_fields", include_str!("../../queries/views/34-unknown_fields.sql")),
    ("faults", include_str!("../../queries/views/35-faults.sql")),
    ("evidence", include_str!("../../queries/views/40-evidence.sql")),
    ("addresses", include_str!("../../queries/views/50-addresses.sql")),
    ("session_names", include_str!("../../queries/views/60-session_names.sql")),
    ("session_name_patterns", include_str!("../../queries/views/61-session_name_patterns.sql")),
    ("period", include_str!("../../queries/views/70-period.sql")),
];

/// The SQL of a view.
pub fn view_sql(name: &str) -> Option<&'static str> {
    VIEWS.iter().find(|(view, _)| *view == name).map(|(_, sql)| *sql)
}

/// Answers questions.
pub struct Engine {
    context: SessionContext,
    tables: Arc<Tables>,
    logs: Option<Arc<Logs>>,
    setup: Setup,
    /// The time that linking sees, where it is not all of it: microseconds, both ends included.
    span: Option<(i64, i64)>,
    /// What the computed tables are built from.
    inputs: OnceLock<Arc<Inputs>>,
}

impl Engine {
    /// Over a lake. `filters` narrow what the tables show, not what linking sees.
    ///
    /// # Errors
    /// Where there is no lake, or it cannot be read.
    pub async fn open_lake(location: &str, options: &LakeOptions, filters: &Filters) -> Result<Self> {
        Self::over_lake(&Lake::open(location, options).await?, filters, Setup::default()).await
    }

    /// The same over an opened lake, with what the configuration says.
    ///
    /// # Errors
    /// Where the lake's tables cannot be read.
    pub async fn over_lake(lake: &Lake, filters: &Filters, setup: Setup) -> Result<Self> {
        Self::over_stored(lake, None, filters, setup, None).await
    }

    /// The same, where linking sees only what happened from the first to the last of these moments: its cost is that of the
    /// span, however much the lake holds.
    ///
    /// # Errors
    /// Where the lake's tables cannot be read.
    pub async fn over_span(lake: &Lake, filters: &Filters, setup: Setup, span: Option<(i64, i64)>) -> Result<Self> {
        Self::over_stored(lake, None, filters, setup, span).await
    }

    /// Over a lake, and what `sources` hold that it does not; nothing is stored, and no event counts twice.
    ///
    /// # Errors
    /// Where the lake's tables cannot be read, or nothing of a source can be listed.
    pub async fn over_both(lake: &Lake, sources: Vec<Source>, filters: &Filters, setup: Setup) -> Result<Self> {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        let logs = Logs::since(lake, sources, wider(filters), setup.max_object, workers).await?;
        Self::over_stored(lake, Some(logs), filters, setup, None).await
    }

    async fn over_stored(
        lake: &Lake,
        fresh: Option<Arc<Logs>>,
        filters: &Filters,
        setup: Setup,
        span: Option<(i64, i64)>,
    ) -> Result<Self> {
        let engine = Self::bare(fresh.clone(), setup, span)?;
        let pass = fresh.clone().map(Pass::new);
        let ledger_rows = lake.provider(LEDGER.name).await?;
        let fresh_rows = pass.clone().map(|pass| Arc::new(LedgerRows::new(pass)) as Arc<dyn TableProvider>);
        engine.register("ledger_rows", engine.with(&LEDGER, ledger_rows, fresh_rows)?)?;
        engine.view("ledger", &ledger::latest().replace("FROM ledger)", "FROM ledger_rows)")).await?;
        if lake.has(&INTEGRITY) {
            engine.register("integrity_rows", lake.provider(INTEGRITY.name).await?)?;
            engine.view(INTEGRITY.name, integrity::latest()).await?;
        } else {
            engine.register(INTEGRITY.name, nothing_yet(&INTEGRITY)?)?;
        }
        for table in [&DAILY, &FINDINGS, &NIGHTS, &VERDICTS] {
            match lake.has(table) {
                true => engine.register(table.name, lake.provider(table.name).await?)?,
                false => engine.register(table.name, nothing_yet(table)?)?,
            }
        }
        let made = pass.map(|pass| made(&pass));
        let (calls, activity) = (lake.files(&CREDENTIAL_CALLS)?, lake.files(&ACTIVITY)?);
        let kept = match made {
            None => lake.computed(&[&calls, &activity], &meaning(&engine.setup.known)),
            Some(_) => None,
        };
        let derived = Derived::Stored { calls, activity, fresh: made.clone(), kept };
        let (calls, activity) = made.unzip();
        let stored = lake.provider(CREDENTIAL_CALLS.name).await?;
        engine.register(CREDENTIAL_CALLS.name, engine.with(&CREDENTIAL_CALLS, stored, calls)?)?;
        let stored = lake.provider(ACTIVITY.name).await?;
        engine.register(ACTIVITY.name, engine.with(&ACTIVITY, stored, activity)?)?;
        let raw = fresh.map(|logs| Arc::new(RawEvents::new(logs)) as Arc<dyn TableProvider>);
        let events = engine.with(&EVENTS, lake.provider(EVENTS.name).await?, raw)?;
        engine.tables(events, derived, filters).await?;
        Ok(engine)
    }

    /// With no tables yet.
    fn bare(logs: Option<Arc<Logs>>, setup: Setup, span: Option<(i64, i64)>) -> Result<Self> {
        let context = context(&setup)?;
        let tables = Tables::of(&context).map_err(broken)?;
        Ok(Self { context, tables, logs, setup, span, inputs: OnceLock::new() })
    }

    /// The rows of a stored table, and those that are read beside it.
    fn with(
        &self,
        table: &Table,
        stored: Arc<dyn TableProvider>,
        fresh: Option<Arc<dyn TableProvider>>,
    ) -> Result<Arc<dyn TableProvider>> {
        let Some(fresh) = fresh else { return Ok(stored) };
        let rows = |provider| {
            let columns = table.columns.iter().map(|column| col(column.name)).collect::<Vec<_>>();
            self.context.read_table(provider).and_then(|all| all.select(columns))
        };
        rows(stored).and_then(|one| one.union(rows(fresh)?)).map(DataFrame::into_view).map_err(broken)
    }

    /// Over log files, with nothing stored.
    ///
    /// # Errors
    /// Where a view does not fit the tables; that a source cannot be read shows when it is asked.
    pub async fn open_logs(sources: Vec<Source>, filters: &Filters) -> Result<Self> {
        Self::over_logs(sources, filters, Setup::default()).await
    }

    /// The same, with what the configuration says.
    ///
    /// # Errors
    /// As [`Engine::open_logs`].
    pub async fn over_logs(sources: Vec<Source>, filters: &Filters, setup: Setup) -> Result<Self> {
        let logs = Logs::new(sources, wider(filters), setup.max_object);
        let engine = Self::bare(Some(logs.clone()), setup, None)?;
        let pass = Pass::new(logs.clone());
        engine.register("ledger", Arc::new(LedgerRows::new(pass.clone())))?;
        for table in LATER {
            engine.register(table.name, nothing_yet(table)?)?;
        }
        let (calls, activity) = made(&pass);
        engine.register(CREDENTIAL_CALLS.name, calls.clone())?;
        engine.register(ACTIVITY.name, activity.clone())?;
        engine.tables(Arc::new(RawEvents::new(logs)), Derived::Made(calls, activity), filters).await?;
        Ok(engine)
    }

    async fn tables(&self, events: Arc<dyn TableProvider>, derived: Derived, filters: &Filters) -> Result<()> {
        self.narrowed(EVENTS.name, events, filters).await?;
        let inputs = Inputs::new(derived, Arc::clone(&self.setup.known), self.span);
        _ = self.inputs.set(inputs.clone());
        for table in COMPUTED {
            self.narrowed(table.name, Arc::new(Computed::new(table, inputs.clone())), filters).await?;
        }
        let events = Arc::new(LinkedEvents::new(self.table(EVENTS.name).await?, inputs));
        self.register(LINKED_EVENTS.name, events)?;
        for (table, rows) in self.setup.known.tables()? {
            let known = MemTable::try_new(table.schema(), vec![vec![rows]]).map_err(broken)?;
            self.register(table.name, Arc::new(known))?;
        }
        for (name, sql) in VIEWS {
            self.tables.define(name, sql).map_err(broken)?;
        }
        Ok(())
    }

    /// Registers a table as the filters let it be seen.
    async fn narrowed(&self, name: &str, table: Arc<dyn TableProvider>, filters: &Filters) -> Result<()> {
        match period::within(name, filters) {
            None => self.register(name, table),
            Some(within) => {
                let all = self.context.read_table(table).map_err(broken)?;
                let view = all.filter(within).map_err(broken)?.into_view();
                self.register(name, view)
            }
        }
    }

    /// From now on `sessions`, and all that builds on it, holds what bears on `asked`, and maybe more: the cost of linking is that of
    /// the question. Gives the programs that too many used to be asked about.
    ///
    /// # Errors
    /// Where the derived rows cannot be read.
    pub async fn look_at(&self, asked: &Asked) -> Result<BTreeSet<String>> {
        match self.inputs.get() {
            Some(inputs) => inputs.look_at(asked, &self.context.state()).await,
            None => Ok(BTreeSet::new()),
        }
    }

    /// Writes down what had to be linked for the questions so far, where that were at least `worth` derived rows, so that the same
    /// lake's next question need not link again. A lake that cannot be written to stays as it is.
    pub async fn write_down(&self, worth: usize) {
        if let Some(inputs) = self.inputs.get()
            && let Err(e) = inputs.write_down(worth).await
        {
            tracing::debug!(error = %e, "computed tables are not written down");
        }
    }

    /// Adds a table of rows, or replaces one of that name.
    ///
    /// # Errors
    /// Where the rows do not fit the schema.
    pub fn keep(&self, name: &str, schema: SchemaRef, rows: Vec<RecordBatch>) -> Result<()> {
        self.context.deregister_table(name).map_err(broken)?;
        self.register(name, Arc::new(MemTable::try_new(schema, vec![rows]).map_err(broken)?))
    }

    /// Adds a view.
    ///
    /// # Errors
    /// Where it does not fit the tables.
    pub async fn define(&self, name: &str, sql: &str) -> Result<()> {
        self.view(name, sql).await
    }

    /// Adds functions.
    pub fn teach(&self, functions: Vec<ScalarUDF>) {
        functions.into_iter().for_each(|function| self.context.register_udf(function));
    }

    fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        self.context.register_table(name, table).map(|_| ()).map_err(broken)
    }

    async fn view(&self, name: &str, sql: &str) -> Result<()> {
        let view = self.context.sql(sql).await.map_err(broken)?.into_view();
        self.register(name, view)
    }

    /// Computes `coverage` once, for the views that ask it several times over: account, region, hour, events and lateness.
    ///
    /// # Errors
    /// Where the events cannot be read.
    pub async fn hold_coverage(&self) -> Result<()> {
        let sql = "SELECT account, region, hour, events, lateness FROM coverage";
        let rows = self.context.sql(sql).await.map_err(broken)?;
        let schema: SchemaRef = rows.schema().inner().clone();
        let batches = rows.collect().await.map_err(|e| mistake::explain(e, &[]))?;
        let held = MemTable::try_new(schema, vec![batches]).map_err(broken)?;
        let views = VIEWS.iter().filter(|(name, _)| *name == "coverage_gaps");
        self.context.deregister_table("coverage").map_err(broken)?;
        self.register("coverage", Arc::new(held))?;
        for (name, sql) in views {
            self.tables.define(name, sql).map_err(broken)?;
        }
        Ok(())
    }

    /// The names of all tables and views, sorted.
    pub fn tables_known(&self) -> Vec<String> {
        self.tables.table_names()
    }

    /// The functions that a statement can call, by name.
    pub fn functions_known(&self) -> Vec<known::Function> {
        known::known(&self.context)
    }

    /// A table or view by name.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub async fn table(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        self.context.table_provider(name).await.map_err(broken)
    }

    /// Plans one statement and binds its parameters.
    ///
    /// # Errors
    /// Usage, with what is wrong in plain words, where the query is no read-only statement over these tables.
    pub async fn plan(&self, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<DataFrame> {
        let names = self.tables_known();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let planned = self.context.sql_with_options(sql, read_only).await;
        let mut frame = mistake::explained(planned, &names)?;
        let parameters = binding::fit(frame.logical_plan(), parameters)?;
        if !parameters.is_empty() {
            let values: std::collections::HashMap<String, ScalarValue> = parameters.into_iter().collect();
            frame = mistake::explained(frame.with_param_values(ParamValues::from(values)), &names)?;
        }
        Ok(frame)
    }

    /// Asks a statement of rolecall's own, whose parameters have the types that their places ask for: the same one may stand
    /// beside columns of several tables, whose comments the planner would take for different types.
    ///
    /// # Errors
    /// The statement is wrong, or the tables cannot be read.
    pub async fn run(&self, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<SendableRecordBatchStream> {
        let names = self.tables_known();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let mut frame = mistake::explained(self.context.sql_with_options(sql, read_only).await, &names)?;
        if !parameters.is_empty() {
            let values: std::collections::HashMap<String, ScalarValue> = parameters.into_iter().collect();
            frame = mistake::explained(frame.with_param_values(ParamValues::from(values)), &names)?;
        }
        mistake::explained(sorted_joins::answer(frame).await, &names)
    }

    /// Asks a question; the answer streams.
    ///
    /// # Errors
    /// Usage where the query is wrong, input where the tables cannot be read.
    pub async fn query(&self, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<SendableRecordBatchStream> {
        let frame = self.plan(sql, parameters).await?;
        let names = self.tables_known();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        mistake::explained(sorted_joins::answer(frame).await, &names)
    }

    /// One sentence for the functions that were asked since the last time and give null for want of a database.
    pub fn missed(&self) -> Option<String> {
        self.setup.enrichment.missed()
    }

    /// For log files, beside a lake or alone: what has been read so far, and what could not be.
    pub fn books(&self) -> Option<Books> {
        self.logs.as_ref().map(|logs| logs.books_so_far())
    }
}

/// What log files are listed by: linking looks at what came before and after as well.
fn wider(filters: &Filters) -> Filters {
    Filters {
        since: filters.since.map(|t| t - LOOK_AROUND),
        until: filters.until.map(|t| t + LOOK_AROUND),
        late_files: filters.late_files,
        ..Filters::default()
    }
}

/// `credential_calls` and `activity` of log files.
fn made(pass: &Arc<Pass>) -> (Arc<dyn TableProvider>, Arc<dyn TableProvider>) {
    let derived = |table| Arc::new(DerivedRows::new(pass.clone(), table)) as Arc<dyn TableProvider>;
    (derived(&CREDENTIAL_CALLS), derived(&ACTIVITY))
}

/// A table that has no rows yet.
fn nothing_yet(table: &Table) -> Result<Arc<dyn TableProvider>> {
    MemTable::try_new(table.schema(), vec![Vec::new()]).map(|table| Arc::new(table) as _).map_err(broken)
}

fn broken(error: datafusion::error::DataFusionError) -> Error {
    Error::internal("the tables could not be set up").source(error)
}

/// A session with rolecall's functions and limits, and no tables.
///
/// # Errors
/// Only where DataFusion refuses its settings.
pub fn context(setup: &Setup) -> Result<SessionContext> {
    let mut config = SessionConfig::new().with_information_schema(true).with_batch_size(8192);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // In the generic dialect `->` binds weaker than `=`, and `x->'a' = 'b'` means something else than it says.
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.catalog.default_catalog = "rolecall".into();
    options.catalog.default_schema = "public".into();
    let top = std::num::NonZeroUsize::new(3).ok_or_else(|| Error::internal("three is not zero"))?;
    let pool = TrackConsumersPool::new(Pool::new(setup.memory.unwrap_or(MEMORY)), top);
    let mut runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool));
    if let Some(folder) = &setup.spill_dir {
        std::fs::create_dir_all(folder).map_err(|e| {
            Error::usage("the folder to spill to cannot be used")
                .context("folder", folder.display().to_string())
                .source(e)
        })?;
        runtime = runtime.with_temp_file_path(folder);
    }
    let context = SessionContext::new_with_config_rt(config, runtime.build_arc().map_err(broken)?);
    let context = yielding::with_pauses(&context);
    functions::register(&context)?;
    enrich::register(&context, &setup.enrichment);
    Ok(context)
}
