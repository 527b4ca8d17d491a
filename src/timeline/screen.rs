//! The one screen: verdict, chain, what is still valid, what matters, the damage, what to do, what cannot be known.
//!
//! Gives plain lines; who writes them to a terminal makes them harmless.

use std::collections::BTreeMap;

use super::case::{Case, CaseSession};
use super::contain::Step;
use super::text::{clock, count, some, span, time};
use super::verdict::{Blast, Verdict, moment, who};
use super::walk::{How, Party};

/// Lines at most.
const MOST: usize = 40;

/// Everything that was made of a case.
pub struct Story {
    /// The case.
    pub case: Case,
    /// The sentence.
    pub verdict: Verdict,
    /// The numbers.
    pub blast: Blast,
    /// What to do.
    pub steps: Vec<Step>,
    /// What cannot be known.
    pub blind: Vec<String>,
    /// What is new since the case folder was first written.
    pub since: Option<super::after::After>,
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A sentence in lines of at most `width`, the second and later ones indented.
fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let pad = if lines.len() > 1 { indent } else { 0 };
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && pad + line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let pad = " ".repeat(indent);
    lines.into_iter().enumerate().map(|(n, line)| if n == 0 { line } else { format!("{pad}{line}") }).collect()
}

/// Draws it, at most 40 lines, each within `width`.
pub fn render(story: &Story, width: Option<usize>) -> Vec<String> {
    let width = width.unwrap_or(120).max(60);
    let case = &story.case;
    let mut lines: Vec<String> = Vec::new();
    let verdict =
        format!("{} Confidence: {} ({}).", story.verdict.sentence, story.verdict.confidence, story.verdict.because);
    let mut head = wrap(&verdict, width, 2);
    head.truncate(5);
    lines.extend(head);
    if let Some(since) = &story.since {
        lines.extend(since.lines(2));
    }
    let blast = wrap(&blast(story), width, 2);
    let blind = blind(story, 3);
    let valid = valid(case, 3);
    let rows = rows(case, 10);
    let headings = 5;
    let taken = lines.len() + blast.len() + blind.len() + valid.len() + rows.len() + headings;
    let doing = steps(story, width, MOST.saturating_sub(taken + 8).clamp(4, 12));
    let room = MOST.saturating_sub(taken + doing.len()).clamp(2, 12);
    lines.push(String::new());
    lines.extend(tree(case, room));
    for (title, part) in [("Still valid", valid), ("What matters", rows), (heading(case), doing)] {
        if !part.is_empty() {
            let title = if title == "Still valid" { format!("{title} at {}", time(case.at)) } else { title.to_owned() };
            lines.push(title);
            lines.extend(part);
        }
    }
    lines.extend(blast);
    lines.push("Not to be seen".to_owned());
    lines.extend(blind);
    lines.truncate(MOST);
    lines.into_iter().map(|line| cut(line.trim_end(), width)).collect()
}

/// The heading of the steps.
pub fn heading(case: &Case) -> &'static str {
    if case.supposed { "To do, in this order, if that was not its owner" } else { "To do, in this order" }
}

