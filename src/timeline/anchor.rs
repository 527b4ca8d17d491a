//! What an anchor is: a key, a name, an address, an event; and which sessions and calls it names.
//!
//! Only the text is looked at. What it names is a condition in SQL; the anchor itself is always bound as `$anchor`.

use crate::sts::{arn, ip, unique_id};

/// What an anchor looks like; decides where it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// An access key, of a user or of a session.
    Key,
    /// An ARN: role, user, role session, federated user, provider, instance.
    Arn,
    /// A unique id (AROA, AIDA), with or without a session name.
    UniqueId,
    /// An address.
    Address,
    /// A network, such as 203.0.113.0/24.
    Network,
    /// An account.
    Account,
    /// The id of an event, a shared event, a request or a sign-in.
    Uuid,
    /// Anything else: a session name, a person, a role, a user, a source identity, a federated subject.
    Name,
}

/// What can be an anchor, for messages.
pub const KINDS: &str = "an anchor is an access key, an ARN, a unique id, a session name, a person, a role's or user's name, a source identity, a federated subject, an account, an address or network, or the id of an event, a request or a sign-in";

impl Anchor {
    /// What a text looks like.
    pub fn of(text: &str) -> Self {
        match unique_id::kind(text) {
            Some("access_key" | "temporary_key") if is_id(text) => return Anchor::Key,
            Some(_) if is_id(text) => return Anchor::UniqueId,
            _ => {}
        }
        if text.starts_with("arn:") {
            Anchor::Arn
        } else if ip::parse(text).is_some() {
            Anchor::Address
        } else if text.contains('/') && ip::network(text).is_some() {
            Anchor::Network
        } else if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Anchor::Account
        } else if is_uuid(text) {
            Anchor::Uuid
        } else {
            Anchor::Name
        }
    }

    /// What it is called on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Anchor::Key => "access key",
            Anchor::Arn => "ARN",
            Anchor::UniqueId => "unique id",
            Anchor::Address => "address",
            Anchor::Network => "network",
            Anchor::Account => "account",
            Anchor::Uuid => "event id",
            Anchor::Name => "name",
        }
    }

    /// What more the text itself tells: the account inside a key's id, the parts of an ARN.
    pub fn understood(self, text: &str) -> String {
        let more = match self {
            Anchor::Key | Anchor::UniqueId => unique_id::account(text).map(|account| format!("of account {account}")),
            Anchor::Arn => match (arn::account(text), arn::name(text)) {
                (Some(account), Some(name)) => Some(format!("{name} in account {account}")),
                _ => None,
            },
            Anchor::Address => Some(ip::ip_kind(text).replace('_', " ")),
            _ => None,
        };
        match more {
            Some(more) => format!("{} ({more})", self.word()),
            None => self.word().to_owned(),
        }
    }

    /// Which sessions it names.
    pub fn sessions(self) -> &'static str {
        match self {
            Anchor::Key => {
                "session_id = $anchor OR array_has(used_key_ids, $anchor) OR (caller_key_id = $anchor AND $anchor LIKE 'AKIA%')"
            }
            Anchor::Arn => {
                "role_arn = $anchor OR caller_arn = $anchor OR origin = $anchor OR origin_provider = $anchor
                 OR (strpos($anchor, ':assumed-role/') > 0 AND role_account = arn_account($anchor)
                     AND role_name = arn_name($anchor) AND session_name = split_part($anchor, '/', 3))
                 OR (strpos($anchor, ':federated-user/') > 0 AND api = 'GetFederationToken' AND role_account = arn_account($anchor)
                     AND session_name = split_part($anchor, '/', 2))
                 OR (strpos($anchor, ':instance/') > 0 AND session_name = split_part($anchor, '/', 2))"
            }
            Anchor::UniqueId => {
                "session_id = $anchor OR role_id = $anchor OR origin = $anchor
                 OR (role_id = split_part($anchor, ':', 1) AND session_name = split_part($anchor, ':', 2))
                 OR origin IN (SELECT identity_arn FROM activity WHERE identity_principal_id = $anchor)"
            }
            Anchor::Address => "issued_ip = $anchor OR requester_ip = $anchor OR array_has(used_ips, $anchor)",
            Anchor::Network => {
                "ip_in(issued_ip, $anchor) OR ip_in(requester_ip, $anchor)
                 OR session_id IN (SELECT session_id FROM session_addresses WHERE ip_in(ip, $anchor))"
            }
            Anchor::Account => "role_account = $anchor OR caller_account = $anchor OR origin_account = $anchor",
            Anchor::Uuid => {
                "array_has(issue_event_ids, $anchor) OR session_name = $anchor
                 OR session_id IN (SELECT session_id FROM session_events
                                   WHERE event_id = CAST($anchor AS VARCHAR) OR shared_event_id = CAST($anchor AS VARCHAR)
                                      OR request_id = CAST($anchor AS VARCHAR))
                 OR session_id IN (SELECT i.session_id FROM (SELECT session_id, unnest(issue_event_ids) AS id FROM sessions) i
                                   JOIN events e ON e.event_id = i.id WHERE e.shared_event_id = CAST($anchor AS VARCHAR) OR e.request_id = CAST($anchor AS VARCHAR))
                 OR session_id IN (SELECT s.session_id FROM sessions s JOIN logins l ON s.role_account = l.account
                                    AND (s.origin = l.user_name OR arn_name(s.origin) = l.user_name)
                                   WHERE l.login_id = $anchor AND s.issued_at BETWEEN l.event_time - INTERVAL '5' MINUTE AND l.event_time + INTERVAL '12' HOUR)"
            }
            Anchor::Name => {
                "lower(session_name) = lower($anchor) OR lower(source_identity) = lower($anchor) OR lower(origin) = lower($anchor)
                 OR role_name = $anchor OR permission_set = $anchor OR arn_name(origin) = $anchor OR invoked_by = $anchor"
            }
        }
    }

    /// Which calls that were made without a session: with a user's own key, or as root.
    pub fn calls(self) -> &'static str {
        match self {
            Anchor::Key => "access_key_id = $anchor",
            Anchor::Arn => "identity_arn = $anchor",
            Anchor::UniqueId => "identity_principal_id = $anchor",
            Anchor::Address => "source_ip_address = $anchor",
            Anchor::Network => "ip_in(source_ip_address, $anchor)",
            Anchor::Account => "identity_account_id = $anchor",
            // Compared without a cast, one parameter would have to be of three columns' types at once.
            Anchor::Uuid => {
                "event_id = CAST($anchor AS VARCHAR) OR shared_event_id = CAST($anchor AS VARCHAR) OR request_id = CAST($anchor AS VARCHAR)"
            }
            Anchor::Name => "identity_user_name = $anchor",
        }
    }
}

