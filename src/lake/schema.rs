//! THE column list of every stored table: name, type, meaning. Arrow schemas, Delta schemas and the README's table come from it.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The type of a stored column, in the few forms that every Delta reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text.
    Text,
    /// 64-bit integer.
    Int,
    /// 64-bit floating point number.
    Float,
    /// Boolean.
    Bool,
    /// Microseconds since 1970-01-01T00:00:00Z, UTC.
    Time,
    /// Days since 1970-01-01, UTC.
    Date,
    /// A list of texts.
    Texts,
    /// A list of faults: (index: the record's place in its object, null for the object itself; reason; text).
    Faults,
}

impl Type {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Type::Text => DataType::Utf8,
            Type::Int => DataType::Int64,
            Type::Float => DataType::Float64,
            Type::Bool => DataType::Boolean,
            Type::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Type::Date => DataType::Date32,
            Type::Texts => DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
            Type::Faults => DataType::List(Arc::new(Field::new(
                "element",
                DataType::Struct(
                    vec![
                        Field::new("index", DataType::Int64, true),
                        Field::new("reason", DataType::Utf8, true),
                        Field::new("text", DataType::Utf8, true),
                    ]
                    .into(),
                ),
                true,
            ))),
        }
    }

    /// The word that the README uses.
    pub fn word(self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Int => "integer",
            Type::Float => "number",
            Type::Bool => "boolean",
            Type::Time => "timestamp (UTC)",
            Type::Date => "date",
            Type::Texts => "list of text",
            Type::Faults => "list of (index, reason, text)",
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// snake_case of CloudTrail's own name, where it has one.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What it holds: unit, values, source.
    pub doc: &'static str,
}

/// One table: a Delta table in the lake's folder of the same name.
#[derive(Debug)]
pub struct Table {
    /// The table's and the folder's name.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// The columns, in order.
    pub columns: &'static [Column],
    /// The partition column, if any.
    pub partition: Option<&'static str>,
}

impl Table {
    /// The Arrow schema, partition column included; every column may be null.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(|c| Field::new(c.name, c.kind.arrow(), true)).collect::<Vec<_>>()))
    }

    /// The place of a column.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

macro_rules! columns {
    ($($name:ident $kind:ident $doc:literal;)*) => {
        &[$($crate::lake::schema::Column { name: stringify!($name), kind: $crate::lake::schema::Type::$kind, doc: $doc }),*]
    };
}

pub(crate) use columns;

