//! The lake as a whole: where it is, its tables opened, created and committed to.
//!
//! Every commit is made on the very version that it was prepared against, or not at all: the caller then looks at what is
//! new and decides anew, because what collides here are events, which Delta's own conflict checks know nothing of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use deltalake::DeltaTable;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, Remove, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use futures::future::try_join_all;

use super::computed::ComputedFiles;
use super::files::Files;
use super::root::Root;
pub use super::root::{LakeCredentials, LakeOptions};
use super::scan::StoredTable;
use super::schema::{EVENTS, LATER, LEDGER, TABLES, Table};
use super::write::{NewFile, Writer, date};
use crate::error::{Error, Result};

/// The application id under which derived tables record the version of `events` that they were made from.
pub(super) const DERIVED_APP: &str = "rolecall/derived";

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is this version.
    Version(u64),
    /// Another commit came first; nothing was committed, and the table now shows the newer version.
    Behind,
}

/// A lake, each table at one version.
#[derive(Debug)]
pub struct Lake {
    root: Root,
    tables: BTreeMap<&'static str, DeltaTable>,
}

impl Lake {
    /// Whether there is a lake at the location.
    ///
    /// # Errors
    /// Where the location is not valid or cannot be asked.
    pub async fn is_lake(location: &str, options: &LakeOptions) -> Result<bool> {
        let root = Root::new(location, options)?;
        Ok(root.newest(&EVENTS).await?.is_some())
    }

