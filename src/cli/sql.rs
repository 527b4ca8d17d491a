//! `rolecall sql`: any question, read-only.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use datafusion::common::ScalarValue;

use super::Outcome;
use super::answer::Answering;
use super::arguments::{Reading, assignment};
use super::asking::Asking;
use super::console::Console;
use super::interrupt::Interrupt;
use crate::error::{Error, Result};
use crate::sql::query_file::{Query, has_header};

/// Answer a SQL query
///
/// The tables and columns are listed in the README. Nothing can be changed: only questions are answered.
#[derive(Debug, Args)]
pub struct Sql {
    /// The query, in DataFusion's SQL
    #[arg(value_name = "QUERY", required_unless_present = "file")]
    query: Option<String>,
    /// Read the query from this file; - is standard input
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,
    /// A value for $name in the query; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = assignment)]
    params: Vec<(String, String)>,
    #[command(flatten)]
    reading: Reading,
}

impl Sql {
    /// Answers.
    ///
    /// # Errors
    /// The query is wrong or fails, the data cannot be read, or the answer cannot be written.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let (sql, params) = self.question()?;
        let answering = Answering::begin(&self.reading.answer, console)?;
        Asking::once(&self.reading, &sql, params, answering, console, interrupt).await
    }

    /// The SQL and its values. A file with a header is a saved question: its parameters have types and defaults.
    fn question(&self) -> Result<(String, Vec<(String, ScalarValue)>)> {
        let sql = match (&self.file, &self.query) {
            (Some(file), _) => read(file)?,
            (None, query) => query.clone().unwrap_or_default(),
        };
        if sql.trim().is_empty() {
            return Err(Error::usage("the query is empty"));
        }
        if let Some(file) = &self.file
            && has_header(&sql)
        {
            let params = Query::parse("query", &file.display().to_string(), &sql)?.bind(&self.params)?;
            return Ok((sql, params));
        }
        let text = |(name, value): &(String, String)| (name.clone(), ScalarValue::Utf8(Some(value.clone())));
        Ok((sql, self.params.iter().map(text).collect()))
    }
}

fn read(file: &Path) -> Result<String> {
    let mut sql = String::new();
    let result = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut sql).map(|_| ())
    } else {
        std::fs::read_to_string(file).map(|text| sql = text)
    };
    result.map(|()| sql).map_err(|e| {
        Error::input("the query file cannot be read").context("file", file.display().to_string()).source(e)
    })
}