/// The chains as trees, account borders marked; most suspicious first.
pub fn tree(case: &Case, most: usize) -> Vec<String> {
    let mut below: BTreeMap<&str, Vec<&CaseSession>> = BTreeMap::new();
    let mut tops: Vec<&CaseSession> = Vec::new();
    for session in &case.sessions {
        match session.parent.as_deref().filter(|parent| case.session(parent).is_some()) {
            Some(parent) => below.entry(parent).or_default().push(session),
            None => tops.push(session),
        }
    }
    let heaviest = |session: &CaseSession| -> u32 {
        fn most(session: &CaseSession, below: &BTreeMap<&str, Vec<&CaseSession>>) -> u32 {
            let under = below.get(session.id.as_str()).into_iter().flatten().map(|child| most(child, below)).max();
            session.departure.max(under.unwrap_or(0))
        }
        most(session, &below)
    };
    // What was asked about comes first, then what departs most.
    let nearness = |session: &CaseSession| -> u8 {
        fn near(session: &CaseSession, below: &BTreeMap<&str, Vec<&CaseSession>>) -> u8 {
            let own = match (session.how, session.split.is_split()) {
                (Some(How::Anchor), true) => 0,
                (Some(How::Anchor), false) => 1,
                _ => 2,
            };
            let under = below.get(session.id.as_str()).into_iter().flatten().map(|child| near(child, below)).min();
            own.min(under.unwrap_or(2))
        }
        near(session, &below)
    };
    tops.sort_by_key(|session| {
        (nearness(session), std::cmp::Reverse(heaviest(session)), session.issued_at, session.id.clone())
    });
    let mut lines = Vec::new();
    let mut open: Vec<(&CaseSession, usize, bool)> = Vec::new();
    let mut last = String::new();
    for key in case.keys.iter().filter(|key| key.created || !key.other.is_empty() || case.sessions.is_empty()) {
        let from = some(if key.other.is_empty() { &key.home } else { &key.other }.iter().map(String::as_str), 2);
        lines.push(format!(
            "{} in {}, own key {}{}: {}, {} denied, from {from}",
            crate::sts::arn::name(&key.arn).unwrap_or(&key.arn),
            key.account,
            key.id,
            if key.created { " (made in this case)" } else { "" },
            count(usize::try_from(key.events).unwrap_or(0), "call"),
            key.denied
        ));
    }
    let mut left = 0;
    for top in tops {
        let origin = format!("{} ({})", who(top), top.origin_type.replace('_', " "));
        if lines.len() + 1 >= most {
            left += 1;
            continue;
        }
        if origin != last {
            lines.push(origin.clone());
            last = origin;
        }
        open.push((top, 1, true));
        while let Some((session, depth, border)) = open.pop() {
            if lines.len() >= most {
                left += 1;
                continue;
            }
            lines.push(one(session, depth, border));
            let mut under = below.get(session.id.as_str()).cloned().unwrap_or_default();
            under.sort_by_key(|child| (child.issued_at, child.id.clone()));
            for child in under.into_iter().rev() {
                open.push((child, depth + 1, child.role_account != session.role_account));
            }
        }
    }
    if left > 0 {
        lines.truncate(most.saturating_sub(1).max(1));
        let shown = lines.iter().filter(|line| line.trim_start().starts_with('└')).count();
        lines.push(format!(
            "  and {} more in sessions.csv (--out DIR)",
            count(case.sessions.len().saturating_sub(shown), "session")
        ));
    }
    lines
}

fn one(session: &CaseSession, depth: usize, border: bool) -> String {
    let hand = match session.party {
        Some(Party::Other) => " ◀ the other's",
        Some(Party::Both) => " ◀ both",
        _ if session.odd => " ◀ departs",
        _ => "",
    };
    let account = session.role_account.as_deref().unwrap_or("?");
    let border = if border { format!("[{account}] ") } else { String::new() };
    let name = session.session_name.as_deref().map(|name| format!(" as {name}")).unwrap_or_default();
    let when = session.issued_at.map(time).unwrap_or_else(|| "issue not seen".to_owned());
    let link = if session.certainty == "exact" { String::new() } else { format!(" ({} link)", session.certainty) };
    format!(
        "{}└ {border}{}{hand}, {}, {when}, {}{name}{link}",
        "  ".repeat(depth.min(8)),
        session.what(),
        session.id,
        count(usize::try_from(session.events).unwrap_or(0), "call")
    )
}

fn valid(case: &Case, most: usize) -> Vec<String> {
    let mut all: Vec<&CaseSession> =
        case.sessions.iter().filter(|s| case.in_question(s) && s.is_valid_at(case.at)).collect();
    all.sort_by_key(|session| (std::cmp::Reverse(session.valid_until), session.id.clone()));
    let mut lines: Vec<String> = all
        .iter()
        .take(most)
        .map(|session| {
            let left = session.valid_until.map_or(0, |until| until - case.at);
            format!(
                "  {} {} in {}: {} left",
                session.id,
                session.what(),
                session.role_account.as_deref().unwrap_or("?"),
                span(left)
            )
        })
        .collect();
    if all.len() > most {
        lines.push(format!("  and {} more", all.len() - most));
    }
    lines
}

