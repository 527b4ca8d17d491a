//! What a role session name looks like, and so who probably chose it.
//!
//! Only the name is looked at, and callers choose it freely: a kind is a hint and never a proof.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexSet};

const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

/// Every kind with what it means, in the order in which the patterns are tried.
pub const KINDS: &[(&str, &str)] = &[
    ("email", "an e-mail address: Identity Center, SAML, users named so"),
    ("instance", "an EC2 instance's id"),
    ("hybrid_node", "a Systems Manager hybrid node's id"),
    ("sdk_default", "what an AWS SDK or the AWS CLI takes where none is given"),
    ("tutorial_default", "copied from documentation"),
    ("ci", "a continuous integration or infrastructure tool"),
    ("codebuild", "CodeBuild"),
    ("cloudformation", "CloudFormation"),
    ("lambda", "Lambda's own work (a function's session has the function's name, and so is `other`)"),
    ("eks_pod", "EKS Pod Identity"),
    ("ecs_task", "an ECS task's id"),
    ("epoch", "milliseconds since 1970, as CodePipeline writes them"),
    ("certificate", "a certificate's serial number: Roles Anywhere"),
    ("cognito", "a Cognito identity pool"),
    ("service", "another AWS service"),
    ("other", "anything else"),
];

/// Pattern, kind, and what sets such a name; the first match wins. The classes are spelled out, so that they are ASCII only.
static PATTERNS: &[(&str, &str, Option<&str>)] = &[
    (r"^[^@]+@[^@]+\.[^@]+$", "email", Some("a person's e-mail address: Identity Center, SAML, a user of that name")),
    (r"^i-[0-9a-f]{8}([0-9a-f]{9})?$", "instance", Some("EC2 instance role, EMR or Systems Manager")),
    (r"^mi-[0-9a-f]{17}$", "hybrid_node", Some("Systems Manager hybrid node")),
    (r"^botocore-session-[0-9]{10}$", "sdk_default", Some("AWS CLI, boto3 or botocore")),
    (r"^aws-go-sdk-[0-9]{19}$", "sdk_default", Some("AWS SDK for Go v2: Terraform and other Go programs")),
    (r"^[0-9]{19}$", "sdk_default", Some("AWS SDK for Go v1: aws-vault and other Go programs")),
    (r"^aws-sdk-java-[0-9]{13}$", "sdk_default", Some("AWS SDK for Java")),
    (r"^aws-sdk-js-session-[0-9]{13}$", "sdk_default", Some("AWS SDK for JavaScript, web identity")),
    (r"^aws-sdk-js-[0-9]{13}$", "sdk_default", Some("AWS SDK for JavaScript")),
    (r"^aws-dotnet-sdk-session-[0-9]{18}$", "sdk_default", Some("AWS SDK for .NET, PowerShell")),
    (
        r"^(assume-role-provider|assume-role-from-profile|web-identity-token)-[0-9]+$",
        "sdk_default",
        Some("AWS SDK for Rust"),
    ),
    (r"^aws-sdk-php-[0-9]+$", "sdk_default", Some("AWS SDK for PHP")),
    (r"^default_session$", "sdk_default", Some("AWS SDK for Ruby")),
    (r"^temporary-credentials$", "sdk_default", Some("AWS SDK for JavaScript v2")),
    (
        r"^(AWSCLI-Session|AssumeRoleSession[0-9]*|test|session1?|mysession)$",
        "tutorial_default",
        Some("copied from documentation"),
    ),
    (r"^GitHubActions$", "ci", Some("GitHub Actions: configure-aws-credentials")),
    (r"^buildkite-job-UUID$", "ci", Some("Buildkite")),
    (r"^(?i:terraform)([^a-z].*)?$", "ci", Some("Terraform")),
    (r"^(?i:atlantis)([^a-z].*)?$", "ci", Some("Atlantis")),
    (r"^(?i:spacelift)([^a-z].*)?$", "ci", Some("Spacelift")),
    (r"^(?i:gitlab)([^a-z].*)?$", "ci", Some("GitLab")),
    (r"^(?i:circleci)([^a-z].*)?$", "ci", Some("CircleCI")),
    (r"^(?i:bitbucket)([^a-z].*)?$", "ci", Some("Bitbucket")),
    (r"^(?i:jenkins)([^a-z].*)?$", "ci", Some("Jenkins")),
    (r"^AWSCodeBuild-UUID$", "codebuild", Some("CodeBuild")),
    (r"^AWSCloudFormation$", "cloudformation", Some("CloudFormation")),
    (r"^awslambda_[0-9]+_[0-9]{17}$", "lambda", Some("Lambda, for itself")),
    (r"^eks-.+-.+-UUID$", "eks_pod", Some("EKS Pod Identity")),
    (r"^([0-9a-f]{32}|UUID)$", "ecs_task", Some("ECS task")),
    (r"^[0-9]{13}$", "epoch", Some("CodePipeline")),
    (r"^[0-9a-f]{16,64}$", "certificate", Some("Roles Anywhere: the certificate's serial number")),
    (r"^CognitoIdentityCredentials$", "cognito", Some("Cognito identity pool")),
    (r"^GlueJobRunnerSession$", "service", Some("Glue")),
    (r"^SageMaker$", "service", Some("SageMaker")),
    (r"^(configLambdaExecution|AWSConfig-.+)$", "service", Some("Config")),
    (r"^AWSFirehoseToS3$", "service", Some("Data Firehose")),
    (r"^AWSBackup-.+$", "service", Some("Backup")),
    (r"^dms-session-.+$", "service", Some("Database Migration Service")),
    (r"^(AutoScaling|AutoScalingDescribeHandlerSession)$", "service", Some("EC2 Auto Scaling")),
    (r"^resource-explorer-2$", "service", Some("Resource Explorer")),
    (r"^GuardDutyAssumeRole$", "service", Some("GuardDuty")),
    (r"^MandoService-?[0-9]+$", "service", Some("Inspector")),
    (r"^(SLRManagement|dbi-id-db-[A-Z0-9]+)$", "service", Some("RDS")),
    (r"^RolesAnywhereInternalSession$", "service", Some("Roles Anywhere, for itself")),
];

