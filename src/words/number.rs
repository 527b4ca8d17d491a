//! Numbers and counted things as people read them.

/// A number with its thousands apart: `9,123,456`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 event`, `3 events`, `2 addresses`, `2 entries`.
pub fn counted(number: u64, one: &str) -> String {
    let many = || match one.strip_suffix('y') {
        _ if one.ends_with("ss") => format!("{one}es"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{one}s"),
    };
    if number == 1 { format!("1 {one}") } else { format!("{} {}", grouped(number), many()) }
}

/// Seconds in two units: `45 s`, `7 min`, `3 h 12 min`, `2 d 7 h`.
pub fn span(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_people() {
        assert_eq!([0, 999, 1000, 9_123_456].map(grouped), ["0", "999", "1,000", "9,123,456"]);
        assert_eq!(counted(1, "address"), "1 address");
        assert_eq!(counted(2000, "address"), "2,000 addresses");
        assert_eq!([counted(2, "entry"), counted(0, "day"), counted(3, "key")], ["2 entries", "0 days", "3 keys"]);
        assert_eq!([45, 420, 11_520, 200_000].map(span), ["45 s", "7 min", "3 h 12 min", "2 d 7 h"]);
    }
}
