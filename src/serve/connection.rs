//! One connection: who comes in, what it asks, and how long it may take.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::DfSessionService;
use datafusion_postgres::pgwire::api::auth::sasl::SASLAuthStartupHandler;
use datafusion_postgres::pgwire::api::auth::{
    DefaultServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::api::portal::{Portal, PortalExecutionState};
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler, send_partial_query_response};
use datafusion_postgres::pgwire::api::results::{DescribePortalResponse, FieldInfo, Response, Tag};
use datafusion_postgres::pgwire::api::stmt::QueryParser;
use datafusion_postgres::pgwire::api::store::{Entry, PortalStore};
use datafusion_postgres::pgwire::api::{
    ClientInfo, ClientPortalStore, DEFAULT_NAME, ErrorHandler, PgWireConnectionState, PgWireServerHandlers,
};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::cancel::CancelRequest;
use datafusion_postgres::pgwire::messages::extendedquery::Execute;
use datafusion_postgres::pgwire::messages::simplequery::Query;
use datafusion_postgres::pgwire::messages::startup::SecretKey;
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use futures::{Sink, SinkExt};
use tokio::sync::Notify;

use super::access::parameters;
use super::server::Shared;
use super::told;

/// How long a client may take, once its statement is over, to read what was sent of it.
const GRACE: Duration = Duration::from_secs(5);
/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(3600);

/// What other tasks see of a connection.
#[derive(Debug)]
pub struct Busy {
    cancel: Notify,
    cut: AtomicBool,
    /// Since when a statement runs, or since when none does.
    since: Mutex<(bool, Instant)>,
}

impl Busy {
    fn new() -> Self {
        Self { cancel: Notify::new(), cut: AtomicBool::new(false), since: Mutex::new((false, Instant::now())) }
    }

    fn set(&self, busy: bool) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = (busy, Instant::now());
    }

    /// Ends what runs.
    pub fn cancel(&self) {
        self.cancel.notify_waiters();
    }

    /// Ends the connection.
    fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    fn overdue(&self, statement: Duration) -> bool {
        let (busy, since) = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if busy { statement + 2 * GRACE } else { IDLE };
        self.cut.load(Ordering::Relaxed) || since.elapsed() > most
    }
}

/// One connection.
pub struct Connection {
    shared: Arc<Shared>,
    busy: Arc<Busy>,
    door: Arc<Door>,
}

impl Connection {
    /// A connection that is let in, or told that there are too many.
    pub fn new(shared: &Arc<Shared>, admitted: bool) -> Arc<Self> {
        let busy = Arc::new(Busy::new());
        let password =
            shared.access.password().map(|handler| handler.with_pid_secret_key_generator(Arc::clone(&shared.keys)));
        let door =
            Door { shared: Arc::clone(shared), busy: Arc::clone(&busy), admitted, password, key: Mutex::default() };
        Arc::new(Self { shared: Arc::clone(shared), busy, door: Arc::new(door) })
    }

    fn asked(&self) -> Arc<Asked> {
        let cursors = Mutex::default();
        Arc::new(Asked { shared: Arc::clone(&self.shared), busy: Arc::clone(&self.busy), cursors })
    }

    /// Ends when the connection holds more than it should: a client that does not read, or says nothing any more.
    pub async fn overdue(&self) {
        while !self.busy.overdue(self.shared.limits.statement) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(key) = self.key.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.shared.forget(&key);
        }
    }
}

impl PgWireServerHandlers for Connection {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        self.asked()
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        self.asked()
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::clone(&self.door)
    }

    fn error_handler(&self) -> Arc<impl ErrorHandler> {
        Arc::new(Reworded)
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(Canceled { shared: Arc::clone(&self.shared) })
    }
}

/// Lets clients in.
struct Door {
    shared: Arc<Shared>,
    busy: Arc<Busy>,
    admitted: bool,
    password: Option<SASLAuthStartupHandler<DefaultServerParameterProvider>>,
    key: Mutex<Option<(i32, SecretKey)>>,
}

