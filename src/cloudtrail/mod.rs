//! What CloudTrail's bytes mean: object → records → events and faults.
//!
//! Pure: no I/O, no clock, no Arrow. Nothing is dropped silently: every record becomes an event, a fault or a counted
//! non-event. Session tokens never leave this room.
//!
//! The way of the bytes: `object` unwraps (gzip, zip), `walk` finds the records, `record` finds a record's fields (`fields` names them), `typed` and
//! `extra` make the event of them. `scan`, `text`, `time` and `gzip` serve these; `wanted` and `skim` pass over what is not asked for; `redact` stands at every exit.

mod book;
mod content;
pub mod event;
mod extra;
mod fields;
mod gzip;
mod object;
mod record;
mod redact;
mod scan;
mod skim;
mod text;
mod time;
mod typed;
mod utf16;
mod walk;
mod wanted;

pub use book::{Book, Fault, Form, Limits, Place, Reason};
pub use content::uncompressed;
pub use event::{Event, Identity, Text};
pub use object::decode_object;
pub use wanted::{Needle, Part, Parts, Term, Wanted};

#[cfg(test)]
mod tests;
