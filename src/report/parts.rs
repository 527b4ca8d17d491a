//! A night in the sections that people read, in the catalogue's order; every format takes them from here.

use std::collections::BTreeMap;

use super::Budget;
use crate::detect::finding::{Finding, Severity, State};
use crate::detect::night::{Header, Learning, Muted, Night, RuleHealth};
use crate::sts::arn;
use crate::words::number::{counted, grouped, span};

/// The findings of a night by what is to be done about them.
pub struct Parts<'a> {
    /// High and critical, new or worsened, a row for each identity.
    pub act: Vec<Act<'a>>,
    /// Of the rows, how many a page shows; the rest is counted.
    pub shown: usize,
    /// Of medium severity, new or worsened: to be looked at by day.
    pub look: Vec<&'a Finding>,
    /// Below that: nobody has to look, they count towards what is watched.
    pub noted: Vec<&'a Finding>,
    /// Known from earlier nights and still there.
    pub open: Vec<&'a Finding>,
    /// Known from earlier nights and not there any more.
    pub resolved: Vec<&'a Finding>,
    /// Hidden by the allow-list or by a verdict.
    pub suppressed: Vec<&'a Finding>,
    /// Beyond what a page has of one detection or of one identity.
    pub beyond: Vec<&'a Finding>,
    budget: Budget,
}

/// What one identity is to be acted on for: the gravest finding, and the others that are rolled up to the same origin.
pub struct Act<'a> {
    /// The gravest.
    pub first: &'a Finding,
    /// The others, the gravest first.
    pub others: Vec<&'a Finding>,
}

impl<'a> Parts<'a> {
    /// Sorts them; what the budget does not allow is counted.
    pub fn of(night: &'a Night, budget: Budget) -> Self {
        let mut parts = Self {
            act: Vec::new(),
            shown: 0,
            look: Vec::new(),
            noted: Vec::new(),
            open: Vec::new(),
            resolved: Vec::new(),
            suppressed: Vec::new(),
            beyond: Vec::new(),
            budget,
        };
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let (within, beyond) = within(&night.findings, budget);
        parts.beyond = beyond;
        for finding in within {
            match finding.state {
                State::New | State::Worsened if finding.severity >= Severity::High => {
                    let of = if finding.origin.is_empty() { &finding.fingerprint } else { &finding.origin };
                    let place = *places.entry(of).or_insert(parts.act.len());
                    match parts.act.get_mut(place) {
                        Some(row) => row.others.push(finding),
                        None => parts.act.push(Act { first: finding, others: Vec::new() }),
                    }
                }
                State::New | State::Worsened if finding.severity == Severity::Medium => parts.look.push(finding),
                State::New | State::Worsened => parts.noted.push(finding),
                State::Ongoing => parts.open.push(finding),
                State::Resolved => parts.resolved.push(finding),
                State::Suppressed => parts.suppressed.push(finding),
            }
        }
        parts.shown = parts.act.len().min(budget.rows);
        parts
    }

    /// The rows to act on that a page shows.
    pub fn acting(&self) -> &[Act<'a>] {
        self.act.get(..self.shown).unwrap_or_default()
    }

    /// How many rows to act on the page leaves out.
    pub fn left_out(&self) -> usize {
        self.act.len() - self.shown
    }

    /// Every finding to act on.
    pub fn alarms(&self) -> impl Iterator<Item = &'a Finding> {
        self.act.iter().flat_map(|row| std::iter::once(row.first).chain(row.others.iter().copied()))
    }
}

/// The gravest first; those alike by score, then by fingerprint, so that the order never depends on how they came.
pub fn gravest(findings: &[Finding]) -> Vec<&Finding> {
    let mut list: Vec<&Finding> = findings.iter().collect();
    list.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| b.score.total_cmp(&a.score))
            .then_with(|| a.detection.cmp(&b.detection))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    list
}

/// The findings that are told, the gravest first, and those beyond what is told of one detection or of one identity in a night. What is
/// critical is always told, and takes nothing of the others' place; nor does what is resolved or hidden.
pub fn within(findings: &[Finding], budget: Budget) -> (Vec<&Finding>, Vec<&Finding>) {
    let (mut detections, mut identities) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    gravest(findings).into_iter().partition(|finding| {
        let told = matches!(finding.state, State::Resolved | State::Suppressed);
        if told || finding.severity == Severity::Critical {
            return true;
        }
        let identity = if finding.origin.is_empty() { &finding.fingerprint } else { &finding.origin };
        let of_detection = detections.entry(&finding.detection).or_default();
        let of_identity = identities.entry(identity).or_default();
        let room = *of_detection < budget.per_detection && *of_identity < budget.per_identity;
        if room {
            *of_detection += 1;
            *of_identity += 1;
        }
        room
    })
}

