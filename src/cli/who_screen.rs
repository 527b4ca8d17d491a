//! The chain from origin to session, drawn for one screen.

use std::collections::HashMap;

use serde_json::Value;

use super::output::{Row, visible, wrapped};
use super::who::Found;
use crate::sts::arn;

/// Groups of sessions that are drawn; the rest is counted.
const MOST: usize = 8;

/// The text of a column.
fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str)
}

/// The texts of a list.
pub fn texts<'a>(row: &'a Row, column: &str) -> impl Iterator<Item = &'a str> {
    row.get(column).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn number(row: &Row, column: &str) -> u64 {
    row.get(column).and_then(Value::as_u64).unwrap_or(0)
}

/// Sessions that are alike: the same role by the same chain from the same origin. The first is the newest.
struct Group<'a> {
    newest: &'a Row,
    sessions: Vec<&'a Row>,
}

fn groups(sessions: &[Row]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places = HashMap::new();
    for row in sessions {
        let path: Vec<_> = texts(row, "chain_path").collect();
        let key = (text(row, "origin"), text(row, "role_arn"), path, text(row, "origin_type"));
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.sessions.push(row),
            None => groups.push(Group { newest: row, sessions: vec![row] }),
        }
    }
    groups
}

/// The sessions that are drawn in full: their ancestors are needed.
pub fn shown(sessions: &[Row]) -> impl Iterator<Item = &Row> {
    groups(sessions).into_iter().take(MOST).map(|group| group.newest)
}

/// Draws everything that was found.
pub fn render(found: &[Found], width: Option<usize>) -> String {
    let mut lines = Vec::new();
    for found in found {
        if !lines.is_empty() {
            lines.push((0, String::new()));
        }
        anchor(found, &mut lines);
    }
    let mut out = String::new();
    for (indent, line) in lines {
        for (number, part) in
            wrapped(&visible(&line), width.map(|width| width.saturating_sub(indent + 2))).iter().enumerate()
        {
            let indent = if number == 0 { indent } else { indent + 2 };
            out.push_str(&" ".repeat(indent));
            out.push_str(part.trim_end());
            out.push('\n');
        }
    }
    out
}

type Lines = Vec<(usize, String)>;

fn anchor(found: &Found, lines: &mut Lines) {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut what = Vec::new();
    if !found.sessions.is_empty() {
        what.push(count(found.sessions.len(), "session", "sessions"));
    }
    if !found.users.is_empty() {
        what.push(count(found.users.len(), "user's own key", "users' own keys"));
    }
    if what.is_empty() {
        what.push("nothing found".to_owned());
    }
    lines.push((0, format!("{} ({}): {}", found.text, found.anchor.word(), what.join(", "))));
    for user in found.users.iter().take(MOST) {
        lines.push((0, String::new()));
        user_lines(user, lines);
    }
    let ancestors: HashMap<_, _> =
        found.ancestors.iter().filter_map(|row| Some((text(row, "session_id")?, row))).collect();
    let groups = groups(&found.sessions);
    for group in groups.iter().take(MOST) {
        lines.push((0, String::new()));
        chain(group, &ancestors, lines);
    }
    let more = groups.len().saturating_sub(MOST) + found.users.len().saturating_sub(MOST);
    if more > 0 {
        lines.push((0, String::new()));
        lines.push((0, format!("and {more} more; --format ndjson or csv shows every session")));
    }
}

fn user_lines(row: &Row, lines: &mut Lines) {
    let who = text(row, "identity_arn").unwrap_or("unknown user");
    let key = text(row, "access_key_id").map_or_else(|| "without a key".to_owned(), |key| format!("own key {key}"));
    lines.push((2, format!("{who}, {key}")));
    let calls = format!("{} calls, {} with errors", number(row, "event_count"), number(row, "error_count"));
    lines.push((4, format!("{calls}, {}", span(row, "first_event_at", "last_event_at"))));
    if let Some(line) = list("from", texts(row, "ips")) {
        lines.push((4, line));
    }
}

