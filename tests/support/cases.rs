//! The cases of `tests/detections`, and the log files that they stand for.
//!
//! A case is a JSON object: the `id` of the detection and the `severity` at which the attack fires (`names` the session that the
//! finding must name, `evil` where the attack issues one); the events of each of the days before (`usual`, some of them only where
//! the attack or the twin follows: `before_attack`, `before_twin`) and those of the last day, `attack` or `twin`. `lake` names the
//! lake it goes into, `plain` where nothing is said; `twin_at_most` what the twin may give, `info` where nothing is said.
//!
//! An event has a time (`at`), a caller (`as`) and a `call`. Accounts are letters (A to F have logs, X to Z are strangers), each
//! case's own: `{A}` in a text is the first one's number, `{key dana}` a user's long-term key, `B/Deploy` a role or user of the second, `Deploy` of the first. Callers are
//! users, services by host, `root A`, `account X`, `oidc SUBJECT`, `saml SUBJECT`, `portal PERSON`, or a session by the name that an
//! earlier event `issues` (of a `role`, under a `name`, for some `hours`). Addresses are the case's own: `home.10`, `away.66`,
//! `third.5`. `times` repeats an event every `step` seconds, counting `#` up; `day` is the one day, before the last, on which it
//! happens; `set` is laid over the record.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

/// The night that is looked at, a Friday, and the days before it.
pub const NIGHT: &str = "2026-11-20";
const BEFORE: i64 = 29;
const LETTERS: [char; 9] = ['A', 'B', 'C', 'D', 'E', 'F', 'X', 'Y', 'Z'];
const NETWORKS: [&str; 4] = ["home", "away", "third", "fourth"];

#[derive(Debug)]
pub struct Case {
    pub name: String,
    /// Its number, which makes its accounts, addresses and keys its own.
    number: usize,
    pub id: String,
    pub severity: String,
    pub lake: String,
    pub twin_at_most: String,
    names: Option<String>,
    events: Value,
}

/// A session: its key, role, name, and when it was issued.
#[derive(Clone)]
struct Issued {
    key: String,
    api: String,
    role: String,
    name: String,
    at: String,
    caller: Value,
    source_identity: Value,
}

fn text<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    event.get(name).and_then(Value::as_str)
}

fn number(event: &Value, name: &str) -> Option<i64> {
    event.get(name).and_then(Value::as_i64)
}

fn list<'a>(case: &'a Value, name: &str) -> &'a [Value] {
    case.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Lays one value over another: objects key by key.
fn lay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            over.iter().for_each(|(key, value)| lay(under.entry(key).or_insert(Value::Null), value));
        }
        (under, over) => *under = over.clone(),
    }
}

/// Every case of a folder, in the order of their names.
pub fn all(folder: &Path) -> Vec<Case> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    files.iter().enumerate().map(|(n, file)| Case::read(n + 1, file)).collect()
}

