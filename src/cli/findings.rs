//! `rolecall findings`: what the reports found and what people said of it, so that tuning needs no hand-edited file.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{Duration, NaiveDate, Utc};
use clap::{Args, Subcommand, ValueEnum};
use datafusion::common::ScalarValue;

use super::Outcome;
use super::answer::Answering;
use super::arguments::{Answer, Stored};
use super::console::Console;
use super::interrupt::Interrupt;
use super::output::{Format, visible};
use crate::config::Config;
use crate::config::allow::{Action, AllowList, Allowed, DAYS, Matching};
use crate::detect::finding::Finding;
use crate::detect::stored::{self, Verdict};
use crate::detect::{allow, baseline};
use crate::error::{Error, Kind, Result};
use crate::lake::store::Lake;
use crate::source::Filters;
use crate::sql::session::Engine;
use crate::sql::setup::Setup;
use crate::words::moment as times;
use crate::words::number::counted;

/// List and show findings, judge them, or hide them for a while
#[derive(Debug, Args)]
pub struct Findings {
    #[command(subcommand)]
    verb: FindingsVerb,
}

#[derive(Debug, Subcommand)]
enum FindingsVerb {
    List(List),
    Show(Show),
    Close(Close),
    Allow(Allow),
}

/// List what is open: the findings of the latest night that is neither resolved nor hidden, the gravest first
#[derive(Debug, Args)]
struct List {
    /// Another night
    #[arg(long, value_name = "DATE")]
    night: Option<NaiveDate>,
    /// Resolved and hidden ones too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    at: Stored,
}

/// Show one finding, every night of it, and what was said of it
#[derive(Debug, Args)]
struct Show {
    /// Its fingerprint, or the beginning of it
    fingerprint: String,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    at: Stored,
}

/// What a finding was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Said {
    /// It was what it says
    True,
    /// Nothing was there
    FalsePositive,
    /// It was there, and nothing is wrong with it
    Benign,
}

/// Judge a finding: what is false or benign is hidden from then on, and counts against its detection
///
/// Verdicts are rows of the lake (SELECT * FROM verdicts); the latest counts. The report shows each detection's share of accepted ones.
#[derive(Debug, Args)]
struct Close {
    /// Its fingerprint, or the beginning of it
    fingerprint: String,
    /// What it was
    #[arg(long, value_enum)]
    verdict: Said,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who says so
    #[arg(long, value_name = "NAME", env = "USER")]
    owner: String,
    #[command(flatten)]
    at: Stored,
}

/// Hide a finding for a while: adds an entry to the allow-list, which keeps its comments
///
/// The entry names the fingerprint. To hide more than one finding, write networks, roles or principals into the file, and look with
/// --explain at what that does.
#[derive(Debug, Args)]
struct Allow {
    /// Its fingerprint, or the beginning of it
    #[arg(required_unless_present = "explain")]
    fingerprint: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", required_unless_present = "explain")]
    reason: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "NAME", required_unless_present = "explain")]
    owner: Option<String>,
    /// For how long: 30d; 180d at most
    #[arg(long = "for", value_name = "DURATION", value_parser = lasting, required_unless_present = "explain")]
    lasting: Option<i64>,
    /// Until it has fitted so many findings, those of each night, if that is sooner
    #[arg(long, value_name = "N")]
    until_count: Option<NonZeroU64>,
    /// What the entry does
    #[arg(long, value_enum, value_name = "ACTION", default_value = "drop")]
    action: Does,
    /// The ticket
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
    /// Change nothing: say which findings of a night each entry of the allow-list fits
    #[arg(long, conflicts_with_all = ["fingerprint", "reason", "owner", "lasting", "ticket", "until_count"])]
    explain: bool,
    /// The night that --explain looks at [default: the latest]
    #[arg(long, value_name = "DATE", requires = "explain")]
    night: Option<NaiveDate>,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    at: Stored,
}

/// What an entry of the allow-list does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Does {
    /// Hides the finding, which is counted
    Drop,
    /// Takes one step from its severity
    Downgrade,
    /// Says its reason beside the finding's
    Annotate,
}

