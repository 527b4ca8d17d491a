//! What kind of act a call is: its lane in the timeline, what it was done to, and how much it matters.

use serde_json::Value;

/// A lane of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Credentials were given.
    Issue,
    /// Somebody looked who and where they are.
    Probe,
    /// Reading.
    Read,
    /// Changing.
    Write,
    /// Leaving a way back in.
    Persist,
    /// Hiding.
    Evade,
    /// Data and secrets were taken.
    Data,
    /// Refused.
    Deny,
    /// Credentials ran out.
    Expire,
    /// Credentials were taken away.
    Revoke,
}

/// Every lane, in the order in which it is shown.
pub const LANES: [Lane; 10] = [
    Lane::Issue,
    Lane::Probe,
    Lane::Read,
    Lane::Write,
    Lane::Persist,
    Lane::Evade,
    Lane::Data,
    Lane::Deny,
    Lane::Expire,
    Lane::Revoke,
];

impl Lane {
    /// The word for files and screens.
    pub fn word(self) -> &'static str {
        match self {
            Lane::Issue => "issue",
            Lane::Probe => "probe",
            Lane::Read => "read",
            Lane::Write => "write",
            Lane::Persist => "persist",
            Lane::Evade => "evade",
            Lane::Data => "data",
            Lane::Deny => "deny",
            Lane::Expire => "expire",
            Lane::Revoke => "revoke",
        }
    }
}

const ISSUES: &[&str] = &[
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "GetSessionToken",
    "GetFederationToken",
    "GetRoleCredentials",
    "ConsoleLogin",
    "SwitchRole",
    "GetSigninToken",
    "CreateOAuth2Token",
    "AuthorizeOAuth2Access",
    "CreateSession",
    "GetCredentialsForIdentity",
    "AssumeRoleForPodIdentity",
];

const PERSISTS: &[&str] = &[
    "CreateAccessKey",
    "CreateUser",
    "CreateLoginProfile",
    "UpdateLoginProfile",
    "CreateRole",
    "UpdateAssumeRolePolicy",
    "AttachUserPolicy",
    "AttachRolePolicy",
    "AttachGroupPolicy",
    "PutUserPolicy",
    "PutRolePolicy",
    "PutGroupPolicy",
    "CreatePolicyVersion",
    "SetDefaultPolicyVersion",
    "AddUserToGroup",
    "AddRoleToInstanceProfile",
    "CreateTrustAnchor",
    "CreateProfile",
    "CreateOpenIDConnectProvider",
    "UpdateOpenIDConnectProviderThumbprint",
    "AddClientIDToOpenIDConnectProvider",
    "CreateSAMLProvider",
    "UpdateSAMLProvider",
    "CreateVirtualMFADevice",
    "EnableMFADevice",
    "DeactivateMFADevice",
    "DeleteRolePermissionsBoundary",
    "DeleteUserPermissionsBoundary",
    "CreateServiceSpecificCredential",
    "UploadSSHPublicKey",
    "ImportKeyPair",
    "CreateKeyPair",
    "CreateAccountAssignment",
    "CreatePermissionSet",
    "PutInlinePolicyToPermissionSet",
    "AttachManagedPolicyToPermissionSet",
    "SendSSHPublicKey",
    "SendSerialConsoleSSHPublicKey",
];

const EVADES: &[&str] = &[
    "StopLogging",
    "DeleteTrail",
    "UpdateTrail",
    "PutEventSelectors",
    "PutInsightSelectors",
    "DeleteEventDataStore",
    "DeleteFlowLogs",
    "DeleteDetector",
    "UpdateDetector",
    "StopMonitoringMembers",
    "DisassociateFromMasterAccount",
    "DisassociateFromAdministratorAccount",
    "CreateIPSet",
    "CreateFilter",
    "LeaveOrganization",
    "DisableSecurityHub",
    "DisableGuardDuty",
    "StopConfigurationRecorder",
    "DeleteConfigurationRecorder",
    "DeleteDeliveryChannel",
    "DeleteConfigRule",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DeleteResolverQueryLogConfig",
    "DisassociateResolverQueryLogConfig",
    "DeleteAlarms",
    "DisableAlarmActions",
    "DeleteRule",
    "DisableRule",
    "PutBucketLogging",
    "DeleteBucketPolicy",
    "ScheduleKeyDeletion",
    "DisableKey",
];

const DATA: &[&str] = &[
    "GetObject",
    "SelectObjectContent",
    "GetSecretValue",
    "BatchGetSecretValue",
    "GetParameter",
    "GetParameters",
    "GetParametersByPath",
    "GetParameterHistory",
    "Decrypt",
    "GetItem",
    "BatchGetItem",
    "Scan",
    "Query",
    "GetPasswordData",
    "GetFunction20150331v2",
    "GetFunction",
    "ModifySnapshotAttribute",
    "ModifyImageAttribute",
    "ModifyDBSnapshotAttribute",
    "ModifyDBClusterSnapshotAttribute",
    "CopySnapshot",
    "CopyDBSnapshot",
    "StartExportTask",
    "GetSnapshotBlock",
    "PutBucketPolicy",
    "PutBucketAcl",
    "PutBucketReplication",
    "SharedSnapshotCopyInitiated",
    "InvokeModel",
    "DownloadDBLogFilePortion",
];

/// Calls of the `DATA` lane that take a secret itself.
const SECRETS: &[&str] = &[
    "GetSecretValue",
    "BatchGetSecretValue",
    "GetParameter",
    "GetParameters",
    "GetParametersByPath",
    "GetParameterHistory",
    "GetPasswordData",
];

