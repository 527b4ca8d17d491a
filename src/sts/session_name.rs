//! What a role session name looks like, and so who probably chose it.
//!
//! Only the name is looked at, and callers choose it freely: a kind is a hint and never a proof.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::sync::LazyLock;

use regex::RegexSet;

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

/// Pattern and kind; the first match wins. The classes are spelled out, so that they are ASCII only.
static PATTERNS: &[(&str, &str)] = &[
    (r"^[^@]+@[^@]+\.[^@]+$", "email"),
    (r"^i-[0-9a-f]{8}([0-9a-f]{9})?$", "instance"),
    (r"^mi-[0-9a-f]{17}$", "hybrid_node"),
    (r"^botocore-session-[0-9]{10}$", "sdk_default"),
    (r"^aws-go-sdk-[0-9]{19}$", "sdk_default"),
    (r"^[0-9]{19}$", "sdk_default"),
    (r"^aws-sdk-java-[0-9]{13}$", "sdk_default"),
    (r"^aws-sdk-js-(session-)?[0-9]{13}$", "sdk_default"),
    (r"^aws-dotnet-sdk-session-[0-9]{18}$", "sdk_default"),
    (r"^(assume-role-provider|assume-role-from-profile|web-identity-token)-[0-9]+$", "sdk_default"),
    (r"^(aws-sdk-php-[0-9]+|default_session|temporary-credentials)$", "sdk_default"),
    (r"^(AWSCLI-Session|AssumeRoleSession[0-9]*|test|session1?|mysession)$", "tutorial_default"),
    (r"^GitHubActions$", "ci"),
    (r"^buildkite-job-UUID$", "ci"),
    (r"^(?i:terraform|atlantis|spacelift|gitlab|circleci|bitbucket|jenkins)([^a-z].*)?$", "ci"),
    (r"^AWSCodeBuild-UUID$", "codebuild"),
    (r"^AWSCloudFormation$", "cloudformation"),
    (r"^awslambda_[0-9]+_[0-9]{17}$", "lambda"),
    (r"^eks-.+-.+-UUID$", "eks_pod"),
    (r"^([0-9a-f]{32}|UUID)$", "ecs_task"),
    (r"^[0-9]{13}$", "epoch"),
    (r"^[0-9a-f]{16,64}$", "certificate"),
    (r"^CognitoIdentityCredentials$", "cognito"),
    (r"^(GlueJobRunnerSession|SageMaker|configLambdaExecution|AWSFirehoseToS3)$", "service"),
    (r"^(AWSBackup|AWSConfig|dms-session)-.+$", "service"),
    (r"^(AutoScaling|AutoScalingDescribeHandlerSession|resource-explorer-2|GuardDutyAssumeRole)$", "service"),
    (r"^(MandoService-?[0-9]+|SLRManagement|dbi-id-db-[A-Z0-9]+|RolesAnywhereInternalSession)$", "service"),
];

/// `None` only if a pattern were no regular expression, which a test rules out.
static SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(PATTERNS.iter().map(|(pattern, _)| pattern.replace("UUID", UUID))).ok());

/// The kind of a role session name: one of [`KINDS`].
pub fn kind(name: &str) -> &'static str {
    SET.as_ref().and_then(|set| set.matches(name).iter().next()).map_or("other", |first| PATTERNS[first].1)
}

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
        for (_, kind) in PATTERNS {
            assert!(KINDS.iter().any(|(known, _)| known == kind), "{kind}");
        }
    }

    #[test]
    fn classes() {
        assert_eq!(class(kind("dana@example.com")), "human");
        assert_eq!(class(kind("GitHubActions")), "ci");
        assert_eq!(class(kind("i-0dbc91f4")), "workload");
        assert_eq!(class(kind("session1")), "unknown");
    }
}
