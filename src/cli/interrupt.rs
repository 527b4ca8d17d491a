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
    /// Ctrl-C stops what is being done and not the program.
    goes_on: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    tell: Arc<watch::Sender<bool>>,
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
        let interrupt = Self {
            stop: Arc::default(),
            goes_on: Arc::default(),
            ended: Arc::default(),
            tell: Arc::new(watch::Sender::new(false)),
        };
        let heard = interrupt.clone();
        tokio::spawn(async move {
            loop {
                let ends = tokio::select! {
                    _ = terminate.recv() => true,
                    _ = control_c.recv() => !heard.goes_on.load(Ordering::Relaxed),
                };
                heard.stop.store(true, Ordering::Relaxed);
                if ends && heard.ended.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(INTERRUPTED));
                }
                heard.tell.send_replace(true);
            }
        });
        Ok(interrupt)
    }

    /// From now on Ctrl-C stops what is being done, as often as it comes, and not the program.
    pub fn go_on(&self) {
        self.goes_on.store(true, Ordering::Relaxed);
    }

    /// Whether the program is to end: SIGTERM, or Ctrl-C where it does not [go on](Self::go_on).
    pub fn ended(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended)
    }

    /// Forgets a Ctrl-C that has been obeyed.
    pub fn forget(&self) {
        if !self.ended.load(Ordering::Relaxed) {
            self.stop.store(false, Ordering::Relaxed);
            self.tell.send_replace(false);
        }
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
        let mut told = self.tell.subscribe();
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
