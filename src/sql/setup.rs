//! What the engine is told beside its data: from `rolecall.toml`, or nothing.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Config;
use crate::error::Result;

use super::enrich::Enrichment;
use super::knowledge::Known;

/// What the configuration means for questions. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// What the organisation knows about itself.
    pub known: Arc<Known>,
    /// What databases tell of addresses.
    pub enrichment: Arc<Enrichment>,
    /// Bytes that queries share before they spill to disk; `None` for the usual.
    pub memory: Option<usize>,
    /// The folder that they spill to; `None` for the system's.
    pub spill_dir: Option<PathBuf>,
    /// Bytes that one object may hold once decompressed; `None` for the usual.
    pub max_object: Option<u64>,
}

impl Setup {
    /// What a configuration says.
    ///
    /// # Errors
    /// A pattern in it cannot be used.
    pub fn of(config: &Config) -> Result<Self> {
        Ok(Self {
            known: Arc::new(Known::of(config)?),
            enrichment: Arc::new(Enrichment::of(&config.enrichment)),
            memory: config.reading.max_memory.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            spill_dir: config.reading.spill_dir.clone(),
            max_object: config.reading.max_object,
        })
    }
}
