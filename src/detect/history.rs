//! Where tonight's findings stand beside those of the nights before, and what of these must not teach a baseline.

use std::collections::{BTreeMap, BTreeSet};

use super::baseline::WINDOW;
use super::finding::{Finding, Severity, State};
use super::night_tables::Untaught;
use super::stored::{self, Verdict};
use crate::sts::ip;

/// Nights after which what goes on is said aloud again.
const AGAIN: i32 = 7;
/// Growth from which on what goes on is worse.
const GROWTH: u64 = 4;
/// Nights that a finding may be silent before it is no longer the same story.
const FORGOTTEN: i32 = 14;

/// What the nights before say.
#[derive(Debug, Default)]
pub struct History {
    /// Per fingerprint its findings, the earliest night first.
    by_fingerprint: BTreeMap<String, Vec<Finding>>,
    /// Per fingerprint the latest verdict.
    verdicts: BTreeMap<String, Verdict>,
    /// The latest night that was reported.
    latest: Option<i32>,
}

impl History {
    /// Of the findings of earlier nights, in their order, and verdicts on them, in the order they were given. Verdicts on
    /// later nights than `night` do not count, so that a night can be told again.
    pub fn of(findings: Vec<Finding>, verdicts: Vec<Verdict>, reported: &[i32], night: i32) -> Self {
        let mut history = Self { latest: reported.iter().copied().filter(|n| *n < night).max(), ..Self::default() };
        for finding in findings {
            history.by_fingerprint.entry(finding.fingerprint.clone()).or_default().push(finding);
        }
        for verdict in verdicts.into_iter().filter(|v| stored::day(&v.night).is_some_and(|n| n < night)) {
            history.verdicts.insert(verdict.fingerprint.clone(), verdict);
        }
        history
    }

    /// Gives tonight's findings their states, and adds those that are resolved: of the detections that were `asked`, for of the others
    /// nobody knows whether it goes on.
    pub fn judge(&self, findings: &mut Vec<Finding>, night: i32, asked: &BTreeSet<String>) {
        for finding in findings.iter_mut() {
            self.place(finding, night);
        }
        let here: BTreeSet<String> = findings.iter().map(|f| f.fingerprint.clone()).collect();
        for (fingerprint, earlier) in &self.by_fingerprint {
            let gone = |last: &&Finding| !here.contains(fingerprint) && asked.contains(&last.detection);
            let Some(last) = earlier.last().filter(gone) else { continue };
            let recent = stored::day(&last.night) == self.latest;
            if recent && matches!(last.state, State::New | State::Ongoing | State::Worsened) && !last.late {
                let mut gone = last.clone();
                gone.state = State::Resolved;
                gone.reason = format!(
                    "was {} on {}, and is not there any more: {}",
                    last.severity.as_str(),
                    last.night,
                    last.reason
                );
                // Nothing is left to act on.
                gone.severity = Severity::Info;
                gone.night = super::assemble::date(night);
                gone.event_count = 0;
                findings.push(gone);
            }
        }
    }

    fn place(&self, finding: &mut Finding, night: i32) {
        let dismissed = self.verdicts.get(&finding.fingerprint).filter(|v| v.verdict == "dismissed");
        if let Some(verdict) = dismissed.filter(|_| finding.state != State::Suppressed) {
            finding.state = State::Suppressed;
            finding.suppressed_by = Some(format!("verdict of {}", verdict.owner));
        }
        let Some(earlier) = self.by_fingerprint.get(&finding.fingerprint) else { return };
        let seen: Vec<&Finding> = earlier.iter().filter(|f| !matches!(f.state, State::Resolved)).collect();
        let Some(last) = seen.last() else { return };
        let age = |f: &Finding| night - stored::day(&f.night).unwrap_or(night);
        if age(last) > FORGOTTEN {
            return;
        }
        finding.nights = last.nights.saturating_add(1);
        finding.total_events = last.total_events.saturating_add(finding.event_count);
        finding.max_score = finding.max_score.max(last.max_score);
        finding.first_seen = finding.first_seen.clone().min(last.first_seen.clone());
        if finding.state == State::Suppressed {
            return;
        }
        let graver = finding.severity > seen.iter().map(|f| f.severity).max().unwrap_or(Severity::Info);
        let more = finding.event_count >= GROWTH * seen.iter().map(|f| f.event_count).max().unwrap_or(0).max(1);
        let loud = seen.iter().rfind(|f| matches!(f.state, State::New | State::Worsened));
        let due = loud.is_none_or(|f| age(f) >= AGAIN);
        finding.state = if graver || more || due { State::Worsened } else { State::Ongoing };
    }

    /// What open findings of high severity named on their nights: it must not become usual before somebody has looked, and never where
    /// they found it to be true.
    pub fn untaught(&self) -> Vec<Untaught> {
        let mut all = BTreeSet::new();
        for (fingerprint, findings) in &self.by_fingerprint {
            if self.verdicts.get(fingerprint).is_some_and(|v| v.verdict == "dismissed") {
                continue;
            }
            for finding in findings.iter().filter(|f| f.severity >= Severity::High && f.state != State::Suppressed) {
                let Some(night) = stored::day(&finding.night) else { continue };
                for entity in finding.principals.iter().chain(&finding.role_arns).chain(&finding.accounts) {
                    for value in values(finding) {
                        all.insert(Untaught { night, entity: entity.clone(), value });
                    }
                }
            }
        }
        all.into_iter().collect()
    }

    /// Verdicts of the last ninety days by detection: accepted, dismissed.
    pub fn verdicts_of(&self, detection: &str, night: i32) -> (u64, u64) {
        let mut counts = (0, 0);
        for verdict in self.verdicts.values().filter(|v| v.detection == detection) {
            if stored::day(&verdict.night).is_some_and(|n| night - n <= WINDOW) {
                match verdict.verdict.as_str() {
                    "accepted" => counts.0 += 1,
                    "dismissed" => counts.1 += 1,
                    _ => {}
                }
            }
        }
        counts
    }

    /// The latest night on which a detection found something.
    pub fn last_fired(&self, detection: &str) -> Option<String> {
        let all = self.by_fingerprint.values().flatten();
        all.filter(|f| f.detection == detection && f.state != State::Resolved).map(|f| f.night.clone()).max()
    }

    /// The findings of earlier nights, by fingerprint.
    pub fn earlier(&self) -> impl Iterator<Item = &Finding> {
        self.by_fingerprint.values().flatten()
    }
}

fn values(finding: &Finding) -> BTreeSet<String> {
    let ips = finding.source_ips.iter();
    let networks = ips.clone().filter_map(|ip| ip::neighbourhood(ip)).map(|network| network.to_string());
    let shapes = finding.role_arns.iter().map(|role| super::names::role_shape(role));
    ips.cloned()
        .chain(networks)
        .chain(shapes)
        .chain(finding.role_arns.iter().cloned())
        .chain(finding.principals.iter().cloned())
        .chain(finding.accounts.iter().cloned())
        .collect()
}
