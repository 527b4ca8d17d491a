//! `linked_events`: every event beside the session of its caller, found row by row while the events stream past.
//!
//! No side of it is collected, so that its memory is that of a few batches, whatever the events.

mod belongs;
mod callers;
mod exec;
mod shown;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::lake::schema::Type;
use crate::sql::schema::LINKED_EVENTS;

use super::focus::Focus;
use super::provider::Inputs;

use exec::LinkedScan;
use wanted::Wanted;

pub(super) use callers::KnownCallers;

/// Events, and what tells their sessions.
pub struct LinkedEvents {
    events: Arc<dyn TableProvider>,
    inputs: Arc<Inputs>,
    schema: SchemaRef,
}

impl LinkedEvents {
    /// Every row of `events`, which has the columns of the lake's table, with what linking makes of its caller.
    pub fn new(events: Arc<dyn TableProvider>, inputs: Arc<Inputs>) -> Self {
        let stored = events.schema();
        // Texts are what the events' texts are, so that one compares with the other as it is.
        let text = stored.field_with_name("event_id").map(|field| field.data_type().clone());
        let own = LINKED_EVENTS.columns.iter().map(|column| {
            let kind = match (&column.kind, &text) {
                (Type::Text, Ok(text)) => text.clone(),
                (kind, _) => kind.arrow(),
            };
            Arc::new(Field::new(column.name, kind, true))
        });
        let fields: Vec<_> = stored.fields().iter().cloned().chain(own).collect();
        Self { events, inputs, schema: Arc::new(Schema::new(fields)) }
    }

    /// Whether a filter asks for nothing but what the caller's link says.
    fn is_about_links(filter: &Expr) -> bool {
        !filter.is_volatile() && filter.column_refs().iter().all(|column| is_own(&column.name))
    }

    fn is_about_events(filter: &Expr) -> bool {
        !filter.column_refs().iter().any(|column| is_own(&column.name))
    }
}

/// Whether a column is one that linking adds.
fn is_own(name: &str) -> bool {
    LINKED_EVENTS.columns.iter().any(|column| column.name == name)
}

impl fmt::Debug for LinkedEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedEvents").finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for LinkedEvents {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        filters
            .iter()
            .map(|filter| {
                if Self::is_about_events(filter) {
                    let told = self.events.supports_filters_pushdown(&[filter])?;
                    Ok(told.into_iter().next().unwrap_or(TableProviderFilterPushDown::Unsupported))
                } else if Self::is_about_links(filter) {
                    Ok(TableProviderFilterPushDown::Exact)
                } else {
                    Ok(TableProviderFilterPushDown::Unsupported)
                }
            })
            .collect()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let mut told: Vec<&str> = columns.iter().map(|&column| self.schema.field(column).name().as_str()).collect();
        told.extend(filters.iter().flat_map(Expr::column_refs).map(|column| column.name.as_str()));
        told.retain(|name| is_own(name));
        let callers = self.inputs.callers(&Focus::of(filters), &told, state).await?;
        let (of_events, of_callers): (Vec<Expr>, Vec<Expr>) = filters.iter().cloned().partition(Self::is_about_events);
        let schema = DFSchema::try_from(self.schema.as_ref().clone())?;
        let of_callers: Vec<_> = of_callers
            .into_iter()
            .map(|filter| state.create_physical_expr(filter, &schema))
            .collect::<DataFusionResult<_>>()?;
        let plain = self.schema.clone();
        let wanted = tokio::task::spawn_blocking(move || Wanted::new(callers, plain, of_callers)).await;
        let wanted = Arc::new(wanted.map_err(|e| DataFusionError::External(Box::new(e)))??);
        let stored = self.events.schema();
        let own = stored.fields().len();
        let shown = shown::COLUMNS.iter().map(|name| stored.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let read: BTreeSet<usize> = columns.iter().copied().filter(|&c| c < own).chain(shown).collect();
        let read: Vec<usize> = read.into_iter().collect();
        let events = self.events.scan(state, Some(&read), &of_events, None).await?;
        let schema = Arc::new(self.schema.project(&columns)?);
        Ok(Arc::new(LinkedScan::new(events, schema, wanted)?))
    }
}
