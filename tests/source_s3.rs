//! Reads from a real S3 server inside this process, signatures on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::s3_server::{Rules, S3Server};
use futures::StreamExt;
use rolecall::error::{Error, Kind};
use rolecall::source::{Credentials, Filters, Found, S3Options, Source};
use tempfile::TempDir;

const ORGANIZATION: &str = "o-exampleorg11";
const MICROSECOND: i64 = 1_000_000;

fn options(server: &S3Server) -> S3Options {
    S3Options {
        endpoint: Some(server.endpoint.clone()),
        credentials: Some(Credentials {
            access_key_id: server.access_key.clone(),
            secret_access_key: server.secret_key.clone(),
            session_token: None,
        }),
        ..S3Options::default()
    }
}

fn key(top: &str, account: &str, region: &str, day: &str, number: usize) -> String {
    let compact = day.replace('/', "");
    format!(
        "{top}/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{compact}T1205Z_{number:016}.json.gz"
    )
}

/// A folder with one bucket, `logs`, that holds these keys; each object's content is its own key.
fn bucket<'a>(keys: impl IntoIterator<Item = &'a str>) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    for key in keys {
        put(folder.path(), key);
    }
    folder
}

fn put(folder: &Path, key: &str) {
    let path = folder.join("logs").join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, key).unwrap();
}

/// A line for each thing found, without the bucket's name.
async fn listed(source: &Source, filters: &Filters) -> Vec<String> {
    let short = |uri: &str| uri.trim_start_matches("s3://logs/").to_owned();
    source
        .list(filters)
        .map(|found| match found {
            Found::Object(o) => short(&o.uri),
            Found::Pruned(o) => format!("pruned {}", short(&o.uri)),
            Found::Archived(o) => format!("archived {}", short(&o.uri)),
            Found::NotCloudTrail { uri, why } => format!("{}: {why}", short(&uri)),
            Found::Failed { uri, error } => format!("failed {}: {error}", short(&uri)),
        })
        .collect()
        .await
}

fn told(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    format!("{error}\n{}\n{cause}", error.hints().join("\n"))
}

async fn refused(server: &S3Server, spec: &str) -> Error {
    Source::open(spec, &options(server)).await.expect_err("must not open")
}

#[tokio::test]
async fn a_prefix_is_listed_in_order_and_read_whole() {
    let keys = [
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/07/a-b.json",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/07/a.json",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/07/a/b.json",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/07/sp ace+plus%25äö.json",
        "AWSLogs/1111222233334/CloudTrail/us-east-1/2026/11/07/neighbour.json",
    ];
    let folder = bucket(keys);
    let server = S3Server::start(folder.path());
    for spec in ["s3://logs/AWSLogs/111122223333", "s3://logs/AWSLogs/111122223333/"] {
        let source = Source::open(spec, &options(&server)).await.unwrap();
        assert_eq!(source.describe(), "s3://logs/AWSLogs/111122223333");
        assert_eq!(listed(&source, &Filters::default()).await, &keys[..4]);
    }
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    let all: Vec<_> = source.list(&Filters::default()).collect().await;
    for (found, key) in all.iter().zip(keys) {
        let Found::Object(object) = found else { panic!("{found:?}") };
        assert_eq!(object.uri, format!("s3://logs/{key}"));
        assert_eq!(object.size, Some(key.len() as u64));
        assert!(object.last_modified.unwrap() > 0);
        assert_eq!(object.layout.as_ref().unwrap().region.as_deref(), Some("us-east-1"));
        assert_eq!(source.read(object).await.unwrap(), key.as_bytes());
    }
    assert_eq!(all.len(), keys.len());
    let local = Source::open(folder.path().join("logs").to_str().unwrap(), &S3Options::default()).await.unwrap();
    let start = format!("{}/", local.describe());
    let local: Vec<_> = listed(&local, &Filters::default()).await.iter().map(|u| u.replacen(&start, "", 1)).collect();
    assert_eq!(local, keys, "the folder lists in the bucket's order");
}

#[tokio::test]
async fn keys_and_beginnings_of_keys_are_sources_too() {
    let keys = ["flat/2026-11-07.json", "flat/2026-11-08.json", "other/x.json"];
    let folder = bucket(keys);
    let server = S3Server::start(folder.path());
    for (spec, wanted) in [
        ("s3://logs/flat/2026-11-07.json", &keys[..1]),
        ("s3://logs/flat/2026-11", &keys[..2]),
        ("s3://logs/flat", &keys[..2]),
    ] {
        let source = Source::open(spec, &options(&server)).await.unwrap();
        assert_eq!(listed(&source, &Filters::default()).await, wanted, "{spec}");
    }
}