fn rows(case: &Case, most: usize) -> Vec<String> {
    super::runs::matter(case, most)
        .iter()
        .map(|run| {
            let event = run.first;
            let times = if run.count > 1 { format!(" ×{} to {}", run.count, clock(run.last)) } else { String::new() };
            let result = event.error.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
            let target = if event.target.is_empty() { String::new() } else { format!(" {}", short(&event.target)) };
            let why = event.why.first().map(|why| format!(" · {why}")).unwrap_or_default();
            let from = if event.ip.is_empty() { String::new() } else { format!(" from {}", event.ip) };
            format!(
                "  {} {:<7} {}{times}{target}{result}{from}{why}",
                moment(case, event.at),
                event.lane().word(),
                event.call()
            )
        })
        .collect()
}

/// An ARN's last part with its account; anything else as it is.
fn short(target: &str) -> String {
    match (crate::sts::arn::account(target), crate::sts::arn::name(target)) {
        (Some(account), Some(name)) => format!("{name} in {account}"),
        _ => target.to_owned(),
    }
}

fn steps(story: &Story, width: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut policy = false;
    let shown = most.saturating_sub(1);
    for (number, step) in story.steps.iter().enumerate() {
        if lines.len() >= shown && number + 1 < story.steps.len() {
            lines.push(format!("  and {} more in report.md (--out DIR)", story.steps.len() - number));
            break;
        }
        let hits = match step.innocent {
            Some(n) => format!("; cuts {}", count(n, "innocent session")),
            None => String::new(),
        };
        let mut told =
            wrap(&format!("{}. {}{hits}; not reached: {}", number + 1, step.title, step.misses), width - 2, 3);
        let most = if lines.len() + 2 < shown { 2 } else { 1 };
        if told.len() > most {
            told.truncate(most);
            if let Some(last) = told.last_mut() {
                *last = format!("{} …", last.chars().take(width - 5).collect::<String>().trim_end());
            }
        }
        lines.extend(told.into_iter().map(|line| format!("  {line}")));
        if let Some(text) = step.policy.as_ref().filter(|text| !policy && text.contains("TokenIssueTime")) {
            policy = true;
            lines.extend(json_lines(text, width - 5).into_iter().map(|line| format!("     {line}")));
        }
    }
    lines
}

/// JSON over several lines that is still JSON: broken after commas that stand in no text.
fn json_lines(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut part, mut inside, mut escaped) = (vec![String::new()], String::new(), false, false);
    let put = |part: &mut String, lines: &mut Vec<String>| {
        let part = std::mem::take(part);
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() <= width => line.push_str(&part),
            _ => lines.push(part),
        }
    };
    for c in text.chars() {
        part.push(c);
        inside ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        if c == ',' && !inside {
            put(&mut part, &mut lines);
        }
    }
    put(&mut part, &mut lines);
    lines.retain(|line| !line.is_empty());
    lines
}

fn blast(story: &Story) -> String {
    let b = &story.blast;
    format!(
        "Reach: {} ({} suspicious) of {} in {}; {} by the other: {} writes, {} data, {} refused; {} created, {} read, {} still valid",
        count(b.sessions, "session"),
        b.suspicious,
        count(b.roles, "role"),
        count(b.accounts, "account"),
        count(b.calls, "call"),
        b.writes,
        b.data,
        b.denied,
        count(b.created, "thing"),
        count(b.secrets, "secret"),
        b.valid
    )
}

fn blind(story: &Story, most: usize) -> Vec<String> {
    story.blind.iter().take(most).map(|text| format!("  {text}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_stay_json() {
        let policy = r#"{"Statement":[{"Action":["*"],"Condition":{"StringLike":{"aws:userid":"*:a, b"}},"Effect":"Deny"}],"Version":"2012-10-17"}"#;
        let lines = json_lines(policy, 40);
        assert!(lines.len() > 2 && lines.iter().all(|line| !line.is_empty()), "{lines:?}");
        let whole: serde_json::Value = serde_json::from_str(policy).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&lines.join("\n")).unwrap(), whole);
        assert_eq!(json_lines(policy, 400), [policy]);
    }

    #[test]
    fn sentences_are_wrapped_and_cut() {
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
