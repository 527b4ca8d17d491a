//! What to do now: how each kind of credential is taken away, in the right order, with what it does not reach and whom it hits.
//!
//! Whoever can ask for new credentials goes first, then what was asked for, from the top of the chain down; then what was left behind.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::sts::arn;

use super::case::{Case, CaseSession};
use super::load::Sessions;
use super::text::{count, time};

/// One step.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// What to do.
    pub title: String,
    /// Commands.
    pub commands: Vec<String>,
    /// A policy to attach, as it is.
    pub policy: Option<String>,
    /// What it does not reach.
    pub misses: String,
    /// Innocent sessions that it cuts; none where it cannot be counted.
    pub innocent: Option<usize>,
}

/// Denies whatever was issued before a time.
fn older(at: i64, only: Option<&str>) -> Value {
    let mut condition = json!({"DateLessThan": {"aws:TokenIssueTime": time(at)}});
    if let (Some(user), Some(map)) = (only, condition.as_object_mut()) {
        map.insert("StringLike".to_owned(), json!({"aws:userid": user}));
    }
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}]})
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The steps, in order.
pub fn steps(case: &Case, sessions: &Sessions) -> Vec<Step> {
    let mut steps = Vec::new();
    let suspicious: Vec<&CaseSession> = case.sessions.iter().filter(|session| case.in_question(session)).collect();
    for key in case.keys.iter().filter(|key| case.key_in_question(key)) {
        let user = arn::name(&key.arn).unwrap_or(&key.arn);
        steps.push(Step {
            title: format!(
                "deactivate {} of {} in {}{}",
                key.id,
                user,
                key.account,
                match (key.created, key.home.first()) {
                    (true, _) => " (made in this case)".to_owned(),
                    (false, Some(home)) => format!("; what its owner does with it from {home} stops too"),
                    (false, None) => String::new(),
                }
            ),
            commands: vec![
                format!("aws iam update-access-key --user-name {} --access-key-id {} --status Inactive", quoted(user), key.id),
                format!("aws iam put-user-policy --user-name {} --policy-name DenyAll --policy-document file://deny-all.json", quoted(user)),
            ],
            policy: Some(json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}]}).to_string()),
            misses: "role sessions already asked for with it; deactivate, do not delete: the key's id stays evidence".to_owned(),
            // Sessions that were asked for with it live on.
            innocent: None,
        });
    }
    origins(case, &suspicious, &mut steps);
    roles(case, &suspicious, sessions, &mut steps);
    left_behind(case, &mut steps);
    if !steps.is_empty() {
        steps.push(Step {
            title: "watch for 30 minutes: what still succeeds, what asks for new credentials".to_owned(),
            commands: vec!["rolecall timeline --case DIR".to_owned()],
            misses: "changes take some seconds to spread: a success within a minute of a step is no failure of it"
                .to_owned(),
            ..Step::default()
        });
    }
    steps
}

