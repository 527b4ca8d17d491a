//! Log content in each format's own quoting: nothing of it is markup, nothing acts on the reader's eye.

use std::fmt::Write;

use crate::escape::{acts, visible};

/// JSON text in which nothing acts on a terminal: such characters stand only in strings, where they can be written as numbers.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) && !matches!(c, '\n' | '\t' | '\r') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Markdown text: nothing of it is markup, and no address of the web becomes a link.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = visible(text);
    let mut chars = text.char_indices().peekable();
    let mut inside = false;
    while let Some((at, c)) = chars.next() {
        let rest = &text[at..];
        // Between letters and digits an underscore is one; elsewhere it begins or ends emphasis.
        let within = inside && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        inside = c.is_alphanumeric() || (c == '_' && inside);
        match c {
            '_' if within => out.push(c),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            ':' if rest.starts_with("://") => out.push_str("&#58;"),
            '.' if text[..at].to_ascii_lowercase().ends_with("www") => out.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A block of text as it is, in fences longer than any in it.
pub fn block(kind: &str, text: &str) -> String {
    let text: String = text.lines().map(|line| visible(line).into_owned() + "\n").collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{kind}\n{text}{fence}\n")
}

/// Text inside the quotes of a Mermaid label: nothing that Mermaid or a browser takes for markup.
pub fn mermaid(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(80) {
        match c {
            ' ' | '.' | ',' | '-' | '_' | '/' | '+' | '=' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => _ = write!(out, "#{};", u32::from(c)),
        }
    }
    out
}

/// Text of Slack's mrkdwn; what stands in it verbatim links nothing and calls nobody.
/// <https://docs.slack.dev/messaging/formatting-message-text#escaping>
pub fn slack(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A label's value in the Prometheus text format. <https://prometheus.io/docs/instrumenting/exposition_formats/>
pub fn prometheus(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        assert_eq!(markdown("a|b<img>`*_\n"), "a\\|b&lt;img&gt;\\`\\*\\_\\\\n");
        assert_eq!(markdown("https://e.example ![x](y) a@b"), "https&#58;//e.example \\!\\[x\\](y) a@b");
        assert_eq!(markdown("WWW.e.example a_b _c_"), "WWW&#46;e.example a_b \\_c\\_");
        assert_eq!(block("", "a ``` b"), "````\na ``` b\n````\n");
        assert_eq!(mermaid("a\"b<script>]"), "a#34;b#60;script#62;#93;");
        assert_eq!(slack("<!channel> & *b*"), "&lt;!channel&gt; &amp; *b*");
        assert_eq!(json("{\"a\":\"\u{202e}\u{e0041}\"}"), "{\"a\":\"\\u202e\\udb40\\udc41\"}");
        assert_eq!(prometheus("a\"b\\\u{1b}"), "a\\\"b\\\\\\\\u{1b}");
    }
}
