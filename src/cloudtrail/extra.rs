//! `extra`: one JSON object of everything that no column holds, so that no fact is lost before anybody knows what it is for.
//!
//! Left out: what is null or an empty object or array, and what a column says already (a session issuer's type, account and name
//! where its ARN tells the same).

use std::borrow::Cow;
use std::collections::HashSet;

use super::event::Text;
use super::fields::{Field, Within};
use super::record::{Kind, Other};
use super::redact;
use super::text::unescape;
use super::typed::Record;

/// A member of `extra`, as written in the record.
struct Part<'a> {
    within: Within,
    key: &'a str,
    value: &'a str,
}

/// Fields whose value a column may be unable to hold: where they stand and what they are called there.
const TYPED: [(Field, Within, &str); 5] = [
    (Field::ReadOnly, Within::Record, "readOnly"),
    (Field::ManagementEvent, Within::Record, "managementEvent"),
    (Field::FromConsole, Within::Record, "sessionCredentialFromConsole"),
    (Field::Mfa, Within::Attributes, "mfaAuthenticated"),
    (Field::CreationDate, Within::Attributes, "creationDate"),
];

/// Fields that fill a column only where another one does not: the better one, the other and its place.
const SECOND: [(Field, Field, Within, &str); 7] = [
    (Field::EventId, Field::LowEventId, Within::Record, "eventId"),
    (Field::RequestId, Field::LowRequestId, Within::Record, "requestId"),
    (Field::SharedEventId, Field::LowSharedEventId, Within::Record, "sharedEventId"),
    (Field::SourceIdentity, Field::AttributesSourceIdentity, Within::Attributes, "sourceIdentity"),
    (Field::SignInSessionArn, Field::ContextSignInSessionArn, Within::Context, "signInSessionArn"),
    (Field::IdentityProvider, Field::FederatedProvider, Within::WebIdentity, "federatedProvider"),
    (Field::IssuedTo, Field::ScopeSourceArn, Within::InScopeOf, "sourceArn"),
];

/// Builds it; `None` where every field has a column.
pub(super) fn extra<'a>(record: &Record<'a, '_>) -> Text<'a> {
    let mut parts = Vec::new();
    let mut flags = 0;
    let others = &record.slots.others;
    let last = last_copies(record.text, others);
    for (i, other) in others.iter().enumerate() {
        let value = other.value.raw(record.text);
        let superseded = last.as_ref().is_some_and(|last| !last.contains(&i));
        if superseded || other.value.kind == Kind::Nothing || is_bare(value) {
            continue;
        }
        flags |= other.key.flags | other.value.flags;
        parts.push(Part { within: other.within, key: other.key.text(record.text), value });
    }
    let mut unheld = |field: Field, within, key| {
        let span = record.slots.get(field);
        flags |= span.flags;
        parts.push(Part { within, key, value: span.raw(record.text) });
    };
    for (field, within, key) in TYPED {
        let held = match field {
            Field::CreationDate => record.time(field).is_some(),
            _ => record.boolean(field).is_some(),
        };
        if !held && record.slots.has(field) && !record.slots.get(field).text(record.text).is_empty() {
            unheld(field, within, key);
        }
    }
    for (first, second, within, key) in SECOND {
        if record.slots.has(first) && record.slots.has(second) {
            let (first, other) =
                (record.slots.get(first).text(record.text), record.slots.get(second).text(record.text));
            if !first.is_empty() && !other.is_empty() && first != other {
                unheld(second, within, key);
            }
        }
    }
    if record.slots.get(Field::UserName).text(record.text) == redact::HIDDEN {
        unheld(Field::UserName, Within::Identity, "userName");
    }
    if record.slots.has(Field::IssuerType) && !issuer_is_told(record) {
        for (field, key) in
            [(Field::IssuerType, "type"), (Field::IssuerAccountId, "accountId"), (Field::IssuerUserName, "userName")]
        {
            if record.slots.has(field) {
                unheld(field, Within::Issuer, key);
            }
        }
    }
    if parts.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(64 + parts.iter().map(|p| p.key.len() + p.value.len() + 6).sum::<usize>());
    push_object(&mut out, &parts, Within::Record);
    let suspect = flags != 0 || record.suspect || redact::long_run(out.as_bytes());
    if suspect && let Cow::Owned(clean) = redact::json(&out) {
        out = clean;
    }
    Some(Cow::Owned(out))
}

