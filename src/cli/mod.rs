//! The command line: one file a verb.
//!
//! Arguments are turned into values that cannot be wrong; the other rooms do the work. Only `console` writes to the terminal.

pub mod output;
