//! Questions: DataFusion over the lake or over log files, with rolecall's functions and saved questions.
//!
//! Read-only: no statement here writes, and none reads a file that the tables do not stand for.

pub mod aws_ranges;
pub mod binding;
mod distance;
pub mod enrich;
pub mod functions;
pub mod json_value;
pub mod knowledge;
pub mod known;
pub mod library;
pub mod linked;
pub mod logs;
pub mod mistake;
pub mod parameter;
mod period;
mod pool;
pub mod query_file;
pub mod schema;
pub mod session;
pub mod setup;
mod sorted_joins;
mod tables;
mod yielding;

pub(crate) use crate::words::{moment, nearest};
