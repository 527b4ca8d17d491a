//! `rolecall ingest`: logs into the lake, and the books at the end.

use clap::Args;
use indicatif::{BinaryBytes, HumanCount};

use super::arguments::{Limited, S3, Wanted, lake_location};
use super::console::Console;
use super::interrupt::{Interrupt, interrupted};
use super::progress::Meter;
use super::{Outcome, sources};
use crate::cloudtrail::Limits;
use crate::error::{Error, Kind, Result};
use crate::ingest::{Plan, Summary, ingest};
use crate::source::Source;

/// Read logs into the lake
///
/// Everything is read once: what the lake knows is passed over, and an event that comes twice is stored once. A run that is
/// stopped leaves the lake whole; the next one does the rest.
#[derive(Debug, Args)]
pub struct Ingest {
    /// Where the logs are: a folder, a file, s3://bucket/prefix (a bucket's root too), or - for standard input
    /// [default: the sources of the configuration]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// The lake: a folder or s3://bucket/prefix [default: $ROLECALL_LAKE, else the configuration's, else ./rolecall-lake]
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    /// Read and count, store nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    s3: S3,
    #[command(flatten)]
    configured: Limited,
}

impl Ingest {
    /// Ingests.
    ///
    /// # Errors
    /// A source or the lake cannot be opened, or the lake cannot be written. Single objects that cannot be read are counted.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let config = self.configured.load()?;
        if self.sources.is_empty() && config.sources.is_empty() {
            return Err(Error::usage("no source is named")
                .hint("rolecall ingest ./logs")
                .hint("rolecall ingest s3://bucket/prefix")
                .hint("or name it as a [[source]] in rolecall.toml"));
        }
        let filters = self.wanted.filters(&config)?;
        let opened = if self.sources.is_empty() {
            interrupt.unless(sources::open_configured(&config, &self.s3, console)).await?
        } else {
            interrupt.unless(sources::open(&self.sources, &self.s3.options(), console)).await?
        };
        let usual = Limits::default();
        let plan = Plan {
            filters,
            lake_options: self.s3.lake_options(&config),
            limits: Limits { max_decompressed: config.reading.max_object.unwrap_or(usual.max_decompressed), ..usual },
            dry_run: self.dry_run,
            ..Plan::new(opened, lake_location(self.lake.as_deref(), &config))
        };
        let names: Vec<_> = plan.sources.iter().map(Source::describe).collect();
        let meter = Meter::new(console);
        let result = ingest(plan, &|progress| meter.tell(progress), interrupt.flag()).await;
        meter.clear();
        close(&result?, &names, console)
    }
}

/// Shows the books and decides how the run ended. `sources` are the sources' names.
fn close(summary: &Summary, sources: &[String], console: Console) -> Result<Outcome> {
    console.status(&books(summary));
    if summary.is_incomplete() {
        for line in unread(summary) {
            console.warning(&line);
        }
    }
    if !summary.balances() {
        return Err(Error::internal("the books do not balance: something was lost from the count"));
    }
    if summary.interrupted {
        return Err(interrupted().hint("what was read is stored; the same command does the rest"));
    }
    if summary.is_incomplete() {
        return Ok(Outcome::Incomplete);
    }
    let objects = &summary.objects;
    if objects.listed == objects.not_cloudtrail {
        return Err(Error::new(Kind::Empty, format!("no CloudTrail objects in {}", sources.join(", "))).hint(
            "expected are .json, .json.gz or .zip files, or keys like AWSLogs/<account>/CloudTrail/<region>/...",
        ));
    }
    if objects.listed == objects.not_cloudtrail + objects.pruned {
        console.status("Nothing was read: the filters exclude every object.");
    }
    Ok(Outcome::Complete)
}

/// What became of every object and record.
fn books(summary: &Summary) -> String {
    let count = |n: u64| HumanCount(n).to_string();
    let sum = |parts: &[(u64, &str)]| {
        parts.iter().map(|(n, what)| format!("{} {what}", HumanCount(*n))).collect::<Vec<_>>().join(" + ")
    };
    let o = &summary.objects;
    let mut objects = vec![
        (o.ingested, "ingested"),
        (o.known, "already known"),
        (o.pruned, "pruned"),
        (o.archived, "archived"),
        (o.not_cloudtrail, "no CloudTrail"),
        (o.failed, "failed"),
    ];
    if o.left > 0 {
        objects.push((o.left, "not reached"));
    }
    let mut records = vec![
        (summary.events, "events"),
        (summary.duplicates, "duplicates"),
        (summary.not_events, "not CloudTrail events"),
        (summary.faults, "faults"),
    ];
    if summary.filtered > 0 {
        records.push((summary.filtered, "filtered"));
    }
    let what = match (summary.dry_run, summary.ingest_number) {
        (true, _) => "Read, stored nothing".to_owned(),
        (false, Some(number)) => {
            format!("Stored {} events in {} (ingest {number})", count(summary.stored), summary.lake)
        }
        (false, None) => format!("Stored nothing new in {}", summary.lake),
    };
    format!(
        "{what}, {:.1} s, {} events/s\n  objects: {} listed = {}\n  records: {} = {}\n  bytes: {} read, {} decompressed",
        summary.elapsed.as_secs_f64(),
        HumanCount(summary.rate() as u64),
        count(o.listed),
        sum(&objects),
        count(summary.records),
        sum(&records),
        BinaryBytes(summary.bytes_read),
        BinaryBytes(summary.bytes_decompressed),
    )
}

/// What could not be read, with the first places.
fn unread(summary: &Summary) -> Vec<String> {
    let o = &summary.objects;
    let mut lines = Vec::new();
    for (n, what) in [
        (o.failed, "objects could not be read"),
        (o.truncated, "objects are broken off before their end"),
        (o.archived, "objects are archived; restore them to read them"),
        (summary.faults, "records could not be read"),
    ] {
        if n > 0 {
            lines.push(format!("{} {what}", HumanCount(n)));
        }
    }
    let reasons: Vec<_> = summary.reasons.iter().map(|(reason, n)| format!("{reason} {}", HumanCount(*n))).collect();
    if !reasons.is_empty() {
        lines.push(format!("reasons: {}", reasons.join(", ")));
    }
    for fault in &summary.first_faults {
        let index = fault.index.map(|index| format!(", record {index}")).unwrap_or_default();
        lines.push(format!("{}{index}: {}: {}", fault.object, fault.reason, fault.text));
    }
    lines
}