impl Door {
    fn known(&self, client: &impl ClientInfo) {
        let key = client.pid_and_secret_key();
        self.shared.remember(&key, &self.busy);
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }
}

#[async_trait]
impl StartupHandler for Door {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if !self.admitted {
            return Err(told::fatal("53300", "there are too many connections already"));
        }
        if self.shared.access.tls_only && !client.is_secure() {
            return Err(told::fatal("28000", "this server asks for TLS: connect with sslmode=require"));
        }
        if let Some(password) = &self.password {
            password.on_startup(client, message).await?;
            if matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
                self.known(client);
            }
            return Ok(());
        }
        let PgWireFrontendMessage::Startup(startup) = message else { return Ok(()) };
        protocol_negotiation(client, &startup).await?;
        save_startup_parameters_to_metadata(client, &startup);
        let (pid, secret) = self.shared.keys.generate(client);
        client.set_pid_and_secret_key(pid, secret);
        self.known(client);
        finish_authentication(client, &parameters()).await
    }
}

/// Answers what a connection asks.
pub struct Asked {
    shared: Arc<Shared>,
    busy: Arc<Busy>,
    /// The columns of cursors that were fetched from.
    cursors: Mutex<HashMap<String, Vec<FieldInfo>>>,
}

impl Asked {
    /// Does a statement's work, sending its rows included, within the limits: few at a time, each for so long, and until it
    /// is cancelled.
    async fn limited(&self, own: Option<Duration>, work: impl Future<Output = PgWireResult<()>>) -> PgWireResult<()> {
        let limit = own.map_or(self.shared.limits.statement, |own| own.min(self.shared.limits.statement));
        self.busy.set(true);
        let canceled = self.busy.cancel.notified();
        let work = async {
            let _turn = self.shared.turns.acquire().await;
            work.await
        };
        let result = tokio::select! {
            result = work => result,
            () = canceled => Err(told::canceled()),
            () = tokio::time::sleep(limit) => Err(told::too_long(limit.as_secs_f64())),
        };
        result
    }

    /// Ends a statement. Before a client can be told why one failed it must have read what was sent before; one that does not read
    /// is cut off.
    async fn ended<C>(&self, client: &mut C, result: PgWireResult<()>) -> PgWireResult<()>
    where
        C: Sink<PgWireBackendMessage> + Unpin,
    {
        if result.is_err() && !matches!(tokio::time::timeout(GRACE, client.flush()).await, Ok(Ok(()))) {
            self.busy.cut();
        }
        self.busy.set(false);
        result
    }
}

impl Asked {
    /// Does what an Execute message asks. The library gathers a question's rows before it sends them; here they are sent as they
    /// are made.
    async fn execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = <Self as ExtendedQueryHandler>::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let found = client.portal_store().get_portal(message.name.as_deref().unwrap_or(DEFAULT_NAME));
        let portal = match found {
            Some(Entry::Value(portal)) if gives_rows(&portal.statement.statement.1) => portal,
            _ => return self._on_execute(client, message).await,
        };
        if !matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            return Err(PgWireError::NotReadyForQuery);
        }
        client.set_state(PgWireConnectionState::QueryInProgress);
        let most = usize::try_from(message.max_rows).unwrap_or_default();
        let state = portal.state();
        let mut state = state.lock().await;
        if matches!(*state, PortalExecutionState::Initial) {
            match ExtendedQueryHandler::do_query(self, client, &portal, most).await? {
                Response::Query(rows) => *state = PortalExecutionState::Suspended(rows),
                Response::Error(error) => return Err(PgWireError::UserError(error)),
                _ => return Err(told::fatal("XX000", "a question was answered without rows")),
            }
        }
        let more = match &mut *state {
            PortalExecutionState::Suspended(rows) => send_partial_query_response(client, rows, most).await?,
            _ => {
                let tag = Tag::new("SELECT").with_rows(0);
                client.send(PgWireBackendMessage::CommandComplete(tag.into())).await?;
                false
            }
        };
        if !more {
            *state = PortalExecutionState::Finished;
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        Ok(())
    }

    fn apart(&self, answer: Response) -> Response {
        match answer {
            Response::Query(rows) => Response::Query(self.shared.apart.rows(rows)),
            other => other,
        }
    }

    /// A cursor's columns, also once it is at its end.
    async fn cursor_columns<C>(&self, client: &C, cursor: &str) -> Vec<FieldInfo>
    where
        C: ClientPortalStore,
        C::PortalStore: PortalStore<Statement = <Self as ExtendedQueryHandler>::Statement>,
    {
        let told = match client.portal_store().get_portal(cursor) {
            Some(Entry::Value(portal)) => match &*portal.state().lock().await {
                PortalExecutionState::Suspended(rows) => Some(rows.row_schema().to_vec()),
                _ => None,
            },
            _ => None,
        };
        let mut known = self.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        match told {
            Some(fields) => {
                known.insert(cursor.to_owned(), fields.clone());
                fields
            }
            None => known.get(cursor).cloned().unwrap_or_default(),
        }
    }
}

