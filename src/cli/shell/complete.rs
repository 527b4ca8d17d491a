//! What can stand where the cursor is: tables after FROM, columns of the tables that the statement names, functions,
//! keywords; a command's words after a backslash.

use std::path::Path;
use std::sync::Arc;

use reedline::{Completer, CompletionResult, Span, Suggestion};

use super::catalogue::Catalogue;
use super::command::{COMMANDS, formats};
use super::lex::{Kind, Piece, pieces};
use crate::lake::schema::Table;
use crate::sql::parameter::Default as Given;
use crate::sql::schema::all_columns;

/// The keywords of questions, in the order in which they are offered.
pub const KEYWORDS: [&str; 58] = [
    "ALL",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FILTER",
    "FIRST",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LAST",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "RECURSIVE",
    "RIGHT",
    "SELECT",
    "THEN",
    "TIMESTAMP",
    "TRUE",
    "UNION",
    "UNNEST",
    "USING",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Keywords that a table follows.
const BEFORE_TABLES: [&str; 2] = ["FROM", "JOIN"];

/// Offers what fits.
pub struct Offers {
    catalogue: Arc<Catalogue>,
}

/// A word that can stand here, and what it is.
struct Offer {
    word: String,
    meaning: String,
    /// Whether another word follows.
    spaced: bool,
}

fn offer(word: impl Into<String>, meaning: impl Into<String>) -> Offer {
    Offer { word: word.into(), meaning: meaning.into(), spaced: true }
}

impl Offers {
    /// Offers names of `catalogue`.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue }
    }

    /// What can stand at `pos`, and where the word begins that it replaces.
    fn offers(&self, text: &str, pos: usize) -> (usize, Vec<Offer>) {
        let line_start = text[..pos].rfind('\n').map_or(0, |at| at + 1);
        let line = &text[line_start..pos];
        if line.trim_start().starts_with('\\') {
            let start = line.rfind([' ', '\t']).map_or(line.len() - line.trim_start().len(), |at| at + 1);
            return (line_start + start, self.of_command(&line[..start], &line[start..]));
        }
        self.of_statement(text, pos)
    }

    fn of_command(&self, before: &str, word: &str) -> Vec<Offer> {
        let words: Vec<&str> = before.split_whitespace().collect();
        match words.as_slice() {
            [] => COMMANDS.iter().map(|(name, _, meaning)| offer(*name, *meaning)).collect(),
            ["\\d"] => self.tables(),
            ["\\df"] => self.catalogue.functions.iter().map(|f| offer(&f.name, &f.meaning)).collect(),
            ["\\ask"] => self.catalogue.library.list().map(|query| offer(&query.name, &query.title)).collect(),
            ["\\ask", name, ..] => self.parameters(name, &words),
            ["\\format"] => formats().map(|format| offer(format, "")).collect(),
            ["\\timing" | "\\x"] => ["on", "off"].map(|word| offer(word, "")).into(),
            ["\\i" | "\\o"] => files(word),
            _ => Vec::new(),
        }
    }

    fn parameters(&self, question: &str, given: &[&str]) -> Vec<Offer> {
        let Ok(query) = self.catalogue.library.get(question) else { return Vec::new() };
        let free =
            query.params.iter().filter(|param| !given.iter().any(|g| g.starts_with(&format!("{}=", param.name))));
        free.map(|param| {
            let needed = if param.default == Given::Required { ", needed" } else { "" };
            let meaning = format!("{} ({}{needed})", param.explanation, param.kind);
            Offer { word: format!("{}=", param.name), meaning, spaced: false }
        })
        .collect()
    }

    fn tables(&self) -> Vec<Offer> {
        self.catalogue.tables.iter().map(|table| offer(table.name, table.doc)).collect()
    }

    fn of_statement(&self, text: &str, pos: usize) -> (usize, Vec<Offer>) {
        let all = pieces(text);
        let before = all.partition_point(|piece| piece.end() <= pos);
        // The cursor can stand inside a piece: what is behind it does not count.
        let cut = all.get(before).filter(|piece| piece.start < pos).map(|piece| (piece.kind, piece.start));
        let last = cut.or_else(|| all[..before].last().map(|piece| (piece.kind, piece.start)));
        let inside = cut.is_some() || all[..before].last().is_some_and(|piece| !piece.closed);
        let start = match last {
            Some((Kind::Word, start)) => start,
            Some((Kind::Text | Kind::Comment | Kind::Quoted, _)) if inside => return (pos, Vec::new()),
            Some((Kind::Number | Kind::Placeholder, _)) => return (pos, Vec::new()),
            _ => pos,
        };
        let ahead: Vec<&Piece<'_>> = all.iter().filter(|piece| piece.start < start && !piece.is_blank()).collect();
        let statement = statement(&all, start);
        let named = self.named(&statement);
        let offers = match ahead.as_slice() {
            [.., name, dot] if dot.text == "." => self.columns_of(name.text, &named),
            [.., last] if self.table_follows(&ahead, last) => {
                let mut tables = self.tables();
                tables.extend(with_names(&statement).map(|name| offer(name, "from WITH")));
                tables
            }
            [] => words(&["SELECT", "WITH", "EXPLAIN"]),
            [.., last] if last.kind == Kind::Semicolon => words(&["SELECT", "WITH", "EXPLAIN"]),
            _ => self.anything(&named),
        };
        (start, offers)
    }

    /// Whether a table stands here: after FROM and JOIN, and after a comma between tables.
    fn table_follows(&self, ahead: &[&Piece<'_>], last: &Piece<'_>) -> bool {
        let is = |piece: &Piece<'_>, words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(piece.text));
        if last.text != "," {
            return is(last, &BEFORE_TABLES);
        }
        let clause =
            ahead.iter().rev().find(|piece| is(piece, &["FROM", "SELECT", "WHERE", "BY", "ON", "HAVING", "("]));
        clause.is_some_and(|piece| is(piece, &["FROM"]))
    }

    /// The tables that a statement names, each with the name it goes by there.
    fn named<'a>(&self, statement: &[&Piece<'a>]) -> Vec<(&'a str, &'static Table)> {
        let mut named = Vec::new();
        for (place, piece) in statement.iter().enumerate() {
            let Some(table) = self.catalogue.table(piece.text.trim_matches('"')) else { continue };
            let rest = &statement[place + 1..];
            let alias = match rest {
                [again, alias, ..] if again.text.eq_ignore_ascii_case("AS") => Some(alias),
                [alias, ..] => Some(alias),
                [] => None,
            };
            let alias = alias.filter(|alias| alias.kind == Kind::Word && !is_keyword(alias.text));
            named.push((alias.map_or(piece.text, |alias| alias.text), table));
            named.push((table.name, table));
        }
        named
    }

    fn columns_of(&self, name: &str, named: &[(&str, &'static Table)]) -> Vec<Offer> {
        let name = name.trim_matches('"');
        let table = named.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, table)| *table);
        let Some(table) = table.or_else(|| self.catalogue.table(name)) else { return Vec::new() };
        all_columns(table).into_iter().map(|column| offer(column.name, column.doc)).collect()
    }

    /// Columns of the named tables, or of all where none is named yet; functions; keywords.
    fn anything(&self, named: &[(&str, &'static Table)]) -> Vec<Offer> {
        let mut tables: Vec<&Table> = named.iter().map(|(_, table)| *table).collect();
        if tables.is_empty() {
            tables.clone_from(&self.catalogue.tables);
        }
        let mut offers: Vec<Offer> = Vec::new();
        for column in tables.into_iter().flat_map(all_columns) {
            if !offers.iter().any(|offer| offer.word == column.name) {
                offers.push(offer(column.name, column.doc));
            }
        }
        offers.extend(self.catalogue.functions.iter().map(|function| Offer {
            word: format!("{}(", function.name),
            meaning: function.meaning.clone(),
            spaced: false,
        }));
        offers.extend(words(&KEYWORDS));
        offers
    }
}

fn words(words: &[&str]) -> Vec<Offer> {
    words.iter().map(|word| offer(*word, "")).collect()
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// The pieces of the statement around a place, without what says nothing.
fn statement<'b, 'a>(all: &'b [Piece<'a>], at: usize) -> Vec<&'b Piece<'a>> {
    let ends = |piece: &&Piece<'_>| piece.kind == Kind::Semicolon;
    let from = all.iter().filter(ends).map(Piece::end).take_while(|end| *end <= at).last().unwrap_or(0);
    let to = all.iter().filter(ends).map(|piece| piece.start).find(|start| *start >= at).unwrap_or(usize::MAX);
    all.iter().filter(|piece| piece.start >= from && piece.start < to && !piece.is_blank()).collect()
}

/// Names that WITH gives: `name AS (`.
fn with_names<'b, 'a>(statement: &'b [&'b Piece<'a>]) -> impl Iterator<Item = &'a str> + 'b {
    let named = |three: &&[&Piece<'_>]| three[1].text.eq_ignore_ascii_case("AS") && three[2].text == "(";
    statement.windows(3).filter(named).filter(|three| three[0].kind == Kind::Word).map(|three| three[0].text)
}

/// Files and folders that begin so.
fn files(begun: &str) -> Vec<Offer> {
    let folder = &begun[..begun.rfind('/').map_or(0, |at| at + 1)];
    let Ok(entries) = std::fs::read_dir(if folder.is_empty() { Path::new(".") } else { Path::new(folder) }) else {
        return Vec::new();
    };
    let name = |entry: std::fs::DirEntry| {
        let is_folder = entry.path().is_dir();
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .filter(|name| !name.starts_with('.') && !name.contains(char::is_whitespace))?;
        let end = if is_folder { "/" } else { "" };
        Some(Offer { word: format!("{folder}{name}{end}"), meaning: String::new(), spaced: !is_folder })
    };
    let mut offers: Vec<_> = entries.flatten().filter_map(name).collect();
    offers.sort_by(|a, b| a.word.cmp(&b.word));
    offers
}

/// A word in the letters that the user types in: keywords follow suit, names stay as they are.
fn in_letters_of(word: &str, typed: &str) -> String {
    let small = typed.chars().any(char::is_lowercase) || typed.is_empty();
    if small && is_keyword(word) { word.to_lowercase() } else { word.to_owned() }
}

impl Completer for Offers {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let Some(before) = line.get(..pos) else { return CompletionResult::fresh(Vec::new()) };
        let (start, offers) = self.offers(line, pos);
        let typed = &before[start..];
        let begun = typed.to_lowercase();
        let fits = |offer: &&Offer| offer.word.to_lowercase().starts_with(&begun);
        // What begins so comes first; what only holds it helps where nothing begins so.
        let mut found: Vec<&Offer> = offers.iter().filter(fits).collect();
        if found.is_empty() && begun.len() >= 2 {
            found = offers.iter().filter(|offer| offer.word.to_lowercase().contains(&begun)).collect();
        }
        let suggestions = found.into_iter().map(|offer| Suggestion {
            value: in_letters_of(&offer.word, typed),
            description: Some(offer.meaning.clone()).filter(|meaning| !meaning.is_empty()),
            span: Span::new(start, pos),
            append_whitespace: offer.spaced,
            ..Suggestion::default()
        });
        CompletionResult::fresh(suggestions.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is offered at `|`.
    fn offered(text: &str) -> Vec<String> {
        let pos = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let mut offers = Offers::new(Arc::new(Catalogue::sample()));
        offers.complete(&text, pos).suggestions().iter().map(|suggestion| suggestion.value.clone()).collect()
    }

    fn starts(text: &str, expected: &[&str]) {
        let offered = offered(text);
        assert_eq!(offered.iter().take(expected.len()).collect::<Vec<_>>(), expected, "{text}");
    }

    fn exactly(text: &str, expected: &[&str]) {
        assert_eq!(offered(text), expected, "{text}");
    }

    #[test]
    fn statements() {
        exactly("|", &["select", "with", "explain"]);
        exactly("SELECT 1; S|", &["SELECT"]);
        exactly(
            "select * from sess|",
            &[
                "sessions",
                "session_events",
                "session_names",
                "session_name_patterns",
                "session_addresses",
                "session_families",
                "session_links",
            ],
        );
        exactly("SELECT * FROM failures, unlin|", &["unlinked", "unlinked_issues"]);
        exactly("SELECT rea| FROM failures", &["reason"]);
        exactly("SELECT f.rea|\nFROM failures AS f", &["reason"]);
        exactly("SELECT f.rea|\nFROM failures f", &["reason"]);
        exactly("SELECT failures.rea| FROM sessions", &["reason"]);
        exactly("SELECT x.rea|", &[]);
        exactly("SELECT ip_i| FROM ledger", &["ip_in("]);
        exactly("SELECT 1 FROM ledger wh|", &["when", "where"]);
        exactly("SELECT 1 FROM ledger WH|", &["WHEN", "WHERE"]);
        exactly("WITH mine AS (SELECT 1) SELECT * FROM min|", &["mine"]);
        starts("SELECT | FROM role_edges", &["caller_type", "caller", "caller_account"]);
        // The statement counts, not its neighbours.
        exactly("SELECT * FROM failures; SELECT rea| FROM accounts;", &[]);
        // A part of a name finds it too.
        exactly("SELECT addres| FROM session_events", &["source_ip_address"]);
        for nothing in ["SELECT 'sess|'", "SELECT 'sess|", "SELECT 1 -- sel|", "SELECT 12|", "SELECT $ro|"] {
            exactly(nothing, &[]);
        }
    }

    #[test]
    fn commands() {
        exactly("\\|", &COMMANDS.map(|(name, _, _)| name));
        exactly("\\ti|", &["\\timing"]);
        exactly("\\d fail|", &["failures"]);
        exactly("\\df ip|", &["ip_in", "ip_kind"]);
        exactly("\\ask who-used|", &["who-used-role"]);
        exactly("\\ask who-used-role |", &["role=", "include_services="]);
        exactly("\\ask who-used-role role=x inc|", &["include_services="]);
        exactly("\\format m|", &["markdown"]);
        exactly("\\x o|", &["on", "off"]);
        exactly("\\i sample-l|", &["sample-logs/"]);
        exactly("\\i sample-logs/READ|", &["sample-logs/README.md"]);
        exactly("\\i no/such/folder/|", &[]);
    }

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
    }
}
