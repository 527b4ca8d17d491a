//! Questions planned and answered; last of the hooks.
//!
//! Nothing but a plan that reads comes out of here, whatever the statement looked like.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ParamValues};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF};
use datafusion::prelude::{DataFrame, SessionContext, col, ident};
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::QueryHook;
use datafusion_postgres::arrow_pg::datatypes::df::encode_dataframe;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::Response;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::response::NoticeResponse;
use datafusion_postgres::pgwire::types::format::FormatOptions;

use super::described::Functions;
use super::habits::stand_in;
use super::told;
use crate::sql::enrich::Enrichment;
use crate::sql::json_value::JsonText;

/// The hook. `tables` are the names that a query can use.
#[derive(Debug)]
pub struct Answer {
    /// Sorted.
    pub tables: Vec<String>,
    /// To tell which functions have no database.
    pub enrichment: Arc<Enrichment>,
    /// What psql's `\df` lists.
    pub functions: Functions,
}

fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

/// The plan of something that needs none.
pub fn nothing() -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::new(DFSchema::empty()) })
}

/// Checks the queries behind cursors, which the library runs by itself.
///
/// # Errors
/// One of them is no question.
pub async fn questions(statement: &Statement, context: &SessionContext) -> PgWireResult<()> {
    let Statement::Declare { stmts } = statement else { return Ok(()) };
    for query in stmts.iter().filter_map(|declared| declared.for_query.as_ref()) {
        let planned = plan(&Statement::Query(query.clone()), context, None).await;
        planned.map_err(|e| told::mistake(e, &[]))?;
    }
    Ok(())
}

async fn plan(
    statement: &Statement,
    context: &SessionContext,
    functions: Option<&Functions>,
) -> DataFusionResult<LogicalPlan> {
    let state = context.state();
    let text = statement.to_string();
    let plan = match functions.and_then(|functions| functions.instead(&text)).or_else(|| stand_in(&text)) {
        Some(instead) => state.create_logical_plan(&instead).await?,
        None => state.statement_to_plan(Parsed::Statement(Box::new(statement.clone()))).await?,
    };
    read_only().verify_plan(&plan)?;
    shown(plan)
}

/// JSON values, which Postgres's clients have no type for, become text.
fn shown(plan: LogicalPlan) -> DataFusionResult<LogicalPlan> {
    let is_json = |kind: &DataType| matches!(kind, DataType::Union(_, _));
    if !plan.schema().fields().iter().any(|field| is_json(field.data_type())) {
        return Ok(plan);
    }
    let text = ScalarUDF::from(JsonText::new());
    let columns: Vec<Expr> = plan
        .schema()
        .iter()
        .map(|(relation, field)| {
            let column = match relation {
                Some(relation) => col(datafusion::common::Column::new(Some(relation.clone()), field.name())),
                None => ident(field.name()),
            };
            if is_json(field.data_type()) { text.call(vec![column]).alias(field.name()) } else { column }
        })
        .collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// The functions that a plan calls.
fn functions(plan: &LogicalPlan) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // What is walked fails nowhere, so neither does the walk.
    _ = plan.apply(|node| {
        for expression in node.expressions() {
            _ = expression.apply(|inner| {
                if let Expr::ScalarFunction(function) = inner {
                    names.insert(function.name().to_owned());
                }
                Ok(TreeNodeRecursion::Continue)
            });
        }
        Ok(TreeNodeRecursion::Continue)
    });
    names
}

impl Answer {
    /// Says which functions of a plan give null for want of a database.
    async fn say_missing(&self, plan: &LogicalPlan, client: &mut dyn HookClient) -> PgWireResult<()> {
        if let Some(missing) = self.enrichment.lacks(functions(plan).iter().map(String::as_str)) {
            let notice = ErrorInfo::new("NOTICE".to_owned(), "00000".to_owned(), missing);
            client.send_message(PgWireBackendMessage::NoticeResponse(NoticeResponse::from(notice))).await?;
        }
        Ok(())
    }

    fn explained<T>(&self, result: DataFusionResult<T>) -> PgWireResult<T> {
        let names: Vec<&str> = self.tables.iter().map(String::as_str).collect();
        result.map_err(|e| told::mistake(e, &names))
    }
}

#[async_trait]
impl QueryHook for Answer {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
        let answer = async {
            let plan = self.explained(plan(statement, context, Some(&self.functions)).await)?;
            self.say_missing(&plan, client).await?;
            let frame = DataFrame::new(context.state(), plan);
            encode_dataframe(frame, &Format::UnifiedText, Some(options)).await.map(Response::Query)
        };
        Some(answer.await)
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        context: &SessionContext,
        _: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        Some(self.explained(plan(statement, context, Some(&self.functions)).await))
    }

    async fn handle_extended_query(
        &self,
        _: &Statement,
        plan: &LogicalPlan,
        _: &ParamValues,
        _: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        if let Err(gone) = self.say_missing(plan, client).await {
            return Some(Err(gone));
        }
        // The library runs the plan that was checked when it was parsed, in the formats that the client asked for.
        None
    }
}
