//! The report as Markdown, the canonical text: the sections of the page, in its order.

use super::Options;
use super::escape::{block, markdown as plain, mermaid};
use super::parts::{
    Parts, age, beyond, by_owner, chain, day, ends, facts, gravest, lacks, learning, lists, noted, percent, period,
    precision, relation, some, told, verdict,
};
use crate::detect::finding::{Evidence, Finding, Severity};
use crate::detect::night::Night;
use crate::words::number::{counted, grouped};

/// Rows of a list that is no list of things to act on.
const MOST: usize = 50;

/// `report.md`.
pub fn render(night: &Night, options: &Options) -> String {
    let parts = Parts::of(night, options.budget);
    let mut out = format!("# Night of {}\n\n**{}**\n\n", plain(&night.header.night), plain(&verdict(night, &parts)));
    header(night, &mut out);
    act(&parts, &mut out);
    watch(night, &parts, &mut out);
    relations(night, &mut out);
    earlier(&parts, &mut out);
    hygiene(night, &mut out);
    muted(night, &parts, &mut out);
    rules(night, &mut out);
    sigma(night, &mut out);
    appendix(night, &mut out);
    out
}

/// A table; every cell is shown as text.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>, out: &mut String) {
    out.push_str(&format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len())));
    for row in rows {
        out.push_str(&format!("| {} |\n", row.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(" | ")));
    }
    out.push('\n');
}

/// Says how many rows a table leaves out.
fn more(all: usize, out: &mut String) {
    if all > MOST {
        out.push_str(&format!("{} more in `findings.jsonl`.\n\n", grouped((all - MOST) as u64)));
    }
}

fn header(night: &Night, out: &mut String) {
    for gap in &night.header.gaps {
        let place = if gap.region.is_empty() { gap.account.clone() } else { format!("{} {}", gap.account, gap.region) };
        out.push_str(&format!("- **gap** {}: {} ({})\n", plain(&place), plain(&gap.text), counted(gap.hours, "hour")));
    }
    for (name, value) in facts(&night.header) {
        out.push_str(&format!("- {name}: {}\n", plain(&value)));
    }
    if let Some(learning) = learning(night) {
        out.push_str(&format!("\n{}.\n", plain(&learning)));
    }
    out.push('\n');
}

fn act(parts: &Parts<'_>, out: &mut String) {
    out.push_str("## Act now\n\n");
    if parts.act.is_empty() {
        out.push_str("Nothing.\n\n");
    }
    for (number, row) in parts.acting().iter().enumerate() {
        let finding = row.first;
        out.push_str(&format!("### {}. {}: {}\n\n", number + 1, finding.severity.as_str(), plain(&finding.title)));
        whole(finding, out);
        if !row.others.is_empty() {
            out.push_str("Also of this identity:\n\n");
            findings(&row.others, out);
        }
    }
    if parts.left_out() > 0 {
        out.push_str(&format!(
            "{} more to act on: beyond the {} of this page, in `findings.jsonl`.\n\n",
            grouped(parts.left_out() as u64),
            parts.shown
        ));
    }
}

/// Everything about one finding.
fn whole(finding: &Finding, out: &mut String) {
    let mut line = |name: &str, value: String| out.push_str(&format!("- {name}: {value}\n"));
    let chain = chain(finding);
    if !chain.is_empty() {
        line("who", plain(&chain.join(" ▸ ")));
    }
    line("when", plain(&period(finding)));
    line("why", plain(&finding.reason));
    line("state", format!("{}, {}", state(finding), plain(&age(finding))));
    for (name, list) in lists(finding) {
        line(name, plain(&some(list, 6)));
    }
    line("detection", format!("{}, {:.1} bits", plain(&finding.detection), finding.score));
    if !finding.attack.is_empty() {
        line("ATT&amp;CK", plain(&finding.attack.join(", ")));
    }
    if let Some(owner) = &finding.owner {
        line("owner", plain(owner));
    }
    line("fingerprint", plain(&finding.fingerprint));
    if !finding.evidence.is_empty() {
        line("evidence", plain(&some(&finding.evidence.iter().map(event).collect::<Vec<_>>(), 5)));
    }
    out.push('\n');
    if !finding.next.is_empty() {
        out.push_str(&block("sh", &finding.next));
        out.push('\n');
    }
    if finding.severity == Severity::Critical && !finding.chain.is_empty() {
        out.push_str(&block("mermaid", &picture(finding)));
        out.push('\n');
    }
}