#[tokio::test]
async fn all_pages_are_listed() {
    let keys: Vec<_> = (0..2300).map(|n| key("AWSLogs", "111122223333", "us-east-1", "2026/11/07", n)).collect();
    let folder = bucket(keys.iter().map(String::as_str));
    let server = S3Server::start(folder.path());
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    assert_eq!(listed(&source, &Filters::default()).await, keys);
}

#[tokio::test]
async fn a_root_is_searched_for_its_logs() {
    let single = key("AWSLogs", "111122223333", "us-east-1", "2026/11/07", 1);
    let organized = key(&format!("AWSLogs/{ORGANIZATION}"), "444455556666", "us-east-1", "2026/11/07", 1);
    let tower = key(&format!("{ORGANIZATION}/AWSLogs/{ORGANIZATION}"), "444455556666", "us-east-1", "2026/11/07", 1);
    let second = key("trails/second/AWSLogs", "111122223333", "us-east-1", "2026/11/07", 1);
    let digest = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/07/111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20261107T040000Z.json.gz";
    let insight = "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/07/x.json.gz";
    let folder = bucket([
        single.as_str(),
        &organized,
        &tower,
        &second,
        digest,
        insight,
        "AWSLogs/111122223333/Config/us-east-1/2026/11/07/config.json.gz",
        "AWSLogs/111122223333/CloudTrail-Lake/Query/2026/11/07/q/result_1.csv.gz",
        "backups/monday/deep/x.json",
        "trails/notes/x.json",
        "readme.txt",
    ]);
    let server = S3Server::start(folder.path());
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    assert_eq!(source.describe(), "s3://logs");
    assert_eq!(
        source.notes(),
        [
            "found AWSLogs of 1 account in s3://logs/AWSLogs/".to_owned(),
            format!("found AWSLogs of organisation {ORGANIZATION}, 1 account, in s3://logs/AWSLogs/"),
            format!("found AWSLogs of organisation {ORGANIZATION}, 1 account, in s3://logs/{ORGANIZATION}/AWSLogs/"),
            "found AWSLogs of 1 account in s3://logs/trails/second/AWSLogs/".to_owned(),
        ]
    );
    assert_eq!(
        listed(&source, &Filters::default()).await,
        [
            format!("{digest}: an integrity digest"),
            insight.to_owned(),
            "AWSLogs/111122223333/CloudTrail-Lake/Query/2026/11/07/q/result_1.csv.gz: a query result of CloudTrail Lake"
                .to_owned(),
            single.clone(),
            "AWSLogs/111122223333/Config/: another service's logs".to_owned(),
            organized.clone(),
            "backups/: no AWSLogs folder is in it".to_owned(),
            tower.clone(),
            "readme.txt: not in a CloudTrail folder".to_owned(),
            "trails/notes/: no AWSLogs folder is in it".to_owned(),
            second.clone(),
        ]
    );
    let calls = server.calls();
    assert!(!calls.iter().any(|c| c.contains("Config") || c.contains("monday/deep")), "{calls:?}");
}

#[tokio::test]
async fn a_prefix_that_somebody_named_is_read_beside_its_logs() {
    let single = key("case/AWSLogs", "111122223333", "us-east-1", "2026/11/07", 1);
    let folder = bucket([single.as_str(), "case/flat/x.json", "case/top.json"]);
    let server = S3Server::start(folder.path());
    let source = Source::open("s3://logs/case", &options(&server)).await.unwrap();
    assert_eq!(listed(&source, &Filters::default()).await, [&single, "case/flat/x.json", "case/top.json"]);
}

