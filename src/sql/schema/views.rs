//! The columns of the views in `queries/views`.

use crate::lake::schema::{Table, columns};

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
        lag_p95 Int "The time within which 95 in 100 events were delivered, in seconds.";
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