/// Calls that open something to others.
const SHARES: &[&str] = &[
    "ModifySnapshotAttribute",
    "ModifyImageAttribute",
    "ModifyDBSnapshotAttribute",
    "ModifyDBClusterSnapshotAttribute",
    "PutBucketPolicy",
    "PutBucketAcl",
    "PutBucketReplication",
];

const PROBES: &[&str] = &[
    "GetCallerIdentity",
    "GetAccessKeyInfo",
    "GetAccountAuthorizationDetails",
    "GetAccountSummary",
    "SimulatePrincipalPolicy",
    "ListAccounts",
    "DescribeOrganization",
    "ListBuckets",
    "GetSendQuota",
    "ListServiceQuotas",
];

/// What an act is: by the call alone, whatever became of it.
pub fn act(name: &str, read_only: bool, request: &Value) -> Lane {
    let revokes = match name {
        "DeleteAccessKey" | "DeleteLoginProfile" | "DeleteSession" => true,
        "UpdateAccessKey" => request.get("status").and_then(Value::as_str) == Some("Inactive"),
        "PutRolePolicy" => {
            request.get("policyName").and_then(Value::as_str) == Some("AWSRevokeOlderSessions")
                || request
                    .get("policyDocument")
                    .and_then(Value::as_str)
                    .is_some_and(|text| text.contains("aws:TokenIssueTime"))
        }
        _ => false,
    };
    if revokes {
        Lane::Revoke
    } else if ISSUES.contains(&name) {
        Lane::Issue
    } else if PERSISTS.contains(&name) || name.starts_with("UpdateFunctionCode") || name.starts_with("CreateFunction") {
        Lane::Persist
    } else if EVADES.contains(&name) {
        Lane::Evade
    } else if DATA.contains(&name) {
        Lane::Data
    } else if PROBES.contains(&name) {
        Lane::Probe
    } else if read_only {
        Lane::Read
    } else {
        Lane::Write
    }
}

/// Whether a call takes a secret.
pub fn takes_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}

/// Whether a call opens something to others.
pub fn shares(name: &str) -> bool {
    SHARES.contains(&name)
}

/// How much an act matters, from 0 on.
pub fn weight(act: Lane, name: &str) -> u32 {
    match act {
        Lane::Persist => 90,
        Lane::Evade => 88,
        Lane::Revoke => 84,
        Lane::Issue => 60,
        Lane::Data if takes_secret(name) || shares(name) => 70,
        Lane::Data => 45,
        Lane::Write => 40,
        Lane::Probe => 25,
        Lane::Read => 10,
        Lane::Deny | Lane::Expire => 20,
    }
}

/// Fields of a request that name what a call was made on, the telling ones first.
const TARGETS: &[&str] = &[
    "roleArn",
    "secretId",
    "functionName",
    "userName",
    "roleName",
    "policyArn",
    "bucketName",
    "tableName",
    "keyId",
    "instanceId",
    "snapshotId",
    "imageId",
    "dBSnapshotIdentifier",
    "groupId",
    "stackName",
    "name",
    "target",
    "logGroupName",
    "resourceArn",
    "trailName",
    "detectorId",
    "documentName",
    "queueUrl",
    "topicArn",
    "cluster",
    "projectName",
];

/// What a call was made on.
pub fn target(request: &Value, resources: &[String]) -> String {
    let field = |name: &str| request.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let (Some(bucket), Some(key)) = (field("bucketName"), field("key")) {
        return format!("{bucket}/{key}");
    }
    if let (Some(user), Some(policy)) =
        (field("userName").or(field("roleName")), field("policyArn").or(field("policyName")))
    {
        return format!("{user}: {policy}");
    }
    let named = TARGETS.iter().find_map(|name| field(name)).map(str::to_owned);
    let several = || {
        let list =
            request.get("instanceIds").or(request.get("instancesSet").and_then(|set| set.get("items")))?.as_array()?;
        let ids: Vec<_> =
            list.iter().filter_map(|item| item.as_str().or(item.get("instanceId").and_then(Value::as_str))).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    };
    named.or_else(several).or_else(|| resources.first().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn acts() {
        for (name, read_only, expected) in [
            ("AssumeRole", true, Lane::Issue),
            ("GetCallerIdentity", true, Lane::Probe),
            ("DescribeInstances", true, Lane::Read),
            ("CreateTags", false, Lane::Write),
            ("CreateAccessKey", false, Lane::Persist),
            ("StopLogging", false, Lane::Evade),
            ("GetSecretValue", true, Lane::Data),
            ("DeleteAccessKey", false, Lane::Revoke),
        ] {
            assert_eq!(act(name, read_only, &Value::Null), expected, "{name}");
        }
        let revoke = json!({"policyName": "AWSRevokeOlderSessions", "roleName": "x"});
        assert_eq!(act("PutRolePolicy", false, &revoke), Lane::Revoke);
    }

    #[test]
    fn targets() {
        assert_eq!(target(&json!({"bucketName": "b", "key": "k"}), &[]), "b/k");
        assert_eq!(target(&json!({"userName": "u", "policyArn": "p"}), &[]), "u: p");
        assert_eq!(target(&json!({"instancesSet": {"items": [{"instanceId": "i-0"}]}}), &[]), "i-0");
        assert_eq!(target(&Value::Null, &["arn:aws:iam::1:role/x".to_owned()]), "arn:aws:iam::1:role/x");
    }
}
