//! The terminal: the one place that writes to it. The answer goes to standard output, everything else to standard error.
//!
//! Every text that can come from a log is shown without control characters.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::output::{Target, visible};
use crate::error::{Error, Kind, Result};

/// Narrower terminals are treated as this wide: nothing can be read on less.
const NARROWEST: usize = 40;

/// The width of a terminal that does not tell its own.
const USUAL: usize = 80;

/// What the user sees.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    quiet: bool,
    answer_is_terminal: bool,
    status_is_terminal: bool,
}

impl Console {
    /// A console; a quiet one shows warnings and errors only.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, answer_is_terminal: io::stdout().is_terminal(), status_is_terminal: io::stderr().is_terminal() }
    }

    /// Whether status is left out.
    pub fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Whether a person reads the answer as it comes.
    pub fn answer_is_terminal(self) -> bool {
        self.answer_is_terminal
    }

    /// Whether a person reads what goes to standard error.
    pub fn status_is_terminal(self) -> bool {
        self.status_is_terminal
    }

    /// Whether a person types and sees what is typed.
    pub fn is_typed(self) -> bool {
        io::stdin().is_terminal() && self.status_is_terminal
    }

    /// Columns and lines of the terminal that shows the answer.
    pub fn screen(self) -> Option<(usize, usize)> {
        let (width, height) = terminal_size::terminal_size_of(io::stdout()).filter(|_| self.answer_is_terminal)?;
        Some((usize::from(width.0), usize::from(height.0)))
    }

    /// The width for tables: the terminal's, else `$COLUMNS`; none where nothing limits it.
    pub fn width(self) -> Option<usize> {
        let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        let columns = || std::env::var("COLUMNS").ok()?.trim().parse::<usize>().ok().filter(|width| *width > 0);
        let width = if self.answer_is_terminal { terminal().or_else(columns).or(Some(USUAL)) } else { columns() };
        width.map(|width| width.max(NARROWEST))
    }

    /// Where an answer goes: a file, made at once so that a wrong path fails before the long work, or standard output.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn target(self, file: Option<&Path>) -> Result<Target> {
        match file {
            Some(path) if path != Path::new("-") => Ok(Target::new(self.file(path)?)),
            _ => Ok(Target::new(io::stdout())),
        }
    }

    /// A new file for answers.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn file(self, path: &Path) -> Result<File> {
        File::create(path).map_err(|e| {
            Error::new(Kind::Output, "the file for the answer cannot be made")
                .context("file", path.display().to_string())
                .source(e)
        })
    }

    /// Says what goes on; not where the user wants it quiet.
    pub fn status(self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Says what the user must know about the answer, quiet or not.
    pub fn warning(self, text: &str) {
        say(&format!("Warning: {text}"));
    }

    /// Says why it failed: what, where, the causes, what to do.
    pub fn error(self, error: &Error) {
        let mut text = format!("Error: {error}\n");
        for (name, value) in error.contexts() {
            text.push_str(&format!("  {name}: {value}\n"));
        }
        let mut last = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let words = error.to_string();
            // Many libraries repeat their cause's words.
            if !last.contains(&words) {
                text.push_str(&format!("Caused by: {words}\n"));
            }
            last = words;
            cause = error.source();
        }
        for hint in error.hints() {
            text.push_str(&format!("Hint: {hint}\n"));
        }
        say(text.trim_end());
    }
}

/// One or more lines to standard error. That nobody listens there is no reason to fail.
fn say(text: &str) {
    let mut lines = String::with_capacity(text.len() + 1);
    for line in text.split('\n') {
        lines.push_str(&visible(line));
        lines.push('\n');
    }
    _ = io::stderr().lock().write_all(lines.as_bytes());
}