fn lasting(text: &str) -> Result<i64, String> {
    let days = times::duration(text).map(|d| d.num_days());
    days.filter(|days| (1..=DAYS).contains(days)).ok_or_else(|| format!("write days, 1d to {DAYS}d"))
}

impl Findings {
    /// Does what was asked of the findings.
    ///
    /// # Errors
    /// There is no lake or no such finding, or something cannot be written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        match self.verb {
            FindingsVerb::List(list) => {
                let answering = Answering::begin(&list.answer, console)?;
                interrupt.unless(list.run(answering)).await
            }
            FindingsVerb::Show(show) => {
                let answering = Answering::begin(&show.answer, console)?;
                interrupt.unless(show.run(answering)).await
            }
            FindingsVerb::Close(close) => interrupt.unless(close.run(console)).await,
            FindingsVerb::Allow(allow) if allow.explain => {
                let answering = Answering::begin(&allow.answer, console)?;
                interrupt.unless(allow.explained(answering)).await
            }
            FindingsVerb::Allow(allow) => interrupt.unless(allow.run(console)).await,
        }
    }
}

async fn open(at: &Stored) -> Result<(Lake, Engine)> {
    let config = at.configured.load()?;
    let (location, options) = at.place()?;
    let lake = Lake::open(&location, &options).await?;
    // Of the events nothing is asked.
    let engine = Engine::over_span(&lake, &Filters::default(), Setup::of(&config)?, Some((0, 0))).await?;
    Ok((lake, engine))
}

/// The latest row of the one finding that a fingerprint, or its beginning, names.
async fn find(engine: &Engine, fingerprint: &str) -> Result<Finding> {
    let given = vec![("given".to_owned(), ScalarValue::from(fingerprint))];
    let sql = "SELECT * FROM findings WHERE starts_with(fingerprint, $given) ORDER BY night DESC, fingerprint";
    let found = stored::read(&baseline::ask(engine, sql, given).await?)?;
    let first = found.first().ok_or_else(|| {
        Error::new(Kind::Empty, format!("there is no finding '{fingerprint}'"))
            .hint("rolecall findings list --all shows them")
    })?;
    if found.iter().any(|one| one.fingerprint != first.fingerprint) {
        return Err(Error::usage(format!("'{fingerprint}' begins more than one fingerprint")).hint("write more of it"));
    }
    Ok(first.clone())
}

/// A night as SQL; the latest that was reported where none is named.
fn of_night(night: Option<NaiveDate>) -> String {
    night.map_or("(SELECT max(night) FROM nights)".to_owned(), |night| format!("DATE '{night}'"))
}

impl List {
    async fn run(&self, answering: Answering) -> Result<Outcome> {
        let (_, engine) = open(&self.at).await?;
        let night = of_night(self.night);
        let open = if self.all { "" } else { "AND state NOT IN ('resolved', 'suppressed')" };
        let columns = if answering.format() == Format::Table {
            "fingerprint, severity, state, detection, title, arn_short(origin) AS origin, nights, last_seen"
        } else {
            "*"
        };
        let sql = format!(
            "SELECT {columns} FROM findings WHERE night = {night} {open} ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 \
             WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END, score DESC, fingerprint"
        );
        answering.stream(engine.query(&sql, Vec::new()).await?).await?;
        Ok(Outcome::Complete)
    }
}

impl Show {
    async fn run(&self, answering: Answering) -> Result<Outcome> {
        let (_, engine) = open(&self.at).await?;
        let finding = find(&engine, &self.fingerprint).await?;
        if answering.format() != Format::Table {
            let given = vec![("given".to_owned(), ScalarValue::from(finding.fingerprint.as_str()))];
            let sql = "SELECT * FROM findings WHERE fingerprint = $given ORDER BY night";
            answering.stream(engine.query(sql, given).await?).await?;
            return Ok(Outcome::Complete);
        }
        let verdicts = stored::verdicts(&engine).await?;
        let said = verdicts.iter().filter(|verdict| verdict.fingerprint == finding.fingerprint);
        answering.text(&shown(&finding, said))?;
        Ok(Outcome::Complete)
    }
}

