//! The rooms that are fuzzed, and no more: without the engine they are built with coverage in a minute. The query header needs its
//! parser of SQL (`--features sql`), which takes minutes.
//!
//! From the project's folder: `cargo +nightly fuzz run --fuzz-dir tests/fuzz decoder`. What crashes goes into
//! `corpus/decoder/` under a name that says what it is; the tests replay it from then on.

#[cfg(feature = "sql")]
extern crate self as datafusion;
extern crate self as rolecall;

#[cfg(feature = "sql")]
pub use datafusion_common as common;

#[path = "../../src/cloudtrail/mod.rs"]
pub mod cloudtrail;
#[path = "../../src/error.rs"]
pub mod error;
#[cfg(feature = "sql")]
pub mod query_header;
#[path = "source.rs"]
pub mod source;
#[cfg(feature = "sql")]
#[path = "sql.rs"]
pub mod sql;
#[path = "../../src/sts/mod.rs"]
pub mod sts;
pub mod targets;
#[cfg(feature = "sql")]
#[path = "../../src/words/mod.rs"]
pub mod words;
