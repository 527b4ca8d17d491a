//! The computed tables beside `sessions` and `session_links`. Each is small, and built whole; rows come out in an order that the data alone decides.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray, RecordBatch};

use crate::error::{Error, Result};
use crate::lake::rows::column;
use crate::lake::schema::Table;
use crate::sql::schema::{ACCOUNTS, FAILURES, LOGINS, SESSION_ADDRESSES, UNLINKED_ISSUES};
use crate::sts::link::{Caller, Use};
use crate::sts::names::Name;
use crate::sts::{arn, denial};

use super::Linked;
use super::build::{integers, texts, times};

const SECOND: i64 = 1_000_000;

pub(super) fn batch(table: &'static Table, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(table.schema(), columns)
        .map_err(|e| Error::internal(format!("the table {} could not be built", table.name)).source(e))
}

/// Where each caller (and time, where only the time tells) stands in the links.
type ByCaller = hashbrown::HashMap<(Caller, Option<i64>), usize>;

/// First, last and counts of something seen several times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) events: i64,
    pub(super) errors: i64,
}

impl Span {
    pub(super) fn one(first: i64, last: i64, events: i64, errors: i64) -> Span {
        Span { first, last, events, errors }
    }

    pub(super) fn add(&mut self, other: Span) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.events += other.events;
        self.errors += other.errors;
    }
}

impl Linked {
    pub(super) fn names(&self, name: Name) -> Option<&str> {
        self.links.names.get(name)
    }

    /// The rows of a computed table.
    pub(super) fn table(&self, table: &'static Table) -> Result<RecordBatch> {
        match table.name {
            "session_addresses" => self.session_addresses(),
            "failures" => self.failures(),
            "session_families" => self.session_families(),
            "role_edges" => self.role_edges(),
            "logins" => self.logins(),
            "accounts" => self.accounts(),
            "unlinked_issues" => self.unlinked_issues(),
            other => Err(Error::internal(format!("the table {other} is not computed"))),
        }
    }

    fn session_addresses(&self) -> Result<RecordBatch> {
        let mut order: Vec<(&str, usize)> =
            self.links.sessions.iter().map(|s| self.links.names.text(s.id)).zip(0..).collect();
        order.sort_unstable();
        let mut rows: Vec<(&str, [Name; 4], Span)> = Vec::with_capacity(self.links.uses.len());
        for (id, place) in order {
            let begin = rows.len();
            let mut uses: Vec<_> = self.uses_of(place).collect();
            let from = |used: &Use| [used.ip, used.ip_kind, used.vpc_endpoint, used.agent];
            uses.sort_unstable_by_key(|used| from(used));
            for same in uses.chunk_by(|a, b| from(a) == from(b)) {
                let spans = same.iter().map(|used| Span::one(used.first_at, used.last_at, used.events, used.errors));
                let span = spans.reduce(|mut all, one| {
                    all.add(one);
                    all
                });
                rows.extend(span.map(|span| (id, from(same[0]), span)));
            }
            rows[begin..].sort_by(|a, b| a.1.map(|n| self.names(n)).cmp(&b.1.map(|n| self.names(n))));
        }
        let from = |which: usize| texts(rows.iter().map(|(_, from, _)| self.names(from[which])));
        batch(
            &SESSION_ADDRESSES,
            vec![
                texts(rows.iter().map(|(id, ..)| Some(*id))),
                from(0),
                from(1),
                from(2),
                from(3),
                times(rows.iter().map(|(.., s)| Some(s.first))),
                times(rows.iter().map(|(.., s)| Some(s.last))),
                integers(rows.iter().map(|(.., s)| Some(s.events))),
                integers(rows.iter().map(|(.., s)| Some(s.errors))),
            ],
        )
    }

    /// The session of a caller of a failed call, which is among the callers because the call is one of its own.
    fn session_of(&self, by_caller: &ByCaller, caller: &Caller, at: i64) -> Option<usize> {
        let exact = (caller.key.is_none() && caller.created_at.is_none()).then_some(at);
        by_caller.get(&(*caller, exact)).and_then(|&place| self.links.session_of(place))
    }

