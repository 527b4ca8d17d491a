//! A finding as JSON gives anchors: GuardDuty's, Security Hub's, or one of our own.
//!
//! <https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-format.html>,
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html>

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::{Error, Result};

use super::anchor::Anchor;

/// Lists of our own findings that name what to start from.
const OURS: [&str; 4] = ["session_ids", "access_keys", "source_ips", "principals"];

/// The anchors that a finding names: its keys, addresses, instances; its principal where it names no key.
///
/// # Errors
/// The text is no JSON, or names nothing to start from.
pub fn anchors(text: &str) -> Result<Vec<String>> {
    let values: Result<Vec<Value>, _> = match serde_json::from_str::<Value>(text) {
        Ok(value) => Ok(vec![value]),
        // One object a line.
        Err(_) => text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect(),
    };
    let values = values.map_err(|e| Error::usage("the finding is no JSON").source(e))?;
    let mut found = Found::default();
    for value in &values {
        found.walk(value, false);
    }
    let mut all: Vec<String> = found.keys.into_iter().chain(found.addresses).chain(found.instances).collect();
    if all.is_empty() {
        all.extend(found.principals);
    }
    if all.is_empty() {
        return Err(Error::usage("the finding names no access key, principal, instance or address"));
    }
    Ok(all)
}

#[derive(Default)]
struct Found {
    keys: BTreeSet<String>,
    addresses: BTreeSet<String>,
    instances: BTreeSet<String>,
    principals: BTreeSet<String>,
}

impl Found {
    fn walk(&mut self, value: &Value, remote: bool) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.walk(value, remote)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let lower = name.to_lowercase();
                    let remote = remote || lower == "remoteipdetails";
                    match value.as_str() {
                        Some(text) => self.text(&lower, text, remote),
                        None if OURS.contains(&lower.as_str()) => {
                            let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                            list.for_each(|text| self.sort(text));
                        }
                        None => self.walk(value, remote),
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, field: &str, text: &str, remote: bool) {
        match field {
            "accesskeyid" => self.sort(text),
            "principalid" => _ = self.principals.insert(text.to_owned()),
            "instanceid" => _ = self.instances.insert(text.to_owned()),
            "ipaddressv4" | "ipaddressv6" if remote => self.sort(text),
            // Security Hub keeps GuardDuty's fields under their paths.
            _ if field.ends_with("remoteipdetails/ipaddressv4") || field.ends_with("remoteipdetails/ipaddressv6") => {
                self.sort(text)
            }
            "id" if text.contains(":instance/i-") => {
                self.instances.extend(text.rsplit('/').next().map(str::to_owned));
            }
            "id" if text.starts_with("AWS::IAM::AccessKey:") => {
                self.sort(text.trim_start_matches("AWS::IAM::AccessKey:"))
            }
            _ => {}
        }
    }

    fn sort(&mut self, text: &str) {
        match Anchor::of(text) {
            Anchor::Key => self.keys.insert(text.to_owned()),
            Anchor::Address => self.addresses.insert(text.to_owned()),
            _ if text.len() >= 2 => self.principals.insert(text.to_owned()),
            _ => false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_anchors() {
        let guardduty = r#"{"AccountId":"111122223333","Resource":{"AccessKeyDetails":{"AccessKeyId":"ASIARTX3GSDS2UJDIVTY","PrincipalId":"AROAX:i-0"},
            "InstanceDetails":{"InstanceId":"i-0abc","NetworkInterfaces":[{"PrivateIpAddress":"10.0.0.1"}]}},
            "Service":{"Action":{"AwsApiCallAction":{"RemoteIpDetails":{"IpAddressV4":"203.0.113.9"},"Api":"GetObject"}}}}"#;
        assert_eq!(anchors(guardduty).unwrap(), ["ASIARTX3GSDS2UJDIVTY", "203.0.113.9", "i-0abc"]);
        let hub = r#"{"Findings":[{"Resources":[{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:AKIAIOSFODNN7EXAMPLE"},
            {"Id":"arn:aws:ec2:eu-west-1:1:instance/i-0123456789"}],"ProductFields":{"aws/guardduty/service/action/awsApiCallAction/remoteIpDetails/ipAddressV4":"203.0.113.10"}}]}"#;
        assert_eq!(anchors(hub).unwrap(), ["AKIAIOSFODNN7EXAMPLE", "203.0.113.10", "i-0123456789"]);
        let ours = "{\"fingerprint\":\"x\",\"access_keys\":[\"ASIARTX3GSDS2UJDIVTY\"],\"source_ips\":[]}\n{\"access_keys\":[]}\n";
        assert_eq!(anchors(ours).unwrap(), ["ASIARTX3GSDS2UJDIVTY"]);
        let principal = r#"{"detail":{"resource":{"accessKeyDetails":{"principalId":"AIDAX","accessKeyId":""}}}}"#;
        assert_eq!(anchors(principal).unwrap(), ["AIDAX"]);
        assert!(anchors("{}").is_err() && anchors("no").is_err());
    }
}
