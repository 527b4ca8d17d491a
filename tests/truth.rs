//! Holds saved questions against an independent calculation: a corpus with known truth is made, and what each answer has to
//! say is worked out here from the truth's sessions and from the raw records, without rolecall's tables.
//!
//! The corpus comes from `../shared/tools/corpus.py`. Where that is not there the test says so and passes.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::library::Library;
use rolecall::sql::session::Engine;
use serde_json::Value;

use crate::questions::ndjson;

/// The last day of the corpus, on which its attacks fall.
const LAST_DAY: &str = "2026-11-06T00:00:00Z";
const A_MOMENT: &str = "2026-11-05T12:00:00Z";

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A session of the truth, or a raw record, with what the calculations read.
struct World {
    sessions: Vec<Value>,
    /// Every record once.
    records: Vec<Value>,
    attacks: Vec<Value>,
    /// Accounts that deliver logs.
    accounts: BTreeSet<String>,
}

impl World {
    fn read(corpus: &Path) -> World {
        let lines = |name: &str| -> Vec<Value> {
            let text = std::fs::read_to_string(corpus.join("truth").join(name)).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let mut files = Vec::new();
        walk(&corpus.join("logs"), &mut files);
        let mut seen = BTreeSet::new();
        let mut records = Vec::new();
        for file in files.iter().filter(|path| path.to_string_lossy().contains("/CloudTrail/")) {
            let mut body = String::new();
            flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut body).unwrap();
            let mut object: Value = serde_json::from_str(&body).unwrap();
            for record in object["Records"].as_array_mut().unwrap().drain(..) {
                if seen.insert((text(&record, "/recipientAccountId").to_owned(), text(&record, "/eventID").to_owned()))
                {
                    records.push(record);
                }
            }
        }
        let accounts = records.iter().map(|record| text(record, "/recipientAccountId").to_owned()).collect();
        World { sessions: lines("sessions.jsonl"), records, attacks: lines("attacks.jsonl"), accounts }
    }

    fn session(&self, key: &str) -> Option<&Value> {
        self.sessions.iter().find(|session| session["key"] == key)
    }

    fn roles(&self) -> impl Iterator<Item = &Value> {
        self.sessions.iter().filter(|session| session["role_arn"].is_string())
    }

    fn parent<'w>(&'w self, session: &'w Value) -> Option<&'w Value> {
        session["parent_key"].as_str().and_then(|key| self.session(key))
    }

    /// The caller under the name that stays: a role, a user, a service, an account, a subject.
    fn caller(&self, session: &Value) -> String {
        match (self.parent(session), session["caller_arn"].as_str(), session["caller_account"].as_str()) {
            (Some(parent), ..) if parent["role_arn"].is_string() => short(text(parent, "/role_arn")),
            (_, Some(arn), _) => short(arn),
            (_, None, Some(account)) => account.to_owned(),
            _ => short(text(session, "/origin")),
        }
    }

    fn by_service(session: &Value) -> bool {
        session["depth"] == 1 && text(session, "/origin").ends_with(".amazonaws.com")
    }

    fn attack(&self, id: &str) -> &Value {
        self.attacks.iter().find(|attack| attack["id"] == id).unwrap()
    }

    /// Records signed with a session's key, with that session.
    fn calls(&self) -> Vec<(&Value, &Value)> {
        let by_key: BTreeMap<&str, &Value> = self.sessions.iter().map(|s| (text(s, "/used_key"), s)).collect();
        let find = |record| Some((record, *by_key.get(text(record, "/userIdentity/accessKeyId"))?));
        self.records.iter().filter_map(find).collect()
    }

    /// Failed calls of STS: code, caller (as shown and as it stays), role asked for, time.
    fn failures(&self) -> Vec<Failure> {
        let failed = self
            .records
            .iter()
            .filter(|record| record["eventSource"] == "sts.amazonaws.com" && record["errorCode"].is_string());
        let failure = |record: &Value| {
            let identity = &record["userIdentity"];
            let message = text(record, "/errorMessage");
            let role = match record.pointer("/requestParameters/roleArn") {
                Some(role) => role.as_str().unwrap().to_owned(),
                None => message.split(" on resource: ").nth(1).unwrap_or_default().to_owned(),
            };
            let shown = [text(identity, "/arn"), text(identity, "/userName")].into_iter().find(|t| !t.is_empty());
            let stays = [text(identity, "/sessionContext/sessionIssuer/arn"), shown.unwrap_or_default()];
            Failure {
                api: text(record, "/eventName").to_owned(),
                code: text(record, "/errorCode").to_owned(),
                shown: shown.map(short).unwrap_or_default(),
                stays: stays.into_iter().find(|t| !t.is_empty()).map(short).unwrap_or_default(),
                role,
                at: text(record, "/eventTime").to_owned(),
            }
        };
        failed.map(failure).collect()
    }
}

