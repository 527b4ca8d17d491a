//! The events themselves, put back into CloudTrail's own form: what Timesketch's taggers read, and the report shows on demand.

use std::collections::{BTreeSet, HashMap};

use arrow::json::LineDelimitedWriter;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::sql::session::Engine;

use super::super::case::Case;
use super::super::rows::{Rows, owned, text};

/// Raw events by id and account, and the objects they were in.
#[derive(Debug, Default)]
pub struct Records {
    /// JSON text.
    pub raw: HashMap<(String, String), String>,
    /// Source objects.
    pub objects: BTreeSet<String>,
}

/// Columns and where they stand in a record; the path's last part is the field.
const FIELDS: &[(&str, &[&str])] = &[
    ("event_version", &["eventVersion"]),
    ("identity_type", &["userIdentity", "type"]),
    ("identity_principal_id", &["userIdentity", "principalId"]),
    ("identity_arn", &["userIdentity", "arn"]),
    ("identity_account_id", &["userIdentity", "accountId"]),
    ("access_key_id", &["userIdentity", "accessKeyId"]),
    ("identity_user_name", &["userIdentity", "userName"]),
    ("invoked_by", &["userIdentity", "invokedBy"]),
    ("identity_provider", &["userIdentity", "identityProvider"]),
    ("credential_id", &["userIdentity", "credentialId"]),
    ("on_behalf_of_user_id", &["userIdentity", "onBehalfOf", "userId"]),
    ("in_scope_of_arn", &["userIdentity", "inScopeOf", "credentialsIssuedTo"]),
    ("session_issuer_id", &["userIdentity", "sessionContext", "sessionIssuer", "principalId"]),
    ("session_issuer_arn", &["userIdentity", "sessionContext", "sessionIssuer", "arn"]),
    ("session_created_at", &["userIdentity", "sessionContext", "attributes", "creationDate"]),
    ("session_mfa", &["userIdentity", "sessionContext", "attributes", "mfaAuthenticated"]),
    ("source_identity", &["userIdentity", "sessionContext", "sourceIdentity"]),
    ("ec2_role_delivery", &["userIdentity", "sessionContext", "ec2RoleDelivery"]),
    ("event_time", &["eventTime"]),
    ("event_source", &["eventSource"]),
    ("event_name", &["eventName"]),
    ("aws_region", &["awsRegion"]),
    ("source_ip_address", &["sourceIPAddress"]),
    ("user_agent", &["userAgent"]),
    ("error_code", &["errorCode"]),
    ("error_message", &["errorMessage"]),
    ("request_parameters", &["requestParameters"]),
    ("response_elements", &["responseElements"]),
    ("additional_event_data", &["additionalEventData"]),
    ("resources", &["resources"]),
    ("request_id", &["requestID"]),
    ("event_id", &["eventID"]),
    ("shared_event_id", &["sharedEventID"]),
    ("read_only", &["readOnly"]),
    ("event_type", &["eventType"]),
    ("management_event", &["managementEvent"]),
    ("event_category", &["eventCategory"]),
    ("recipient_account_id", &["recipientAccountId"]),
    ("vpc_endpoint_id", &["vpcEndpointId"]),
    ("vpc_endpoint_account_id", &["vpcEndpointAccountId"]),
];

/// Columns that hold JSON text.
const JSON: [&str; 5] = ["request_parameters", "response_elements", "additional_event_data", "resources", "extra"];

fn put(record: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => _ = record.insert((*last).to_owned(), value),
        [first, rest @ ..] => {
            let inner = record.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// A row of `events` as CloudTrail wrote it, secrets left out as they were left out of the lake.
pub fn record(row: &Map<String, Value>) -> Value {
    let parsed = |name: &str, value: &Value| match value.as_str().filter(|_| JSON.contains(&name)) {
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        None => value.clone(),
    };
    let mut record = Map::new();
    for (column, path) in FIELDS {
        if let Some(value) = row.get(*column).filter(|value| !value.is_null()) {
            put(&mut record, path, parsed(column, value));
        }
    }
    if let Some(Value::Object(extra)) = row.get("extra").map(|value| parsed("extra", value)) {
        for (name, value) in extra {
            record.entry(name).or_insert(value);
        }
    }
    Value::Object(record)
}

impl Records {
    /// Reads the case's events whole.
    ///
    /// # Errors
    /// They cannot be asked.
    pub async fn load(engine: &Engine, case: &Case) -> Result<Self> {
        let mut records = Self::default();
        for (_, sql) in case.queries.iter().filter(|(_, sql)| sql.starts_with("SELECT * FROM events")) {
            let rows = Rows::ask(engine, sql, Vec::new()).await?;
            let (id, account) = (rows.texts("event_id")?, rows.texts("recipient_account_id")?);
            let object = rows.texts("source_object")?;
            let mut lines = LineDelimitedWriter::new(Vec::new());
            let broken = |e| Error::internal("events could not be written as JSON").source(e);
            lines.write(rows.batch()).map_err(broken)?;
            lines.finish().map_err(broken)?;
            let lines = lines.into_inner();
            for (row, line) in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
                let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(line) else { continue };
                let key = (owned(&id, row).unwrap_or_default(), owned(&account, row).unwrap_or_default());
                records.raw.insert(key, record(&fields).to_string());
                records.objects.extend(text(&object, row).map(str::to_owned));
            }
        }
        Ok(records)
    }

    /// An event's record.
    pub fn get(&self, id: &str, account: &str) -> Option<&str> {
        self.raw.get(&(id.to_owned(), account.to_owned())).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_becomes_a_record_again() {
        let row = json!({"event_time": "2026-11-07T03:36:00Z", "event_name": "AssumeRole", "identity_type": "IAMUser",
            "session_issuer_arn": null, "session_created_at": "2026-11-07T03:00:00Z", "request_parameters": "{\"roleArn\":\"x\"}",
            "extra": "{\"apiVersion\":\"1\",\"eventName\":\"no\"}"});
        let expected = json!({"eventTime": "2026-11-07T03:36:00Z", "eventName": "AssumeRole", "apiVersion": "1",
            "userIdentity": {"type": "IAMUser", "sessionContext": {"attributes": {"creationDate": "2026-11-07T03:00:00Z"}}},
            "requestParameters": {"roleArn": "x"}});
        assert_eq!(record(row.as_object().unwrap()), expected);
    }
}
