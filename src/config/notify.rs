//! `[[notify]]`: whom a report is told to, and of what.

use serde::Deserialize;

use super::values;

/// What makes a report be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A finding of critical severity.
    Critical,
    /// Of high severity.
    High,
    /// Of medium severity.
    Medium,
    /// Of low severity.
    Low,
    /// Of no severity at all.
    Info,
    /// The run failed.
    Failed,
    /// Logs are missing.
    Gap,
    /// Every report, a quiet one too.
    Always,
}

/// Which findings by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stand {
    /// Not seen before.
    New,
    /// Seen before and still there.
    Ongoing,
    /// Graver than before.
    Worsened,
    /// Not there any more.
    Resolved,
}

/// What goes to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    /// A Slack message.
    #[default]
    Slack,
    /// The night's header and the findings that are told, as one JSON object.
    Json,
    /// The report as text.
    Markdown,
}

/// `[[notify]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Its name, for messages.
    #[serde(deserialize_with = "values::named")]
    pub name: String,
    /// The program and its arguments; no shell reads it. It finds the message at its standard input.
    pub command: Vec<String>,
    /// What makes it run.
    pub on: Vec<On>,
    /// Findings in these states; new and worsened ones where none is named.
    #[serde(default)]
    pub states: Vec<Stand>,
    /// Findings of accounts with these owners; of all where none is named.
    #[serde(default)]
    pub owners: Vec<String>,
    /// What it is given.
    #[serde(default)]
    pub format: Payload,
    /// How long it may take, microseconds; 30 s where nothing is said.
    #[serde(default, deserialize_with = "values::duration")]
    pub timeout: Option<i64>,
}
