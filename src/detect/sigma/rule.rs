//! One Sigma rule: read from YAML, its selections as SQL.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::condition;
use crate::detect::finding::Severity;

/// A rule that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Its level.
    pub level: Severity,
    /// ATT&CK technique ids of its tags.
    pub attack: Vec<String>,
    /// The condition over `events`.
    pub sql: String,
}

/// What keywords are looked for in.
const HAYSTACK: &str = "concat_ws(' ', event_source, event_name, user_agent, source_ip_address, identity_arn, error_code, error_message, \
    request_parameters, response_elements, additional_event_data)";

impl Rule {
    /// Reads a rule; where it cannot be asked, why.
    ///
    /// # Errors
    /// The text is no rule, or has what is not supported.
    pub fn parse(text: &str) -> Result<Self, String> {
        let first = |e: serde_saphyr::Error| e.to_string().lines().next().unwrap_or_default().to_owned();
        let rule: Map<String, Value> = serde_saphyr::from_str(text).map_err(|e| format!("no rule: {}", first(e)))?;
        let of = |map: &Value, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let whole = Value::Object(rule);
        let source = whole.get("logsource").cloned().unwrap_or_default();
        if of(&source, "service").as_deref() != Some("cloudtrail") {
            return Err("it is not about cloudtrail".to_owned());
        }
        let detection = whole.get("detection").and_then(Value::as_object).ok_or("it has no detection")?;
        if detection.contains_key("timeframe") {
            return Err("timeframes are not supported".to_owned());
        }
        let mut selections = BTreeMap::new();
        for (name, selection) in detection.iter().filter(|(name, _)| *name != "condition") {
            selections.insert(name.clone(), any_of(selection).map_err(|why| format!("{name}: {why}"))?);
        }
        let conditions: Vec<&str> = match detection.get("condition") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => return Err("it has no condition".to_owned()),
        };
        let parts: Vec<String> =
            conditions.iter().map(|one| condition::translate(one, &selections)).collect::<Result<_, _>>()?;
        let title = of(&whole, "title").ok_or("it has no title")?;
        let level = match of(&whole, "level").as_deref() {
            Some("critical") => Severity::Critical,
            Some("high") => Severity::High,
            Some("medium") | None => Severity::Medium,
            Some("low") => Severity::Low,
            Some("informational") => Severity::Info,
            Some(other) => return Err(format!("there is no level '{other}'")),
        };
        let tags = whole.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let technique = |tag: &str| {
            let id = tag.to_ascii_lowercase().strip_prefix("attack.t")?.to_owned();
            id.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("T{id}"))
        };
        Ok(Self {
            id: of(&whole, "id").unwrap_or_else(|| title.clone()),
            description: of(&whole, "description").unwrap_or_default(),
            attack: tags.filter_map(technique).collect(),
            sql: parts.join(" OR "),
            title,
            level,
        })
    }
}

/// A selection: a map of fields that all have to fit, a list of maps or keywords of which one has to.
fn any_of(selection: &Value) -> Result<String, String> {
    match selection {
        Value::Object(fields) if !fields.is_empty() => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| field(name, value)).collect::<Result<_, _>>()?;
            Ok(format!("({})", fields.join(" AND ")))
        }
        Value::Array(list) if !list.is_empty() => {
            let one = |value: &Value| match value {
                Value::Object(_) => any_of(value),
                Value::String(_) | Value::Number(_) => Ok(matched(HAYSTACK, "contains", false, &plain(value)?)),
                _ => Err("a list holds what is neither fields nor keywords".to_owned()),
            };
            Ok(format!("({})", list.iter().map(one).collect::<Result<Vec<_>, _>>()?.join(" OR ")))
        }
        Value::String(_) => Ok(matched(HAYSTACK, "contains", false, &plain(selection)?)),
        _ => Err("it selects nothing".to_owned()),
    }
}

fn plain(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err("a value is neither text, number nor truth".to_owned()),
    }
}

