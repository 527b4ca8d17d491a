//! `rolecall lake optimize`, `vacuum`, `rederive` and `upgrade`: looking after a lake. They answer nothing, and say on
//! standard error what they did.

use chrono::Utc;
use clap::Args;
use indicatif::HumanCount;

use super::Outcome;
use super::arguments::Stored;
use super::console::Console;
use super::interrupt::Interrupt;
use crate::error::{Error, Result};
use crate::lake::maintain;
use crate::lake::store::Lake;

async fn open(at: &Stored) -> Result<Lake> {
    let (location, options) = at.place()?;
    if !Lake::is_lake(&location, &options).await? {
        return Err(Error::input("there is no lake here")
            .context("lake", location)
            .hint("fill it with: rolecall ingest SOURCE --lake LAKE"));
    }
    // A part that was lost, such as a derived table's folder, is made anew.
    Lake::create_if_missing(&location, &options).await
}

/// Put small files together, so that questions open fewer
///
/// Each ingest adds files of its own; this puts the small ones of a day together. It can run beside ingests and questions.
/// The old files stay until `lake vacuum` removes them.
#[derive(Debug, Args)]
pub struct Optimize {
    #[command(flatten)]
    at: Stored,
}

impl Optimize {
    /// Puts files together.
    ///
    /// # Errors
    /// There is no lake, or it cannot be read or written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let work = async {
            let mut lake = open(&self.at).await?;
            maintain::optimize(&mut lake, maintain::Aims::default()).await
        };
        for done in interrupt.unless(work).await? {
            let (before, after) = (HumanCount(done.before), HumanCount(done.after));
            console.status(&match done.before {
                0 => format!("{}: no small files to put together", done.table),
                _ => format!("{}: {before} small files put together into {after}", done.table),
            });
        }
        Ok(Outcome::Complete)
    }
}

/// Remove files that no version of the last days needs
///
/// These are files that a later version replaced, and what a run that was cut off left behind. Whatever a running ingest
/// or question may need is younger, and stays.
#[derive(Debug, Args)]
pub struct Vacuum {
    /// Keep what was of use within so many days, at least 1
    #[arg(long, value_name = "DAYS", default_value_t = maintain::USUAL_DAYS)]
    days: i64,
    #[command(flatten)]
    at: Stored,
}

impl Vacuum {
    /// Removes files.
    ///
    /// # Errors
    /// There is no lake, or it cannot be read or written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let work = async {
            let mut lake = open(&self.at).await?;
            maintain::vacuum(&mut lake, self.days, Utc::now()).await
        };
        for done in interrupt.unless(work).await? {
            console.status(&format!("{}: {} files removed", done.table, HumanCount(done.files)));
        }
        Ok(Outcome::Complete)
    }
}

/// Make the derived tables anew from the events
///
/// For a derived table that is damaged, or after a rolecall that reads more out of an event. No log is read again.
#[derive(Debug, Args)]
pub struct Rederive {
    #[command(flatten)]
    at: Stored,
}

impl Rederive {
    /// Makes the tables anew.
    ///
    /// # Errors
    /// There is no lake, or it cannot be read or written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let work = async {
            let mut lake = open(&self.at).await?;
            maintain::rederive(&mut lake).await
        };
        for done in interrupt.unless(work).await? {
            console.status(&format!("{}: {} rows made from the events", done.table, HumanCount(done.rows)));
        }
        Ok(Outcome::Complete)
    }
}

/// Bring a lake that an earlier rolecall wrote up to date
///
/// Adds the tables and columns that it lacks. No data file is touched.
#[derive(Debug, Args)]
pub struct Upgrade {
    #[command(flatten)]
    at: Stored,
}

impl Upgrade {
    /// Brings the lake up to date.
    ///
    /// # Errors
    /// There is no lake, or it is a newer program's, or it cannot be written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let (location, options) = self.at.place()?;
        let done = interrupt.unless(maintain::upgrade(&location, &options)).await?;
        if done.is_empty() {
            console.status("The lake is up to date.");
        }
        for done in done {
            console.status(&match (done.created, done.columns.as_slice()) {
                (true, _) => format!("{}: created", done.table),
                (false, []) => format!("{}: marked as of this layout", done.table),
                (false, columns) => format!("{}: columns added: {}", done.table, columns.join(", ")),
            });
        }
        Ok(Outcome::Complete)
    }
}
