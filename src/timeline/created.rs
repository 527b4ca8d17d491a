//! Calls that create or change what credentials come from, and which sessions came of them.
//!
//! The hop that manual work misses: a created key, an edited trust policy, a function with a passed role.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sts::arn;

use super::load::{Place, Sessions};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A call that changes who can get credentials.
#[derive(Debug, Clone)]
pub struct Deed {
    /// When, in microseconds.
    pub at: i64,
    /// The event.
    pub event_id: String,
    /// The call.
    pub name: String,
    /// The account it happened in.
    pub account: String,
    /// The key it was signed with.
    pub key: Option<String>,
    /// The caller's ARN.
    pub caller: Option<String>,
    /// Where it came from.
    pub ip: Option<String>,
    /// The program.
    pub agent: Option<String>,
    /// requestParameters.
    pub request: Value,
    /// responseElements.
    pub response: Value,
}

/// Every such call, by name. Lambda's names carry their API's date.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>
pub const CALLS: &[&str] = &[
    "CreateAccessKey",
    "UpdateAccessKey",
    "CreateLoginProfile",
    "UpdateLoginProfile",
    "CreateUser",
    "CreateRole",
    "UpdateAssumeRolePolicy",
    "CreateOpenIDConnectProvider",
    "UpdateOpenIDConnectProviderThumbprint",
    "AddClientIDToOpenIDConnectProvider",
    "CreateSAMLProvider",
    "UpdateSAMLProvider",
    "CreateTrustAnchor",
    "CreateProfile",
    "UpdateProfile",
    "RunInstances",
    "AssociateIamInstanceProfile",
    "ReplaceIamInstanceProfileAssociation",
    "ModifyInstanceAttribute",
    "CreateFunction20150331",
    "UpdateFunctionCode20150331v2",
    "UpdateFunctionConfiguration20150331v2",
    "CreateFunction",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
    "RunTask",
    "StartBuild",
    "CreateStack",
    "UpdateStack",
    "CreateChangeSet",
    "SendCommand",
    "StartSession",
    "CreateDevEndpoint",
    "CreateNotebookInstance",
    "CreateTrainingJob",
];

/// Of those, what says who can get in as somebody: looked for above a session, not only below.
pub const ABOVE: &[&str] = &[
    "CreateAccessKey",
    "CreateLoginProfile",
    "UpdateLoginProfile",
    "CreateUser",
    "UpdateAssumeRolePolicy",
    "CreateRole",
    "CreateOpenIDConnectProvider",
    "UpdateOpenIDConnectProviderThumbprint",
    "CreateSAMLProvider",
    "UpdateSAMLProvider",
    "UpdateFunctionCode20150331v2",
    "UpdateFunctionCode",
];

/// What credentials can come from that a call left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clue {
    /// A user's new access key.
    Key { id: String },
    /// A user, made or given a password.
    User { account: String, name: String },
    /// A role whose trust policy was written: who it lets in, where the record tells, and whether the role is new.
    Trust { account: String, role: String, admitted: Option<BTreeSet<String>>, new: bool },
    /// A federation provider.
    Provider { arn: String, new: bool },
    /// Roles that Roles Anywhere gives out; every role where none is named.
    Anywhere { roles: Vec<String> },
    /// An instance that was launched or given a role.
    Instance { id: String },
    /// An instance that was sent a command.
    Commanded { id: String },
    /// A function.
    Function { account: String, name: String },
    /// A session name that a service will use: a task, a build.
    Named { name: String },
    /// A role passed to a service.
    Passed { role: String, service: String },
}

fn get<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |value, part| value.get(part)).and_then(Value::as_str)
}

fn each<'a>(value: &'a Value, list: &[&str], field: &str) -> Vec<&'a str> {
    let list = list.iter().try_fold(value, |value, part| value.get(part)).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| if field.is_empty() { item.as_str() } else { get(item, &[field]) })
        .collect()
}

