//! rolecall: who was behind the role?
//!
//! Reads an organisation's CloudTrail logs and answers who assumed which role, from where, through which chain, for how
//! long, and what they did with it. `ARCHITECTURE.md` is the map; each room's own header says what it must never do.

// The report page's data is one large object.
#![recursion_limit = "256"]

pub mod cli;
pub mod cloudtrail;
pub mod config;
pub mod detect;
pub mod error;
pub mod escape;
pub mod failpoint;
pub mod ingest;
pub mod integrity;
pub mod lake;
pub mod report;
pub mod serve;
pub mod source;
pub mod sql;
pub mod sts;
pub mod timeline;
pub mod words;