/// `None` only if a pattern were no regular expression, which a test rules out.
static SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(PATTERNS.iter().map(|(pattern, ..)| pattern.replace("UUID", UUID))).ok());

/// The first pattern that a name has.
fn first(name: &str) -> Option<&'static (&'static str, &'static str, Option<&'static str>)> {
    SET.as_ref().and_then(|set| set.matches(name).iter().next()).map(|first| &PATTERNS[first])
}

/// The kind of a role session name: one of [`KINDS`].
pub fn kind(name: &str) -> &'static str {
    first(name).map_or("other", |(_, kind, _)| kind)
}

/// What usually sets a name of this form; `None` where the form tells nothing.
pub fn origin(name: &str) -> Option<&'static str> {
    first(name).and_then(|(.., origin)| *origin)
}

/// The form of a name: what changes from session to session is replaced, so that names of one maker are equal. An e-mail
/// address becomes `<user>@` and its domain, a UUID `<uuid>`, an instance id `i-<id>`, six digits and more `<n>`, sixteen hex
/// digits and more `<hex>`.
pub fn pattern(name: &str) -> Cow<'_, str> {
    if kind(name) == "email"
        && let Some((_, domain)) = name.split_once('@')
    {
        return Cow::Owned(format!("<user>@{domain}"));
    }
    CHANGING.as_ref().map_or(Cow::Borrowed(name), |changing| {
        changing.replace_all(name, |found: &Captures<'_>| {
            if found.name("uuid").is_some() {
                "<uuid>"
            } else if found.name("instance").is_some() {
                "i-<id>"
            } else if found[0].bytes().all(|b| b.is_ascii_digit()) {
                "<n>"
            } else {
                "<hex>"
            }
        })
    })
}

/// What changes from session to session; the first that fits at a place.
static CHANGING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let instance = r"(?-u:\b)i-[0-9a-f]{8}(?:[0-9a-f]{9})?(?-u:\b)";
    Regex::new(&format!("(?<uuid>{UUID})|(?<instance>{instance})|[0-9a-f]{{16,}}|[0-9]{{6,}}")).ok()
});

