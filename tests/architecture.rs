//! Reads `src/` and holds it to the house rules: imports run one way, heavy crates stay in their rooms, files stay short.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The rooms, the lowest first. A room reads the rows below its own, never above and never beside.
const LEVELS: [&[&str]; 9] = [
    &["cloudtrail"],
    &["sts"],
    &["lake", "source"],
    &["sql", "ingest", "integrity"],
    &["detect"],
    &["report", "timeline"],
    &["serve"],
    &["cli"],
    &["main"],
];
/// What every room may read.
const COMMON: [&str; 5] = ["error", "escape", "words", "config", "failpoint"];
/// A crate and where alone it may be named.
const HEAVY: [(&str, &[&str]); 12] = [
    ("aws_sdk_s3", &["src/source/s3.rs", "src/source/s3/"]),
    ("aws_sdk_cloudtrail", &["src/integrity/fetch.rs"]),
    ("aws_lc_rs", &["src/integrity/signature.rs"]),
    ("deltalake", &["src/lake/"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("indicatif", &["src/cli/"]),
    ("zip", &["src/cloudtrail/", "src/source/"]),
    ("libdeflater", &["src/cloudtrail/"]),
    ("datafusion_postgres", &["src/serve/"]),
    ("maxminddb", &["src/sql/enrich.rs"]),
    ("toml", &["src/config/"]),
    ("serde_saphyr", &["src/detect/sigma/"]),
];
/// Crates that one file alone may name, whichever it is.
const ONE_FILE: [&str; 1] = ["comfy_table"];
const UNFINISHED: [&str; 6] = ["dbg!", "todo!", "unimplemented!", "FIXME", "XXX", "TODO"];
const LONGEST: usize = 450;
/// Two versions of these would not understand each other's data.
const ONE_VERSION: [&str; 4] = ["arrow", "datafusion", "object_store", "parquet"];

struct File {
    /// From the project's folder, with forward slashes.
    path: String,
    /// The lines before the tests.
    lines: Vec<String>,
}

impl File {
    /// The modules from the crate's root to this file; none for lib.rs and main.rs.
    fn modules(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut modules: Vec<_> = inner.split('/').collect();
        if matches!(modules.last(), Some(&("mod" | "lib" | "main"))) {
            modules.pop();
        }
        modules
    }

    fn room(&self) -> &str {
        if self.path == "src/main.rs" { "main" } else { self.modules().first().copied().unwrap_or("lib") }
    }
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

fn files() -> Vec<File> {
    let mut paths = Vec::new();
    walk(&project().join("src"), ".rs", &mut paths);
    paths.sort();
    let file = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let tests = lines.windows(2).position(|w| w[0].trim() == "#[cfg(test)]" && w[1].trim().starts_with("mod "));
        let path = path.strip_prefix(project()).unwrap().to_string_lossy().replace('\\', "/");
        File { path, lines: lines[..tests.unwrap_or(lines.len())].to_vec() }
    };
    let files: Vec<_> = paths.iter().map(file).filter(|file| !file.path.ends_with("/tests.rs")).collect();
    assert!(!files.is_empty());
    files
}

fn level(room: &str) -> Option<usize> {
    LEVELS.iter().position(|rooms| rooms.contains(&room))
}

/// The word at the start of a text.
fn word(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
}

/// Whether a line has a mark as a word of its own.
fn marked(line: &str, mark: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(mark)
        .any(|(at, _)| !inside(line[..at].chars().next_back()) && !inside(line[at + mark.len()..].chars().next()))
}

/// Whether a line of code, not of comment, has a name as a word of its own with `::` behind it.
fn names(line: &str, name: &str) -> bool {
    let code = line.trim_start();
    !code.starts_with("//")
        && code.match_indices(name).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let ours = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            !ours && code[at + name.len()..].starts_with("::")
        })
}

/// The rooms that a line reads: what follows `crate::`, `rolecall::`, or as many `super::` as lead to the crate's root.
fn rooms_read(line: &str, depth: usize) -> Vec<String> {
    let code = line.trim_start();
    if code.starts_with("//") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut after_root = |rest: &str| match rest.strip_prefix('{') {
        // A list of rooms: the first word of each part at the first level of braces.
        Some(list) => {
            let (mut nested, mut start) = (0, true);
            for (at, c) in list.char_indices() {
                match c {
                    '{' => nested += 1,
                    '}' if nested == 0 => break,
                    '}' => nested -= 1,
                    ',' if nested == 0 => start = true,
                    c if start && c.is_alphabetic() => {
                        found.push(word(&list[at..]).to_owned());
                        start = false;
                    }
                    _ => {}
                }
            }
        }
        None => found.push(word(rest).to_owned()),
    };
    for root in ["crate::", "rolecall::"] {
        for (at, _) in code.match_indices(root) {
            if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
                after_root(&code[at + root.len()..]);
            }
        }
    }
    let mut rest = code;
    while let Some(at) = rest.find("super::") {
        let mut supers = 0;
        rest = &rest[at..];
        while let Some(next) = rest.strip_prefix("super::") {
            supers += 1;
            rest = next;
        }
        if supers >= depth && depth > 0 {
            after_root(rest);
        }
    }
    found
}

