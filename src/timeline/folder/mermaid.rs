//! The chain graph for Mermaid: accounts as boxes, sessions in them; alike sessions are one node where there are many.

use std::collections::{BTreeMap, BTreeSet};

use super::super::case::{Case, CaseSession};
use super::super::verdict::who;

/// Nodes at most; beyond that sessions of one role and one party are one node.
const MOST: usize = 60;

/// Text inside quotes: nothing that Mermaid or a browser takes for markup.
fn label(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(80) {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | ',' | '-' | '_' | '/' | '@' | '+' | '=' | '×' => {
                out.push(c)
            }
            c if c.is_alphanumeric() => out.push(c),
            c => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}

/// `graph.mmd`.
pub fn graph(case: &Case) -> String {
    let many = case.sessions.len() > MOST;
    let key = |s: &CaseSession| {
        if many {
            format!("{}|{}|{:?}", s.what(), s.role_account.as_deref().unwrap_or("?"), s.party)
        } else {
            s.id.clone()
        }
    };
    let mut nodes: BTreeMap<String, Vec<&CaseSession>> = BTreeMap::new();
    case.sessions.iter().for_each(|session| nodes.entry(key(session)).or_default().push(session));
    let kept: Vec<(&String, &Vec<&CaseSession>)> = {
        let mut all: Vec<_> = nodes.iter().collect();
        all.sort_by_key(|(name, list)| (std::cmp::Reverse(list.iter().map(|s| s.departure).max()), (*name).clone()));
        all.truncate(MOST);
        all
    };
    let ids: BTreeMap<&str, usize> = kept.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let mut boxes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, (_, list)) in kept.iter().enumerate() {
        boxes.entry(list[0].role_account.as_deref().unwrap_or("?")).or_default().push(at);
    }
    let mut out = String::from("flowchart LR\n");
    for (number, (account, members)) in boxes.iter().enumerate() {
        out.push_str(&format!("  subgraph a{number} [\"{}\"]\n", label(account)));
        for at in members {
            let list = kept[*at].1;
            let text = if list.len() > 1 {
                format!("{} ×{}", list[0].what(), list.len())
            } else {
                format!("{} {}", list[0].what(), list[0].id)
            };
            let class = if list.iter().any(|session| session.is_suspicious()) { ":::other" } else { "" };
            out.push_str(&format!("    s{at}[\"{}\"]{class}\n", label(&text)));
        }
        out.push_str("  end\n");
    }
    let mut edges: BTreeMap<String, usize> = BTreeMap::new();
    let mut origins: BTreeSet<String> = BTreeSet::new();
    let node = |id: &str| case.session(id).and_then(|session| ids.get(key(session).as_str()));
    for session in &case.sessions {
        let Some(to) = node(&session.id) else { continue };
        match session.parent.as_deref().and_then(node) {
            Some(from) if from != to => *edges.entry(format!("s{from} --> s{to}")).or_default() += 1,
            Some(_) => {}
            None => {
                let origin = who(session);
                origins.insert(origin.clone());
                *edges.entry(format!("o{} --> s{to}", hash(&origin))).or_default() += 1;
            }
        }
    }
    for origin in &origins {
        out.push_str(&format!("  o{}([\"{}\"])\n", hash(origin), label(origin)));
    }
    for (edge, times) in &edges {
        let edge = if *times > 1 { edge.replace("-->", &format!("-->|×{times}|")) } else { edge.clone() };
        out.push_str(&format!("  {edge}\n"));
    }
    for (at, made) in case.made.iter().enumerate() {
        let Some(from) = made.by.as_deref().and_then(node) else { continue };
        out.push_str(&format!(
            "  m{at}{{{{\"{}\"}}}}\n  s{from} -.->|{}| m{at}\n",
            label(&made.what),
            label(&made.call)
        ));
        for to in made.gave.iter().filter_map(|id| node(id)).collect::<BTreeSet<_>>() {
            out.push_str(&format!("  m{at} -.-> s{to}\n"));
        }
    }
    for (at, ip) in case.pivots.keys().enumerate().take(MOST) {
        let users = case.sessions.iter().filter(|s| s.used_ips.contains(ip) || s.issued_ip.as_deref() == Some(ip));
        let to: BTreeSet<_> = users.filter_map(|session| node(&session.id)).collect();
        if !to.is_empty() {
            out.push_str(&format!("  i{at}>\"{}\"]\n", label(ip)));
            to.iter().for_each(|to| out.push_str(&format!("  i{at} -.- s{to}\n")));
        }
    }
    out.push_str("  classDef other stroke:#c0392b,stroke-width:3px\n");
    out
}

/// A short name that stays the same.
fn hash(text: &str) -> String {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_no_markup() {
        assert_eq!(label("a\"b<script>]"), "a#34;b#60;script#62;#93;");
    }
}
