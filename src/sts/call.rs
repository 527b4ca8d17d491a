//! Calls that give, refuse or take away credentials, and what each says of role, caller and lifetime.
//!
//! Reads the JSON of single events only; what several events mean together is `link`'s affair.

use serde_json::{Map, Value};

use super::{arn, denial, expiration};

/// What one event says, as far as credentials are concerned. Times are microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// When the call completed.
    pub event_time: i64,
    /// The service's host name.
    pub event_source: &'a str,
    /// The call.
    pub event_name: &'a str,
    /// The error's code.
    pub error_code: Option<&'a str>,
    /// The error's text.
    pub error_message: Option<&'a str>,
    /// requestParameters as JSON text.
    pub request_parameters: Option<&'a str>,
    /// responseElements as JSON text.
    pub response_elements: Option<&'a str>,
    /// additionalEventData as JSON text.
    pub additional_event_data: Option<&'a str>,
    /// Every other field as JSON text.
    pub extra: Option<&'a str>,
    /// userIdentity.type.
    pub identity_type: Option<&'a str>,
    /// userIdentity.accountId.
    pub identity_account_id: Option<&'a str>,
    /// userIdentity.userName.
    pub identity_user_name: Option<&'a str>,
    /// The account that received the record.
    pub recipient_account_id: Option<&'a str>,
}

/// What kind of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// STS returned credentials.
    Issue,
    /// STS refused.
    Failure,
    /// Somebody signed in: console, portal, device code, OAuth.
    SignIn,
    /// The Identity Center portal handed out a role; the person's own address is on this record.
    Portal,
    /// The console switched, left or renewed a role; the person's own address is on this record.
    Switch,
    /// A policy refuses the role's credentials of before a time.
    Revocation,
}

impl Kind {
    /// The word in the column `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Issue => "issue",
            Kind::Failure => "failure",
            Kind::SignIn => "sign_in",
            Kind::Portal => "portal",
            Kind::Switch => "switch",
            Kind::Revocation => "revocation",
        }
    }
}

/// What such a call says beyond the event's own columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What kind of call it is.
    pub kind: Kind,
    /// The role asked for.
    pub role_arn: Option<String>,
    /// The role's unique id.
    pub role_id: Option<String>,
    /// The role session name asked for; the federated user's name for GetFederationToken.
    pub session_name: Option<String>,
    /// The access key issued.
    pub key_id: Option<String>,
    /// When the credentials end; only where it is believable beside the event's time.
    pub expires_at: Option<i64>,
    /// durationSeconds as asked for.
    pub requested_seconds: Option<i64>,
    /// externalId.
    pub external_id: Option<String>,
    /// sourceIdentity of the request, else of the response.
    pub source_identity: Option<String>,
    /// The MFA device named in the request.
    pub serial_number: Option<String>,
    /// JSON list of {key, value, transitive}.
    pub session_tags: Option<String>,
    /// Keys of tags that stay along the chain, distinct and sorted.
    pub transitive_tag_keys: Vec<String>,
    /// JSON {policy, policy_arns}.
    pub session_policy: Option<String>,
    /// The SAML provider's ARN, or the OIDC provider's.
    pub provider: Option<String>,
    /// The federated subject.
    pub subject: Option<String>,
    /// The audience of the assertion or token.
    pub audience: Option<String>,
    /// The account asked for.
    pub target_account: Option<String>,
    /// The permission set, for the portal.
    pub permission_set: Option<String>,
    /// Whether it succeeded.
    pub success: bool,
    /// Whether MFA was used, for sign-ins.
    pub mfa_used: Option<bool>,
    /// For a revocation: credentials issued before this time are refused.
    pub issued_before: Option<i64>,
}

impl Call {
    fn new(kind: Kind, success: bool) -> Self {
        Self {
            kind,
            role_arn: None,
            role_id: None,
            session_name: None,
            key_id: None,
            expires_at: None,
            requested_seconds: None,
            external_id: None,
            source_identity: None,
            serial_number: None,
            session_tags: None,
            transitive_tag_keys: Vec::new(),
            session_policy: None,
            provider: None,
            subject: None,
            audience: None,
            target_account: None,
            permission_set: None,
            success,
            mfa_used: None,
            issued_before: None,
        }
    }
}

/// The sources whose events can be such calls; everything else is passed over without a look at its JSON.
pub fn may_be_call(event_source: &str, event_name: &str) -> bool {
    match event_source.split('.').next().unwrap_or_default() {
        "sts" | "signin" | "sso" | "sso-oauth" | "sso-oidc" => true,
        "iam" => event_name == "PutRolePolicy",
        _ => false,
    }
}

