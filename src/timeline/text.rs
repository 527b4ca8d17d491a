//! Times and counts as people and files read them.

use chrono::{DateTime, SecondsFormat};

/// A time as the contract writes it: `2026-11-07T03:36:00Z`, with a fraction only where there is one.
pub fn time(microseconds: i64) -> String {
    match DateTime::from_timestamp_micros(microseconds) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => microseconds.to_string(),
    }
}

/// The time of day.
pub fn clock(microseconds: i64) -> String {
    DateTime::from_timestamp_micros(microseconds).map_or_else(String::new, |time| time.format("%H:%M:%S").to_string())
}

/// `3 h 12 min`, `45 s`.
pub fn span(microseconds: i64) -> String {
    let seconds = microseconds / 1_000_000;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// `1 session`, `3 sessions`.
pub fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else if let Some(stem) = one.strip_suffix("ss") {
        format!("{n} {stem}sses")
    } else {
        format!("{n} {one}s")
    }
}

/// `a, b, c and 4 more`.
pub fn some<'a>(items: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let all: Vec<_> = items.into_iter().collect();
    let mut text = all.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    if all.len() > most {
        text.push_str(&format!(" and {} more", all.len() - most));
    }
    text
}

/// A condition on `events`: from one moment to another, both included. The day goes with it, so that other days are not opened.
pub fn within(from: i64, to: i64) -> String {
    let day = |at: i64| format!("DATE '{}'", &time(at)[..10]);
    format!(
        "event_date BETWEEN {} AND {} AND event_time BETWEEN TIMESTAMP '{}' AND TIMESTAMP '{}'",
        day(from),
        day(to),
        time(from),
        time(to)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_people() {
        assert_eq!(time(1_762_486_560_000_000), "2025-11-07T03:36:00Z");
        assert_eq!(
            (span(45_000_000), span(3_700_000_000), span(200_000_000_000)),
            ("45 s".to_owned(), "1 h 1 min".to_owned(), "2 d 7 h".to_owned())
        );
        assert_eq!(
            (count(1, "address"), count(2, "address"), count(3, "key")),
            ("1 address".to_owned(), "2 addresses".to_owned(), "3 keys".to_owned())
        );
        assert_eq!(some(["a", "b", "c"], 2), "a, b and 1 more");
    }
}
