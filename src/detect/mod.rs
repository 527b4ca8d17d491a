//! What is unusual: baselines, scores, findings. Reads through [`crate::sql`]; never the clock.

pub mod finding;
pub mod night;
