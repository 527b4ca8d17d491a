//! The case folder: the same bytes for the same logs and arguments, every file named in a manifest with its hash.

mod manifest;
mod markdown;
mod mermaid;
mod records;
mod redact;
mod tables;
mod timesketch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::sql::session::Engine;

use super::Request;
use super::after::After;
use super::case::Case;
use super::page;
use super::screen::Story;
use manifest::First;
use records::Records;
use redact::Redaction;

pub use markdown::report as markdown;

const MANIFEST: &str = "manifest.json";

/// Records within the report, at most: beyond that the page grows too large, and they are in `timeline.jsonl` alone.
const RAW: usize = 60_000;

/// A folder to write into.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    redacted: bool,
    first: Option<First>,
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Output, "the case folder cannot be written")
        .context("path", path.display().to_string())
        .source(error)
}

fn micros(value: &Value) -> Option<i64> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|time| time.timestamp_micros())
}

impl Folder {
    /// A new folder, or one that rolecall wrote before.
    ///
    /// # Errors
    /// It cannot be made, or holds something else.
    pub fn new(path: &Path, redacted: bool) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| unwritable(path, e))?;
        let mut entries = std::fs::read_dir(path).map_err(|e| unwritable(path, e))?;
        if entries.next().is_some() && read(path).is_none() {
            return Err(Error::usage("the folder holds something else than a case")
                .context("folder", path.display().to_string())
                .hint("name a new folder, an empty one, or a case folder"));
        }
        Ok(Self { path: path.to_owned(), redacted, first: None })
    }

    /// A folder that is to be brought up to date, with what it was made from.
    ///
    /// # Errors
    /// It is no case folder, or a redacted one: that no longer says what it was made from.
    pub fn open(path: &Path) -> Result<(Request, Self)> {
        let broken = || {
            Error::usage("this is no case folder")
                .context("folder", path.display().to_string())
                .hint("rolecall timeline ANCHOR --out DIR makes one")
        };
        let manifest = read(path).ok_or_else(broken)?;
        let asked = manifest.get("arguments").ok_or_else(broken)?;
        if asked.get("redact").and_then(Value::as_bool) == Some(true) {
            return Err(
                Error::usage("a redacted case folder cannot be brought up to date").hint("write it anew with --out")
            );
        }
        let texts = |value: Option<&Value>| -> Vec<String> {
            value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let request = Request {
            anchors: texts(asked.get("anchors")),
            since: asked.get("since").and_then(micros),
            // Up to date means to the end of the logs.
            until: None,
            at: None,
            expand: asked.get("expand").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        };
        let first = manifest.get("first_written").ok_or_else(broken)?;
        let first = First {
            at: first.get("at").and_then(micros).ok_or_else(broken)?,
            sessions: texts(first.get("sessions")).into_iter().collect(),
        };
        Ok((request, Self { path: path.to_owned(), redacted: false, first: Some(first) }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is new since the folder was first written; none for a new folder.
    pub fn since(&self, case: &Case) -> Option<After> {
        self.first.as_ref().map(|first| After::of(case, first.at, &first.sessions))
    }

    /// Writes every file.
    ///
    /// # Errors
    /// The tables cannot be asked, or a file cannot be written.
    pub async fn write(&self, engine: &Engine, story: &Story, request: &Request) -> Result<()> {
        let case = &story.case;
        let records = Records::load(engine, case).await?;
        let shown = if self.redacted { Records::default() } else { records };
        let raw = |event: &super::events::Event| shown.get(&event.id, &event.account);
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        files.insert("timeline.jsonl", timesketch::jsonl(case, &shown));
        files.insert("timeline.csv", timesketch::csv(case, &shown)?);
        files.insert("sessions.csv", tables::sessions(case, &case.sessions)?);
        files.insert("family.csv", tables::sessions(case, &case.family)?);
        files.insert("edges.csv", tables::edges(case)?);
        files.insert("graph.mmd", mermaid::graph(case));
        files.insert("report.md", markdown(story));
        files.insert("iocs.csv", tables::iocs(case)?);
        files.insert("queries.sql", queries(case));
        let data = page::data(story, case.events.len() <= RAW, raw)?;
        let redaction = if self.redacted { Some(Redaction::of(case, &request.anchors)?) } else { None };
        let hide = |text: &str| redaction.as_ref().map_or_else(|| text.to_owned(), |redaction| redaction.apply(text));
        files.values_mut().for_each(|text| *text = hide(text));
        files.insert("report.html", page::render(&hide(&data.json), &data.raw)?);
        let mut outputs = BTreeMap::new();
        for (name, text) in &files {
            self.put(name, text.as_bytes())?;
            outputs.insert((*name).to_owned(), manifest::sha256(text.as_bytes()));
        }
        let known =
            || First { at: case.at, sessions: case.sessions.iter().map(|session| session.id.clone()).collect() };
        let first = self.first.clone().unwrap_or_else(known);
        let inputs = if self.redacted { Vec::new() } else { manifest::inputs(engine, &shown.objects).await? };
        let books = (inputs, manifest::coverage(engine, case).await?);
        let manifest = manifest::manifest(case, request, &first, self.redacted, books, &outputs);
        let text = serde_json::to_string_pretty(&manifest).map_err(|e| Error::internal("the manifest").source(e))?;
        self.put(MANIFEST, (hide(&text) + "\n").as_bytes())
    }

    /// Writes a file whole or not at all.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (place, draft) = (self.path.join(name), self.path.join(format!(".{name}.part")));
        std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, &place)).map_err(|e| unwritable(&place, e))
    }
}

fn read(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path.join(MANIFEST)).ok()?;
    let manifest: Value = serde_json::from_str(&text).ok()?;
    (manifest.get("tool").and_then(Value::as_str) == Some("rolecall")).then_some(manifest)
}

/// `queries.sql`: what was asked, to go on from.
fn queries(case: &Case) -> String {
    let mut text = String::from("-- What this case was made from. Ask on: rolecall sql \"...\" --lake LAKE\n");
    for (title, sql) in &case.queries {
        text.push_str(&format!("\n-- {title}\n{sql};\n"));
    }
    text
}

/// The timeline as JSON lines.
///
/// # Errors
/// The events cannot be asked; so with the others.
pub async fn jsonl(engine: &Engine, story: &Story) -> Result<String> {
    Ok(timesketch::jsonl(&story.case, &Records::load(engine, &story.case).await?))
}

/// The timeline as one JSON array.
pub async fn json(engine: &Engine, story: &Story) -> Result<String> {
    Ok(timesketch::array(&story.case, &Records::load(engine, &story.case).await?))
}

/// The timeline as CSV.
pub async fn csv(engine: &Engine, story: &Story) -> Result<String> {
    timesketch::csv(&story.case, &Records::load(engine, &story.case).await?)
}
