//! A saved question's parameter: its name, type, default and explanation, and the typed value that a text stands for.
//!
//! Values are bound to the plan and never pasted into SQL.

use std::fmt;

use arrow::datatypes::{DataType, IntervalMonthDayNano};
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::ScalarValue;

use super::moment;

/// The types that a parameter can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A point in time, UTC.
    Timestamp,
    /// A day.
    Date,
    /// A span of time; SQL sees an interval.
    Duration,
    /// Texts separated by commas; SQL sees a list.
    List,
}

const KINDS: [(&str, Kind); 8] = [
    ("text", Kind::Text),
    ("int", Kind::Int),
    ("float", Kind::Float),
    ("bool", Kind::Bool),
    ("timestamp", Kind::Timestamp),
    ("date", Kind::Date),
    ("duration", Kind::Duration),
    ("list", Kind::List),
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KINDS.iter().find(|(_, kind)| kind == self).map_or("", |(word, _)| word))
    }
}

impl Kind {
    /// The type that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }

    /// The words that name types.
    pub fn words() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(word, _)| *word)
    }

    /// What to write for a value of this type.
    pub fn form(self) -> &'static str {
        match self {
            Kind::Text => "write any text",
            Kind::Int => "write a whole number",
            Kind::Float => "write a number",
            Kind::Bool => "write true or false",
            Kind::Timestamp => moment::FORMS,
            Kind::Date => "write a date: 2026-11-07",
            Kind::Duration => moment::DURATION_FORMS,
            Kind::List => "write values separated by commas",
        }
    }

    /// The typed null, for a parameter that is not given.
    pub fn null(self) -> ScalarValue {
        match self {
            Kind::Text => ScalarValue::Utf8(None),
            Kind::Int => ScalarValue::Int64(None),
            Kind::Float => ScalarValue::Float64(None),
            Kind::Bool => ScalarValue::Boolean(None),
            Kind::Timestamp => ScalarValue::TimestampMicrosecond(None, Some("UTC".into())),
            Kind::Date => ScalarValue::Date32(None),
            Kind::Duration => ScalarValue::IntervalMonthDayNano(None),
            Kind::List => ScalarValue::new_null_list(DataType::Utf8, true, 1),
        }
    }

    /// The value that a text stands for; `now` is what "7d" counts back from. `None` where the text has another form.
    pub fn parse(self, text: &str, now: DateTime<Utc>) -> Option<ScalarValue> {
        let trimmed = text.trim();
        Some(match self {
            Kind::Text => ScalarValue::Utf8(Some(text.to_owned())),
            Kind::Int => ScalarValue::Int64(Some(trimmed.parse().ok()?)),
            Kind::Float => ScalarValue::Float64(Some(trimmed.parse::<f64>().ok().filter(|n| n.is_finite())?)),
            Kind::Bool => ScalarValue::Boolean(Some(trimmed.parse().ok()?)),
            Kind::Timestamp => {
                let time = moment::parse(trimmed, now)?.timestamp_micros();
                ScalarValue::TimestampMicrosecond(Some(time), Some("UTC".into()))
            }
            Kind::Date => {
                let days = moment::date(trimmed)?.signed_duration_since(NaiveDate::default()).num_days();
                ScalarValue::Date32(Some(i32::try_from(days).ok()?))
            }
            Kind::Duration => {
                // Whole nanoseconds and no days, so that 24h and 1d compare as equal.
                let nanoseconds = moment::duration(trimmed)?.num_nanoseconds()?;
                ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 0, nanoseconds)))
            }
            Kind::List => {
                let items = trimmed.split(',').map(str::trim).filter(|item| !item.is_empty());
                list(&items.collect::<Vec<_>>())
            }
        })
    }
}

/// A list of texts, as SQL sees it.
pub fn list(items: &[&str]) -> ScalarValue {
    let items: Vec<_> = items.iter().map(|item| ScalarValue::Utf8(Some((*item).to_owned()))).collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&items, &DataType::Utf8))
}