/// Reads the call, where the event is one.
pub fn read(facts: &Facts<'_>) -> Option<Call> {
    if !may_be_call(facts.event_source, facts.event_name) {
        return None;
    }
    match facts.event_source.split('.').next().unwrap_or_default() {
        "sts" if facts.error_code.is_some() => Some(failure(facts)),
        "sts" => issue(facts),
        "iam" => revocation(facts),
        _ => sign_in(facts),
    }
}

fn object(text: Option<&str>) -> Map<String, Value> {
    match text.map(serde_json::from_str) {
        Some(Ok(Value::Object(map))) => map,
        // Third-party copies hold the object as a JSON string.
        Some(Ok(Value::String(inner))) => match serde_json::from_str(&inner) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        },
        _ => Map::new(),
    }
}

fn text(map: &Map<String, Value>, name: &str) -> Option<String> {
    match map.get(name)? {
        Value::String(s) if s.is_empty() => None,
        Value::String(s) => Some(s.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn child<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m Map<String, Value>> {
    map.get(name)?.as_object()
}

fn integer(map: &Map<String, Value>, name: &str) -> Option<i64> {
    match map.get(name)? {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

/// What the request says, whether or not the call succeeded.
fn request(call: &mut Call, request: &Map<String, Value>) {
    call.role_arn = text(request, "roleArn");
    call.session_name = text(request, "roleSessionName").or_else(|| text(request, "name"));
    call.requested_seconds = integer(request, "durationSeconds");
    call.external_id = text(request, "externalId");
    call.source_identity = text(request, "sourceIdentity");
    call.serial_number = text(request, "serialNumber");
    call.provider = text(request, "principalArn");
    call.transitive_tag_keys = transitive_keys(request);
    call.session_tags = tags(request, &call.transitive_tag_keys);
    call.session_policy = policy(request);
    call.target_account = match text(request, "targetPrincipal") {
        Some(target) => Some(arn::account(&target).map(str::to_owned).unwrap_or(target)),
        None => call.role_arn.as_deref().and_then(arn::account).map(str::to_owned),
    };
}

fn transitive_keys(request: &Map<String, Value>) -> Vec<String> {
    let named = request.get("transitiveTagKeys").and_then(Value::as_array).into_iter().flatten();
    let mut keys: Vec<String> = named.filter_map(|k| k.as_str().map(str::to_owned)).collect();
    // incomingTransitiveTags lists what the caller's own session hands on; it goes on from here, too.
    keys.extend(child(request, "incomingTransitiveTags").into_iter().flat_map(|tags| tags.keys().cloned()));
    keys.sort();
    keys.dedup();
    keys
}

/// Tags come as a list (AssumeRole) or as a map (SAML, web identity, inherited ones): one form for all.
fn tags(request: &Map<String, Value>, transitive: &[String]) -> Option<String> {
    let mut all: Vec<(String, String)> = Vec::new();
    for name in ["tags", "principalTags", "incomingTransitiveTags"] {
        match request.get(name) {
            Some(Value::Array(list)) => {
                for tag in list.iter().filter_map(Value::as_object) {
                    if let Some(key) = text(tag, "key") {
                        all.push((key, text(tag, "value").unwrap_or_default()));
                    }
                }
            }
            Some(Value::Object(map)) => all.extend(map.keys().map(|k| (k.clone(), text(map, k).unwrap_or_default()))),
            _ => {}
        }
    }
    if all.is_empty() {
        return None;
    }
    all.sort();
    all.dedup();
    let list = all.into_iter().map(|(key, value)| {
        let stays = transitive.binary_search(&key).is_ok();
        serde_json::json!({"key": key, "value": value, "transitive": stays})
    });
    Some(Value::Array(list.collect()).to_string())
}

fn policy(request: &Map<String, Value>) -> Option<String> {
    let inline = match request.get("policy") {
        None | Some(Value::Null) => Value::Null,
        Some(Value::String(s)) => serde_json::from_str(s).unwrap_or_else(|_| Value::String(s.clone())),
        Some(other) => other.clone(),
    };
    let list = request.get("policyArns").and_then(Value::as_array).into_iter().flatten();
    let arns: Vec<Value> = list.map(|p| p.get("arn").unwrap_or(p).clone()).collect();
    let task = child(request, "taskPolicyArn").and_then(|t| t.get("arn")).cloned();
    let arns: Vec<Value> = arns.into_iter().chain(task).collect();
    if inline.is_null() && arns.is_empty() {
        return None;
    }
    Some(serde_json::json!({"policy": inline, "policy_arns": arns}).to_string())
}

/// An STS call that returned credentials. Calls that return none (GetCallerIdentity, ...) are no issue.
fn issue(facts: &Facts<'_>) -> Option<Call> {
    let response = object(facts.response_elements);
    let credentials = child(&response, "credentials")?;
    let key = text(credentials, "accessKeyId")?;
    let mut call = Call::new(Kind::Issue, true);
    request(&mut call, &object(facts.request_parameters));
    call.key_id = Some(key);
    call.expires_at = text(credentials, "expiration")
        .and_then(|t| expiration::parse(&t))
        .filter(|&t| expiration::believable(t, facts.event_time));
    if let Some(user) = child(&response, "assumedRoleUser") {
        call.role_id = text(user, "assumedRoleId").map(|id| id.split(':').next().unwrap_or_default().to_owned());
        if call.session_name.is_none() {
            let arn = text(user, "arn").unwrap_or_default();
            call.session_name = arn::role_of_assumed(&arn).map(|shown| shown.session_name.to_owned());
        }
    }
    call.source_identity = call.source_identity.or_else(|| text(&response, "sourceIdentity"));
    call.provider = call.provider.or_else(|| text(&response, "provider"));
    call.subject = text(&response, "subjectFromWebIdentityToken")
        .or_else(|| text(&response, "subject"))
        .or_else(|| federated_name(facts));
    call.audience = text(&response, "audience");
    Some(call)
}

/// The subject as userIdentity has it, for callers that an identity provider vouches for.
fn federated_name(facts: &Facts<'_>) -> Option<String> {
    match facts.identity_type {
        Some("SAMLUser" | "WebIdentityUser") => facts.identity_user_name.map(str::to_owned),
        _ => None,
    }
}

fn failure(facts: &Facts<'_>) -> Call {
    let mut call = Call::new(Kind::Failure, false);
    request(&mut call, &object(facts.request_parameters));
    call.subject = federated_name(facts);
    if call.role_arn.is_none() {
        // A denied AssumeRole has no parameters: the role stands in the message alone.
        call.role_arn =
            facts.error_message.and_then(denial::target).and_then(|denied| denied.role_arn).map(str::to_owned);
        call.target_account = call.role_arn.as_deref().and_then(arn::account).map(str::to_owned);
    }
    call
}

/// What a call of the sign-in service or of Identity Center is by its name: a sign-in, a step through the portal, a switch of
/// roles; `None` for the others.
pub fn sign_in_kind(event_name: &str) -> Option<Kind> {
    match event_name {
        "SwitchRole" | "ExitRole" | "RenewRole" => Some(Kind::Switch),
        "GetRoleCredentials" => Some(Kind::Portal),
        "ConsoleLogin"
        | "GetSigninToken"
        | "AuthorizeOAuth2Access"
        | "CreateOAuth2Token"
        | "CreateToken"
        | "CreateTokenWithIAM"
        | "Authenticate"
        | "Federate"
        | "CredentialVerification"
        | "UserAuthentication" => Some(Kind::SignIn),
        _ => None,
    }
}

fn sign_in(facts: &Facts<'_>) -> Option<Call> {
    let kind = sign_in_kind(facts.event_name)?;
    let response = object(facts.response_elements);
    let details = object(facts.extra);
    let service = child(&details, "serviceEventDetails").cloned().unwrap_or_default();
    // Sign-in records say Failure in responseElements, often without an error code.
    let outcome = [&response, &service].into_iter().find_map(|map| text(map, facts.event_name));
    let refused = facts.error_code.is_some() || outcome.as_deref().is_some_and(|o| o.eq_ignore_ascii_case("failure"));
    let mut call = Call::new(kind, !refused);
    let additional = object(facts.additional_event_data);
    call.mfa_used = text(&additional, "MFAUsed").map(|used| used.eq_ignore_ascii_case("yes"));
    call.provider = text(&additional, "SamlProviderArn");
    if kind == Kind::Portal {
        let parameters = object(facts.request_parameters);
        let either = |a: &str, b: &str| text(&service, a).or_else(|| text(&parameters, b));
        call.permission_set = either("role_name", "roleName");
        call.target_account = either("account_id", "accountId");
    }
    Some(call)
}

/// IAM's "revoke active sessions" puts a policy of a known name; any policy on aws:TokenIssueTime does the same.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html>
fn revocation(facts: &Facts<'_>) -> Option<Call> {
    if facts.error_code.is_some() {
        return None;
    }
    let parameters = object(facts.request_parameters);
    let document = text(&parameters, "policyDocument").unwrap_or_default();
    let named = text(&parameters, "policyName").as_deref() == Some("AWSRevokeOlderSessions");
    if !named && !document.contains("TokenIssueTime") {
        return None;
    }
    let mut call = Call::new(Kind::Revocation, true);
    call.session_name = text(&parameters, "roleName");
    call.target_account = facts.recipient_account_id.or(facts.identity_account_id).map(str::to_owned);
    call.issued_before = token_issue_time(&document).or(Some(facts.event_time));
    Some(call)
}

/// The time beside aws:TokenIssueTime in a policy document, which may be percent-encoded.
fn token_issue_time(document: &str) -> Option<i64> {
    let document = percent_encoding::percent_decode_str(document).decode_utf8_lossy();
    let after = &document[document.find("TokenIssueTime")? + "TokenIssueTime".len()..];
    let start = after.find(|c: char| c.is_ascii_digit())?;
    let time: String = after[start..].chars().take_while(|c| !matches!(c, '"' | '\\' | ']' | '}')).collect();
    expiration::parse(time.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sts<'a>(name: &'a str, request: &'a str, response: &'a str) -> Facts<'a> {
        Facts {
            event_time: 1_688_990_122_000_000,
            event_source: "sts.amazonaws.com",
            event_name: name,
            request_parameters: Some(request),
            response_elements: Some(response),
            ..Facts::default()
        }
    }

    #[test]
    fn an_assume_role_says_who_may_do_what_for_how_long() {
        let call = read(&sts(
            "AssumeRole",
            r#"{"roleArn":"arn:aws-cn:iam::015043439996:role/a/b/Spoke","roleSessionName":"dana","externalId":"x","durationSeconds":"900",
                "tags":[{"key":"team","value":"sre"}],"transitiveTagKeys":["team"],"incomingTransitiveTags":{"org":"x"},"policyArns":[{"arn":"p"}]}"#,
            r#"{"credentials":{"accessKeyId":"ASIA1","expiration":"Jul 10, 2023, 12:47:00 PM"},
                "assumedRoleUser":{"assumedRoleId":"AROA1:dana","arn":"arn:aws-cn:sts::015043439996:assumed-role/Spoke/dana"}}"#,
        ))
        .unwrap();
        assert_eq!(call.kind, Kind::Issue);
        assert_eq!(call.target_account.as_deref(), Some("015043439996"));
        assert_eq!(call.role_id.as_deref(), Some("AROA1"));
        assert_eq!(call.requested_seconds, Some(900));
        assert_eq!(call.expires_at, Some(1_688_993_220_000_000));
        assert_eq!(call.transitive_tag_keys, ["org", "team"]);
        assert_eq!(
            call.session_tags.as_deref(),
            Some(r#"[{"key":"org","transitive":true,"value":"x"},{"key":"team","transitive":true,"value":"sre"}]"#)
        );
        assert_eq!(call.session_policy.as_deref(), Some(r#"{"policy":null,"policy_arns":["p"]}"#));
    }

    #[test]
    fn a_denial_names_its_role_in_the_message_alone() {
        let message = "User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/Admin";
        let facts = Facts {
            error_code: Some("AccessDenied"),
            error_message: Some(message),
            request_parameters: None,
            response_elements: None,
            ..sts("AssumeRole", "", "")
        };
        let call = read(&facts).unwrap();
        assert_eq!(call.kind, Kind::Failure);
        assert_eq!(call.role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/Admin"));
        assert_eq!(call.session_name, None);
    }

    #[test]
    fn a_call_without_credentials_is_no_issue() {
        assert_eq!(read(&sts("GetCallerIdentity", "null", "null")), None);
        assert_eq!(read(&sts("AssumeRole", "not json", "[]")), None);
    }

    #[test]
    fn a_revocation_tells_which_credentials_it_refuses() {
        let request = r#"{"roleName":"app","policyName":"x","policyDocument":"%7B%22DateLessThan%22%3A%7B%22aws%3ATokenIssueTime%22%3A%222023-07-10T12%3A47%3A00Z%22%7D%7D"}"#;
        let facts = Facts {
            event_source: "iam.amazonaws.com",
            event_name: "PutRolePolicy",
            request_parameters: Some(request),
            recipient_account_id: Some("123456789012"),
            ..Facts::default()
        };
        let call = read(&facts).unwrap();
        assert_eq!((call.kind, call.issued_before), (Kind::Revocation, Some(1_688_993_220_000_000)));
        assert_eq!(call.session_name.as_deref(), Some("app"));
    }

    #[test]
    fn a_sign_in_failure_stands_in_the_response() {
        let facts = Facts {
            event_source: "signin.amazonaws.com",
            event_name: "ConsoleLogin",
            response_elements: Some(r#"{"ConsoleLogin":"Failure"}"#),
            additional_event_data: Some(r#"{"MFAUsed":"Yes"}"#),
            ..Facts::default()
        };
        let call = read(&facts).unwrap();
        assert_eq!((call.kind, call.success, call.mfa_used), (Kind::SignIn, false, Some(true)));
    }
}
