//! THE column list of every table that is computed from the stored ones. The README's table comes from it.

mod known;
mod views;

use crate::lake::schema::{Column, EVENTS, LATER, TABLES, Table, columns};

pub use known::*;
pub use views::*;

/// One row a credential.
pub static SESSIONS: Table = Table {
    name: "sessions",
    doc: "One row a credential: who got it, from whom, through which chain, for how long, and what it did.",
    partition: None,
    columns: columns! {
        session_id Text "The issued access key; for a session never issued in these logs the used key, else principal_id@creation date.";
        issue_seen Bool "Whether its issue is among the logs.";
        link_method Text "The weakest way in which one of its calls was tied to it: key, creation, window; none where it made no call.";
        api Text "The issuing call: AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity, GetSessionToken, GetFederationToken, AssumeRoot; null where the issue is not among the logs.";
        role_arn Text "The role; null where the call gives none.";
        role_name Text "The role's name, without its path.";
        role_account Text "The role's account; the user's own where the call gives no role.";
        role_id Text "The role's unique id (AROA...).";
        permission_set Text "Identity Center's permission set, for a role named AWSReservedSSO_<set>_<hex>.";
        session_name Text "The role session name; chosen by the caller, so no proof of identity.";
        session_name_kind Text "What the name looks like; see session_name_kind().";
        issued_at Time "When it was issued; for a session never issued here the creation date its calls show.";
        expires_at Time "credentials.expiration; null where the issue is not among the logs or tells none.";
        valid_until Time "The earlier of expires_at and revoked_at; for a session never issued here the latest expiry possible.";
        requested_seconds Int "The duration asked for, in seconds; null where none was.";
        granted_seconds Int "expires_at - issued_at, in seconds.";
        first_event_at Time "Its first call.";
        last_event_at Time "Its last call.";
        used_seconds Int "last_event_at - first_event_at, in seconds.";
        revoked_at Time "When a policy on aws:TokenIssueTime refused it.";
        caller_type Text "userIdentity.type of the issuing call.";
        caller Text "The caller under the name that stays the same from session to session, as in role_edges: role, user, service, account, or provider and subject.";
        caller_arn Text "The caller's ARN.";
        caller_account Text "The caller's account; null for services and federated callers.";
        caller_key_id Text "The access key the issuing call was signed with.";
        invoked_by Text "The service that asked.";
        cross_account Bool "Whether the caller's account is another than the role's; null where the caller has no account.";
        outside_organization Bool "Whether the caller's account lies outside the organisation; null where nothing tells.";
        origin_type Text "Who stands at the top of the chain: iam_user, root, identity_center, saml, oidc, service, outside_principal, unknown.";
        origin_class Text "What the origin is taken for: human, ci, workload, service, vendor, unknown.";
        origin Text "A user's ARN, a service's name, a federated subject (an Identity Center user by session name), or an outside principal id.";
        origin_provider Text "The SAML or OIDC provider's ARN.";
        origin_account Text "The origin's account.";
        parent_session_id Text "The session whose credentials asked for this one.";
        root_session_id Text "The first session of the chain; itself where nothing stands above.";
        ancestor_ids Texts "The sessions above, from the first of the chain to the parent.";
        chain_depth Int "Roles from the origin to this one: 1 = assumed by something that is no role session, 0 = no role.";
        chain_path Texts "The role ARNs from the first to this one, repeats kept.";
        chain_accounts Texts "The accounts of these roles, repeats kept.";
        issued_ip Text "source_ip_address of the issuing record as written, service names and AWS Internal included.";
        issued_user_agent Text "The agent of the issuing record.";
        effective_region Text "The region that served the issuing call.";
        used_ips Texts "Addresses of its own calls; service names and AWS Internal left out.";
        used_user_agents Texts "Agents of its own calls.";
        requester_ip Text "The person's own address, where Identity Center or the console hides it behind AWS's.";
        requester_user_agent Text "The person's own agent, likewise.";
        external_id Text "externalId of the request.";
        source_identity Text "Of the request, the response, else the caller's own session; it stays along the chain.";
        mfa_at_issue Bool "Whether the issuing call was made with MFA; null where an identity provider did it.";
        session_tags Text "JSON list of {key, value, transitive}.";
        transitive_tag_keys Texts "Keys of the tags that stay along the chain.";
        session_policy Text "JSON {policy, policy_arns}.";
        oidc_audience Text "The audience of the web identity token.";
        used_key_ids Texts "The keys its own calls were signed with.";
        event_count Int "Its own calls.";
        error_count Int "Those with an error code.";
        denied_count Int "Those that were denied.";
        write_count Int "Those with read_only = false.";
        used_accounts Texts "Accounts its calls were recorded in.";
        used_regions Texts "Regions its calls were served in.";
        issue_event_ids Texts "The event ids of its issue, every copy.";
    },
};

