//! What can be typed: options that several verbs share, and what they mean together.

use std::path::PathBuf;

use chrono::Utc;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use super::output::Format;
use super::{ask, completions, findings, ingest, lake, man, report, serve, shell, sql, timeline, verify, who};
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::lake::store::LakeOptions;
use crate::source::{Filters, RoleToAssume, S3Options};
use crate::words::{moment as times, size};

/// Who was behind the role? Answers about AWS STS role sessions, from CloudTrail logs.
#[derive(Debug, Parser)]
#[command(name = "rolecall", version, arg_required_else_help = true, max_term_width = 110)]
pub struct Arguments {
    /// Show warnings and errors only
    #[arg(long, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What somebody who remembers other tools meant by an option that there is not; `None` for every other mistake.
pub fn meant(mistake: &clap::Error) -> Option<Error> {
    let from = |option: &str| option == "--from" || option.starts_with("--from=");
    match (mistake.kind(), mistake.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(option))) if from(option) => {
            let error = Error::usage("there is no option --from");
            Some(error.hint("to ask log files directly: --logs SOURCE").hint("to start at a time: --since TIME"))
        }
        _ => None,
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Ingest(ingest::Ingest),
    Sql(sql::Sql),
    Ask(ask::Ask),
    Shell(shell::Shell),
    Who(who::Who),
    Timeline(timeline::Timeline),
    Serve(serve::Serve),
    Report(report::Report),
    Findings(findings::Findings),
    Verify(verify::Verify),
    Lake(lake::Lake),
    Completions(completions::Completions),
    Man(man::Manual),
}

/// Reads a time: `2026-11-07T03:36:00Z`, a date, or how long ago.
pub fn moment(text: &str) -> Result<i64, String> {
    times::parse(text, Utc::now()).map(|time| time.timestamp_micros()).ok_or_else(|| times::FORMS.to_owned())
}

/// Which events are wanted.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which events")]
pub struct Wanted {
    /// From this time on: 2026-11-07T03:36:00Z, a date (its start), or how long ago (36h, 7d)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<i64>,
    /// Up to this time, likewise
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<i64>,
    /// Only this account; can be repeated
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub account: Vec<String>,
    /// Only this region; can be repeated
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub region: Vec<String>,
}

impl Wanted {
    /// The filters.
    ///
    /// # Errors
    /// The end is before the start.
    pub fn filters(&self, config: &Config) -> Result<Filters> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && until < since
        {
            return Err(Error::usage("--until is before --since"));
        }
        Ok(Filters {
            accounts: self.account.clone(),
            regions: self.region.clone(),
            since: self.since,
            until: self.until,
            late_files: config.reading.late_files,
            ..Filters::default()
        })
    }
}

/// How S3 is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "S3")]
pub struct S3 {
    /// The bucket's region, where the AWS configuration names none
    #[arg(long, value_name = "REGION")]
    pub s3_region: Option<String>,
    /// The address of an S3-compatible server
    #[arg(long, value_name = "URL")]
    pub s3_endpoint: Option<String>,
    /// Put the bucket's name into the path, not into the host name
    #[arg(long)]
    pub s3_path_style: bool,
}

impl S3 {
    /// The options for sources.
    pub fn options(&self) -> S3Options {
        S3Options {
            region: self.s3_region.clone(),
            endpoint: self.s3_endpoint.clone(),
            path_style: self.s3_path_style,
            ..S3Options::default()
        }
    }

    /// The options for a source of the configuration.
    pub fn options_of(&self, source: &config::Source) -> S3Options {
        S3Options {
            profile: source.profile.clone(),
            role: source.role_arn.clone().map(|arn| RoleToAssume { arn, external_id: source.external_id.clone() }),
            requester_pays: source.requester_pays,
            ..self.options()
        }
    }

    /// The options for a lake.
    pub fn lake_options(&self, config: &Config) -> LakeOptions {
        LakeOptions {
            role_arn: config.lake.role_arn.clone(),
            region: self.s3_region.clone(),
            endpoint: self.s3_endpoint.clone(),
            path_style: self.s3_path_style,
            ..LakeOptions::default()
        }
    }
}

/// A lake that is taken where none is named.
const LAKE: &str = "./rolecall-lake";

