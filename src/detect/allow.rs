//! The allow-list over a night's findings. It comes after the scoring: what it hides is counted and kept as suppressed.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::finding::{Finding, State};
use super::night::Muted;
use crate::config::allow::{AllowList, Allowed, network};
use crate::words::pattern::like;

/// Days before its end from which on an entry is said to be expiring.
const SOON: i64 = 14;
/// Days without anything to hide after which an entry is unused.
const UNUSED: i64 = 60;

/// Hides what the list allows, and says what each entry did. `last_used` is the last night on which an entry hid something.
pub fn apply(
    list: &AllowList,
    findings: &mut [Finding],
    night: NaiveDate,
    last_used: &BTreeMap<String, NaiveDate>,
) -> Vec<Muted> {
    let mut hidden: BTreeMap<&str, u64> = BTreeMap::new();
    let open = |state| !matches!(state, State::Suppressed | State::Resolved);
    for finding in findings.iter_mut().filter(|finding| open(finding.state) && !always_told(finding)) {
        if let Some(entry) = list.entries.iter().find(|entry| is_in_force(entry, night) && fits(entry, finding)) {
            finding.state = State::Suppressed;
            finding.suppressed_by = Some(mark(&entry.id));
            *hidden.entry(&entry.id).or_default() += 1;
        }
    }
    list.entries
        .iter()
        .map(|entry| {
            let hidden = hidden.get(entry.id.as_str()).copied().unwrap_or(0);
            let since = last_used.get(&entry.id).copied().unwrap_or(entry.created).max(entry.created);
            let status = if night >= entry.expires {
                "expired"
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
                hidden,
                status: status.to_owned(),
            }
        })
        .collect()
}

/// What `suppressed_by` says of an entry.
pub fn mark(id: &str) -> String {
    format!("allow: {id}")
}

/// The last night on which each entry hid something, by the findings of earlier nights.
pub fn last_used<'a>(earlier: impl IntoIterator<Item = &'a Finding>) -> BTreeMap<String, NaiveDate> {
    let mut used: BTreeMap<String, NaiveDate> = BTreeMap::new();
    for finding in earlier {
        let entry = finding.suppressed_by.as_deref().and_then(|by| by.strip_prefix("allow: "));
        if let (Some(entry), Ok(night)) = (entry, finding.night.parse::<NaiveDate>()) {
            let last = used.entry(entry.to_owned()).or_insert(night);
            *last = night.max(*last);
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
    fn what_nobody_may_hide_and_what_is_over() {
        let all = list("['*']", "source_ip = ['192.0.2.0/24']");
        assert!(!hides(&all, finding("CTAR-030"), "2026-11-18"));
        let mut root = finding("CTAR-043");
        assert!(hides(&all, root.clone(), "2026-11-18"));
        root.reason = "task policy IAMCreateRootUserPassword".to_owned();
        assert!(!hides(&all, root, "2026-11-18"));
        assert!(!hides(&all, finding("CTAR-001"), "2027-01-31") && !hides(&all, finding("CTAR-001"), "2026-08-31"));
        let status = |on: &str, used: &[(&str, &str)]| {
            let used = used.iter().map(|(id, on)| ((*id).to_owned(), night(on))).collect();
            apply(&all, &mut [], night(on), &used).remove(0).status
        };
        assert_eq!(status("2026-10-01", &[]), "active");
        assert_eq!(status("2026-11-18", &[]), "unused");
        assert_eq!(status("2026-11-18", &[("x", "2026-11-01")]), "active");
        assert_eq!(status("2027-01-20", &[]), "expiring");
        assert_eq!(status("2027-02-01", &[]), "expired");
    }
}