fn none(what: &str, offences: &str) {
    assert!(offences.is_empty(), "{what}:\n{offences}");
}

#[test]
fn imports_run_one_way() {
    let mut offences = String::new();
    for file in files().iter().filter(|file| file.room() != "lib") {
        let room = file.room();
        let mine = level(room);
        if mine.is_none() && !COMMON.contains(&room) {
            writeln!(
                offences,
                "{}: the room '{room}' has no level; give it one in this test and in ARCHITECTURE.md",
                file.path
            )
            .unwrap();
        }
        for (number, line) in file.lines.iter().enumerate() {
            for read in rooms_read(line, file.modules().len()) {
                let Some(other) = level(&read).filter(|_| read != room) else { continue };
                if mine.is_none_or(|mine| other >= mine) {
                    writeln!(offences, "{}:{}: {room} reads {read}", file.path, number + 1).unwrap();
                }
            }
        }
    }
    none("imports that run up or beside", &offences);
}

#[test]
fn heavy_crates_stay_in_their_rooms() {
    let files = files();
    let mut offences = String::new();
    for file in &files {
        for (number, line) in file.lines.iter().enumerate() {
            for (name, places) in HEAVY {
                if names(line, name) && !places.iter().any(|place| file.path.starts_with(place)) {
                    writeln!(offences, "{}:{}: {name} belongs in {}", file.path, number + 1, places.join(", "))
                        .unwrap();
                }
            }
        }
    }
    for name in ONE_FILE {
        let users: Vec<_> =
            files.iter().filter(|f| f.lines.iter().any(|line| names(line, name))).map(|f| f.path.as_str()).collect();
        if users.len() > 1 {
            writeln!(offences, "{name} belongs in one file: {}", users.join(", ")).unwrap();
        }
    }
    none("crates outside their rooms", &offences);
}

#[test]
fn nothing_is_unfinished_and_no_file_is_long() {
    let mut offences = String::new();
    for file in files() {
        if file.lines.len() > LONGEST {
            writeln!(offences, "{}: {} lines before its tests, at most {LONGEST}", file.path, file.lines.len())
                .unwrap();
        }
    }
    let mut paths = Vec::new();
    for (folder, ending) in [("src", ".rs"), ("queries", ".sql"), ("benches", ".rs")] {
        walk(&project().join(folder), ending, &mut paths);
    }
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            for mark in UNFINISHED.iter().filter(|mark| marked(line, mark)) {
                writeln!(offences, "{}:{}: {mark}", path.display(), number + 1).unwrap();
            }
        }
    }
    none("unfinished or outgrown", &offences);
}

#[test]
fn one_version_of_what_carries_data() {
    let lock = std::fs::read_to_string(project().join("Cargo.lock")).unwrap();
    let mut offences = String::new();
    for name in ONE_VERSION {
        let entry = format!("name = \"{name}\"");
        let versions = lock.lines().filter(|line| *line == entry).count();
        if versions != 1 {
            writeln!(offences, "{versions} versions of {name} in Cargo.lock").unwrap();
        }
    }
    none("Cargo.lock", &offences);
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let read = |line: &str, depth| rooms_read(line, depth).join(" ");
    assert_eq!(read("use crate::lake::schema;", 2), "lake");
    assert_eq!(read("    let x = crate::sql::ask(rolecall::cli::run());", 2), "sql cli");
    assert_eq!(read("use crate::{error::Result, lake::{a, b}, sts};", 2), "error lake sts");
    assert_eq!(read("use super::sibling;", 2), "");
    assert_eq!(read("use super::ingest::run;", 1), "ingest");
    assert_eq!(read("use super::super::ingest;", 2), "ingest");
    assert_eq!(read("// crate::cli is above", 2), "");
    assert!(names("use clap::Parser;", "clap") && names("fn f(x: clap::Arg)", "clap"));
    assert!(!names("let unclap::x", "clap") && !names("crate::clap::x", "clap") && !names("//! clap::x", "clap"));
}
