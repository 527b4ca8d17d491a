//! The allow-list: findings that somebody has looked at and wants to see no more for a while. Each entry says why, who answers for it and until when.

use std::num::NonZeroU64;
use std::path::Path;

use chrono::NaiveDate;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

use super::{mistake, values};
use crate::error::{Error, Kind, Result};

/// The longest that an entry lasts.
pub const DAYS: i64 = 180;

/// Letters and digits that a pattern needs beside what every ARN has.
const LETTERS: usize = 4;

/// The file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowList {
    /// The entries, in the file's order: the first that fits a finding counts.
    #[serde(default, rename = "allow")]
    pub entries: Vec<Allowed>,
}

/// What an entry does to the findings that it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Hides them: they are counted and kept as suppressed.
    #[default]
    Drop,
    /// Takes one step from their severity.
    Downgrade,
    /// Says its reason beside theirs.
    Annotate,
}

impl Action {
    /// As the file writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Downgrade => "downgrade",
            Self::Annotate => "annotate",
        }
    }
}

/// `[[allow]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Its name, one of a kind.
    #[serde(deserialize_with = "values::named")]
    pub id: String,
    /// The detections that it is about; `*` for all.
    pub detections: Vec<String>,
    /// What it does; it hides where nothing is said.
    #[serde(default)]
    pub action: Action,
    /// What a finding has to be like: every field that is named has to fit.
    #[serde(rename = "match")]
    pub matching: Matching,
    /// Why.
    #[serde(deserialize_with = "values::named")]
    pub reason: String,
    /// Who answers for it.
    #[serde(deserialize_with = "values::named")]
    pub owner: String,
    /// The ticket, where there is one.
    pub ticket: Option<String>,
    /// The first day.
    #[serde(deserialize_with = "day")]
    pub created: NaiveDate,
    /// The first day on which it does nothing any more.
    #[serde(deserialize_with = "day")]
    pub expires: NaiveDate,
    /// The findings after which it does nothing any more, if that is before it expires.
    pub until_count: Option<NonZeroU64>,
}

/// `[allow.match]`. In texts `*` stands for any text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// The finding itself.
    #[serde(default)]
    pub fingerprint: Vec<String>,
    /// The identity that it is rolled up to.
    #[serde(default)]
    pub origin: Vec<String>,
    /// One of its principals.
    #[serde(default)]
    pub principal: Vec<String>,
    /// One of its roles.
    #[serde(default)]
    pub role: Vec<String>,
    /// All of its accounts.
    #[serde(default)]
    pub account: Vec<String>,
    /// All of its addresses, by address or network.
    #[serde(default)]
    pub source_ip: Vec<String>,
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::words::moment::date(&text).ok_or_else(|| de::Error::custom("write a date in quotes: '2026-11-30'"))
}

impl AllowList {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or an entry is wrong or too broad.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Error::usage("the allow-list cannot be read").context("file", file.display().to_string()).source(e)
        })?;
        Self::parse(&text, file)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// An entry is wrong or too broad.
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        let list: Self = toml::from_str(text).map_err(|e| mistake::explain(&e, text, file))?;
        let mut ids = std::collections::BTreeSet::new();
        for entry in &list.entries {
            let wrong = |why: String| {
                Error::usage(format!("the allow entry '{}' {why}", entry.id))
                    .context("file", file.display().to_string())
            };
            if !ids.insert(&entry.id) {
                return Err(wrong("is there twice".to_owned()));
            }
            entry.check().map_err(wrong)?;
        }
        Ok(list)
    }

    /// Adds an entry to the file, which keeps its comments; the file is made where it is missing.
    ///
    /// # Errors
    /// The entry is wrong or too broad, or the file cannot be written.
    pub fn add(file: &Path, entry: &Allowed) -> Result<()> {
        let unwritable = |e: std::io::Error| {
            Error::new(Kind::Output, "the allow-list cannot be written")
                .context("file", file.display().to_string())
                .source(e)
        };
        let mut text = match std::fs::read_to_string(file) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(unwritable)?,
        };
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text.push_str(&entry.written());
        Self::parse(&text, file)?;
        let draft = file.with_extension("part");
        std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, file)).map_err(unwritable)
    }
}

