//! What a lake holds and what it lacks, drawn for one screen.

use std::collections::BTreeMap;

use chrono::DateTime;
use indicatif::{BinaryBytes, HumanCount};
use serde_json::Value;

use super::output::{Row, paragraph, visible};
use crate::lake::status::Status;

/// Accounts that get a strip.
const ACCOUNTS: usize = 30;
/// Lines of each list.
const LISTED: usize = 10;
/// Hours that one mark can stand for; the least that fits is taken.
const STEPS: [i64; 12] = [1, 2, 3, 6, 12, 24, 48, 168, 336, 720, 2160, 8760];
/// Marks for few and for many events, and for none.
const BLOCKS: ([char; 8], char) = (['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'], '·');
const DIGITS: ([char; 8], char) = (['1', '2', '3', '4', '5', '6', '7', '8'], '.');
/// The width where nothing limits it.
const USUAL: usize = 80;
const SECONDS: i64 = 3600;

/// What is drawn.
#[derive(Debug, Default)]
pub struct Picture {
    /// The tables and the ledger.
    pub status: Status,
    /// Account, hour and events, with the longest delay in seconds.
    pub hours: Vec<Row>,
    /// From `coverage_gaps`.
    pub gaps: Vec<Row>,
    /// From `account_coverage`: accounts whose trail delivers nothing that only reads.
    pub write_only: Vec<Row>,
    /// From `missing_accounts`.
    pub missing: Vec<Row>,
    /// From `unknown_fields`, those that AWS does not document.
    pub fields: Vec<Row>,
    /// The day since which fields were looked for, where not all events were read.
    pub fields_since: Option<String>,
    /// From `evidence`.
    pub evidence: Vec<Row>,
}

/// Draws it.
pub fn render(picture: &Picture, width: Option<usize>, unicode: bool) -> String {
    let mut out = tables(&picture.status);
    let books = |books: &BTreeMap<String, u64>| {
        let parts: Vec<_> = books.iter().map(|(what, n)| format!("{} {}", HumanCount(*n), visible(what))).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    };
    out.push('\n');
    paragraph(&mut out, "", &format!("Objects: {}", books(&picture.status.objects)), width);
    paragraph(&mut out, "", &format!("Faults: {}", books(&picture.status.faults)), width);
    let verified = picture.evidence.iter().map(|row| (text(row, "verdict").to_owned(), count(row, "events")));
    paragraph(
        &mut out,
        "",
        &format!("Events by what verify says of their objects: {}", books(&verified.collect())),
        width,
    );
    out.push('\n');
    strips(&mut out, &picture.hours, width.unwrap_or(USUAL), unicode);
    list(&mut out, "Silences that are not usual", &picture.gaps, width, |row| {
        let until = if row.get("lasting") == Some(&Value::Bool(true)) { "on" } else { text(row, "silent_until") };
        let (from, hours) = (text(row, "silent_from"), count(row, "silent_hours"));
        let usual = match count(row, "usual_hours") {
            1 => "events in every hour are usual".to_owned(),
            n => format!("events every {n} hours are usual"),
        };
        format!("{} {}: {from} to {until}, {hours} hours; {usual}", text(row, "account"), text(row, "region"))
    });
    list(
        &mut out,
        "Trails without calls that only read, hence without AssumeRole",
        &picture.write_only,
        width,
        |row| format!("{}: {} events", text(row, "account"), HumanCount(count(row, "events"))),
    );
    list(&mut out, "Accounts that are named here and deliver no events", &picture.missing, width, |row| {
        let seen = match text(row, "seen_as") {
            "role_owner" => "owns roles",
            "caller" => "calls",
            _ => "calls and owns roles",
        };
        format!("{}: {seen}, {}", text(row, "account"), times(count(row, "calls")))
    });
    let since = picture.fields_since.as_ref().map(|day| format!(" (events since {day})")).unwrap_or_default();
    let title = format!("Fields that have no column and that AWS does not document{since}");
    list(&mut out, &title, &picture.fields, width, |row| {
        format!(
            "{} since {}, events: {}, services: {}",
            text(row, "field"),
            text(row, "first_seen"),
            HumanCount(count(row, "events")),
            count(row, "services")
        )
    });
    out
}

fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column).and_then(Value::as_str).unwrap_or("(none)")
}

fn count(row: &Row, column: &str) -> u64 {
    row.get(column).and_then(Value::as_u64).unwrap_or(0)
}

/// The stored tables.
fn tables(status: &Status) -> String {
    let mut out = format!("{:<18}{:>14}{:>8}{:>12}{:>9}\n", "table", "rows", "files", "bytes", "version");
    for table in &status.tables {
        out.push_str(&format!(
            "{:<18}{:>14}{:>8}{:>12}{:>9}\n",
            table.name,
            HumanCount(table.rows).to_string(),
            HumanCount(table.files).to_string(),
            BinaryBytes(table.bytes).to_string(),
            table.version
        ));
    }
    out
}

/// A title and the first lines below it; nothing where there are none.
fn list(out: &mut String, title: &str, rows: &[Row], width: Option<usize>, line: impl Fn(&Row) -> String) {
    if rows.is_empty() {
        return;
    }
    out.push('\n');
    paragraph(out, "", &format!("{title}: {}", rows.len()), width);
    for row in rows.iter().take(LISTED) {
        paragraph(out, "  ", &visible(&line(row)), width);
    }
    if rows.len() > LISTED {
        out.push_str(&format!("  and {} more\n", rows.len() - LISTED));
    }
}

/// One account's hours.
#[derive(Debug, Default)]
struct Strip {
    /// Events by hour since 1970.
    hours: BTreeMap<i64, u64>,
    events: u64,
    lateness: u64,
}

