//! The table `session_links`, column by column: what linking tells of a caller. Callers stand as they were read, in no order that
//! the data decides.

use arrow::array::ArrayRef;

use crate::error::{Error, Result};
use crate::lake::schema::Column;
use crate::sts::link::{Link, Session};

use super::Linked;
use super::build::{integers, texts, times};

type Text = fn(&Linked, usize) -> Option<&str>;

/// The text column of that name: who called, and what the caller's link says.
fn text(column: &str) -> Option<Text> {
    Some(match column {
        "identity_type" => |l, c| l.names(l.links.callers[c].caller.kind),
        "identity_arn" => |l, c| l.names(l.links.callers[c].caller.arn),
        "identity_account_id" => |l, c| l.names(l.links.callers[c].caller.account),
        "identity_principal_id" => |l, c| l.names(l.links.callers[c].caller.principal),
        "access_key_id" => |l, c| l.names(l.links.callers[c].caller.key),
        "session_issuer_arn" => |l, c| l.names(l.links.callers[c].caller.issuer_arn),
        "session_name" => |l, c| l.names(l.links.callers[c].caller.session_name),
        "session_id" => |l, c| l.names(session(l, c)?.id),
        "link_method" => |l, c| match l.links.caller_links[c] {
            Link::To(_, method) => Some(method.as_str()),
            _ => None,
        },
        "reason" => |l, c| match l.links.caller_links[c] {
            Link::None(why) => Some(why.as_str()),
            _ => None,
        },
        "role_arn" => |l, c| l.names(session(l, c)?.role_arn),
        "origin" => |l, c| l.names(session(l, c)?.origin.name),
        "origin_type" => |l, c| Some(session(l, c)?.origin.kind),
        "origin_class" => |l, c| Some(session(l, c)?.origin.class),
        "root_session_id" => |l, c| l.names(l.links.sessions[session(l, c)?.root].id),
        _ => return None,
    })
}

fn session(linked: &Linked, caller: usize) -> Option<&Session> {
    linked.links.session_of(caller).map(|place| &linked.links.sessions[place])
}

impl Linked {
    /// The callers that are sessions, found or not.
    pub(super) fn callers_of_sessions(&self) -> Vec<usize> {
        let links = self.links.caller_links.iter().enumerate();
        links.filter(|(_, link)| !matches!(link, Link::LongTerm)).map(|(place, _)| place).collect()
    }

    /// One column of `session_links` for the callers of `places`.
    pub(super) fn link_column(&self, column: &Column, places: &[usize]) -> Result<ArrayRef> {
        let all = || places.iter().copied();
        Ok(match column.name {
            "session_created_at" => times(all().map(|c| self.links.callers[c].caller.created_at)),
            "exact_time" => times(all().map(|c| self.links.callers[c].exact_time)),
            "chain_depth" => integers(all().map(|c| Some(i64::from(session(self, c)?.depth)))),
            name => {
                let unknown = || Error::internal(format!("the column {name} of session_links is not computed"));
                let text = text(name).ok_or_else(unknown)?;
                texts(all().map(|c| text(self, c)))
            }
        })
    }
}