#[tokio::test]
async fn what_cannot_match_is_not_even_listed() {
    let days = ["2026/10/01", "2026/11/06", "2026/11/07", "2026/12/24"];
    let mut keys = Vec::new();
    for account in ["111122223333", "444455556666"] {
        for region in ["eu-west-1", "us-east-1"] {
            keys.extend(days.map(|day| key("AWSLogs", account, region, day, 1)));
        }
    }
    keys.push("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/07/x.json.gz".to_owned());
    let folder = bucket(keys.iter().map(String::as_str));
    let server = S3Server::start(folder.path());
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    server.calls();

    let midnight = 1_794_009_600 * MICROSECOND; // 2026-11-07T00:00:00Z
    let filters = Filters {
        accounts: vec!["111122223333".into()],
        regions: vec!["us-east-1".into()],
        since: Some(midnight),
        until: Some(midnight),
        ..Filters::default()
    };
    assert_eq!(
        listed(&source, &filters).await,
        [
            "AWSLogs/111122223333/CloudTrail-Digest/: an integrity digest".to_owned(),
            "pruned AWSLogs/111122223333/CloudTrail/eu-west-1/".to_owned(),
            "pruned AWSLogs/111122223333/CloudTrail/us-east-1/".to_owned(),
            format!("pruned {}", key("AWSLogs", "111122223333", "us-east-1", "2026/11/06", 1)),
            key("AWSLogs", "111122223333", "us-east-1", "2026/11/07", 1),
            format!("pruned {}", key("AWSLogs", "111122223333", "us-east-1", "2026/12/24", 1)),
            "pruned AWSLogs/444455556666/".to_owned(),
        ]
    );
    let mut calls = server.calls();
    calls.dedup();
    assert_eq!(
        calls,
        [
            "List ",
            "List AWSLogs/",
            "List AWSLogs/111122223333/",
            "List AWSLogs/111122223333/CloudTrail/",
            "List AWSLogs/111122223333/CloudTrail/us-east-1/",
        ]
    );
    let late = Filters { until: Some(midnight - 30 * 86_400 * MICROSECOND), ..Filters::default() };
    let kept = listed(&source, &late).await;
    assert_eq!(kept.iter().filter(|l| l.starts_with("AWSLogs") && l.contains("2026/11/07")).count(), 4, "{kept:#?}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_not_shown() {
    let folder = bucket(["x.json"]);
    let server = S3Server::start(folder.path());
    let mut wrong = options(&server);
    let secret = "not-the-secret-at-all";
    wrong.credentials.as_mut().unwrap().secret_access_key = secret.to_owned();
    let error = Source::open("s3://logs", &wrong).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Input);
    assert!(told(&error).contains("the secret key is wrong"), "{}", told(&error));
    assert!(!format!("{error:?}{wrong:?}{}", told(&error)).contains(secret));
}

