//! The organisation's accounts, as `aws organizations list-accounts --output json` writes them.

use std::path::Path;

use serde::Deserialize;

use super::schema::Account;
use crate::error::{Error, Result};

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    accounts: Vec<One>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct One {
    id: String,
    name: Option<String>,
}

/// Reads the accounts.
///
/// # Errors
/// The file cannot be read, or is no such list.
pub fn read(file: &Path) -> Result<Vec<Account>> {
    let wrong = |what: &str| {
        Error::usage(what)
            .context("file", file.display().to_string())
            .hint("aws organizations list-accounts --output json writes it")
    };
    let text = std::fs::read_to_string(file).map_err(|e| wrong("the list of accounts cannot be read").source(e))?;
    let listed: Listed = serde_json::from_str(&text).map_err(|e| wrong("the file is no list of accounts").source(e))?;
    Ok(listed.accounts.into_iter().map(|one| Account { name: one.name, ..Account::of(one.id) }).collect())
}
