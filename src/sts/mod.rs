//! What an event means for a role: names, identifiers, lifetimes, denials, addresses.
//!
//! Pure: text in, meaning out. Never reads a file, the clock or Arrow, and never claims more than the text says: what cannot
//! be read is `None`, or the word that stands for "unknown".

pub mod agent;
pub mod arn;
pub mod call;
pub mod denial;
pub mod expiration;
pub mod ip;
pub mod link;
pub mod names;
pub mod session_name;
pub mod shares;
pub mod unique_id;
