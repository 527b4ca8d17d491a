//! The allow-list over a night's findings. It comes after the scoring: what it hides is counted and kept as suppressed.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::finding::{Finding, Severity, State};
use super::night::Muted;
use crate::config::allow::{Action, AllowList, Allowed, network};
use crate::words::pattern::like;

/// Days before its end from which on an entry is said to be expiring.
const SOON: i64 = 14;
/// Days without anything to hide after which an entry is unused.
const UNUSED: i64 = 60;

/// What an entry did on earlier nights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The last night on which it fitted something.
    pub last: NaiveDate,
    /// The findings it fitted, those of each night.
    pub count: u64,
}

/// Does to findings what the list says of them, and says what each entry did. `used` is what entries did on earlier nights. Where an entry
/// ends with a number of findings, those count that happened first.
pub fn apply(
    list: &AllowList,
    findings: &mut [Finding],
    night: NaiveDate,
    used: &BTreeMap<String, Usage>,
) -> Vec<Muted> {
    let mut hidden: BTreeMap<&str, u64> = BTreeMap::new();
    let before = |entry: &Allowed| used.get(&entry.id).map_or(0, |usage| usage.count);
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|&at| (findings[at].first_seen.clone(), findings[at].fingerprint.clone()));
    for at in order {
        let finding = &mut findings[at];
        let spent = |entry: &Allowed| {
            let so_far = before(entry) + hidden.get(entry.id.as_str()).copied().unwrap_or(0);
            entry.until_count.is_some_and(|count| so_far >= count.get())
        };
        if let Some(entry) = first(list, finding, night, spent) {
            *hidden.entry(&entry.id).or_default() += 1;
            act(entry, finding);
        }
    }
    list.entries
        .iter()
        .map(|entry| {
            let hidden = hidden.get(entry.id.as_str()).copied().unwrap_or(0);
            let left = entry.until_count.map(|count| count.get().saturating_sub(before(entry) + hidden));
            let since = used.get(&entry.id).map_or(entry.created, |usage| usage.last).max(entry.created);
            let status = if night >= entry.expires {
                "expired"
            } else if left == Some(0) {
                "spent"
            } else if (entry.expires - night).num_days() <= SOON {
                "expiring"
            } else if hidden == 0 && (night - since).num_days() >= UNUSED {
                "unused"
            } else {
                "active"
            };
            Muted {
                entry: entry.id.clone(),
                reason: entry.reason.clone(),
                owner: entry.owner.clone(),
                expires: entry.expires.to_string(),
                left,
                hidden,
                status: status.to_owned(),
            }
        })
        .collect()
}

/// The entry that counts for a finding: the first in force that fits and is not spent. None where nobody may hide it.
fn first<'a>(
    list: &'a AllowList,
    finding: &Finding,
    night: NaiveDate,
    spent: impl Fn(&Allowed) -> bool,
) -> Option<&'a Allowed> {
    let open = !matches!(finding.state, State::Suppressed | State::Resolved) && !always_told(finding);
    list.entries.iter().find(|entry| open && is_in_force(entry, night) && !spent(entry) && fits(entry, finding))
}

/// Every entry that fits a finding, whatever the day and whatever already hides it: what the list would do.
pub fn fitting<'a>(list: &'a AllowList, finding: &Finding) -> Vec<&'a Allowed> {
    list.entries.iter().filter(|entry| fits(entry, finding)).collect()
}

fn act(entry: &Allowed, finding: &mut Finding) {
    let before = finding.severity;
    match entry.action {
        Action::Drop => {
            finding.state = State::Suppressed;
            finding.suppressed_by = Some(mark(&entry.id));
            return;
        }
        Action::Downgrade => finding.severity = lower(before),
        Action::Annotate => {}
    }
    let lowered = if finding.severity < before { format!(", was {}", before.as_str()) } else { String::new() };
    finding.reason = format!("{} [{}{lowered}: {}]", finding.reason, mark(&entry.id), entry.reason);
}

fn lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    }
}

/// What `suppressed_by`, or the reason of what is not hidden, says of an entry.
pub fn mark(id: &str) -> String {
    format!("allow: {id}")
}

