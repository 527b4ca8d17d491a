//! `rolecall completions`: the script that lets a shell complete rolecall's words.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::arguments::Arguments;
use super::console::Console;
use super::{Outcome, output};
use crate::error::Result;

/// Write the script that completes rolecall's words in a shell
///
/// For bash: rolecall completions bash > ~/.local/share/bash-completion/completions/rolecall
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Writes the script to standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn run(&self, console: Console) -> Result<Outcome> {
        let mut script = Vec::new();
        generate(self.shell, &mut Arguments::command(), "rolecall", &mut script);
        output::text(console.target(None)?, &String::from_utf8_lossy(&script))?;
        Ok(Outcome::Complete)
    }
}