/// The lake's location: as given, else `$ROLECALL_LAKE`, else the configuration's, else a folder beside the user.
pub fn lake_location(given: Option<&str>, config: &Config) -> String {
    let environment = || std::env::var("ROLECALL_LAKE").ok().filter(|location| !location.is_empty());
    let configured = || config.lake.location.clone();
    given.map(str::to_owned).or_else(environment).or_else(configured).unwrap_or_else(|| LAKE.to_owned())
}

/// Which lake: of the verbs that look after one.
#[derive(Debug, Args)]
pub struct Stored {
    /// The lake: a folder or s3://bucket/prefix [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake]
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    #[command(flatten)]
    s3: S3,
    /// Where the configuration is.
    #[command(flatten)]
    pub configured: Configured,
}

impl Stored {
    /// The lake's location, and how it is reached.
    ///
    /// # Errors
    /// As [`Configured::load`].
    pub fn place(&self) -> Result<(String, LakeOptions)> {
        let config = self.configured.load()?;
        Ok((lake_location(self.lake.as_deref(), &config), self.s3.lake_options(&config)))
    }
}

/// Reads a size in bytes: `512 MiB`.
fn bytes(text: &str) -> Result<u64, String> {
    size::parse(text).ok_or_else(|| size::FORMS.to_owned())
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub struct Configured {
    /// The configuration [default: $ROLECALL_CONFIG, else ./rolecall.toml, else /etc/rolecall/rolecall.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How much of a file is taken on, and where the configuration is: of every verb that reads files.
#[derive(Debug, Clone, Args)]
pub struct Limited {
    /// Read no more than this of one object, decompressed: 512 MiB, 2 GB [default: the configuration's, else 8 GiB]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    max_object: Option<u64>,
    #[command(flatten)]
    configured: Configured,
}

impl Limited {
    /// Reads the configuration, in which the options count.
    ///
    /// # Errors
    /// As [`Configured::load`].
    pub fn load(&self) -> Result<Config> {
        let mut config = self.configured.load()?;
        config.reading.max_object = self.max_object.or(config.reading.max_object);
        Ok(config)
    }
}

impl Configured {
    /// Reads it; an empty one where there is none.
    ///
    /// # Errors
    /// It cannot be read, or holds what is no setting.
    pub fn load(&self) -> Result<Config> {
        Config::load(self.config.as_deref())
    }
}

/// What is asked: a lake, or log files with nothing stored.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What to ask")]
pub struct Asked {
    /// The lake: a folder or s3://bucket/prefix [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake]
    #[arg(long, value_name = "LAKE", conflicts_with = "logs")]
    pub lake: Option<String>,
    /// Ask these log files, nothing stored: a folder, a file, s3://bucket/prefix, or -; can be repeated
    #[arg(long, value_name = "SOURCE")]
    pub logs: Vec<String>,
    /// Ask, with the lake, what its sources have delivered since: the configuration's, else the AWSLogs folders it was filled from
    #[arg(long, conflicts_with = "logs")]
    pub fresh: bool,
}

/// How the answer is written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The answer")]
pub struct Answer {
    /// The format [default: table on a terminal, ndjson elsewhere]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write to this file
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What every verb that reads takes.
#[derive(Debug, Clone, Args)]
pub struct Reading {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub wanted: Wanted,
    #[command(flatten)]
    pub answer: Answer,
    #[command(flatten)]
    pub s3: S3,
    #[command(flatten)]
    pub configured: Limited,
}

/// Reads `name=value`.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write name=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_have_an_order() {
        let wanted = |since: &str, until: &str| Wanted {
            since: Some(moment(since).unwrap()),
            until: Some(moment(until).unwrap()),
            account: Vec::new(),
            region: Vec::new(),
        };
        assert!(wanted("2026-11-07", "2026-11-08").filters(&Config::default()).is_ok());
        assert!(wanted("2026-11-08", "2026-11-07").filters(&Config::default()).is_err());
    }

    #[test]
    fn assignments() {
        assert_eq!(assignment("role=a=b"), Ok(("role".to_owned(), "a=b".to_owned())));
        assert_eq!(assignment("role="), Ok(("role".to_owned(), String::new())));
        assert!(assignment("role").is_err());
        assert!(assignment("=x").is_err());
    }
}