/// Who probably stands behind a kind of name: `human`, `workload`, `ci`, `service` or `unknown`.
pub fn class(kind: &str) -> &'static str {
    match kind {
        "email" => "human",
        "instance" | "hybrid_node" | "sdk_default" | "eks_pod" | "ecs_task" | "certificate" | "cognito" => "workload",
        "ci" => "ci",
        "codebuild" | "cloudformation" | "lambda" | "epoch" | "service" => "service",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_kinds() {
        for (name, expected) in [
            ("dana@example.com", "email"),
            ("dana@example", "other"),
            ("i-0dbc91f429e48eeed", "instance"),
            ("i-0dbc91f4", "instance"),
            ("i-0dbc91f42", "other"),
            ("mi-0dbc91f429e48eeed", "hybrid_node"),
            ("botocore-session-1688990515", "sdk_default"),
            ("aws-go-sdk-1688990966084647983", "sdk_default"),
            ("1688990966084647983", "sdk_default"),
            ("aws-sdk-js-session-1688990966084", "sdk_default"),
            ("aws-sdk-js-1688990966084", "sdk_default"),
            ("aws-sdk-java-1688990966084", "sdk_default"),
            ("aws-dotnet-sdk-session-638245877660846479", "sdk_default"),
            ("web-identity-token-1688990966084", "sdk_default"),
            ("AWSCLI-Session", "tutorial_default"),
            ("AssumeRoleSession1", "tutorial_default"),
            ("session1", "tutorial_default"),
            ("session2", "other"),
            ("GitHubActions", "ci"),
            ("buildkite-job-0184990a-477b-4fa8-9968-496074483cee", "ci"),
            ("terraform-run-abc", "ci"),
            ("TerraformCloud", "ci"),
            ("jenkinson", "other"),
            ("AWSCodeBuild-0184990a-477b-4fa8-9968-496074483cee", "codebuild"),
            ("AWSCloudFormation", "cloudformation"),
            ("awslambda_744_20230710122532896", "lambda"),
            ("eks-prod-api-7d9f-0184990a-477b-4fa8-9968-496074483cee", "eks_pod"),
            ("0184990a-477b-4fa8-9968-496074483cee", "ecs_task"),
            ("d41d8cd98f00b204e9800998ecf8427e", "ecs_task"),
            ("1688990966084", "epoch"),
            ("d41d8cd98f00b204e9800998ecf8427e0a", "certificate"),
            ("CognitoIdentityCredentials", "cognito"),
            ("MandoService-4719190630289683262", "service"),
            ("MandoService364061179539770931", "service"),
            ("dbi-id-db-PDUCDGLRGDVGNFIUKF4FRJGEGY", "service"),
            ("AWSBackup-AWSBackupDefault", "service"),
            ("dana", "other"),
            ("dana@example.com\nx@y", "other"),
            ("", "other"),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn every_pattern_is_valid_and_names_a_known_kind() {
        assert!(SET.is_some());
        for (_, kind, _) in PATTERNS {
            assert!(KINDS.iter().any(|(known, _)| known == kind), "{kind}");
        }
    }

    #[test]
    fn names_of_one_maker_have_one_pattern() {
        assert!(CHANGING.is_some());
        for (name, expected) in [
            ("dana@example.com", "<user>@example.com"),
            ("i-0dbc91f429e48eeed", "i-<id>"),
            ("node-i-0dbc91f4", "node-i-<id>"),
            ("aws-go-sdk-1688990966084647983", "aws-go-sdk-<n>"),
            ("eks-shop-checkout-7c9d8b6f5-0184990a-477b-4fa8-9968-496074483cee", "eks-shop-checkout-7c9d8b6f5-<uuid>"),
            ("d41d8cd98f00b204e9800998ecf8427e", "<hex>"),
            ("123456abcdef0123456789", "<hex>"),
            ("deploy-20261118-7", "deploy-<n>-7"),
            ("deploy-12345", "deploy-12345"),
            ("dana", "dana"),
            ("", ""),
        ] {
            assert_eq!(pattern(name), expected, "{name}");
        }
    }

    #[test]
    fn makers_of_names() {
        assert_eq!(
            origin("aws-go-sdk-1688990966084647983"),
            Some("AWS SDK for Go v2: Terraform and other Go programs")
        );
        assert_eq!(origin("Terraform-run"), Some("Terraform"));
        assert_eq!(origin("aws-sdk-js-session-1688990966084"), Some("AWS SDK for JavaScript, web identity"));
        assert_eq!(origin("dana"), None);
    }

    #[test]
    fn classes() {
        assert_eq!(class(kind("dana@example.com")), "human");
        assert_eq!(class(kind("GitHubActions")), "ci");
        assert_eq!(class(kind("i-0dbc91f4")), "workload");
        assert_eq!(class(kind("session1")), "unknown");
    }
}
