//! What a refused call says: who asked for which role, and why it was refused.
//!
//! A denied AssumeRole has no parameters: the role is in the message only, and the message can be cut. Wordings:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use std::sync::LazyLock;

use regex::Regex;

/// CloudTrail cuts error messages at 1 KB; an ARN that ends there may not be whole.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>
const CUT: usize = 1000;

/// What a denial's message names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied<'a> {
    /// The caller, as written: an ARN.
    pub caller: &'a str,
    /// The action, such as `sts:AssumeRole`.
    pub action: &'a str,
    /// The role asked for; `None` where the message names no role, or may be cut within it.
    pub role_arn: Option<&'a str>,
}

/// The role's characters are all that ARNs allow, without quotes and brackets, which belong to the sentence around it.
static MESSAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let role = r#"arn:[a-z0-9-]+:iam::[^:\s]*:role/[^\s"'`;<>()\[\]{}]+"#;
    Regex::new(&format!(
        r#"User: (\S+) is not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z0-9*]+)(?: on resource: ["'`]?({role})?)?"#
    ))
    .ok()
});

/// Reads caller, action and role out of an AccessDenied message; `None` where the message has another form.
pub fn target(message: &str) -> Option<Denied<'_>> {
    let found = MESSAGE.as_ref()?.captures(message)?;
    let whole = |end: usize| end < message.len() || message.len() < CUT;
    Some(Denied {
        caller: found.get(1)?.as_str(),
        action: found.get(2)?.as_str(),
        role_arn: found.get(3).filter(|role| whole(role.end())).map(|role| role.as_str()),
    })
}

/// Every reason for a failed call, with what it means.
pub const REASONS: &[(&str, &str)] = &[
    ("identity_policy", "no policy of the caller allows it, or one denies it"),
    ("trust_policy", "the role's trust policy does not let this caller in"),
    ("resource_policy", "a policy on the resource"),
    ("scp", "a service control policy of the organization"),
    ("rcp", "a resource control policy of the organization"),
    ("boundary", "a permissions boundary"),
    ("session_policy", "the policy given to the caller's session"),
    ("endpoint_policy", "the VPC endpoint's policy"),
    ("explicit_deny", "an explicit deny in a policy that the message does not name"),
    ("implicit", "no policy allows it; the message does not say which kind is missing"),
    ("denied", "denied, and the message does not say why"),
    ("expired_token", "the credentials or the federated token had expired"),
    ("duration", "a longer duration than the role allows"),
    ("chain_duration", "more than one hour for a role assumed by a role session"),
    ("packed_policy", "session policies and tags too large together"),
    ("malformed_policy", "a session policy that is no policy"),
    ("validation", "another wrong parameter"),
    ("region_disabled", "STS is switched off in that region"),
    ("identity_token", "a federated token that was refused"),
    ("invalid_credentials", "an unknown key or a wrong signature"),
    ("throttled", "too many requests"),
    ("other", "anything else"),
];

/// The code without the parts that differ between services and over time: `Client.`, `Exception`, upper case.
fn plain(code: &str) -> String {
    let code = code.trim().to_ascii_lowercase();
    let code = code.strip_prefix("client.").unwrap_or(&code);
    code.strip_suffix("exception").unwrap_or(code).to_owned()
}

/// Whether an error code, in any of its spellings, says that the call was denied.
pub fn is_denied(code: &str) -> bool {
    matches!(plain(code).as_str(), "accessdenied" | "unauthorizedoperation" | "unauthorized" | "vpceaccessdenied")
}

/// Why a call failed: one of [`REASONS`].
pub fn reason(code: &str, message: &str) -> &'static str {
    match plain(code).as_str() {
        "vpceaccessdenied" => "endpoint_policy",
        "expiredtoken" => "expired_token",
        "malformedpolicydocument" => "malformed_policy",
        "packedpolicytoolarge" => "packed_policy",
        "regiondisabled" => "region_disabled",
        "invalididentitytoken" | "idprejectedclaim" | "idpcommunicationerror" => "identity_token",
        "invalidclienttokenid" | "signaturedoesnotmatch" => "invalid_credentials",
        "throttling" | "requestlimitexceeded" => "throttled",
        "validation" | "validationerror" => wrong_parameter(message),
        _ if is_denied(code) => policy(message),
        _ => "other",
    }
}

fn wrong_parameter(message: &str) -> &'static str {
    if message.contains("role chaining") {
        "chain_duration"
    } else if message.contains("MaxSessionDuration") {
        "duration"
    } else {
        "validation"
    }
}