    fn failures(&self) -> Result<RecordBatch> {
        let by_caller: ByCaller = self
            .links
            .callers
            .iter()
            .enumerate()
            .map(|(place, seen)| ((seen.caller, seen.exact_time), place))
            .collect();
        let mut successes: hashbrown::HashMap<(String, Name), Vec<i64>> = hashbrown::HashMap::new();
        for (place, session) in self.links.sessions.iter().enumerate() {
            if let (Some(caller), Some(at), true) = (self.stable_caller(place), session.issued_at, session.issue_seen) {
                successes.entry((caller, session.role_arn)).or_default().push(at);
            }
        }
        successes.values_mut().for_each(|times| times.sort_unstable());
        let mut order: Vec<usize> = (0..self.failures.len()).collect();
        let event_ids = self.call_texts("event_id", self.failures.iter().map(|f| f.row))?;
        order.sort_by_key(|&f| (self.failures[f].at, event_ids[f].clone()));
        let text = |name: &str| -> Result<Vec<Option<String>>> {
            self.call_texts(name, order.iter().map(|&f| self.failures[f].row))
        };
        let (code, message) = (text("error_code")?, text("error_message")?);
        let all = || order.iter().map(|&f| &self.failures[f]);
        let sessions: Vec<Option<usize>> = all().map(|f| self.session_of(&by_caller, &f.caller, f.at)).collect();
        let origins = all().zip(&sessions).map(|(failure, session)| match session {
            Some(session) => self.names(self.links.sessions[*session].origin.name),
            None => self.names(failure.subject).or(self.names(failure.invoked_by)).or(self.names(failure.caller.arn)),
        });
        let succeeded = all().map(|failure| {
            let caller = self.stable(&failure.caller, failure.invoked_by, failure.subject, failure.provider)?;
            let times = successes.get(&(caller, failure.role_arn)).filter(|_| failure.role_arn.is_some())?;
            times.iter().copied().find(|&at| at >= failure.at && at <= failure.at + 60 * SECOND)
        });
        let plain = |values: &[Option<String>]| texts(values.iter().map(Option::as_deref));
        batch(
            &FAILURES,
            vec![
                times(all().map(|f| Some(f.at))),
                texts(order.iter().map(|&f| event_ids[f].as_deref())),
                plain(&text("api")?),
                plain(&code),
                plain(&message),
                texts(code.iter().zip(&message).map(|(c, m)| {
                    Some(denial::reason(c.as_deref().unwrap_or_default(), m.as_deref().unwrap_or_default()))
                })),
                texts(all().map(|f| self.names(f.caller.kind))),
                texts(all().map(|f| self.names(f.caller.arn))),
                texts(all().map(|f| self.caller_account(f.caller.kind, f.caller.account))),
                texts(all().map(|f| self.names(f.caller.key))),
                texts(sessions.iter().map(|s| s.and_then(|s| self.names(self.links.sessions[s].id)))),
                texts(origins),
                texts(all().map(|f| self.names(f.role_arn))),
                texts(all().map(|f| self.names(f.role_arn).and_then(arn::account))),
                plain(&text("session_name")?),
                plain(&text("source_ip_address")?),
                plain(&text("user_agent")?),
                times(succeeded),
            ],
        )
    }

    /// A text column of `credential_calls` for the rows given.
    fn call_texts(&self, name: &str, rows: impl Iterator<Item = (usize, usize)>) -> Result<Vec<Option<String>>> {
        let columns = self.plain.column(&self.calls, name, &arrow::datatypes::DataType::Utf8)?;
        let value = |(batch, row): (usize, usize)| {
            let column = columns[batch].as_string_opt::<i32>()?;
            (!arrow::array::Array::is_null(column, row)).then(|| column.value(row).to_owned())
        };
        Ok(rows.map(value).collect())
    }

