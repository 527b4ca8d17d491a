//! `rolecall shell`: one statement after another, typed or from standard input.
//!
//! An error ends its statement and never the shell. What a statement means is decided elsewhere; here it is only read and run.

mod catalogue;
mod command;
mod complete;
mod editor;
mod highlight;
mod history;
mod input;
mod lex;
mod pager;
mod place;
mod session;

use std::path::PathBuf;

use clap::Args;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::Outcome;
use super::arguments::Reading;
use super::console::Console;
use super::interrupt::{Interrupt, interrupted};
use crate::error::{Error, Result};
use editor::{Editor, Typed};
use input::Input;
use session::{Next, Session};

/// Ask one question after another
///
/// A statement ends with ; and may take several lines; \? lists the commands. Where standard input is no terminal, its
/// statements are run one after another, and the exit code is the worst of theirs.
#[derive(Debug, Args)]
pub struct Shell {
    /// A folder of query files that adds to the saved questions or replaces them
    #[arg(long, value_name = "DIR")]
    queries: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

impl Shell {
    /// Reads and runs until there is nothing more.
    ///
    /// # Errors
    /// The lake or the log files cannot be opened, standard input cannot be read, or the program was interrupted.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        if self.reading.asked.logs.iter().any(|source| source == "-") {
            return Err(Error::usage("standard input cannot hold both the statements and the logs")
                .hint("save the logs to a file: --logs FILE"));
        }
        let typed = console.is_typed();
        let mut session =
            interrupt.unless(Session::open(self.reading, self.queries, console, interrupt.clone())).await?;
        let ended =
            if typed { typing(&mut session, console, interrupt).await } else { reading(&mut session, interrupt).await };
        session.write_down().await;
        ended
    }
}

/// A person types.
async fn typing(session: &mut Session, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
    session.page();
    interrupt.go_on();
    let mut editor = Editor::new(session.catalogue(), interrupt.ended(), console);
    console.status(&format!("rolecall {}. \\? for help, \\q to leave.", env!("CARGO_PKG_VERSION")));
    loop {
        match tokio::task::block_in_place(|| editor.read())? {
            Typed::Text(text) => {
                let mut input = Input::new();
                input.push(&text);
                while let Some(item) = input.next().or_else(|| input.rest()) {
                    match session.run(&item, None).await? {
                        Next::More => {}
                        Next::Stopped => break,
                        Next::Leave => return Ok(Outcome::Complete),
                    }
                }
            }
            Typed::Nothing => {}
            Typed::End => return Ok(Outcome::Complete),
            Typed::Ended => return Err(interrupted()),
        }
    }
}

/// A program or a file speaks.
async fn reading(session: &mut Session, interrupt: &Interrupt) -> Result<Outcome> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut input = Input::new();
    loop {
        let line = interrupt
            .unless(async {
                lines.next_line().await.map_err(|e| Error::input("standard input cannot be read").source(e))
            })
            .await?;
        let ended = line.is_none();
        if let Some(line) = line {
            input.push(&line);
        }
        while let Some(item) = input.next().or_else(|| if ended { input.rest() } else { None }) {
            if session.run(&item, Some("standard input")).await? == Next::Leave {
                return Ok(session.worst());
            }
        }
        if ended {
            return Ok(session.worst());
        }
    }
}
