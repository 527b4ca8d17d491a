//! The summary for a terminal: whether anybody has to act, and on what.

use super::Options;
use super::parts::{
    Act, Parts, age, beyond, chain, facts, lacks, learning, percent, period, precision, some, told, verdict,
};
use crate::detect::finding::{Finding, State};
use crate::detect::night::Night;
use crate::escape::visible;
use crate::words::lines::wrap_words;
use crate::words::number::{counted, grouped};

/// Lines of what needs nobody at once.
const MOST: usize = 5;

/// Lines that fit.
struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// A sentence behind an indent; its further lines stand two columns further in.
    fn say(&mut self, indent: usize, text: &str) {
        let room = self.width.saturating_sub(indent + 2).max(20);
        for (number, line) in wrap_words(&visible(text), room).iter().enumerate() {
            let further = if number > 0 { 2 } else { 0 };
            self.text.push_str(&" ".repeat(indent + further));
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    /// A command: never broken, so that it can be copied.
    fn command(&mut self, indent: usize, text: &str) {
        self.text.push_str(&format!("{}{}\n", " ".repeat(indent), visible(text)));
    }

    fn head(&mut self, text: &str) {
        self.text.push_str(&format!("\n{text}\n"));
    }

    fn more(&mut self, all: usize) {
        if all > MOST {
            self.say(2, &format!("and {} more", grouped((all - MOST) as u64)));
        }
    }
}

/// The summary.
pub fn render(night: &Night, options: &Options) -> String {
    let parts = Parts::of(night, options.budget);
    let mut page = Page { text: String::new(), width: options.width.unwrap_or(usize::MAX / 2) };
    page.say(0, &format!("Night of {}: {}", night.header.night, verdict(night, &parts)));
    page.say(
        0,
        &facts(&night.header).iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(" · "),
    );
    if let Some(learning) = learning(night) {
        page.say(0, &format!("{learning}."));
    }
    if !night.header.gaps.is_empty() {
        page.head("Gaps");
        for gap in night.header.gaps.iter().take(MOST) {
            let region = if gap.region.is_empty() { String::new() } else { format!(" {}", gap.region) };
            page.say(2, &format!("{}{region}: {} ({})", gap.account, gap.text, counted(gap.hours, "hour")));
        }
        page.more(night.header.gaps.len());
    }
    if !parts.act.is_empty() {
        page.head("Act now");
        parts.acting().iter().for_each(|row| acting(&mut page, row));
        if parts.left_out() > 0 {
            page.say(2, &format!("and {} more to act on, in findings.jsonl", grouped(parts.left_out() as u64)));
        }
    }
    rest(&mut page, night, &parts);
    page.text
}

/// What is not simply new about a finding, in brackets.
fn again(finding: &Finding) -> String {
    match (finding.state, finding.late) {
        (State::Worsened, _) => format!(" (worsened; {})", age(finding)),
        (_, true) => " (of an earlier night; its logs came late)".to_owned(),
        _ => String::new(),
    }
}

fn acting(page: &mut Page, row: &Act<'_>) {
    let finding = row.first;
    page.say(2, &format!("{}  {}{}", finding.severity.as_str().to_uppercase(), finding.title, again(finding)));
    let chain = chain(finding);
    if !chain.is_empty() {
        page.say(6, &chain.join(" ▸ "));
    }
    let from =
        if finding.source_ips.is_empty() { String::new() } else { format!(", from {}", some(&finding.source_ips, 3)) };
    let owner = finding.owner.as_ref().map(|owner| format!(", owner {owner}")).unwrap_or_default();
    page.say(6, &format!("{}, {}{from}{owner}", period(finding), counted(finding.event_count, "event")));
    page.say(6, &format!("why: {}", finding.reason));
    for other in row.others.iter().take(MOST) {
        page.say(6, &format!("also {}: {}{}", other.severity.as_str(), other.title, again(other)));
    }
    if row.others.len() > MOST {
        page.say(6, &format!("and {} more of this identity", grouped((row.others.len() - MOST) as u64)));
    }
    page.command(6, &finding.next);
}

fn rest(page: &mut Page, night: &Night, parts: &Parts<'_>) {
    if !parts.look.is_empty() {
        page.head("To look at by day");
        for finding in parts.look.iter().take(MOST) {
            page.say(2, &format!("{}  {}: {}", finding.severity.as_str(), finding.title, finding.reason));
        }
        page.more(parts.look.len());
    }
    if !night.watch.is_empty() {
        page.head("Watch, bits over seven nights");
        for one in night.watch.iter().take(MOST) {
            page.say(2, &format!("{:.1}  {}: {}", one.risk, one.entity, one.signals.join("; ")));
        }
        page.more(night.watch.len());
    }
    if !parts.open.is_empty() {
        page.head("Open from earlier nights");
        for finding in parts.open.iter().take(MOST) {
            page.say(2, &format!("{}  {}: {}", finding.severity.as_str(), finding.title, age(finding)));
        }
        page.more(parts.open.len());
    }
    if !night.sigma.is_empty() {
        page.head("Sigma");
        for finding in night.sigma.iter().take(MOST) {
            page.say(2, &format!("{}  {}: {}", finding.severity.as_str(), finding.title, finding.reason));
        }
        page.more(night.sigma.len());
    }
    let (rules, _) = told(&night.rules);
    let unkept = night.muted.iter().filter(|one| one.status != "active").count();
    let lacking = rules.iter().filter(|rule| lacks(rule).is_some()).count();
    let counts: Vec<String> = [
        (night.relations.len(), "changed relation", ""),
        (parts.resolved.len(), "resolved finding", ""),
        (parts.suppressed.len(), "hidden finding", ""),
        (parts.noted.len(), "weak signal", ""),
        (
            night.learning.iter().filter(|one| matches!(&*one.kind, "role" | "identity")).count(),
            "identity",
            " still learned",
        ),
        (unkept, "allow entry", " to look after"),
        (lacking, "detection", " for which something is missing"),
    ]
    .into_iter()
    .filter(|(n, _, _)| *n > 0)
    .map(|(n, what, rest)| counted(n as u64, what) + rest)
    .collect();
    if !counts.is_empty() {
        page.text.push('\n');
        page.say(0, &format!("Also {}.", counts.join(", ")));
    }
    if let Some(beyond) = beyond(parts) {
        page.say(0, &format!("{beyond}; all of them in findings.jsonl."));
    }
    for rule in rules.iter().filter(|rule| rule.precision.is_some_and(|precision| precision < 0.5)) {
        page.say(2, &format!("{} is mostly dismissed: {} accepted", rule.detection, precision(rule)));
    }
    if night.header.learning_share > 0.5 && learning(night).is_none() {
        page.say(0, &format!("{} of active identities are still being learned.", percent(night.header.learning_share)));
    }
}
