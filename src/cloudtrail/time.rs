//! Reads the times that CloudTrail and its exporters write. Pure arithmetic: no clock, no time zone data.

/// Microseconds since 1970-01-01T00:00:00Z of an ISO 8601 time, or `None`.
///
/// Reads `2023-07-10T11:55:22Z`, a space for the `T`, fractions of any length (cut to microseconds), `Z`, `UTC`, an offset or
/// no zone (then UTC), and the basic form `20131102T010628Z` of `creationDate`.
pub(super) fn micros(text: &str) -> Option<i64> {
    usual(text.as_bytes()).or_else(|| any_form(text.trim().as_bytes()))
}

/// `2023-07-10T11:55:22Z` and nothing else: the form of almost every time, so it is worth its own way.
#[inline]
fn usual(b: &[u8]) -> Option<i64> {
    let b: &[u8; 20] = b.try_into().ok()?;
    let digits = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18];
    let signs = b[4] == b'-' && b[7] == b'-' && b[10] == b'T' && b[13] == b':' && b[16] == b':' && b[19] == b'Z';
    let digits = digits.iter().fold(true, |all, &i| all & b[i].is_ascii_digit());
    (signs && digits).then_some(())?;
    let two = |i: usize| i64::from(b[i] - b'0') * 10 + i64::from(b[i + 1] - b'0');
    seconds(two(0) * 100 + two(2), [two(5), two(8), two(11), two(14), two(17)]).map(|seconds| seconds * 1_000_000)
}

fn any_form(b: &[u8]) -> Option<i64> {
    let year = two(b, 0)? * 100 + two(b, 2)?;
    let is = |i: usize, any: &[u8]| b.get(i).is_some_and(|c| any.contains(c)).then_some(());
    let (month, day, hour, minute, second, end);
    if b.get(4) == Some(&b'-') {
        is(7, b"-").and(is(10, b"Tt ")).and(is(13, b":")).and(is(16, b":"))?;
        (month, day, hour, minute, second, end) = (two(b, 5)?, two(b, 8)?, two(b, 11)?, two(b, 14)?, two(b, 17)?, 19);
    } else {
        is(8, b"T")?;
        (month, day, hour, minute, second, end) = (two(b, 4)?, two(b, 6)?, two(b, 9)?, two(b, 11)?, two(b, 13)?, 15);
    }
    let (fraction, zone) = fraction(&b[end..])?;
    let offset = offset(zone)?;
    let seconds = seconds(year, [month, day, hour, minute, second])? - offset;
    Some(seconds * 1_000_000 + fraction)
}

/// Seconds since 1970 of a date and time that exists. Second 60 is a leap second: it counts as the first of the next minute.
fn seconds(year: i64, [month, day, hour, minute, second]: [i64; 5]) -> Option<i64> {
    let real = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    (real && hour < 24 && minute < 60 && second <= 60)
        .then(|| days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// The number written with the two digits at `i`.
fn two(b: &[u8], i: usize) -> Option<i64> {
    let (tens, ones) = (b.get(i)?, b.get(i + 1)?);
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// A decimal fraction in microseconds, and what follows it.
fn fraction(b: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', digits)) = b.split_first().map(|(c, rest)| (*c, rest)) else { return Some((0, b)) };
    let length = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    (length > 0).then_some(())?;
    let micros =
        (0..6).fold(0, |sum, i| sum * 10 + digits.get(i).filter(|_| i < length).map_or(0, |c| i64::from(c - b'0')));
    Some((micros, &digits[length..]))
}

/// A zone's offset in seconds east of UTC.
fn offset(b: &[u8]) -> Option<i64> {
    let digit = |i: usize| b.get(i).filter(|c| c.is_ascii_digit()).map(|c| i64::from(c - b'0'));
    let sign = match b {
        b"" | b"Z" | b"z" | b" UTC" | b"UTC" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let minutes_at = match (b.len(), b.get(3)) {
        (6, Some(b':')) => Some(4),
        (5, Some(_)) => Some(3),
        (3, None) => None,
        _ => return None,
    };
    let hours = digit(1)? * 10 + digit(2)?;
    let minutes = match minutes_at {
        Some(i) => digit(i)? * 10 + digit(i + 1)?,
        None => 0,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, counted from a year that begins in March so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read() {
        let noon = 1_688_990_122_000_000;
        for text in [
            "2023-07-10T11:55:22Z",
            "2023-07-10 11:55:22",
            "20230710T115522Z",
            "2023-07-10T11:55:22+00:00",
            "2023-07-10T13:55:22+02:00",
            "2023-07-10T06:25:22-0530",
            "2023-07-10 11:55:22.000 UTC",
            " 2023-07-10T11:55:22.000000000Z ",
        ] {
            assert_eq!(micros(text), Some(noon), "{text}");
        }
        assert_eq!(micros("2023-07-10T11:55:22.5Z"), Some(noon + 500_000));
        assert_eq!(micros("2023-07-10 11:55:22.123456789"), Some(noon + 123_456));
        assert_eq!(micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(micros("1969-12-31T23:59:59Z"), Some(-1_000_000));
        assert_eq!(micros("2024-02-29T00:00:00Z"), Some(1_709_164_800_000_000));
        assert_eq!(micros("2016-12-31T23:59:60Z"), micros("2017-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "foo",
            "redacted",
            "...",
            "eventTime",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-07-10",
            "2023-07-10T24:00:00Z",
            "2023-07-10T11:55:22.Z",
            "2023-07-10T11:55:22+2",
            "2023-07-10T11:55Z",
            "1688990122",
            "2023-07-10T11:55:22Zz",
            "20230710T1155",
            "２０２３-07-10T11:55:22Z",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
