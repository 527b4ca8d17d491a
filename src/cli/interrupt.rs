//! Ctrl-C and SIGTERM: the first asks the work to end in order, the second ends the program at once.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::INTERRUPTED;
use crate::error::{Error, Kind, Result};

/// Listens for interruptions as long as the runtime lives.
#[derive(Debug, Clone)]
pub struct Interrupt {
    stop: Arc<AtomicBool>,
    told: watch::Receiver<bool>,
}

impl Interrupt {
    /// Starts listening; must be called inside the runtime.
    ///
    /// # Errors
    /// The system refuses to tell of signals.
    pub fn listen() -> Result<Self> {
        let refused = |e| Error::internal("interruptions cannot be listened for").source(e);
        let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
        let mut control_c = signal(SignalKind::interrupt()).map_err(refused)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, told) = watch::channel(false);
        let flag = Arc::clone(&stop);
        tokio::spawn(async move {
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = control_c.recv() => {} }
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(INTERRUPTED));
                }
                _ = tell.send(true);
            }
        });
        Ok(Self { stop, told })
    }

    /// The flag that long work looks at.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Does the work, unless it is interrupted: then it is dropped where it stands.
    ///
    /// # Errors
    /// The work's own, or that it was interrupted.
    pub async fn unless<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut told = self.told.clone();
        tokio::select! {
            result = work => result,
            Ok(_) = told.wait_for(|told| *told) => Err(interrupted()),
        }
    }
}

/// The error that ends an interrupted program.
pub fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted")
}