/// A line an account: a mark for every step of time, higher for more events on a logarithmic scale of the account's own.
fn strips(out: &mut String, rows: &[Row], width: usize, unicode: bool) {
    let mut accounts: BTreeMap<&str, Strip> = BTreeMap::new();
    for row in rows {
        let Ok(hour) = DateTime::parse_from_rfc3339(text(row, "hour")) else { continue };
        let (events, strip) = (count(row, "events"), accounts.entry(text(row, "account")).or_default());
        *strip.hours.entry(hour.timestamp().div_euclid(SECONDS)).or_default() += events;
        strip.events += events;
        strip.lateness = strip.lateness.max(count(row, "lateness"));
    }
    let hours = || accounts.values().flat_map(|strip| strip.hours.keys().copied());
    let (Some(first), Some(last)) = (hours().min(), hours().max()) else {
        out.push_str("No events.\n");
        return;
    };
    let mut order: Vec<(&str, &Strip)> = accounts.iter().map(|(account, strip)| (*account, strip)).collect();
    order.sort_by(|(a, x), (b, y)| y.events.cmp(&x.events).then_with(|| a.cmp(b)));
    let names: Vec<_> = order.iter().take(ACCOUNTS).map(|(account, strip)| (visible(account), *strip)).collect();
    let longest = names.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).clamp(7, 24);
    let room = i64::try_from(width.saturating_sub(longest + 2 + 12 + 9)).unwrap_or(i64::MAX).max(10);
    let marks = |step: i64| last.div_euclid(step) - first.div_euclid(step) + 1;
    let step = STEPS.into_iter().find(|step| marks(*step) <= room).unwrap_or(8760);
    let date = |hour: i64| {
        DateTime::from_timestamp(hour * SECONDS, 0).map_or(String::new(), |t| t.format("%Y-%m-%d").to_string())
    };
    let unit = match step {
        1 => "an hour".to_owned(),
        24 => "a day".to_owned(),
        n if n % 24 == 0 => format!("{} days", n / 24),
        n => format!("{n} hours"),
    };
    out.push_str(&format!("Events, a mark for {unit}, {} to {} UTC\n", date(first), date(last)));
    let columns = usize::try_from(marks(step)).unwrap_or(0).max(5);
    out.push_str(&format!("{:<longest$}  {:<columns$}{:>12}{:>9}\n", "account", "", "events", "latest"));
    let (levels, none) = if unicode { BLOCKS } else { DIGITS };
    for (name, strip) in names {
        let name: String = name.chars().take(longest).collect();
        let mut sums: BTreeMap<i64, u64> = BTreeMap::new();
        for (hour, events) in &strip.hours {
            *sums.entry(hour.div_euclid(step)).or_default() += events;
        }
        let most = sums.values().copied().max().unwrap_or(1);
        let mark = |at: i64| sums.get(&at).map_or(none, |events| levels[level(*events, most)]);
        let from = first.div_euclid(step);
        let strip_marks: String = (from..from + marks(step)).map(mark).collect();
        let events = HumanCount(strip.events).to_string();
        let late = duration(strip.lateness);
        out.push_str(&format!("{name:<longest$}  {strip_marks:<columns$}{events:>12}{late:>9}\n"));
    }
    if order.len() > ACCOUNTS {
        out.push_str(&format!("and {} more accounts: SELECT * FROM account_coverage\n", order.len() - ACCOUNTS));
    }
    let less = if unicode { '·' } else { '.' };
    out.push_str(&format!("({less} no events; latest: the longest time from an event to its delivery)\n"));
}

/// From 0 for few to 7 for the most.
fn level(events: u64, most: u64) -> usize {
    #[allow(clippy::cast_precision_loss)]
    let share = (events as f64).ln_1p() / (most as f64).ln_1p().max(f64::MIN_POSITIVE);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let level = (share * 8.0).ceil() as usize;
    level.clamp(1, 8) - 1
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `once`, `3 times`.
fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{} times", HumanCount(n)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hour(account: &str, hour: &str, events: u64) -> Row {
        let row = json!({ "account": account, "hour": hour, "events": events, "lateness": 400 });
        row.as_object().unwrap().clone()
    }

    fn drawn(rows: &[Row], width: usize, unicode: bool) -> String {
        let mut out = String::new();
        strips(&mut out, rows, width, unicode);
        out
    }

    #[test]
    fn strips_show_how_much_and_when_and_fit() {
        let rows = [
            hour("111122223333", "2026-11-07T00:00:00Z", 1),
            hour("111122223333", "2026-11-07T01:00:00Z", 100),
            hour("111122223333", "2026-11-07T03:00:00Z", 1000),
            hour("444455556666", "2026-11-07T05:00:00Z", 5),
        ];
        insta::assert_snapshot!(drawn(&rows, 80, true), @r"
        Events, a mark for an hour, 2026-11-07 to 2026-11-07 UTC
        account                   events   latest
        111122223333  ▁▆·█··       1,101    6 min
        444455556666  ·····█           5    6 min
        (· no events; latest: the longest time from an event to its delivery)
        ");
        assert!(drawn(&rows, 80, false).contains("16.8.."));
        let long: Vec<_> = (1..=28)
            .flat_map(|day| (0..24).map(move |h| hour("111122223333", &format!("2026-11-{day:02}T{h:02}:00:00Z"), 9)))
            .collect();
        for width in [40, 80, 120] {
            let text = drawn(&long, width, true);
            assert!(text.lines().all(|line| line.chars().count() <= width.max(72)), "{text}");
        }
        assert!(drawn(&long, 80, true).contains("a mark for a day"));
        assert_eq!(drawn(&[], 80, true), "No events.\n");
    }
}
