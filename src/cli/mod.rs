//! The command line: one file a verb.
//!
//! Arguments are turned into values that cannot be wrong; the other rooms do the work. Only `console` writes to the terminal.

mod answer;
mod arguments;
mod ask;
mod asking;
mod completions;
mod console;
mod findings;
mod ingest;
mod interrupt;
mod lake;
mod lake_screen;
mod log;
mod man;
pub mod output;
mod progress;
mod report;
mod serve;
mod shell;
mod sources;
mod sql;
mod timeline;
mod upkeep;
mod verify;
mod verify_screen;
mod who;
mod who_screen;

use std::future::Future;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Verb};
use console::Console;
use interrupt::Interrupt;

use crate::error::{Error, Kind, Result};

/// What a shell sees of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// How a verb ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything was read and answered.
    Complete,
    /// Finished, but some input could not be read.
    Incomplete,
    /// Something failed and was said; the rest was done.
    Failed(Kind),
    /// Evidence was proved to be altered.
    Altered,
    /// There are findings of the severity that was asked about.
    Found,
}

/// Runs the program: parses, does, says what went wrong, chooses the exit code.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(help) => {
            if let Some(error) = arguments::meant(&help) {
                Console::new(false).error(&error);
                return ExitCode::from(code(error.kind()));
            }
            // Nobody listening is no reason to fail.
            _ = help.print();
            return ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(2));
        }
    };
    let console = Console::new(arguments.quiet);
    match log::begin().and_then(|()| run(arguments, console)) {
        Ok(Outcome::Complete) => ExitCode::SUCCESS,
        Ok(Outcome::Incomplete) => ExitCode::from(3),
        Ok(Outcome::Failed(kind)) => ExitCode::from(code(kind)),
        Ok(Outcome::Altered | Outcome::Found) => ExitCode::from(5),
        Err(error) => {
            console.error(&error);
            ExitCode::from(code(error.kind()))
        }
    }
}

fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Input | Kind::Output | Kind::Internal => 1,
        Kind::Usage => 2,
        Kind::Empty => 4,
        Kind::Interrupted => INTERRUPTED,
    }
}

fn run(arguments: Arguments, console: Console) -> Result<Outcome> {
    match arguments.verb {
        Verb::Ingest(ingest) => working(|interrupt| async move { ingest.run(console, &interrupt).await }),
        Verb::Sql(sql) => working(|interrupt| async move { sql.run(console, &interrupt).await }),
        Verb::Ask(ask) if ask.lists() => ask.list(console),
        Verb::Ask(ask) => working(|interrupt| async move { ask.run(console, &interrupt).await }),
        Verb::Shell(shell) => working(|interrupt| async move { shell.run(console, &interrupt).await }),
        Verb::Who(who) => working(|interrupt| async move { who.run(console, &interrupt).await }),
        Verb::Completions(completions) => completions.run(console),
        Verb::Man(man) => man.run(console),
        Verb::Serve(serve) => working(|interrupt| async move { serve.run(console, &interrupt).await }),
        Verb::Verify(verify) => working(|interrupt| async move { verify.run(console, &interrupt).await }),
        Verb::Timeline(timeline) => working(|interrupt| async move { timeline.run(console, &interrupt).await }),
        Verb::Findings(findings) => working(|interrupt| async move { findings.run(console, &interrupt).await }),
        Verb::Report(report) => working(|interrupt| async move { report.run(console, &interrupt).await }),
        Verb::Lake(lake) => working(|interrupt| async move { lake.run(console, &interrupt).await }),
    }
}

/// Deep plans recurse; a worker's usual two megabytes are not enough for the chains' view in a debug build.
const STACK: usize = 8 << 20;

/// Runs a verb that reads or writes. The runtime is made here, so that help and lists start at once.
fn working<F: Future<Output = Result<Outcome>>>(verb: impl FnOnce(Interrupt) -> F) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .build()
        .map_err(|e| Error::internal("no threads can be started").source(e))?;
    let result = runtime.block_on(async { verb(Interrupt::listen()?).await });
    // A read that hangs must not keep an answered question waiting.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_errors_have_the_contracts_codes() {
        let codes = [Kind::Input, Kind::Output, Kind::Internal, Kind::Usage, Kind::Empty, Kind::Interrupted].map(code);
        assert_eq!(codes, [1, 1, 1, 2, 4, 130]);
    }
}