/// What is beyond the quota, counted in one line; none where nothing is.
pub fn beyond(parts: &Parts<'_>) -> Option<String> {
    let mut detections: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in &parts.beyond {
        *detections.entry(&finding.detection).or_default() += 1;
    }
    let each: Vec<String> = detections.iter().map(|(id, n)| format!("{id} {}", grouped(*n))).collect();
    let Budget { per_detection, per_identity, .. } = parts.budget;
    (!each.is_empty()).then(|| {
        format!(
            "{} beyond the {per_detection} of one detection and {per_identity} of one identity that a page has: {}",
            counted(parts.beyond.len() as u64, "finding"),
            each.join(", ")
        )
    })
}

/// What one has to know, in one line. A gap outranks findings.
pub fn verdict(night: &Night, parts: &Parts<'_>) -> String {
    let mut says = Vec::new();
    let gaps = gap_hours(&night.header);
    let failed: Vec<&str> = night.rules.iter().filter(|r| r.failed.is_some()).map(|r| r.detection.as_str()).collect();
    if !failed.is_empty() {
        says.push(format!("{} failed: {}", counted(failed.len() as u64, "detection"), failed.join(", ")));
    }
    if !night.header.gaps.is_empty() {
        says.push(format!("Coverage has gaps: {} of logs are missing", counted(gaps, "hour")));
    }
    if parts.act.is_empty() && parts.look.is_empty() && says.is_empty() {
        says.push(match parts.open.len() {
            0 => "Nothing, and coverage was complete".to_owned(),
            open => format!("Nothing new, and coverage was complete; {} from earlier nights", still_open(open)),
        });
        return says.join("; ") + ".";
    }
    let criticals = parts.alarms().filter(|finding| finding.severity == Severity::Critical).count();
    let alarms = parts.alarms().count();
    let places = match parts.act.len() {
        rows if rows == alarms => String::new(),
        1 => " on one identity".to_owned(),
        rows => format!(" on {rows} identities"),
    };
    says.push(match (alarms, criticals) {
        (0, _) => "nothing to act on".to_owned(),
        (all, 0) => format!("{}{places} to act on", counted(all as u64, "finding")),
        (all, n) if all == n => format!("{}{places} to act on", counted(n as u64, "critical finding")),
        (all, n) => format!("{}{places} to act on, {n} of them critical", counted(all as u64, "finding")),
    });
    if !parts.look.is_empty() {
        says.push(format!("{} to look at by day", parts.look.len()));
    }
    if !parts.open.is_empty() {
        says.push(still_open(parts.open.len()));
    }
    let loud = |f: &&&Finding| f.state != State::Ongoing && f.severity >= Severity::Medium;
    match parts.beyond.iter().filter(loud).count() {
        0 => {}
        more => says.push(format!("{} more beyond the quota", grouped(more as u64))),
    }
    if night.header.gaps.is_empty() {
        says.push("coverage was complete".to_owned());
    }
    capital(&says.join("; ")) + "."
}

fn still_open(open: usize) -> String {
    format!("{open} still open")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Hours that are missing, over all accounts.
pub fn gap_hours(header: &Header) -> u64 {
    header.gaps.iter().fold(0, |sum, gap| sum.saturating_add(gap.hours))
}

/// What was looked at: names and values in the order of the header.
pub fn facts(header: &Header) -> Vec<(&'static str, String)> {
    vec![
        ("window", format!("{} to {}", header.since, header.until)),
        ("covered", format!("{} × {}", counted(header.accounts, "account"), counted(header.regions, "region"))),
        ("files", grouped(header.files)),
        ("events", grouped(header.events)),
        ("sessions", grouped(header.sessions)),
        ("lag", header.lag_seconds.map_or_else(|| "unknown".to_owned(), |lag| span(lag.unsigned_abs()))),
        ("history", counted(header.history_days, "day")),
        ("still learning", percent(header.learning_share)),
        ("rolecall", header.version.clone()),
        ("rules", header.rules.chars().take(12).collect()),
    ]
}

/// `12 %`.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share.clamp(0.0, 1.0) * 100.0)
}

/// Who stands where on the way: the origin, then the roles, as people say them.
pub fn chain(finding: &Finding) -> Vec<String> {
    let origin = Some(&finding.origin).filter(|origin| !origin.is_empty());
    origin.into_iter().chain(&finding.chain).map(|arn| arn::short(arn).into_owned()).collect()
}

/// The age of an open finding: how often it was seen, since when, and how much came in this night.
pub fn age(finding: &Finding) -> String {
    format!(
        "{} since {}, {} this night, {} in all",
        counted(u64::from(finding.nights), "night"),
        day(&finding.first_seen),
        counted(finding.event_count, "event"),
        grouped(finding.total_events)
    )
}

