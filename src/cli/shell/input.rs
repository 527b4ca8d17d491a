//! What is typed or read, line by line, into statements and commands: a statement ends with `;`, a command with its line.

use super::lex::{Kind, pieces};

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// A statement without its `;`, or a command with its backslash.
    pub text: String,
    /// The line that it begins on, from 1.
    pub line: usize,
}

impl Item {
    /// Whether it is a command.
    pub fn is_command(&self) -> bool {
        self.text.starts_with('\\')
    }
}

/// Lines that are not yet done with.
#[derive(Debug)]
pub struct Input {
    pending: String,
    /// The line that `pending` begins on.
    line: usize,
}

impl Input {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self { pending: String::new(), line: 1 }
    }

    /// Takes a line, or several.
    pub fn push(&mut self, lines: &str) {
        self.pending.push_str(lines);
        if !lines.ends_with('\n') {
            self.pending.push('\n');
        }
    }

    /// Takes out the next statement or command that is finished.
    pub fn next(&mut self) -> Option<Item> {
        let pieces = pieces(&self.pending);
        let first = pieces.iter().find(|piece| !piece.is_blank())?;
        let (start, command) = (first.start, first.text == "\\");
        let end = if command {
            start + self.pending[start..].find('\n')?
        } else {
            pieces.iter().find(|piece| piece.kind == Kind::Semicolon)?.start
        };
        let text = self.pending[start..end].trim_end().to_owned();
        let line = self.line + lines(&self.pending[..start]);
        self.line += lines(&self.pending[..=end]);
        self.pending.drain(..=end);
        // A lone `;` says nothing.
        if text.is_empty() { self.next() } else { Some(Item { text, line }) }
    }

    /// Takes out what is left where nothing more will come.
    pub fn rest(&mut self) -> Option<Item> {
        let first = pieces(&self.pending).into_iter().find(|piece| !piece.is_blank()).map(|piece| piece.start);
        let line = self.line + lines(&self.pending[..first.unwrap_or(0)]);
        let text = first.map(|start| self.pending[start..].trim_end().to_owned());
        self.pending.clear();
        text.map(|text| Item { text, line })
    }

    /// Whether something is begun and not finished.
    pub fn is_open(&self) -> bool {
        pieces(&self.pending).iter().any(|piece| !piece.is_blank() || (!piece.closed && piece.text.starts_with("/*")))
    }
}

fn lines(text: &str) -> usize {
    text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line's number and an item that begins there.
    type Numbered = (usize, String);

    fn items(text: &str) -> (Vec<Numbered>, Option<Numbered>) {
        let mut input = Input::new();
        let mut done = Vec::new();
        for line in text.lines() {
            input.push(line);
            while let Some(item) = input.next() {
                done.push((item.line, item.text));
            }
        }
        (done, input.rest().map(|item| (item.line, item.text)))
    }

    #[test]
    fn statements_end_with_a_semicolon_and_commands_with_their_line() {
        let (done, rest) =
            items("-- what is there\n\\d sessions\nSELECT ';'\n  AS x; ; SELECT 2; \\timing\n\nSELECT\n3");
        let done: Vec<_> = done.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(done, [(2, "\\d sessions"), (3, "SELECT ';'\n  AS x"), (4, "SELECT 2"), (4, "\\timing")]);
        assert_eq!(rest, Some((6, "SELECT\n3".to_owned())));
        assert_eq!(items("SELECT 1;\n-- the end").1, None);
    }

    #[test]
    fn what_is_begun_is_open() {
        let open = |text: &str| {
            let mut input = Input::new();
            input.push(text);
            while input.next().is_some() {}
            input.is_open()
        };
        for text in ["SELECT 1", "SELECT ';", "SELECT 1; SELECT", "/* a", "SELECT 1 -- ;"] {
            assert!(open(text), "{text}");
        }
        for text in ["", " \n", "SELECT 1;", "\\d", "-- a", "SELECT 1; -- done", "\\d; SELECT"] {
            assert!(!open(text), "{text}");
        }
    }
}
