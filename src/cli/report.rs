//! `rolecall report`: what a team reads every morning.

use std::path::PathBuf;

use chrono::{Duration, NaiveDate, Utc};
use clap::{Args, ValueEnum};

use super::Outcome;
use super::answer::Answering;
use super::arguments::{Answer, Configured, S3, lake_location, moment};
use super::console::Console;
use super::interrupt::Interrupt;
use super::output::{Format, visible};
use crate::config::Config;
use crate::config::notify::Notify;
use crate::detect::assemble::date;
use crate::detect::finding::{Finding, Severity, State};
use crate::detect::night_tables::Span;
use crate::detect::nightly::{self, Request};
use crate::detect::{baseline, lock, sigma};
use crate::error::{Error, Kind, Result};
use crate::lake::store::Lake;
use crate::report::{self, Budget, Options, notify};
use crate::words::moment as times;

/// How the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    /// A summary for people
    Table,
    /// The findings, one JSON object a line
    Ndjson,
    /// One page that needs no network
    Html,
    /// The report as text
    Markdown,
    /// OCSF 1.5 Detection Findings, one a line
    Ocsf,
    /// A Slack message
    Slack,
    /// Numbers for node_exporter's textfile collector
    Prometheus,
}

impl As {
    fn format(self) -> report::Format {
        match self {
            Self::Table => report::Format::Screen,
            Self::Ndjson => report::Format::Jsonl,
            Self::Html => report::Format::Html,
            Self::Markdown => report::Format::Markdown,
            Self::Ocsf => report::Format::Ocsf,
            Self::Slack => report::Format::Slack,
            Self::Prometheus => report::Format::Prometheus,
        }
    }
}

/// From which severity on findings make the program end with code 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Critical => Severity::Critical,
            Self::High => Severity::High,
            Self::Medium => Severity::Medium,
            Self::Low => Severity::Low,
            Self::Info => Severity::Info,
        }
    }
}

/// Look at one night against what the lake has learned: what to look at, why, and what to do next
///
/// The findings are kept in the lake (SELECT * FROM findings), so that the next night knows what is new. The same night over the same
/// lake gives the same report, whenever it is asked for.
#[derive(Debug, Args)]
pub struct Report {
    /// The night: a date, or yesterday [default: yesterday]
    #[arg(long, value_name = "DATE", value_parser = night, conflicts_with_all = ["since", "until"])]
    night: Option<i32>,
    /// A shorter time, from here on: only the detections that need no baseline look at it
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
    /// Up to this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "since")]
    until: Option<i64>,
    /// Write every format of the report into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// End with code 5 where something new or worsened is of this severity or graver
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// Only this detection, by id or name; can be repeated
    #[arg(long, value_name = "ID")]
    detection: Vec<String>,
    /// Say how many rows each night of so long would have had; nothing is kept
    #[arg(long, value_name = "DURATION", value_parser = days, conflicts_with_all = ["since", "out", "fail_on"])]
    backtest: Option<i32>,
    /// A folder of detections in the place of those that ship with rolecall
    #[arg(long, value_name = "DIR")]
    detections: Option<PathBuf>,
    /// Every row of every detection as it is: no roll-up, learning, allow-list or history, and nothing is kept
    #[arg(long, hide = true)]
    raw: bool,
    /// A folder of Sigma rules for CloudTrail, which are asked as well [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    sigma: Option<PathBuf>,
    /// The lake: a folder or s3://bucket/prefix [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake]
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    /// The format [default: table on a terminal, ndjson elsewhere]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<As>,
    /// Write to this file
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    s3: S3,
    #[command(flatten)]
    configured: Configured,
}

/// Reads a night.
fn night(text: &str) -> Result<i32, String> {
    let day = match text {
        "yesterday" => Some((Utc::now() - Duration::days(1)).date_naive()),
        "today" => Some(Utc::now().date_naive()),
        text => times::date(text),
    };
    day.map(|day: NaiveDate| day.to_epoch_days()).ok_or_else(|| "write a date, 2026-11-07, or yesterday".to_owned())
}

/// Reads a number of nights.
fn days(text: &str) -> Result<i32, String> {
    let days = times::duration(text).map(|d| d.num_days()).filter(|days| (1..=366).contains(days));
    days.and_then(|days| i32::try_from(days).ok()).ok_or_else(|| "write days: 30d".to_owned())
}

impl Report {
    fn span(&self) -> Result<Span> {
        if let Some(since) = self.since {
            let until = self.until.unwrap_or_else(|| Utc::now().timestamp_micros());
            if until <= since {
                return Err(Error::usage("--until is not after --since"));
            }
            return Ok(Span { from: since, until });
        }
        let yesterday = || night("yesterday").map_err(Error::usage);
        self.night.map_or_else(yesterday, Ok).map(Span::day)
    }

