//! Names without what differs from one use to the next, so that a baseline counts what stays the same.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sts::arn;

/// A role's name without account, Identity Center's suffix and long runs of digits or hex: roles that a landing zone makes in
/// every account have one shape.
pub fn role_shape(role: &str) -> String {
    let name = arn::name(role).unwrap_or(role);
    if role.contains("/aws-reserved/sso.amazonaws.com/")
        && let Some((set, suffix)) = name.rsplit_once('_')
        && suffix.len() == 16
    {
        return set.to_owned();
    }
    name.split_inclusive(['-', '_', '.']).map(part_shape).collect()
}

fn part_shape(part: &str) -> String {
    let (body, end) = match part.char_indices().next_back() {
        Some((at, c)) if !c.is_alphanumeric() => part.split_at(at),
        _ => (part, ""),
    };
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let hex = body.len() >= 8 && digits > 0 && body.bytes().all(|b| b.is_ascii_hexdigit());
    let shape = if digits == body.len() && digits > 0 || hex || digits >= 3 { "#" } else { body };
    format!("{shape}{end}")
}

/// The shapes of a chain's roles, given their ARNs with blanks between them.
pub fn chain_shape(path: &str) -> String {
    path.split(' ').filter(|role| !role.is_empty()).map(role_shape).collect::<Vec<_>>().join(" > ")
}

/// Who vouches for a web identity: owner and repository of a code host's subject, namespace of a cluster's, the subject else.
pub fn subject_prefix(subject: &str) -> String {
    let parts: Vec<&str> = subject.split(':').collect();
    match parts.as_slice() {
        ["repo" | "project_path" | "organization" | "org", owner, ..] => format!("{}:{owner}", parts[0]),
        ["system", "serviceaccount", namespace, ..] => format!("system:serviceaccount:{namespace}"),
        _ => subject.to_owned(),
    }
}

/// The owner alone: `repo:corp` of `repo:corp/platform:ref:refs/heads/main`.
pub fn subject_owner(subject: &str) -> String {
    let prefix = subject_prefix(subject);
    prefix.split_once('/').map_or(prefix.clone(), |(owner, _)| owner.to_owned())
}

/// The keys of session tags, joined with commas; of a role session's tags as JSON `[{"key": ..}, ..]`.
pub fn tag_keys(tags: &str) -> String {
    let Ok(Value::Array(tags)) = serde_json::from_str(tags) else { return String::new() };
    let keys: BTreeSet<&str> = tags.iter().filter_map(|tag| tag.get("key").and_then(Value::as_str)).collect();
    keys.into_iter().collect::<Vec<_>>().join(",")
}

/// Whether a session's name is the caller's own: the user's name, the subject, its part before `@`, or the source identity.
pub fn names_identity(name: &str, identity: &str) -> bool {
    let plain = |text: &str| text.split('@').next().unwrap_or_default().to_lowercase();
    let own = if identity.starts_with("arn:") { arn::name(identity).unwrap_or(identity) } else { identity };
    plain(name) == plain(own) || !own.is_empty() && name.to_lowercase().contains(&plain(own))
}

/// Whether a name promises much power.
pub fn is_privileged(role: &str) -> bool {
    let name = role_shape(role).to_lowercase();
    [
        "admin",
        "poweruser",
        "root",
        "breakglass",
        "break-glass",
        "break_glass",
        "organizationaccountaccess",
        "superuser",
        "owner",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Who a trust policy lets in: accounts, ARNs, providers, `*`; services left out. Joined with blanks, sorted.
pub fn trusted(document: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(document).ok()?;
    let statements = match policy.get("Statement")? {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    let mut found = BTreeSet::new();
    for statement in statements {
        if statement.get("Effect").and_then(Value::as_str) == Some("Deny") {
            continue;
        }
        match statement.get("Principal") {
            Some(Value::String(all)) => _ = found.insert(all.clone()),
            Some(Value::Object(kinds)) => {
                for (_, named) in kinds.iter().filter(|(kind, _)| *kind != "Service") {
                    match named {
                        Value::String(one) => _ = found.insert(one.clone()),
                        Value::Array(many) => found.extend(many.iter().filter_map(Value::as_str).map(str::to_owned)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    (!found.is_empty()).then(|| found.into_iter().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_the_same_in_every_account() {
        let sso = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Administrator_0123456789abcdef";
        assert_eq!(role_shape(sso), "AWSReservedSSO_Administrator");
        assert_eq!(role_shape("arn:aws:iam::111122223333:role/Deploy"), "Deploy");
        assert_eq!(role_shape("arn:aws:iam::111122223333:role/app-0"), "app-#");
        assert_eq!(role_shape("arn:aws:iam::111122223333:role/stack-Role-1A2B3C4D5E"), "stack-Role-#");
        assert_eq!(chain_shape("arn:aws:iam::1:role/A arn:aws:iam::2:role/x/B"), "A > B");
        assert_eq!(chain_shape(""), "");
    }

    #[test]
    fn subjects_have_somebody_who_vouches() {
        assert_eq!(subject_prefix("repo:corp/platform:ref:refs/heads/main"), "repo:corp/platform");
        assert_eq!(subject_owner("repo:corp/platform:ref:refs/heads/main"), "repo:corp");
        assert_eq!(subject_prefix("system:serviceaccount:shop:cart"), "system:serviceaccount:shop");
        assert_eq!(subject_prefix("someone"), "someone");
    }

    #[test]
    fn names_and_tags() {
        assert!(names_identity("dana", "dana@corp.example.com"));
        assert!(names_identity("backup-svc-0", "arn:aws:iam::1:user/svc-0"));
        assert!(!names_identity("erin", "arn:aws:iam::1:user/dana"));
        assert_eq!(tag_keys(r#"[{"key":"b","value":"1"},{"key":"a","value":"2"}]"#), "a,b");
        assert!(is_privileged("arn:aws:iam::1:role/OrganizationAccountAccessRole"));
        assert!(!is_privileged("arn:aws:iam::1:role/Deploy"));
    }

    #[test]
    fn trust_is_read_from_every_form() {
        let document = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::1:root","222"],"Service":"ec2.amazonaws.com"}},
            {"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::1:oidc-provider/x"}},{"Effect":"Deny","Principal":"*"}]}"#;
        assert_eq!(trusted(document).unwrap(), "222 arn:aws:iam::1:oidc-provider/x arn:aws:iam::1:root");
        assert_eq!(trusted(r#"{"Statement":{"Effect":"Allow","Principal":"*"}}"#).unwrap(), "*");
        assert_eq!(trusted("no policy"), None);
        assert_eq!(trusted(r#"{"Statement":{"Principal":{"Service":"lambda.amazonaws.com"}}}"#), None);
    }
}