/// One row per session, address and network.
pub static SESSION_ADDRESSES: Table = Table {
    name: "session_addresses",
    doc: "One row per session, address and network its own calls came from.",
    partition: None,
    columns: columns! {
        session_id Text "The session.";
        ip Text "The address as written; service names and AWS Internal included.";
        ip_kind Text "public, private, cgnat, aws_internal, service_host, absent, other.";
        vpc_endpoint_id Text "The VPC endpoint the calls went through; a private address means nothing without it.";
        user_agent Text "The agent.";
        first_at Time "The first call from there.";
        last_at Time "The last one.";
        event_count Int "Calls.";
        error_count Int "Calls with an error code.";
    },
};

/// One row per failed STS call.
pub static FAILURES: Table = Table {
    name: "failures",
    doc: "One row per failed STS call. A refused attempt from another account is recorded in the caller's account alone.",
    partition: None,
    columns: columns! {
        event_time Time "When.";
        event_id Text "The event.";
        api Text "The call.";
        error_code Text "As written.";
        error_message Text "As written.";
        reason Text "What the code and the message amount to; see the list of reasons.";
        caller_type Text "userIdentity.type.";
        caller_arn Text "The caller's ARN.";
        caller_account Text "The caller's account; null for services and federated callers.";
        caller_key_id Text "The caller's key.";
        caller_session_id Text "The caller's session.";
        origin Text "Who stands behind the caller.";
        role_arn Text "The role asked for; parsed from the message where the parameters are null.";
        role_account Text "The role's account.";
        session_name Text "The role session name asked for; lost where access was denied.";
        source_ip Text "As written.";
        user_agent Text "As written.";
        succeeded_at Time "When the same caller got the same role, within a minute after.";
    },
};

/// The sessions that renew each other.
pub static SESSION_FAMILIES: Table = Table {
    name: "session_families",
    doc: "One row per run of two and more sessions that renew each other: same caller, role and session name, each issued before the last one ended.",
    partition: None,
    columns: columns! {
        caller Text "The caller, stable: role, user, service, account, or provider and subject.";
        role_arn Text "The role.";
        session_name Text "The role session name.";
        sessions Int "Sessions in the run.";
        first_at Time "The first issue.";
        last_at Time "The last issue.";
        period_seconds Int "The median time between issues, in seconds.";
        unbroken_seconds Int "From the first issue to the end of the last session, in seconds.";
    },
};

/// Who assumes which role.
pub static ROLE_EDGES: Table = Table {
    name: "role_edges",
    doc: "One row per caller and role.",
    partition: None,
    columns: columns! {
        caller_type Text "userIdentity.type.";
        caller Text "The caller, stable: role, user, service, account, or provider and subject.";
        caller_account Text "The caller's account; null for services and federated callers.";
        role_arn Text "The role.";
        role_account Text "The role's account.";
        sessions Int "Sessions issued.";
        first_at Time "The first issue.";
        last_at Time "The last issue.";
        days Int "Days with an issue.";
    },
};

/// Sign-ins.
pub static LOGINS: Table = Table {
    name: "logins",
    doc: "One row per sign-in: console, portal, device code, OAuth, federation endpoint.",
    partition: None,
    columns: columns! {
        login_id Text "The event's id.";
        kind Text "console, portal, device_code, oauth, federation.";
        user_name Text "Who signed in: the user name, else the Identity Center user id, else the ARN; null where AWS hides it.";
        event_time Time "When.";
        source_ip Text "The person's address as written.";
        user_agent Text "The person's agent.";
        mfa Bool "Whether MFA was used, where the record says so.";
        success Bool "Whether it succeeded.";
        account Text "The account that recorded it.";
        event_id Text "The event.";
    },
};