/// What CloudTrail said: one row an event, whatever the service.
pub static EVENTS: Table = Table {
    name: "events",
    doc: "One row an event, every service; unique by (recipient_account_id, event_id).",
    partition: Some("event_date"),
    columns: columns! {
        event_date Date "The UTC day of event_time; the partition.";
        event_time Time "When the call completed, whole seconds.";
        event_id Text "CloudTrail's id of this copy of the event.";
        shared_event_id Text "Ties the copies of one call that several accounts received.";
        request_id Text "The service's id of the request.";
        event_version Text "The record's format version, as written.";
        event_type Text "AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, AwsVpceEvents.";
        event_category Text "Management, Data, NetworkActivity.";
        event_source Text "The service's host name, such as sts.amazonaws.com.";
        event_name Text "The call, such as AssumeRole.";
        aws_region Text "The region as written; calls to the global STS endpoint say us-east-1.";
        effective_region Text "The region that served the call: additionalEventData.RequestDetails.awsServingRegion, else aws_region.";
        recipient_account_id Text "The account that received this copy; where the record names none the object key's account, else the caller's, else null.";
        read_only Bool "Whether the call only reads; AssumeRole counts as reading.";
        management_event Bool "Whether it is a management event.";
        error_code Text "The error's code; null where the call succeeded.";
        error_message Text "The error's text.";
        source_ip_address Text "Where the call came from, as written: an address, a service's name, AWS Internal.";
        source_ip_kind Text "What source_ip_address is: public, private, cgnat, aws_internal, service_host, absent, other.";
        user_agent Text "The client, as written.";
        vpc_endpoint_id Text "The VPC endpoint the call went through.";
        vpc_endpoint_account_id Text "The account that owns the VPC endpoint.";
        identity_type Text "userIdentity.type: IAMUser, AssumedRole, AWSAccount, AWSService, SAMLUser, WebIdentityUser, FederatedUser, IdentityCenterUser, Root, ...";
        identity_arn Text "The caller's ARN.";
        identity_account_id Text "The caller's account.";
        identity_principal_id Text "The caller's unique id; AROA...:name for a role session.";
        identity_user_name Text "The caller's user name; null where AWS hides it.";
        access_key_id Text "The access key the call was signed with.";
        invoked_by Text "The service that made the call on the caller's behalf, or AWS Internal.";
        session_issuer_arn Text "The role or user whose credentials made the caller's session, with its path.";
        session_issuer_id Text "The unique id of that role or user.";
        session_created_at Time "When the caller's temporary credentials were issued.";
        session_mfa Bool "Whether the caller's session was made with MFA; says nothing about an identity provider's own MFA.";
        session_name Text "The caller's role session name.";
        source_identity Text "The caller's source identity; it stays along a chain.";
        identity_provider Text "The SAML name qualifier, or the OIDC provider.";
        on_behalf_of_user_id Text "The Identity Center user the call was made for.";
        in_scope_of_arn Text "The function or task that the caller's credentials were issued to.";
        ec2_role_delivery Text "1.0 or 2.0: the metadata service version that handed out the instance's key.";
        credential_id Text "The bearer credential's id, for Identity Center calls.";
        sign_in_session_arn Text "The sign-in session that the call belongs to.";
        from_console Bool "True where the session's credentials came from the console.";
        resource_arns Texts "The ARNs of the record's resources, distinct and sorted.";
        request_parameters Text "JSON text, secrets removed.";
        response_elements Text "JSON text, secrets removed; a session token is never stored.";
        additional_event_data Text "JSON text, secrets removed.";
        resources Text "JSON text.";
        tls_version Text "The TLS version of the request.";
        tls_host Text "The host name the client asked for.";
        extra Text "JSON object of every field that has no column of its own.";
        delivered_at Time "When the object was delivered: the time in its key, else its modification time.";
        ingest_number Int "The run of rolecall that stored the row.";
        source_object Text "The object that held the record.";
        record_index Int "The record's place in its object, from 0.";
    },
};

/// The ingest book: one row an object.
pub static LEDGER: Table = Table {
    name: "ledger",
    doc: "One row an object that was looked at; records = events + duplicates + not_events + faults.",
    partition: None,
    columns: columns! {
        source_object Text "The object's path or URI.";
        size Int "Its size in bytes, compressed.";
        etag Text "Its S3 ETag; null where none.";
        last_modified Time "Its modification time.";
        records Int "Records found in it.";
        events Int "Records stored as events.";
        duplicates Int "Records that were stored before.";
        not_events Int "Records that are no CloudTrail events: Insight, notifications.";
        faults Faults "What could not be read: the record's index (null for the object itself), the reason, a text.";
        status Text "ingested, truncated, not_cloudtrail, archived, failed.";
        ingest_number Int "The run that wrote the row.";
        ingested_at Time "When that run wrote it.";
    },
};