impl Case {
    fn read(number: usize, file: &Path) -> Self {
        let whole = std::fs::read_to_string(file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let mut case = Self {
            name,
            number,
            id: String::new(),
            severity: String::new(),
            lake: String::new(),
            twin_at_most: String::new(),
            names: None,
            events: Value::Null,
        };
        let events: Value =
            serde_json::from_str(&case.filled(&whole)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let evil = list(&events, "attack").iter().any(|event| text(event, "issues") == Some("evil"));
        let said = |what: &str, otherwise: &str| text(&events, what).unwrap_or(otherwise).to_owned();
        case.id = said("id", "");
        case.severity = said("severity", "");
        case.lake = said("lake", "plain");
        case.twin_at_most = said("twin_at_most", "info");
        case.names = text(&events, "names").or(evil.then_some("evil")).map(str::to_owned);
        case.events = events;
        case
    }

    fn account(&self, letter: char) -> String {
        let place = LETTERS.iter().position(|l| *l == letter).unwrap();
        format!("{}{:011}", place + 1, self.number)
    }

    /// The case's own numbers in the place of letters and names of networks.
    fn filled(&self, whole: &str) -> String {
        let mut filled = whole.to_owned();
        for letter in LETTERS {
            filled = filled.replace(&format!("{{{letter}}}"), &self.account(letter));
        }
        for (place, network) in NETWORKS.iter().enumerate() {
            filled = filled.replace(&format!("\"{network}."), &format!("\"20.{}.{}.", self.number, place + 1));
        }
        while let Some((before, (user, after))) =
            filled.split_once("{key ").and_then(|(b, rest)| Some((b, rest.split_once('}')?)))
        {
            filled = format!("{before}{}{after}", self.user_key(user));
        }
        filled
    }

    /// Whether a finding is about this case.
    pub fn concerns(&self, finding: &str) -> bool {
        let account = |letter: &char| finding.contains(&self.account(*letter));
        LETTERS.iter().any(account) || finding.contains(&format!("\"20.{}.", self.number))
    }

    /// The key of the session that the attack's finding must name.
    pub fn named(&self) -> Option<String> {
        self.names.as_ref().map(|name| self.key(0, name))
    }

    fn key(&self, day: i64, name: &str) -> String {
        let word: String = name.to_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
        format!("ASIA{word:X<8}{:04}{:04}", self.number, -day)
    }

    /// A user's long-term key.
    fn user_key(&self, user: &str) -> String {
        let plain: String = user.to_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
        format!("AKIA{plain:X>12}{:04}", self.number)
    }

    fn arn(&self, kind: &str, named: &str) -> String {
        let (account, name) = match named.split_once('/') {
            Some((letter, name)) if letter.len() == 1 => (self.account(letter.chars().next().unwrap()), name),
            _ => (self.account('A'), named),
        };
        let path = if name.starts_with("AWSReservedSSO_") { "aws-reserved/sso.amazonaws.com/" } else { "" };
        format!("arn:aws:iam::{account}:{kind}/{path}{name}")
    }

    fn identity(&self, who: &str, issued: &BTreeMap<String, Issued>) -> Value {
        if let Some(session) = issued.get(who) {
            return session_identity(session);
        }
        if who.ends_with(".amazonaws.com") {
            return json!({"type": "AWSService", "invokedBy": who});
        }
        let (kind, name) = who.split_once(' ').unwrap_or(("user", who));
        let account = self.account('A');
        match kind {
            "account" => {
                let (letter, id) = name.split_once(' ').unwrap_or((name, "AIDASTRANGER"));
                json!({"type": "AWSAccount", "accountId": self.account(letter.chars().next().unwrap()), "principalId": id})
            }
            "root" => {
                json!({"type": "Root", "principalId": account, "accountId": account, "arn": format!("arn:aws:iam::{account}:root")})
            }
            "oidc" => {
                let provider = format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com");
                json!({"type": "WebIdentityUser", "principalId": format!("{provider}:sts.amazonaws.com:{name}"),
                       "userName": name, "identityProvider": provider})
            }
            "saml" => {
                json!({"type": "SAMLUser", "principalId": format!("Qualifier{account}=:{name}"), "userName": name,
                             "identityProvider": format!("Qualifier{account}=")})
            }
            "portal" => {
                json!({"type": "IdentityCenterUser", "accountId": account, "credentialId": format!("credential-{}-{name}", self.number),
                               "onBehalfOf": {"userId": format!("user-{}-{name}", self.number), "identityStoreArn": format!("arn:aws:identitystore::{account}:identitystore/d-1")}})
            }
            _ => {
                let arn = self.arn("user", name);
                let user = arn.rsplit('/').next().unwrap();
                let plain: String = user.to_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
                json!({"type": "IAMUser", "principalId": format!("AIDA{plain:X>12}{:05}", self.number), "arn": arn, "accountId": arn.split(':').nth(4),
                       "accessKeyId": self.user_key(user), "userName": user})
            }
        }
    }

    /// The records of an event of a day: two where a call has a copy in another account.
    fn records(&self, event: &Value, day: i64, issued: &mut BTreeMap<String, Issued>) -> Vec<Value> {
        let date = chrono::NaiveDate::parse_from_str(NIGHT, "%Y-%m-%d").unwrap() + chrono::Duration::days(day);
        let at = format!("{date}T{}Z", text(event, "at").unwrap());
        let (source, call) = text(event, "call").unwrap().split_once(':').unwrap();
        let who = text(event, "as").unwrap();
        let caller = self.identity(who, issued);
        let mut request = event.get("request").cloned().unwrap_or(Value::Null);
        let mut response = event.get("response").cloned().unwrap_or(Value::Null);
        let mut role = text(event, "role").map(|role| self.arn("role", role));
        if let Some(name) = text(event, "issues") {
            let session = Issued {
                key: self.key(day, name),
                api: call.to_owned(),
                role: role.clone().unwrap_or_default(),
                name: text(event, "name").unwrap_or("work").to_owned(),
                at: at.clone(),
                caller: caller.clone(),
                source_identity: Value::Null,
            };
            let seconds = number(event, "hours").map_or(3600, |hours| hours * 3600);
            (request, response) = self.issue(&session, seconds, event.get("hours").is_some(), &request, &response);
            let kept =
                [&request, &caller["sessionContext"]].into_iter().find_map(|of| of.get("sourceIdentity")).cloned();
            issued.insert(name.to_owned(), Issued { source_identity: kept.unwrap_or_default(), ..session });
        } else if let (Some(role), false) = (&role, event.get("error").is_some()) {
            lay(&mut request, &json!({"roleArn": role}));
        }
        let service = who.ends_with(".amazonaws.com");
        let mut record = json!({
            "eventVersion": "1.11", "userIdentity": caller, "eventTime": at, "eventSource": format!("{source}.amazonaws.com"), "eventName": call,
            "awsRegion": text(event, "region").unwrap_or("eu-central-1"),
            "sourceIPAddress": text(event, "ip").map_or_else(|| if service { who.to_owned() } else { format!("20.{}.1.10", self.number) }, str::to_owned),
            "userAgent": text(event, "agent").unwrap_or(if service { who } else { "aws-cli/2.31.4 os/linux" }),
            "requestParameters": request, "responseElements": response, "readOnly": reads(call), "eventType": "AwsApiCall", "eventCategory": "Management"
        });
        if let Some(error) = text(event, "error") {
            let (code, message) = error.split_once(' ').unwrap_or((error, ""));
            lay(&mut record, &json!({"errorCode": code, "errorMessage": message}));
        }
        lay(&mut record, event.get("set").unwrap_or(&json!({})));
        let own = record["userIdentity"]["accountId"]
            .as_str()
            .filter(|_| record["userIdentity"]["type"] != "AWSAccount")
            .map(str::to_owned);
        let home = role.take().and_then(|role| role.split(':').nth(4).map(str::to_owned));
        let to = text(event, "to").and_then(|letter| letter.chars().next()).map(|letter| self.account(letter));
        let recipient = to.or_else(|| own.clone()).or_else(|| home.clone()).unwrap_or_else(|| self.account('A'));
        record["recipientAccountId"] = json!(recipient);
        let strange = |account: &String| account.starts_with(['7', '8', '9']);
        match (own, home) {
            // The role's own account gets a copy, its caller cut down to an account and an id.
            (Some(own), Some(home))
                if own != home && call.starts_with("Assume") && event.get("error").is_none() && !strange(&home) =>
            {
                record["sharedEventID"] = json!(format!("shared-{at}-{}-{who}-{home}", self.number));
                let mut copy = record.clone();
                copy["recipientAccountId"] = json!(home);
                copy["userIdentity"] = json!({"type": "AWSAccount", "accountId": own, "principalId": record["userIdentity"]["principalId"]});
                vec![record, copy]
            }
            _ => vec![record],
        }
    }

    /// What a call that gives credentials asks and answers.
    fn issue(&self, session: &Issued, seconds: i64, asked: bool, request: &Value, response: &Value) -> (Value, Value) {
        let ends = chrono::DateTime::parse_from_rfc3339(&session.at).unwrap() + chrono::Duration::seconds(seconds);
        let ends = ends.format("%b %-d, %Y, %-I:%M:%S %p").to_string();
        let (kind, name) = (text(&session.caller, "type").unwrap(), text(&session.caller, "userName"));
        let mut ask = match session.api.as_str() {
            "GetFederationToken" => json!({"name": session.name}),
            "GetSessionToken" | "AssumeRoot" => json!({}),
            _ => json!({"roleArn": session.role, "roleSessionName": session.name}),
        };
        if asked {
            ask["durationSeconds"] = json!(seconds);
        }
        let mut answer = json!({"credentials": {"accessKeyId": session.key, "expiration": ends}});
        if !session.role.is_empty() && kind != "AWSService" {
            let used = session_identity(session);
            answer["assumedRoleUser"] = json!({"arn": used["arn"], "assumedRoleId": used["principalId"]});
        }
        if kind == "WebIdentityUser" {
            lay(
                &mut answer,
                &json!({"subjectFromWebIdentityToken": name, "provider": session.caller["identityProvider"], "audience": "sts.amazonaws.com"}),
            );
        } else if kind == "SAMLUser" {
            lay(
                &mut ask,
                &json!({"principalArn": self.arn("saml-provider", "idp"), "sAMLAssertionID": format!("_{}", session.key)}),
            );
            lay(
                &mut answer,
                &json!({"subject": name, "issuer": "https://idp.example.com", "nameQualifier": session.caller["identityProvider"]}),
            );
        }
        if !request.is_null() {
            lay(&mut ask, request);
        }
        if !response.is_null() {
            lay(&mut answer, response);
        }
        (ask, answer)
    }

    /// A person takes a role through the portal: the person's own address is on the first of the two records alone.
    fn portal(&self, event: &Value, day: i64, issued: &mut BTreeMap<String, Issued>) -> Vec<Value> {
        let role = self.arn("role", text(event, "role").unwrap());
        let person = text(event, "as").and_then(|who| who.strip_prefix("portal ")).unwrap().to_owned();
        let set =
            role.rsplit('/').next().and_then(|name| name.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')).unwrap().0;
        let mut asked = event.clone();
        asked.as_object_mut().unwrap().retain(|key, _| !["issues", "role", "request", "name"].contains(&key.as_str()));
        let details = json!({"eventType": "AwsServiceEvent", "serviceEventDetails": {"role_name": set, "account_id": role.split(':').nth(4)}});
        let mut laid = details;
        lay(&mut laid, event.get("set").unwrap_or(&json!({})));
        asked["set"] = laid;
        let mut given = event.clone();
        given.as_object_mut().unwrap().remove("set");
        lay(
            &mut given,
            &json!({"as": format!("saml {person}"), "call": "sts:AssumeRoleWithSAML", "name": person, "ip": "AWS Internal", "agent": "AWS Internal"}),
        );
        let mut records = self.records(&asked, day, issued);
        records.extend(self.records(&given, day, issued));
        records
    }

    /// The records of a day.
    fn day(&self, day: i64, last: &str, issued: &mut BTreeMap<String, Issued>) -> Vec<Value> {
        let before = format!("before_{last}");
        let mut events: Vec<&Value> =
            ["usual", &before].into_iter().flat_map(|name| list(&self.events, name)).collect();
        events.retain(|event| match number(event, "day") {
            Some(only) => only == day,
            None => day >= -BEFORE,
        });
        if day == 0 {
            events.extend(list(&self.events, last));
        }
        let mut records = Vec::new();
        for event in events.into_iter().flat_map(repeated) {
            let portal = text(&event, "call") == Some("sso:GetRoleCredentials") && event.get("issues").is_some();
            records.extend(if portal { self.portal(&event, day, issued) } else { self.records(&event, day, issued) });
        }
        records
    }

    fn days(&self) -> Vec<i64> {
        let only = ["usual", "before_attack", "before_twin"].into_iter().flat_map(|name| list(&self.events, name));
        only.filter_map(|event| number(event, "day")).chain(-BEFORE..=0).collect()
    }
}

fn session_identity(session: &Issued) -> Value {
    let issued = json!({"creationDate": session.at, "mfaAuthenticated": "false"});
    if session.api == "GetSessionToken" {
        let mut user = session.caller.clone();
        lay(&mut user, &json!({"accessKeyId": session.key, "sessionContext": {"attributes": issued}}));
        return user;
    }
    if session.api == "GetFederationToken" {
        let account = &session.caller["accountId"];
        let issuer = json!({"type": "IAMUser", "principalId": session.caller["principalId"], "arn": session.caller["arn"], "accountId": account, "userName": session.caller["userName"]});
        return json!({"type": "FederatedUser", "principalId": format!("{}:{}", account.as_str().unwrap(), session.name), "accessKeyId": session.key, "accountId": account,
                      "arn": format!("arn:aws:sts::{}:federated-user/{}", account.as_str().unwrap(), session.name), "sessionContext": {"sessionIssuer": issuer, "attributes": issued}});
    }
    let (account, role) = (session.role.split(':').nth(4).unwrap(), session.role.rsplit('/').next().unwrap());
    let plain: String = role.to_uppercase().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let id = format!("AROA{plain:X>12}{}", &account[7..]);
    let mut identity = json!({"type": "AssumedRole", "principalId": format!("{id}:{}", session.name), "accessKeyId": session.key, "accountId": account,
           "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{}", session.name),
           "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": id, "arn": session.role, "accountId": account, "userName": role}, "attributes": issued}});
    if !session.source_identity.is_null() {
        identity["sessionContext"]["sourceIdentity"] = session.source_identity.clone();
    }
    identity
}