/// The accounts these logs know of.
pub static ACCOUNTS: Table = Table {
    name: "accounts",
    doc: "One row per account that delivers logs, calls or owns a role here.",
    partition: None,
    columns: columns! {
        account_id Text "The account.";
        name Text "Its name, where configured.";
        environment Text "Its environment, where configured.";
        owner Text "Its owner, where configured.";
        in_organization Bool "Whether it belongs to the organisation, where something tells.";
        first_seen Time "The first record that names it.";
        last_seen Time "The last one.";
        delivers_logs Bool "Whether records that the account received are among the logs.";
        ours Bool "Whether it counts as one's own: in_organization where that is told, else delivers_logs.";
    },
};

/// Which calls belong to which session, caller by caller.
pub static SESSION_LINKS: Table = Table {
    name: "session_links",
    doc: "One row per distinct caller: the session its calls belong to, or why none was found. linked_events says the same call by call.",
    partition: None,
    columns: columns! {
        identity_type Text "userIdentity.type.";
        identity_arn Text "userIdentity.arn.";
        identity_account_id Text "userIdentity.accountId.";
        identity_principal_id Text "userIdentity.principalId.";
        access_key_id Text "userIdentity.accessKeyId.";
        session_issuer_arn Text "The role or user behind the session.";
        session_name Text "The role session name.";
        session_created_at Time "When the session's credentials were issued.";
        exact_time Time "The call's time, where neither key nor creation date tell the session.";
        session_id Text "The session.";
        link_method Text "key, creation, window.";
        reason Text "Why no session was found: ambiguous, no_key, no_trail_of_caller_account, before_window.";
        role_arn Text "The session's role.";
        origin Text "Who stands at the top.";
        origin_type Text "What that is.";
        origin_class Text "What it is taken for.";
        chain_depth Int "Roles from the origin to the session's.";
        root_session_id Text "The first session of the chain.";
    },
};

/// What `linked_events` adds to the columns of `events`.
pub static LINKED_EVENTS: Table = Table {
    name: "linked_events",
    doc: "One row per event: every column of events, and then the session of its caller, or why none was found; both are null where the caller is no session. The views session_events and unlinked are made of it.",
    partition: None,
    columns: columns! {
        session_id Text "The session.";
        link_method Text "How the call was tied to it: key, creation, window.";
        reason Text "Why no session was found: ambiguous, no_key, no_trail_of_caller_account, before_window.";
        role_arn Text "The session's role.";
        origin Text "Who stands at the top of its chain.";
        origin_type Text "What that is; see sessions.";
        origin_class Text "What it is taken for; see sessions.";
        chain_depth Int "Roles from the origin to the session's.";
        root_session_id Text "The first session of the chain.";
    },
};

/// Issues whose caller is a session that could not be found.
pub static UNLINKED_ISSUES: Table = Table {
    name: "unlinked_issues",
    doc: "One row per issue whose caller is a session that could not be found.",
    partition: None,
    columns: columns! {
        event_id Text "The issuing event.";
        event_time Time "When.";
        identity Text "The caller as shown.";
        reason Text "no_trail_of_caller_account, before_window, ambiguous, no_key.";
    },
};

/// Every computed table.
pub static COMPUTED: [&Table; 9] = [
    &SESSIONS,
    &SESSION_ADDRESSES,
    &FAILURES,
    &SESSION_FAMILIES,
    &ROLE_EDGES,
    &LOGINS,
    &ACCOUNTS,
    &SESSION_LINKS,
    &UNLINKED_ISSUES,
];

/// Every table and view that can be asked, in the order in which somebody would look for them.
pub fn documented() -> Vec<&'static Table> {
    let mut tables: Vec<&Table> = vec![&SESSIONS];
    tables.extend(VIEWS);
    tables.extend(COMPUTED.into_iter().filter(|table| table.name != SESSIONS.name));
    tables.push(&LINKED_EVENTS);
    tables.extend(TABLES.iter());
    tables.extend(LATER);
    tables.extend(KNOWN);
    tables
}

/// A table's columns as the engine has them: `session_events` and `linked_events` have those of `events` before their own.
pub fn all_columns(table: &Table) -> Vec<&'static Column> {
    let events = if [SESSION_EVENTS.name, LINKED_EVENTS.name].contains(&table.name) { EVENTS.columns } else { &[] };
    events.iter().chain(table.columns).collect()
}
