//! One error type for the whole program: what could not be done, where, and what to do about it.
//!
//! Faults in records are not errors but data (`cloudtrail::Fault`): they are counted, kept in the ledger and reported.

use std::fmt;

/// Who has to act; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line, a query, a parameter or the configuration is wrong: exit 2.
    Usage,
    /// A path, bucket, object or lake cannot be read: exit 1.
    Input,
    /// The answer cannot be written: exit 1.
    Output,
    /// Nothing was found for an anchor or in a source: exit 4.
    Empty,
    /// Ctrl-C or SIGTERM: exit 130.
    Interrupted,
    /// Something that should not happen: exit 1.
    Internal,
}

/// An error that says what could not be done, where, and what to do.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    context: Vec<(&'static str, String)>,
    hints: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync + 'static>>,
}

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of `kind` that says what could not be done.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: Vec::new(), hints: Vec::new(), source: None }
    }

    /// Wrong usage, query or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A source, object or lake that cannot be read.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// Something that should not happen.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Adds where it happened: a named value such as ("object", uri).
    pub fn context(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.context.push((name, value.into()));
        self
    }

    /// Adds what the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the cause.
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Who has to act.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The named values, in the order in which they were added.
    pub fn contexts(&self) -> &[(&'static str, String)] {
        &self.context
    }

    /// What the user can do.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e.as_ref() as &(dyn std::error::Error + 'static))
    }
}
