//! Where the shell's answers go and how they look: here, through a pager, or to a file, in the format that was chosen.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::answer::Answering;
use super::super::console::Console;
use super::super::output::{Fit, Format, Target};
use super::pager::{Opened, Paged, Pager};
use crate::error::{Error, Kind, Result};

/// The place of the answers to come.
pub struct Place {
    console: Console,
    /// As chosen; else a table for people and ndjson for programs.
    pub format: Option<Format>,
    /// A row is a block of names and values.
    pub blocks: bool,
    file: Option<OpenFile>,
    pager: Option<Pager>,
}

struct OpenFile {
    path: PathBuf,
    file: File,
    /// Whether it holds an answer.
    used: bool,
}

impl Place {
    /// Answers come here.
    pub fn new(console: Console, format: Option<Format>) -> Self {
        Self { console, format, blocks: false, file: None, pager: None }
    }

    /// From now on what does not fit on the screen is paged, where there is a pager.
    pub fn page(&mut self) {
        self.pager = if self.console.answer_is_terminal() { Pager::find() } else { None };
    }

    /// From now on answers go to this file, one after the other; without one, here.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn set_file(&mut self, path: Option<&Path>) -> Result<()> {
        self.file = match path.filter(|path| *path != Path::new("-")) {
            None => None,
            Some(path) => Some(OpenFile { path: path.to_owned(), file: self.console.file(path)?, used: false }),
        };
        Ok(())
    }

    /// A place for one answer, and the pager that it may open.
    ///
    /// # Errors
    /// The format is not for a terminal, or not for several answers.
    pub fn answering(&mut self) -> Result<(Answering, Opened)> {
        let terminal = self.file.is_none() && self.console.answer_is_terminal();
        let format = self.format.unwrap_or(if terminal { Format::Table } else { Format::Ndjson });
        let opened = Opened::default();
        let (target, width) = match &mut self.file {
            Some(open) => {
                if format == Format::Parquet && open.used {
                    return Err(Error::usage("a parquet file holds one answer")
                        .context("file", open.path.display().to_string())
                        .hint("name another file: \\o FILE"));
                }
                open.used = true;
                let file = open.file.try_clone().map_err(|e| {
                    Error::new(Kind::Output, "the answer cannot be written")
                        .context("file", open.path.display().to_string())
                        .source(e)
                })?;
                (Target::new(file), None)
            }
            None if format == Format::Parquet && terminal => {
                return Err(Error::usage("parquet is not for a terminal").hint("name a file: \\o FILE"));
            }
            None => {
                let plain = self.console.target(None)?;
                let target = match (&self.pager, self.console.screen()) {
                    (Some(pager), Some(screen)) => paged(plain, pager, &opened, screen),
                    _ => plain,
                };
                (target, self.console.width())
            }
        };
        let sideways = width.is_some() && self.pager.as_ref().is_some_and(|pager| pager.sideways);
        let fit = match width {
            _ if self.blocks => Fit::Blocks(width),
            Some(width) if sideways => Fit::Scrolled(width),
            Some(width) => Fit::Screen(width),
            None => Fit::Free,
        };
        Ok((Answering::new(format, target, fit, self.console), opened))
    }
}

fn paged(plain: impl Write + Send + 'static, pager: &Pager, opened: &Opened, screen: (usize, usize)) -> Target {
    Target::new(Paged::new(plain, pager.clone(), opened.clone(), screen))
}
