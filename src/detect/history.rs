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
/// What a day teaches of what an unreviewed finding of medium severity named, beside a day without one.
const UNREVIEWED: f64 = 0.25;
/// Identities, roles and accounts beyond which a finding of medium severity is a change of the organisation, many findings of one cause, and
/// teaches as any day.
const MANY: usize = 50;

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

    /// What findings named on their nights, and what that teaches a baseline: an open one of high severity nothing, for it must not become
    /// usual before somebody has looked, one of medium severity that nobody has judged a quarter. What was found to be true teaches
    /// nothing, what was dismissed as much as any day.
    pub fn untaught(&self) -> Vec<Untaught> {
        let mut all: BTreeMap<(i32, String, String), f64> = BTreeMap::new();
        for (fingerprint, findings) in &self.by_fingerprint {
            let verdict = self.verdicts.get(fingerprint).map_or("", |v| v.verdict.as_str());
            if verdict == "dismissed" {
                continue;
            }
            for finding in findings.iter().filter(|f| f.state != State::Suppressed) {
                let weight = match finding.severity {
                    Severity::Critical | Severity::High => 0.0,
                    Severity::Medium if verdict == "accepted" => 0.0,
                    Severity::Medium if named(finding).count() <= MANY => UNREVIEWED,
                    _ => continue,
                };
                let Some(night) = stored::day(&finding.night) else { continue };
                for entity in named(finding) {
                    for value in values(finding) {
                        let least = all.entry((night, entity.clone(), value)).or_insert(weight);
                        *least = least.min(weight);
                    }
                }
            }
        }
        all.into_iter().map(|((night, entity, value), weight)| Untaught { night, entity, value, weight }).collect()
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

/// Whom and what a finding is about.
fn named(finding: &Finding) -> impl Iterator<Item = &String> {
    finding.principals.iter().chain(&finding.role_arns).chain(&finding.accounts)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, principals: usize) -> Finding {
        let principals: Vec<String> = (0..principals).map(|n| format!("p{n:02}")).collect();
        serde_json::from_value(serde_json::json!({
            "fingerprint": "f", "detection": "CTAR-012", "title": "t", "severity": severity, "score": 8.0, "state": "new",
            "night": "2026-11-18", "first_seen": "2026-11-18T00:00:00Z", "last_seen": "2026-11-18T00:00:00Z", "event_count": 1,
            "session_ids": [], "access_keys": [], "principals": principals, "role_arns": [], "source_ips": ["192.0.2.7"], "accounts": [],
            "reason": "r", "next": "n", "evidence": [], "origin": "p00", "attack": [], "chain": [],
            "owner": null, "late": false, "nights": 1, "total_events": 1, "max_score": 8.0, "suppressed_by": null
        }))
        .unwrap()
    }

    fn verdict(word: &str) -> Verdict {
        Verdict {
            fingerprint: "f".to_owned(),
            detection: "CTAR-012".to_owned(),
            verdict: word.to_owned(),
            reason: String::new(),
            owner: String::new(),
            night: "2026-11-18".to_owned(),
            given_at: 0,
        }
    }

    /// What the address of a finding teaches the night after, beside any other day.
    fn taught(findings: Vec<Finding>, verdicts: &[&str]) -> Option<f64> {
        let night = stored::day("2026-11-19").unwrap();
        let history = History::of(findings, verdicts.iter().map(|word| verdict(word)).collect(), &[night - 1], night);
        history.untaught().into_iter().find(|u| u.entity == "p00" && u.value == "192.0.2.7").map(|u| u.weight)
    }

    #[test]
    fn what_nobody_reviewed_teaches_less() {
        let of = |severity, verdicts: &[&str]| taught(vec![finding(severity, 1)], verdicts);
        assert_eq!([of(Severity::High, &[]), of(Severity::High, &["accepted"])], [Some(0.0); 2]);
        assert_eq!([of(Severity::Medium, &[]), of(Severity::Medium, &["dismissed", "reopened"])], [Some(0.25); 2]);
        assert_eq!(of(Severity::Medium, &["accepted"]), Some(0.0));
        let all = [of(Severity::High, &["dismissed"]), of(Severity::Medium, &["dismissed"]), of(Severity::Low, &[])];
        assert_eq!(all, [None; 3]);
        // The gravest counts, and one that names half the organisation is a change of it.
        assert_eq!(taught(vec![finding(Severity::Medium, 1), finding(Severity::High, 1)], &[]), Some(0.0));
        assert_eq!(taught(vec![finding(Severity::Medium, 51)], &[]), None);
        assert_eq!(taught(vec![finding(Severity::High, 51)], &[]), Some(0.0));
        let mut hidden = finding(Severity::Medium, 1);
        hidden.state = State::Suppressed;
        assert_eq!(taught(vec![hidden], &[]), None);
    }
}
