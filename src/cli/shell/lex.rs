//! SQL in pieces, also where it is not finished: what is typed has open quotes most of the time.
//!
//! The pieces are those of PostgreSQL's dialect, which the engine reads. Together they are the text, byte for byte.

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// White space.
    Space,
    /// `-- ...` or `/* ... */`.
    Comment,
    /// A keyword or a name.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A text in single quotes or between dollars.
    Text,
    /// A number.
    Number,
    /// `$name`.
    Placeholder,
    /// The end of a statement.
    Semicolon,
    /// One other character.
    Sign,
}

/// A piece of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Whether it is finished; only quotes and comments can be open.
    pub closed: bool,
}

impl Piece<'_> {
    /// Where the next piece begins.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it says nothing to the engine.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// Cuts SQL into pieces.
pub fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(rest) = sql.get(start..).filter(|rest| !rest.is_empty()) {
        let (kind, length, closed) = piece(rest);
        pieces.push(Piece { kind, text: &rest[..length], start, closed });
        start += length;
    }
    pieces
}

/// Kind, length and whether it is closed, of the first piece of a text that is not empty.
fn piece(rest: &str) -> (Kind, usize, bool) {
    let first = rest.chars().next().unwrap_or(' ');
    let while_all = |test: fn(char) -> bool| rest.find(|c| !test(c)).unwrap_or(rest.len());
    match first {
        c if c.is_whitespace() => (Kind::Space, while_all(char::is_whitespace), true),
        '-' if rest.starts_with("--") => match rest.find('\n') {
            Some(end) => (Kind::Comment, end, true),
            None => (Kind::Comment, rest.len(), false),
        },
        '/' if rest.starts_with("/*") => comment(rest),
        '\'' => quoted(rest, 0, '\'', false, Kind::Text),
        'e' | 'E' if rest[1..].starts_with('\'') => quoted(rest, 1, '\'', true, Kind::Text),
        '"' => quoted(rest, 0, '"', false, Kind::Quoted),
        '$' => dollar(rest),
        ';' => (Kind::Semicolon, 1, true),
        c if c.is_ascii_digit() => (Kind::Number, while_all(|c| c.is_alphanumeric() || c == '.' || c == '_'), true),
        c if c.is_alphabetic() || c == '_' => (Kind::Word, while_all(is_word), true),
        c => (Kind::Sign, c.len_utf8(), true),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// A text between two quotes, which stand inside it doubled or, where `escapes`, behind a backslash.
fn quoted(rest: &str, before: usize, quote: char, escapes: bool, kind: Kind) -> (Kind, usize, bool) {
    let mut chars = rest.char_indices().skip(before + 1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return (kind, at + 1, true);
        }
    }
    (kind, rest.len(), false)
}

/// Comments stand inside each other.
fn comment(rest: &str) -> (Kind, usize, bool) {
    let (mut depth, mut at) = (0, 0);
    while let Some(here) = rest.as_bytes().get(at..).filter(|here| !here.is_empty()) {
        let step = match here {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            return (Kind::Comment, at, true);
        }
    }
    (Kind::Comment, rest.len(), false)
}

/// `$name`, or a text between `$$` and `$$`, `$tag$` and `$tag$`.
fn dollar(rest: &str) -> (Kind, usize, bool) {
    let name = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(rest.len(), |end| end + 1);
    if !rest[name..].starts_with('$') {
        return (Kind::Placeholder, name, true);
    }
    let tag = &rest[..=name];
    match rest[tag.len()..].find(tag) {
        Some(end) => (Kind::Text, tag.len() + end + tag.len(), true),
        None => (Kind::Text, rest.len(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<(Kind, &str)> {
        let all = pieces(sql);
        assert_eq!(all.iter().map(|piece| piece.text).collect::<String>(), sql);
        all.into_iter().filter(|piece| piece.kind != Kind::Space).map(|piece| (piece.kind, piece.text)).collect()
    }

    #[test]
    fn quotes_and_comments_hide_what_they_hold() {
        assert_eq!(
            kinds("SELECT 'it''s; -- $x' , \"a;\"\"b\", E'\\';' -- ;\n/* ; /* ; */ ' */ ;"),
            [
                (Kind::Word, "SELECT"),
                (Kind::Text, "'it''s; -- $x'"),
                (Kind::Sign, ","),
                (Kind::Quoted, "\"a;\"\"b\""),
                (Kind::Sign, ","),
                (Kind::Text, "E'\\';'"),
                (Kind::Comment, "-- ;"),
                (Kind::Comment, "/* ; /* ; */ ' */"),
                (Kind::Semicolon, ";"),
            ]
        );
        assert_eq!(
            kinds("$$a;$b$$ $t$ ; $$ $t$ $n 1.5e3"),
            [
                (Kind::Text, "$$a;$b$$"),
                (Kind::Text, "$t$ ; $$ $t$"),
                (Kind::Placeholder, "$n"),
                (Kind::Number, "1.5e3"),
            ]
        );
    }

    #[test]
    fn what_is_open_reaches_to_the_end() {
        for sql in ["'a; b", "\"a; b", "E'a\\'", "$$ a; $", "$t$ a; $$", "/* /* */ ;", "-- a;", "müller 'ü"] {
            let all = pieces(sql);
            let last = all.last().unwrap();
            assert!(!last.closed && last.end() == sql.len(), "{sql}");
        }
        assert!(pieces("").is_empty());
    }

    #[test]
    fn the_pieces_are_those_of_the_engines_parser() {
        use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
        use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
        for sql in [
            "SELECT 'it''s;', E'\\';', \"a;b\", $$;$$, $t$;$t$ /* ; /* ; */ */ ; -- ;\n;",
            "SELECT $n, a->>'b;', 1.5e3, 'x\\'; SELECT 2",
        ] {
            let theirs = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().unwrap();
            let ends = theirs.iter().filter(|token| **token == Token::SemiColon).count();
            assert_eq!(pieces(sql).iter().filter(|piece| piece.kind == Kind::Semicolon).count(), ends, "{sql}");
        }
    }
}
