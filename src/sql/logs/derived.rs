//! The derived rows and the ledger of log files: one pass over all objects, when a question first needs one of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::OnceCell;

use crate::cloudtrail::{Form, Wanted};
use crate::error::{Error, Result};
use crate::lake::derive::{Derived, NEEDED};
use crate::lake::schema::{EVENTS, LEDGER, Table};

use super::work::Work;
use super::{Logs, lost};

type Tables = Vec<(&'static Table, RecordBatch)>;

/// The pass over all objects, done at most once.
#[derive(Debug)]
pub struct Pass {
    logs: Arc<Logs>,
    done: OnceCell<Arc<Tables>>,
}

impl Pass {
    /// A pass that is not done yet.
    pub fn new(logs: Arc<Logs>) -> Arc<Self> {
        Arc::new(Self { logs, done: OnceCell::new() })
    }

    async fn tables(&self, workers: usize) -> Result<Arc<Tables>> {
        let pass = || async {
            let objects = self.logs.objects().await?;
            let work = Arc::new(Work::new(self.logs.clone(), objects, Wanted::default()));
            let columns: Vec<usize> = NEEDED.iter().filter_map(|name| EVENTS.index(name)).collect();
            let workers = (0..workers.max(1)).map(|_| {
                let (work, columns) = (work.clone(), columns.clone());
                tokio::task::spawn_blocking(move || derive(&work, &columns))
            });
            let mut tables = Vec::new();
            for worker in workers.collect::<Vec<_>>() {
                tables.extend(worker.await.map_err(lost)??);
            }
            Ok(Arc::new(tables))
        };
        self.done.get_or_try_init(pass).await.cloned()
    }
}

fn derive(work: &Work, columns: &[usize]) -> Result<Tables> {
    let mut derived = Derived::new()?;
    let mut failed = None;
    work.run(columns, &mut |batch| match derived.add(&batch) {
        Ok(()) => true,
        Err(error) => {
            failed = Some(error);
            false
        }
    })?;
    failed.map_or_else(|| derived.finish(), Err)
}

/// One derived table of log files.
#[derive(Debug)]
pub struct DerivedRows {
    pass: Arc<Pass>,
    table: &'static Table,
}

impl DerivedRows {
    /// `table` as the pass makes it.
    pub fn new(pass: Arc<Pass>, table: &'static Table) -> Self {
        Self { pass, table }
    }
}

#[async_trait]
impl TableProvider for DerivedRows {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let tables = self.pass.tables(state.config().target_partitions()).await;
        let tables = tables.map_err(|e| DataFusionError::External(Box::new(e)))?;
        let batches = tables.iter().filter(|(table, _)| table.name == self.table.name).map(|(_, batch)| batch.clone());
        MemTable::try_new(self.schema(), vec![batches.collect()])?.scan(state, projection, filters, limit).await
    }
}

/// The ledger of log files.
#[derive(Debug)]
pub struct LedgerRows {
    pass: Arc<Pass>,
}

impl LedgerRows {
    /// What the pass books.
    pub fn new(pass: Arc<Pass>) -> Self {
        Self { pass }
    }
}

#[async_trait]
impl TableProvider for LedgerRows {
    fn schema(&self) -> SchemaRef {
        LEDGER.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let rows = async {
            self.pass.tables(state.config().target_partitions()).await?;
            ledger(&self.pass.logs)
        };
        let rows = rows.await.map_err(|e| DataFusionError::External(Box::new(e)))?;
        MemTable::try_new(self.schema(), vec![vec![rows]])?.scan(state, projection, filters, limit).await
    }
}

fn ledger(logs: &Logs) -> Result<RecordBatch> {
    let books = logs.books_so_far();
    struct Row<'b> {
        uri: &'b str,
        object: Option<&'b super::books::ObjectBook>,
        status: &'static str,
        why: Option<&'b str>,
    }
    let read = books.objects.iter().map(|(uri, object)| {
        let status = match object.book.form {
            Form::NotCloudTrail(_) => "not_cloudtrail",
            _ if object.book.truncated => "truncated",
            _ => "ingested",
        };
        Row { uri, object: Some(object), status, why: None }
    });
    let failed = books.failures.iter().map(|(uri, why)| Row { uri, object: None, status: "failed", why: Some(why) });
    let archived =
        books.archives.iter().map(|uri| Row { uri, object: None, status: "archived", why: Some("archived") });
    let rows: Vec<Row<'_>> = read.chain(failed).chain(archived).collect();
    let count = |of: &dyn Fn(&super::books::ObjectBook) -> u64| -> ArrayRef {
        Arc::new(rows.iter().map(|r| Some(r.object.map_or(0, of) as i64)).collect::<Int64Array>())
    };
    let text = |of: &dyn Fn(&Row<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let time = |of: &dyn Fn(&Row<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let (mut index, mut reason, mut texts, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let before = index.len();
        for fault in row.object.into_iter().flat_map(|o| &o.book.faults) {
            index.push(fault.index.map(|i| i as i64));
            reason.push(fault.reason.as_str().to_owned());
            texts.push(fault.member.as_deref().map_or(fault.text.clone(), |m| format!("{m}: {}", fault.text)));
        }
        if let Some(why) = row.why {
            index.push(None);
            reason.push(row.status.to_owned());
            texts.push(why.to_owned());
        }
        lengths.push(index.len() - before);
    }
    let kind = LEDGER.index("faults").map(|place| LEDGER.columns[place].kind.arrow());
    let Some(DataType::List(field)) = kind else { return Err(Error::internal("the ledger has no list of faults")) };
    let DataType::Struct(fields) = field.data_type() else { return Err(Error::internal("faults are no structs")) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(index)),
        Arc::new(StringArray::from(reason)),
        Arc::new(StringArray::from(texts)),
    ];
    let faults = StructArray::new(fields.clone(), columns, None);
    let faults = ListArray::new(field.clone(), OffsetBuffer::from_lengths(lengths), Arc::new(faults), None);
    let columns: Vec<ArrayRef> = vec![
        text(&|r| Some(r.uri.to_owned())),
        Arc::new(rows.iter().map(|r| r.object.and_then(|o| o.size).map(|s| s as i64)).collect::<Int64Array>()),
        text(&|r| r.object.and_then(|o| o.etag.clone())),
        time(&|r| r.object.and_then(|o| o.last_modified)),
        count(&|o| o.book.records),
        count(&|o| o.events),
        count(&|o| o.passed_over),
        count(&|o| o.book.not_events),
        Arc::new(faults),
        text(&|r| Some(r.status.to_owned())),
        Arc::new(rows.iter().map(|_| Some(0)).collect::<Int64Array>()),
        time(&|_| None),
    ];
    RecordBatch::try_new(LEDGER.schema(), columns)
        .map_err(|e| Error::internal("the ledger could not be built").source(e))
}
