//! What linking tells of a caller, column by column.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, StringViewArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, TimeUnit};

use crate::sts::link::{Link, Session};

use super::super::Linked;

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

/// The column `name` of these callers, as `kind`; null for a caller that nobody knows, and where there is no such column.
pub fn column(
    linked: &Linked,
    name: &str,
    kind: &DataType,
    callers: impl Iterator<Item = Option<usize>> + Clone,
) -> ArrayRef {
    if let Some(text) = text(name) {
        let texts = callers.map(|caller| text(linked, caller?));
        return match kind {
            DataType::Utf8View => Arc::new(texts.collect::<StringViewArray>()),
            _ => Arc::new(texts.collect::<StringArray>()),
        };
    }
    let times = |of: fn(&Linked, usize) -> Option<i64>| -> ArrayRef {
        let times = callers.clone().map(|caller| of(linked, caller?));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    match (name, kind) {
        ("session_created_at", DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            times(|l, c| l.links.callers[c].caller.created_at)
        }
        ("exact_time", DataType::Timestamp(TimeUnit::Microsecond, _)) => times(|l, c| l.links.callers[c].exact_time),
        ("chain_depth", DataType::Int64) => {
            let depths = callers.map(|caller| Some(i64::from(session(linked, caller?)?.depth)));
            Arc::new(depths.collect::<Int64Array>())
        }
        _ => new_null_array(kind, callers.count()),
    }
}
