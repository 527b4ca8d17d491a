//! One night, whole: what every format of the report is made from.

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Severity};

/// One night's report. The same lake and the same night give the same content, whatever the clock says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Night {
    /// What was looked at.
    pub header: Header,
    /// Every finding, the gravest first; suppressed and resolved ones too.
    pub findings: Vec<Finding>,
    /// Identities by the risk that they gathered over seven nights.
    pub watch: Vec<Watched>,
    /// What is related to what since tonight, or not any more.
    pub relations: Vec<Relation>,
    /// Accounts and roles without enough history for a verdict: "new account, learning until ...".
    pub learning: Vec<Learning>,
    /// The weekly block, empty on other days.
    pub hygiene: Vec<Hygiene>,
    /// What the allow-list did.
    pub muted: Vec<Muted>,
    /// How each detection did.
    pub rules: Vec<RuleHealth>,
    /// Sessions per hour of the night and of a usual one.
    pub hours: Vec<Hour>,
    /// Account by hour, for the coverage heat-map.
    pub coverage: Vec<CoverageHour>,
    /// Findings of Sigma rules, a section of its own.
    pub sigma: Vec<Finding>,
}

/// What was looked at, and what is missing of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The night, `2026-11-07`, or the first day of the window.
    pub night: String,
    /// Start of the window, RFC 3339.
    pub since: String,
    /// End of the window, exclusive, RFC 3339.
    pub until: String,
    /// Accounts with events in the window.
    pub accounts: u64,
    /// Regions with events in the window.
    pub regions: u64,
    /// Log files with events of the window.
    pub files: u64,
    /// Events in the window.
    pub events: u64,
    /// Sessions that were issued or used in the window.
    pub sessions: u64,
    /// Median seconds between an event and its delivery; null where the logs do not tell.
    pub lag_seconds: Option<i64>,
    /// Days of history that the baselines had.
    pub history_days: u64,
    /// Share of active identities that are still being learned, 0 to 1.
    pub learning_share: f64,
    /// What is missing, in words, one line each; a gap outranks findings.
    pub gaps: Vec<Gap>,
    /// The version of rolecall.
    pub version: String,
    /// A hash over the detections' texts: the same rules give the same hash.
    pub rules: String,
}

/// A hole in the logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The account whose logs are missing.
    pub account: String,
    /// The region, or empty for all.
    pub region: String,
    /// Hours without the usual events.
    pub hours: u64,
    /// In words.
    pub text: String,
}

/// An identity with the risk it gathered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// The origin.
    pub entity: String,
    /// Bits over the seven nights.
    pub risk: f64,
    /// Bits a night, the oldest first, for the sparkline.
    pub nights: Vec<f64>,
    /// The contributing signals in words.
    pub signals: Vec<String>,
}

/// A relation that came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// `new_edge`, `vanished_edge`, `new_external_account`, `new_subject`, `trust_edit`, `vendor_without_external_id`.
    pub kind: String,
    /// Who.
    pub from: String,
    /// On which role or account.
    pub to: String,
    /// The account's owner, where known.
    pub owner: Option<String>,
    /// What brought it about, where known.
    pub cause: String,
    /// How many stand in this one line.
    pub count: u64,
}

/// What has too little history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learning {
    /// `lake` where all of it is, `account`, `role` or `identity`.
    pub kind: String,
    /// Which.
    pub entity: String,
    /// Since when it is known, `2026-11-07`.
    pub since: String,
    /// Until when it is learned, at the present rate.
    pub until: String,
    /// Findings that rest on history, and are listed without an alarm for the lack of it.
    #[serde(default)]
    pub held: u64,
}

/// One line of the weekly block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hygiene {
    /// What is looked at, in words.
    pub title: String,
    /// How many.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
    /// The command that lists all.
    pub next: String,
}

/// What one entry of the allow-list hid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// The entry's id.
    pub entry: String,
    /// Its reason.
    pub reason: String,
    /// Its owner.
    pub owner: String,
    /// When it ends, `2027-01-31`.
    pub expires: String,
    /// How many findings more it fits before it ends, this night's taken off; null where it counts none.
    #[serde(default)]
    pub left: Option<u64>,
    /// Findings it hid, lowered or annotated this night.
    pub hidden: u64,
    /// `expiring` within 14 days, `unused` for 60 days, `expired`, `spent` where it has fitted as many findings as it may, or `active`.
    pub status: String,
}

/// How one detection does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleHealth {
    /// Its id.
    pub detection: String,
    /// Its title.
    pub title: String,
    /// The severity it starts from.
    pub severity: Severity,
    /// Findings this night.
    pub hits: u64,
    /// Findings of the last 90 days that a verdict accepted.
    pub accepted: u64,
    /// Findings of the last 90 days that a verdict dismissed.
    pub dismissed: u64,
    /// accepted / (accepted + dismissed), null without verdicts.
    pub precision: Option<f64>,
    /// The night it last fired.
    pub last_fired: Option<String>,
    /// What it lacks to look with, for which it is silent or knows less: records that are in none of the logs, knowledge that is not configured.
    pub silent: Option<String>,
    /// Why it could not be asked, where it failed: what it looks for may be there.
    #[serde(default)]
    pub failed: Option<String>,
}

/// One hour's sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hour {
    /// Start of the hour, RFC 3339.
    pub hour: String,
    /// Sessions issued in it.
    pub sessions: u64,
    /// The median of the same hour on earlier days; null without history.
    pub usual: Option<f64>,
    /// Refused attempts in it.
    pub failures: u64,
}

/// One cell of the heat-map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageHour {
    /// The account.
    pub account: String,
    /// Start of the hour, RFC 3339.
    pub hour: String,
    /// Events in it.
    pub events: u64,
    /// Whether events were to be expected.
    pub gap: bool,
}
