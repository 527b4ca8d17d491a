//! Texts in lines that fit a terminal, wide characters counted as wide.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text's width on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Breaks a text into lines, after the marks that structure ARNs, paths and JSON where there are any. A text that needs
/// more than `most` lines is shortened in the middle: both ends of an ARN say more than its middle.
pub fn wrap(text: &str, room: usize, most: usize) -> Vec<String> {
    let lines = broken(text, room, Marks::Structure);
    if lines.len() <= most {
        return lines;
    }
    let budget = (room * most).saturating_sub(1);
    let head = taken(text.chars(), budget.div_ceil(2));
    let tail: String = taken(text.chars().rev(), budget / 2).chars().rev().collect();
    broken(&format!("{head}…{tail}"), room, Marks::None)
}

/// Breaks a sentence into lines, between words where that is possible.
pub fn wrap_words(text: &str, room: usize) -> Vec<String> {
    broken(text, room, Marks::Words)
}

/// Where a line may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    /// Anywhere.
    None,
    /// After a mark of structure.
    Structure,
    /// After a space, else after a mark of structure.
    Words,
}

fn taken(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

fn broken(text: &str, room: usize, marks: Marks) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    // Bytes of the line up to its last mark, and up to its last space.
    let (mut mark, mut space) = (0, 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > room && !line.is_empty() {
            let end = match marks {
                Marks::Words if space > 0 => space,
                Marks::Words | Marks::Structure if mark > 0 => mark,
                _ => line.len(),
            };
            let rest = line.split_off(end);
            lines.push(std::mem::replace(&mut line, rest));
            used = line.width();
            (mark, space) = (0, 0);
        }
        line.push(c);
        used += wide;
        let date = c == 'T' && line.as_bytes().iter().rev().nth(1).is_some_and(u8::is_ascii_digit);
        if date || matches!(c, ' ' | '/' | ':' | ',' | ';' | '-' | '_' | '@' | '=' | '&' | '|') {
            mark = line.len();
        }
        if c == ' ' {
            space = line.len();
        }
    }
    lines.push(line);
    lines
}
