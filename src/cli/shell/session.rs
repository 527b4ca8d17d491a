//! What the shell knows between statements, and how one statement or command is run.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use datafusion::common::ScalarValue;

use super::super::answer::Answering;
use super::super::arguments::Reading;
use super::super::asking::Asking;
use super::super::console::Console;
use super::super::interrupt::Interrupt;
use super::super::{Outcome, ask, who};
use super::catalogue::Catalogue;
use super::command::{Command, help};
use super::input::{Input, Item};
use super::place::Place;
use crate::error::{Error, Kind, Result};

/// Files that run files that run files: deeper than this is a circle.
const DEEPEST: usize = 16;

/// What comes after a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next one.
    More,
    /// Nothing of what was typed with it: Ctrl-C stopped it.
    Stopped,
    /// Nothing: the user wants to leave.
    Leave,
}

/// A shell between statements.
pub struct Session {
    reading: Reading,
    asking: Arc<Asking>,
    catalogue: Arc<Catalogue>,
    place: Place,
    timing: bool,
    console: Console,
    interrupt: Interrupt,
    /// Whether a person types: Ctrl-C stops a statement and not the shell.
    typed: bool,
    /// Files that are being run, one by the other.
    depth: usize,
    worst: Outcome,
    /// Whether it was said that the log files hold nothing.
    said_empty: bool,
}

impl Session {
    /// Opens what is asked.
    ///
    /// # Errors
    /// It cannot be opened, a query file is wrong, or the file for the answers cannot be made.
    pub async fn open(
        reading: Reading,
        queries: Option<PathBuf>,
        console: Console,
        interrupt: Interrupt,
    ) -> Result<Self> {
        let library = ask::library(queries.as_deref())?;
        let mut place = Place::new(console, reading.answer.format);
        place.set_file(reading.answer.output.as_deref())?;
        let asking = Asking::open(&reading, console).await?;
        let catalogue = Catalogue::new(asking.engine().functions_known(), library);
        Ok(Self {
            reading,
            asking: Arc::new(asking),
            catalogue: Arc::new(catalogue),
            place,
            timing: false,
            console,
            interrupt,
            typed: false,
            depth: 0,
            worst: Outcome::Complete,
            said_empty: false,
        })
    }

    /// A person types from now on: long answers are paged, and Ctrl-C stops a statement only.
    pub fn page(&mut self) {
        self.typed = true;
        self.place.page();
    }

    /// What can be named.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }

    /// The worst of all statements so far.
    pub fn worst(&self) -> Outcome {
        self.worst
    }

    /// Writes down what had to be linked, for whoever asks next.
    pub async fn write_down(&self) {
        self.interrupt.forget();
        self.asking.write_down(&self.interrupt).await;
    }

    /// Runs a statement or command; says what went wrong with it, `of` naming where it stands.
    ///
    /// # Errors
    /// The program was interrupted.
    pub async fn run(&mut self, item: &Item, of: Option<&str>) -> Result<Next> {
        self.interrupt.forget();
        let done = if item.is_command() { self.command(&item.text).await } else { self.statement(&item.text).await };
        let error = match done {
            Ok((outcome, next)) => {
                self.note(outcome);
                return Ok(next);
            }
            Err(error) => error,
        };
        if error.kind() == Kind::Interrupted {
            if !self.typed || self.interrupt.ended().load(std::sync::atomic::Ordering::Relaxed) {
                return Err(error);
            }
            // The terminal has shown ^C and stays behind it.
            self.console.status("");
            self.console.warning("stopped");
            return Ok(Next::Stopped);
        }
        self.note(Outcome::Failed(error.kind()));
        let error = match of {
            Some(of) => error.context("at", format!("{of}, line {}", item.line)),
            None => error,
        };
        self.console.error(&error);
        Ok(Next::More)
    }

    fn note(&mut self, outcome: Outcome) {
        if rank(outcome) > rank(self.worst) {
            self.worst = outcome;
        }
    }

    async fn statement(&mut self, sql: &str) -> Result<(Outcome, Next)> {
        match sql.trim().to_lowercase().as_str() {
            "exit" | "quit" => return Ok((Outcome::Complete, Next::Leave)),
            "help" => return self.help(),
            _ => {}
        }
        Ok((self.ask(sql.to_owned(), Vec::new()).await?, Next::More))
    }