/// Calls that give, refuse or take away credentials, with what they say of role, caller and lifetime. Derived from `events`.
pub static CREDENTIAL_CALLS: Table = Table {
    name: "credential_calls",
    doc: "One row a call that gives, refuses or takes away credentials; derived from events, rebuilt by `lake rederive`.",
    partition: None,
    columns: columns! {
        kind Text "issue, failure, sign_in, portal, switch, revocation.";
        event_time Time "When the call completed.";
        event_id Text "The event's id.";
        shared_event_id Text "Ties the copies of one call.";
        recipient_account_id Text "The account that received this copy.";
        api Text "The call: AssumeRole, GetSessionToken, ConsoleLogin, ...";
        error_code Text "The error's code, for a failure.";
        error_message Text "The error's text, for a failure.";
        caller_type Text "userIdentity.type.";
        caller_arn Text "userIdentity.arn.";
        caller_account Text "userIdentity.accountId.";
        caller_principal_id Text "userIdentity.principalId.";
        caller_user_name Text "userIdentity.userName.";
        caller_key_id Text "userIdentity.accessKeyId.";
        caller_issuer_arn Text "The role or user behind the caller's own session.";
        caller_session_name Text "The caller's own role session name.";
        caller_created_at Time "When the caller's own credentials were issued.";
        caller_source_identity Text "The caller's own source identity.";
        caller_mfa Bool "Whether the caller's own session was made with MFA.";
        invoked_by Text "The service that called.";
        identity_provider Text "The SAML name qualifier, or the OIDC provider.";
        on_behalf_of_user_id Text "The Identity Center user, for the portal.";
        source_ip_address Text "As written in the record.";
        user_agent Text "As written in the record.";
        effective_region Text "The region that served the call.";
        role_arn Text "The role asked for; from the error message where the parameters are null.";
        role_id Text "The unique id of the role (AROA...), from assumedRoleUser.";
        session_name Text "The role session name asked for; the federated user's name for GetFederationToken.";
        key_id Text "The access key issued.";
        expires_at Time "credentials.expiration, where it is believable.";
        requested_seconds Int "durationSeconds as asked for.";
        external_id Text "externalId.";
        source_identity Text "sourceIdentity of the request, else of the response.";
        serial_number Text "The MFA device named in the request.";
        session_tags Text "JSON list of {key, value, transitive}.";
        transitive_tag_keys Texts "Keys of the tags that stay along the chain, distinct and sorted.";
        session_policy Text "JSON: {policy, policy_arns}.";
        provider Text "The SAML provider's ARN (principalArn), or the OIDC provider's.";
        subject Text "The federated subject.";
        audience Text "The OIDC or SAML audience.";
        target_account Text "The account asked for: the role's, the portal's target, the root's.";
        permission_set Text "The permission set, for the portal.";
        success Bool "Whether it succeeded, sign-ins included.";
        mfa_used Bool "Whether MFA was used, for sign-ins.";
        issued_before Time "For a revocation: credentials issued before this time are refused.";
    },
};

/// What each credential did in a day, summed up. Rows merge by minimum, maximum and sum. Derived from `events`.
pub static ACTIVITY: Table = Table {
    name: "activity",
    doc: "One row per day, credential, address, agent and region: first, last and counts; derived from events.",
    partition: None,
    columns: columns! {
        event_date Date "The UTC day.";
        access_key_id Text "The key the calls were signed with; null where the record shows none.";
        identity_type Text "userIdentity.type.";
        identity_principal_id Text "userIdentity.principalId.";
        identity_arn Text "userIdentity.arn.";
        identity_account_id Text "userIdentity.accountId.";
        identity_user_name Text "userIdentity.userName.";
        session_issuer_arn Text "The role or user behind the session.";
        session_name Text "The role session name.";
        session_created_at Time "When the session's credentials were issued.";
        exact_time Time "The event's time, for calls with neither key nor creation date: only the time can tie those.";
        source_identity Text "The session's source identity.";
        session_mfa Bool "Whether the session was made with MFA.";
        from_console Bool "Whether the credentials came from the console.";
        recipient_account_id Text "The account that received the record.";
        effective_region Text "The region that served the call.";
        source_ip_address Text "As written in the record.";
        source_ip_kind Text "What it is.";
        vpc_endpoint_id Text "The VPC endpoint.";
        user_agent Text "The client.";
        first_at Time "The first call.";
        last_at Time "The last call.";
        event_count Int "Calls.";
        error_count Int "Calls with an error code.";
        denied_count Int "Calls denied.";
        write_count Int "Calls with read_only = false.";
    },
};

/// What `verify` found: one row an object and verdict.
pub static INTEGRITY: Table = Table {
    name: "integrity",
    doc: "One row a digest or log file that `verify` looked at, as its latest run found it: what the evidence rests on.",
    partition: None,
    columns: columns! {
        source_object Text "The object's path or URI, as in events; for what is missing the place in S3 where it should be.";
        kind Text "log, digest, gap.";
        verdict Text "valid, modified, missing, unlisted, unverifiable, gap, digest_missing, bad_signature, moved.";
        reason Text "Why it is not valid; see the list of reasons.";
        proof Text "What proves the digest, or the digest that lists the log file: signature (CloudTrail's own), chain (its hash in a later digest that is proved).";
        account Text "The account that the logs are from.";
        region Text "The region that the logs are from.";
        trail Text "The trail's name; null for a log file that no digest lists.";
        chain Text "standard, backfill.";
        digest Text "The digest that lists the log file, or names the missing digest.";
        delivered_at Time "For a log file the minute of its delivery, for a digest the end of its time.";
        expected_sha256 Text "The SHA-256 of the uncompressed content that the digest tells.";
        found_sha256 Text "The one that was found.";
        verify_number Int "The run of `verify` that wrote the row; null where nothing is stored.";
        verified_at Time "When that run began.";
    },
};