/// Whether a statement is answered with rows that are many.
fn gives_rows(planned: &Option<(Statement, LogicalPlan)>) -> bool {
    matches!(planned, Some((Statement::Query(_) | Statement::Explain { .. } | Statement::Fetch { .. }, _)))
}

/// What the client itself set as its limit.
fn own_limit(client: &impl ClientInfo) -> Option<Duration> {
    client.metadata().get("statement_timeout_ms")?.parse().ok().map(Duration::from_millis)
}

#[async_trait]
impl SimpleQueryHandler for Asked {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let result = self.limited(own_limit(client), self._on_query(client, query)).await;
        self.ended(client, result).await
    }

    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let inner: &DfSessionService = &self.shared.service;
        let answers = self.shared.served.pinned(SimpleQueryHandler::do_query(inner, client, query));
        let answers = self.shared.apart.started(answers).await?;
        Ok(answers.into_iter().map(|answer| self.apart(answer)).collect())
    }
}

#[async_trait]
impl ExtendedQueryHandler for Asked {
    type Statement = <DfSessionService as ExtendedQueryHandler>::Statement;
    type QueryParser = <DfSessionService as ExtendedQueryHandler>::QueryParser;

    fn query_parser(&self) -> Arc<Self::QueryParser> {
        self.shared.service.query_parser()
    }

    async fn do_describe_portal<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
    ) -> PgWireResult<DescribePortalResponse>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let statement = &portal.statement.statement;
        // The columns of FETCH are its cursor's; without them clients cannot read its rows.
        let fields = match &statement.1 {
            Some((Statement::Fetch { name, .. }, _)) => self.cursor_columns(client, &name.value).await,
            // A cursor has rows and no plan.
            None => self.cursor_columns(client, &portal.name).await,
            _ => self.query_parser().get_result_schema(statement, Some(&portal.result_column_format))?,
        };
        Ok(DescribePortalResponse::new(fields))
    }

    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let result = self.limited(own_limit(client), self.execute(client, message)).await;
        self.ended(client, result).await
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
        max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let inner: &DfSessionService = &self.shared.service;
        let answer = ExtendedQueryHandler::do_query(inner, client, portal, max_rows);
        let answer = self.shared.apart.started(self.shared.served.pinned(answer)).await;
        answer.map(|answer| self.apart(answer))
    }
}

/// Puts the engine's errors into our words.
struct Reworded;

impl ErrorHandler for Reworded {
    fn on_error<C>(&self, _: &C, error: &mut PgWireError)
    where
        C: ClientInfo,
    {
        told::reword(error);
    }
}

/// Ends what another connection asked.
struct Canceled {
    shared: Arc<Shared>,
}

#[async_trait]
impl CancelHandler for Canceled {
    async fn on_cancel_request(&self, request: CancelRequest) {
        self.shared.cancel(&(request.pid, request.secret_key));
    }
}