    async fn command(&mut self, line: &str) -> Result<(Outcome, Next)> {
        let mut outcome = Outcome::Complete;
        match Command::parse(line)? {
            Command::Tables => self.show(self.catalogue.list_tables()?)?,
            Command::Columns(table) => self.show(self.catalogue.list_columns(&table)?)?,
            Command::Functions(word) => self.show(self.catalogue.list_functions(word.as_deref())?)?,
            Command::Questions => {
                let catalogue = self.catalogue();
                self.show(ask::listed(&catalogue.library.list().collect::<Vec<_>>(), true)?)?;
            }
            Command::Ask { name, values } => {
                let catalogue = self.catalogue();
                let query = catalogue.library.get(&name)?;
                let values = query.bind(&values)?;
                outcome = self.ask(query.sql.clone(), values).await?;
            }
            Command::Who(anchors) => {
                let asking = Arc::clone(&self.asking);
                outcome =
                    self.answer(|answering| async move { who::answer(&anchors, &asking, answering).await }).await?;
            }
            Command::Timing(on) => {
                self.timing = on.unwrap_or(!self.timing);
                self.console.status(if self.timing { "Timing is on." } else { "Timing is off." });
            }
            Command::Blocks(on) => {
                self.place.blocks = on.unwrap_or(!self.place.blocks);
                self.console.status(if self.place.blocks { "Rows are blocks." } else { "Rows are rows of a table." });
            }
            Command::Format(format) => self.place.format = format,
            Command::Output(file) => self.place.set_file(file.as_deref())?,
            Command::Include(file) => return Box::pin(self.include(&file)).await,
            Command::Refresh => {
                let asking = self.interrupt.unless(Asking::open(&self.reading, self.console)).await?;
                self.asking = Arc::new(asking);
            }
            Command::Help => return self.help(),
            Command::Quit => return Ok((outcome, Next::Leave)),
        }
        Ok((outcome, Next::More))
    }

    fn help(&mut self) -> Result<(Outcome, Next)> {
        let (answering, opened) = self.place.answering()?;
        answering.text(&help())?;
        opened.wait();
        Ok((Outcome::Complete, Next::More))
    }

    fn show(&mut self, rows: arrow::array::RecordBatch) -> Result<()> {
        let (answering, opened) = self.place.answering()?;
        let shown = answering.batches(&[rows]);
        opened.wait();
        shown
    }

    async fn ask(&mut self, sql: String, values: Vec<(String, ScalarValue)>) -> Result<Outcome> {
        let asking = Arc::clone(&self.asking);
        let answered = self
            .answer(|answering| async move {
                asking.answer(&sql, values, answering).await?;
                asking.outcome()
            })
            .await;
        match answered {
            Err(error) if error.kind() == Kind::Empty && std::mem::replace(&mut self.said_empty, true) => {
                Ok(Outcome::Failed(Kind::Empty))
            }
            answered => answered,
        }
    }

    /// Does work that gives an answer, as a task of its own: work that does not listen does not keep the shell from going on.
    async fn answer<F>(&mut self, work: impl FnOnce(Answering) -> F) -> Result<Outcome>
    where
        F: Future<Output = Result<Outcome>> + Send + 'static,
    {
        let (answering, opened) = self.place.answering()?;
        let started = Instant::now();
        let task = tokio::spawn(work(answering));
        let abort = task.abort_handle();
        let result = self
            .interrupt
            .unless(async { task.await.map_err(|e| Error::internal("the query broke off").source(e))? })
            .await;
        abort.abort();
        let took = started.elapsed();
        let paged_at = tokio::task::block_in_place(|| opened.wait());
        let stopped = result.as_ref().is_err_and(|error| error.kind() == Kind::Interrupted);
        if self.timing && !stopped {
            // The time that a person spends in the pager is not the query's.
            let took = paged_at.map_or(took, |at| at.duration_since(started));
            self.console.status(&format!("Time: {:.3} s", took.as_secs_f64()));
        }
        result
    }

    async fn include(&mut self, file: &Path) -> Result<(Outcome, Next)> {
        let name = file.display().to_string();
        if self.depth >= DEEPEST {
            return Err(Error::usage("files run each other in a circle").context("file", name));
        }
        let text = std::fs::read_to_string(file)
            .map_err(|e| Error::input("the file cannot be read").context("file", name.clone()).source(e))?;
        let mut input = Input::new();
        input.push(&text);
        self.depth += 1;
        let mut next = Next::More;
        while let Some(item) = input.next().or_else(|| input.rest()) {
            next = self.run(&item, Some(&name)).await?;
            if next != Next::More {
                break;
            }
        }
        self.depth -= 1;
        Ok((Outcome::Complete, next))
    }
}

/// The order in which the worst exit code is chosen: 2 before 1 before 3 before 5 before 4.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Complete => 0,
        Outcome::Failed(Kind::Empty) => 1,
        Outcome::Altered | Outcome::Found => 2,
        Outcome::Incomplete => 3,
        Outcome::Failed(Kind::Input | Kind::Output | Kind::Internal) => 4,
        Outcome::Failed(Kind::Usage) => 5,
        Outcome::Failed(Kind::Interrupted) => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_is_the_contracts() {
        let mut all = [Outcome::Failed(Kind::Usage), Outcome::Incomplete, Outcome::Failed(Kind::Empty)].to_vec();
        all.extend([Outcome::Complete, Outcome::Failed(Kind::Input)]);
        all.sort_by_key(|outcome| std::cmp::Reverse(rank(*outcome)));
        let codes = all.into_iter().map(|outcome| match outcome {
            Outcome::Complete => 0,
            Outcome::Incomplete => 3,
            Outcome::Altered | Outcome::Found => 5,
            Outcome::Failed(kind) => super::super::super::code(kind),
        });
        assert_eq!(codes.collect::<Vec<_>>(), [2, 1, 3, 4, 0]);
    }
}
