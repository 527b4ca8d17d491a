//! Times, dates and durations as people type them: `2026-11-07T03:36:00Z`, `2026-11-07`, `now`, `36h` (ago), `7d` (ago).
//!
//! Everything is UTC; a time without a zone is UTC too.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};

/// What to write, for messages.
pub const FORMS: &str = "write 2026-11-07T03:36:00Z, 2026-11-07, or how long ago: 36h, 7d";

/// What to write for a duration.
pub const DURATION_FORMS: &str = "write a number and s, m, h, d or w: 90s, 15m, 36h, 7d, 2w";

/// Reads a point in time; `now` is what "7d" counts back from. A date is its midnight.
pub fn parse(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Some(now);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%MZ"]
    {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(time.and_utc());
        }
    }
    if let Some(day) = date(text) {
        return Some(day.and_hms_opt(0, 0, 0)?.and_utc());
    }
    now.checked_sub_signed(duration(text)?)
}

/// Reads a date, `2026-11-07`.
pub fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()
}

/// Reads a duration such as `90s`, `15m`, `36h`, `7d`, `2w`.
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().next_back()?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let digits = text.get(..text.len() - 1).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    Duration::try_seconds(digits.parse::<i64>().ok()?.checked_mul(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let now = DateTime::parse_from_rfc3339("2026-11-07T12:00:00Z").unwrap().to_utc();
        for (text, expected) in [
            ("2026-11-07T03:36:00Z", "2026-11-07T03:36:00Z"),
            ("2026-11-07T05:36:00+02:00", "2026-11-07T03:36:00Z"),
            ("2026-11-07T03:36:00", "2026-11-07T03:36:00Z"),
            ("2026-11-07 03:36", "2026-11-07T03:36:00Z"),
            ("2026-11-07T03:36Z", "2026-11-07T03:36:00Z"),
            ("2026-11-07", "2026-11-07T00:00:00Z"),
            ("now", "2026-11-07T12:00:00Z"),
            ("36h", "2026-11-06T00:00:00Z"),
            ("7d", "2026-10-31T12:00:00Z"),
        ] {
            let expected = DateTime::parse_from_rfc3339(expected).unwrap();
            assert_eq!(parse(text, now).unwrap(), expected, "{text}");
        }
        for text in
            ["", "yesterday", "7", "d", "-7d", "2026-13-01", "99999999999999999999d", "9223372036854775807w", "7é"]
        {
            assert_eq!(parse(text, now), None, "{text}");
        }
    }
}
