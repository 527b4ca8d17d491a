//! THE column list of every table that is computed from the stored ones. The README's table comes from it.

use crate::lake::schema::{Column, EVENTS, LATER, TABLES, Table, columns};

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

/// Which calls belong to which session: what `session_events` and `unlinked` join events with.
pub static SESSION_LINKS: Table = Table {
    name: "session_links",
    doc: "One row per distinct caller: the session its calls belong to, or why none was found. The views session_events and unlinked join events with it.",
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

/// Accounts that the configuration knows.
pub static KNOWN_ACCOUNTS: Table = Table {
    name: "known_accounts",
    doc: "One row per account of [[account]] and [organization] in rolecall.toml.",
    partition: None,
    columns: columns! {
        account_id Text "The account.";
        name Text "Its name.";
        environment Text "What it is for.";
        owner Text "Who looks after it.";
        in_organization Bool "Whether it belongs to the organisation.";
    },
};

/// Third parties.
pub static KNOWN_VENDORS: Table = Table {
    name: "known_vendors",
    doc: "One row per account of a [[vendor]] in rolecall.toml.",
    partition: None,
    columns: columns! {
        name Text "The vendor.";
        account_id Text "An account it calls from.";
    },
};

/// Networks by name.
pub static KNOWN_NETWORKS: Table = Table {
    name: "known_networks",
    doc: "One row per address range of a [[network]] in rolecall.toml; ip_in(address, cidr) matches.",
    partition: None,
    columns: columns! {
        name Text "The network.";
        cidr Text "The range.";
        kind Text "office, vpn, egress, ci, vendor, hosting, tor, other.";
    },
};

/// VPC endpoints by name.
pub static KNOWN_VPC_ENDPOINTS: Table = Table {
    name: "known_vpc_endpoints",
    doc: "One row per [[vpc_endpoint]] in rolecall.toml.",
    partition: None,
    columns: columns! {
        vpc_endpoint_id Text "The endpoint.";
        name Text "Its name.";
        account_id Text "The account it belongs to.";
    },
};

/// People and the names they go by.
pub static KNOWN_PEOPLE: Table = Table {
    name: "known_people",
    doc: "One row per name that a [[person]] in rolecall.toml goes by, the person's own included.",
    partition: None,
    columns: columns! {
        person Text "The person.";
        alias Text "A session name, user name, ARN or mail address; compare without regard to case.";
    },
};

/// How much depends on which role.
pub static KNOWN_ROLES: Table = Table {
    name: "known_roles",
    doc: "One row per [[role]] in rolecall.toml; role_arn LIKE pattern OR role_name LIKE pattern matches.",
    partition: None,
    columns: columns! {
        pattern Text "The name or ARN, for LIKE.";
        tier Int "How much depends on it: 0 is most; null where nothing is said.";
        break_glass Bool "Whether it is for emergencies only.";
        canary Bool "Whether nobody has any business with it.";
    },
};

/// Pipelines.
pub static KNOWN_CI: Table = Table {
    name: "known_ci",
    doc: "One row per [[ci]] in rolecall.toml.",
    partition: None,
    columns: columns! {
        name Text "The pipeline.";
        kind Text "By what it is known: provider (origin_provider), subject (origin of type oidc), user (origin of type iam_user).";
        value Text "The ARN or subject, for LIKE.";
    },
};

/// What `rolecall.toml` says; empty without one.
pub static KNOWN: [&Table; 7] =
    [&KNOWN_ACCOUNTS, &KNOWN_VENDORS, &KNOWN_NETWORKS, &KNOWN_VPC_ENDPOINTS, &KNOWN_PEOPLE, &KNOWN_ROLES, &KNOWN_CI];

/// What `session_events` adds to the columns of `events`.
pub static SESSION_EVENTS: Table = Table {
    name: "session_events",
    doc: "One row per call made with a session's credentials: every column of events, and then these. Of a call that several accounts recorded, only the caller's own copy counts.",
    partition: None,
    columns: columns! {
        session_id Text "The session.";
        link_method Text "How the call was tied to it: key, creation, window.";
        role_arn Text "The session's role.";
        origin Text "Who stands at the top of its chain.";
        origin_type Text "What that is; see sessions.";
        origin_class Text "What it is taken for; see sessions.";
        chain_depth Int "Roles from the origin to the session's.";
        root_session_id Text "The first session of the chain.";
    },
};

/// What could not be tied.
pub static UNLINKED: Table = Table {
    name: "unlinked",
    doc: "One row per call or issue that could not be tied to a session.",
    partition: None,
    columns: columns! {
        event_id Text "The event.";
        event_time Time "When.";
        identity Text "The caller's ARN, else its unique id.";
        reason Text "no_trail_of_caller_account, before_window, ambiguous, no_key.";
    },
};

/// What the logs cover.
pub static COVERAGE: Table = Table {
    name: "coverage",
    doc: "One row per account, region and hour that holds events.",
    partition: None,
    columns: columns! {
        account Text "The account that received the events.";
        region Text "The region as written in the events.";
        hour Time "The hour's beginning.";
        objects Int "Objects that hold events of that hour.";
        events Int "Events.";
        lateness Int "The longest time from an event to its delivery, in seconds.";
        lag_p95 Int "The time within which 95 in 100 events were delivered, in seconds; estimated.";
        read_only_events Int "Events with read_only = true; none at all where a trail leaves them out.";
    },
};

/// Addresses, and what is known of them.
pub static ADDRESSES: Table = Table {
    name: "addresses",
    doc: "One row per address that credentials were asked for or used from, or that somebody signed in from.",
    partition: None,
    columns: columns! {
        ip Text "The address as written.";
        ip_kind Text "public, private, cgnat, other.";
        country Text "Its country, where a database is configured.";
        asn Int "The number of its autonomous system, where a database is configured.";
        organization Text "The name of that system, where a database is configured.";
        network Text "The name of the configured network that it lies in.";
        network_kind Text "That network's kind.";
        network_key Text "What it shares with its neighbours: the configured network, else the autonomous system, else its /24 (IPv6: /48).";
    },
};

/// Session names, and what they tell.
pub static SESSION_NAMES: Table = Table {
    name: "session_names",
    doc: "One row per session with a name: what set the name, judged by the caller first and by the name last, and what it says of who stands behind. Callers choose names freely: a class is a hint and no proof.",
    partition: None,
    columns: columns! {
        session_id Text "The session.";
        role_arn Text "The role.";
        session_name Text "The role session name.";
        kind Text "What the name looks like; see session_name_kind().";
        pattern Text "The name with what changes replaced; see session_name_pattern().";
        set_by Text "What set the name: Identity Center, an identity provider, a service, the console, else what usually makes such names; caller where nothing tells.";
        class Text "Who stands behind it, as far as caller, role and name tell: human, ci, workload, service, unknown.";
        expected Text "The name that the caller is known by: the user's name, the federated subject, the source identity, the caller's own session name; null where there is none.";
        names_caller Bool "Whether the name is the expected one, letter case and a domain after @ left aside; null where nothing is expected.";
    },
};

/// The patterns that a role's session names have.
pub static SESSION_NAME_PATTERNS: Table = Table {
    name: "session_name_patterns",
    doc: "One row per role and pattern of session names: how many sessions keep to it.",
    partition: None,
    columns: columns! {
        role_arn Text "The role.";
        pattern Text "The names with what changes replaced; see session_name_pattern().";
        kind Text "What such names look like; see session_name_kind().";
        sessions Int "Sessions with such a name.";
        percent Int "Their share of the role's sessions, in percent.";
        rank Int "1 for the role's most frequent pattern.";
        names Int "Different names.";
        callers Int "Different callers.";
        first_at Time "The first such session.";
        last_at Time "The last one.";
    },
};

/// The time the logs span.
pub static PERIOD: Table = Table {
    name: "period",
    doc: "One row: the time that sessions and failed calls span, and when its latest part begins: what counts as new.",
    partition: None,
    columns: columns! {
        first_at Time "The first issue, failed call or use.";
        last_at Time "The last one.";
        recent_at Time "Seven days before last_at, or the beginning of the last quarter where the logs span less than four weeks.";
    },
};

/// Where the logs fall silent.
pub static COVERAGE_GAPS: Table = Table {
    name: "coverage_gaps",
    doc: "One row per account, region and silence that is longer than three times what is usual there (the 95th percentile of its silences). Silence proves nothing by itself.",
    partition: None,
    columns: columns! {
        account Text "The account.";
        region Text "The region.";
        silent_from Time "The end of the last hour with events.";
        silent_until Time "The start of the next hour with events; the end of the newest hour of all where none followed.";
        silent_hours Int "Hours between.";
        usual_hours Int "Hours from one hour with events to the next, as 95 of 100 times there at most; 1 where every hour has some.";
        events_per_hour Int "Events in an hour that has some, on average, rounded.";
        lasting Bool "Whether no events followed.";
    },
};

/// What each account delivers.
pub static ACCOUNT_COVERAGE: Table = Table {
    name: "account_coverage",
    doc: "One row per account that received events: how much, since when, and whether its trail delivers calls that only read, AssumeRole among them.",
    partition: None,
    columns: columns! {
        account Text "The account.";
        events Int "Events.";
        regions Int "Regions with events.";
        first_event_at Time "The first event.";
        last_event_at Time "The last event.";
        read_only_events Int "Events that only read.";
        delivers_read_only Bool "Whether there are any; null below 20 management events, where their absence means nothing.";
    },
};

/// Accounts whose logs are missing.
pub static MISSING_ACCOUNTS: Table = Table {
    name: "missing_accounts",
    doc: "One row per account that calls or owns a role here and delivers no events: an account without a trail, a partner's, or AWS's own.",
    partition: None,
    columns: columns! {
        account Text "The account.";
        seen_as Text "caller, role_owner, both.";
        calls Int "Calls that it made, and calls for its roles.";
        first_seen Time "The first of them.";
        last_seen Time "The last.";
    },
};

/// Fields without a column.
pub static UNKNOWN_FIELDS: Table = Table {
    name: "unknown_fields",
    doc: "One row per field that has no column of its own and is kept in events.extra. A field that AWS adds shows here.",
    partition: None,
    columns: columns! {
        field Text "Its name; with its object's before it, where that is userIdentity, sessionContext or tlsDetails.";
        documented Bool "Whether AWS's record contents page names it.";
        events Int "Events that have it.";
        services Int "Services whose events have it.";
        first_seen Time "The first event that has it.";
        last_seen Time "The last one.";
    },
};

/// What could not be read.
pub static FAULTS: Table = Table {
    name: "faults",
    doc: "One row per record or object that could not be read: the faults of ledger, one by one.",
    partition: None,
    columns: columns! {
        source_object Text "The object.";
        status Text "What became of it; see ledger.";
        record_index Int "The record's place in it; null for the object itself.";
        reason Text "The reason; see the list of reasons.";
        text Text "More about it.";
        ingest_number Int "The run that wrote the row.";
        ingested_at Time "When that run wrote it.";
    },
};

/// What the events rest on.
pub static EVIDENCE: Table = Table {
    name: "evidence",
    doc: "One row per verdict of `verify` on the objects that the events come from: what an answer rests on.",
    partition: None,
    columns: columns! {
        verdict Text "See integrity; not_verified where verify has not looked at the object.";
        reason Text "Why it is not valid.";
        objects Int "Objects.";
        events Int "Events that come from them.";
        last_verified_at Time "When verify last looked at one of them.";
    },
};

/// The views of `queries/views`, as documented; a test holds them against what the views give.
pub static VIEWS: [&Table; 13] = [
    &SESSION_EVENTS,
    &UNLINKED,
    &COVERAGE,
    &COVERAGE_GAPS,
    &ACCOUNT_COVERAGE,
    &MISSING_ACCOUNTS,
    &UNKNOWN_FIELDS,
    &FAULTS,
    &EVIDENCE,
    &ADDRESSES,
    &SESSION_NAMES,
    &SESSION_NAME_PATTERNS,
    &PERIOD,
];

/// Every table and view that can be asked, in the order in which somebody would look for them.
pub fn documented() -> Vec<&'static Table> {
    let mut tables: Vec<&Table> = vec![&SESSIONS];
    tables.extend(VIEWS);
    tables.extend(COMPUTED.into_iter().filter(|table| table.name != SESSIONS.name));
    tables.extend(TABLES.iter());
    tables.extend(LATER);
    tables.extend(KNOWN);
    tables
}

/// A table's columns as the engine has them: `session_events` has those of `events` before its own.
pub fn all_columns(table: &Table) -> Vec<&'static Column> {
    let events = if table.name == SESSION_EVENTS.name { EVENTS.columns } else { &[] };
    events.iter().chain(table.columns).collect()
}
