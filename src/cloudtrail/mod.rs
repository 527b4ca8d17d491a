//! What CloudTrail's bytes mean: object → records → events and faults.
//!
//! Pure: no I/O, no clock, no Arrow. Nothing is dropped silently: every record becomes an event, a fault or a counted
//! non-event.

pub mod event;