/// `name|modifier|modifier: value or list`.
fn field(named: &str, value: &Value) -> Result<String, String> {
    let mut parts = named.split('|');
    let column = column(parts.next().unwrap_or_default())?;
    let (mut how, mut every, mut cased) = ("equals", false, false);
    for modifier in parts {
        match modifier {
            "all" => every = true,
            "cased" => cased = true,
            "contains" | "startswith" | "endswith" | "re" | "cidr" | "exists" | "lt" | "lte" | "gt" | "gte" => {
                how = modifier
            }
            other => return Err(format!("the modifier '{other}' is not supported")),
        }
    }
    let one = |value: &Value| -> Result<String, String> {
        if value.is_null() {
            return Ok(format!("({column} IS NULL)"));
        }
        let text = plain(value)?;
        match how {
            "exists" => Ok(format!("({column} IS {}NULL)", if text == "true" { "NOT " } else { "" })),
            "re" => match regex::Regex::new(&text) {
                Ok(_) => Ok(format!("coalesce(regexp_like({column}, {}), false)", quoted(&text))),
                Err(_) => Err(format!("'{text}' is no regular expression that can be asked")),
            },
            "cidr" if text.parse::<ipnet::IpNet>().is_ok() => {
                Ok(format!("coalesce(ip_in({column}, {}), false)", quoted(&text)))
            }
            "cidr" => Err(format!("'{text}' is no network")),
            "lt" | "lte" | "gt" | "gte" => {
                let number = text
                    .parse::<f64>()
                    .ok()
                    .filter(|n| n.is_finite())
                    .ok_or_else(|| format!("'{text}' is no number"))?;
                let sign = match how {
                    "lt" => "<",
                    "lte" => "<=",
                    "gt" => ">",
                    _ => ">=",
                };
                Ok(format!("coalesce(try_cast({column} AS DOUBLE) {sign} {number:?}, false)"))
            }
            how => Ok(matched(&column, how, cased, &text)),
        }
    };
    let values: Vec<String> = match value {
        Value::Array(list) if list.is_empty() => return Err(format!("{named} has no values")),
        Value::Array(list) => list.iter().map(one).collect::<Result<_, _>>()?,
        value => vec![one(value)?],
    };
    Ok(format!("({})", values.join(if every { " AND " } else { " OR " })))
}

/// A text that fits: `*` stands for any text, `?` for one letter, a backslash takes both their meaning. Never null, so that `not` can stand before it.
fn matched(column: &str, how: &str, cased: bool, text: &str) -> String {
    let mut pattern = String::new();
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '\\' if matches!(letters.peek(), Some('*' | '?' | '\\')) => {
                let next = letters.next().unwrap_or('\\');
                pattern.push_str(if next == '\\' { "\\\\" } else { "" });
                pattern.extend((next != '\\').then_some(next));
            }
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => {
                pattern.push('\\');
                pattern.push(c);
            }
            c => pattern.push(c),
        }
    }
    if matches!(how, "contains" | "endswith") {
        pattern.insert(0, '%');
    }
    if matches!(how, "contains" | "startswith") {
        pattern.push('%');
    }
    let like = if cased { "LIKE" } else { "ILIKE" };
    format!("coalesce({column} {like} {}, false)", quoted(&pattern))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A field of CloudTrail as text.
fn column(name: &str) -> Result<String, String> {
    let known = match name {
        "eventSource" => "event_source",
        "eventName" => "event_name",
        "eventType" => "event_type",
        "eventVersion" => "event_version",
        "eventCategory" => "event_category",
        "awsRegion" => "aws_region",
        "sourceIPAddress" => "source_ip_address",
        "userAgent" => "user_agent",
        "errorCode" => "error_code",
        "errorMessage" => "error_message",
        "recipientAccountId" => "recipient_account_id",
        "vpcEndpointId" => "vpc_endpoint_id",
        "readOnly" => "CAST(read_only AS VARCHAR)",
        "managementEvent" => "CAST(management_event AS VARCHAR)",
        "requestParameters" => "request_parameters",
        "responseElements" => "response_elements",
        "additionalEventData" => "additional_event_data",
        "tlsDetails.tlsVersion" => "tls_version",
        "tlsDetails.clientProvidedHostHeader" => "tls_host",
        "userIdentity.type" => "identity_type",
        "userIdentity.arn" => "identity_arn",
        "userIdentity.accountId" => "identity_account_id",
        "userIdentity.principalId" => "identity_principal_id",
        "userIdentity.userName" => "identity_user_name",
        "userIdentity.accessKeyId" => "access_key_id",
        "userIdentity.invokedBy" => "invoked_by",
        "userIdentity.sessionContext.sessionIssuer.arn" => "session_issuer_arn",
        "userIdentity.sessionContext.sessionIssuer.principalId" => "session_issuer_id",
        "userIdentity.sessionContext.sessionIssuer.userName" => "arn_name(session_issuer_arn)",
        "userIdentity.sessionContext.sessionIssuer.type" => {
            "(CASE WHEN session_issuer_arn LIKE '%:role/%' THEN 'Role' WHEN session_issuer_arn LIKE '%:user/%' THEN 'IAMUser' \
             WHEN session_issuer_arn LIKE '%:root' THEN 'Root' END)"
        }
        "userIdentity.sessionContext.attributes.mfaAuthenticated" => "CAST(session_mfa AS VARCHAR)",
        _ => "",
    };
    if !known.is_empty() {
        return Ok(known.to_owned());
    }
    let (column, path) = match name.split_once('.') {
        Some(("requestParameters", path)) => ("request_parameters", path),
        Some(("responseElements", path)) => ("response_elements", path),
        Some(("additionalEventData", path)) => ("additional_event_data", path),
        _ => return Err(format!("the field '{name}' is not supported")),
    };
    let keys: Vec<String> = path.split('.').map(quoted).collect();
    Ok(format!("json_as_text({column}, {})", keys.join(", ")))
}
