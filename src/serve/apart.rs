//! Rows made apart from the connections: a question that computes for long without a pause keeps no connection from being
//! answered, cancelled or timed out.
//!
//! Planning runs on the connection's own thread; what it starts, such as the workers of a join, starts here.

use std::future::poll_fn;
use std::pin::pin;

use datafusion_postgres::pgwire::api::results::QueryResponse;
use futures::StreamExt;
use futures::stream::{self, Stream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// Rows handed over at a time.
const ROWS: usize = 256;
/// How many such hands wait for a client that is slower than the question.
const WAITING: usize = 2;
/// Deep plans recurse; a thread's usual stack is not enough for them in a debug build.
const STACK: usize = 8 << 20;

/// The threads that questions run on.
pub struct Apart {
    runtime: Option<Runtime>,
}

impl Apart {
    /// Starts them, as many as there are cores.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread().enable_all().thread_name("question").thread_stack_size(STACK).build();
        let runtime = runtime.map_err(|e| Error::internal("no threads can be started").source(e))?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Does something on the caller's thread, while whatever it starts runs on these threads.
    pub async fn started<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(runtime) = &self.runtime else { return work.await };
        let mut work = pin!(work);
        poll_fn(|context| {
            let _entered = runtime.enter();
            work.as_mut().poll(context)
        })
        .await
    }

    /// The same answer, its rows made on these threads. They are made no faster than they are taken, and no more once nobody
    /// takes them.
    pub fn rows(&self, answer: QueryResponse) -> QueryResponse {
        let Some(runtime) = &self.runtime else { return answer };
        let QueryResponse { row_schema, data_rows, .. } = answer;
        let (sender, receiver) = mpsc::channel(WAITING);
        runtime.spawn(async move {
            let mut rows = data_rows.ready_chunks(ROWS);
            loop {
                tokio::select! {
                    () = sender.closed() => break,
                    next = rows.next() => match next {
                        Some(rows) => if sender.send(rows).await.is_err() { break },
                        None => break,
                    },
                }
            }
        });
        QueryResponse::new(row_schema, received(receiver))
    }
}

fn received<T>(receiver: mpsc::Receiver<Vec<T>>) -> impl Stream<Item = T> {
    stream::unfold(
        receiver,
        |mut receiver| async move { receiver.recv().await.map(|rows| (stream::iter(rows), receiver)) },
    )
    .flatten()
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Waiting for what still computes would hold up whoever ends the server.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
