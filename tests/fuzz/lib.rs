//! The rooms that are fuzzed, and no more: without the rest of the engine they are built with coverage in a few minutes.
//!
//! From the project's folder: `cargo +nightly fuzz run --fuzz-dir tests/fuzz decoder`. What crashes goes into
//! `corpus/decoder/` under a name that says what it is; the tests replay it from then on.

extern crate self as datafusion;
extern crate self as rolecall;

pub use datafusion_common as common;

#[path = "../../src/cloudtrail/mod.rs"]
pub mod cloudtrail;
#[path = "../../src/error.rs"]
pub mod error;
pub mod query_header;
#[path = "source.rs"]
pub mod source;
#[path = "sql.rs"]
pub mod sql;
#[path = "../../src/sts/mod.rs"]
pub mod sts;
pub mod targets;
#[path = "../../src/words/mod.rs"]
pub mod words;
