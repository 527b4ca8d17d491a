//! Log content made harmless: without what a terminal obeys or what hides and reorders text, and without formulas that a spreadsheet
//! would run.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters that act on a terminal or on the reader's eye and show nothing themselves: controls, bidirectional
/// overrides and marks, zero-width characters, line separators.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line, with every such character written out: `\n`, `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    replace(text, acts)
}

/// The text with such characters written out, but with its own line ends and tabs: for formats that can hold them.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    replace(text, |c| acts(c) && !matches!(c, '\n' | '\r' | '\t'))
}

/// What a formula begins with in a spreadsheet; in some languages the wide forms do as well.
const BEGIN: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Puts an apostrophe before text that a spreadsheet would run as a formula; numbers stay numbers.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
pub fn disarmed(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(BEGIN) && text.parse::<f64>().is_err() { Cow::Owned(format!("'{text}")) } else { text }
}

fn replace(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !acts(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing into a String cannot fail.
            _ => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_acts_is_written_out() {
        assert_eq!(visible("dana müller 日本"), "dana müller 日本");
        assert_eq!(visible("a\u{1b}[2Jb\nc\u{202e}d\u{9b}e\0"), "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{9b}e\\u{0}");
        assert_eq!(visible_lines("a\n\u{1b}b"), "a\n\\u{1b}b");
    }
}
