//! A row of `events` as an OCSF event. What has no place there goes into `unmapped`, so that nothing is lost.
//!
//! Follows the mapping of CloudTrail that OCSF publishes among its examples; where it leaves a choice, a comment says so.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::super::Row;
use crate::error::{Error, Result};
use crate::sts::call::{Kind, sign_in_kind};
use crate::sts::{expiration, ip};

/// The version of OCSF.
const VERSION: &str = "1.5.0";

/// The columns of `events` that the mapping reads.
pub const MAPPED: [&str; 31] = [
    "event_time",
    "event_id",
    "request_id",
    "event_version",
    "event_type",
    "event_category",
    "event_source",
    "event_name",
    "aws_region",
    "recipient_account_id",
    "read_only",
    "error_code",
    "error_message",
    "source_ip_address",
    "user_agent",
    "vpc_endpoint_id",
    "identity_type",
    "identity_arn",
    "identity_account_id",
    "identity_principal_id",
    "identity_user_name",
    "access_key_id",
    "invoked_by",
    "session_issuer_arn",
    "session_created_at",
    "session_mfa",
    "identity_provider",
    "on_behalf_of_user_id",
    "credential_id",
    "request_parameters",
    "response_elements",
];

/// Columns that are read where they are there, and go on to `unmapped` as well.
const RESOURCES: &str = "resources";

/// The first words of calls that create and delete; what changes without doing either is an update.
const CREATING: [&str; 7] = ["Create", "Run", "Register", "Allocate", "Import", "Issue", "Request"];
const DELETING: [&str; 6] = ["Delete", "Terminate", "Deregister", "Release", "Remove", "Purge"];
const UPDATING: [&str; 18] = [
    "Update",
    "Modify",
    "Put",
    "Set",
    "Attach",
    "Detach",
    "Add",
    "Enable",
    "Disable",
    "Tag",
    "Untag",
    "Change",
    "Reset",
    "Replace",
    "Associate",
    "Disassociate",
    "Authorize",
    "Revoke",
];
const READING: [&str; 8] = ["Get", "List", "Describe", "Head", "Lookup", "Search", "Query", "BatchGet"];