/// Who a trust policy lets in: account ids, ARNs, providers, `*`; services are left out.
pub fn admitted(policy: &str) -> BTreeSet<String> {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    let statements = match policy.get("Statement") {
        Some(Value::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    for statement in statements.iter().filter(|s| get(s, &["Effect"]) != Some("Deny")) {
        let mut add = |value: &Value| match value {
            Value::String(text) => _ = found.insert(text.clone()),
            Value::Array(list) => found.extend(list.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        };
        match statement.get("Principal") {
            Some(Value::Object(kinds)) => {
                kinds.iter().filter(|(kind, _)| *kind != "Service").for_each(|(_, value)| add(value));
            }
            Some(other) => add(other),
            None => {}
        }
    }
    found
}

/// What a call left behind.
pub fn clues(deed: &Deed) -> Vec<Clue> {
    let (request, response, account) = (&deed.request, &deed.response, deed.account.clone());
    let text = |path: &[&str]| get(request, path).map(str::to_owned);
    let user = || text(&["userName"]).map(|name| Clue::User { account: account.clone(), name });
    let mut found = Vec::new();
    match deed.name.as_str() {
        "CreateAccessKey" => {
            let made = get(response, &["accessKey", "accessKeyId"]).map(|id| Clue::Key { id: id.to_owned() });
            found.extend(made.or_else(user));
        }
        "UpdateAccessKey" if get(request, &["status"]) == Some("Active") => {
            found.extend(text(&["accessKeyId"]).map(|id| Clue::Key { id }));
        }
        "CreateLoginProfile" | "UpdateLoginProfile" | "CreateUser" => found.extend(user()),
        "CreateRole" | "UpdateAssumeRolePolicy" => {
            let policy = text(&["assumeRolePolicyDocument"]).or_else(|| text(&["policyDocument"]));
            found.extend(text(&["roleName"]).map(|role| Clue::Trust {
                account: account.clone(),
                role,
                admitted: policy.map(|policy| admitted(&policy)),
                new: deed.name == "CreateRole",
            }));
        }
        "CreateOpenIDConnectProvider" => {
            let made = get(response, &["openIDConnectProviderArn"]);
            found.extend(made.map(|arn| Clue::Provider { arn: arn.to_owned(), new: true }));
        }
        "UpdateOpenIDConnectProviderThumbprint" | "AddClientIDToOpenIDConnectProvider" => {
            found.extend(text(&["openIDConnectProviderArn"]).map(|arn| Clue::Provider { arn, new: false }));
        }
        "CreateSAMLProvider" => {
            let made = get(response, &["sAMLProviderArn"]);
            found.extend(made.map(|arn| Clue::Provider { arn: arn.to_owned(), new: true }));
        }
        "UpdateSAMLProvider" => {
            found.extend(text(&["sAMLProviderArn"]).map(|arn| Clue::Provider { arn, new: false }));
        }
        "CreateTrustAnchor" => found.push(Clue::Anywhere { roles: Vec::new() }),
        "CreateProfile" | "UpdateProfile" => {
            let roles: Vec<_> = each(request, &["roleArns"], "").into_iter().map(str::to_owned).collect();
            if !roles.is_empty() {
                found.push(Clue::Anywhere { roles });
            }
        }
        "RunInstances" => {
            let made = each(response, &["instancesSet", "items"], "instanceId");
            found.extend(made.into_iter().map(|id| Clue::Instance { id: id.to_owned() }));
        }
        "AssociateIamInstanceProfile" | "ModifyInstanceAttribute" => {
            let id = text(&["instanceId"]).or_else(|| text(&["AssociateIamInstanceProfileRequest", "InstanceId"]));
            found.extend(id.map(|id| Clue::Instance { id }));
        }
        "SendCommand" => {
            let ids = each(request, &["instanceIds"], "");
            found.extend(ids.into_iter().map(|id| Clue::Commanded { id: id.to_owned() }));
        }
        "StartSession" => found.extend(text(&["target"]).map(|id| Clue::Commanded { id })),
        "RunTask" => {
            for task in each(response, &["tasks"], "taskArn") {
                let name = task.rsplit('/').next().unwrap_or(task).to_owned();
                found.push(Clue::Named { name });
            }
        }
        "StartBuild" => {
            let build = get(response, &["build", "id"]).and_then(|id| id.split_once(':'));
            found.extend(build.map(|(_, id)| Clue::Named { name: format!("AWSCodeBuild-{id}") }));
        }
        "CreateStack" | "UpdateStack" | "CreateChangeSet" => {
            let role = text(&["roleARN"]);
            found.extend(role.map(|role| Clue::Passed { role, service: "cloudformation.amazonaws.com".to_owned() }));
        }
        "CreateNotebookInstance" | "CreateTrainingJob" => {
            let role = text(&["roleArn"]);
            found.extend(role.map(|role| Clue::Passed { role, service: "sagemaker.amazonaws.com".to_owned() }));
        }
        "CreateDevEndpoint" => {
            let role = text(&["roleArn"]);
            found.extend(role.map(|role| Clue::Passed { role, service: "glue.amazonaws.com".to_owned() }));
        }
        name if name.starts_with("CreateFunction") || name.starts_with("UpdateFunction") => {
            let name = text(&["functionName"]).map(|name| name.rsplit(':').next().unwrap_or(&name).to_owned());
            found.extend(name.map(|name| Clue::Function { account, name }));
        }
        _ => {}
    }
    found
}

impl Clue {
    /// What was left behind, for people.
    pub fn words(&self) -> String {
        match self {
            Clue::Key { id } => format!("access key {id}"),
            Clue::User { account, name } => format!("user {name} in {account}"),
            Clue::Trust { account, role, new: true, .. } => format!("role {role} in {account}"),
            Clue::Trust { account, role, .. } => format!("the trust policy of {role} in {account}"),
            Clue::Provider { arn, .. } => format!("provider {arn}"),
            Clue::Anywhere { .. } => "a Roles Anywhere anchor or profile".to_owned(),
            Clue::Instance { id } => format!("instance {id}"),
            Clue::Commanded { id } => format!("a command on {id}"),
            Clue::Function { account, name } => format!("function {name} in {account}"),
            Clue::Named { name } => format!("a run named {name}"),
            Clue::Passed { role, service } => format!("{} passed to {service}", arn::name(role).unwrap_or(role)),
        }
    }

    /// Whether a session came of it, beginning after `at`. For a trust policy: by somebody it lets in who never had the role before.
    pub fn gave(&self, sessions: &Sessions, at: i64, place: Place) -> bool {
        let begun = sessions.begun(place);
        if begun + 2 * SECOND < at || begun > at + 90 * DAY {
            return false;
        }
        let role = sessions.role(place);
        let service = |host: &str| sessions.invoked_by(place) == Some(host) || sessions.origin(place) == Some(host);
        let named = |name: &str| sessions.name(place) == Some(name) && sessions.parent(place).is_none();
        let user = |account: &str, name: &str| {
            let of = |text: Option<&str>| {
                text.is_some_and(|text| arn::account(text) == Some(account) && arn::name(text) == Some(name))
            };
            sessions.parent(place).is_none() && of(sessions.origin(place))
        };
        match self {
            Clue::Key { id } => sessions.caller_key(place) == Some(id.as_str()),
            Clue::User { account, name } => user(account, name),
            Clue::Trust { account, role: name, admitted, new } => {
                role.is_some_and(|role| {
                    arn::account(role) == Some(account.as_str()) && arn::name(role) == Some(name.as_str())
                }) && match admitted {
                    _ if *new => true,
                    None => newcomer(sessions, place, at),
                    Some(admitted) => {
                        admitted.iter().any(|who| lets_in(who, sessions, place)) && newcomer(sessions, place, at)
                    }
                }
            }
            Clue::Provider { arn, new } => {
                sessions.origin_provider(place) == Some(arn.as_str())
                    && sessions.parent(place).is_none()
                    && (*new || newcomer(sessions, place, at))
            }
            Clue::Anywhere { roles } => {
                service("rolesanywhere.amazonaws.com")
                    && (roles.is_empty() || role.is_some_and(|role| roles.iter().any(|known| known == role)))
            }
            Clue::Instance { id } | Clue::Commanded { id } | Clue::Named { name: id } => named(id),
            Clue::Function { account, name } => {
                named(name) && sessions.role_account(place) == Some(account.as_str()) && service("lambda.amazonaws.com")
            }
            Clue::Passed { role: passed, service: host } => role == Some(passed.as_str()) && service(host),
        }
    }
}

/// The caller as it stays from session to session.
fn caller(sessions: &Sessions, place: Place) -> (Option<&str>, Option<&str>) {
    let arn = sessions.caller_arn(place);
    let role = arn.and_then(arn::role_of_assumed).map(|assumed| assumed.role_name);
    match role {
        Some(role) => (sessions.caller_account(place), Some(role)),
        None => (sessions.caller_account(place), arn.or(sessions.origin(place))),
    }
}

/// Whether nobody like a session's caller had its role before.
fn newcomer(sessions: &Sessions, place: Place, at: i64) -> bool {
    let (role, who) = (sessions.role(place), caller(sessions, place));
    sessions.ask(|asked| asked.places.extend(role.map(str::to_owned)));
    !(0..sessions.len()).any(|other| {
        sessions.role(other) == role && sessions.begun(other) + 2 * SECOND < at && caller(sessions, other) == who
    })
}

fn lets_in(who: &str, sessions: &Sessions, place: Place) -> bool {
    let account = sessions.caller_account(place);
    if who == "*" {
        return true;
    }
    if sessions.origin_provider(place) == Some(who) || sessions.caller_arn(place) == Some(who) {
        return true;
    }
    // A unique id stands where a principal was deleted or is masked; an ARN's account is what another account's record shows.
    arn::account(who).or(Some(who)).is_some_and(|named| account == Some(named))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deed(name: &str, request: Value, response: Value) -> Deed {
        Deed {
            at: 0,
            event_id: "e".to_owned(),
            name: name.to_owned(),
            account: "111122223333".to_owned(),
            key: None,
            caller: None,
            ip: None,
            agent: None,
            request,
            response,
        }
    }

    #[test]
    fn what_calls_leave_behind() {
        let key = deed("CreateAccessKey", json!({"userName": "svc"}), json!({"accessKey": {"accessKeyId": "AKIAX"}}));
        assert_eq!(clues(&key), [Clue::Key { id: "AKIAX".to_owned() }]);
        let account = "111122223333".to_owned();
        let hidden = deed("CreateAccessKey", json!({"userName": "svc"}), Value::Null);
        assert_eq!(clues(&hidden), [Clue::User { account: account.clone(), name: "svc".to_owned() }]);
        let code = deed(
            "UpdateFunctionCode20150331v2",
            json!({"functionName": "arn:aws:lambda:x:1:function:fn"}),
            Value::Null,
        );
        assert_eq!(clues(&code), [Clue::Function { account, name: "fn".to_owned() }]);
        let launch = deed("RunInstances", Value::Null, json!({"instancesSet": {"items": [{"instanceId": "i-0"}]}}));
        assert_eq!(clues(&launch), [Clue::Instance { id: "i-0".to_owned() }]);
        assert_eq!(
            clues(&deed("UpdateAccessKey", json!({"accessKeyId": "AKIAX", "status": "Inactive"}), Value::Null)),
            []
        );
    }

    #[test]
    fn who_a_trust_policy_lets_in() {
        let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::999988887777:root"],"Service":"ec2.amazonaws.com"}},
            {"Effect":"Allow","Principal":"*"},{"Effect":"Deny","Principal":{"AWS":"123456789012"}}]}"#;
        assert_eq!(admitted(policy).into_iter().collect::<Vec<_>>(), ["*", "arn:aws:iam::999988887777:root"]);
        assert!(admitted("no JSON").is_empty());
    }
}
