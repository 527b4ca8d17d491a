//! What became of every object that a question read.

use std::collections::BTreeMap;

use crate::cloudtrail::{Book, Form};
use crate::error::Error;

/// What became of one object.
#[derive(Debug, Clone)]
pub struct ObjectBook {
    /// Compressed bytes.
    pub size: Option<u64>,
    /// Its ETag.
    pub etag: Option<String>,
    /// Its modification time, microseconds.
    pub last_modified: Option<i64>,
    /// Records that are stored nowhere else in this question.
    pub events: u64,
    /// Records that an earlier object held, or that lie outside what was asked for.
    pub passed_over: u64,
    /// What the decoder said.
    pub book: Book,
}

/// What became of all of them.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// By URI.
    pub objects: BTreeMap<String, ObjectBook>,
    /// Objects that could not be read: URI and reason.
    pub failures: BTreeMap<String, String>,
    /// Objects that are archived.
    pub archives: Vec<String>,
    /// Objects that are there to be read; `None` before anything was listed.
    pub listed: Option<usize>,
    /// Objects that hold no CloudTrail logs by their keys.
    pub not_cloudtrail: u64,
    /// Objects that the lake beside them holds.
    pub known: u64,
    /// Objects that cannot hold what was asked for.
    pub pruned: u64,
}

impl Books {
    /// Enters an object that was read; a second pass over it says the same again, unless it was asked for less.
    pub fn read(&mut self, uri: &str, book: ObjectBook) {
        let records = |book: &ObjectBook| book.book.records - book.book.undecoded;
        match self.objects.get_mut(uri) {
            Some(there) if records(there) > records(&book) => {}
            Some(there) => *there = book,
            None => {
                self.objects.insert(uri.to_owned(), book);
            }
        }
    }

    /// Enters an object that could not be read.
    pub fn failed(&mut self, uri: &str, error: &Error) {
        self.failures.insert(uri.to_owned(), error.to_string());
    }

    /// Enters an archived object.
    pub fn archived(&mut self, uri: &str) {
        self.archives.push(uri.to_owned());
    }

    /// Faults of records and objects.
    pub fn faults(&self) -> usize {
        self.objects.values().map(|o| o.book.faults.len().max(o.book.fault_count as usize)).sum()
    }

    /// Whether something could not be read.
    pub fn incomplete(&self) -> bool {
        self.faults() > 0 || !self.failures.is_empty() || !self.archives.is_empty()
    }

    /// Objects that hold CloudTrail logs.
    pub fn cloudtrail_objects(&self) -> usize {
        self.objects.values().filter(|o| !matches!(o.book.form, Form::NotCloudTrail(_))).count()
    }

    /// Whether everything was looked at and no CloudTrail logs were found.
    pub fn empty(&self) -> bool {
        self.listed == Some(self.objects.len()) && self.cloudtrail_objects() == 0 && self.pruned == 0
    }

    /// The first `most` things that could not be read, each where and why.
    pub fn first_faults(&self, most: usize) -> Vec<String> {
        let records = self.objects.iter().flat_map(|(uri, object)| {
            object.book.faults.iter().map(move |fault| {
                let member = fault.member.as_deref().map(|m| format!("!{m}")).unwrap_or_default();
                let index = fault.index.map(|i| format!(", record {i}")).unwrap_or_default();
                format!("{uri}{member}{index}: {} ({})", fault.reason.as_str(), fault.text)
            })
        });
        let objects = self.failures.iter().map(|(uri, why)| format!("{uri}: {why}"));
        let archives = self.archives.iter().map(|uri| format!("{uri}: archived; restore it to read it"));
        objects.chain(archives).chain(records).take(most).collect()
    }
}