/// The origin, then every role down to the session, each a step further in.
fn chain(group: &Group<'_>, ancestors: &HashMap<&str, &Row>, lines: &mut Lines) {
    let session = group.newest;
    lines.push((2, origin(session)));
    let mut indent = 2;
    for id in texts(session, "ancestor_ids") {
        match ancestors.get(id) {
            Some(row) => step(row, indent, false, lines),
            None => lines.push((indent, format!("└ {id}"))),
        }
        indent += 2;
    }
    step(session, indent, true, lines);
    let indent = indent + 2;
    if group.sessions.len() > 1 {
        let first = group.sessions.last().and_then(|row| text(row, "issued_at"));
        let issued = between(first, text(session, "issued_at"));
        lines.push((indent, format!("the newest of {} such sessions, issued {issued}", group.sessions.len())));
    }
    did(group, indent, lines);
}

fn origin(row: &Row) -> String {
    let who = text(row, "origin").unwrap_or("unknown");
    let kind = text(row, "origin_type").unwrap_or("unknown").replace('_', " ");
    let mut line = format!("{who} ({kind}");
    if let Some(class) = text(row, "origin_class").filter(|class| *class != kind && *class != "unknown") {
        line.push_str(&format!(", {class}"));
    }
    line.push(')');
    if let Some(provider) = text(row, "origin_provider") {
        line.push_str(&format!(" by {provider}"));
    }
    line
}

fn step(row: &Row, indent: usize, last: bool, lines: &mut Lines) {
    let role = text(row, "role_arn");
    let name = role.and_then(arn::name).or(text(row, "api")).unwrap_or("credentials");
    let account = text(row, "role_account").unwrap_or("?");
    let mut line = format!("└ {name} in {account}");
    if let Some(session) = text(row, "session_name") {
        line.push_str(&format!(" as {session}"));
    }
    if let Some(key) = text(row, "session_id") {
        line.push_str(&format!(", {key}"));
    }
    if last {
        line.push_str("  ◀");
    }
    lines.push((indent, line));
    let api = text(row, "api").unwrap_or("its issue is not among the logs");
    let mut how = format!("{api}, {}", span(row, "issued_at", "valid_until"));
    if row.get("revoked_at").is_some_and(|at| !at.is_null()) {
        how.push_str(" (revoked)");
    }
    if let Some(address) = text(row, "requester_ip").or(text(row, "issued_ip")) {
        how.push_str(&format!(", from {address}"));
    }
    lines.push((indent + 2, how));
}

fn did(group: &Group<'_>, indent: usize, lines: &mut Lines) {
    let sum = |column| group.sessions.iter().map(|row| number(row, column)).sum::<u64>();
    let calls = sum("event_count");
    if calls == 0 {
        lines.push((indent, "no calls found".to_owned()));
        return;
    }
    let least = group.sessions.iter().filter_map(|row| text(row, "first_event_at")).min();
    let most = group.sessions.iter().filter_map(|row| text(row, "last_event_at")).max();
    lines.push((
        indent,
        format!(
            "{calls} calls, {} writes, {} errors, {} denied, {}",
            sum("write_count"),
            sum("error_count"),
            sum("denied_count"),
            between(least, most),
        ),
    ));
    for (word, column) in [("from", "used_ips"), ("in", "used_accounts")] {
        let mut all: Vec<_> = group.sessions.iter().flat_map(|row| texts(row, column)).collect();
        all.sort_unstable();
        all.dedup();
        if let Some(line) = list(word, all.into_iter()) {
            lines.push((indent, line));
        }
    }
}

/// `from a, b, c and 12 more`.
fn list<'a>(word: &str, mut items: impl Iterator<Item = &'a str>) -> Option<String> {
    let few: Vec<_> = items.by_ref().take(6).collect();
    let more = items.count();
    let mut line = format!("{word} {}", few.join(", "));
    if more > 0 {
        line.push_str(&format!(" and {more} more"));
    }
    (!few.is_empty()).then_some(line)
}

fn span(row: &Row, from: &str, to: &str) -> String {
    between(text(row, from), text(row, to))
}

