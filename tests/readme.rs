//! Keeps README.md true: its lists of questions and of columns are written from the code.
//!
//! `UPDATE_GOLDEN=1 cargo test --test readme` writes them anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;

use rolecall::lake::schema;
use rolecall::sql::library::Library;

/// One cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn questions() -> String {
    let mut text = String::from("| name | what it answers | parameters |\n|---|---|---|\n");
    for query in Library::builtin().unwrap().list() {
        let params: Vec<_> = query.params.iter().map(|param| format!("`{}`", param.name)).collect();
        writeln!(text, "| `{}` | {} | {} |", query.name, cell(&query.title), params.join(", ")).unwrap();
    }
    text
}

fn tables() -> String {
    let mut text = String::new();
    for table in schema::TABLES.iter() {
        writeln!(text, "### `{}`\n\n{}\n\n| column | type | meaning |\n|---|---|---|", table.name, table.doc).unwrap();
        for column in table.columns {
            writeln!(text, "| {} | {} | {} |", column.name, column.kind.word(), cell(column.doc)).unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

/// The text with what stands between the marks of a section replaced.
fn replaced(text: &str, section: &str, body: &str) -> String {
    let open = format!("<!-- {section}: written by UPDATE_GOLDEN=1 cargo test --test readme -->\n");
    let close = format!("<!-- /{section} -->");
    let (before, rest) = text.split_once(&open).unwrap();
    let (_, after) = rest.split_once(&close).unwrap();
    format!("{before}{open}\n{body}\n{close}{after}")
}

#[test]
fn lists_are_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let want = replaced(&replaced(&text, "questions", &questions()), "tables", &tables());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &want).unwrap();
        return;
    }
    assert!(text == want, "README.md is behind the code: UPDATE_GOLDEN=1 cargo test --test readme writes it anew");
}
