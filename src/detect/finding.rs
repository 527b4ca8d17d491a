//! What a detection says: one finding, as `findings.jsonl`, the table `findings` and every format of the report have it.

use serde::{Deserialize, Serialize};

/// How much it matters, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Contributes to what is known of an identity.
    Low,
    /// To be looked at by day.
    Medium,
    /// To be acted on.
    High,
    /// To be acted on at once.
    Critical,
}

impl Severity {
    /// As the contract writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads the contract's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical].into_iter().find(|s| s.as_str() == word)
    }

    /// The bits that a rule without statistics counts for.
    #[must_use]
    pub fn bits(self) -> f64 {
        match self {
            Self::Info => 1.0,
            Self::Low => 4.0,
            Self::Medium => 8.0,
            Self::High => 12.0,
            Self::Critical => 16.0,
        }
    }
}

/// Where a finding stands beside the nights before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not seen before.
    New,
    /// Seen before, and still there.
    Ongoing,
    /// Seen before, and graver, much more of it, or silent for so long that it has to be said again.
    Worsened,
    /// Seen before, and not any more.
    Resolved,
    /// Hidden by an entry of the allow-list, or closed by a verdict.
    Suppressed,
}

impl State {
    /// As the contract writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ongoing => "ongoing",
            Self::Worsened => "worsened",
            Self::Resolved => "resolved",
            Self::Suppressed => "suppressed",
        }
    }

    /// Reads the contract's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::New, Self::Ongoing, Self::Worsened, Self::Resolved, Self::Suppressed]
            .into_iter()
            .find(|s| s.as_str() == word)
    }
}

/// One event that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// The day of the event, `2026-11-07`: the partition of `events` to look in.
    pub event_date: String,
    /// The account that recorded it.
    pub account: String,
    /// CloudTrail's event id.
    pub event_id: String,
}

/// One finding of one night. Lists are sorted and distinct.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A hash of the detection, the stable entity, the stable target and the class of value: the same every night,
    /// without time, session id or digits of an address.
    pub fingerprint: String,
    /// The detection's id, `CTAR-013`; for a Sigma rule its id.
    pub detection: String,
    /// What happened, in one line.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// Bits of surprise; for a rule without statistics the bits that its severity stands for.
    pub score: f64,
    /// Where it stands beside the nights before.
    pub state: State,
    /// The night it was found in, `2026-11-07`.
    pub night: String,
    /// The first event, over all nights, RFC 3339 in UTC.
    pub first_seen: String,
    /// The last event, RFC 3339 in UTC.
    pub last_seen: String,
    /// The events of this night.
    pub event_count: u64,
    /// The sessions concerned.
    pub session_ids: Vec<String>,
    /// The access keys concerned: of the sessions, and long-term ones.
    pub access_keys: Vec<String>,
    /// Who: the origin first of all, and the principals on the way (ARNs, subjects, service names).
    pub principals: Vec<String>,
    /// The roles concerned.
    pub role_arns: Vec<String>,
    /// The addresses concerned.
    pub source_ips: Vec<String>,
    /// The accounts concerned.
    pub accounts: Vec<String>,
    /// Why, and against which baseline.
    pub reason: String,
    /// The command that shows more.
    pub next: String,
    /// The events it rests on, the first twenty.
    pub evidence: Vec<Evidence>,
    /// The identity that it is rolled up to: the origin where one is known.
    pub origin: String,
    /// ATT&CK technique ids.
    pub attack: Vec<String>,
    /// Role ARNs from the origin to the session, for the picture of the chain; empty where there is none.
    pub chain: Vec<String>,
    /// The accounts' owner, from the configuration.
    pub owner: Option<String>,
    /// Of an earlier night, and found only now because its files came late.
    pub late: bool,
    /// Nights on which it was seen, this one included.
    pub nights: u32,
    /// Events over all nights.
    pub total_events: u64,
    /// The highest score of any night.
    pub max_score: f64,
    /// The allow-list entry or the verdict that hides it.
    pub suppressed_by: Option<String>,
}
