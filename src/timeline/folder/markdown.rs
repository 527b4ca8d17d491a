//! The report as Markdown: the screen's parts in full, the graph, the steps with their policies.

use super::super::screen::{Story, heading, tree};
use super::super::text::{count, span, time};
use super::super::verdict::who;

/// Markdown text: nothing of it is markup.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::escape::visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' => out.push_str("\\|"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A block of text as it is; longer fences than any in it.
fn block(kind: &str, text: &str) -> String {
    let text: String = text.lines().map(|line| crate::escape::visible(line).into_owned() + "\n").collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{kind}\n{text}{fence}\n")
}

/// `report.md`.
pub fn report(story: &Story) -> String {
    let case = &story.case;
    let mut out = String::from("# Incident timeline\n\n");
    out.push_str(&format!(
        "**{}** Confidence: {} ({}).\n\n",
        plain(&story.verdict.sentence),
        story.verdict.confidence,
        plain(&story.verdict.because)
    ));
    for anchor in &case.anchors {
        out.push_str(&format!(
            "- anchor `{}`: {}, {}, {}\n",
            crate::escape::visible(&anchor.text).replace('`', "'"),
            plain(&anchor.words),
            count(anchor.sessions, "session"),
            count(anchor.keys, "user's key")
        ));
    }
    out.push_str(&format!(
        "- from {} to {}; \"still valid\" refers to {}\n",
        time(case.span.0),
        time(case.span.1),
        time(case.at)
    ));
    if case.left_out > 0 {
        out.push_str(&format!("- left out, since nothing speaks against them: {}\n", count(case.left_out, "session")));
    }
    if let Some(since) = &story.since {
        out.push_str("\n## Since the case folder was first written\n\n");
        out.push_str(&block("text", &since.lines(usize::MAX).join("\n")));
    }
    out.push_str("\n## Chains\n\n");
    out.push_str(&block("text", &tree(case, 200).join("\n")));
    out.push('\n');
    out.push_str(&block("mermaid", &super::mermaid::graph(case)));
    out.push_str("\n## What matters\n\n| time (UTC) | lane | who | account | from | call | on | result | why |\n|---|---|---|---|---|---|---|---|---|\n");
    for run in super::super::runs::matter(case, 40) {
        let event = run.first;
        let session = event.session.as_deref().and_then(|id| case.session(id));
        let actor = session
            .map(|s| format!("{} ▸ {}", who(s), s.what()))
            .or_else(|| event.identity_arn.clone())
            .unwrap_or_default();
        let times = if run.count > 1 { format!(" ×{} to {}", run.count, time(run.last)) } else { String::new() };
        let cells = [
            time(event.at),
            event.lane().word().to_owned(),
            actor,
            event.account.clone(),
            event.ip.clone(),
            format!("{}{times}", event.call()),
            event.target.clone(),
            event.error.clone().unwrap_or_default(),
            event.why.join("; "),
        ];
        out.push_str(&format!("| {} |\n", cells.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(" | ")));
    }
    out.push_str("\n## Still valid\n\n");
    let mut valid: Vec<_> = case.sessions.iter().filter(|s| s.is_suspicious() && s.is_valid_at(case.at)).collect();
    valid.sort_by_key(|session| (std::cmp::Reverse(session.valid_until), session.id.clone()));
    if valid.is_empty() {
        out.push_str("None of the suspicious sessions.\n");
    }
    for session in valid {
        let until = session.valid_until.unwrap_or(case.at);
        out.push_str(&format!(
            "- {} {} in {}: until {}, {} left\n",
            session.id,
            plain(session.what()),
            session.role_account.as_deref().unwrap_or("?"),
            time(until),
            span(until - case.at)
        ));
    }
    let b = &story.blast;
    out.push_str("\n## Reach\n\n| what | number |\n|---|---|\n");
    for (what, n) in [
        ("sessions", b.sessions),
        ("suspicious sessions", b.suspicious),
        ("roles", b.roles),
        ("accounts", b.accounts),
        ("sessions taken by the other", b.minted),
        ("the other's calls", b.calls),
        ("writes that succeeded", b.writes),
        ("calls on data", b.data),
        ("things opened to others", b.shared),
        ("secrets read", b.secrets),
        ("calls refused", b.denied),
        ("things made or changed that credentials come from", b.created),
        ("attempts to hide traces", b.evasions),
        ("suspicious sessions still valid", b.valid),
    ] {
        out.push_str(&format!("| {what} | {n} |\n"));
    }
    out.push_str(&format!("\n## {}\n\n", heading(case)));
    if story.steps.is_empty() {
        out.push_str("Nothing here is in strange hands.\n");
    }
    for (number, step) in story.steps.iter().enumerate() {
        out.push_str(&format!("{}. **{}**\n", number + 1, plain(&step.title)));
        out.push_str(&format!("   Not reached: {}.", plain(&step.misses)));
        if let Some(innocent) = step.innocent {
            out.push_str(&format!(" Cuts {}.", count(innocent, "innocent session")));
        }
        out.push('\n');
        for text in step.commands.iter().chain(&step.policy) {
            let block = block("", text);
            out.push_str(&block.lines().map(|line| format!("   {line}\n")).collect::<String>());
        }
    }
    out.push_str("\n## What its evidence rests on\n\nWhat `rolecall verify` said of the log files, by CloudTrail's signed digests.\n\n");
    if case.evidence.is_empty() {
        out.push_str("No events.\n");
    }
    for evidence in &case.evidence {
        out.push_str(&format!("- {}\n", plain(&evidence.words())));
        for object in evidence.objects.iter().filter(|_| evidence.is_altered()) {
            out.push_str(&format!("  - {}\n", plain(object)));
        }
    }
    out.push_str("\n## What these logs cannot tell\n\n");
    for text in &story.blind {
        out.push_str(&format!("- {}\n", plain(text)));
    }
    if !case.leads.is_empty() {
        out.push_str(
            "\n## Leads\n\nSessions elsewhere with the very program of the suspicious part; not part of the case.\n\n",
        );
        for (id, agent) in &case.leads {
            out.push_str(&format!("- {id}: {}\n", plain(agent)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        assert_eq!(plain("a|b<img>`*_\n"), "a\\|b&lt;img&gt;\\`\\*\\_\\\\n");
        assert_eq!(block("", "a ``` b"), "````\na ``` b\n````\n");
    }
}
