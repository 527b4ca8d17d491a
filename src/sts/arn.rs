//! Parts of Amazon resource names: `arn:partition:service:region:account:resource`.
//!
//! Never assumes a partition, and never that an account has 12 digits: published logs are masked in many ways.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use std::borrow::Cow;

/// The six parts; the resource keeps its own colons and slashes.
fn parts(arn: &str) -> Option<[&str; 6]> {
    let mut parts = arn.splitn(6, ':');
    let all = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    (all[0] == "arn" && !all[1].is_empty()).then_some(all)
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The partition: `aws`, `aws-cn`, `aws-us-gov`, ...
pub fn partition(arn: &str) -> Option<&str> {
    Some(parts(arn)?[1])
}

/// The account, as written; `None` where the ARN has none (a bucket) or the text is no ARN.
pub fn account(arn: &str) -> Option<&str> {
    present(parts(arn)?[4])
}

/// The name of a role, user or other resource without its path. For a role session it is the role's name, so that it can
/// be compared with the role's own.
pub fn name(arn: &str) -> Option<&str> {
    if let Some(assumed) = role_of_assumed(arn) {
        return Some(assumed.role_name);
    }
    present(parts(arn)?[5].rsplit(['/', ':']).next()?)
}

/// What an assumed-role ARN says of the role and its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssumedRole<'a> {
    /// `aws`, `aws-cn`, ...
    pub partition: &'a str,
    /// The role's account.
    pub account: &'a str,
    /// The role's name, without its path: AWS leaves the path out here.
    pub role_name: &'a str,
    /// The role session name.
    pub session_name: &'a str,
}

/// Reads `arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION`; `None` for anything else.
pub fn role_of_assumed(arn: &str) -> Option<AssumedRole<'_>> {
    let [_, partition, service, _, account, resource] = parts(arn)?;
    let (role_name, session_name) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
    let whole = service == "sts" && !account.is_empty() && !role_name.is_empty() && !session_name.is_empty();
    whole.then_some(AssumedRole { partition, account, role_name, session_name })
}

/// A role, user or session of IAM and STS as people say it: `account/name`, `account/role/session`, an Identity Center role
/// by its permission set, without paths. A federated caller, written as provider and subject, is its subject; any other text
/// stays as it is.
pub fn short(arn: &str) -> Cow<'_, str> {
    if let Some((provider, subject)) = arn.split_once(' ')
        && parts(provider).is_some_and(|parts| parts[5].contains("-provider/"))
    {
        return Cow::Borrowed(subject);
    }
    if let Some(assumed) = role_of_assumed(arn) {
        let AssumedRole { account, role_name, session_name, .. } = assumed;
        return Cow::Owned(format!("{account}/{}/{session_name}", permission_set(role_name).unwrap_or(role_name)));
    }
    let Some([_, _, service @ ("iam" | "sts"), _, account, resource]) = parts(arn) else { return Cow::Borrowed(arn) };
    let (kind, path) = resource.split_once('/').unwrap_or(("", resource));
    let name = path.rsplit('/').next().unwrap_or(path);
    match (service, kind) {
        _ if account.is_empty() || name.is_empty() => Cow::Borrowed(arn),
        ("iam", "role") => Cow::Owned(format!("{account}/{}", permission_set(name).unwrap_or(name))),
        ("iam", "user") => Cow::Owned(format!("{account}/{name}")),
        ("iam", "") if resource == "root" => Cow::Owned(format!("{account}/root")),
        ("sts", "federated-user") => Cow::Owned(format!("{account}/federated-user/{name}")),
        ("iam", "saml-provider" | "oidc-provider") => Cow::Owned(format!("{account}/{path}")),
        _ => Cow::Borrowed(arn),
    }
}

/// `AWSReservedSSO_<permission set>_<16 hex digits>` is a role of Identity Center.
///
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetsconcept.html>
pub fn permission_set(role_name: &str) -> Option<&str> {
    let (set, unique) = role_name.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')?;
    (unique.len() == 16 && unique.bytes().all(|b| b.is_ascii_hexdigit())).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_partitions_are_as_written() {
        for (arn, partition_, account_) in [
            ("arn:aws:iam::111122223333:role/a/b/Deploy", Some("aws"), Some("111122223333")),
            ("arn:aws-cn:iam::015043439996:role/x", Some("aws-cn"), Some("015043439996")),
            ("arn:aws-us-gov:sts::1234:assumed-role/R/s", Some("aws-us-gov"), Some("1234")),
            ("arn:aws:s3:::bucket/key", Some("aws"), None),
            ("arn::iam::1:role/x", None, None),
            ("AROAEXAMPLE:name", None, None),
            ("", None, None),
        ] {
            assert_eq!((partition(arn), account(arn)), (partition_, account_), "{arn}");
        }
    }

    #[test]
    fn names_have_no_path() {
        for (arn, expected) in [
            (
                "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0",
                Some("AWSReservedSSO_Ops_0"),
            ),
            ("arn:aws:sts::111122223333:assumed-role/Hub/dana@example.com", Some("Hub")),
            ("arn:aws:iam::111122223333:user/team/dana", Some("dana")),
            ("arn:aws:sts::111122223333:federated-user/dana", Some("dana")),
            ("arn:aws:iam::111122223333:root", Some("root")),
            ("arn:aws:lambda:eu-north-1:111122223333:function:nightly", Some("nightly")),
            ("arn:aws:iam::111122223333:role/", None),
            ("dana", None),
        ] {
            assert_eq!(name(arn), expected, "{arn}");
        }
    }

    #[test]
    fn people_say_account_and_name() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:role/a/b/Deploy", "111122223333/Deploy"),
            (
                "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Power_User_0123456789abcdef",
                "111122223333/Power_User",
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/dana@example.com",
                "111122223333/Ops/dana@example.com",
            ),
            ("arn:aws-cn:sts::111122223333:assumed-role/Hub/dana", "111122223333/Hub/dana"),
            ("arn:aws:iam::111122223333:user/team/dana", "111122223333/dana"),
            ("arn:aws:iam::111122223333:root", "111122223333/root"),
            ("arn:aws:sts::111122223333:federated-user/kiosk", "111122223333/federated-user/kiosk"),
            ("arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/7", "111122223333/oidc.example.com/id/7"),
            ("arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket/key"),
            ("arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role/"),
            ("arn:aws:iam::111122223333:saml-provider/corp dana@example.com", "dana@example.com"),
            (
                "arn:aws:iam::111122223333:oidc-provider/example.com repo:a/b:ref:refs/heads/x y",
                "repo:a/b:ref:refs/heads/x y",
            ),
            ("two words", "two words"),
            ("ec2.amazonaws.com", "ec2.amazonaws.com"),
            ("", ""),
        ] {
            assert_eq!(short(arn), expected, "{arn}");
        }
    }

    #[test]
    fn assumed_roles_are_taken_apart() {
        let arn = "arn:aws-cn:sts::111122223333:assumed-role/Hub/a=b,c.d@e-f";
        let expected =
            AssumedRole { partition: "aws-cn", account: "111122223333", role_name: "Hub", session_name: "a=b,c.d@e-f" };
        assert_eq!(role_of_assumed(arn), Some(expected));
        for other in [
            "arn:aws:iam::111122223333:role/Hub",
            "arn:aws:sts::111122223333:assumed-role/Hub",
            "arn:aws:sts::111122223333:assumed-role//s",
            "arn:aws:sts:::assumed-role/Hub/s",
        ] {
            assert_eq!(role_of_assumed(other), None, "{other}");
        }
    }
}