fn state(finding: &Finding) -> String {
    let late = if finding.late { ", of an earlier night and come late" } else { "" };
    format!("{}{late}", finding.state.as_str())
}

/// An event as one writes it down: day, account, id.
fn event(evidence: &Evidence) -> String {
    format!("{} {} {}", evidence.event_date, evidence.account, evidence.event_id)
}

/// The chain as a flowchart: the origin, then the roles.
fn picture(finding: &Finding) -> String {
    let mut out = String::from("flowchart LR\n");
    for (at, text) in chain(finding).iter().enumerate() {
        let (open, close) = if at == 0 && !finding.origin.is_empty() { ("([", "])") } else { ("[", "]") };
        out.push_str(&format!("  n{at}{open}\"{}\"{close}\n", mermaid(text)));
        if at > 0 {
            out.push_str(&format!("  n{} --> n{at}\n", at - 1));
        }
    }
    out
}

fn watch(night: &Night, parts: &Parts<'_>, out: &mut String) {
    out.push_str("## Watch\n\n");
    if night.watch.is_empty() && parts.look.is_empty() {
        out.push_str("Nothing.\n\n");
    }
    if !night.watch.is_empty() {
        let rows = night.watch.iter().take(MOST).map(|watched| {
            let nights: Vec<String> = watched.nights.iter().map(|bits| format!("{bits:.0}")).collect();
            vec![watched.entity.clone(), format!("{:.1}", watched.risk), nights.join(" "), watched.signals.join("; ")]
        });
        table(&["identity", "bits over seven nights", "a night", "signals"], rows, out);
    }
    if !parts.look.is_empty() {
        out.push_str("New, to be looked at by day:\n\n");
        findings(&parts.look, out);
    }
    if !parts.noted.is_empty() {
        out.push_str(&format!("Beside them {}: in the appendix.\n\n", noted(parts)));
    }
}

/// One line a finding.
fn findings(list: &[&Finding], out: &mut String) {
    let rows = list.iter().take(MOST).map(|finding| {
        vec![
            finding.severity.as_str().to_owned(),
            finding.detection.clone(),
            finding.title.clone(),
            chain(finding).join(" ▸ "),
            finding.reason.clone(),
            finding.next.clone(),
        ]
    });
    table(&["severity", "detection", "what", "who", "why", "next"], rows, out);
    more(list.len(), out);
}

fn relations(night: &Night, out: &mut String) {
    out.push_str("## Changed relations\n\n");
    if night.relations.is_empty() {
        out.push_str("None.\n\n");
    }
    for (owner, relations) in by_owner(night) {
        out.push_str(&format!("{}:\n\n", plain(owner)));
        let rows = relations.iter().take(MOST).map(|one| {
            vec![relation(&one.kind), one.from.clone(), one.to.clone(), grouped(one.count), one.cause.clone()]
        });
        table(&["what", "who", "on", "times", "brought about by"], rows, out);
        if relations.len() > MOST {
            out.push_str(&format!("{} more.\n\n", grouped((relations.len() - MOST) as u64)));
        }
    }
    if !night.learning.is_empty() {
        out.push_str("Still being learned:\n\n");
        let rows = night.learning.iter().take(MOST).map(|one| {
            let held = if one.held > 0 { grouped(one.held) } else { String::new() };
            vec![one.kind.clone(), one.entity.clone(), one.since.clone(), one.until.clone(), held]
        });
        table(&["what", "which", "known since", "learning until", "held back"], rows, out);
        more(night.learning.len(), out);
    }
}

