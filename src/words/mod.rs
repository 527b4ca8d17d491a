//! What people type, on the command line, in queries and in the configuration: times, durations, sizes, misspelt words.
//!
//! Pure; every room may read it.

pub mod moment;
pub mod nearest;
pub mod size;