/// From a time to another; a day that both share is written once.
fn between(from: Option<&str>, to: Option<&str>) -> String {
    let (from, to) = (from.unwrap_or("?"), to.unwrap_or("?"));
    match (from.split_once('T'), to.split_once('T')) {
        _ if from == to => from.to_owned(),
        (Some((day, _)), Some((same, time))) if day == same => format!("{from} to {time}"),
        _ => format!("{from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::timeline::anchor::Anchor;

    fn row(value: Value) -> Row {
        value.as_object().unwrap().clone()
    }

    fn session(id: &str, issued: &str) -> Row {
        row(json!({
            "session_id": id, "api": "AssumeRole", "role_arn": "arn:aws:iam::444455556666:role/ci/Deploy",
            "role_account": "444455556666", "session_name": "dana\u{1b}[31m", "issued_at": issued,
            "valid_until": "2026-11-07T04:36:00Z", "revoked_at": null, "origin_type": "identity_center",
            "origin_class": "human", "origin": "dana@example.com", "origin_provider": "arn:aws:iam::111122223333:saml-provider/AWSSSO_x",
            "chain_path": ["arn:aws:iam::111122223333:role/Hub", "arn:aws:iam::444455556666:role/ci/Deploy"],
            "ancestor_ids": ["ASIAHUB"], "issued_ip": "203.0.113.77", "requester_ip": null, "used_ips": ["203.0.113.77", "203.0.113.91"],
            "used_accounts": ["444455556666"], "first_event_at": "2026-11-07T03:37:00Z", "last_event_at": "2026-11-07T03:40:00Z",
            "event_count": 5, "error_count": 1, "denied_count": 1, "write_count": 2,
        }))
    }

    #[test]
    fn a_chain_on_one_screen() {
        let hub = row(json!({
            "session_id": "ASIAHUB", "api": "AssumeRoleWithSAML", "role_arn": "arn:aws:iam::111122223333:role/Hub",
            "role_account": "111122223333", "session_name": "dana@example.com", "issued_at": "2026-11-07T03:00:00Z",
            "valid_until": "2026-11-07T15:00:00Z", "issued_ip": "AWS Internal", "requester_ip": "198.51.100.10",
        }));
        let found = Found {
            text: "203.0.113.77".to_owned(),
            anchor: Anchor::Address,
            sessions: vec![session("ASIATWO", "2026-11-07T03:36:00Z"), session("ASIAONE", "2026-11-07T02:36:00Z")],
            ancestors: vec![hub],
            users: vec![row(json!({"identity_arn": "arn:aws:iam::111122223333:user/svc", "access_key_id": "AKIAX",
                "event_count": 3, "error_count": 0, "first_event_at": "a", "last_event_at": "b", "ips": ["203.0.113.77"]}))],
        };
        let nothing =
            Found { text: "x".to_owned(), anchor: Anchor::Name, sessions: vec![], ancestors: vec![], users: vec![] };
        insta::assert_snapshot!(render(&[found, nothing], Some(80)), @r#"
    203.0.113.77 (address): 2 sessions, 1 user's own key

      arn:aws:iam::111122223333:user/svc, own key AKIAX
        3 calls, 0 with errors, a to b
        from 203.0.113.77

      dana@example.com (identity center, human) by
        arn:aws:iam::111122223333:saml-provider/AWSSSO_x
      └ Hub in 111122223333 as dana@example.com, ASIAHUB
        AssumeRoleWithSAML, 2026-11-07T03:00:00Z to 15:00:00Z, from 198.51.100.10
        └ Deploy in 444455556666 as dana\u{1b}[31m, ASIATWO  ◀
          AssumeRole, 2026-11-07T03:36:00Z to 04:36:00Z, from 203.0.113.77
          the newest of 2 such sessions, issued 2026-11-07T02:36:00Z to 03:36:00Z
          10 calls, 4 writes, 2 errors, 2 denied, 2026-11-07T03:37:00Z to
            03:40:00Z
          from 203.0.113.77, 203.0.113.91
          in 444455556666

    x (name): nothing found
    "#);
    }
}
