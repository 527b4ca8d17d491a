//! Mistakes in the configuration in words that say where they stand and what was probably meant.

use std::path::Path;

use crate::error::Error;
use crate::words::nearest::nearest;

/// Turns an error of reading TOML into ours, with the file and the line.
pub fn explain(error: &toml::de::Error, text: &str, file: &Path) -> Error {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let section = section(text, line);
    said(error.message(), section).context("file", format!("{}:{line}", file.display()))
}

/// The header of the section that a line stands in, as it is written; empty above the first.
fn section(text: &str, line: usize) -> &str {
    let header = |line: &&str| line.trim_start().starts_with('[');
    text.lines().take(line).filter(header).last().map_or("", |line| line.split('#').next().unwrap_or(line).trim())
}

fn said(message: &str, section: &str) -> Error {
    let message = message.lines().next().unwrap_or(message);
    let mut named = message.split('`').skip(1).step_by(2);
    let first = named.next().unwrap_or_default();
    let near = || nearest(first, named.clone()).map(|near| format!("did you mean {near}?"));
    let known = || named.clone().collect::<Vec<_>>().join(", ");
    let hint = || near().or_else(|| Some(known()).filter(|k| !k.is_empty()).map(|k| format!("there are {k}")));
    let error = if message.starts_with("unknown field") {
        // Only a name that the whole schema does not have can stand above the sections or head one.
        let heads = section.trim_matches(['[', ']']).trim() == first;
        match section {
            "" => Error::usage(format!("there is no key '{first}'")),
            _ if heads => Error::usage(format!("there is no section '{first}'")),
            _ => Error::usage(format!("there is no key '{first}' in {section}")),
        }
    } else if message.starts_with("unknown variant") {
        Error::usage(format!("there is no '{first}' here, in {section}"))
    } else if message.starts_with("missing field") {
        return match first {
            "version" => Error::usage("the configuration has no version").hint("write `version = 1`"),
            _ => Error::usage(format!("{section} has no {first}")).hint(format!("write `{first} = ...`")),
        };
    } else {
        return Error::usage(message);
    };
    match hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