/// Who can ask for new credentials.
fn origins(case: &Case, suspicious: &[&CaseSession], steps: &mut Vec<Step>) {
    let mut seen = BTreeSet::new();
    for session in suspicious {
        let root = case.session(&session.root).unwrap_or(session);
        let Some(origin) = root.origin.as_deref() else { continue };
        if !(root.is_suspicious() || case.supposed) || !seen.insert((root.origin_type.clone(), origin.to_owned())) {
            continue;
        }
        let name = root.role_name.as_deref().unwrap_or_default();
        match root.origin_type.as_str() {
            "identity_center" => steps.push(Step {
                title: format!("Identity Center: disable {origin}, delete the user's active sessions"),
                commands: vec![
                    "IAM Identity Center > Users > the user > Disable user access; Active sessions > Delete session"
                        .to_owned(),
                ],
                misses: "role credentials that were already handed out live on until they run out: the next steps"
                    .to_owned(),
                innocent: Some(0),
                ..Step::default()
            }),
            "oidc" | "saml" => {
                let provider = root.origin_provider.as_deref().unwrap_or_default();
                let host = provider.split_once("oidc-provider/").map_or(provider, |(_, host)| host);
                let (action, subject) = if root.origin_type == "oidc" {
                    ("sts:AssumeRoleWithWebIdentity", format!("{host}:sub"))
                } else {
                    ("sts:AssumeRoleWithSAML", "SAML:sub".to_owned())
                };
                let mut condition = serde_json::Map::new();
                condition.insert(subject, json!(origin));
                steps.push(Step {
                    title: format!("the trust policy of {name} in {}: refuse {origin}", root.role_account.as_deref().unwrap_or("?")),
                    commands: vec![format!("aws iam update-assume-role-policy --role-name {} --policy-document file://trust.json   # the present policy with this statement added", quoted(name))],
                    policy: Some(json!({"Effect": "Deny", "Principal": {"Federated": provider}, "Action": action, "Condition": {"StringEquals": condition}}).to_string()),
                    misses: format!("sessions of {name} that exist: the next steps; other roles that trust the same provider"),
                    innocent: Some(0),
                });
            }
            "outside_principal" => {
                let account = root.caller_account.as_deref().unwrap_or(origin);
                steps.push(Step {
                    title: format!("the trust policy of {name} in {}: refuse account {account}", root.role_account.as_deref().unwrap_or("?")),
                    commands: vec![format!("aws iam update-assume-role-policy --role-name {} --policy-document file://trust.json   # the present policy with this statement added", quoted(name))],
                    policy: Some(json!({"Effect": "Deny", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}).to_string()),
                    misses: "sessions that exist: the next steps".to_owned(),
                    innocent: None,
                });
            }
            "service" if root.session_name_kind.as_deref() == Some("instance") => {
                let instance = root.session_name.as_deref().unwrap_or_default();
                steps.push(Step {
                    title: format!(
                        "isolate {instance} in {}; require metadata version 2",
                        root.role_account.as_deref().unwrap_or("?")
                    ),
                    commands: vec![
                        "aws ec2 create-snapshot ...   # evidence first; then a security group without rules"
                            .to_owned(),
                        format!(
                            "aws ec2 modify-instance-metadata-options --instance-id {} --http-tokens required",
                            quoted(instance)
                        ),
                    ],
                    misses:
                        "the stolen credentials: they work from anywhere until the role's older sessions are revoked"
                            .to_owned(),
                    ..Step::default()
                });
            }
            "iam_user" if root.caller_key.is_none() => {
                let user = arn::name(origin).unwrap_or(origin);
                steps.push(Step {
                    title: format!("take the console from {user} in {}: delete the password, refuse older sessions", root.origin_account.as_deref().unwrap_or("?")),
                    commands: vec![
                        format!("aws iam delete-login-profile --user-name {}", quoted(user)),
                        format!("aws iam put-user-policy --user-name {} --policy-name RevokeOlderSessions --policy-document file://revoke.json", quoted(user)),
                    ],
                    policy: Some(older(case.at, None).to_string()),
                    misses: "the user's access keys, and role sessions already asked for".to_owned(),
                    innocent: None,
                });
            }
            "root" => steps.push(Step {
                title: format!(
                    "root of {}: new password, new MFA, no access keys",
                    root.origin_account.as_deref().unwrap_or("?")
                ),
                misses: "no policy in the account binds root; from the organisation a service control policy does"
                    .to_owned(),
                ..Step::default()
            }),
            _ => {}
        }
    }
}

