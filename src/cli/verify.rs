//! `rolecall verify`: whether log files are what CloudTrail delivered.

use std::path::PathBuf;

use async_trait::async_trait;
use chrono::Utc;
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};

use super::answer::{Answered, Answering};
use super::arguments::{Answer, Limited, S3, Wanted, lake_location};
use super::console::Console;
use super::interrupt::Interrupt;
use super::output::Format;
use super::progress::Meter;
use super::verify_screen::{headline, screen};
use super::{Outcome, sources};
use crate::cloudtrail::Limits;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::integrity::verdict::Row;
use crate::integrity::{Book, Keys, Plan, Progress, Summary, Take, batch, verify};
use crate::lake::integrity::Verdicts;
use crate::lake::schema::INTEGRITY;
use crate::lake::store::Lake;

/// Rows held before they are written.
const ROWS: usize = 32_768;

/// Verify log files by CloudTrail's digests
///
/// Checks the signatures of the digests, the chain that they form, and the hash of every log file that they list; says which files
/// no digest lists. Public keys come from --keys, else from CloudTrail, which needs cloudtrail:ListPublicKeys. The verdicts go into
/// the lake, where there is one: SELECT * FROM integrity.
///
/// Of a copied folder, the newest digest is proved where its metadata lies beside it, as FILE.metadata.json, made by
/// `aws s3api head-object`; or where --keys names a file that --save-keys made while the bucket could be read.
#[derive(Debug, Args)]
pub struct Verify {
    /// Where digests and log files are: a folder or s3://bucket/prefix
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The source is a copy of this place, to which CloudTrail delivered
    #[arg(long = "as", value_name = "s3://BUCKET/PREFIX", value_parser = place)]
    copy_of: Option<(String, String)>,
    /// CloudTrail's public keys, as --save-keys or `aws cloudtrail list-public-keys` write them; can be repeated
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Write the public keys that were needed, and the newest digests' metadata, to verify a copy later
    #[arg(long, value_name = "FILE")]
    save_keys: Option<PathBuf>,
    /// The lake that the verdicts go into [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake, where there is one]
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    s3: S3,
    #[command(flatten)]
    configured: Limited,
}

fn place(text: &str) -> Result<(String, String), String> {
    let rest = text.strip_prefix("s3://").filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let rest = rest.ok_or_else(|| "write s3://bucket or s3://bucket/prefix".to_owned())?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((bucket.to_owned(), prefix.to_owned()))
}

