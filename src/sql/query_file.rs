//! A query file: one statement with a header of `-- key: value` lines, read strictly.
//!
//! A mistake is told with file and line when the file is loaded, not when somebody runs it at night.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use datafusion::sql::parser::DFParser;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::nearest::nearest;
use super::parameter::{Default, Param};
use crate::error::{Error, Result};

/// One saved question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The file's name without `.sql`.
    pub name: String,
    /// Where it is from: a path.
    pub file: String,
    /// One line that says what it answers.
    pub title: String,
    /// What it does and how to read the answer.
    pub description: String,
    /// The question catalogue's id.
    pub id: Option<String>,
    /// The group that it is listed under.
    pub theme: Option<String>,
    /// critical, high, medium, low or info.
    pub severity: Option<String>,
    /// ATT&CK technique ids.
    pub attack: Vec<String>,
    /// What must be there for a true answer.
    pub needs: Option<String>,
    /// What looks the same and is harmless.
    pub false_positives: Option<String>,
    /// Where to read more.
    pub reference: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What the caller can set, in the file's order.
    pub params: Vec<Param>,
    /// The whole file, header and all: comments do no harm to SQL, and line numbers stay right.
    pub sql: String,
}

const KEYS: [&str; 11] = [
    "title",
    "description",
    "id",
    "theme",
    "param",
    "severity",
    "attack",
    "needs",
    "false_positives",
    "reference",
    "tags",
];
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

/// The header's values with their lines.
#[derive(std::default::Default)]
struct Header<'a> {
    values: Vec<(usize, &'a str, &'a str)>,
}

impl<'a> Header<'a> {
    fn take(&self, key: &str) -> Option<(usize, &'a str)> {
        self.values.iter().find(|(_, k, _)| *k == key).map(|(line, _, value)| (*line, *value))
    }

    fn text(&self, key: &str) -> Option<String> {
        self.take(key).map(|(_, value)| value.to_owned())
    }

    fn words(&self, key: &str) -> Vec<String> {
        let value = self.take(key).map_or("", |(_, value)| value);
        value.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

impl Query {
    /// Reads a query file. `file` is what messages name.
    ///
    /// # Errors
    /// Anything that is not as the contract says, with file and line.
    pub fn parse(name: &str, file: &str, sql: &str) -> Result<Self> {
        let wrong = |line: usize, what: String| Error::usage(format!("{file}:{line}: {what}"));
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(wrong(1, format!("'{name}' is no name for a query file: small letters, digits and -")));
        }
        let header = read_header(sql, &wrong)?;
        for key in ["title", "description"] {
            if header.take(key).is_none() {
                return Err(wrong(1, format!("the header has no '{key}'")).hint(format!("add the line: -- {key}: ...")));
            }
        }
        if let Some((line, severity)) = header.take("severity")
            && !SEVERITIES.contains(&severity)
        {
            return Err(wrong(line, format!("'{severity}' is no severity: {}", SEVERITIES.join(", "))));
        }
        let params = read_params(&header, &wrong)?;
        check_statement(sql, &params, &wrong)?;
        Ok(Self {
            name: name.to_owned(),
            file: file.to_owned(),
            title: header.text("title").unwrap_or_default(),
            description: header.text("description").unwrap_or_default(),
            id: header.text("id"),
            theme: header.text("theme"),
            severity: header.text("severity"),
            attack: header.words("attack"),
            needs: header.text("needs"),
            false_positives: header.text("false_positives"),
            reference: header.text("reference"),
            tags: header.words("tags"),
            params: params.into_iter().map(|(_, param)| param).collect(),
            sql: sql.to_owned(),
        })
    }

    /// The values to bind: what the caller gives, typed, and the defaults of the rest.
    ///
    /// # Errors
    /// A name that the question does not have, a value of another type, a missing value.
    pub fn bind(&self, given: &[(String, String)]) -> Result<Vec<(String, ScalarValue)>> {
        self.bind_at(given, Utc::now())
    }

    fn bind_at(&self, given: &[(String, String)], now: DateTime<Utc>) -> Result<Vec<(String, ScalarValue)>> {
        for (place, (name, _)) in given.iter().enumerate() {
            if !self.params.iter().any(|param| param.name == *name) {
                return Err(self.unknown_parameter(name));
            }
            if given[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(Error::usage(format!("the parameter '{name}' is given twice")));
            }
        }
        self.params
            .iter()
            .map(|param| {
                let given = given.iter().find(|(name, _)| *name == param.name).map(|(_, value)| value.as_str());
                let text = match (given, &param.default) {
                    (Some(text), _) => text,
                    (None, Default::Text(text)) => text,
                    (None, Default::Null) => return Ok((param.name.clone(), param.kind.null())),
                    (None, Default::Required) => return Err(self.missing_parameter(param)),
                };
                let value = param.kind.parse(text, now).ok_or_else(|| {
                    Error::usage(format!("'{text}' is no {} for the parameter '{}'", param.kind, param.name))
                        .context("parameter", format!("{}: {}", param.name, param.explanation))
                        .hint(param.kind.form())
                })?;
                Ok((param.name.clone(), value))
            })
            .collect()
    }

    fn unknown_parameter(&self, name: &str) -> Error {
        let error = Error::usage(format!("the question '{}' has no parameter '{name}'", self.name));
        let names: Vec<_> = self.params.iter().map(|param| param.name.as_str()).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None if names.is_empty() => error.hint("it takes no parameters"),
            None => error.hint(format!("its parameters are {}", names.join(", "))),
        }
    }