/// The sessions that exist, role by role, from the top of the chain down.
fn roles(case: &Case, suspicious: &[&CaseSession], sessions: &Sessions, steps: &mut Vec<Step>) {
    let mut by_role: BTreeMap<(i64, &str), Vec<&CaseSession>> = BTreeMap::new();
    let mut depths: BTreeMap<&str, i64> = BTreeMap::new();
    for session in suspicious.iter().filter(|session| session.is_valid_at(case.at)) {
        if let Some(role) = session.role_arn.as_deref() {
            let depth = depths.entry(role).or_insert(session.depth);
            *depth = (*depth).min(session.depth);
        }
    }
    for session in suspicious.iter().filter(|session| session.is_valid_at(case.at)) {
        if let Some(role) = session.role_arn.as_deref() {
            by_role.entry((depths[role], role)).or_default().push(session);
        }
    }
    for ((_, role), cut) in by_role {
        let (name, account) = (arn::name(role).unwrap_or(role), arn::account(role).unwrap_or("?"));
        let ids: BTreeSet<&str> = cut.iter().map(|session| session.id.as_str()).collect();
        let others = || {
            (0..sessions.len()).filter(|&place| {
                sessions.role(place) == Some(role)
                    && sessions.until(place).is_some_and(|until| until > case.at)
                    && sessions.begun(place) <= case.at
                    && !ids.contains(sessions.id(place))
            })
        };
        sessions.ask(|asked| _ = asked.valid.insert((role.to_owned(), case.at)));
        let names: BTreeSet<&str> = cut.iter().filter_map(|session| session.session_name.as_deref()).collect();
        if role.contains("/aws-reserved/sso.amazonaws.com/") {
            let only = names.first().map(|name| format!("*:{name}"));
            let same = others().filter(|&place| sessions.name(place).is_some_and(|name| names.contains(name))).count();
            steps.push(Step {
                title: format!("refuse what {} already holds of {} in {account}", names.first().unwrap_or(&"the user"), cut[0].what()),
                commands: vec!["a service control policy on the account, or the permission set's inline policy (it replaces the present one: keep its statements), then provision".to_owned()],
                policy: Some(older(case.at, only.as_deref()).to_string()),
                misses: "the role itself cannot be edited; service control policies do not bind the management account; roles asked for with it".to_owned(),
                innocent: Some(same),
            });
        } else if role.contains(":role/aws-service-role/") {
            steps.push(Step {
                title: format!("{name} in {account} belongs to a service: its policies cannot be edited"),
                misses: "sessions end when they run out; take away what the service acts on".to_owned(),
                ..Step::default()
            });
        } else {
            let innocent = others().count();
            let narrower = match (innocent, names.len()) {
                (0, _) | (_, 0) | (_, 2..) => String::new(),
                _ => format!(
                    "(only those named {}: add \"StringLike\": {{\"aws:userid\": \"*:{}\"}}) ",
                    names.first().unwrap_or(&""),
                    names.first().unwrap_or(&"")
                ),
            };
            steps.push(Step {
                title: format!("revoke the older sessions of {name} in {account} ({})", count(cut.len(), "session")),
                commands: vec![format!("aws iam put-role-policy --role-name {} --policy-name AWSRevokeOlderSessions --policy-document file://revoke.json", quoted(name))],
                policy: Some(older(case.at, None).to_string()),
                misses: format!("{narrower}sessions of other roles that were asked for with it, and new ones"),
                innocent: Some(innocent),
            });
        }
    }
}

/// What was created, besides keys.
fn left_behind(case: &Case, steps: &mut Vec<Step>) {
    let mut seen = BTreeSet::new();
    for made in
        case.made.iter().filter(|made| !made.what.starts_with("access key") && !made.what.starts_with("a command"))
    {
        let by_other = made.by.as_deref().is_none_or(|by| case.session(by).is_none_or(CaseSession::is_suspicious));
        if !by_other || !seen.insert(made.what.clone()) {
            continue;
        }
        steps.push(Step {
            title: format!("undo: {} ({} at {})", made.what, made.call, time(made.at)),
            misses: if made.gave.is_empty() {
                "nobody used it in these logs".to_owned()
            } else {
                format!("{} came of it", count(made.gave.len(), "session"))
            },
            ..Step::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_are_aws_own() {
        let policy = older(1_762_486_560_000_000, None).to_string();
        assert_eq!(
            policy,
            r#"{"Statement":[{"Action":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2025-11-07T03:36:00Z"}},"Effect":"Deny","Resource":["*"]}],"Version":"2012-10-17"}"#
        );
        assert_eq!(quoted("a b'c"), "'a b'\\''c'");
    }
}
