//! The table `sessions`, column by column.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::interleave;

use crate::error::{Error, Result};
use crate::lake::schema::Column;
use crate::sts::link::{Issue, Session, Use, ancestors};
use crate::sts::names::Name;
use crate::sts::{arn, session_name};

use super::Linked;
use super::build::{integers, lists, texts, times, truths};

const SECOND: i64 = 1_000_000;

impl Linked {
    fn session(&self, place: usize) -> &Session {
        &self.links.sessions[place]
    }

    fn text(&self, name: Name) -> Option<&str> {
        self.links.names.get(name)
    }

    /// The record of a session's issue that tells most.
    fn issue(&self, place: usize) -> Option<&Issue> {
        self.session(place).copies.first().map(|&copy| &self.links.issues[copy as usize])
    }

    pub(super) fn uses_of(&self, place: usize) -> impl Iterator<Item = &Use> {
        self.links.session_uses.of(place).iter().map(|&row| &self.links.uses[row as usize])
    }

    fn used(&self, place: usize, of: impl Fn(&Use) -> Name) -> BTreeSet<&str> {
        self.uses_of(place).filter_map(|used| self.text(of(used))).collect()
    }

    /// The sessions above one, from the first of the chain down to its parent.
    pub(super) fn above(&self, place: usize) -> Vec<usize> {
        ancestors(&self.links.sessions, place)
    }

    /// The session and those above it, from the first of the chain.
    fn chain(&self, place: usize) -> impl Iterator<Item = &Session> {
        self.above(place).into_iter().map(|p| self.session(p)).chain([self.session(place)])
    }

    /// The caller's account; services and federated callers have none, whatever the record shows.
    pub(super) fn caller_account(&self, kind: Name, account: Name) -> Option<&str> {
        match self.links.names.text(kind) {
            "AWSService" | "SAMLUser" | "WebIdentityUser" => None,
            _ => self.text(account),
        }
    }