/// Which kind of policy a denial's message blames. ARNs hold no spaces, so these words are the sentence's own.
fn policy(message: &str) -> &'static str {
    const POLICIES: &[(&str, &str)] = &[
        ("trust policy", "trust_policy"),
        ("service control policy", "scp"),
        ("resource control policy", "rcp"),
        ("permissions boundary", "boundary"),
        ("session policy", "session_policy"),
        ("endpoint policy", "endpoint_policy"),
        ("identity-based policy", "identity_policy"),
        ("resource-based policy", "resource_policy"),
        ("explicit deny", "explicit_deny"),
        ("because no ", "implicit"),
    ];
    POLICIES.iter().find(|(words, _)| message.contains(words)).map_or("denied", |(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: &str = "arn:aws:iam::111122223333:user/dana";
    const ROLE: &str = "arn:aws-cn:iam::444455556666:role/a/b/Deploy";

    fn message(tail: &str) -> String {
        format!("User: {CALLER} is not authorized to perform: sts:AssumeRole on resource: {tail}")
    }

    #[test]
    fn the_role_is_in_the_message() {
        assert!(MESSAGE.is_some());
        for tail in [
            ROLE.to_owned(),
            format!("{ROLE} because no identity-based policy allows the sts:AssumeRole action"),
            format!("{ROLE} with an explicit deny in a service control policy"),
            format!("\"{ROLE}\" because"),
            format!("{ROLE}\n"),
        ] {
            let text = message(&tail);
            let denied = target(&text).unwrap();
            assert_eq!(
                (denied.caller, denied.action, denied.role_arn),
                (CALLER, "sts:AssumeRole", Some(ROLE)),
                "{tail}"
            );
        }
    }

    #[test]
    fn other_resources_are_no_roles() {
        let star = message("*");
        assert_eq!(target(&star).unwrap().role_arn, None);
        let root = message("arn:aws:iam::444455556666:root");
        assert_eq!(target(&root).unwrap().role_arn, None);
        let none =
            format!("User: {CALLER} is not authorized to perform: sts:AssumeRole because no role trust policy allows");
        assert_eq!(target(&none).unwrap(), Denied { caller: CALLER, action: "sts:AssumeRole", role_arn: None });
        let ec2 = format!(
            "You are not authorized to perform this operation. User: {CALLER} is not authorized to perform: ec2:RunInstances on resource: *"
        );
        assert_eq!(target(&ec2).unwrap().action, "ec2:RunInstances");
        assert_eq!(target("Not authorized to perform sts:AssumeRoleWithWebIdentity"), None);
        assert_eq!(target(""), None);
    }

    #[test]
    fn a_role_that_may_be_cut_is_not_told() {
        let long = message(&format!("arn:aws:iam::444455556666:role/{}", "x".repeat(1024)));
        let cut = &long[..1024];
        assert_eq!(target(cut).unwrap().role_arn, None);
        let short = message("arn:aws:iam::444455556666:role/Dep");
        assert!(target(&short).unwrap().role_arn.is_some());
    }

    #[test]
    fn denials_in_every_spelling() {
        for code in [
            "AccessDenied",
            "AccessDeniedException",
            "Client.UnauthorizedOperation",
            "UnauthorizedOperation",
            "UnauthorizedException",
            "VpceAccessDenied",
            "accessdenied",
        ] {
            assert!(is_denied(code), "{code}");
        }
        for code in ["NoSuchEntity", "", "Throttling", "ValidationError"] {
            assert!(!is_denied(code), "{code}");
        }
    }

    #[test]
    fn reasons() {
        for (code, text, expected) in [
            ("AccessDenied", message(ROLE), "denied"),
            (
                "AccessDenied",
                message(&format!("{ROLE} because no identity-based policy allows the sts:AssumeRole action")),
                "identity_policy",
            ),
            ("AccessDenied", message(&format!("{ROLE} with an explicit deny in a service control policy")), "scp"),
            ("AccessDenied", message(&format!("{ROLE} with an explicit deny in a resource control policy")), "rcp"),
            (
                "AccessDenied",
                message(&format!("{ROLE} because no permissions boundary allows the sts:AssumeRole action")),
                "boundary",
            ),
            (
                "AccessDenied",
                message(&format!("{ROLE} because no session policy allows the sts:AssumeRole action")),
                "session_policy",
            ),
            (
                "AccessDenied",
                message(&format!("{ROLE} because no role trust policy allows the sts:AssumeRole action")),
                "trust_policy",
            ),
            ("AccessDenied", message(&format!("{ROLE} with an explicit deny")), "explicit_deny"),
            ("AccessDenied", "An unknown error occurred".to_owned(), "denied"),
            ("ExpiredTokenException", String::new(), "expired_token"),
            ("ExpiredToken", String::new(), "expired_token"),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
                    .to_owned(),
                "chain_duration",
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
                "duration",
            ),
            ("ValidationException", "1 validation error detected".to_owned(), "validation"),
            ("PackedPolicyTooLargeException", String::new(), "packed_policy"),
            ("MalformedPolicyDocumentException", String::new(), "malformed_policy"),
            ("RegionDisabledException", String::new(), "region_disabled"),
            ("InvalidIdentityToken", String::new(), "identity_token"),
            ("ThrottlingException", String::new(), "throttled"),
            ("Client.RequestLimitExceeded", String::new(), "throttled"),
            ("", String::new(), "other"),
        ] {
            let found = reason(code, &text);
            assert_eq!(found, expected, "{code}: {text}");
            assert!(REASONS.iter().any(|(known, _)| *known == found));
        }
    }
}