/// What the entries of a list did to the findings of earlier nights. What an entry's namesake did before it began is not its own.
pub fn used<'a>(list: &AllowList, earlier: impl IntoIterator<Item = &'a Finding>) -> BTreeMap<String, Usage> {
    let marks: Vec<(&Allowed, String)> = list.entries.iter().map(|entry| (entry, mark(&entry.id))).collect();
    let mut used: BTreeMap<String, Usage> = BTreeMap::new();
    // A resolved finding only repeats what was said of it.
    for finding in earlier.into_iter().filter(|finding| finding.state != State::Resolved) {
        let Ok(night) = finding.night.parse::<NaiveDate>() else { continue };
        for (entry, mark) in marks.iter().filter(|(entry, _)| night >= entry.created) {
            let noted = || [":", ","].iter().any(|end| finding.reason.contains(&format!("[{mark}{end}")));
            if finding.suppressed_by.as_ref() == Some(mark) || noted() {
                let usage = used.entry(entry.id.clone()).or_insert(Usage { last: night, count: 0 });
                usage.last = night.max(usage.last);
                usage.count += 1;
            }
        }
    }
    used
}

/// What nobody may hide: log tampering, and a root password that is made for somebody.
pub fn always_told(finding: &Finding) -> bool {
    let words =
        || finding.title.contains("CreateRootUserPassword") || finding.reason.contains("CreateRootUserPassword");
    match finding.detection.as_str() {
        "CTAR-030" => true,
        "CTAR-043" => words(),
        _ => false,
    }
}

/// Whether an entry counts on a night.
fn is_in_force(entry: &Allowed, night: NaiveDate) -> bool {
    (entry.created..entry.expires).contains(&night)
}