fn shown<'a>(finding: &Finding, verdicts: impl Iterator<Item = &'a Verdict>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{name:<13}{}\n", visible(value)));
        }
    };
    line("what", &format!("{} ({}, {})", finding.title, finding.severity.as_str(), finding.detection));
    line("state", &format!("{} on the night of {}", finding.state.as_str(), finding.night));
    line("hidden by", finding.suppressed_by.as_deref().unwrap_or_default());
    line("who", &finding.origin);
    line("why", &finding.reason);
    line("when", &format!("{} to {}", finding.first_seen, finding.last_seen));
    line(
        "seen",
        &format!(
            "{} nights, {} events this night, {} in all",
            finding.nights, finding.event_count, finding.total_events
        ),
    );
    for (name, list) in [
        ("chain", &finding.chain),
        ("principals", &finding.principals),
        ("roles", &finding.role_arns),
        ("addresses", &finding.source_ips),
        ("accounts", &finding.accounts),
        ("sessions", &finding.session_ids),
        ("access keys", &finding.access_keys),
        ("ATT&CK", &finding.attack),
    ] {
        line(name, &list.join(", "));
    }
    for event in &finding.evidence {
        line("event", &format!("{} {} {}", event.event_date, event.account, event.event_id));
    }
    line("fingerprint", &finding.fingerprint);
    for verdict in verdicts {
        line("verdict", &format!("{} by {}: {}", verdict.verdict, verdict.owner, verdict.reason));
    }
    line("next", &finding.next);
    text
}

impl Close {
    async fn run(&self, console: Console) -> Result<Outcome> {
        let (mut lake, engine) = open(&self.at).await?;
        let finding = find(&engine, &self.fingerprint).await?;
        let (verdict, word) = match self.verdict {
            Said::True => ("accepted", ""),
            Said::FalsePositive => ("dismissed", "false positive: "),
            Said::Benign => ("dismissed", "benign: "),
        };
        if verdict == "dismissed" && allow::always_told(&finding) {
            return Err(Error::usage("what tampers with logs or makes a root password is never hidden")
                .context("finding", finding.fingerprint));
        }
        let said = Verdict {
            fingerprint: finding.fingerprint.clone(),
            detection: finding.detection.clone(),
            verdict: verdict.to_owned(),
            reason: format!("{word}{}", self.reason),
            owner: self.owner.clone(),
            night: finding.night.clone(),
            given_at: Utc::now().timestamp_micros(),
        };
        stored::add_verdict(&mut lake, &said).await?;
        console.status(&format!("{verdict}: {} ({})", finding.title, finding.fingerprint));
        Ok(Outcome::Complete)
    }
}

