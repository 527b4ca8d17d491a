//! Which call was made with which credential, and who stands at the top of the chain.
//!
//! Pure: rows in, sessions out. The result depends on what the rows say, never on their order: every choice is made by
//! time and id. Linking looks at all rows at once, because a session crosses midnight, its issue can arrive after its use,
//! and a chain crosses accounts.

mod callers;
mod chain;
mod index;
mod role;
mod sessions;
#[cfg(test)]
mod tests;
mod uses;

pub use callers::{Callers, Seen};
pub use sessions::{Origin, Session, ancestors};
pub use uses::BySession;

use super::names::{Name, Names};

/// Two seconds: how far a creation date may lie from the issue's time.
const CREATION_SLACK: i64 = 2_000_000;

/// Who made a call, as its record shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// userIdentity.type.
    pub kind: Name,
    /// userIdentity.arn.
    pub arn: Name,
    /// userIdentity.accountId.
    pub account: Name,
    /// userIdentity.principalId.
    pub principal: Name,
    /// userIdentity.accessKeyId.
    pub key: Name,
    /// The role or user behind the session.
    pub issuer_arn: Name,
    /// The role session name.
    pub session_name: Name,
    /// When the session's credentials were issued, microseconds.
    pub created_at: Option<i64>,
}

/// One record of a successful issue.
#[derive(Debug, Clone, Copy)]
pub struct Issue {
    /// The event's id.
    pub event_id: Name,
    /// When it was issued, microseconds.
    pub at: i64,
    /// The account that received the record.
    pub recipient: Name,
    /// The call.
    pub api: Name,
    /// Who asked.
    pub caller: Caller,
    /// The caller's user name.
    pub caller_user_name: Name,
    /// The caller's own source identity.
    pub caller_source_identity: Name,
    /// Whether the caller's own session was made with MFA.
    pub caller_mfa: Option<bool>,
    /// The service that asked.
    pub invoked_by: Name,
    /// The identity provider as userIdentity has it.
    pub identity_provider: Name,
    /// The address as written.
    pub source_ip: Name,
    /// The role.
    pub role_arn: Name,
    /// The role's unique id.
    pub role_id: Name,
    /// The role session name.
    pub session_name: Name,
    /// The issued key.
    pub key: Name,
    /// When it ends, microseconds.
    pub expires_at: Option<i64>,
    /// As asked for.
    pub requested_seconds: Option<i64>,
    /// Source identity of the request, else of the response.
    pub source_identity: Name,
    /// The MFA device of the request.
    pub serial_number: Name,
    /// The SAML or OIDC provider's ARN.
    pub provider: Name,
    /// The federated subject.
    pub subject: Name,
    /// The account asked for.
    pub target_account: Name,
}

/// What a credential did in a day, from one address with one agent in one region.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Whose calls they are, by number.
    pub caller: u32,
    /// The caller's user name.
    pub user_name: Name,
    /// The session's source identity.
    pub source_identity: Name,
    /// Whether the session was made with MFA.
    pub mfa: Option<bool>,
    /// Whether the credentials came from the console.
    pub from_console: Option<bool>,
    /// The account that received the records.
    pub recipient: Name,
    /// The region.
    pub region: Name,
    /// The address as written.
    pub ip: Name,
    /// What the address is.
    pub ip_kind: Name,
    /// The VPC endpoint.
    pub vpc_endpoint: Name,
    /// The agent.
    pub agent: Name,
    /// The first call, microseconds.
    pub first_at: i64,
    /// The last call.
    pub last_at: i64,
    /// Calls.
    pub events: i64,
    /// Calls with an error.
    pub errors: i64,
    /// Calls denied.
    pub denied: i64,
    /// Calls that write.
    pub writes: i64,
}

/// A record that shows the person's own address beside a session that shows AWS's.
#[derive(Debug, Clone, Copy)]
pub struct Sighting {
    /// When.
    pub at: i64,
    /// True for the Identity Center portal, false for the console's switch and sign-in records.
    pub portal: bool,
    /// The permission set, for the portal.
    pub permission_set: Name,
    /// The account asked for, for the portal.
    pub target_account: Name,
    /// The new session, for the console.
    pub caller: Caller,
    /// The person's address.
    pub source_ip: Name,
    /// The person's agent.
    pub agent: Name,
}