    /// Opens a lake for reading: of each table the newest version that fits the others, so that nobody sees events
    /// without their derived rows.
    ///
    /// # Errors
    /// Where there is no lake, or it cannot be read, or it was written by a newer program.
    pub async fn open(location: &str, options: &LakeOptions) -> Result<Self> {
        let root = Root::new(location, options)?;
        let newest = |table: &'static Table| {
            let root = root.clone();
            let opening = tokio::spawn(async move { root.newest(table).await });
            async move {
                let opened = opening.await.map_err(|e| Error::internal("opening a table broke off").source(e))??;
                Ok::<_, Error>((table, opened))
            }
        };
        // Derived tables and the ledger first: events that come in meanwhile are not looked at.
        let first = TABLES.iter().copied().rev().filter(|table| table.name != EVENTS.name).chain(LATER);
        let mut opened = try_join_all(first.map(newest).collect::<Vec<_>>()).await?;
        opened.push(newest(&EVENTS).await?);
        let mut tables = BTreeMap::new();
        for (table, delta) in opened {
            if delta.is_none() && TABLES.iter().any(|needed| needed.name == table.name) {
                return Err(Error::input("there is no lake here, or a part of it is missing")
                    .context("lake", root.name.clone())
                    .context("table", table.name)
                    .hint("fill it with: rolecall ingest SOURCE --lake LAKE")
                    .hint("or ask log files directly with --logs SOURCE"));
            }
            tables.extend(delta.map(|delta| (table.name, delta)));
        }
        let mut lake = Self { root, tables };
        lake.pin().await?;
        Ok(lake)
    }

    /// The tables that this lake has.
    pub fn has_tables(&self) -> impl Iterator<Item = &'static Table> {
        TABLES.iter().copied().chain(LATER).filter(|table| self.has(table))
    }

    /// Whether the lake has a table.
    pub fn has(&self, table: &Table) -> bool {
        self.tables.contains_key(table.name)
    }

    /// Makes a table that comes with its first row, where the lake has none yet.
    ///
    /// # Errors
    /// Where the location cannot be written.
    pub(super) async fn add(&mut self, table: &'static Table) -> Result<()> {
        let delta = match self.root.newest(table).await? {
            Some(delta) => delta,
            None => self.root.create(table).await?,
        };
        self.tables.insert(table.name, delta);
        Ok(())
    }

    /// Opens every table at its newest version, and creates those that are missing.
    ///
    /// # Errors
    /// Where the location cannot be written, or holds something else.
    pub async fn create_if_missing(location: &str, options: &LakeOptions) -> Result<Self> {
        let root = Root::new(location, options)?;
        let mut tables = BTreeMap::new();
        for table in TABLES.iter() {
            let delta = match root.newest(table).await? {
                Some(delta) => delta,
                None => root.create(table).await?,
            };
            tables.insert(table.name, delta);
        }
        for table in LATER {
            tables.extend(root.newest(table).await?.map(|delta| (table.name, delta)));
        }
        Ok(Self { root, tables })
    }

    /// Takes `events` and the derived tables back to the last version of `events` that all of them know.
    async fn pin(&mut self) -> Result<()> {
        let version = |recorded: Option<i64>| recorded.and_then(|v| u64::try_from(v).ok());
        let derived = super::catch_up::derived_tables();
        // To find what a table records its log is read once more: for all of them side by side.
        let recorded = try_join_all(derived.map(|table| self.transaction(table, DERIVED_APP))).await?;
        let common = recorded.iter().map(|&recorded| version(recorded).unwrap_or(0));
        let common = common.chain([self.version(EVENTS.name)?]).min().unwrap_or_default();
        for (table, mut known) in derived.into_iter().zip(recorded) {
            while version(known).is_some_and(|known| known > common) {
                let earlier = self.version(table.name)?.saturating_sub(1);
                self.load(table, Some(earlier)).await?;
                known = self.transaction(table, DERIVED_APP).await?;
            }
        }
        if self.version(EVENTS.name)? != common {
            self.load(&EVENTS, Some(common)).await?;
        }
        Ok(())
    }

    /// Moves a table to a version, or to the newest.
    async fn load(&mut self, table: &'static Table, version: Option<u64>) -> Result<()> {
        let root = self.root.clone();
        let delta = self.delta_mut(table)?;
        match version {
            Some(version) => delta.load_version(version).await,
            None => delta.update_state().await,
        }
        .map_err(|e| root.unreadable(table, e))
    }

    /// Moves a table to its newest version.
    ///
    /// # Errors
    /// Where its log cannot be read.
    pub async fn refresh(&mut self, table: &'static Table) -> Result<()> {
        self.load(table, None).await
    }

    /// Whether something was committed since, of which all tables that readers see can know.
    ///
    /// # Errors
    /// Where a table's log cannot be read.
    pub async fn has_newer(&self) -> Result<bool> {
        for table in super::catch_up::derived_tables().into_iter().chain([&LEDGER]) {
            let (delta, version) = (self.table(table.name)?, self.version(table.name)?);
            let newest = delta.log_store().get_latest_version(version).await;
            if newest.map_err(|e| self.root.unreadable(table, e))? > version {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn delta_mut(&mut self, table: &Table) -> Result<&mut DeltaTable> {
        self.tables.get_mut(table.name).ok_or_else(|| no_table(table.name))
    }

    /// The lake's folder; `None` on S3.
    pub(super) fn at(&self) -> Option<PathBuf> {
        self.root.folder()
    }

    /// A table's folder; `None` on S3.
    pub(super) fn folder(&self, table: &Table) -> Result<Option<PathBuf>> {
        Ok(self.root.table(table)?.to_file_path().ok())
    }

    /// As the user named it.
    pub fn location(&self) -> &str {
        &self.root.name
    }

    /// A table at its version.
    ///
    /// # Errors
    /// Where the lake has no table of that name.
    pub fn table(&self, name: &str) -> Result<&DeltaTable> {
        self.tables.get(name).ok_or_else(|| no_table(name))
    }

    /// A table's version.
    ///
    /// # Errors
    /// Where the lake has no table of that name.
    pub fn version(&self, name: &str) -> Result<u64> {
        self.table(name)?.version().ok_or_else(|| Error::internal("a table of the lake is not loaded"))
    }

    /// Every table's version, by name.
    pub fn versions(&self) -> Vec<(&'static str, u64)> {
        self.tables.iter().filter_map(|(name, delta)| Some((*name, delta.version()?))).collect()
    }

    /// A table for DataFusion, at its version.
    ///
    /// # Errors
    /// Where the lake has no table of that name, or Delta refuses it.
    pub async fn provider(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        let delta = self.table(name)?;
        let broken = |e: Box<dyn std::error::Error + Send + Sync>| {
            Error::input("cannot read a table of the lake").context("table", name.to_owned()).source(e)
        };
        let snapshot = delta.snapshot().map_err(|e| broken(e.into()))?;
        let log = snapshot.add_actions_batches(true).map_err(|e| broken(e.into()))?;
        let foreign = snapshot.metadata().configuration().contains_key("delta.columnMapping.mode")
            || log.iter().any(|part| part.schema().fields().iter().any(|f| f.name().starts_with("deletion_vector")));
        let table = TABLES.iter().copied().chain(LATER).find(|table| table.name == name);
        if let (Some(table), false) = (table, foreign) {
            let stored =
                StoredTable::new(table, delta.log_store().object_store(None), &log).map_err(|e| broken(e.into()))?;
            return Ok(Arc::new(stored));
        }
        // What another program made of the table (rows marked as deleted, renamed columns) Delta's own scan knows to read. The
        // loaded list of files serves every one; without it each would read the log again.
        let snapshot = snapshot.snapshot().clone();
        let provider = delta.table_provider().with_eager_snapshot(snapshot).build().await;
        Ok(Arc::new(provider.map_err(|e| broken(e.into()))?))
    }

    /// Writes files for a table; they are part of it once they are committed.
    ///
    /// # Errors
    /// Where the lake has no such table.
    pub fn writer(&self, table: &'static Table) -> Result<Writer> {
        Ok(Writer::new(self.table(table.name)?.log_store().object_store(None), table))
    }

    /// The files of a table at its version.
    ///
    /// # Errors
    /// Where the table's log cannot be read.
    pub fn files(&self, table: &'static Table) -> Result<Files> {
        Files::of(self.table(table.name)?, table)
    }

    /// The tables that were computed from `files`, which are of this lake, by what `meaning` stands for; `None` on S3.
    pub fn computed(&self, files: &[&Files], meaning: &[u8]) -> Option<ComputedFiles> {
        Some(ComputedFiles::new(&self.at()?, files, meaning))
    }

    /// The version that an application recorded in a table.
    pub(super) async fn transaction(&self, table: &'static Table, app: &str) -> Result<Option<i64>> {
        let delta = self.table(table.name)?;
        let broken = |e| self.root.unreadable(table, e);
        delta.snapshot().map_err(broken)?.transaction_version(&delta.log_store(), app).await.map_err(broken)
    }

    /// The paths of the files that one version added as new data; `None` where its log is gone.
    pub(super) async fn added(&self, table: &'static Table, version: u64) -> Result<Option<Vec<String>>> {
        let new = |adds: Vec<Add>| adds.into_iter().filter(|add| add.data_change).map(|add| add.path).collect();
        Ok(self.adds(table, version).await?.map(new))
    }

    /// Everything that one version added, moved rows included; `None` where its log is gone.
    async fn adds(&self, table: &'static Table, version: u64) -> Result<Option<Vec<Add>>> {
        let broken = |e| self.root.unreadable(table, e);
        let log = self.table(table.name)?.log_store().read_commit_entry(version).await.map_err(broken)?;
        let Some(log) = log else { return Ok(None) };
        let actions = deltalake::logstore::get_actions(version, &log).map_err(broken)?;
        let add = |action| if let Action::Add(add) = action { Some(add) } else { None };
        Ok(Some(actions.into_iter().filter_map(add).collect()))
    }

    /// Adds files to a table in one commit upon its present version, with an application's transaction (its id and
    /// version), if any.
    ///
    /// # Errors
    /// Where the log cannot be written or read.
    pub(super) async fn commit(
        &mut self,
        table: &'static Table,
        files: &[NewFile],
        transaction: Option<(&str, i64)>,
    ) -> Result<Committed> {
        let adds = files.iter().map(|file| file.add.clone()).collect();
        self.write_log(table, adds, Vec::new(), transaction, append(table)).await
    }

    /// Puts files in the place of all that a table holds, in one commit upon its present version, with an application's
    /// transaction.
    ///
    /// # Errors
    /// Where the log cannot be written or read.
    pub(super) async fn replace_all(
        &mut self,
        table: &'static Table,
        files: &[NewFile],
        transaction: (&str, i64),
    ) -> Result<Committed> {
        let removes = self.removes(table, true, &|_| true)?;
        let adds = files.iter().map(|file| file.add.clone()).collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: table.partition.map(|column| vec![column.to_owned()]),
            predicate: Some("true".to_owned()),
        };
        self.write_log(table, adds, removes, Some(transaction), operation).await
    }

    /// Puts files in the place of all that a table holds of some days, in one commit upon its present version.
    ///
    /// # Errors
    /// Where the log cannot be written or read.
    pub(super) async fn replace_days(
        &mut self,
        table: &'static Table,
        days: &[i32],
        files: &[NewFile],
    ) -> Result<Committed> {
        let column = table.partition.unwrap_or_default();
        let folders: Vec<String> = days.iter().map(|day| format!("{column}={}/", date(*day))).collect();
        let removes = self.removes(table, true, &|path| folders.iter().any(|folder| path.starts_with(folder)))?;
        let adds = files.iter().map(|file| file.add.clone()).collect();
        let named: Vec<String> = days.iter().map(|day| format!("{column} = '{}'", date(*day))).collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: table.partition.map(|column| vec![column.to_owned()]),
            predicate: Some(named.join(" OR ")),
        };
        self.write_log(table, adds, removes, None, operation).await
    }

    /// Puts files in the place of others that hold the same rows, in one commit upon the table's present version, with an
    /// application's transaction.
    ///
    /// # Errors
    /// Where the log cannot be written or read.
    pub(super) async fn rearrange(
        &mut self,
        table: &'static Table,
        old: &[String],
        files: &[NewFile],
        transaction: (&str, i64),
    ) -> Result<Committed> {
        let removes = self.removes(table, false, &|path| old.iter().any(|old| old == path))?;
        if removes.len() != old.len() {
            return Err(Error::internal("files to be put together are no longer there").context("table", table.name));
        }
        let adds = files.iter().map(|file| Add { data_change: false, ..file.add.clone() }).collect();
        let target_size = files.iter().map(|file| file.add.size).max().unwrap_or_default();
        let operation = DeltaOperation::Optimize { predicate: None, target_size };
        self.write_log(table, adds, removes, Some(transaction), operation).await
    }

    /// What removes the chosen files of a table's present version from it. `data_change`: whether their rows go, too.
    fn removes(&self, table: &'static Table, data_change: bool, chosen: &dyn Fn(&str) -> bool) -> Result<Vec<Remove>> {
        let snapshot = self.table(table.name)?.snapshot().map_err(|e| self.root.unreadable(table, e))?;
        let files = snapshot.log_data();
        Ok(files.iter().filter(|file| chosen(&file.path())).map(|file| file.remove_action(data_change)).collect())
    }

    async fn write_log(
        &mut self,
        table: &'static Table,
        adds: Vec<Add>,
        removes: Vec<Remove>,
        transaction: Option<(&str, i64)>,
        operation: DeltaOperation,
    ) -> Result<Committed> {
        let root = self.root.clone();
        let before = self.version(table.name)?;
        let delta = self.delta_mut(table)?;
        let broken = |e| root.unreadable(table, e);
        let snapshot = delta.snapshot().map_err(broken)?.clone();
        // Without retries the library fails as soon as it sees a version newer than the snapshot.
        let properties = CommitProperties::default().with_max_retries(0).with_application_transactions(
            transaction.map(|(app, version)| Transaction::new(app, version)).into_iter().collect(),
        );
        let proof = adds.first().map(|add| add.path.clone());
        let actions = removes.into_iter().map(Action::Remove).chain(adds.into_iter().map(Action::Add)).collect();
        let outcome = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(&snapshot), delta.log_store(), operation)
            .await;
        delta.update_state().await.map_err(broken)?;
        match outcome {
            Ok(done) => Ok(Committed::Version(done.version())),
            // What looks like a conflict may be this very commit, written by a try whose answer was lost, or one whose
            // checkpoint failed afterwards: the log says who wrote it.
            Err(e) => {
                let now = self.version(table.name)?;
                if let Some(path) = &proof {
                    for version in before + 1..=now {
                        let adds = self.adds(table, version).await?.unwrap_or_default();
                        if adds.iter().any(|add| add.path == *path) {
                            return Ok(Committed::Version(version));
                        }
                    }
                }
                if now > before {
                    return Ok(Committed::Behind);
                }
                Err(Error::input("cannot commit to the lake")
                    .context("lake", self.root.name.clone())
                    .context("table", table.name)
                    .hint("check that the lake's folder or bucket can be written to")
                    .source(e))
            }
        }
    }
}

fn append(table: &Table) -> DeltaOperation {
    DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: table.partition.map(|column| vec![column.to_owned()]),
        predicate: None,
    }
}

fn no_table(name: &str) -> Error {
    Error::usage("the lake has no such table").context("table", name.to_owned())
}
