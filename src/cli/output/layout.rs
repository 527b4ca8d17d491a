//! How wide a table's columns are, pure arithmetic over widths on a terminal.

pub use crate::words::lines::{width, wrap, wrap_words};

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
