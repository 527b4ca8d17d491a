//! The report as a Slack message of Block Kit, within what Slack takes.
//!
//! <https://docs.slack.dev/reference/block-kit/blocks>; a whole message fails near 13,000 characters
//! (<https://github.com/slackapi/bolt-js/issues/2509>).

use serde_json::{Value, json};

use super::Options;
use super::escape::slack;
use super::parts::{Act, Parts, beyond, chain, facts, learning, period, some, verdict};
use crate::detect::finding::Severity;
use crate::detect::night::Night;
use crate::error::Result;
use crate::words::number::{counted, grouped};

/// Findings in a message.
const ROWS: usize = 8;
/// Characters of a section's text, after escaping.
const SECTION: usize = 3000;
/// Characters of a header.
const HEADER: usize = 150;
/// Characters of the whole message; the file as a whole stays below what fails.
const WHOLE: usize = 12_500;
/// Characters of one value out of the logs.
const VALUE: usize = 400;

/// `slack.json`: what `chat.postMessage` and incoming webhooks take.
pub fn render(night: &Night, options: &Options) -> Result<String> {
    let parts = Parts::of(night, options.budget);
    let mut rows = parts.shown.min(ROWS);
    loop {
        let text = message(night, &parts, rows).to_string();
        if rows == 0 || text.chars().count() <= WHOLE {
            return Ok(super::escape::json(&text) + "\n");
        }
        rows -= 1;
    }
}

fn message(night: &Night, parts: &Parts<'_>, rows: usize) -> Value {
    let verdict = verdict(night, parts);
    let title = format!("Night of {}", night.header.night);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut(&crate::escape::visible(&title), HEADER), "emoji": false}}),
        section(&format!("*{}*", slack(&cut(&verdict, VALUE)))),
    ];
    for gap in night.header.gaps.iter().take(5) {
        blocks.push(section(&format!("*Gap* {} {}: {}", said(&gap.account), said(&gap.region), said(&gap.text))));
    }
    if night.header.gaps.len() > 5 {
        blocks.push(context(&format!("and {}", counted((night.header.gaps.len() - 5) as u64, "further gap"))));
    }
    if let Some(learning) = learning(night) {
        blocks.push(context(&said(&learning)));
    }
    for acted in parts.acting().iter().take(rows) {
        blocks.push(json!({"type": "divider"}));
        blocks.push(section(&row(acted)));
    }
    let left = parts.act.len() - rows;
    if left > 0 {
        blocks.push(context(&format!("{} more to act on, in the report", grouped(left as u64))));
    }
    if let Some(beyond) = beyond(parts) {
        blocks.push(context(&said(&beyond)));
    }
    let facts: Vec<String> =
        facts(&night.header).iter().map(|(name, value)| format!("{name} {}", said(value))).collect();
    blocks.push(context(&facts.join(" · ")));
    json!({"text": slack(&cut(&format!("{title}: {verdict}"), VALUE)), "blocks": blocks})
}

/// One finding: what, who, when and where, why, what next.
fn row(acted: &Act<'_>) -> String {
    let finding = acted.first;
    let others: Vec<&str> = acted.others.iter().map(|other| other.title.as_str()).collect();
    let others = if others.is_empty() { String::new() } else { format!("also: {}\n", said(&others.join("; "))) };
    let mark = if finding.severity == Severity::Critical { ":rotating_light:" } else { ":warning:" };
    let chain = chain(finding).join(" ▸ ");
    let owner = finding.owner.as_ref().map(|owner| format!(" · owner {}", said(owner))).unwrap_or_default();
    let from = if finding.source_ips.is_empty() {
        String::new()
    } else {
        format!(" · {}", said(&some(&finding.source_ips, 3)))
    };
    format!(
        "{mark} *{}* · {} · {}\n*{}*\n{}\n{}{from}{owner}\n{}\n{others}`{}`",
        finding.severity.as_str(),
        finding.state.as_str(),
        said(&finding.detection),
        said(&finding.title),
        said(&chain),
        said(&period(finding)),
        said(&finding.reason),
        said(&finding.next).replace('`', "'"),
    )
}

fn said(text: &str) -> String {
    slack(&cut(text, VALUE))
}

/// A text of at most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Text that Slack shows as it is: it turns no address into a link and no name into a call.
fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(text, SECTION), "verbatim": true}})
}

fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, SECTION), "verbatim": true}]})
}
