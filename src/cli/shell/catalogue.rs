//! What can be named in a statement: tables, columns, functions, saved questions. Completion, highlighting and `\d` read it.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};

use crate::error::{Error, Result};
use crate::lake::schema::Table;
use crate::sql::known::Function;
use crate::sql::library::Library;
use crate::sql::nearest::nearest;
use crate::sql::schema::{all_columns, documented};

/// Everything that has a name.
pub struct Catalogue {
    /// Tables and views, in the order in which somebody looks for them.
    pub tables: Vec<&'static Table>,
    /// Functions by name.
    pub functions: Vec<Function>,
    /// The saved questions.
    pub library: Library,
}

impl Catalogue {
    /// What the engine knows, with these saved questions.
    pub fn new(functions: Vec<Function>, library: Library) -> Self {
        Self { tables: documented(), functions, library }
    }

    /// The table of that name; letter case does not matter.
    pub fn table(&self, name: &str) -> Option<&'static Table> {
        self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name)).copied()
    }

    /// `\d`: a row a table.
    ///
    /// # Errors
    /// Never in practice.
    pub fn list_tables(&self) -> Result<RecordBatch> {
        let names = self.tables.iter().map(|table| table.name).collect();
        let meanings = self.tables.iter().map(|table| table.doc).collect();
        texts(vec![("table", names), ("meaning", meanings)])
    }

    /// `\d TABLE`: a row a column.
    ///
    /// # Errors
    /// There is no such table.
    pub fn list_columns(&self, name: &str) -> Result<RecordBatch> {
        let table = self.table(name).ok_or_else(|| {
            let error = Error::usage(format!("there is no table '{name}'"));
            match nearest(name, self.tables.iter().map(|table| table.name)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint("\\d lists them"),
            }
        })?;
        let columns = all_columns(table);
        let names = columns.iter().map(|column| column.name).collect();
        let types = columns.iter().map(|column| column.kind.word()).collect();
        let meanings = columns.iter().map(|column| column.doc).collect();
        texts(vec![("column", names), ("type", types), ("meaning", meanings)])
    }

    /// `\df`: a row a function; without a word, rolecall's own.
    ///
    /// # Errors
    /// No function has the word in its name.
    pub fn list_functions(&self, word: Option<&str>) -> Result<RecordBatch> {
        let word = word.map(str::to_lowercase);
        let listed = |function: &&Function| match &word {
            Some(word) => function.name.contains(word.as_str()),
            None => function.own,
        };
        let mut found: Vec<_> = self.functions.iter().filter(listed).collect();
        // A function of several names is told once.
        let mut told = HashSet::new();
        found.retain(|function| told.insert(function.call.as_str()));
        if let (Some(word), true) = (&word, found.is_empty()) {
            return Err(Error::usage(format!("no function has '{word}' in its name"))
                .hint("\\df lists rolecall's own; the others are DataFusion's"));
        }
        let calls = found.iter().map(|function| function.call.as_str()).collect();
        let meanings = found.iter().map(|function| function.meaning.as_str()).collect();
        texts(vec![("function", calls), ("meaning", meanings)])
    }
}

fn texts(columns: Vec<(&str, Vec<&str>)>) -> Result<RecordBatch> {
    let arrays = columns.into_iter().map(|(name, texts)| (name, Arc::new(StringArray::from(texts)) as ArrayRef, true));
    RecordBatch::try_from_iter_with_nullable(arrays).map_err(|e| Error::internal("the list cannot be made").source(e))
}

#[cfg(test)]
impl Catalogue {
    /// The tables and saved questions as they are, and three functions.
    pub fn sample() -> Self {
        let function = |name: &str| Function {
            name: name.to_owned(),
            call: format!("{name}(x)"),
            meaning: String::new(),
            own: true,
        };
        Self::new(["count", "ip_in", "ip_kind"].map(function).into(), Library::builtin().unwrap_or_default())
    }
}
