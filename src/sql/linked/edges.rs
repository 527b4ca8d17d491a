//! Who assumes which role, and which sessions renew each other: callers under the names that stay the same.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::sql::schema::{ROLE_EDGES, SESSION_FAMILIES};
use crate::sts::link::Caller;
use crate::sts::names::Name;

use super::Linked;
use super::build::{integers, texts, times};
use super::tables::{Span, batch};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Caller, role and session name: what the sessions of a family share.
type Family<'a> = (String, &'a str, &'a str);

impl Linked {
    /// A caller under the name that stays the same from session to session: the role behind a session, a user, a service, an
    /// account, or provider and subject.
    pub(super) fn stable(&self, caller: &Caller, invoked_by: Name, subject: Name, provider: Name) -> Option<String> {
        let text = |name| self.names(name);
        match self.links.names.text(caller.kind) {
            "AssumedRole" => text(caller.issuer_arn).or(text(caller.arn)).map(str::to_owned),
            "AWSService" => text(invoked_by).map(str::to_owned),
            "AWSAccount" => text(caller.account).map(str::to_owned),
            "SAMLUser" | "WebIdentityUser" => {
                let subject = text(subject).or(text(caller.principal))?;
                Some(text(provider).map_or(subject.to_owned(), |provider| format!("{provider} {subject}")))
            }
            _ => text(caller.arn).or(text(caller.principal)).map(str::to_owned),
        }
    }

    pub(super) fn stable_caller(&self, session: usize) -> Option<String> {
        let copy = *self.links.sessions[session].copies.first()?;
        let issue = &self.links.issues[copy as usize];
        // The role's copy of a cross-account call by a session shows the account alone; where the chain tells the session, its
        // role is the caller.
        let parent =
            self.links.sessions[session].parent.map(|p| self.links.sessions[p].role_arn).filter(|role| role.is_some());
        match parent {
            Some(role) if self.links.names.text(issue.caller.kind) == "AWSAccount" => {
                self.names(role).map(str::to_owned)
            }
            _ => self.stable(&issue.caller, issue.invoked_by, issue.subject, issue.provider),
        }
    }

    pub(super) fn session_families(&self) -> Result<RecordBatch> {
        let mut groups: BTreeMap<Family<'_>, Vec<(i64, i64)>> = BTreeMap::new();
        for (place, session) in
            self.links.sessions.iter().enumerate().filter(|(_, s)| s.issue_seen && s.role_arn.is_some())
        {
            let (Some(caller), Some(at)) = (self.stable_caller(place), session.issued_at) else { continue };
            let key = (caller, self.links.names.text(session.role_arn), self.links.names.text(session.session_name));
            groups.entry(key).or_default().push((at, session.valid_until.unwrap_or(at)));
        }
        struct Run<'a> {
            key: &'a Family<'a>,
            sessions: i64,
            first: i64,
            last: i64,
            period: i64,
            unbroken: i64,
        }
        let mut runs: Vec<Run<'_>> = Vec::new();
        for (key, spans) in &mut groups {
            spans.sort_unstable();
            for run in unbroken(spans).into_iter().filter(|run| run.len() >= 2) {
                let mut gaps: Vec<i64> = run.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
                gaps.sort_unstable();
                let end = run.iter().map(|span| span.1).max().unwrap_or_default();
                let (first, last) = (run[0].0, run[run.len() - 1].0);
                let period = gaps[gaps.len() / 2] / SECOND;
                runs.push(Run {
                    key,
                    sessions: run.len() as i64,
                    first,
                    last,
                    period,
                    unbroken: (end - first) / SECOND,
                });
            }
        }
        batch(
            &SESSION_FAMILIES,
            vec![
                texts(runs.iter().map(|r| Some(r.key.0.as_str()))),
                texts(runs.iter().map(|r| Some(r.key.1))),
                texts(runs.iter().map(|r| Some(r.key.2).filter(|name| !name.is_empty()))),
                integers(runs.iter().map(|r| Some(r.sessions))),
                times(runs.iter().map(|r| Some(r.first))),
                times(runs.iter().map(|r| Some(r.last))),
                integers(runs.iter().map(|r| Some(r.period))),
                integers(runs.iter().map(|r| Some(r.unbroken))),
            ],
        )
    }

    pub(super) fn role_edges(&self) -> Result<RecordBatch> {
        type Edge<'a> = (&'a str, String, Option<&'a str>, &'a str, Option<&'a str>);
        let mut edges: BTreeMap<Edge<'_>, (Span, BTreeSet<i64>)> = BTreeMap::new();
        for (place, session) in
            self.links.sessions.iter().enumerate().filter(|(_, s)| s.issue_seen && s.role_arn.is_some())
        {
            let (Some(&copy), Some(at)) = (session.copies.first(), session.issued_at) else { continue };
            let caller = &self.links.issues[copy as usize].caller;
            let edge = (
                self.links.names.text(caller.kind),
                self.stable_caller(place).unwrap_or_default(),
                self.caller_account(caller.kind, caller.account),
                self.links.names.text(session.role_arn),
                self.names(session.role_account),
            );
            let (span, days) = edges.entry(edge).or_insert((Span::one(at, at, 0, 0), BTreeSet::new()));
            span.add(Span::one(at, at, 1, 0));
            days.insert(at.div_euclid(DAY));
        }
        batch(
            &ROLE_EDGES,
            vec![
                texts(edges.keys().map(|e| Some(e.0))),
                texts(edges.keys().map(|e| Some(e.1.as_str()).filter(|caller| !caller.is_empty()))),
                texts(edges.keys().map(|e| e.2)),
                texts(edges.keys().map(|e| Some(e.3))),
                texts(edges.keys().map(|e| e.4)),
                integers(edges.values().map(|(span, _)| Some(span.events))),
                times(edges.values().map(|(span, _)| Some(span.first))),
                times(edges.values().map(|(span, _)| Some(span.last))),
                integers(edges.values().map(|(_, days)| Some(days.len() as i64))),
            ],
        )
    }
}

/// Splits sessions in order of issue wherever one was issued after every earlier one had ended.
fn unbroken(spans: &[(i64, i64)]) -> Vec<&[(i64, i64)]> {
    let mut runs = Vec::new();
    let (mut start, mut end) = (0, i64::MIN);
    for (place, &(issued, until)) in spans.iter().enumerate() {
        if place > start && issued > end {
            runs.push(&spans[start..place]);
            start = place;
        }
        end = if place == start { until } else { end.max(until) };
    }
    runs.push(&spans[start..]);
    runs
}