    fn missing_parameter(&self, param: &Param) -> Error {
        Error::usage(format!("the question '{}' needs the parameter '{}'", self.name, param.name))
            .context("parameter", format!("{} ({}): {}", param.name, param.kind, param.explanation))
            .hint(format!("rolecall ask {} {}=...", self.name, param.name))
    }
}

/// Whether a text begins like a query file: with a comment that names one of the header's keys.
pub fn has_header(sql: &str) -> bool {
    let first = sql.lines().next().and_then(|line| line.strip_prefix("--")).and_then(|line| line.split_once(':'));
    first.is_some_and(|(key, _)| KEYS.contains(&key.trim()))
}

fn read_header<'a>(sql: &'a str, wrong: &impl Fn(usize, String) -> Error) -> Result<Header<'a>> {
    let mut header = Header::default();
    for (index, text) in sql.lines().enumerate() {
        let line = index + 1;
        let Some(text) = text.strip_prefix("--") else { break };
        let Some((key, value)) = text.split_once(':').map(|(key, value)| (key.trim(), value.trim())) else {
            return Err(wrong(
                line,
                "the header's lines are `-- key: value`; put other comments below the statement".into(),
            ));
        };
        if !KEYS.contains(&key) {
            let error = wrong(line, format!("unknown key '{key}'"));
            return Err(match nearest(key, KEYS) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint(format!("known keys are {}", KEYS.join(", "))),
            });
        }
        if value.is_empty() {
            return Err(wrong(line, format!("'{key}' has no value")));
        }
        if let Some((first, _)) = header.take(key).filter(|_| key != "param") {
            return Err(wrong(line, format!("'{key}' is there twice, first on line {first}")));
        }
        header.values.push((line, key, value));
    }
    Ok(header)
}

fn read_params(header: &Header<'_>, wrong: &impl Fn(usize, String) -> Error) -> Result<Vec<(usize, Param)>> {
    let mut params: Vec<(usize, Param)> = Vec::new();
    for (line, _, value) in header.values.iter().filter(|(_, key, _)| *key == "param") {
        let param = Param::parse(value).map_err(|what| wrong(*line, what))?;
        if let Some((first, _)) = params.iter().find(|(_, earlier)| earlier.name == param.name) {
            return Err(wrong(
                *line,
                format!("the parameter '{}' is declared twice, first on line {first}", param.name),
            ));
        }
        params.push((*line, param));
    }
    Ok(params)
}

