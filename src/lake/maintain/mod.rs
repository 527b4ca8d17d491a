//! Looking after a lake: fewer files, nothing left behind, derived tables made anew, an earlier layout brought up to date.
//!
//! None of it changes what the lake says of the logs. Every commit is one of our own upon the very version that was
//! looked at, so that it gives way to ingests and to itself; a crash leaves files that nothing refers to, and `vacuum`
//! removes them.

mod optimize;
mod rederive;
mod upgrade;
mod vacuum;

pub use optimize::{Aims, Optimized, optimize};
pub use rederive::{Rederived, rederive};
pub use upgrade::{Upgraded, upgrade};
pub use vacuum::{LEAST_DAYS, Removed, USUAL_DAYS, vacuum};