#[tokio::test]
async fn refusals_name_the_permission() {
    let keys: Vec<_> = ["111122223333", "444455556666"].map(|a| key("AWSLogs", a, "us-east-1", "2026/11/07", 1)).into();
    let folder = bucket(keys.iter().map(String::as_str));

    let server = S3Server::with(folder.path(), Rules { deny_list: vec![""], ..Rules::default() });
    let error = refused(&server, "s3://logs").await;
    assert!(told(&error).contains("cannot list `s3://logs/`: listing is refused (s3:ListBucket)"), "{}", told(&error));
    let named = Source::open(&format!("s3://logs/{}", keys[0]), &options(&server)).await.unwrap();
    assert_eq!(listed(&named, &Filters::default()).await, &keys[..1], "a key can be read without listing");

    let rules = Rules {
        deny_list: vec!["AWSLogs/111122223333/"],
        deny_read: vec!["AWSLogs/444455556666/"],
        deny_decrypt: vec!["AWSLogs/111122223333/"],
        ..Rules::default()
    };
    let server = S3Server::with(folder.path(), rules);
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    let found: Vec<_> = source.list(&Filters::default()).collect().await;
    let [Found::Failed { uri, error }, Found::Object(object)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(uri, "s3://logs/AWSLogs/111122223333/");
    assert!(told(error).contains("s3:ListBucket"), "{}", told(error));
    let error = source.read(object).await.unwrap_err();
    assert!(told(&error).contains("reading is refused (s3:GetObject)"), "{}", told(&error));

    let server = S3Server::with(folder.path(), Rules { deny_decrypt: vec![""], ..Rules::default() });
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    let found: Vec<_> = source.list(&Filters::default()).collect().await;
    let Found::Object(object) = &found[0] else { panic!("{found:?}") };
    let error = source.read(object).await.unwrap_err();
    assert!(told(&error).contains("decrypting is refused (kms:Decrypt)"), "{}", told(&error));
}

#[tokio::test]
async fn what_is_not_there_is_told_with_the_nearest() {
    let stored = key("AWSLogs", "111122223333", "us-east-1", "2026/11/07", 1);
    let folder = bucket([stored.as_str()]);
    let server = S3Server::start(folder.path());
    let error = refused(&server, "s3://nowhere/AWSLogs").await;
    assert!(told(&error).contains("there is no bucket `nowhere`"), "{}", told(&error));
    let error = refused(&server, "s3://").await;
    assert_eq!(error.kind(), Kind::Usage);
    for (spec, hint) in [
        ("s3://logs/AWSLog/", "did you mean `s3://logs/AWSLogs/`?"),
        ("s3://logs/AWSLogs/111122223334", "did you mean `s3://logs/AWSLogs/111122223333/`?"),
        ("s3://logs/AWSLogs/zzz/CloudTrail/", "the nearest folder that exists is `s3://logs/AWSLogs/`"),
    ] {
        let error = refused(&server, spec).await;
        assert_eq!((error.kind(), error.hints()), (Kind::Empty, &[hint.to_owned()][..]));
    }
    let source = Source::open(&format!("s3://logs/{stored}"), &options(&server)).await.unwrap();
    let found: Vec<_> = source.list(&Filters::default()).collect().await;
    fs::remove_file(folder.path().join("logs").join(&stored)).unwrap();
    let Found::Object(object) = &found[0] else { panic!("{found:?}") };
    assert!(told(&source.read(object).await.unwrap_err()).contains("the object does not exist"));
}

#[tokio::test]
async fn archived_objects_are_set_apart() {
    let keys = [1, 2].map(|n| key("AWSLogs", "111122223333", "us-east-1", "2026/11/07", n));
    let folder = bucket(keys.iter().map(String::as_str));
    let first: &'static str = Box::leak(keys[0].clone().into_boxed_str());
    let server = S3Server::with(folder.path(), Rules { archived: vec![first], ..Rules::default() });
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    let found: Vec<_> = source.list(&Filters::default()).collect().await;
    let [Found::Archived(archived), Found::Object(_)] = &found[..] else { panic!("{found:?}") };
    let error = source.read(archived).await.unwrap_err();
    assert!(told(&error).contains("archived") && told(&error).contains("restore"), "{}", told(&error));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_object() {
    let stored = key("AWSLogs", "111122223333", "us-east-1", "2026/11/07", 1);
    let folder = bucket([stored.as_str()]);
    // Large enough that the answer begins before the server can notice.
    fs::write(folder.path().join("logs").join(&stored), vec![b'x'; 1 << 20]).unwrap();
    let server = S3Server::with(folder.path(), Rules { cut_short: vec![""], ..Rules::default() });
    let source = Source::open("s3://logs", &options(&server)).await.unwrap();
    let found: Vec<_> = source.list(&Filters::default()).collect().await;
    let Found::Object(object) = &found[0] else { panic!("{found:?}") };
    server.calls();
    let error = source.read(object).await.unwrap_err();
    assert!(told(&error).contains("the connection failed"), "{}", told(&error));
    assert_eq!(server.calls().len(), 3, "it was asked for again");
}

#[tokio::test]
async fn a_bucket_in_another_region_is_found() {
    let stored = key("AWSLogs", "111122223333", "eu-west-1", "2026/11/07", 1);
    let folder = bucket([stored.as_str()]);
    let server = S3Server::with(folder.path(), Rules { region: Some("eu-west-1"), ..Rules::default() });
    let options = S3Options { region: Some("us-west-2".into()), ..options(&server) };
    let source = Source::open("s3://logs", &options).await.unwrap();
    let found: Vec<_> = source.list(&Filters::default()).collect().await;
    let Found::Object(object) = &found[0] else { panic!("{found:?}") };
    assert_eq!(source.read(object).await.unwrap(), stored.as_bytes());
}

/// Opens the source that a parent test named, with the parent's environment; does nothing else.
#[tokio::test]
async fn opened_by_a_child() {
    let Ok(spec) = std::env::var("ROLECALL_TEST_SOURCE") else { return };
    let told = match Source::open(&spec, &S3Options::default()).await {
        Ok(source) => listed(&source, &Filters::default()).await.join("\n"),
        Err(error) => told(&error),
    };
    println!("{told}");
}

/// What a process with this environment, and nothing else, says of a source.
fn in_a_child(home: &Path, environment: &[(&str, String)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "source_s3::opened_by_a_child", "--nocapture"])
        .env_clear()
        .env("HOME", home)
        .env("ROLECALL_TEST_SOURCE", "s3://logs")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().map(|(k, v)| (k, v.as_str())))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_environment_alone_is_enough() {
    let stored = key("AWSLogs", "111122223333", "us-east-1", "2026/11/07", 1);
    let folder = bucket([stored.as_str()]);
    let server = S3Server::start(folder.path());
    let said = in_a_child(folder.path(), &server.env());
    assert!(said.lines().any(|l| l == stored), "{said}");
}

#[test]
fn missing_and_expired_logins_name_the_command() {
    let home = TempDir::new().unwrap();
    let said = in_a_child(home.path(), &[]);
    assert!(said.contains("no AWS credentials were found") && said.contains("aws configure"), "{said}");

    let aws = home.path().join(".aws");
    fs::create_dir_all(&aws).unwrap();
    fs::write(
        aws.join("config"),
        "[profile audit]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Audit\nregion = eu-west-1\n\
         [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n",
    )
    .unwrap();
    let said = in_a_child(home.path(), &[("AWS_PROFILE", "audit".to_owned())]);
    assert!(said.contains("aws sso login --profile audit"), "{said}");
    let said = in_a_child(home.path(), &[("AWS_PROFILE", "nobody".to_owned())]);
    assert!(said.contains("profile `nobody` has none or does not exist"), "{said}");
}