/// The places of every key's last copy; `None` where no key comes twice.
fn last_copies(text: &str, others: &[Other]) -> Option<HashSet<usize>> {
    let plain = |o: &Other| match o.key.flags {
        0 => Cow::Borrowed(o.key.text(text)),
        _ => unescape(o.key.text(text)).0,
    };
    // Few fields, each compared with each, need no table.
    let few = others.len() <= 8;
    let twice = |(i, o): (usize, &Other)| {
        others[..i].iter().any(|earlier| earlier.within == o.within && plain(earlier) == plain(o))
    };
    if others.len() < 2 || few && !others.iter().enumerate().any(twice) {
        return None;
    }
    let mut seen = HashSet::new();
    Some(others.iter().enumerate().rev().filter(|(_, o)| seen.insert((o.within, plain(o)))).map(|(i, _)| i).collect())
}

/// Whether it is an empty object or array.
fn is_bare(raw: &str) -> bool {
    let inner = raw.strip_prefix('{').and_then(|r| r.strip_suffix('}'));
    let inner = inner.or_else(|| raw.strip_prefix('[').and_then(|r| r.strip_suffix(']')));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// Whether the session issuer's ARN tells its type, account and name too.
fn issuer_is_told(record: &Record<'_, '_>) -> bool {
    let text = |field: Field| record.slots.get(field).text(record.text);
    let prefix = match text(Field::IssuerType) {
        "Role" => "role/",
        "IAMUser" => "user/",
        _ => return false,
    };
    // arn:partition:iam::account:role/path/name, read from both ends.
    let (account, name) = (text(Field::IssuerAccountId), text(Field::IssuerUserName));
    let arn = text(Field::IssuerArn);
    let mut colons = arn.bytes().enumerate().filter(|(_, c)| *c == b':').map(|(i, _)| i);
    let (Some(before), Some(after)) = (colons.nth(3), colons.next()) else { return false };
    arn[after + 1..].starts_with(prefix)
        && (account.is_empty() || &arn[before + 1..after] == account)
        && (name.is_empty() || arn.strip_suffix(name).is_some_and(|rest| rest.ends_with('/')))
}

/// The objects inside an object, with their keys.
fn children(within: Within) -> &'static [(Within, &'static str)] {
    match within {
        Within::Record => &[(Within::Identity, "userIdentity"), (Within::Tls, "tlsDetails")],
        Within::Identity => {
            &[(Within::Context, "sessionContext"), (Within::OnBehalfOf, "onBehalfOf"), (Within::InScopeOf, "inScopeOf")]
        }
        Within::Context => &[
            (Within::Issuer, "sessionIssuer"),
            (Within::Attributes, "attributes"),
            (Within::WebIdentity, "webIdFederationData"),
        ],
        _ => &[],
    }
}

/// Writes the parts of one object and of the objects in it.
fn push_object(out: &mut String, parts: &[Part<'_>], within: Within) {
    out.push('{');
    let mut comma = false;
    let mut push_key = |out: &mut String, key: &str| {
        out.push_str(if comma { ",\"" } else { "\"" });
        comma = true;
        out.push_str(key);
        out.push_str("\":");
    };
    for part in parts.iter().filter(|part| part.within == within) {
        push_key(out, part.key);
        out.push_str(part.value);
    }
    for &(child, key) in children(within) {
        if parts.iter().any(|part| part.within >= child && part.within <= child.last()) {
            push_key(out, key);
            push_object(out, parts, child);
        }
    }
    out.push('}');
}