fn is_id(text: &str) -> bool {
    let id = text.split(':').next().unwrap_or(text);
    id.len() >= 16 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_told_apart() {
        for (text, expected) in [
            ("ASIARTX3GSDS2UJDIVTY", Anchor::Key),
            ("AKIAIOSFODNN7EXAMPLE", Anchor::Key),
            ("AROAJBP4A5WSXVNY72RLE", Anchor::UniqueId),
            ("AROAJBP4A5WSXVNY72RLE:dana", Anchor::UniqueId),
            ("AIDAJBP4A5WSXVNY72RLE", Anchor::UniqueId),
            ("arn:aws:iam::111122223333:role/Hub", Anchor::Arn),
            ("203.0.113.77", Anchor::Address),
            ("2001:db8::1", Anchor::Address),
            ("203.0.113.0/24", Anchor::Network),
            ("2001:db8::/32", Anchor::Network),
            ("111122223333", Anchor::Account),
            ("0f902c35-794c-4864-b2e0-3c4564b857b0", Anchor::Uuid),
            ("dana@example.com", Anchor::Name),
            ("repo:corp/platform:ref:refs/heads/main", Anchor::Name),
            ("ASIA", Anchor::Name),
            ("AKIAdministrator", Anchor::Name),
        ] {
            assert_eq!(Anchor::of(text), expected, "{text}");
        }
    }

    #[test]
    fn what_was_understood_is_said() {
        assert_eq!(Anchor::Key.understood("ASIARTX3GSDS2UJDIVTY"), "access key (of account 111122223333)");
        assert_eq!(Anchor::Arn.understood("arn:aws:iam::111122223333:role/a/Hub"), "ARN (Hub in account 111122223333)");
        assert_eq!(Anchor::Address.understood("10.0.0.1"), "address (private)");
        assert_eq!(Anchor::Name.understood("dana"), "name");
    }
}