impl Allow {
    fn file<'a>(&self, config: &'a Config) -> Result<&'a PathBuf> {
        config.report.allow_file.as_ref().ok_or_else(|| {
            Error::usage("the configuration names no allow-list")
                .hint("write under [report]: allow_file = 'allow.toml'")
        })
    }

    async fn run(&self, console: Console) -> Result<Outcome> {
        let config = self.at.configured.load()?;
        let file = self.file(&config)?;
        let (Some(fingerprint), Some(reason), Some(owner), Some(lasting)) =
            (&self.fingerprint, &self.reason, &self.owner, self.lasting)
        else {
            return Err(Error::usage("an entry needs a fingerprint, --reason, --owner and --for"));
        };
        let (_, engine) = open(&self.at).await?;
        let finding = find(&engine, fingerprint).await?;
        if allow::always_told(&finding) {
            return Err(Error::usage("what tampers with logs or makes a root password is never hidden")
                .context("finding", finding.fingerprint));
        }
        let created = Utc::now().date_naive();
        let (action, word) = match self.action {
            Does::Drop => (Action::Drop, "hidden"),
            Does::Downgrade => (Action::Downgrade, "lowered"),
            Does::Annotate => (Action::Annotate, "annotated"),
        };
        let entry = Allowed {
            id: format!(
                "{}-{}",
                finding.detection.to_lowercase(),
                finding.fingerprint.chars().take(12).collect::<String>()
            ),
            detections: vec![finding.detection.clone()],
            action,
            matching: Matching { fingerprint: vec![finding.fingerprint.clone()], ..Matching::default() },
            reason: reason.clone(),
            owner: owner.clone(),
            ticket: self.ticket.clone(),
            // The night that is judged lies before today.
            created: finding.night.parse().map_or(created, |night: NaiveDate| night.min(created)),
            expires: created + Duration::days(lasting),
            until_count: self.until_count,
        };
        // Counted from the night, the time must not become longer than any may be.
        let entry = Allowed { expires: entry.expires.min(entry.created + Duration::days(DAYS)), ..entry };
        AllowList::add(file, &entry)?;
        let or = entry.until_count.map(|n| format!(" or {}", counted(n.get(), "finding"))).unwrap_or_default();
        console.status(&format!("{}: {word} until {}{or} ({})", entry.id, entry.expires, file.display()));
        Ok(Outcome::Complete)
    }

    /// Which findings of a night each entry fits: a row each, and one for an entry that fits none.
    async fn explained(&self, answering: Answering) -> Result<Outcome> {
        let config = self.at.configured.load()?;
        let list = AllowList::read(self.file(&config)?)?;
        let (_, engine) = open(&self.at).await?;
        let night = of_night(self.night);
        let sql = format!("SELECT * FROM findings WHERE night = {night} AND state <> 'resolved' ORDER BY fingerprint");
        let findings = stored::read(&baseline::ask(&engine, &sql, Vec::new()).await?)?;
        // What entries have done so far, by every night that was kept.
        let day = |of: fn(&Allowed) -> NaiveDate| list.entries.iter().map(move |entry| of(entry).to_epoch_days());
        let (begun, over) = (day(|entry| entry.created).min(), day(|entry| entry.expires).max());
        let earlier = stored::findings(&engine, begun.unwrap_or(0), over.unwrap_or(0)).await?;
        let used = allow::used(&list, &earlier);
        let columns = [
            "entry",
            "does",
            "begins",
            "expires",
            "until_count",
            "count",
            "severity",
            "detection",
            "title",
            "origin",
            "fingerprint",
        ];
        let mut rows: Vec<[Option<String>; 11]> = Vec::new();
        for entry in &list.entries {
            let mut row = |finding: Option<&Finding>| {
                let does = match finding {
                    None => "fits nothing",
                    Some(one) if allow::always_told(one) => "nothing: nobody may hide it",
                    Some(_) => entry.action.as_str(),
                };
                let of = |text: fn(&Finding) -> &str| finding.map(|one| text(one).to_owned());
                rows.push([
                    Some(entry.id.clone()),
                    Some(does.to_owned()),
                    Some(entry.created.to_string()),
                    Some(entry.expires.to_string()),
                    entry.until_count.map(|count| count.to_string()),
                    Some(used.get(&entry.id).map_or(0, |usage| usage.count).to_string()),
                    of(|f| f.severity.as_str()),
                    of(|f| &f.detection),
                    of(|f| &f.title),
                    of(|f| &f.origin),
                    of(|f| &f.fingerprint),
                ]);
            };
            let fitting = |finding: &&Finding| allow::fitting(&list, finding).iter().any(|one| one.id == entry.id);
            let mut fits = findings.iter().filter(fitting).peekable();
            if fits.peek().is_none() {
                row(None);
            }
            fits.for_each(|finding| row(Some(finding)));
        }
        let fields: Vec<Field> = columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = (0..columns.len())
            .map(|column| Arc::new(rows.iter().map(|row| row[column].clone()).collect::<StringArray>()) as ArrayRef);
        let batch = RecordBatch::try_new(schema.clone(), arrays.collect())
            .map_err(|e| Error::internal("rows do not fit").source(e))?;
        engine.keep("explained", schema, vec![batch])?;
        answering.stream(engine.query("SELECT * FROM explained", Vec::new()).await?).await?;
        Ok(Outcome::Complete)
    }
}
