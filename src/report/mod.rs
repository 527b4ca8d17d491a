//! The nightly report in every format that people and programs take it in. Everything comes from one [`Night`]; nothing is asked
//! here, and nothing depends on the clock but the time of success that the caller hands in.

mod escape;
mod html;
mod jsonl;
mod markdown;
pub mod notify;
mod ocsf;
mod parts;
mod prometheus;
mod screen;
mod slack;

use std::path::Path;

use crate::detect::night::Night;
use crate::error::{Error, Kind, Result};

/// What a report can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A summary for a terminal.
    Screen,
    /// One page that needs nothing from anywhere.
    Html,
    /// The canonical text.
    Markdown,
    /// One object a finding: every finding, whatever the page's budget.
    Jsonl,
    /// OCSF 1.5 Detection Findings, one a line.
    Ocsf,
    /// A Slack message of Block Kit.
    Slack,
    /// Numbers for node_exporter's textfile collector.
    Prometheus,
}

/// What the reader wants.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// How much a page shows; the rest is counted.
    pub budget: Budget,
    /// Columns of the terminal; none where nothing limits it.
    pub width: Option<usize>,
    /// When this run succeeded, seconds since the epoch: for the metrics alone.
    pub succeeded_at: Option<i64>,
}

/// How much a page and a message show. What is beyond is counted there and whole in `findings.jsonl`.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Rows to act on, one an identity.
    pub rows: usize,
    /// Findings of one detection below critical severity.
    pub per_detection: usize,
    /// Findings of one identity below critical severity.
    pub per_identity: usize,
}

impl Budget {
    /// As the configuration has it.
    #[must_use]
    pub fn of(config: &crate::config::Report) -> Self {
        let usual = Self::default();
        let quota = |own: Option<std::num::NonZeroUsize>, usual| own.map_or(usual, std::num::NonZeroUsize::get);
        Self {
            rows: config.rows.unwrap_or(usual.rows),
            per_detection: quota(config.per_detection, usual.per_detection),
            per_identity: quota(config.per_identity, usual.per_identity),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { rows: 10, per_detection: 25, per_identity: 10 }
    }
}

/// A night in one format.
///
/// # Errors
/// It cannot be written in that format.
pub fn render(night: &Night, format: Format, options: &Options) -> Result<String> {
    match format {
        Format::Screen => Ok(screen::render(night, options)),
        Format::Html => html::render(night, options),
        Format::Markdown => Ok(markdown::render(night, options)),
        Format::Jsonl => jsonl::render(night),
        Format::Ocsf => Ok(ocsf::render(night)),
        Format::Slack => slack::render(night, options),
        Format::Prometheus => Ok(prometheus::render(night, options)),
    }
}

/// The files of a report's folder.
const FILES: [(&str, Format); 6] = [
    ("report.html", Format::Html),
    ("report.md", Format::Markdown),
    ("findings.jsonl", Format::Jsonl),
    ("findings.ocsf.jsonl", Format::Ocsf),
    ("slack.json", Format::Slack),
    ("rolecall.prom", Format::Prometheus),
];

/// Writes the night into a folder, which is made where it is missing. Each file is there whole or as it was.
///
/// # Errors
/// The folder cannot be made, or a file cannot be written.
pub fn folder(path: &Path, night: &Night, options: &Options) -> Result<()> {
    let unwritable = |place: &Path, cause: std::io::Error| {
        Error::new(Kind::Output, "the report cannot be written")
            .context("file", place.display().to_string())
            .source(cause)
    };
    std::fs::create_dir_all(path).map_err(|cause| unwritable(path, cause))?;
    for (name, format) in FILES {
        let text = render(night, format, options)?;
        let (place, draft) = (path.join(name), path.join(format!(".{name}.part")));
        std::fs::write(&draft, text)
            .and_then(|()| std::fs::rename(&draft, &place))
            .map_err(|cause| unwritable(&place, cause))?;
    }
    Ok(())
}
