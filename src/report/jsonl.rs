//! `findings.jsonl`: one object a finding, every one of them. The fields of the contract, then what this program adds.

use serde_json::to_string;

use super::parts::gravest;
use crate::detect::night::Night;
use crate::error::{Error, Result};

/// The lines, the gravest first; Sigma's findings behind our own.
pub fn render(night: &Night) -> Result<String> {
    let mut out = String::new();
    for finding in gravest(&night.findings).into_iter().chain(gravest(&night.sigma)) {
        let line = to_string(finding).map_err(|e| Error::internal("a finding cannot be written as JSON").source(e))?;
        out.push_str(&super::escape::json(&line));
        out.push('\n');
    }
    Ok(out)
}
