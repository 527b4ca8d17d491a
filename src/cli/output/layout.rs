//! How wide a table's columns are, and where long texts are broken: pure arithmetic over widths on a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Below this a column of long texts cannot be read any more.
const NARROWEST: usize = 13;
/// Up to this a column is never broken: access keys and account ids are read as one.
const WHOLE: usize = 20;
/// The width of a date with the T that follows it.
const DATE: usize = 11;

/// How a column may be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    /// Never: numbers.
    Whole,
    /// Behind the date only: times.
    Times,
    /// Anywhere, down to a width that can still be read.
    Text,
}

/// What a column asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// The width of its longest cell.
    pub cells: usize,
    /// The width of its header.
    pub header: usize,
    /// The width of the header's longest word, for it can be broken between words.
    pub header_word: usize,
    /// How it may be broken.
    pub kind: Cells,
}

impl Wish {
    fn natural(self) -> usize {
        self.cells.max(self.header)
    }

    fn least(self) -> usize {
        let cells = match self.kind {
            Cells::Times => self.cells.min(DATE),
            Cells::Text if self.cells > WHOLE => NARROWEST,
            Cells::Whole | Cells::Text => self.cells,
        };
        cells.max(self.header_word)
    }
}

/// The columns' widths within `room`, borders left out; `None` where they cannot all be read beside each other.
/// Short columns get what they ask for, long ones share the rest.
pub fn widths(wishes: &[Wish], room: usize) -> Option<Vec<usize>> {
    let total = |cap: usize| -> usize { wishes.iter().map(|wish| within(*wish, cap)).sum() };
    if total(0) > room {
        return None;
    }
    let most = wishes.iter().map(|wish| wish.natural()).max().unwrap_or(0);
    let (mut low, mut high) = (0, most);
    while low < high {
        let cap = (low + high).div_ceil(2);
        if total(cap) <= room {
            low = cap;
        } else {
            high = cap - 1;
        }
    }
    Some(wishes.iter().map(|wish| within(*wish, low)).collect())
}

/// The columns' widths where a reader can scroll sideways: what they ask for, but none wider than `cap`.
pub fn capped(wishes: &[Wish], cap: usize) -> Vec<usize> {
    wishes.iter().map(|wish| within(*wish, cap)).collect()
}

fn within(wish: Wish, cap: usize) -> usize {
    let (least, most) = (wish.least(), wish.natural().max(wish.least()));
    // Between its two forms a time gains nothing.
    if wish.kind == Cells::Times && cap < wish.cells { least } else { cap.clamp(least, most) }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cells: usize) -> Wish {
        Wish { cells, header: 4, header_word: 4, kind: Cells::Text }
    }

    #[test]
    fn short_columns_are_whole_and_long_ones_share() {
        let time = Wish { cells: 20, header: 10, header_word: 6, kind: Cells::Times };
        assert_eq!(widths(&[time, text(12), text(90), text(60)], 100).unwrap(), [20, 12, 34, 34]);
        assert_eq!(widths(&[time, text(12)], 100).unwrap(), [20, 12]);
        assert_eq!(widths(&[time, time, text(90)], 40).unwrap(), [11, 11, 18]);
        assert_eq!(widths(&[text(90), text(90), text(90)], 38), None);
        assert_eq!(widths(&[], 40).unwrap(), [0; 0]);
    }

    #[test]
    fn long_texts_are_broken_at_marks_and_shortened_in_the_middle() {
        let arn = "arn:aws:iam::111122223333:role/platform/DeployEverything";
        assert_eq!(wrap(arn, 20, 9), ["arn:aws:iam::", "111122223333:role/", "platform/", "DeployEverything"]);
        assert_eq!(wrap(arn, 80, 9), [arn]);
        assert_eq!(wrap(arn, 20, 2), ["arn:aws:iam::1111222", "…rm/DeployEverything"]);
        assert_eq!(wrap("日本語日本語", 5, 9), ["日本", "語日", "本語"]);
        assert_eq!(wrap("2026-11-07T03:36:00Z", 11, 9), ["2026-11-07T", "03:36:00Z"]);
        assert_eq!(wrap_words("to 2026-11-07 it", 14), ["to 2026-11-07 ", "it"]);
        assert_eq!(wrap_words("to 2026-11-07", 8), ["to ", "2026-11-", "07"]);
        assert_eq!(wrap("", 5, 9), [""]);
        assert_eq!(wrap("日", 1, 9), ["日"]);
    }
}