impl Allowed {
    fn check(&self) -> Result<(), String> {
        let m = &self.matching;
        let days = (self.expires - self.created).num_days();
        if days <= 0 {
            return Err("expires before it begins".to_owned());
        }
        if days > DAYS {
            return Err(format!("lasts {days} days; {DAYS} are the most"));
        }
        if self.detections.is_empty() || self.detections.iter().any(|id| id.trim().is_empty()) {
            return Err("names no detection; write their ids, or '*' for all".to_owned());
        }
        let texts = [&m.fingerprint, &m.origin, &m.principal, &m.role];
        let who = texts.iter().any(|list| !list.is_empty()) || !m.source_ip.is_empty();
        let all = self.detections.iter().any(|id| id.chars().all(|c| !c.is_alphanumeric()));
        if !who && (all || m.account.is_empty()) {
            return Err("is too broad: name a fingerprint, origin, principal, role or source_ip".to_owned());
        }
        for pattern in texts.into_iter().flatten() {
            if too_broad(pattern) {
                return Err(format!("is too broad: '{pattern}' fits nearly everything"));
            }
        }
        if let Some(account) = m.account.iter().find(|a| a.len() != 12 || !a.bytes().all(|b| b.is_ascii_digit())) {
            return Err(format!("names '{account}', which is no account"));
        }
        for text in &m.source_ip {
            let network = network(text).ok_or_else(|| format!("names '{text}', which is no address or network"))?;
            let least = if network.addr().is_ipv4() { 8 } else { 24 };
            if network.prefix_len() < least {
                return Err(format!("is too broad: {text} is larger than /{least}"));
            }
        }
        Ok(())
    }

    /// The entry as it stands in the file.
    fn written(&self) -> String {
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let list = |list: &[String]| format!("[{}]", list.iter().map(|one| text(one)).collect::<Vec<_>>().join(", "));
        let m = &self.matching;
        let mut out = format!(
            "[[allow]]\nid = {}\ndetections = {}\nreason = {}\nowner = {}\n",
            text(&self.id),
            list(&self.detections),
            text(&self.reason),
            text(&self.owner)
        );
        if let Some(ticket) = &self.ticket {
            out.push_str(&format!("ticket = {}\n", text(ticket)));
        }
        if self.action != Action::Drop {
            out.push_str(&format!("action = '{}'\n", self.action.as_str()));
        }
        out.push_str(&format!("created = '{}'\nexpires = '{}'\n", self.created, self.expires));
        if let Some(count) = self.until_count {
            out.push_str(&format!("until_count = {count}\n"));
        }
        out.push_str("[allow.match]\n");
        for (name, values) in [
            ("fingerprint", &m.fingerprint),
            ("origin", &m.origin),
            ("principal", &m.principal),
            ("role", &m.role),
            ("account", &m.account),
            ("source_ip", &m.source_ip),
        ] {
            if !values.is_empty() {
                out.push_str(&format!("{name} = {}\n", list(values)));
            }
        }
        out
    }
}

/// Whether a pattern says too little: what stands in it beside stars and an ARN's first words.
fn too_broad(pattern: &str) -> bool {
    if !pattern.contains('*') {
        return pattern.trim().is_empty();
    }
    let mut words: Vec<&str> = pattern.split([':', '/']).collect();
    words.retain(|word| !matches!(*word, "arn" | "aws" | "iam" | "sts" | "role" | "user" | "assumed-role"));
    let says = |word: &&str| !(word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit()));
    words.iter().filter(|word| says(word)).flat_map(|word| word.chars()).filter(|c| c.is_alphanumeric()).count()
        < LETTERS
}