/// A number of OCSF with its caption.
type Named = (u64, &'static str);

/// Takes columns out of a row; what is left at the end has no place in OCSF.
struct Columns(Row);

impl Columns {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    fn needed(&mut self, name: &str) -> Result<String> {
        self.text(name).ok_or_else(|| {
            Error::usage(format!("a row has no {name}, so it is no event")).hint("SELECT * FROM events WHERE ...")
        })
    }

    /// A JSON text as what it stands for.
    fn json(&mut self, name: &str) -> Option<Value> {
        self.text(name).map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

/// Members with a value; `None` where there are none.
fn object(members: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Option<Value> {
    let map: Map<_, _> = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

fn text(value: Option<&Value>, path: &[&str]) -> Option<Value> {
    let found = path.iter().try_fold(value?, |value, key| value.get(key))?;
    found.as_str().filter(|text| !text.is_empty()).map(Value::from)
}

/// Milliseconds since 1970-01-01T00:00:00Z.
fn milliseconds(time: &str) -> Option<Value> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| Value::from(time.timestamp_millis()))
}

/// Maps a row of `events`, or of a view that has its columns.
///
/// # Errors
/// The row has no time, id, source or name.
pub fn map(row: Row) -> Result<Value> {
    let mut columns = Columns(row);
    let (time, uid) = (columns.needed("event_time")?, columns.needed("event_id")?);
    let (source, name) = (columns.needed("event_source")?, columns.needed("event_name")?);
    let service = source.split('.').next().unwrap_or(&source);
    let authentication = is_authentication(service, &name);
    let read_only = columns.take("read_only").and_then(|value| value.as_bool());
    let (class, category): (Named, Named) = if authentication {
        ((3002, "Authentication"), (3, "Identity & Access Management"))
    } else {
        ((6003, "API Activity"), (6, "Application Activity"))
    };
    let activity = if authentication { logon(service, &name) } else { activity(&name, read_only) };
    // What is none of OCSF's own activities goes by the source's name for it.
    let activity_name = if activity.0 == 99 { name.as_str() } else { activity.1 };

    let (request, response) = (columns.json("request_parameters"), columns.json("response_elements"));
    let additional = columns.0.get("additional_event_data").and_then(Value::as_str).and_then(parsed);
    let extra = columns.0.get("extra").and_then(Value::as_str).and_then(parsed);
    let error = columns.text("error_code");
    let message = columns.text("error_message");
    let outcome = [&response, &extra.as_ref().and_then(|extra| extra.get("serviceEventDetails").cloned())]
        .into_iter()
        .find_map(|value| text(value.as_ref(), &[name.as_str()]));
    let refused = outcome.is_some_and(|outcome| outcome.as_str().is_some_and(|o| o.eq_ignore_ascii_case("failure")));
    let status: Named = if error.is_some() || refused { (2, "Failure") } else { (1, "Success") };

    let mut event = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            event.insert(name.to_owned(), value);
        }
    };
    put("metadata", metadata(&mut columns, uid));
    put("time", milliseconds(&time));
    put("time_dt", Some(time.into()));
    for (id, caption, named) in [("class_uid", "class_name", class), ("category_uid", "category_name", category)] {
        put(id, Some(named.0.into()));
        put(caption, Some(named.1.into()));
    }
    put("activity_id", Some(activity.0.into()));
    put("activity_name", Some(activity_name.into()));
    put("type_uid", Some((class.0 * 100 + activity.0).into()));
    put("type_name", Some(format!("{}: {}", class.1, activity.1).into()));
    put("severity_id", Some(1.into()));
    put("severity", Some("Informational".into()));
    put("status_id", Some(status.0.into()));
    put("status", Some(status.1.into()));
    put("status_code", error.clone().map(Value::from));
    put("status_detail", message.clone().map(Value::from));

    let endpoint = source_endpoint(&mut columns);
    let identity = Identity::take(&mut columns);
    if authentication {
        put("user", Some(identity.asked_for(request.as_ref())));
        put("session", session(response.as_ref()));
        put("is_mfa", text(additional.as_ref(), &["MFAUsed"]).map(|used| Value::from(used == "Yes")));
        put("service", object([("name", Some(source.clone().into()))]));
        put("dst_endpoint", object([("svc_name", text(additional.as_ref(), &["LoginTo"]))]));
    } else {
        put("resources", columns.0.get(RESOURCES).and_then(Value::as_str).and_then(parsed).and_then(resources));
    }
    put("actor", Some(identity.actor()));
    let request_uid = columns.text("request_id").map(Value::from);
    let version = text(extra.as_ref(), &["apiVersion"]);
    put(
        "api",
        object([
            ("operation", Some(name.into())),
            ("service", object([("name", Some(source.into()))])),
            ("version", version),
            ("request", request_uid.clone().and_then(|uid| object([("uid", Some(uid)), ("data", request.clone())]))),
            (
                "response",
                object([
                    ("data", response),
                    ("error", error.map(Value::from)),
                    ("error_message", message.map(Value::from)),
                ]),
            ),
        ]),
    );
    put(
        "cloud",
        object([
            ("provider", Some("AWS".into())),
            ("region", columns.take("aws_region")),
            ("account", object([("uid", columns.take("recipient_account_id"))])),
        ]),
    );
    put("src_endpoint", Some(endpoint));
    put("http_request", object([("user_agent", columns.take("user_agent"))]));
    // OCSF wants an id for a request; parameters without one still have their place here.
    if let (None, Some(request)) = (request_uid, request) {
        columns.0.insert("request_parameters".to_owned(), request);
    }
    put("unmapped", unmapped(columns));
    Ok(Value::Object(event))
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// Calls that let somebody in. That the steps of signing in to the console and the portal are among them is our choice.
fn is_authentication(service: &str, name: &str) -> bool {
    match service {
        "sts" => name.starts_with("AssumeRo"),
        "signin" | "sso" | "sso-oauth" | "sso-oidc" => {
            matches!(sign_in_kind(name), Some(Kind::SignIn | Kind::Switch))
        }
        _ => false,
    }
}

fn logon(service: &str, name: &str) -> Named {
    if service == "sts" || name == "ConsoleLogin" { (1, "Logon") } else { (99, "Other") }
}

fn activity(name: &str, read_only: Option<bool>) -> Named {
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    match read_only {
        Some(true) => (2, "Read"),
        _ if begins(&CREATING) => (1, "Create"),
        _ if begins(&DELETING) => (4, "Delete"),
        _ if begins(&UPDATING) => (3, "Update"),
        None if begins(&READING) => (2, "Read"),
        _ => (99, "Other"),
    }
}

fn metadata(columns: &mut Columns, uid: String) -> Option<Value> {
    let feature = object([("name", columns.take("event_category"))]);
    let product = object([
        ("name", Some("CloudTrail".into())),
        ("vendor_name", Some("AWS".into())),
        ("version", columns.take("event_version")),
        ("feature", feature),
    ]);
    object([
        ("version", Some(VERSION.into())),
        ("uid", Some(uid.into())),
        ("event_code", columns.take("event_type")),
        ("product", product),
        ("profiles", Some(json!(["cloud", "datetime"]))),
    ])
}

/// Where the call came from; the schema wants something, also where the record says nothing.
fn source_endpoint(columns: &mut Columns) -> Value {
    let address = columns.text("source_ip_address");
    let endpoint = columns.take("vpc_endpoint_id");
    let (ip, domain) = match address {
        Some(text) => match ip::parse(&text) {
            Some(address) => (Some(Value::from(address.to_string())), None),
            None => (None, Some(Value::from(text))),
        },
        None => (None, None),
    };
    object([("ip", ip), ("domain", domain), ("uid", endpoint)]).unwrap_or_else(|| json!({"name": "unknown"}))
}

/// Who called.
struct Identity {
    kind: Option<Value>,
    name: Option<Value>,
    arn: Option<Value>,
    principal: Option<Value>,
    account: Option<Value>,
    credential: Option<Value>,
    session: Option<Value>,
    invoked_by: Option<Value>,
    provider: Option<Value>,
}

impl Identity {
    fn take(columns: &mut Columns) -> Self {
        let credential = columns.take("credential_id");
        let person = columns.take("on_behalf_of_user_id");
        let created = columns.text("session_created_at");
        Self {
            kind: columns.take("identity_type"),
            name: columns.take("identity_user_name"),
            arn: columns.take("identity_arn"),
            principal: columns.take("identity_principal_id").or(person),
            account: object([("uid", columns.take("identity_account_id"))]),
            credential: columns.take("access_key_id").or(credential),
            session: object([
                ("created_time", created.as_deref().and_then(milliseconds)),
                ("created_time_dt", created.map(Value::from)),
                ("is_mfa", columns.take("session_mfa")),
                ("issuer", columns.take("session_issuer_arn")),
            ]),
            invoked_by: columns.take("invoked_by"),
            provider: object([("name", columns.take("identity_provider"))]),
        }
    }

    /// The user that the call lets in: a role under a session name, else the caller.
    fn asked_for(&self, request: Option<&Value>) -> Value {
        let role = text(request, &["roleArn"]);
        let name = if role.is_some() { text(request, &["roleSessionName"]) } else { self.name.clone() };
        let account = if role.is_some() { None } else { self.account.clone() };
        let user = [
            ("uid", role.or_else(|| self.arn.clone())),
            ("name", name),
            ("uid_alt", self.principal.clone()),
            ("account", account),
        ];
        known(user)
    }

    fn actor(self) -> Value {
        let user = known([
            ("type", self.kind),
            ("name", self.name),
            ("uid", self.arn),
            ("uid_alt", self.principal),
            ("account", self.account),
            ("credential_uid", self.credential),
        ]);
        let members =
            [("user", Some(user)), ("session", self.session), ("invoked_by", self.invoked_by), ("idp", self.provider)];
        object(members).unwrap_or(Value::Null)
    }
}

/// A user. The schema wants a name, an id or an account: where the record shows none, the name says so.
fn known<const N: usize>(members: [(&'static str, Option<Value>); N]) -> Value {
    let mut user = match object(members) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    if !["name", "uid", "account"].iter().any(|name| user.contains_key(*name)) {
        user.insert("name".to_owned(), "unknown".into());
    }
    Value::Object(user)
}

/// The credentials that were given.
fn session(response: Option<&Value>) -> Option<Value> {
    let expires = text(response, &["credentials", "expiration"]);
    let expires = expires.as_ref().and_then(Value::as_str).and_then(expiration::parse);
    object([
        ("uid", text(response, &["assumedRoleUser", "arn"])),
        ("uid_alt", text(response, &["assumedRoleUser", "assumedRoleId"])),
        ("credential_uid", text(response, &["credentials", "accessKeyId"])),
        ("expiration_time", expires.map(|microseconds| Value::from(microseconds / 1000))),
    ])
}

fn resources(list: Value) -> Option<Value> {
    let resource = |resource: &Value| {
        let account = object([("uid", text(Some(resource), &["accountId"]))]);
        // The schema wants a name or an id of each.
        let uid = text(Some(resource), &["ARN"])?;
        let owner = account.and_then(|account| object([("account", Some(account))]));
        object([("uid", Some(uid)), ("type", text(Some(resource), &["type"])), ("owner", owner)])
    };
    let list: Vec<Value> = list.as_array()?.iter().filter_map(resource).collect();
    (!list.is_empty()).then_some(Value::Array(list))
}

/// What is left, JSON texts as what they stand for.
fn unmapped(columns: Columns) -> Option<Value> {
    const JSON: [&str; 3] = ["additional_event_data", "resources", "extra"];
    let left = columns.0.into_iter().filter(|(_, value)| !value.is_null());
    let value = |(name, value): (String, Value)| {
        let value = match value.as_str().filter(|_| JSON.contains(&name.as_str())).and_then(parsed) {
            Some(inner) => inner,
            None => value,
        };
        (name, value)
    };
    let left: Map<_, _> = left.map(value).collect();
    (!left.is_empty()).then_some(Value::Object(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Value) -> Row {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_assumed_role_is_a_logon() {
        let event = map(row(json!({
            "event_time": "2026-11-07T03:36:00Z", "event_id": "e-1", "event_source": "sts.amazonaws.com",
            "event_name": "AssumeRole", "read_only": true, "aws_region": "eu-north-1", "recipient_account_id": "111122223333",
            "identity_type": "AWSService", "invoked_by": "ec2.amazonaws.com", "source_ip_address": "ec2.amazonaws.com",
            "request_id": "r-1", "shared_event_id": "s-1", "error_code": null,
            "request_parameters": r#"{"roleArn":"arn:aws:iam::111122223333:role/Hub","roleSessionName":"i-0"}"#,
            "response_elements": r#"{"credentials":{"accessKeyId":"ASIAX","expiration":"Nov 7, 2026, 4:36:00 AM"},"assumedRoleUser":{"arn":"arn:x","assumedRoleId":"AROA:i-0"}}"#,
        })))
        .unwrap();
        for (pointer, expected) in [
            ("/class_uid", json!(3002)),
            ("/type_uid", json!(300_201)),
            ("/time", json!(1_794_022_560_000_i64)),
            ("/status_id", json!(1)),
            ("/user/uid", json!("arn:aws:iam::111122223333:role/Hub")),
            ("/user/name", json!("i-0")),
            ("/actor/user", json!({"type": "AWSService", "name": "unknown"})),
            ("/actor/invoked_by", json!("ec2.amazonaws.com")),
            ("/session/credential_uid", json!("ASIAX")),
            ("/session/expiration_time", json!(1_794_026_160_000_i64)),
            ("/src_endpoint", json!({"domain": "ec2.amazonaws.com"})),
            ("/api/request/uid", json!("r-1")),
            ("/unmapped", json!({"shared_event_id": "s-1"})),
        ] {
            assert_eq!(event.pointer(pointer), Some(&expected), "{pointer}: {event}");
        }
    }

    #[test]
    fn activities_go_by_the_calls_first_word_and_what_it_reads() {
        for (name, read_only, expected) in [
            ("GetObject", None, 2),
            ("CreateUser", Some(false), 1),
            ("DeleteUser", Some(false), 4),
            ("PutRolePolicy", Some(false), 3),
            ("Decrypt", Some(true), 2),
            ("StartInstances", Some(false), 99),
            ("GetSessionToken", Some(false), 99),
        ] {
            assert_eq!(activity(name, read_only).0, expected, "{name}");
        }
        assert!(is_authentication("sts", "AssumeRoleWithSAML") && is_authentication("signin", "SwitchRole"));
        assert!(!is_authentication("sts", "GetCallerIdentity") && !is_authentication("sso", "GetRoleCredentials"));
        assert_eq!((logon("signin", "ConsoleLogin").0, logon("signin", "GetSigninToken").0), (1, 99));
    }

    #[test]
    fn a_row_that_is_no_event_is_refused() {
        let error = map(row(json!({"event_time": "2026-11-07T03:36:00Z", "event_id": null}))).unwrap_err();
        assert_eq!(error.to_string(), "a row has no event_id, so it is no event");
    }
}