/// What stands where the caller gives no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Default {
    /// A value must be given.
    Required,
    /// Null.
    Null,
    /// This text, read like the caller's own.
    Text(String),
}

/// One parameter of a saved question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The name, without `$`.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What stands where no value is given.
    pub default: Default,
    /// What it is for.
    pub explanation: String,
}

impl Param {
    /// Reads `name type [= default] explanation`. A default with spaces stands in single quotes.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = word(text);
        let named = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !named || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(format!("'{name}' is no parameter name: small letters, digits and _"));
        }
        let (kind, rest) = word(rest);
        let kind = Kind::from_word(kind).ok_or_else(|| {
            let known: Vec<_> = Kind::words().collect();
            format!("parameter {name}: '{kind}' is no type; known are {}", known.join(", "))
        })?;
        let (default, explanation) = match rest.strip_prefix('=') {
            None => (Default::Required, rest),
            Some(rest) => {
                let (default, rest) = quoted(rest.trim_start()).unwrap_or_else(|| word(rest.trim_start()));
                let default = match default {
                    "null" => Default::Null,
                    text => Default::Text(text.to_owned()),
                };
                (default, rest)
            }
        };
        if let Default::Text(text) = &default
            && kind.parse(text, DateTime::UNIX_EPOCH).is_none()
        {
            return Err(format!("parameter {name}: the default '{text}' is no {kind}; {}", kind.form()));
        }
        if explanation.is_empty() {
            return Err(format!("parameter {name} has no explanation"));
        }
        Ok(Self { name: name.to_owned(), kind, default, explanation: explanation.to_owned() })
    }
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// A text in single quotes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('\'')?.split_once('\'')?;
    Some((inside, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(text: &str) -> Param {
        Param::parse(text).unwrap()
    }

    #[test]
    fn declarations() {
        let p = param("role text Role name or ARN");
        assert_eq!((p.name.as_str(), p.kind, p.default), ("role", Kind::Text, Default::Required));
        assert_eq!(p.explanation, "Role name or ARN");
        assert_eq!(param("since timestamp = 30d From when on").default, Default::Text("30d".to_owned()));
        assert_eq!(param("role text = null All roles where not given").default, Default::Null);
        assert_eq!(param("like text = 'a b' A pattern").default, Default::Text("a b".to_owned()));
        assert_eq!(param("like text = '' A pattern").default, Default::Text(String::new()));
    }

    #[test]
    fn wrong_declarations_say_why() {
        for (text, words) in [
            ("Role text x", "no parameter name"),
            ("role words x", "'words' is no type"),
            ("role text", "no explanation"),
            ("n int = ten x", "is no int"),
            ("since timestamp = yesterday x", "is no timestamp"),
        ] {
            let error = Param::parse(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn values_have_types() {
        let now = DateTime::from_timestamp(86_400, 0).unwrap();
        for (kind, text, expected) in [
            (Kind::Text, " a ", ScalarValue::from(" a ")),
            (Kind::Int, "15", ScalarValue::from(15i64)),
            (Kind::Float, "0.5", ScalarValue::from(0.5)),
            (Kind::Bool, "true", ScalarValue::from(true)),
            (Kind::Timestamp, "1h", ScalarValue::TimestampMicrosecond(Some(82_800_000_000), Some("UTC".into()))),
            (Kind::Date, "1970-01-03", ScalarValue::Date32(Some(2))),
            (Kind::Duration, "1m", ScalarValue::new_interval_mdn(0, 0, 60_000_000_000)),
        ] {
            assert_eq!(kind.parse(text, now), Some(expected), "{text}");
        }
        for (kind, text) in [(Kind::Int, "1.5"), (Kind::Float, "NaN"), (Kind::Bool, "yes"), (Kind::Duration, "1y")] {
            assert_eq!(kind.parse(text, now), None, "{text}");
        }
        let list = Kind::List.parse("a, b,", now).unwrap();
        assert_eq!(list.to_string(), "[a, b]");
        for (_, kind) in KINDS {
            assert!(kind.null().is_null());
        }
    }
}
