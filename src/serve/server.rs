//! Listens, lets in as many as there is room for, and shares what they ask of.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::setup_pg_catalog;
use datafusion_postgres::hooks::cursor::CursorStatementHook;
use datafusion_postgres::hooks::set_show::SetShowHook;
use datafusion_postgres::hooks::transactions::TransactionStatementHook;
use datafusion_postgres::pgwire::api::{PidSecretKeyGenerator, RandomPidSecretKeyGenerator};
use datafusion_postgres::pgwire::messages::startup::SecretKey;
use datafusion_postgres::pgwire::tokio::process_socket;
use datafusion_postgres::{DfSessionService, QueryHook};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::access::Access;
use super::answer::Answer;
use super::apart::Apart;
use super::connection::{Busy, Connection};
use super::cursor::Fetching;
use super::described::{self, Described, Functions};
use super::guard::Guard;
use super::habits::current_setting;
use super::live::Served;
use crate::error::{Error, Result};
use crate::sql::known::known;
use crate::sql::session;

/// The catalog's name; clients see it as the database's.
const DATABASE: &str = "rolecall";

/// How much is served at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections.
    pub connections: usize,
    /// Statements that run at once; others wait.
    pub statements: usize,
    /// How long a statement may take, sending its rows included.
    pub statement: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 64, statements: 8, statement: Duration::from_secs(300) }
    }
}

/// What a client shows to end its statement: its process id and its secret.
type Cancels = (i32, Vec<u8>);

/// What all connections share.
pub struct Shared {
    pub(super) served: Arc<Served>,
    pub(super) apart: Apart,
    pub(super) service: DfSessionService,
    pub(super) access: Access,
    pub(super) limits: Limits,
    pub(super) turns: Semaphore,
    pub(super) keys: Arc<dyn PidSecretKeyGenerator>,
    running: Mutex<HashMap<Cancels, Arc<Busy>>>,
}

fn known_by(key: &(i32, SecretKey)) -> Cancels {
    (key.0, key.1.to_bytes().to_vec())
}

impl Shared {
    fn running<T>(&self, work: impl FnOnce(&mut HashMap<Cancels, Arc<Busy>>) -> T) -> T {
        work(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn remember(&self, key: &(i32, SecretKey), busy: &Arc<Busy>) {
        self.running(|running| running.insert(known_by(key), Arc::clone(busy)));
    }

    pub(super) fn forget(&self, key: &(i32, SecretKey)) {
        self.running(|running| running.remove(&known_by(key)));
    }

    pub(super) fn cancel(&self, key: &(i32, SecretKey)) {
        if let Some(busy) = self.running(|running| running.get(&known_by(key)).cloned()) {
            busy.cancel();
        }
    }
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on an address.
    ///
    /// # Errors
    /// The address is taken or not ours; or, for another than a loopback address, TLS or a password is missing.
    pub async fn listen(address: SocketAddr, access: Access, limits: Limits, served: Arc<Served>) -> Result<Self> {
        let local = address.ip().is_loopback();
        if !local && (access.tls.is_none() || access.login.is_none()) {
            return Err(Error::usage("other machines may only come in with TLS and a password")
                .context("address", address.to_string())
                .hint("--tls-cert FILE --tls-key FILE --password-file FILE")
                .hint("or listen on this machine alone: --postgres 127.0.0.1:5433"));
        }
        let access = Access { tls_only: access.tls_only || !local, ..access };
        let service = service(&served).await?;
        let listener = TcpListener::bind(address).await.map_err(|e| {
            Error::input("the address cannot be listened on").context("address", address.to_string()).source(e)
        })?;
        let shared = Shared {
            served,
            apart: Apart::start()?,
            service,
            access,
            limits,
            turns: Semaphore::new(limits.statements),
            keys: Arc::new(RandomPidSecretKeyGenerator::default()),
            running: Mutex::default(),
        };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Only where the system does not tell.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|e| Error::internal("the address is not known").source(e))
    }

    /// Serves until it is dropped, which ends all connections.
    pub async fn run(self) {
        let room = Arc::new(Semaphore::new(self.shared.limits.connections));
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Those who are told that there is no room take some as well.
                        if tasks.len() < self.shared.limits.connections.saturating_mul(2) {
                            let place = Arc::clone(&room).try_acquire_owned().ok();
                            let connection = Connection::new(&self.shared, place.is_some());
                            let tls = self.shared.access.tls.clone();
                            tasks.spawn(async move {
                                serve(stream, tls, connection).await;
                                drop(place);
                            });
                        }
                    }
                    Err(error) => {
                        tracing::warn!("a connection could not be taken: {error}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(_) = tasks.join_next() => {}
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    tls: Option<datafusion_postgres::pgwire::tokio::TlsAcceptor>,
    connection: Arc<Connection>,
) {
    let ended = tokio::select! {
        ended = process_socket(stream, tls, Arc::clone(&connection)) => ended,
        () = connection.overdue() => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!("a connection broke off: {error}");
    }
}

/// The one session that every connection asks.
async fn service(served: &Arc<Served>) -> Result<DfSessionService> {
    let broken = |e: datafusion::error::DataFusionError| {
        Error::internal("the tables could not be set up for Postgres").source(e)
    };
    let context = session::context(served.setup())?;
    let mut tables = Vec::new();
    for (name, table) in served.tables() {
        context.register_table(name.as_str(), table).map_err(broken)?;
        tables.push(name);
    }
    tables.sort_unstable();
    setup_pg_catalog(&context, DATABASE, EmptyContextProvider).map_err(|e| broken(*e))?;
    context.register_udf(current_setting());
    let described = Described::read(&context).await.map_err(broken)?;
    described::register(&context, &Arc::new(described));
    // Clients are told that now() and casts have the time zone that every time here has.
    context.sql("SET datafusion.execution.time_zone = '+00:00'").await.map_err(broken)?;
    let functions = Functions::of(&known(&context));
    let hooks: Vec<Arc<dyn QueryHook>> = vec![
        Arc::new(Guard),
        Arc::new(Fetching),
        Arc::new(CursorStatementHook),
        Arc::new(SetShowHook),
        Arc::new(TransactionStatementHook),
        Arc::new(Answer { tables, enrichment: Arc::clone(&served.setup().enrichment), functions }),
    ];
    Ok(DfSessionService::new_with_hooks(Arc::new(context), hooks))
}
