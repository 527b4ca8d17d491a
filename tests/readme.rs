//! Keeps README.md true: its lists of questions, columns and values are written from the code, and the columns are those that
//! the engine has.
//!
//! `UPDATE_GOLDEN=1 cargo test --test all readme` writes them anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rolecall::cloudtrail::Reason;
use rolecall::integrity::verdict::{Verdict, Why};
use rolecall::lake::schema::Type;
use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::library::Library;
use rolecall::sql::schema::{all_columns, documented};
use rolecall::sql::session::Engine;
use rolecall::sts::{denial, session_name};

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn questions() -> String {
    let mut text = String::new();
    let mut theme = None;
    for query in Library::builtin().unwrap().list() {
        if theme != query.theme {
            theme = query.theme.clone();
            let heading = query.theme.as_deref().unwrap_or_default();
            let (first, rest) = heading.split_at(1);
            writeln!(text, "\n### {}{rest}\n", first.to_uppercase()).unwrap();
            text.push_str("| id | name | what it answers | parameters |\n|---|---|---|---|\n");
        }
        let params: Vec<_> = query.params.iter().map(|param| format!("`{}`", param.name)).collect();
        let id = query.id.as_deref().unwrap_or_default();
        writeln!(text, "| {id} | `{}` | {} | {} |", query.name, cell(&query.title), params.join(", ")).unwrap();
    }
    text.trim_start().to_owned()
}

fn tables() -> String {
    let mut text = String::new();
    for table in documented() {
        writeln!(text, "### `{}`\n\n{}\n\n| column | type | meaning |\n|---|---|---|", table.name, table.doc).unwrap();
        for column in table.columns {
            writeln!(text, "| {} | {} | {} |", column.name, column.kind.word(), cell(column.doc)).unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

/// The values of the columns whose lists are too long for a line.
fn values() -> String {
    let mut text = String::from("| session_name_kind | the name looks like |\n|---|---|\n");
    for (kind, meaning) in session_name::KINDS {
        writeln!(text, "| {kind} | {} |", cell(meaning)).unwrap();
    }
    text.push_str("\n| reason of a failure | meaning |\n|---|---|\n");
    for (reason, meaning) in denial::REASONS {
        writeln!(text, "| {reason} | {} |", cell(meaning)).unwrap();
    }
    text.push_str("\n| verdict of integrity | meaning |\n|---|---|\n");
    for (verdict, meaning) in Verdict::ALL {
        writeln!(text, "| {} | {} |", verdict.as_str(), cell(meaning)).unwrap();
    }
    text.push_str("\n| reason of a verdict | meaning |\n|---|---|\n");
    for (reason, meaning) in Why::ALL {
        writeln!(text, "| {reason} | {} |", cell(meaning)).unwrap();
    }
    let faults: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    write!(text, "\nReasons of faults in `ledger`: {}.\n", faults.join(", ")).unwrap();
    text
}

/// The text with what stands between the marks of a section replaced.
fn replaced(text: &str, section: &str, body: &str) -> String {
    let open = format!("<!-- {section}: written by UPDATE_GOLDEN=1 cargo test --test all readme -->\n");
    let close = format!("<!-- /{section} -->");
    let (before, rest) = text.split_once(&open).unwrap();
    let (_, after) = rest.split_once(&close).unwrap();
    format!("{before}{open}\n{body}\n{close}{after}")
}

#[test]
fn lists_are_the_codes() {
    let path = project().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let sections = [("questions", questions()), ("tables", tables()), ("values", values())];
    let want = sections.iter().fold(text.clone(), |text, (section, body)| replaced(&text, section, body));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &want).unwrap();
        return;
    }
    assert!(text == want, "README.md is behind the code: UPDATE_GOLDEN=1 cargo test --test all readme writes it anew");
}

#[tokio::test]
async fn columns_are_the_engines() {
    let logs = project().join("sample-logs/AWSLogs/o-juniper4rc/210000000001");
    let source = Source::open(Path::new(&logs).to_str().unwrap(), &S3Options::default()).await.unwrap();
    let engine = Engine::open_logs(vec![source], &Filters::default()).await.unwrap();
    let mut names: Vec<_> = documented().iter().map(|table| table.name).collect();
    names.sort_unstable();
    assert_eq!(engine.tables_known(), names, "every table is documented");
    for table in documented() {
        let columns = all_columns(table);
        let frame = engine.plan(&format!("SELECT * FROM {}", table.name), Vec::new()).await.unwrap();
        let has: Vec<_> = frame.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
        let said: Vec<_> = columns.iter().map(|column| (column.name.to_owned(), column.kind.arrow())).collect();
        let texts = |list: &[(String, arrow::datatypes::DataType)]| -> Vec<String> {
            list.iter().map(|(name, kind)| format!("{name} {}", simple(kind))).collect()
        };
        assert_eq!(texts(&has), texts(&said), "{}", table.name);
    }
}

/// A type's name, whichever of its forms the engine chose.
fn simple(kind: &arrow::datatypes::DataType) -> String {
    use arrow::datatypes::DataType;
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Utf8 => Type::Text.word().to_owned(),
        DataType::List(field) if *field.data_type() == DataType::Utf8 || *field.data_type() == DataType::Utf8View => {
            Type::Texts.word().to_owned()
        }
        other => format!("{other}"),
    }
}
