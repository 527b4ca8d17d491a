//! `rolecall ask`: the saved questions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use clap::Args;

use super::Outcome;
use super::answer::Answering;
use super::arguments::{Reading, assignment};
use super::asking::Asking;
use super::console::Console;
use super::interrupt::Interrupt;
use super::output::Format;
use crate::error::{Error, Result};
use crate::sql::library::Library;
use crate::sql::parameter::Default;
use crate::sql::query_file::Query;

/// Answer a saved question; without a name, list them
#[derive(Debug, Args)]
pub struct Ask {
    /// The question's name
    #[arg(value_name = "NAME", conflicts_with = "search")]
    name: Option<String>,
    /// Values for its parameters
    #[arg(value_name = "NAME=VALUE", value_parser = assignment)]
    values: Vec<(String, String)>,
    /// A value for a parameter, the same as NAME=VALUE
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = assignment)]
    params: Vec<(String, String)>,
    /// List the questions that have this word in their name, title, description or tags
    #[arg(long, value_name = "WORD")]
    search: Option<String>,
    /// A folder of query files that adds to the saved questions or replaces them
    #[arg(long, value_name = "DIR")]
    queries: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

impl Ask {
    /// Whether nothing is asked but what can be asked.
    pub fn lists(&self) -> bool {
        self.name.is_none()
    }

    fn library(&self) -> Result<Library> {
        library(self.queries.as_deref())
    }

    /// Lists the saved questions.
    ///
    /// # Errors
    /// A query file is wrong, or the list cannot be written.
    pub fn list(self, console: Console) -> Result<Outcome> {
        let library = self.library()?;
        let found: Vec<&Query> = match &self.search {
            Some(word) => library.search(word),
            None => library.list().collect(),
        };
        let answering = Answering::begin(&self.reading.answer, console)?;
        let brief = matches!(answering.format(), Format::Table | Format::Markdown);
        if let (Some(word), true) = (&self.search, found.is_empty()) {
            console.status(&format!("No saved question mentions '{word}'; `rolecall ask` lists them all."));
        }
        answering.batches(&[listed(&found, brief)?])?;
        Ok(Outcome::Complete)
    }

    /// Answers a saved question.
    ///
    /// # Errors
    /// There is no such question, a value is wrong, the query fails, or the answer cannot be written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let library = self.library()?;
        let query = library.get(self.name.as_deref().unwrap_or_default())?;
        let given: Vec<_> = self.values.iter().chain(&self.params).cloned().collect();
        let params = query.bind(&given)?;
        let answering = Answering::begin(&self.reading.answer, console)?;
        Asking::once(&self.reading, &query.sql, params, answering, console, interrupt).await
    }
}

/// The saved questions, with those of a folder.
///
/// # Errors
/// A query file cannot be read or is wrong.
pub fn library(folder: Option<&Path>) -> Result<Library> {
    let library = Library::builtin()?;
    match folder {
        Some(folder) => library.with_dir(folder),
        None => Ok(library),
    }
}

/// The questions as rows: for people what they answer, under a line that names their theme; for programs everything.
///
/// # Errors
/// Never in practice.
pub fn listed(queries: &[&Query], brief: bool) -> Result<RecordBatch> {
    if brief {
        return rows_for_people(queries);
    }
    let texts = |of: fn(&Query) -> Option<String>| {
        Arc::new(queries.iter().map(|query| of(query)).collect::<StringArray>()) as ArrayRef
    };
    batch(vec![
        ("name", texts(|query| Some(query.name.clone()))),
        ("answers", texts(|query| Some(query.title.clone()))),
        ("parameters", texts(|query| Some(parameters(query)))),
        ("description", texts(|query| Some(query.description.clone()))),
        ("theme", texts(|query| query.theme.clone())),
        ("id", texts(|query| query.id.clone())),
        ("file", texts(|query| Some(query.file.clone()))),
    ])
}

fn rows_for_people(queries: &[&Query]) -> Result<RecordBatch> {
    let mut rows: Vec<[Option<String>; 3]> = Vec::new();
    let mut theme = None;
    for query in queries {
        if theme != query.theme.as_deref() {
            theme = query.theme.as_deref();
            rows.push([theme.map(str::to_uppercase), None, None]);
        }
        rows.push([Some(query.name.clone()), Some(query.title.clone()), Some(parameters(query))]);
    }
    let texts = |column: usize| Arc::new(rows.iter().map(|row| row[column].as_deref()).collect::<StringArray>());
    batch(vec![("name", texts(0) as ArrayRef), ("answers", texts(1)), ("parameters", texts(2))])
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .map_err(|e| Error::internal("the list cannot be made").source(e))
}

/// `role`, `min_depth=3`, `at (needed)`.
fn parameters(query: &Query) -> String {
    let parameter = |param: &crate::sql::parameter::Param| match &param.default {
        Default::Required => format!("{} (needed)", param.name),
        Default::Null => param.name.clone(),
        Default::Text(text) => format!("{}={text}", param.name),
    };
    query.params.iter().map(parameter).collect::<Vec<_>>().join(", ")
}