fn earlier(parts: &Parts<'_>, out: &mut String) {
    out.push_str("## Open from earlier nights\n\n");
    if parts.open.is_empty() && parts.resolved.is_empty() {
        out.push_str("Nothing.\n\n");
    }
    if !parts.open.is_empty() {
        let rows = parts.open.iter().take(MOST).map(|finding| {
            vec![finding.severity.as_str().to_owned(), finding.title.clone(), chain(finding).join(" ▸ "), age(finding)]
        });
        table(&["severity", "what", "who", "how long"], rows, out);
        more(parts.open.len(), out);
    }
    for finding in parts.resolved.iter().take(MOST) {
        out.push_str(&format!(
            "- resolved: {} ({}), last seen {}\n",
            plain(&finding.title),
            finding.severity.as_str(),
            plain(day(&finding.last_seen))
        ));
    }
    if !parts.resolved.is_empty() {
        out.push('\n');
    }
}

fn hygiene(night: &Night, out: &mut String) {
    if night.hygiene.is_empty() {
        return;
    }
    out.push_str("## Hygiene\n\n");
    for one in &night.hygiene {
        let examples = if one.examples.is_empty() { String::new() } else { format!(": {}", some(&one.examples, 5)) };
        out.push_str(&format!("- {}: {}{}\n", plain(&one.title), grouped(one.count), plain(&examples)));
        if !one.next.is_empty() {
            out.push('\n');
            out.push_str(&block("sh", &one.next).lines().map(|line| format!("  {line}\n")).collect::<String>());
        }
    }
    out.push('\n');
}

fn muted(night: &Night, parts: &Parts<'_>, out: &mut String) {
    out.push_str("## Suppressed and muted\n\n");
    if let Some(beyond) = beyond(parts) {
        out.push_str(&format!("{}; all of them in `findings.jsonl`.\n\n", plain(&beyond)));
    }
    if night.muted.is_empty() && parts.suppressed.is_empty() {
        if parts.beyond.is_empty() {
            out.push_str("Nothing.\n\n");
        }
        return;
    }
    out.push_str(&format!("{} hidden this night.\n\n", counted(parts.suppressed.len() as u64, "finding")));
    if !night.muted.is_empty() {
        let rows = night.muted.iter().map(|one| {
            vec![
                one.entry.clone(),
                grouped(one.hidden),
                one.status.clone(),
                ends(one),
                one.owner.clone(),
                one.reason.clone(),
            ]
        });
        table(&["entry", "hidden", "status", "expires", "owner", "reason"], rows, out);
    }
}

fn rules(night: &Night, out: &mut String) {
    out.push_str("## Rule health\n\n");
    let (told, others) = told(&night.rules);
    if !told.is_empty() {
        let rows = told.iter().map(|rule| {
            vec![
                rule.detection.clone(),
                rule.title.clone(),
                grouped(rule.hits),
                precision(rule),
                rule.last_fired.clone().unwrap_or_default(),
                lacks(rule).unwrap_or_default(),
            ]
        });
        table(&["detection", "title", "hits", "accepted in 90 days", "last fired", "lacks"], rows, out);
    }
    out.push_str(&format!("{} looked and found nothing.\n\n", counted(others as u64, "other detection")));
}

fn sigma(night: &Night, out: &mut String) {
    if night.sigma.is_empty() {
        return;
    }
    out.push_str("## Sigma\n\n");
    let list: Vec<&Finding> = gravest(&night.sigma);
    findings(&list, out);
}

fn appendix(night: &Night, out: &mut String) {
    out.push_str("## Appendix\n\n");
    let list = gravest(&night.findings);
    let rows = list.iter().take(MOST).map(|finding| {
        vec![
            finding.fingerprint.clone(),
            finding.severity.as_str().to_owned(),
            finding.state.as_str().to_owned(),
            finding.detection.clone(),
            finding.title.clone(),
            format!("{:.1}", finding.score),
        ]
    });
    if list.is_empty() {
        out.push_str("No findings.\n\n");
    } else {
        table(&["fingerprint", "severity", "state", "detection", "what", "bits"], rows, out);
        more(list.len(), out);
    }
    out.push_str(&format!(
        "rolecall {}, detections {}; {} of active identities are still being learned.\n",
        plain(&night.header.version),
        plain(&night.header.rules),
        percent(night.header.learning_share)
    ));
}
