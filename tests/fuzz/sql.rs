//! What reads query files, with DataFusion's parser of SQL and no more of the engine.

pub use datafusion_sql::{parser, sqlparser};

pub(crate) use crate::words::{moment, nearest};

#[path = "../../src/sql/parameter.rs"]
pub mod parameter;
#[path = "../../src/sql/query_file.rs"]
pub mod query_file;