struct Failure {
    api: String,
    code: String,
    shown: String,
    stays: String,
    role: String,
    at: String,
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// `account/name`, `account/role/session`, a permission set by its name.
fn short(arn: &str) -> String {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [_, _, _, _, account, resource] = parts[..] else { return arn.to_owned() };
    if !arn.starts_with("arn:") {
        return arn.to_owned();
    }
    let set = |name: &str| match name.strip_prefix("AWSReservedSSO_") {
        Some(rest) => rest.rsplit_once('_').unwrap().0.to_owned(),
        None => name.to_owned(),
    };
    let words: Vec<_> = resource.split('/').collect();
    match words[0] {
        "assumed-role" => format!("{account}/{}/{}", set(words[1]), words[2]),
        "saml-provider" | "oidc-provider" => format!("{account}/{}", words[1..].join("/")),
        _ => format!("{account}/{}", set(words.last().unwrap())),
    }
}

/// What changes in the corpus's session names.
fn plain_name(name: &str) -> String {
    match name.strip_prefix("aws-go-sdk-") {
        Some(digits) if digits.len() == 19 => "aws-go-sdk-<n>".to_owned(),
        _ => name.to_owned(),
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// One cell as text: lists with commas, numbers with three digits where they have a fraction.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        Value::Number(number) if number.is_f64() => format!("{:.3}", number.as_f64().unwrap()),
        other => other.to_string(),
    }
}

type Row = Vec<String>;

/// Rows counted by a key: each key with its count at the end.
fn counted(keys: impl IntoIterator<Item = Row>) -> Vec<Row> {
    let mut counts: BTreeMap<Row, usize> = BTreeMap::new();
    keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    counts
        .into_iter()
        .map(|(mut key, count)| {
            key.push(count.to_string());
            key
        })
        .collect()
}

/// Values of a group, by its key.
fn grouped<V: Ord>(rows: impl IntoIterator<Item = (Row, V)>) -> BTreeMap<Row, Vec<V>> {
    let mut groups: BTreeMap<Row, Vec<V>> = BTreeMap::new();
    rows.into_iter().for_each(|(key, value)| groups.entry(key).or_default().push(value));
    groups.values_mut().for_each(|values| values.sort());
    groups
}

fn distinct<T: Ord>(values: &[T]) -> usize {
    values.iter().collect::<BTreeSet<_>>().len()
}

fn row<const N: usize>(cells: [&str; N]) -> Row {
    cells.map(str::to_owned).to_vec()
}

struct Asking {
    engine: Engine,
    library: Library,
    wrong: Vec<String>,
    compared: BTreeMap<String, usize>,
}

impl Asking {
    /// Compares some columns of an answer with what they have to be, in whichever order.
    async fn check(&mut self, question: &str, parameters: &[(&str, &str)], columns: &str, want: Vec<Row>) {
        self.check_rows(question, parameters, columns, want, |_| true).await;
    }

    /// The same for the rows of the answer that `of` lets through.
    async fn check_rows(
        &mut self,
        question: &str,
        parameters: &[(&str, &str)],
        columns: &str,
        mut want: Vec<Row>,
        of: impl Fn(&Value) -> bool,
    ) {
        let answer = ndjson(&self.engine, &self.library, question, parameters).await;
        let rows = answer.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|row| of(row));
        let mut got: Vec<Row> = rows.map(|row| columns.split(' ').map(|c| cell(&row[c])).collect()).collect();
        got.sort();
        want.sort();
        *self.compared.entry(question.to_owned()).or_default() += want.len();
        if got != want {
            let missing = want.iter().find(|row| !got.contains(row));
            let extra = got.iter().find(|row| !want.contains(row));
            self.wrong.push(format!(
                "{question} {parameters:?}: {} rows, not {}; missing: {missing:?}; too much: {extra:?}",
                got.len(),
                want.len()
            ));
        }
    }
}

