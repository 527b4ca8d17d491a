//! The rows that can bear on what is asked: those of some credentials, names and addresses, and whatever linking would put beside them.
//!
//! Linking costs what it is given. An incident is some sessions, their owners' past and who else was at their addresses: of
//! hundreds of thousands of sessions, hundreds. What is chosen may be more than is needed, never less: each session that bears on
//! the question is linked as it would be among all rows.

mod asked;
mod choose;
mod index;
mod sieve;
mod spread;

pub use asked::Asked;
pub(super) use choose::Nearby;