    fn logins(&self) -> Result<RecordBatch> {
        let text = |name: &str| self.call_texts(name, self.sign_ins.iter().map(|s| s.row));
        let (ids, apis) = (text("event_id")?, text("api")?);
        let (users, on_behalf, arns) = (text("caller_user_name")?, text("on_behalf_of_user_id")?, text("caller_arn")?);
        let (ips, agents, accounts) = (text("source_ip_address")?, text("user_agent")?, text("recipient_account_id")?);
        let mut at = Vec::new();
        let (mut mfa, mut success) = (Vec::new(), Vec::new());
        for &(place, row) in self.sign_ins.iter().map(|s| &s.row) {
            let batch = &self.calls[place];
            let truth = |name: &str| -> Result<Option<bool>> {
                let array = column(batch, name, &arrow::datatypes::DataType::Boolean)?;
                Ok((!array.is_null(row)).then(|| array.as_boolean().value(row)))
            };
            let time = column(batch, "event_time", &crate::lake::schema::Type::Time.arrow())?;
            at.push(time.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().value(row));
            mfa.push(truth("mfa_used")?);
            success.push(truth("success")?);
        }
        let mut order: Vec<usize> = (0..at.len()).collect();
        order.sort_by_key(|&row| (at[row], ids[row].clone()));
        let plain = |values: &[Option<String>]| texts(order.iter().map(|&row| values[row].as_deref()));
        let user =
            order.iter().map(|&row| users[row].as_deref().or(on_behalf[row].as_deref()).or(arns[row].as_deref()));
        batch(
            &LOGINS,
            vec![
                plain(&ids),
                texts(order.iter().map(|&row| Some(login_kind(apis[row].as_deref().unwrap_or_default())))),
                texts(user),
                times(order.iter().map(|&row| Some(at[row]))),
                plain(&ips),
                plain(&agents),
                super::build::truths(order.iter().map(|&row| mfa[row])),
                super::build::truths(order.iter().map(|&row| success[row])),
                plain(&accounts),
                plain(&ids),
            ],
        )
    }

    fn accounts(&self) -> Result<RecordBatch> {
        fn add<'a>(seen: &mut BTreeMap<&'a str, (i64, i64)>, account: Option<&'a str>, first: i64, last: i64) {
            if let Some(account) = account {
                let known = seen.entry(account).or_insert((first, last));
                *known = (known.0.min(first), known.1.max(last));
            }
        }
        let recipients =
            self.links.uses.iter().map(|used| used.recipient).chain(self.links.issues.iter().map(|i| i.recipient));
        let delivers: hashbrown::HashSet<&str> = recipients.filter_map(|account| self.names(account)).collect();
        let mut seen = BTreeMap::new();
        for used in &self.links.uses {
            add(&mut seen, self.names(used.recipient), used.first_at, used.last_at);
            add(&mut seen, self.names(self.links.caller_of(used).account), used.first_at, used.last_at);
        }
        for issue in &self.links.issues {
            let role = self.names(issue.role_arn).and_then(arn::account).or(self.names(issue.target_account));
            for account in [role, self.names(issue.recipient), self.names(issue.caller.account)] {
                add(&mut seen, account, issue.at, issue.at);
            }
        }
        batch(
            &ACCOUNTS,
            vec![
                texts(seen.keys().map(|a| Some(*a))),
                texts(seen.keys().map(|a| self.told.account(a)[0])),
                texts(seen.keys().map(|a| self.told.account(a)[1])),
                texts(seen.keys().map(|a| self.told.account(a)[2])),
                super::build::truths(seen.keys().map(|a| self.told.in_organization(a))),
                times(seen.values().map(|s| Some(s.0))),
                times(seen.values().map(|s| Some(s.1))),
                super::build::truths(seen.keys().map(|a| Some(delivers.contains(a)))),
                super::build::truths(
                    seen.keys().map(|a| Some(self.told.in_organization(a).unwrap_or(delivers.contains(a)))),
                ),
            ],
        )
    }

    fn unlinked_issues(&self) -> Result<RecordBatch> {
        let rows: Vec<_> = self
            .links
            .unlinked_issues
            .iter()
            .filter_map(|(session, why)| {
                let issue = &self.links.issues[*self.links.sessions[*session].copies.first()? as usize];
                Some((issue, why.as_str()))
            })
            .collect();
        batch(
            &UNLINKED_ISSUES,
            vec![
                texts(rows.iter().map(|(issue, _)| self.names(issue.event_id))),
                times(rows.iter().map(|(issue, _)| Some(issue.at))),
                texts(
                    rows.iter().map(|(issue, _)| self.names(issue.caller.arn).or(self.names(issue.caller.principal))),
                ),
                texts(rows.iter().map(|(_, why)| Some(*why))),
            ],
        )
    }
}

fn login_kind(api: &str) -> &'static str {
    match api {
        "ConsoleLogin" => "console",
        "GetSigninToken" => "federation",
        "AuthorizeOAuth2Access" | "CreateOAuth2Token" => "oauth",
        "CreateToken" | "CreateTokenWithIAM" => "device_code",
        _ => "portal",
    }
}