fn reads(call: &str) -> bool {
    let prefixes = ["Get", "List", "Describe", "Lookup", "Assume", "Head", "Decrypt"];
    prefixes.iter().any(|prefix| call.starts_with(prefix))
        && !["GetFederationToken", "GetSessionToken", "AssumeRoot"].contains(&call)
}

/// An event that happens `times`, each with `#` counted up.
fn repeated(event: &Value) -> Vec<Value> {
    let start = chrono::NaiveTime::parse_from_str(text(event, "at").unwrap(), "%H:%M:%S").unwrap();
    let step = number(event, "step").unwrap_or(10);
    let one = |n: i64| {
        let mut event: Value = serde_json::from_str(&event.to_string().replace('#', &n.to_string())).unwrap();
        event["at"] = json!((start + chrono::Duration::seconds(step * n)).format("%H:%M:%S").to_string());
        event
    };
    (0..number(event, "times").unwrap_or(1)).map(one).collect()
}

/// Writes the log files of some cases, a file a day; on the last one comes the `attack` or the `twin`.
pub fn write(folder: &Path, cases: &[&Case], last: &str) {
    let mut issued: Vec<BTreeMap<String, Issued>> = vec![BTreeMap::new(); cases.len()];
    let days: std::collections::BTreeSet<i64> = cases.iter().flat_map(|case| case.days()).collect();
    for day in days {
        let mut records = Vec::new();
        for (case, issued) in cases.iter().zip(&mut issued) {
            records.extend(case.day(day, last, issued));
        }
        for (n, record) in records.iter_mut().enumerate() {
            let ids: Map<String, Value> =
                Map::from_iter([("eventID".to_owned(), json!(format!("00000000-0000-4000-8{:03}-{n:012}", -day)))]);
            lay(record, &Value::Object(ids));
        }
        if !records.is_empty() {
            let date = chrono::NaiveDate::parse_from_str(NIGHT, "%Y-%m-%d").unwrap() + chrono::Duration::days(day);
            let file =
                format!("100000000001_CloudTrail_eu-central-1_{}T2355Z_aaaaaaaaaaaaaaaa.json", date.format("%Y%m%d"));
            std::fs::write(folder.join(file), json!({"Records": records}).to_string()).unwrap();
        }
    }
}