#[tokio::test]
async fn questions_agree_with_the_truth() {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools/corpus.py");
    if !tool.is_file() {
        eprintln!("skipped: {} is not there", tool.display());
        return;
    }
    let corpus = tempfile::tempdir().unwrap();
    let options = "--seed 11 --days 3 --scale 0.06 --density 0.5 --file-minutes 240 --jobs 1 --out";
    let made = Command::new("python3").arg(&tool).args(options.split(' ')).arg(corpus.path()).output();
    let Ok(made) = made else {
        eprintln!("skipped: no python3 on this machine");
        return;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let world = World::read(corpus.path());
    let logs = Source::open(corpus.path().join("logs").to_str().unwrap(), &S3Options::default()).await.unwrap();
    let engine = Engine::open_logs(vec![logs], &Filters::default()).await.unwrap();
    let mut asking =
        Asking { engine, library: Library::builtin().unwrap(), wrong: Vec::new(), compared: BTreeMap::new() };
    names(&world, &mut asking).await;
    addresses(&world, &mut asking).await;
    chains(&world, &mut asking).await;
    edges(&world, &mut asking).await;
    durations(&world, &mut asking).await;
    federation(&world, &mut asking).await;
    failures(&world, &mut asking).await;
    conditions(&world, &mut asking).await;
    calls(&world, &mut asking).await;
    assert!(asking.wrong.is_empty(), "{}", asking.wrong.join("\n"));
    // A calculation that expects nothing compares nothing.
    let empty: Vec<_> = asking.compared.iter().filter(|(_, rows)| **rows == 0).map(|(name, _)| name).collect();
    assert!(empty.is_empty(), "nothing to compare: {empty:?}");
}

async fn names(world: &World, asking: &mut Asking) {
    let used = grouped(world.roles().map(|s| {
        let key = [
            short(text(s, "/role_arn")),
            plain_name(text(s, "/session_name")),
            world.caller(s),
            text(s, "/origin").to_owned(),
        ];
        (key.to_vec(), text(s, "/issued_at"))
    }));
    let want = used.iter().map(|(key, at)| [key.clone(), vec![at.len().to_string(), at[0].to_owned()]].concat());
    asking.check("who-used-role", &[], "role session_name caller origin sessions first", want.collect()).await;

    let shared = grouped(
        world.roles().filter(|s| !World::by_service(s)).map(|s| (row([text(s, "/session_name")]), text(s, "/origin"))),
    );
    let want = shared.iter().filter(|(_, origins)| distinct(origins) > 1);
    let want = want
        .map(|(name, origins)| [name.clone(), vec![origins.len().to_string(), distinct(origins).to_string()]].concat());
    asking.check("shared-session-names", &[], "session_name sessions caller_count", want.collect()).await;

    let many = grouped(
        world
            .roles()
            .filter(|s| !World::by_service(s))
            .map(|s| (vec![world.caller(s), short(text(s, "/role_arn"))], text(s, "/session_name"))),
    );
    let want = many.iter().filter(|(_, names)| distinct(names) >= 5);
    let want =
        want.map(|(key, names)| [key.clone(), vec![distinct(names).to_string(), names.len().to_string()]].concat());
    asking.check("many-names-one-caller", &[], "caller role distinct_names sessions", want.collect()).await;

    let name = text(world.attack("deep_chain"), "/principals/0").split('@').next().unwrap();
    let want = world.sessions.iter().filter(|s| s["session_name"] == name);
    let want =
        want.map(|s| row([text(s, "/key"), text(s, "/role_account"), text(s, "/issued_at"), &s["events"].to_string()]));
    asking.check("sessions-named", &[("name", name)], "access_key account first events", want.collect()).await;

    let defaults =
        world.roles().filter(|s| text(s, "/session_name").starts_with("aws-go-sdk-") || s["session_name"] == "test");
    let want = counted(
        defaults.map(|s| vec![plain_name(text(s, "/session_name")), short(text(s, "/role_arn")), world.caller(s)]),
    );
    asking.check("sdk-default-names", &[], "pattern role caller sessions", want).await;

    let patterns = grouped(world.roles().map(|s| {
        let name = text(s, "/session_name");
        let pattern = match name.split_once('@') {
            Some((_, domain)) => format!("<user>@{domain}"),
            None if name.starts_with("i-0") => "i-<id>".to_owned(),
            None => plain_name(name),
        };
        (row([text(s, "/role_arn")]), (pattern, World::by_service(s)))
    }));
    let want = patterns.iter().filter(|(_, names)| names.len() >= 3 && names.iter().any(|(_, service)| !service)).map(
        |(role, names)| {
            let most = counted(names.iter().map(|(name, _)| vec![name.clone()]))
                .iter()
                .map(|r| r[1].parse::<usize>().unwrap())
                .max()
                .unwrap();
            row([&short(&role[0]), &names.len().to_string(), &(names.len() - most).to_string()])
        },
    );
    asking.check("name-patterns", &[], "role sessions departing", want.collect()).await;
}

async fn addresses(world: &World, asking: &mut Asking) {
    let calls = world.calls();
    let used =
        calls.iter().filter(|(record, s)| is_address(text(record, "/sourceIPAddress")) && s["role_arn"].is_string());
    let used = used.map(|(record, s)| row([&short(text(s, "/role_arn")), "use", text(record, "/sourceIPAddress")]));
    let home = |s: &Value| {
        [text(s, "/requester_ip"), text(s, "/source_ip")].into_iter().find(|ip| is_address(ip)).map(str::to_owned)
    };
    let assumed = world.roles().filter_map(|s| Some(row([&short(text(s, "/role_arn")), "assume", &home(s)?])));
    let want = counted(used.chain(assumed));
    asking.check("role-addresses", &[], "role phase ip events", want).await;

    let ip = text(world.attack("stolen_session"), "/ips/0");
    let came = world.records.iter().filter(|record| record["sourceIPAddress"] == ip);
    let came = came.map(|r| row([text(r, "/userIdentity/arn"), text(r, "/userIdentity/accessKeyId")]));
    asking.check("who-came-from", &[("address", ip)], "identity key events", counted(came)).await;

    let first_use = |s: &Value| {
        let mine = calls.iter().filter(|(r, of)| of["key"] == s["key"] && is_address(text(r, "/sourceIPAddress")));
        mine.map(|(r, _)| (text(r, "/eventTime"), text(r, "/sourceIPAddress"))).min().map(|(_, ip)| ip.to_owned())
    };
    let want = world.sessions.iter().filter_map(|s| {
        let home = home(s).or_else(|| first_use(s))?;
        let away: Vec<_> = s["ips"].as_array().unwrap().iter().map(cell).filter(|ip| *ip != home).collect();
        (!away.is_empty()).then(|| row([text(s, "/key"), &home, &away.join(",")]))
    });
    asking.check("used-elsewhere", &[], "session issue_ip use_ips", want.collect()).await;

    let stolen = text(world.attack("stolen_session"), "/ips/0").rsplit_once('.').unwrap().0;
    let want = calls.iter().filter(|(r, _)| r["sourceIPAddress"] == ip).map(|(_, s)| row([text(s, "/key")]));
    let want: BTreeSet<Row> = want.collect();
    asking
        .check_rows("two-networks-at-once", &[("within", "1h")], "session", want.into_iter().collect(), |row| {
            cell(&row["networks"]).contains(&format!("{stolen}.0/24"))
        })
        .await;
}

async fn chains(world: &World, asking: &mut Asking) {
    let deepest = world.sessions.iter().max_by_key(|s| s["depth"].as_i64()).unwrap();
    let mut chain = vec![deepest];
    while let Some(parent) = world.parent(chain[chain.len() - 1]) {
        chain.push(parent);
    }
    chain.reverse();
    let want = chain.iter().enumerate().map(|(place, s)| {
        let to = format!("{}/{}", short(text(s, "/role_arn")), text(s, "/session_name"));
        row([
            &(place + 1).to_string(),
            text(s, "/key"),
            &to,
            text(s, "/issued_at"),
            text(s, "/source_ip"),
            text(s, "/link"),
        ])
    });
    asking
        .check(
            "chain-of-session",
            &[("session", text(deepest, "/key"))],
            "step key to time ip join_method",
            want.collect(),
        )
        .await;

    let path = |s: &Value| {
        s["path"].as_array().unwrap().iter().map(|arn| short_role(arn.as_str().unwrap())).collect::<Vec<_>>()
    };
    let deep = world.sessions.iter().filter(|s| s["depth"].as_i64() >= Some(3));
    let want = counted(deep.map(|s| row([text(s, "/origin"), &s["depth"].to_string(), &path(s).join(" > ")])));
    asking.check("long-chains", &[], "root depth path sessions", want).await;

    let back = world.sessions.iter().filter(|s| {
        let path = path(s);
        let accounts: Vec<_> = path.iter().map(|role| role.split('/').next().unwrap()).collect();
        let home = accounts.len() > 1 && accounts[0] == accounts[accounts.len() - 1] && distinct(&accounts) > 1;
        path.len() > distinct(&path) || home
    });
    let want = counted(back.map(|s| row([text(s, "/origin"), &s["depth"].to_string(), &path(s).join(" > ")])));
    asking.check("roundtrips", &[], "root depth cycle times", want).await;

    let role = "StateAccess";
    let there = world.roles().filter(|s| text(s, "/role_arn").ends_with("/StateAccess"));
    let want = counted(there.map(|s| row([text(s, "/origin"), &s["depth"].to_string()])));
    asking.check("who-reaches-role", &[("role", role)], "root hops sessions", want).await;
}

/// A path's roles keep the permission set's whole role name.
fn short_role(arn: &str) -> String {
    format!("{}/{}", arn.split(':').nth(4).unwrap(), arn.rsplit('/').next().unwrap())
}

async fn edges(world: &World, asking: &mut Asking) {
    let crossing: Vec<&Value> = world.roles().filter(|s| s["cross_account"] == true).collect();
    let pairs = grouped(crossing.iter().map(|s| {
        (row([text(s, "/caller_account"), text(s, "/role_account")]), text(s, "/role_arn").rsplit('/').next().unwrap())
    }));
    let want = pairs.iter().map(|(key, roles)| {
        let names: BTreeSet<_> = roles.iter().copied().collect();
        [key.clone(), vec![names.into_iter().collect::<Vec<_>>().join(","), roles.len().to_string()]].concat()
    });
    asking.check("cross-account-matrix", &[], "from to roles sessions", want.collect()).await;

    let outside = || crossing.iter().filter(|s| !world.accounts.contains(text(s, "/caller_account")));
    let ids = grouped(
        outside()
            .map(|s| (row([text(s, "/caller_account"), &short(text(s, "/role_arn"))]), s["external_id"].is_string())),
    );
    let want = ids.iter().map(|(key, ids)| {
        let used = if ids.iter().all(|id| *id) { "always" } else { "never" };
        [key.clone(), vec![ids.len().to_string(), used.to_owned()]].concat()
    });
    asking.check("outside-accounts", &[], "ext_account role sessions ext_id_used", want.collect()).await;
    let without = outside().filter(|s| s["external_id"].is_null());
    let want = counted(without.map(|s| row([text(s, "/caller_account"), &short(text(s, "/role_arn"))])));
    asking.check("without-external-id", &[], "account role count", want).await;
    let want =
        counted(outside().map(|s| row([text(s, "/caller_account"), text(s, "/origin"), &short(text(s, "/role_arn"))])));
    asking.check("callers-without-logs", &[], "ext_account principal_id role count", want).await;

    let all =
        grouped(world.roles().map(|s| {
            (vec![world.caller(s), short(text(s, "/role_arn"))], (text(s, "/issued_at"), World::by_service(s)))
        }));
    let told: Vec<_> = all.iter().filter(|(_, times)| !times[0].1).collect();
    let new = told.iter().filter(|(_, times)| times[0].0 >= LAST_DAY);
    let want = new.map(|(key, times)| [(*key).clone(), vec![times[0].0.to_owned(), times.len().to_string()]].concat());
    asking.check("new-edges", &[("since", LAST_DAY)], "caller role first_seen count", want.collect()).await;
    let gone = told.iter().filter(|(_, times)| times.len() >= 2 && times[times.len() - 1].0 < LAST_DAY);
    let want = gone.map(|(key, times)| [(*key).clone(), vec![times[times.len() - 1].0.to_owned()]].concat());
    asking.check("vanished-edges", &[("since", LAST_DAY)], "caller role last_seen", want.collect()).await;

    let hub = world.roles().map(|s| text(s, "/role_arn")).find(|arn| arn.ends_with("/DeployHub")).unwrap();
    let mut hops: BTreeMap<String, usize> = BTreeMap::new();
    let mut front = BTreeSet::from([short(hub)]);
    for hop in 1..=5 {
        let next = all.keys().filter(|key| front.contains(&key[0])).map(|key| key[1].clone());
        front = next.filter(|role| !hops.contains_key(role)).collect();
        front.iter().for_each(|role| {
            hops.insert(role.clone(), hop);
        });
    }
    let want = hops.iter().map(|(role, hop)| {
        let (account, name) = role.split_once('/').unwrap();
        row([name, account, &hop.to_string()])
    });
    asking.check("reachable-from", &[("principal", "DeployHub")], "role account min_hops", want.collect()).await;

    let callers = grouped(
        world.roles().filter(|s| !World::by_service(s)).map(|s| (vec![short(text(s, "/role_arn"))], world.caller(s))),
    );
    let want = callers.iter().filter(|(_, callers)| distinct(callers) == 1 || distinct(callers) >= 5);
    let want = want
        .map(|(role, callers)| [role.clone(), vec![distinct(callers).to_string(), callers.len().to_string()]].concat());
    asking.check("role-callers", &[], "role callers sessions", want.collect()).await;

    let services = grouped(
        world
            .roles()
            .filter(|s| World::by_service(s))
            .map(|s| (row([text(s, "/origin"), &short(text(s, "/role_arn"))]), text(s, "/issued_at"))),
    );
    let want = services.iter().map(|(key, at)| [key.clone(), vec![at[0].to_owned(), at.len().to_string()]].concat());
    asking.check("services-and-roles", &[], "service role first count", want.collect()).await;
}

async fn durations(world: &World, asking: &mut Asking) {
    let number = |s: &Value, name: &str| s[name].as_i64();
    let roles = grouped(world.sessions.iter().map(|s| {
        let key = row([&s["role_arn"].as_str().map(short).unwrap_or_default(), text(s, "/api")]);
        (key, (number(s, "duration_s"), number(s, "requested_s")))
    }));
    let want = roles.iter().map(|(key, times)| {
        let asked = times.iter().filter(|(_, asked)| asked.is_some()).count();
        let longest = times.iter().filter_map(|(granted, _)| *granted).max().unwrap();
        // Of an even number the median lies between two: only the odd ones are worked out here.
        let mut granted: Vec<_> = times.iter().filter_map(|(granted, _)| *granted).collect();
        granted.sort_unstable();
        let middle = granted[granted.len() / 2];
        let even = granted.len() % 2 == 0 && granted[granted.len() / 2 - 1] != middle;
        let median = if even { (granted[granted.len() / 2 - 1] + middle) / 2 } else { middle };
        [key.clone(), vec![times.len().to_string(), asked.to_string(), longest.to_string(), median.to_string()]]
            .concat()
    });
    asking.check("durations", &[], "role api sessions asked max p50_granted", want.collect()).await;

    let long = world.sessions.iter().filter(|s| number(s, "duration_s") >= Some(28_799) && !World::by_service(s));
    let want = counted(long.map(|s| {
        let role = s["role_arn"].as_str().map_or_else(|| text(s, "/api").to_owned(), short);
        let hours = (number(s, "duration_s").unwrap() as f64 / 360.0).round() / 10.0;
        row([&world.caller(s), &role, &format!("{hours:.3}")])
    }));
    asking.check("long-sessions", &[], "caller role hours count", want).await;

    let unused = grouped(world.roles().map(|s| (vec![short(text(s, "/role_arn"))], s["events"] == 0)));
    let want = unused.iter().map(|(role, unused)| {
        let share = unused.iter().filter(|unused| **unused).count() as f64 / unused.len() as f64;
        [role.clone(), vec![unused.len().to_string(), format!("{:.3}", (share * 1000.0).round() / 1000.0)]].concat()
    });
    asking.check("unused-time", &[], "role sessions unused_share", want.collect()).await;

    let alive =
        world.sessions.iter().filter(|s| text(s, "/issued_at") <= A_MOMENT && text(s, "/expires_at") > A_MOMENT);
    let want = alive.map(|s| row([text(s, "/key"), text(s, "/expires_at"), text(s, "/last_event")]));
    asking
        .check_rows("alive-at", &[("at", A_MOMENT)], "session expires last_use", want.collect(), |row| {
            world.session(&cell(&row["session"])).is_some()
        })
        .await;
}

async fn federation(world: &World, asking: &mut Asking) {
    let of = |api: &'static str| world.sessions.iter().filter(move |s| s["api"] == api);
    let want = counted(of("AssumeRoleWithSAML").map(|s| {
        row([
            &short(text(s, "/origin_provider")),
            "https://idp.example.com/saml",
            text(s, "/origin"),
            &short(text(s, "/role_arn")),
        ])
    }));
    asking.check("saml-entries", &[], "provider issuer subject role count", want).await;
    let want = counted(of("AssumeRoleWithSAML").map(|s| {
        let role = short(text(s, "/role_arn"));
        row([text(s, "/session_name"), text(s, "/role_account"), role.split_once('/').unwrap().1])
    }));
    asking.check("identity-center", &[], "user account role sessions", want).await;

    let mut subjects: BTreeMap<Row, (usize, usize)> = BTreeMap::new();
    for s in of("AssumeRoleWithWebIdentity") {
        subjects.entry(row([text(s, "/origin"), &short(text(s, "/role_arn"))])).or_default().0 += 1;
    }
    for failure in world.failures().iter().filter(|f| f.api == "AssumeRoleWithWebIdentity") {
        subjects.entry(row([&failure.shown, &short(&failure.role)])).or_default().1 += 1;
    }
    let want = subjects
        .iter()
        .map(|(key, (taken, refused))| [key.clone(), vec![taken.to_string(), refused.to_string()]].concat());
    asking.check("federated-subjects", &[], "subject role sessions refused", want.collect()).await;
}

async fn failures(world: &World, asking: &mut Asking) {
    let all = world.failures();
    let denied = all.iter().filter(|f| f.code == "AccessDenied");
    let want = counted(denied.clone().map(|f| row([&f.shown, &short(&f.role)])));
    asking.check("denied-roles", &[], "caller target denials", want).await;

    let reason = |code: &str| match code {
        "AccessDenied" => "denied",
        "ValidationError" => "validation",
        "ExpiredToken" => "expired_token",
        other => panic!("{other}"),
    };
    let want = counted(all.iter().map(|f| row([reason(&f.code), &f.shown, &short(&f.role)])));
    asking.check("refusal-reasons", &[], "reason caller role count", want).await;

    let minute = |at: &str| chrono::DateTime::parse_from_rfc3339(at).unwrap().timestamp();
    let overcome = |f: &Failure| {
        world.roles().any(|s| {
            let later = minute(text(s, "/issued_at")) - minute(&f.at);
            text(s, "/role_arn") == f.role && (0..=60).contains(&later) && world.caller(s) == f.stays
        })
    };
    let for_good =
        all.iter().filter(|f| !f.role.is_empty() && !overcome(f)).map(|f| (vec![f.shown.clone()], f.role.clone()));
    let want = grouped(for_good);
    let want = want.iter().filter(|(_, roles)| distinct(roles) >= 3);
    let want = want
        .map(|(caller, roles)| [caller.clone(), vec![distinct(roles).to_string(), roles.len().to_string()]].concat());
    asking.check("many-refusals", &[], "caller distinct_roles denials", want.collect()).await;
}

async fn conditions(world: &World, asking: &mut Asking) {
    let of_users = world.roles().filter(|s| text(s, "/caller_arn").contains(":user/"));
    let without = of_users.filter(|s| {
        let token = world.parent(s).is_some_and(|parent| parent["api"] == "GetSessionToken");
        s["mfa"] == false && !token
    });
    let want = counted(without.map(|s| row([&short(text(s, "/origin")), &short(text(s, "/role_arn"))])));
    asking.check("without-mfa", &[], "caller role count", want).await;

    let ids = grouped(
        world.sessions.iter().filter_map(|s| Some((row([s["external_id"].as_str()?]), short(text(s, "/role_arn"))))),
    );
    let want =
        ids.iter().map(|(id, roles)| row([&id[0], &roles.len().to_string(), &distinct(roles).to_string(), "random"]));
    asking
        .check("external-ids", &[("show", "true")], "external_id sessions role_count entropy_class", want.collect())
        .await;

    let set = grouped(
        world
            .roles()
            .filter(|s| !World::by_service(s))
            .map(|s| (vec![short(text(s, "/role_arn"))], s["source_identity"].is_string())),
    );
    let want = set.iter().map(|(role, set)| {
        let percent = 100.0 * set.iter().filter(|set| **set).count() as f64 / set.len() as f64;
        [role.clone(), vec![format!("{}", percent.round()), set.len().to_string()]].concat()
    });
    asking.check("source-identities", &[], "role pct_set sessions", want.collect()).await;

    let issued = world.records.iter().filter(|r| {
        r["eventName"] == "AssumeRole" && r["errorCode"].is_null() && r["userIdentity"]["type"] != "AWSAccount"
    });
    let tags = issued.flat_map(|r| {
        let list = r.pointer("/requestParameters/tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let role = short(text(r, "/requestParameters/roleArn"));
        list.into_iter().map(move |tag| row([&role, text(&tag, "/key"), text(&tag, "/value")]))
    });
    asking.check("session-tags", &[], "role key value sessions", counted(tags)).await;

    let calls = world.calls();
    let person = calls
        .iter()
        .map(|(r, _)| text(r, "/userIdentity/sessionContext/sourceIdentity"))
        .find(|t| !t.is_empty())
        .unwrap();
    let mine = calls.iter().filter(|(r, _)| text(r, "/userIdentity/sessionContext/sourceIdentity") == person);
    let want = mine.map(|(r, s)| {
        row([text(r, "/eventTime"), text(r, "/recipientAccountId"), &short(text(s, "/role_arn")), text(r, "/eventID")])
    });
    asking
        .check("source-identity-actions", &[("source_identity", person)], "time account role event_id", want.collect())
        .await;
}

async fn calls(world: &World, asking: &mut Asking) {
    let instances = world.calls();
    let own = instances
        .iter()
        .filter(|(r, s)| text(s, "/session_name").starts_with("i-0") && is_address(text(r, "/sourceIPAddress")));
    let versions = grouped(own.map(|(r, s)| {
        let version = text(r, "/userIdentity/sessionContext/ec2RoleDelivery");
        (row([text(s, "/session_name"), &short(text(s, "/role_arn"))]), (version, text(r, "/sourceIPAddress")))
    }));
    let want = versions.iter().map(|(key, calls)| {
        let of = |version: &str| calls.iter().filter(|(v, _)| *v == version).count().to_string();
        let ips: Vec<_> = calls.iter().map(|(_, ip)| ip).collect();
        [key.clone(), vec![of("1.0"), of("2.0"), distinct(&ips).to_string()]].concat()
    });
    asking.check("instances", &[], "instance role v1_events v2_events ip_count", want.collect()).await;

    let hours = world.records.iter().map(|r| {
        row([
            text(r, "/recipientAccountId"),
            text(r, "/awsRegion"),
            &format!("{}:00:00Z", &text(r, "/eventTime")[..13]),
        ])
    });
    asking.check("coverage-by-hour", &[], "account region hour events", counted(hours)).await;

    let sts = world.records.iter().filter(|r| {
        let copy =
            r["userIdentity"]["type"] == "AWSAccount" && world.accounts.contains(text(r, "/userIdentity/accountId"));
        r["eventSource"] == "sts.amazonaws.com" && r["userIdentity"]["type"] != "AWSService" && !copy
    });
    let asked = grouped(sts.map(|r| {
        let identity = &r["userIdentity"];
        let names =
            ["/sessionContext/sessionIssuer/arn", "/arn", "/accountId", "/userName"].map(|path| text(identity, path));
        let who = names.into_iter().find(|name| !name.is_empty()).unwrap();
        let family = text(r, "/userAgent").split(' ').next().unwrap().split('/').next().unwrap();
        let global = r.pointer("/additionalEventData/RequestDetails/endpointType").is_some_and(|kind| kind == "global");
        let told = global || text(r, "/tlsDetails/clientProvidedHostHeader").starts_with("sts.");
        (row([&short(who), family]), (global, told))
    }));
    let want = asked.iter().map(|(key, calls)| {
        let of = |kind: (bool, bool)| calls.iter().filter(|call| **call == kind).count().to_string();
        [key.clone(), vec![of((true, true)), of((false, true)), of((false, false))]].concat()
    });
    asking.check("global-endpoint", &[], "caller ua_family global regional unknown", want.collect()).await;

    let keys =
        grouped(world.records.iter().filter(|r| text(r, "/userIdentity/accessKeyId").starts_with("AKIA")).map(|r| {
            (
                row([&short(text(r, "/userIdentity/arn")), text(r, "/userIdentity/accessKeyId")]),
                r["eventName"] == "AssumeRole",
            )
        }));
    let want = keys.iter().filter_map(|(key, hops)| {
        let assumes = hops.iter().filter(|hop| **hop).count();
        (assumes as f64 >= 0.99 * hops.len() as f64)
            .then(|| [key.clone(), vec![assumes.to_string(), (hops.len() - assumes).to_string()]].concat())
    });
    asking.check("users-who-only-hop", &[], "user key assumes other", want.collect()).await;

    let edits = world.records.iter().filter(|r| {
        matches!(text(r, "/eventName"), "CreateRole" | "UpdateAssumeRolePolicy") && r["errorCode"].is_null()
    });
    let want = edits.map(|r| {
        let role = format!("{}/{}", text(r, "/recipientAccountId"), text(r, "/requestParameters/roleName"));
        row([&role, &short(text(r, "/userIdentity/arn")), text(r, "/eventTime"), text(r, "/eventName")])
    });
    asking.check("trust-policy-edits", &[], "role edited_by at edit", want.collect()).await;
}
