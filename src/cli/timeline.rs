//! `rolecall timeline`: from an anchor to the whole story, on one screen and as a case folder.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::answer::Answering;
use super::arguments::{Reading, moment};
use super::asking::Asking;
use super::console::Console;
use super::interrupt::Interrupt;
use super::output::{Format, visible};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::source::Filters;
use crate::timeline::folder::{self, Folder};
use crate::timeline::screen::{Story, render};
use crate::timeline::{Request, anchor, finding, missing, tell};

/// Credentials live 36 hours at most: what an incident hangs together with may lie so far before it.
const BEFORE: i64 = 36 * 3600 * 1_000_000;

/// Tell the whole story of a key, address, person or event: who, how, what they did, what is open, what to do
///
/// From what the anchors name: up to the origin, down through everything that came of it, sideways over the addresses of the
/// suspicious part. On one screen; with --out as a case folder.
#[derive(Debug, Args)]
pub struct Timeline {
    /// An access key, unique id, ARN, session name, person, role, address or network, account, event's id, finding's fingerprint
    #[arg(value_name = "ANCHOR", required_unless_present_any = ["finding", "case"])]
    anchors: Vec<String>,
    /// Start from a finding of GuardDuty, Security Hub or rolecall, as JSON; can be repeated
    #[arg(long, value_name = "FILE")]
    finding: Vec<PathBuf>,
    /// Write the case folder: report, timeline, sessions, graph, and what else an analyst needs
    #[arg(long, value_name = "DIR", conflicts_with = "case")]
    out: Option<PathBuf>,
    /// Bring a case folder up to date, and tell what happened since
    #[arg(long, value_name = "DIR", conflicts_with_all = ["anchors", "finding"])]
    case: Option<PathBuf>,
    /// Rounds sideways over shared addresses
    #[arg(long, value_name = "N", default_value_t = 1)]
    expand: u32,
    /// The time that "still valid" refers to [default: the end of the logs]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<i64>,
    /// Replace accounts, keys, names and the owners' addresses in the folder, and leave raw events out
    #[arg(long, requires = "out")]
    redact: bool,
    #[command(flatten)]
    reading: Reading,
}

impl Timeline {
    /// Answers.
    ///
    /// # Errors
    /// The data cannot be read, the answer cannot be written, or an anchor is found nowhere.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let (request, folder) = self.request()?;
        let explicit = self.reading.answer.format.is_some();
        let answering = Answering::begin(&self.reading.answer, console)?;
        let screen = answering.format() == Format::Table || folder.is_some() && !explicit;
        if answering.format() == Format::Parquet {
            return Err(
                Error::usage("a timeline is no table of one kind").hint("formats: table, ndjson, json, csv, markdown")
            );
        }
        interrupt
            .unless(async {
                let config = self.reading.configured.load()?;
                let filters = self.filters(&request, &config)?;
                let asking = Asking::open_narrowed(&self.reading, &config, filters, console).await?;
                let mut story = tell(asking.engine(), &request).await?;
                if let Some(folder) = &folder {
                    story.since = folder.since(&story.case);
                }
                let lost: Vec<_> = missing(&story)
                    .map(|anchor| (anchor.text.clone(), anchor.words.clone(), anchor.near.clone()))
                    .collect();
                let nothing = lost.len() == story.case.anchors.len();
                if let Some(folder) = folder.filter(|_| !nothing) {
                    folder.write(asking.engine(), &story, &request).await?;
                    console.status(&format!("case folder: {}", folder.path().display()));
                }
                if !nothing {
                    let text = if screen {
                        shown(&story, answering.width())
                    } else {
                        written(asking.engine(), &story, answering.format()).await?
                    };
                    answering.text(&text)?;
                }
                let outcome = asking.outcome()?;
                if lost.is_empty() || outcome == Outcome::Incomplete {
                    return Ok(outcome);
                }
                let mut error = Error::new(Kind::Empty, "nothing was found for some anchors");
                for (text, words, near) in lost {
                    error = error.context("anchor", format!("{text}, taken for {}", article(&words)));
                    if let Some(near) = near {
                        error = error.hint(format!("near {text}: {near}"));
                    }
                }
                Err(error
                    .hint(anchor::KINDS)
                    .hint("or a finding's fingerprint: rolecall findings list")
                    .hint("--since, --until, --account and --region leave events out"))
            })
            .await
    }

    fn request(&self) -> Result<(Request, Option<Folder>)> {
        if let Some(path) = &self.case {
            let (mut request, folder) = Folder::open(path)?;
            request.at = self.at;
            return Ok((request, Some(folder)));
        }
        let mut anchors = self.anchors.clone();
        for path in &self.finding {
            let text = std::fs::read_to_string(path).map_err(|e| {
                Error::input("the finding cannot be read").context("file", path.display().to_string()).source(e)
            })?;
            anchors.extend(finding::anchors(&text)?);
        }
        let mut known = std::collections::BTreeSet::new();
        anchors.retain(|anchor| known.insert(anchor.trim().to_owned()));
        let wanted = &self.reading.wanted;
        let request = Request { anchors, since: wanted.since, until: wanted.until, at: self.at, expand: self.expand };
        let folder = self.out.as_ref().map(|path| Folder::new(path, self.redact)).transpose()?;
        Ok((request, folder))
    }

    /// What is read. A lake is asked whole, for the owners' past; of log files what can belong to the time asked for.
    fn filters(&self, request: &Request, config: &Config) -> Result<Filters> {
        let filters = self.reading.wanted.filters(config)?;
        let (since, until) = if self.reading.asked.logs.is_empty() {
            (None, None)
        } else {
            (request.since.map(|t| t - BEFORE), request.until.map(|t| t + BEFORE))
        };
        Ok(Filters { since, until, ..filters })
    }
}

fn article(words: &str) -> String {
    let vowel = words.starts_with(['a', 'e', 'A', 'i', 'o', 'u']) && !words.starts_with("unique");
    format!("{} {words}", if vowel { "an" } else { "a" })
}

fn shown(story: &Story, width: Option<usize>) -> String {
    let mut text = String::new();
    for line in render(story, width) {
        text.push_str(&visible(&line));
        text.push('\n');
    }
    text
}

async fn written(engine: &crate::sql::session::Engine, story: &Story, format: Format) -> Result<String> {
    match format {
        Format::Csv => folder::csv(engine, story).await,
        Format::Json => folder::json(engine, story).await,
        Format::Markdown => Ok(folder::markdown(story)),
        _ => folder::jsonl(engine, story).await,
    }
}
