//! Every test that needs the library, in one program: each further one would link all of DataFusion once more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/browser.rs"]
mod browser;
mod cli;
mod ingest;
mod lake_s3;
mod questions;
mod readme;
mod real_logs;
#[path = "support/s3_server.rs"]
mod s3_server;
mod same_tables;
mod source_s3;
mod timeline;