impl Verify {
    /// Verifies.
    ///
    /// # Errors
    /// The source, the keys or the lake cannot be opened, there are no digests, or the answer cannot be written. Single objects
    /// that cannot be read are counted.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        if self.source == "-" {
            return Err(Error::usage("digests and log files are many files: name a folder or s3://bucket/prefix"));
        }
        let config = self.configured.load()?;
        let answering = Answering::begin(&self.answer, console)?;
        interrupt.unless(self.verified(&config, answering, console)).await
    }

    async fn verified(&self, config: &Config, answering: Answering, console: Console) -> Result<Outcome> {
        let mut keys = Keys::default();
        self.keys.iter().try_for_each(|file| keys.read(file))?;
        let opened = sources::open(std::slice::from_ref(&self.source), &self.s3.options(), console).await?;
        let [source] = &opened[..] else { return Err(Error::internal("a source is missing")) };
        let asks = self.keys.is_empty() && (source.is_remote() || credentials_are_given());
        let plan = Plan {
            source: source.clone(),
            copy_of: self.copy_of.clone(),
            filters: self.wanted.filters(config)?,
            max_object: config.reading.max_object.unwrap_or(Limits::default().max_decompressed),
            keys,
            ask: asks.then(|| self.s3.options()),
        };
        let verdicts = match self.lake(config, console).await? {
            Some(lake) => Some(Verdicts::begin(lake).await?),
            None => None,
        };
        let book =
            Book { number: verdicts.as_ref().map(|verdicts| verdicts.number), at: Utc::now().timestamp_micros() };
        let (screened, answered) = match answering.format() {
            Format::Table => (Some(answering), None),
            _ => (None, Some(answering.rows(&INTEGRITY.schema())?)),
        };
        let mut taker = Taker { rows: Vec::new(), book, verdicts, answered };
        let meter = Meter::new(console);
        let result = verify(plan, &mut taker, &|progress| meter.say(|| line(progress))).await;
        meter.clear();
        let (summary, keys) = result?;
        taker.flush().await?;
        if let Some(verdicts) = taker.verdicts {
            verdicts.commit().await?;
        }
        if let Some(answered) = taker.answered {
            answered.finish()?;
        }
        if let Some(file) = &self.save_keys {
            let count = keys.write(file)?;
            console.status(&format!("{} public keys in {}", HumanCount(count as u64), file.display()));
        }
        if let Some(answering) = screened.filter(|_| summary.digests() > 0) {
            let width = answering.width();
            answering.text(&screen(&summary, width))?;
        }
        self.close(&summary, asks, console)
    }

    /// The lake that was named, or one that is there.
    async fn lake(&self, config: &Config, console: Console) -> Result<Option<Lake>> {
        let options = self.s3.lake_options(config);
        let location = lake_location(self.lake.as_deref(), config);
        if self.lake.is_none() && !Lake::is_lake(&location, &options).await? {
            return Ok(None);
        }
        console.status(&format!("The verdicts go into {location}, table integrity"));
        Lake::create_if_missing(&location, &options).await.map(Some)
    }

    /// Says what could not be read or proved, and so how the verb ended.
    fn close(&self, summary: &Summary, asked: bool, console: Console) -> Result<Outcome> {
        if summary.failures > 0 {
            console.warning(&format!("{} things could not be read", HumanCount(summary.failures)));
            for failure in &summary.first_failures {
                console.warning(failure);
            }
        }
        let found = summary.digests() > 0;
        if found {
            console.status(&headline(summary));
        }
        let counts = |why: &str| summary.whys.get(why).is_some_and(|count| *count > 0);
        if counts("no_key") && !asked {
            console.warning(
                "without CloudTrail's public keys only the chain of hashes was checked: give --keys FILE, or credentials",
            );
        }
        if counts("no_signature") {
            console.warning(
                "the newest digest's signature is in its S3 object's metadata: put what `aws s3api head-object` prints beside it \
                 as FILE.metadata.json, or give --keys a file that --save-keys made",
            );
        }
        if summary.failures > 0 {
            return Ok(Outcome::Incomplete);
        }
        if summary.altered() > 0 {
            return Ok(Outcome::Altered);
        }
        if !found {
            return Err(Error::new(Kind::Empty, format!("no integrity digests in {}", self.source))
                .hint("expected are keys like AWSLogs/<account>/CloudTrail-Digest/<region>/...")
                .hint("CloudTrail writes them where the trail's log file validation is on"));
        }
        Ok(if summary.unproven() > 0 { Outcome::Incomplete } else { Outcome::Complete })
    }
}

/// Whether the environment names AWS credentials, so that CloudTrail can be asked.
fn credentials_are_given() -> bool {
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
    .iter()
    .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn line(progress: Progress) -> String {
    let Progress { listed, logs, bytes } = progress;
    format!("{} objects listed, {} log files hashed, {}", HumanCount(listed), HumanCount(logs), BinaryBytes(bytes))
}

/// Takes the verdicts to the answer and to the lake.
struct Taker {
    rows: Vec<Row>,
    book: Book,
    verdicts: Option<Verdicts>,
    answered: Option<Answered>,
}

impl Taker {
    async fn flush(&mut self) -> Result<()> {
        let rows = batch(&std::mem::take(&mut self.rows), self.book)?;
        if let Some(answered) = &mut self.answered {
            answered.write(&rows)?;
        }
        match &mut self.verdicts {
            Some(verdicts) => verdicts.write(&rows).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Take for Taker {
    async fn take(&mut self, row: Row) -> Result<()> {
        // For a screen without a lake the summary is all that is wanted.
        if self.answered.is_some() || self.verdicts.is_some() {
            self.rows.push(row);
        }
        if self.rows.len() >= ROWS { self.flush().await } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_buckets_with_a_prefix() {
        assert_eq!(place("s3://b/p/q/"), Ok(("b".to_owned(), "p/q/".to_owned())));
        assert_eq!(place("s3://b"), Ok(("b".to_owned(), String::new())));
        assert!(place("b/p").is_err() && place("s3://").is_err() && place("s3:///p").is_err());
    }
}
