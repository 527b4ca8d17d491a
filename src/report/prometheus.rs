//! The report as numbers for node_exporter's textfile collector. Severities and states that nothing has are zero, not missing, so that an alert can
//! tell a quiet night from a report that no longer comes.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use chrono::DateTime;

use super::Options;
use super::escape::prometheus as label;
use super::parts::gap_hours;
use crate::detect::finding::{Severity, State};
use crate::detect::night::Night;

const SEVERITIES: [Severity; 5] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
const STATES: [State; 5] = [State::New, State::Ongoing, State::Worsened, State::Resolved, State::Suppressed];

/// Lines of one metric after the other.
struct Metrics(String);

impl Metrics {
    fn family(&mut self, name: &str, help: &str) {
        // Writing into a String cannot fail.
        _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, text)| format!("{name}=\"{}\"", label(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, help);
        self.sample(name, &[], value);
    }
}

/// `rolecall.prom`.
pub fn render(night: &Night, options: &Options) -> String {
    let mut out = Metrics(String::new());
    let header = &night.header;
    out.family("rolecall_info", "The version of rolecall and of its detections.");
    out.sample("rolecall_info", &[("version", &header.version), ("rules", &header.rules)], 1);
    out.family("rolecall_findings", "Findings of the night by severity and state.");
    for severity in SEVERITIES {
        for state in STATES {
            let n = night.findings.iter().filter(|f| f.severity == severity && f.state == state).count();
            out.sample("rolecall_findings", &[("severity", severity.as_str()), ("state", state.as_str())], n);
        }
    }
    let mut rules: BTreeMap<&str, u64> = night.rules.iter().map(|rule| (rule.detection.as_str(), rule.hits)).collect();
    for finding in &night.findings {
        let counted = night.rules.iter().any(|rule| rule.detection == finding.detection);
        if !counted {
            *rules.entry(&finding.detection).or_default() += 1;
        }
    }
    out.family("rolecall_detection_findings", "Findings of the night by detection.");
    for (detection, hits) in rules {
        out.sample("rolecall_detection_findings", &[("detection", detection)], hits);
    }
    out.one("rolecall_sigma_findings", "Findings of Sigma rules.", night.sigma.len());
    out.one("rolecall_night_events", "Events in the night's logs.", header.events);
    out.one("rolecall_night_sessions", "Sessions issued or used in the night.", header.sessions);
    out.one("rolecall_night_files", "Log files with events of the night.", header.files);
    if let Some(lag) = header.lag_seconds {
        out.one("rolecall_lag_seconds", "Median time between an event and its delivery.", lag);
    }
    out.one("rolecall_coverage_gap_hours", "Hours of logs that are missing, over all accounts.", gap_hours(header));
    out.one("rolecall_coverage_gaps", "Places where logs are missing.", header.gaps.len());
    out.one("rolecall_history_days", "Days of history that the baselines had.", header.history_days);
    out.one(
        "rolecall_learning_ratio",
        "Share of active identities that are still being learned.",
        header.learning_share,
    );
    out.family("rolecall_allow_entries", "Entries of the allow-list by status.");
    for status in ["active", "expiring", "unused", "expired", "spent"] {
        let n = night.muted.iter().filter(|entry| entry.status == status).count();
        out.sample("rolecall_allow_entries", &[("status", status)], n);
    }
    if let Ok(until) = DateTime::parse_from_rfc3339(&header.until) {
        out.one("rolecall_night_end_timestamp_seconds", "The end of the night that was looked at.", until.timestamp());
    }
    if let Some(at) = options.succeeded_at {
        out.one("rolecall_last_success_timestamp_seconds", "When a report was last written.", at);
    }
    out.0
}
