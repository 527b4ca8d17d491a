//! `rolecall serve`: the lake for Postgres's clients.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::Outcome;
use super::arguments::{Configured, S3, Wanted, lake_location};
use super::console::Console;
use super::interrupt::Interrupt;
use crate::config::{Config, Serve as Settings};
use crate::error::{Error, Result};
use crate::serve::{Access, LakeToServe, Limits, Login, Served, Server, tls};
use crate::sql::setup::Setup;
use crate::words::moment;

/// Where it listens when nobody says: this machine alone.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5433);

/// The user that a password is for when nobody says.
const USER: &str = "rolecall";

/// The variable that a password may be in, for where secrets come by the environment.
const PASSWORD: &str = "ROLECALL_SERVE_PASSWORD";

/// Serve the lake to Postgres's clients: psql, Grafana, Metabase, JDBC, Python
///
/// Read-only. What is ingested meanwhile is seen by the next statement. Other machines come in with TLS and a password alone.
#[derive(Debug, Args)]
pub struct Serve {
    /// Listen on this address [default: the configuration's, else 127.0.0.1:5433]
    #[arg(long, value_name = "ADDR")]
    postgres: Option<SocketAddr>,
    /// The lake: a folder or s3://bucket/prefix [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake]
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    /// The certificate chain for TLS, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The user that the password is for [default: rolecall]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Ask for the password in this file [default: $ROLECALL_SERVE_PASSWORD, else the configuration's file]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Connections at a time [default: 64]
    #[arg(long, value_name = "N")]
    max_connections: Option<NonZeroUsize>,
    /// Statements that run at once; others wait [default: 8]
    #[arg(long, value_name = "N")]
    max_statements: Option<NonZeroUsize>,
    /// How long a statement may take, sending its rows included [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    statement_timeout: Option<Duration>,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    s3: S3,
    #[command(flatten)]
    configured: Configured,
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = moment::duration(text).and_then(|duration| duration.to_std().ok()).filter(|d| !d.is_zero());
    read.ok_or_else(|| moment::DURATION_FORMS.to_owned())
}

impl Serve {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    /// There is no lake, the address cannot be listened on, or who may come in is not said as it must be.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let config = self.configured.load()?;
        interrupt
            .unless(async {
                let server = self.server(&config).await?;
                console.status(&format!("Listening for Postgres clients on {}", server.address()?));
                server.run().await;
                Ok(Outcome::Complete)
            })
            .await
    }

    async fn server(&self, config: &Config) -> Result<Server> {
        let settings = &config.serve;
        let access = self.access(settings)?;
        let usual = Limits::default();
        let number = |given: Option<NonZeroUsize>, set: Option<NonZeroUsize>, usual: usize| {
            given.or(set).map_or(usual, NonZeroUsize::get)
        };
        let set = settings.statement_timeout.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros);
        let limits = Limits {
            connections: number(self.max_connections, settings.max_connections, usual.connections),
            statements: number(self.max_statements, settings.max_statements, usual.statements),
            statement: self.statement_timeout.or(set).unwrap_or(usual.statement),
        };
        let address = self.postgres.or(settings.postgres).unwrap_or(ADDRESS);
        let served = Served::open(LakeToServe {
            location: lake_location(self.lake.as_deref(), config),
            options: self.s3.lake_options(config),
            filters: self.wanted.filters(config)?,
            setup: Setup::of(config)?,
        });
        Server::listen(address, access, limits, served.await?).await
    }

    fn access(&self, settings: &Settings) -> Result<Access> {
        let certificate = self.tls_cert.as_ref().or(settings.tls_cert.as_ref());
        let key = self.tls_key.as_ref().or(settings.tls_key.as_ref());
        let tls = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(tls(certificate, key)?),
            (None, None) => None,
            _ => {
                return Err(Error::usage("TLS needs a certificate and its key").hint("tls_cert and tls_key in [serve]"));
            }
        };
        let user = self.user.as_deref().or(settings.user.as_deref()).unwrap_or(USER);
        Ok(Access { login: self.password(settings)?.map(|password| Login::new(user, &password)), tls, tls_only: false })
    }

    /// The password: an option's file, else the environment's, else the file that the configuration names.
    fn password(&self, settings: &Settings) -> Result<Option<String>> {
        let environment = std::env::var(PASSWORD).ok().filter(|password| !password.is_empty());
        match (&self.password_file, environment, &settings.password_file) {
            (Some(file), _, _) | (None, None, Some(file)) => password(file).map(Some),
            (None, environment, _) => Ok(environment),
        }
    }
}

fn password(file: &Path) -> Result<String> {
    let wrong = |what: &str| Error::usage(what).context("file", file.display().to_string());
    let text = std::fs::read_to_string(file).map_err(|e| wrong("the password's file cannot be read").source(e))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() { Err(wrong("the password's file is empty")) } else { Ok(password.to_owned()) }
}