    /// Reports.
    ///
    /// # Errors
    /// The lake cannot be read or written, a detection fails, or another report is running.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let config = self.configured.load()?;
        let format = self.format.map(|format| match format {
            As::Table => Format::Table,
            _ => Format::Ndjson,
        });
        let answering = Answering::begin(&Answer { format, output: self.output.clone() }, console)?;
        let done = interrupt.unless(self.reported(&config, answering, console)).await;
        if let Err(error) = &done
            && error.kind() != Kind::Interrupted
        {
            let night = self.span().map(|span| date(span.night())).unwrap_or_default();
            let told = |route: &Notify| notify::failure(route, &night, &error.to_string());
            config.notify.iter().filter_map(|route| Some((route, told(route)?))).for_each(|one| send(one, console));
        }
        done
    }

    async fn reported(&self, config: &Config, answering: Answering, console: Console) -> Result<Outcome> {
        let location = lake_location(self.lake.as_deref(), config);
        let mut lake = Lake::open(&location, &self.s3.lake_options(config)).await?;
        let _lock = lock::take(&location)?;
        let mut sigma = Vec::new();
        if let Some(folder) = self.sigma.as_ref().or(config.report.sigma.as_ref()) {
            let (rules, skipped) = sigma::read(folder)?;
            for one in &skipped {
                console.warning(&format!("{}: passed over: {}", one.file, one.reason));
            }
            sigma = rules;
        }
        let request = Request {
            sigma,
            span: self.span()?,
            detections: self.detection.clone(),
            folder: self.detections.clone(),
            keep: self.detection.is_empty() && !self.raw,
            raw: self.raw,
        };
        known(&request)?;
        if let Some(nights) = self.backtest {
            let (tested, failed) = nightly::backtest(&mut lake, config, &request, nights).await?;
            answering.text(&tested_text(&tested))?;
            return Ok(if warned(failed.iter(), console) { Outcome::Incomplete } else { Outcome::Complete });
        }
        if request.span.is_day() && !baseline::events_by_day(&lake)?.contains_key(&request.span.night()) {
            console
                .warning(&format!("the lake has no events of {}", crate::detect::assemble::date(request.span.night())));
        }
        let night = nightly::report(&mut lake, config, &request).await?;
        let options = Options {
            budget: Budget::of(&config.report),
            width: answering.width(),
            succeeded_at: Some(Utc::now().timestamp()),
        };
        let asked = self.format.unwrap_or(if answering.format() == Format::Table { As::Table } else { As::Ndjson });
        let text = report::render(&night, asked.format(), &options)?;
        if let Some(folder) = &self.out {
            report::folder(folder, &night, &options)?;
            console.status(&format!("report: {}", folder.display()));
        }
        answering.text(&text)?;
        for route in &config.notify {
            if let Some(message) = notify::message(route, &night, &options)? {
                send((route, message), console);
            }
        }
        let failed = night.rules.iter().filter_map(|rule| Some((&rule.detection, rule.failed.as_ref()?)));
        if warned(failed, console) {
            return Ok(Outcome::Incomplete);
        }
        let grave = |f: &Finding| {
            matches!(f.state, State::New | State::Worsened)
                && self.fail_on.is_some_and(|least| f.severity >= least.severity())
        };
        Ok(if night.findings.iter().any(grave) { Outcome::Found } else { Outcome::Complete })
    }
}

/// Says which detections failed, and whether any did.
fn warned<'a>(failed: impl Iterator<Item = (&'a String, &'a String)>, console: Console) -> bool {
    let said =
        failed.map(|(id, why)| console.warning(&format!("{id} failed, and the report goes on without it: {why}")));
    said.count() > 0
}

/// Whether every detection that is named is there.
fn known(request: &Request) -> Result<()> {
    let all = crate::detect::catalogue::detections(request.folder.as_deref())?;
    for id in &request.detections {
        if !all.iter().any(|d| d.id.eq_ignore_ascii_case(id) || d.query.name == *id) {
            return Err(
                Error::usage(format!("there is no detection '{id}'")).hint("they are named CTAR-001 to CTAR-051")
            );
        }
    }
    Ok(())
}

/// Tells one route. That it cannot be told is said and does not undo the report.
fn send((route, message): (&Notify, String), console: Console) {
    if let Err(error) = notify::send(route, &message) {
        console.warning(&format!("notify '{}': {error}", route.name));
    }
}

fn tested_text(nights: &[(String, Vec<Finding>)]) -> String {
    let mut text = String::from("night       act  look  all  by detection (medium and above)\n");
    for (night, findings) in nights {
        let alive: Vec<&Finding> =
            findings.iter().filter(|f| !matches!(f.state, State::Suppressed | State::Resolved)).collect();
        let act = alive.iter().filter(|f| f.severity >= Severity::High).count();
        let look: Vec<&&Finding> = alive.iter().filter(|f| f.severity >= Severity::Medium).collect();
        let mut ids = std::collections::BTreeMap::new();
        for f in &look {
            *ids.entry(f.detection.as_str()).or_insert(0) += 1;
        }
        let ids: Vec<String> = ids.into_iter().map(|(id, n)| format!("{id} {n}")).collect();
        let line = format!("{night}  {act:>3}  {:>4}  {:>3}  {}", look.len() - act, alive.len(), ids.join(", "));
        text.push_str(visible(line.trim_end()).as_ref());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::stored;

    #[test]
    fn nights_and_durations() {
        assert_eq!(night("2026-11-09"), Ok(20_766));
        assert_eq!(stored::day("2026-11-09"), Some(20_766));
        assert!(night("soon").is_err());
        assert_eq!(days("30d"), Ok(30));
        assert!(days("2h").is_err());
    }
}
