//! Who may come in: anybody on this machine, and over the network those who have TLS and the password.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_postgres::pgwire::api::auth::sasl::SASLAuthStartupHandler;
use datafusion_postgres::pgwire::api::auth::sasl::scram::{
    SCRAM_ITERATIONS, ScramAuth, gen_salted_password, random_nonce,
};
use datafusion_postgres::pgwire::api::auth::{AuthSource, DefaultServerParameterProvider, LoginInfo, Password};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::tokio::TlsAcceptor;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::ServerConfig;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::crypto::ring;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::pki_types::pem::PemObject;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, Result};

/// What Postgres's clients negotiate TLS for, where they begin with it.
const ALPN: &[u8] = b"postgresql";

/// The one user and its password, salted.
#[derive(Clone)]
pub struct Login {
    user: String,
    salt: Vec<u8>,
    salted: Vec<u8>,
}

impl Login {
    /// A user with a password, which is not kept.
    pub fn new(user: &str, password: &str) -> Self {
        let salt = random_nonce().into_bytes();
        let salted = gen_salted_password(password, &salt, SCRAM_ITERATIONS);
        Self { user: user.to_owned(), salt, salted }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[async_trait]
impl AuthSource for Login {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        match login.user() {
            Some(user) if user == self.user => Ok(Password::new(Some(self.salt.clone()), self.salted.clone())),
            other => Err(PgWireError::InvalidPassword(other.unwrap_or_default().to_owned())),
        }
    }
}

/// What is asked of those who come in.
#[derive(Clone)]
pub struct Access {
    /// The user and password; `None` asks for none.
    pub login: Option<Login>,
    /// What TLS is made with; `None` offers none.
    pub tls: Option<TlsAcceptor>,
    /// Whether nobody comes in without TLS.
    pub tls_only: bool,
}

impl Access {
    /// The handler of a password for one connection.
    pub(super) fn password(&self) -> Option<SASLAuthStartupHandler<DefaultServerParameterProvider>> {
        let login = self.login.clone()?;
        let scram = ScramAuth::new(Arc::new(login));
        Some(SASLAuthStartupHandler::new(Arc::new(parameters())).with_scram(scram))
    }
}

/// What clients are told of the server.
pub(super) fn parameters() -> DefaultServerParameterProvider {
    let mut parameters = DefaultServerParameterProvider::default();
    parameters.is_superuser = false;
    parameters.default_transaction_read_only = true;
    parameters
}

/// Makes TLS ready with a certificate chain and its key, both in PEM.
///
/// # Errors
/// The files cannot be read, or do not belong together.
pub fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let wrong = |what: &str, file: &Path| Error::usage(what).context("file", file.display().to_string());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|e| wrong("the certificate cannot be read", certificate).source(e))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|e| wrong("the certificate's key cannot be read", key).source(e))?;
    let unfit = |e| wrong("the certificate cannot be used", certificate).source(e);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unfit)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
