//! `responseElements.credentials.expiration`: a display text in US English and UTC, not ISO 8601.
//!
//! Two forms are in real logs (`Jul 5, 2021 1:18:34 PM`, and later with a comma after the year); ISO 8601 turns up in copies.

use chrono::{DateTime, NaiveDate};

/// The longest life that STS gives (36 hours), and a minute for clocks that differ: microseconds.
const LONGEST: i64 = 129_660_000_000;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads an expiration, as microseconds since 1970-01-01T00:00:00Z. Any Unicode space is a space here, because newer
/// formatters put a narrow one before AM and PM.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros());
    }
    let mut words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let [month, day, year, clock, half] = [words.next()?, words.next()?, words.next()?, words.next()?, words.next()?];
    if words.next().is_some() || year.len() != 4 {
        return None;
    }
    let month = 1 + u32::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    let mut clock = clock.split(':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some() || !(1..=12).contains(&hour) {
        return None;
    }
    let noon = match half {
        "AM" => 0,
        "PM" => 12,
        _ => return None,
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(year)?).ok()?, month, number(day)?)?;
    Some(date.and_hms_opt(hour % 12 + noon, minute, second)?.and_utc().timestamp_micros())
}

/// One to four ASCII digits.
fn number(text: &str) -> Option<u32> {
    ((1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Whether credentials issued at `issued` can expire at `expires` (microseconds): edited and broken logs hold
/// expirations before the event and years after it.
pub fn believable(expires: i64, issued: i64) -> bool {
    expires.checked_sub(issued).is_some_and(|life| (0..=LONGEST).contains(&life))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(iso: &str) -> i64 {
        DateTime::parse_from_rfc3339(iso).unwrap().timestamp_micros()
    }

    #[test]
    fn every_known_form() {
        for (text, iso) in [
            ("Jul 10, 2023, 12:47:00 PM", "2023-07-10T12:47:00Z"),
            ("Jul 5, 2021 1:18:34 PM", "2021-07-05T13:18:34Z"),
            ("Apr 16, 2025, 3:46:56 AM", "2025-04-16T03:46:56Z"),
            ("Nov 2, 2023, 12:59:45 AM", "2023-11-02T00:59:45Z"),
            ("Nov 2, 2023, 12:59:45\u{202f}AM", "2023-11-02T00:59:45Z"),
            ("Nov 2, 2023, 12:59:45\u{a0}AM", "2023-11-02T00:59:45Z"),
            ("Dec 09, 2017 4:05:06 PM", "2017-12-09T16:05:06Z"),
            ("2023-12-10T11:10:32+00:00", "2023-12-10T11:10:32Z"),
            ("2023-12-10T11:10:32Z", "2023-12-10T11:10:32Z"),
        ] {
            assert_eq!(parse(text), Some(at(iso)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "",
            "redacted",
            "Jan 01, 2019 0:00:00 PM",
            "Jan 01, 2019 13:00:00 PM",
            "Feb 30, 2019 1:00:00 PM",
            "Jan 1, 2019 1:00 PM",
            "Jan 1, 2019 1:00:00:00 PM",
            "Jan 1, 2019 1:00:00 PM UTC",
            "jan 1, 2019 1:00:00 PM",
            "Jan +1, 2019 1:00:00 PM",
            "Jan 1, 99999 1:00:00 PM",
            "Jän 1, 2019 1:00:00 PM",
            "2023-12-10",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn lifetimes_have_bounds() {
        let issued = at("2023-07-10T11:55:22Z");
        let expires = parse("Jul 10, 2023, 6:30:22 PM").unwrap();
        assert_eq!(expires - issued, 23_700_000_000);
        assert!(believable(expires, issued));
        assert!(believable(issued, issued));
        assert!(!believable(issued - 1, issued));
        assert!(!believable(issued + LONGEST + 1, issued));
        assert!(!believable(i64::MAX, i64::MIN));
    }
}