/// One statement, and its `$names` are the declared ones: no more, no fewer.
fn check_statement(sql: &str, params: &[(usize, Param)], wrong: &impl Fn(usize, String) -> Error) -> Result<()> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().map_err(|e| {
        wrong(usize::try_from(e.location.line).unwrap_or(1).max(1), format!("this is no SQL: {}", e.message))
    })?;
    let mut used = BTreeSet::new();
    for token in &tokens {
        let Token::Placeholder(name) = &token.token else { continue };
        let line = usize::try_from(token.span.start.line).unwrap_or(1);
        let name = name.strip_prefix('$').unwrap_or(name);
        if !params.iter().any(|(_, param)| param.name == name) {
            return Err(wrong(line, format!("the parameter ${name} is not declared"))
                .hint(format!("add to the header: -- param: {name} text What it is for")));
        }
        used.insert(name);
    }
    if let Some((line, param)) = params.iter().find(|(_, param)| !used.contains(param.name.as_str())) {
        return Err(wrong(*line, format!("the parameter ${} is declared and never used", param.name)));
    }
    let statements = DFParser::parse_sql_with_dialect(sql, &PostgreSqlDialect {})
        .map_err(|e| wrong(1, format!("this is no SQL: {e}")))?;
    if statements.len() != 1 {
        return Err(wrong(1, format!("a query file holds one statement, not {}", statements.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
-- title: Who could act at a time
-- description: Sessions alive at $at is not a parameter here; see below.
-- id: A12
-- theme: time
-- param: at timestamp The time
-- param: role text = null Only this role; all where not given
-- severity: low
-- attack: T1078.004, T1550
-- tags: time alive
SELECT '$text', \"$x\", session_id FROM sessions -- $comment
WHERE issued_at <= $at AND valid_until > $at AND ($role IS NULL OR role_name = $role);
";

    fn parse(sql: &str) -> Result<Query> {
        Query::parse("alive-at", "alive-at.sql", sql)
    }

    fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_good_file() {
        let query = parse(GOOD).unwrap();
        assert_eq!(query.title, "Who could act at a time");
        assert_eq!(query.attack, ["T1078.004", "T1550"]);
        assert_eq!(query.tags, ["time", "alive"]);
        assert_eq!(query.params.len(), 2);
        assert_eq!(query.sql, GOOD);
    }

    #[test]
    fn mistakes_have_a_line() {
        for (from, to, expected) in [
            ("-- title: Who could act at a time\n", "", "alive-at.sql:1: the header has no 'title'"),
            ("-- id:", "-- idd:", "alive-at.sql:3: unknown key 'idd'"),
            ("-- id: A12", "-- title: again", "alive-at.sql:3: 'title' is there twice, first on line 1"),
            ("-- id: A12", "-- id:", "alive-at.sql:3: 'id' has no value"),
            (
                "-- id: A12",
                "-- a comment",
                "alive-at.sql:3: the header's lines are `-- key: value`; put other comments below the statement",
            ),
            (
                "severity: low",
                "severity: dire",
                "alive-at.sql:7: 'dire' is no severity: critical, high, medium, low, info",
            ),
            (
                "param: role text",
                "param: at text",
                "alive-at.sql:6: the parameter 'at' is declared twice, first on line 5",
            ),
            ("valid_until > $at", "valid_until > $then", "alive-at.sql:11: the parameter $then is not declared"),
            (
                "($role IS NULL OR role_name = $role)",
                "true",
                "alive-at.sql:6: the parameter $role is declared and never used",
            ),
            ("$role);", "$role); SELECT 1", "alive-at.sql:1: a query file holds one statement, not 2"),
            ("SELECT '$text'", "SELECT '$text", "alive-at.sql:11: this is no SQL: Unterminated string literal"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = parse(&GOOD.replace(from, to)).unwrap_err().to_string();
            if expected.contains("no SQL") {
                assert!(error.contains("this is no SQL"), "{error}");
            } else {
                assert_eq!(error, expected);
            }
        }
        assert!(Query::parse("Alive at", "x.sql", GOOD).unwrap_err().to_string().contains("is no name"));
    }

    #[test]
    fn values_are_bound_with_types_and_defaults() {
        let query = parse(GOOD).unwrap();
        let bound = query.bind(&given(&[("at", "1970-01-01T00:00:01Z")])).unwrap();
        let at = ScalarValue::TimestampMicrosecond(Some(1_000_000), Some("UTC".into()));
        assert_eq!(bound, [("at".to_owned(), at), ("role".to_owned(), ScalarValue::Utf8(None))]);
    }

    #[test]
    fn wrong_values_say_what_to_write() {
        let query = parse(GOOD).unwrap();
        let missing = query.bind(&[]).unwrap_err();
        assert_eq!(missing.to_string(), "the question 'alive-at' needs the parameter 'at'");
        assert_eq!(missing.contexts()[0].1, "at (timestamp): The time");
        let unknown = query.bind(&given(&[("at", "now"), ("rolle", "x")])).unwrap_err();
        assert_eq!(unknown.hints(), ["did you mean role?"]);
        let typed = query.bind(&given(&[("at", "noon")])).unwrap_err();
        assert_eq!(typed.to_string(), "'noon' is no timestamp for the parameter 'at'");
        assert!(query.bind(&given(&[("at", "now"), ("at", "now")])).is_err());
    }
}
