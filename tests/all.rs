//! Every test that needs the library, in one program: each further one would link all of DataFusion once more.

mod cli;
mod ingest;
mod lake_s3;
mod questions;
mod readme;
mod real_logs;
mod same_tables;
mod source_s3;