    /// One column of `sessions` for the sessions of `places`.
    pub(super) fn session_column(&self, column: &Column, places: &[usize]) -> Result<ArrayRef> {
        let all = || places.iter().copied();
        let name = |of: fn(&Session) -> Name| texts(all().map(|p| self.text(of(self.session(p)))));
        let time = |of: fn(&Session) -> Option<i64>| times(all().map(|p| of(self.session(p))));
        let said = |of: fn(&Issue) -> Name| texts(all().map(|p| self.issue(p).and_then(|i| self.text(of(i)))));
        let count = |which: usize| integers(all().map(|p| Some(self.session(p).counts[which])));
        let id = |p: usize| self.text(self.session(p).id);
        Ok(match column.name {
            "session_id" => name(|s| s.id),
            "issue_seen" => truths(all().map(|p| Some(self.session(p).issue_seen))),
            "link_method" => texts(all().map(|p| Some(self.session(p).method.map_or("none", |m| m.as_str())))),
            "api" => name(|s| s.api),
            "role_arn" => name(|s| s.role_arn),
            "role_name" => name(|s| s.role_name),
            "role_account" => name(|s| s.role_account),
            "role_id" => name(|s| s.role_id),
            "permission_set" => name(|s| s.permission_set),
            "session_name" => name(|s| s.session_name),
            "session_name_kind" => {
                texts(all().map(|p| self.text(self.session(p).session_name).map(session_name::kind)))
            }
            "issued_at" => time(|s| s.issued_at),
            "expires_at" => time(|s| s.expires_at),
            "valid_until" => time(|s| s.valid_until),
            "requested_seconds" => integers(all().map(|p| self.issue(p).and_then(|i| i.requested_seconds))),
            "granted_seconds" => {
                let granted = |s: &Session| Some((s.expires_at? - s.issued_at?) / SECOND);
                integers(all().map(|p| granted(self.session(p))))
            }
            "first_event_at" => time(|s| s.first_at),
            "last_event_at" => time(|s| s.last_at),
            "used_seconds" => {
                let used = |s: &Session| Some((s.last_at? - s.first_at?) / SECOND);
                integers(all().map(|p| used(self.session(p))))
            }
            "revoked_at" => time(|s| s.revoked_at),
            "caller_type" => said(|i| i.caller.kind),
            "caller" => {
                let callers: Vec<Option<String>> = all().map(|p| self.stable_caller(p)).collect();
                texts(callers.iter().map(Option::as_deref))
            }
            "caller_arn" => said(|i| i.caller.arn),
            "caller_account" => {
                texts(all().map(|p| self.issue(p).and_then(|i| self.caller_account(i.caller.kind, i.caller.account))))
            }
            "caller_key_id" => said(|i| i.caller.key),
            "invoked_by" => said(|i| i.invoked_by),
            "cross_account" => truths(all().map(|p| {
                let issue = self.issue(p)?;
                let account = self.caller_account(issue.caller.kind, issue.caller.account)?;
                Some(account != self.text(self.session(p).role_account)?)
            })),
            "outside_organization" => truths(all().map(|p| {
                let issue = self.issue(p)?;
                let account = self.caller_account(issue.caller.kind, issue.caller.account)?;
                self.told.in_organization(account).map(|inside| !inside)
            })),
            "origin_type" => texts(all().map(|p| Some(self.session(p).origin.kind))),
            "origin_class" => texts(all().map(|p| Some(self.session(p).origin.class))),
            "origin" => name(|s| s.origin.name),
            "origin_provider" => name(|s| s.origin.provider),
            "origin_account" => name(|s| s.origin.account),
            "parent_session_id" => texts(all().map(|p| self.session(p).parent.and_then(id))),
            "root_session_id" => texts(all().map(|p| id(self.session(p).root))),
            "ancestor_ids" => lists(all().map(|p| self.above(p).into_iter().filter_map(id))),
            "chain_depth" => integers(all().map(|p| Some(i64::from(self.session(p).depth)))),
            "chain_path" => lists(all().map(|p| self.chain(p).filter_map(|s| self.text(s.role_arn)))),
            "chain_accounts" => {
                lists(all().map(|p| self.chain(p).filter_map(|s| self.text(s.role_arn).and_then(arn::account))))
            }
            "issued_ip" => said(|i| i.source_ip),
            "used_ips" => lists(all().map(|p| {
                let real =
                    |u: &&Use| !matches!(self.links.names.text(u.ip_kind), "aws_internal" | "service_host" | "absent");
                self.uses_of(p).filter(real).filter_map(|u| self.text(u.ip)).collect::<BTreeSet<_>>()
            })),
            "used_user_agents" => lists(all().map(|p| self.used(p, |u| u.agent))),
            "requester_ip" => texts(all().map(|p| self.session(p).requester.and_then(|(ip, _)| self.text(ip)))),
            "requester_user_agent" => {
                texts(all().map(|p| self.session(p).requester.and_then(|(_, agent)| self.text(agent))))
            }
            "source_identity" => name(|s| s.source_identity),
            "mfa_at_issue" => truths(all().map(|p| self.session(p).mfa_at_issue)),
            "used_key_ids" => lists(all().map(|p| self.used(p, |u| self.links.caller_of(u).key))),
            "event_count" => count(0),
            "error_count" => count(1),
            "denied_count" => count(2),
            "write_count" => count(3),
            "used_accounts" => lists(all().map(|p| self.used(p, |u| u.recipient))),
            "used_regions" => lists(all().map(|p| self.used(p, |u| u.region))),
            "issue_event_ids" => lists(all().map(|p| {
                let copies = self.session(p).copies.iter();
                copies.filter_map(|&c| self.text(self.links.issues[c as usize].event_id)).collect::<BTreeSet<_>>()
            })),
            "issued_user_agent" => self.passed_on("user_agent", column, places)?,
            "oidc_audience" => self.audience(column, places)?,
            "effective_region" | "external_id" | "session_tags" | "transitive_tag_keys" | "session_policy" => {
                self.passed_on(column.name, column, places)?
            }
            other => return Err(Error::internal(format!("the column {other} of sessions is not computed"))),
        })
    }

    /// A column of `credential_calls` as it is: of the first copy that has a value.
    fn passed_on(&self, source: &str, column: &Column, places: &[usize]) -> Result<ArrayRef> {
        let kind = column.kind.arrow();
        let mut arrays: Vec<ArrayRef> = self.plain.column(&self.calls, source, &kind)?.to_vec();
        let nothing = arrays.len();
        arrays.push(new_null_array(&kind, 1));
        let rows: Vec<(usize, usize)> = places
            .iter()
            .map(|&place| {
                let copies = self.session(place).copies.iter().map(|&copy| self.issue_rows[copy as usize]);
                copies.clone().find(|&(batch, row)| arrays[batch].is_valid(row)).unwrap_or((nothing, 0))
            })
            .collect();
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        interleave(&arrays, &rows).map_err(|e| Error::internal("a column of sessions could not be built").source(e))
    }

    fn audience(&self, column: &Column, places: &[usize]) -> Result<ArrayRef> {
        let all = self.passed_on("audience", column, places)?;
        let text = arrow::array::AsArray::as_string::<i32>(&all);
        let web = |p: usize| self.links.names.text(self.session(p).api) == "AssumeRoleWithWebIdentity";
        Ok(texts(places.iter().enumerate().map(|(row, &p)| (web(p) && text.is_valid(row)).then(|| text.value(row)))))
    }
}
