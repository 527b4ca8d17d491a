//! Every test that needs the library, in one program: each further one would link all of DataFusion once more.

// A test that is left out for want of a program says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/cases.rs"]
mod cases;
mod catalogue;
mod cli;
mod computed;
mod config;
mod coverage;
mod crashes;
#[path = "support/days.rs"]
mod days;
mod detections;
#[path = "support/digests.rs"]
mod digests;
mod exit_codes;
mod faulty_s3;
mod faulty_sources;
mod fresh;
mod fuzzed;
mod ingest;
mod lake_s3;
mod linked_events;
mod maintenance;
mod nearby;
#[path = "support/night.rs"]
mod night;
mod nights;
mod outputs;
mod own_security;
#[path = "support/proxy.rs"]
mod proxy;
mod questions;
mod readme;
mod real_logs;
mod report_formats;
mod report_verb;
#[path = "support/s3_server.rs"]
mod s3_server;
mod same_tables;
mod serve;
mod shell;
mod source_s3;
mod stored_tables;
mod timeline;
mod truth;
mod verify;
