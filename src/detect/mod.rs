//! What is unusual: baselines, scores, findings. Reads through [`crate::sql`]; never the clock.
//!
//! `baseline` keeps the days, `night_tables` sets a night against them, `catalogue` holds the detections, `run` asks them,
//! `assemble` makes findings of their rows, `combine` lets weak signals add up, `learning` holds back what has no
//! history yet, `history` says what was there before, and `nightly` does all of it in order.

pub mod allow;
pub mod assemble;
pub mod baseline;
pub mod catalogue;
pub mod combine;
pub mod finding;
pub mod functions;
pub mod history;
pub mod hit;
mod inputs;
pub mod learning;
pub mod lock;
pub mod names;
pub mod night;
pub mod night_tables;
pub mod nightly;
mod people;
pub mod score;
pub mod sections;
pub mod sigma;
pub mod stored;
