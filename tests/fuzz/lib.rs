//! The rooms that are fuzzed, and no more: without the engine they are built with coverage in a minute.
//!
//! From the project's folder: `cargo +nightly fuzz run --fuzz-dir tests/fuzz decoder`. What crashes goes into
//! `corpus/decoder/` under a name that says what it is; the tests replay it from then on.

extern crate self as rolecall;

#[path = "../../src/cloudtrail/mod.rs"]
pub mod cloudtrail;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "source.rs"]
pub mod source;
#[path = "../../src/sts/mod.rs"]
pub mod sts;
pub mod targets;
