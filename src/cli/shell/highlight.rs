//! Colours for what is typed: keywords, names that are known, texts, numbers, comments.

use std::sync::Arc;

use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

use super::catalogue::Catalogue;
use super::complete::KEYWORDS;
use super::lex::{Kind, Piece, pieces};

/// Colours by what the engine knows.
pub struct Colours {
    catalogue: Arc<Catalogue>,
}

impl Colours {
    /// Names are known from `catalogue`.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue }
    }

    fn style(&self, piece: &Piece<'_>, called: bool) -> Style {
        let plain = Style::new();
        match piece.kind {
            Kind::Comment => plain.fg(Color::DarkGray),
            Kind::Text if !piece.closed => plain.fg(Color::Red),
            Kind::Text => plain.fg(Color::Green),
            Kind::Number => plain.fg(Color::Cyan),
            Kind::Placeholder => plain.fg(Color::Purple),
            Kind::Word if called && self.is_function(piece.text) => plain.fg(Color::Yellow),
            Kind::Word if KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(piece.text)) => {
                plain.fg(Color::Blue).bold()
            }
            Kind::Word if self.catalogue.table(piece.text).is_some() => plain.fg(Color::Purple),
            _ => plain,
        }
    }

    fn is_function(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.catalogue.functions.binary_search_by(|function| function.name.as_str().cmp(&word)).is_ok()
    }
}

impl Highlighter for Colours {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let mut styled = StyledText::new();
        let command = line.trim_start();
        if command.starts_with('\\') {
            let name = command.find(char::is_whitespace).unwrap_or(command.len());
            let (name, words) = line.split_at(line.len() - command.len() + name);
            styled.push((Style::new().fg(Color::Blue).bold(), name.to_owned()));
            styled.push((Style::new(), words.to_owned()));
            return styled;
        }
        let pieces = pieces(line);
        for (place, piece) in pieces.iter().enumerate() {
            let called = pieces.get(place + 1).is_some_and(|next| next.text == "(");
            styled.push((self.style(piece, called), piece.text.to_owned()));
        }
        styled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_has_its_colour() {
        let colours = Colours::new(Arc::new(Catalogue::sample()));
        let colour = |line: &str, word: &str| {
            let styled = colours.highlight(line, 0);
            assert_eq!(styled.buffer.iter().map(|(_, text)| text.as_str()).collect::<String>(), line);
            styled.buffer.iter().find(|(_, text)| text == word).and_then(|(style, _)| style.foreground)
        };
        let line = "select ip_kind(x), count FROM sessions WHERE a = 'select' AND n > 12 AND r = $role -- the end";
        for (word, expected) in [
            ("select", Some(Color::Blue)),
            ("ip_kind", Some(Color::Yellow)),
            ("count", None),
            ("sessions", Some(Color::Purple)),
            ("'select'", Some(Color::Green)),
            ("12", Some(Color::Cyan)),
            ("$role", Some(Color::Purple)),
            ("-- the end", Some(Color::DarkGray)),
            ("a", None),
        ] {
            assert_eq!(colour(line, word), expected, "{word}");
        }
        assert_eq!(colour("SELECT 'open", "'open"), Some(Color::Red));
        assert_eq!(colour("\\ask who-used-role", "\\ask"), Some(Color::Blue));
        assert_eq!(colour("", ""), None);
    }
}
