//! FETCH, a row at a time: what a cursor gives is sent as it is made, and never gathered.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{FetchDirection, Statement, Value};
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::portal::PortalExecutionState;
use datafusion_postgres::pgwire::api::results::{QueryResponse, Response};
use datafusion_postgres::pgwire::api::store::{Entry, PortalStore};
use datafusion_postgres::pgwire::error::PgWireResult;
use futures::{StreamExt, stream};

use super::told;

/// The hook; it comes before the library's, which gathers the rows.
#[derive(Debug)]
pub struct Fetching;

/// How many rows a FETCH asks for.
fn most(direction: &FetchDirection) -> PgWireResult<usize> {
    let number = |value: &Value| match value {
        Value::Number(digits, _) => digits.parse::<usize>().map_err(|_| told::no_direction()),
        _ => Err(told::no_direction()),
    };
    match direction {
        FetchDirection::Next | FetchDirection::Forward { limit: None } => Ok(1),
        FetchDirection::Forward { limit: Some(limit) } | FetchDirection::Count { limit } => number(limit),
        FetchDirection::ForwardAll | FetchDirection::All => Ok(usize::MAX),
        _ => Err(told::no_direction()),
    }
}

async fn fetch(name: &str, direction: &FetchDirection, client: &mut dyn HookClient) -> PgWireResult<Response> {
    let most = most(direction)?;
    let Some(Entry::Value(cursor)) = client.portal_store().get_portal(name) else {
        return Err(told::no_cursor(name));
    };
    let state = cursor.state();
    let columns = match &*state.lock().await {
        PortalExecutionState::Suspended(rows) => rows.row_schema(),
        _ => Arc::default(),
    };
    let rows = stream::unfold((state, most), |(state, left)| async move {
        let left = left.checked_sub(1)?;
        let mut held = Arc::clone(&state).lock_owned().await;
        let PortalExecutionState::Suspended(rows) = &mut *held else { return None };
        match rows.data_rows().next().await {
            Some(row) => Some((row, (state, left))),
            None => {
                *held = PortalExecutionState::Finished;
                None
            }
        }
    });
    Ok(Response::Query(QueryResponse::new(columns, rows)))
}

#[async_trait]
impl QueryHook for Fetching {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        _: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        let Statement::Fetch { name, direction, .. } = statement else { return None };
        Some(fetch(&name.value, direction, client).await)
    }

    async fn handle_extended_parse_query(
        &self,
        _: &Statement,
        _: &SessionContext,
        _: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        None
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _: &LogicalPlan,
        _: &ParamValues,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.handle_simple_query(statement, context, client).await
    }
}