/// An address or a network.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(entry: &str) -> String {
        let text = format!("[[allow]]\nid = 'x'\nreason = 'r'\nowner = 'o'\n{entry}\n");
        AllowList::parse(&text, Path::new("allow.toml")).err().map_or_else(String::new, |e| e.to_string())
    }

    #[test]
    fn entries_end_and_are_not_too_broad() {
        let dates = "created = '2026-11-01'\nexpires = '2026-11-30'";
        assert_eq!(
            told(&format!(
                "detections = ['CTAR-021']\n{dates}\n[allow.match]\nrole = ['arn:aws:iam::*:role/pentest-*']"
            )),
            ""
        );
        for (rest, words) in [
            (
                "detections = ['CTAR-021']\ncreated = '2026-01-01'\nexpires = '2026-12-01'\n[allow.match]\nrole = ['pentest']",
                "180 are the most",
            ),
            (
                "detections = ['CTAR-021']\ncreated = '2026-01-01'\nexpires = '2026-01-01'\n[allow.match]\nrole = ['pentest']",
                "expires before it begins",
            ),
            (
                "detections = ['CTAR-021']\ncreated = '2026-11-01'\nexpires = 'never'\n[allow.match]\nrole = ['pentest']",
                "write a date",
            ),
            (
                "detections = ['*']\ncreated = '2026-11-01'\nexpires = '2026-11-30'\n[allow.match]\naccount = ['111122223333']",
                "too broad",
            ),
            ("detections = ['*']\ncreated = '2026-11-01'\nexpires = '2026-11-30'\n[allow.match]\n", "too broad"),
            (
                "detections = ['*']\ncreated = '2026-11-01'\nexpires = '2026-11-30'\n[allow.match]\nrole = ['arn:aws:iam::111122223333:role/*']",
                "fits nearly everything",
            ),
            (
                "detections = ['*']\ncreated = '2026-11-01'\nexpires = '2026-11-30'\n[allow.match]\nsource_ip = ['0.0.0.0/0']",
                "larger than /8",
            ),
            (
                "detections = ['*']\ncreated = '2026-11-01'\nexpires = '2026-11-30'\n[allow.match]\nrolle = ['x']",
                "there is no key 'rolle'",
            ),
            (
                "detections = ['*']\ncreated = '2026-11-01'\nexpires = '2026-11-30'\nuntil_count = 0\n[allow.match]\nrole = ['pentest']",
                "nonzero",
            ),
            (
                "detections = []\ncreated = '2026-11-01'\nexpires = '2026-11-30'\n[allow.match]\nrole = ['pentest']",
                "names no detection",
            ),
        ] {
            assert!(told(rest).contains(words), "{rest}: {}", told(rest));
        }
    }

    #[test]
    fn adding_keeps_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("allow.toml");
        std::fs::write(&file, "# reviewed by Kim\n").unwrap();
        let text = "[[allow]]\nid = 'a\"b'\ndetections = ['CTAR-001']\nreason = 'r'\nowner = 'o'\ncreated = '2026-11-01'\nexpires = '2026-11-30'\n[allow.match]\nfingerprint = ['f-1']\n";
        let mut entry = AllowList::parse(text, &file).unwrap().entries.remove(0);
        AllowList::add(&file, &entry).unwrap();
        entry.id = "second".to_owned();
        entry.until_count = NonZeroU64::new(3);
        AllowList::add(&file, &entry).unwrap();
        assert!(AllowList::add(&file, &entry).unwrap_err().to_string().contains("is there twice"));
        let kept = std::fs::read_to_string(&file).unwrap();
        assert!(kept.starts_with("# reviewed by Kim\n\n[[allow]]\n"), "{kept}");
        let ids: Vec<_> = AllowList::read(&file)
            .unwrap()
            .entries
            .into_iter()
            .map(|e| (e.id, e.until_count.map_or(0, u64::from)))
            .collect();
        assert_eq!(ids, [("a\"b".to_owned(), 0), ("second".to_owned(), 3)]);
    }
}