/// The day of a time.
pub fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// From when to when: the second time without its day where that is the first one's.
pub fn period(finding: &Finding) -> String {
    let (first, last) = (&finding.first_seen, &finding.last_seen);
    match (day(first) == day(last), last.split_once('T')) {
        _ if first == last => first.clone(),
        (true, Some((_, clock))) => format!("{first} to {clock}"),
        _ => format!("{first} to {last}"),
    }
}

/// Lists of one finding that have something in them, with their names.
pub fn lists(finding: &Finding) -> Vec<(&'static str, &[String])> {
    let all: [(&'static str, &[String]); 6] = [
        ("principals", &finding.principals),
        ("roles", &finding.role_arns),
        ("accounts", &finding.accounts),
        ("addresses", &finding.source_ips),
        ("sessions", &finding.session_ids),
        ("access keys", &finding.access_keys),
    ];
    all.into_iter().filter(|(_, list)| !list.is_empty()).collect()
}

/// The first few of a list, and how many more there are.
pub fn some(list: &[String], most: usize) -> String {
    let mut text = list.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    if list.len() > most {
        text.push_str(&format!(" and {} more", grouped((list.len() - most) as u64)));
    }
    text
}

/// Relations under the teams that own the accounts; those without an owner last.
pub fn by_owner(night: &Night) -> Vec<(&str, Vec<&crate::detect::night::Relation>)> {
    let mut owners: BTreeMap<(bool, &str), Vec<_>> = BTreeMap::new();
    for relation in &night.relations {
        let owner = relation.owner.as_deref().filter(|owner| !owner.is_empty());
        owners.entry((owner.is_none(), owner.unwrap_or("no owner named"))).or_default().push(relation);
    }
    owners.into_iter().map(|((_, owner), relations)| (owner, relations)).collect()
}

/// A kind of relation in words.
pub fn relation(kind: &str) -> String {
    match kind {
        "new_edge" => "new edge".to_owned(),
        "vanished_edge" => "vanished edge".to_owned(),
        "new_external_account" => "new external account".to_owned(),
        "new_subject" => "new federated subject".to_owned(),
        "trust_edit" => "trust policy changed".to_owned(),
        "vendor_without_external_id" => "vendor without external id".to_owned(),
        other => other.replace('_', " "),
    }
}

/// How good a detection was by its verdicts: `6 of 8 accepted, 75 %`.
pub fn precision(rule: &RuleHealth) -> String {
    match rule.precision {
        Some(precision) => {
            let judged = rule.accepted.saturating_add(rule.dismissed);
            format!("{} of {}, {}", grouped(rule.accepted), grouped(judged), percent(precision))
        }
        None => "no verdicts".to_owned(),
    }
}

/// When an entry of the allow-list ends: on a day, or after some more findings.
pub fn ends(entry: &Muted) -> String {
    match entry.left {
        None => entry.expires.clone(),
        Some(0) => "has fitted all findings it may".to_owned(),
        Some(left) => format!("{} or {} more", entry.expires, counted(left, "finding")),
    }
}

/// Detections that fired, were judged or lack something; the others are only counted.
pub fn told(rules: &[RuleHealth]) -> (Vec<&RuleHealth>, usize) {
    let speaks = |rule: &&RuleHealth| rule.hits > 0 || rule.precision.is_some() || lacks(rule).is_some();
    let told: Vec<_> = rules.iter().filter(speaks).collect();
    let others = rules.len() - told.len();
    (told, others)
}

/// What is being learned, in one line: until when, and what was not said aloud for it. None where nothing of note is.
pub fn learning(night: &Night) -> Option<String> {
    let held = |one: &Learning| match one.held {
        0 => String::new(),
        held => format!("; {} without an alarm for the lack of history", counted(held, "finding")),
    };
    if let Some(lake) = night.learning.iter().find(|one| one.kind == "lake") {
        let days = counted(night.header.history_days, "day");
        return Some(format!("The lake has {days} of history and is learning until {}{}", lake.until, held(lake)));
    }
    let accounts: Vec<String> = night
        .learning
        .iter()
        .filter(|one| one.kind == "account")
        .map(|one| format!("New account {}, learning until {}{}", one.entity, one.until, held(one)))
        .collect();
    (!accounts.is_empty()).then(|| accounts.join(". "))
}

/// Weak signals, counted.
pub fn noted(parts: &Parts<'_>) -> String {
    counted(parts.noted.len() as u64, "weak signal")
}

/// What a detection lacks: it failed, or something that it needs is not there.
pub fn lacks(rule: &RuleHealth) -> Option<String> {
    rule.failed.as_ref().map(|why| format!("failed: {why}")).or_else(|| rule.silent.clone())
}