/// Whether every field that the entry names fits. Of roles and principals one has to; of accounts and addresses all, for
/// an address that nobody allowed must not hide behind one that somebody did.
fn fits(entry: &Allowed, finding: &Finding) -> bool {
    let m = &entry.matching;
    let one = |patterns: &[String], text: &str| patterns.iter().any(|pattern| like(pattern, text));
    let some =
        |patterns: &[String], texts: &[String]| patterns.is_empty() || texts.iter().any(|text| one(patterns, text));
    let all = |patterns: &[String], texts: &[String]| {
        patterns.is_empty() || !texts.is_empty() && texts.iter().all(|text| one(patterns, text))
    };
    let address = |text: &str| {
        let ip = text.parse::<std::net::IpAddr>().ok();
        m.source_ip.iter().filter_map(|n| network(n)).any(|net| ip.is_some_and(|ip| net.contains(&ip)))
    };
    let detection =
        entry.detections.iter().any(|id| like(&id.to_ascii_uppercase(), &finding.detection.to_ascii_uppercase()));
    detection
        && some(&m.fingerprint, std::slice::from_ref(&finding.fingerprint))
        && some(&m.origin, std::slice::from_ref(&finding.origin))
        && some(&m.principal, &finding.principals)
        && some(&m.role, &finding.role_arns)
        && all(&m.account, &finding.accounts)
        && (m.source_ip.is_empty()
            || !finding.source_ips.is_empty() && finding.source_ips.iter().all(|text| address(text)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn finding(detection: &str) -> Finding {
        serde_json::from_value(serde_json::json!({
            "fingerprint": "f1", "detection": detection, "title": "t", "severity": "high", "score": 10.0, "state": "new",
            "night": "2026-11-18", "first_seen": "2026-11-18T00:00:00Z", "last_seen": "2026-11-18T00:00:00Z", "event_count": 1,
            "session_ids": [], "access_keys": [], "principals": ["arn:aws:iam::111122223333:user/kim"],
            "role_arns": ["arn:aws:iam::111122223333:role/pentest-a"], "source_ips": ["192.0.2.7"], "accounts": ["111122223333"],
            "reason": "r", "next": "n", "evidence": [], "origin": "arn:aws:iam::111122223333:user/kim", "attack": [], "chain": [],
            "owner": null, "late": false, "nights": 1, "total_events": 1, "max_score": 10.0, "suppressed_by": null
        }))
        .unwrap()
    }

    fn list(detections: &str, fields: &str) -> AllowList {
        let text = format!(
            "[[allow]]\nid = 'x'\ndetections = {detections}\nreason = 'r'\nowner = 'o'\ncreated = '2026-09-01'\nexpires = '2027-01-31'\n[allow.match]\n{fields}\n"
        );
        AllowList::parse(&text, Path::new("allow.toml")).unwrap()
    }

    fn night(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn hides(list: &AllowList, mut finding: Finding, on: &str) -> bool {
        let muted = apply(list, std::slice::from_mut(&mut finding), night(on), &BTreeMap::new());
        assert_eq!(muted[0].hidden == 1, finding.state == State::Suppressed);
        finding.suppressed_by.as_deref() == Some("allow: x")
    }

    #[test]
    fn every_field_has_to_fit() {
        let roles = list("['ctar-021']", "role = ['arn:aws:iam::*:role/pentest-*']");
        assert!(hides(&roles, finding("CTAR-021"), "2026-11-18"));
        assert!(!hides(&roles, finding("CTAR-001"), "2026-11-18"));
        let networks = list("['*']", "source_ip = ['192.0.2.0/24']");
        assert!(hides(&networks, finding("CTAR-001"), "2026-11-18"));
        let mut elsewhere = finding("CTAR-001");
        elsewhere.source_ips.push("203.0.113.77".to_owned());
        assert!(!hides(&networks, elsewhere, "2026-11-18"), "an address that nobody allowed");
        let both = list("['*']", "role = ['*pentest*']\naccount = ['444455556666']");
        assert!(!hides(&both, finding("CTAR-001"), "2026-11-18"));
    }

    #[test]
    fn entries_lower_and_annotate() {
        let with = |action: &str| {
            let mut list = list("['CTAR-021']", "role = ['*pentest*']");
            list.entries[0].action = if action == "downgrade" { Action::Downgrade } else { Action::Annotate };
            let mut one = finding("CTAR-021");
            let muted = apply(&list, std::slice::from_mut(&mut one), night("2026-11-18"), &BTreeMap::new());
            assert_eq!((muted[0].hidden, one.state, one.suppressed_by.clone()), (1, State::New, None));
            let used = used(&list, [&one]);
            assert_eq!(used["x"], Usage { last: night("2026-11-18"), count: 1 });
            (one.severity, one.reason)
        };
        assert_eq!(with("downgrade"), (Severity::Medium, "r [allow: x, was high: r]".to_owned()));
        assert_eq!(with("annotate"), (Severity::High, "r [allow: x: r]".to_owned()));
    }

    #[test]
    fn what_nobody_may_hide_and_what_is_over() {
        let all = list("['*']", "source_ip = ['192.0.2.0/24']");
        assert!(!hides(&all, finding("CTAR-030"), "2026-11-18"));
        let mut root = finding("CTAR-043");
        assert!(hides(&all, root.clone(), "2026-11-18"));
        root.reason = "task policy IAMCreateRootUserPassword".to_owned();
        assert!(!hides(&all, root, "2026-11-18"));
        assert!(!hides(&all, finding("CTAR-001"), "2027-01-31") && !hides(&all, finding("CTAR-001"), "2026-08-31"));
        let status = |on: &str, used: &[(&str, &str)]| {
            let used = used.iter().map(|(id, on)| ((*id).to_owned(), Usage { last: night(on), count: 1 })).collect();
            apply(&all, &mut [], night(on), &used).remove(0).status
        };
        assert_eq!(status("2026-10-01", &[]), "active");
        assert_eq!(status("2026-11-18", &[]), "unused");
        assert_eq!(status("2026-11-18", &[("x", "2026-11-01")]), "active");
        assert_eq!(status("2027-01-20", &[]), "expiring");
        assert_eq!(status("2027-02-01", &[]), "expired");
    }

    #[test]
    fn entries_end_with_a_number_of_findings() {
        let mut list = list("['CTAR-021']", "role = ['*pentest*']");
        list.entries[0].until_count = std::num::NonZeroU64::new(3);
        let at = |hour: &str, fingerprint: &str| {
            let mut one = finding("CTAR-021");
            one.first_seen = format!("2026-11-18T{hour}:00:00Z");
            one.fingerprint = fingerprint.to_owned();
            one
        };
        let mut kept: Vec<Finding> = Vec::new();
        let mut night_of = |day: &str, mut findings: Vec<Finding>| {
            let muted = apply(&list, &mut findings, night(day), &used(&list, &kept)).remove(0);
            findings.iter_mut().for_each(|one| one.night = day.to_owned());
            let hidden: Vec<String> =
                findings.iter().filter(|f| f.state == State::Suppressed).map(|f| f.fingerprint.clone()).collect();
            kept.extend(findings);
            (hidden.join(" "), muted.hidden, muted.left, muted.status)
        };
        let said = |hidden: &str, n, left, status: &str| (hidden.to_owned(), n, Some(left), status.to_owned());
        assert_eq!(night_of("2026-11-18", vec![at("05", "a")]), said("a", 1, 2, "active"));
        // The first ones of the night, whatever their order.
        assert_eq!(
            night_of("2026-11-19", vec![at("09", "b"), at("07", "c"), at("08", "a")]),
            said("c a", 2, 0, "spent")
        );
        assert_eq!(night_of("2026-11-20", vec![at("05", "a")]), said("", 0, 0, "spent"));
        assert_eq!(night_of("2027-02-01", vec![at("05", "a")]), said("", 0, 0, "expired"));
    }
}
