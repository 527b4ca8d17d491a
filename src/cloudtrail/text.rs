//! Strings of JSON: unescaping and escaping. Lenient where a byte can be saved, never longer than asked for.

use std::borrow::Cow;

/// The text of a JSON string without its quotes, and whether every escape in it was well formed.
///
/// An unknown escape keeps its backslash, half a surrogate pair becomes U+FFFD.
pub(super) fn unescape(raw: &str) -> (Cow<'_, str>, bool) {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else { return (Cow::Borrowed(raw), true) };
    let mut out = String::with_capacity(raw.len());
    let mut sound = true;
    let mut rest = raw;
    let mut next = Some(first);
    while let Some(at) = next {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut chars = rest.chars();
        let Some(c) = chars.next() else {
            out.push('\\');
            sound = false;
            break;
        };
        rest = chars.as_str();
        match c {
            '"' | '\\' | '/' => out.push(c),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => match code_unit(rest) {
                Some((unit, after)) => {
                    rest = after;
                    let pair = (0xd800..0xdc00).contains(&unit).then(|| low_surrogate(after)).flatten();
                    let code = match pair {
                        Some((low, after)) => {
                            rest = after;
                            0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                        }
                        None => unit,
                    };
                    sound &= char::from_u32(code).is_some();
                    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                None => {
                    out.push_str("\\u");
                    sound = false;
                }
            },
            other => {
                out.push('\\');
                out.push(other);
                sound = false;
            }
        }
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    out.push_str(rest);
    (Cow::Owned(out), sound)
}

fn code_unit(rest: &str) -> Option<(u32, &str)> {
    let digits = rest.get(..4).filter(|d| d.bytes().all(|c| c.is_ascii_hexdigit()))?;
    Some((u32::from_str_radix(digits, 16).ok()?, &rest[4..]))
}

fn low_surrogate(rest: &str) -> Option<(u32, &str)> {
    code_unit(rest.strip_prefix("\\u")?).filter(|(unit, _)| (0xdc00..0xe000).contains(unit))
}

/// Writes `text` as a JSON string with its quotes.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                out.push_str("\\u00");
                for shift in [4, 0] {
                    out.push(char::from_digit(c as u32 >> shift & 15, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_read_and_odd_ones_kept() {
        assert_eq!(unescape(r#"a\"b\\c\/d\u0041\n"#), (Cow::Owned("a\"b\\c/dA\n".to_owned()), true));
        assert_eq!(unescape(r"\ud83d\ude00"), (Cow::Owned("😀".to_owned()), true));
        assert_eq!(unescape(r"\ud83dx\ude00"), (Cow::Owned("\u{fffd}x\u{fffd}".to_owned()), false));
        assert_eq!(unescape(r"\x41\u00"), (Cow::Owned(r"\x41\u00".to_owned()), false));
        assert_eq!(unescape("\\u00é1"), (Cow::Owned("\\u00é1".to_owned()), false));
        assert!(matches!(unescape("plain"), (Cow::Borrowed("plain"), true)));
    }

    proptest! {
        #[test]
        fn quoting_and_unescaping_agree_with_serde(text in any::<String>()) {
            let mut quoted = String::new();
            push_quoted(&mut quoted, &text);
            prop_assert_eq!(&serde_json::from_str::<String>(&quoted).unwrap(), &text);
            let theirs = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescape(&theirs[1..theirs.len() - 1]).0, text);
        }
    }
}