/// Credentials of a role that were issued before a time are refused from then on.
#[derive(Debug, Clone, Copy)]
pub struct Revocation {
    /// When the policy was put.
    pub at: i64,
    /// The role's account.
    pub account: Name,
    /// The role's name.
    pub role_name: Name,
    /// Credentials issued before this are refused.
    pub issued_before: i64,
}

/// Everything linking looks at.
#[derive(Debug, Default)]
pub struct Input {
    /// All texts.
    pub names: Names,
    /// Who used credentials.
    pub callers: Callers,
    /// Successful issues, every copy.
    pub issues: Vec<Issue>,
    /// What credentials did.
    pub uses: Vec<Use>,
    /// The person's own addresses.
    pub sightings: Vec<Sighting>,
    /// Refusals of older credentials.
    pub revocations: Vec<Revocation>,
}

/// How a call was tied to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The used key is the issued key.
    Key,
    /// Role, session name and creation date.
    Creation,
    /// Role and session name within the lifetime.
    Window,
}

impl Method {
    /// The word in `link_method`.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Key => "key",
            Method::Creation => "creation",
            Method::Window => "window",
        }
    }
}

/// Why something could not be tied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The caller's account delivers no logs here.
    NoTrail,
    /// The caller's account delivers logs, but the caller's issue is not among them.
    BeforeWindow,
    /// Several sessions fit.
    Ambiguous,
    /// Neither key nor creation date, and no session fits the time.
    NoKey,
}

impl Why {
    /// The word in `unlinked.reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::NoTrail => "no_trail_of_caller_account",
            Why::BeforeWindow => "before_window",
            Why::Ambiguous => "ambiguous",
            Why::NoKey => "no_key",
        }
    }
}

/// Where a caller's calls belong. Calls of long-term keys belong to no session, and need none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// To this session, found like this.
    To(usize, Method),
    /// To none.
    None(Why),
    /// The caller is no session.
    LongTerm,
}

/// The callers' sessions.
#[derive(Debug, Default)]
pub struct Links {
    /// All texts.
    pub names: Names,
    /// The issues that were linked.
    pub issues: Vec<Issue>,
    /// The uses that were linked.
    pub uses: Vec<Use>,
    /// Every session: issued ones by time and key, then those that were never issued here.
    pub sessions: Vec<Session>,
    /// One entry per distinct caller (and time, where only the time tells); rows of `uses` name theirs by its place.
    pub callers: Vec<Seen>,
    /// Per caller: where its calls belong.
    pub caller_links: Vec<Link>,
    /// Per session: the rows of `uses` that are its own.
    pub session_uses: BySession,
    /// Issues whose caller is a session that could not be found: the session issued, and why.
    pub unlinked_issues: Vec<(usize, Why)>,
}

impl Links {
    /// Whose calls a row of `uses` counts.
    pub fn caller_of(&self, used: &Use) -> &Caller {
        &self.callers[used.caller as usize].caller
    }

    /// The session of a caller, where one was found.
    pub fn session_of(&self, place: usize) -> Option<usize> {
        match self.caller_links[place] {
            Link::To(session, _) => Some(session),
            _ => None,
        }
    }
}

/// Ties every call to its session and every session to its origin.
pub fn link(input: Input) -> Links {
    let Input { mut names, callers, issues, uses, sightings, revocations } = input;
    let mut sessions = sessions::merge(&mut names, &issues);
    let mut links = uses::tie(&mut names, &mut sessions, callers, &issues, &uses);
    chain::tie(&mut names, &mut sessions, &issues, &uses, &mut links);
    sessions::finish(&names, &mut sessions, &issues, &uses, &links, &sightings, &revocations);
    Links {
        names,
        issues,
        uses,
        sessions,
        callers: links.callers,
        caller_links: links.links,
        session_uses: links.session_uses,
        unlinked_issues: links.unlinked_issues,
    }
}
