//! What people type, on the command line, in queries and in the configuration: times, durations, sizes, misspelt words; and numbers as they read them.
//!
//! Pure; every room may read it.

pub mod lines;
pub mod moment;
pub mod nearest;
pub mod number;
pub mod pattern;
pub mod size;
