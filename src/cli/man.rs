//! `rolecall man`: the manual page, written from the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::{Man, generate_to};

use super::arguments::Arguments;
use super::console::Console;
use super::{Outcome, output};
use crate::error::{Error, Kind, Result};

/// Write the manual page
///
/// To read it: rolecall man | man -l -. For packages: rolecall man --dir DIR writes a page for every command as well.
#[derive(Debug, Args)]
pub struct Manual {
    /// Write rolecall.1 and a page for every command into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Manual {
    /// Writes the page to standard output, or all pages into a folder.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn run(&self, console: Console) -> Result<Outcome> {
        let unwritten = |e| Error::new(Kind::Output, "the manual pages cannot be written").source(e);
        match &self.dir {
            Some(dir) => std::fs::create_dir_all(dir)
                .and_then(|()| generate_to(Arguments::command(), dir))
                .map_err(|e: std::io::Error| unwritten(e).context("folder", dir.display().to_string()))?,
            None => {
                let mut page = Vec::new();
                Man::new(Arguments::command()).render(&mut page).map_err(unwritten)?;
                output::text(console.target(None)?, &String::from_utf8_lossy(&page))?;
            }
        }
        Ok(Outcome::Complete)
    }
}