/// What baselines are sums of: what each identity and role did in a day. Made from the other tables, a day at a time.
pub static DAILY: Table = Table {
    name: "daily",
    doc: "One row per day, entity, feature and value: what baselines are sums of; written by `report`, a day anew whenever events of it came late.",
    partition: Some("event_date"),
    columns: columns! {
        event_date Date "The UTC day; the partition.";
        entity_type Text "who (whoever answers for a chain), role, caller, account, edge (caller > role), path, day (the row that says what the day was made from).";
        entity Text "Which one.";
        feature Text "What is counted: role, shape, ip, network, agent, hour, seconds, service, call, ...";
        value Text "The value.";
        n Int "How often.";
        n_err Int "How often in vain.";
        first_at Time "The first time that day.";
        last_at Time "The last time that day.";
        n_sessions Int "In how many sessions.";
    },
};

/// What the reports found.
pub static FINDINGS: Table = Table {
    name: "findings",
    doc: "One row per night and finding, as that night's report had it.",
    partition: Some("night"),
    columns: columns! {
        night Date "The night of the report; the partition.";
        fingerprint Text "The same every night: a hash of the detection, the stable entity, the stable target and the class of value.";
        detection Text "The detection's id.";
        title Text "What happened, in one line.";
        severity Text "critical, high, medium, low, info.";
        score Float "Bits of surprise.";
        state Text "new, ongoing, worsened, resolved, suppressed.";
        first_seen Time "The first event, over all nights.";
        last_seen Time "The last event.";
        event_count Int "The events of this night.";
        session_ids Texts "The sessions concerned.";
        access_keys Texts "The access keys concerned.";
        principals Texts "Who is concerned.";
        role_arns Texts "The roles concerned.";
        source_ips Texts "The addresses concerned.";
        accounts Texts "The accounts concerned.";
        reason Text "Why, and against which baseline.";
        next Text "The command that shows more.";
        evidence Text "JSON list of {event_date, account, event_id}.";
        origin Text "The identity that it is rolled up to.";
        attack Texts "ATT&CK technique ids.";
        chain Texts "The role ARNs from the origin to the session; repeats kept.";
        owner Text "The accounts' owner, where configured.";
        late Bool "Whether it is of an earlier night and was found only now.";
        nights Int "Nights on which it was seen.";
        total_events Int "Events over all nights.";
        max_score Float "The highest score of any night.";
        suppressed_by Text "The allow-list entry or the verdict that hides it.";
    },
};

/// Which nights were reported, and what they saw.
pub static NIGHTS: Table = Table {
    name: "nights",
    doc: "One row per night that was reported: how many events its day held then, and by which detections.",
    partition: Some("night"),
    columns: columns! {
        night Date "The night; the partition.";
        events Int "Events of the day when it was reported.";
        findings Int "Findings.";
        rules Text "A hash over the detections.";
        version Text "The version of rolecall.";
    },
};

/// What people said of findings.
pub static VERDICTS: Table = Table {
    name: "verdicts",
    doc: "One row per verdict on a finding; the latest of a fingerprint counts.",
    partition: None,
    columns: columns! {
        fingerprint Text "The finding.";
        detection Text "Its detection.";
        verdict Text "accepted (it was worth looking at), dismissed (it was not), reopened.";
        reason Text "Why.";
        owner Text "Who says so.";
        night Date "The night of the finding that was judged.";
        given_at Time "When.";
    },
};

/// Tables that come with their first row: a lake without them is whole.
pub static LATER: [&Table; 5] = [&INTEGRITY, &DAILY, &FINDINGS, &NIGHTS, &VERDICTS];

/// Every stored table that each lake has.
pub static TABLES: LazyLock<Vec<&'static Table>> =
    LazyLock::new(|| vec![&EVENTS, &LEDGER, &CREDENTIAL_CALLS, &ACTIVITY]);
