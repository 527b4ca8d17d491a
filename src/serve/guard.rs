//! What a client may say at all: questions, and the few settings that concern nobody but itself.
//!
//! First of the hooks: what it refuses reaches nothing else.

use async_trait::async_trait;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Expr, Set, Statement};
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::results::{Response, Tag};
use datafusion_postgres::pgwire::error::PgWireResult;
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::startup::ParameterStatus;

use super::answer::{nothing, questions};
use super::told;

/// Settings that the library keeps for each client.
const KEPT: [&str; 7] = [
    "datestyle",
    "bytea_output",
    "intervalstyle",
    "application_name",
    "extra_float_digits",
    "search_path",
    "statement_timeout",
];
/// Settings that clients send by habit and that change nothing here.
const PASSED_OVER: [&str; 16] = [
    "client_encoding",
    "client_min_messages",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "escape_string_warning",
    "idle_in_transaction_session_timeout",
    "jit",
    "join_collapse_limit",
    "lock_timeout",
    "names",
    "row_security",
    "session_replication_role",
    "standard_conforming_strings",
    "synchronize_seqscans",
    "transaction_read_only",
    "xmloption",
];

/// The hook.
#[derive(Debug)]
pub struct Guard;

/// What is to be done with a statement.
enum Verdict {
    /// The other hooks know.
    Pass,
    /// It is answered like this, and nothing is done.
    Say(&'static str),
    /// The client's time zone is set.
    TimeZone(String),
}

fn plain(value: &Expr) -> String {
    value.to_string().trim_matches(['\'', '"']).to_owned()
}

fn set(set: &Set) -> PgWireResult<Verdict> {
    match set {
        Set::SingleAssignment { scope, hivevar: false, variable, values } => {
            let name = variable.to_string().to_lowercase();
            if name == "timezone" {
                return Ok(Verdict::TimeZone(values.first().map(plain).unwrap_or_default()));
            }
            // What the library does not understand it would hand on to the engine.
            let understood = scope.is_none() && matches!(values.as_slice(), [Expr::Value(_)]);
            match KEPT.contains(&name.as_str()) {
                true if understood => Ok(Verdict::Pass),
                true => Ok(Verdict::Say("SET")),
                false if PASSED_OVER.contains(&name.as_str()) => Ok(Verdict::Say("SET")),
                false => Err(told::no_setting(&name)),
            }
        }
        Set::SetTimeZone { value, .. } => Ok(Verdict::TimeZone(plain(value))),
        Set::SetNames { .. } | Set::SetNamesDefault {} | Set::SetTransaction { .. } => Ok(Verdict::Say("SET")),
        other => Err(told::no_setting(&other.to_string())),
    }
}

fn judge(statement: &Statement) -> PgWireResult<Verdict> {
    match statement {
        Statement::Query(_)
        | Statement::Declare { .. }
        | Statement::Fetch { into: None, .. }
        | Statement::Close { .. }
        | Statement::ShowVariable { .. }
        | Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { savepoint: None, .. } => Ok(Verdict::Pass),
        Statement::Explain { statement, .. } if matches!(**statement, Statement::Query(_)) => Ok(Verdict::Pass),
        Statement::Set(assignment) => set(assignment),
        Statement::Reset(_) => Ok(Verdict::Say("RESET")),
        Statement::Deallocate { .. } => Ok(Verdict::Say("DEALLOCATE")),
        Statement::Discard { .. } => Ok(Verdict::Say("DISCARD ALL")),
        Statement::Savepoint { .. } => Ok(Verdict::Say("SAVEPOINT")),
        Statement::ReleaseSavepoint { .. } => Ok(Verdict::Say("RELEASE")),
        Statement::Rollback { .. } => Ok(Verdict::Say("ROLLBACK")),
        other => {
            let text = other.to_string();
            Err(told::read_only(text.split_whitespace().next().unwrap_or("this statement")))
        }
    }
}

impl Guard {
    async fn answer(
        &self,
        statement: &Statement,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> PgWireResult<Option<Response>> {
        let done = |tag: &str| Ok(Some(Response::Execution(Tag::new(tag))));
        match judge(statement)? {
            Verdict::Pass => {
                questions(statement, context).await?;
                Ok(None)
            }
            Verdict::Say(tag) => done(tag),
            Verdict::TimeZone(zone) => {
                client.metadata_mut().insert("timezone".to_owned(), zone.clone());
                let status = ParameterStatus::new("TimeZone".to_owned(), zone);
                client.send_message(PgWireBackendMessage::ParameterStatus(status)).await?;
                done("SET")
            }
        }
    }
}

#[async_trait]
impl QueryHook for Guard {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.answer(statement, context, client).await.transpose()
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        _: &SessionContext,
        _: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        match judge(statement) {
            Ok(Verdict::Pass) => None,
            Ok(_) => Some(Ok(nothing())),
            Err(refused) => Some(Err(refused)),
        }
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _: &LogicalPlan,
        _: &ParamValues,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.answer(statement, context, client).await.transpose()
    }
}
