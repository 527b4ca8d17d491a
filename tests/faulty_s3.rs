//! S3 as it is on bad days: what can be had is taken, what cannot is told and tried again by the next run, and nothing
//! else is held up.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures::StreamExt;
use rolecall::ingest::{Plan, Summary, ingest};
use rolecall::lake::store::{LakeCredentials, LakeOptions};
use rolecall::source::{Credentials, Filters, Found, S3Options, Source};
use tempfile::TempDir;

use crate::cli::{path, rolecall, told};
use crate::ingest::{ACCOUNT, event, number, object, put};
use crate::maintenance::said;
use crate::proxy::{Fault, Proxy, Rule};
use crate::s3_server::{Rules, S3Server};

/// Four objects of ten events, at minutes 1 to 4.
fn bucket() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for n in 1..5 {
        let records: Vec<_> = (0..10).map(|k| event(100 * n + k, "2026-11-07T00:01:00Z")).collect();
        put(&folder.path().join("logs"), "2026-11-07", &format!("000{n}Z_aaaaaaaaaaaaaaaa"), &object(&records));
    }
    std::fs::create_dir(folder.path().join("lakes")).unwrap();
    folder
}

fn s3(server: &S3Server, endpoint: &str) -> S3Options {
    S3Options {
        region: Some("us-east-1".into()),
        endpoint: Some(endpoint.to_owned()),
        path_style: true,
        credentials: Some(Credentials {
            access_key_id: server.access_key.clone(),
            secret_access_key: server.secret_key.clone(),
            session_token: None,
        }),
        ..S3Options::default()
    }
}

async fn run(server: &S3Server, endpoint: &str, lake: &Path) -> Summary {
    let source = Source::open("s3://logs", &s3(server, endpoint)).await.unwrap();
    let summary = ingest(Plan::new(vec![source], path(lake)), &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    assert!(summary.balances(), "{summary:?}");
    summary
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_a_while_is_asked_for_again() {
    let (folder, lakes) = (bucket(), tempfile::tempdir().unwrap());
    let server = S3Server::start(folder.path());
    let once = |part, fault| Rule { part, times: 1, fault };
    let rules = [
        // Opening lists, and so does the run: each meets a fault.
        Rule { part: "list-type=2", times: 2, fault: Fault::Status(503, "SlowDown") },
        once("list-type=2", Fault::Status(500, "InternalError")),
        Rule { part: "T0001Z", times: 2, fault: Fault::Status(503, "SlowDown") },
        once("T0002Z", Fault::Reset),
        once("T0003Z", Fault::Short),
        once("T0004Z", Fault::Status(500, "InternalError")),
        once("T0004Z", Fault::Refused),
    ];
    let proxy = Proxy::before(&server.endpoint, &rules);
    let lake = lakes.path().join("lake");
    let summary = run(&server, &proxy.endpoint, &lake).await;
    assert_eq!((summary.events, summary.objects.ingested, summary.is_incomplete()), (40, 4, false), "{summary:?}");
    for (part, times) in [("T0001Z", 3), ("T0002Z", 2), ("T0003Z", 2), ("T0004Z", 3)] {
        assert_eq!(proxy.requests(part), times, "{part}");
    }
}

/// Between its tries a run waits, longer by the law of the SDK (at random, up to twice as long each time), and holds nothing
/// else up meanwhile. Four random waits of up to 1, 2, 4 and 8 seconds are never all as good as nothing.
#[tokio::test(flavor = "multi_thread")]
async fn tries_are_spaced_out_and_hold_nothing_up() {
    let (folder, lakes) = (bucket(), tempfile::tempdir().unwrap());
    let server = S3Server::start(folder.path());
    let rules = [Rule { part: "T0001Z", times: 1000, fault: Fault::Status(503, "SlowDown") }];
    let proxy = Proxy::before(&server.endpoint, &rules);
    let summary = run(&server, &proxy.endpoint, &lakes.path().join("lake")).await;
    assert_eq!((summary.events, summary.objects.failed), (30, 1), "{summary:?}");
    let tries = proxy.times("T0001Z");
    assert_eq!(tries.len(), 5);
    let waited = tries[4] - tries[0];
    assert!(waited > Duration::from_millis(40), "{waited:?}");
    for minute in ["T0002Z", "T0003Z", "T0004Z"] {
        let [once] = proxy.times(minute)[..] else { panic!("{minute} was asked for more than once") };
        assert!(once < tries[4], "{minute} waited for another");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_unreadable_is_told_and_tried_again_by_the_next_run() {
    let (folder, lakes) = (bucket(), tempfile::tempdir().unwrap());
    let server = S3Server::start(folder.path());
    let ever = |part, fault| Rule { part, times: 1000, fault };
    let rules = [
        ever("T0001Z", Fault::Status(503, "SlowDown")),
        ever("T0002Z", Fault::Short),
        ever("T0003Z", Fault::Status(403, "AccessDenied")),
    ];
    let proxy = Proxy::before(&server.endpoint, &rules);
    let lake = lakes.path().join("lake");
    let first = run(&server, &proxy.endpoint, &lake).await;
    assert_eq!((first.events, first.objects.failed, first.is_incomplete()), (10, 3, true), "{first:?}");
    // Given up after a few tries; a refusal is none that goes away.
    for (part, times) in [("T0001Z", 5), ("T0002Z", 3), ("T0003Z", 1)] {
        assert_eq!(proxy.requests(part), times, "{part}");
    }
    let told: Vec<_> = first.first_faults.iter().map(|fault| format!("{}: {}", fault.object, fault.text)).collect();
    for (minute, why) in [("T0001Z", "SlowDown"), ("T0002Z", ""), ("T0003Z", "s3:GetObject")] {
        assert!(told.iter().any(|text| text.contains(minute) && text.contains(why)), "{minute} {why}: {told:#?}");
    }
    // The next run, in better weather, asks for those alone.
    server.calls();
    let second = run(&server, &server.endpoint, &lake).await;
    assert_eq!((second.stored, second.objects.known, second.is_incomplete()), (30, 1, false), "{second:?}");
    assert_eq!(server.calls().iter().filter(|call| call.starts_with("Get")).count(), 3);
    assert_eq!(number(&lake, "SELECT count(*) FROM events").await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_is_a_failure_and_no_end() {
    let (folder, lakes) = (bucket(), tempfile::tempdir().unwrap());
    let server = S3Server::start(folder.path());
    let source = {
        let proxy = Proxy::before(&server.endpoint, &[]);
        Source::open("s3://logs/AWSLogs/", &s3(&server, &proxy.endpoint)).await.unwrap()
    };
    // The server is gone by the time the listing starts.
    let found: Vec<_> = source.list(&Filters::default()).collect().await;
    assert!(matches!(&found[..], [Found::Failed { .. }]), "{found:?}");
    let lake = lakes.path().join("lake");
    let summary =
        ingest(Plan::new(vec![source], path(&lake)), &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    assert_eq!((summary.objects.failed, summary.is_incomplete()), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_and_refused_objects_are_counted_and_taken_when_they_can_be_read() {
    let (folder, lakes) = (bucket(), tempfile::tempdir().unwrap());
    let lake = lakes.path().join("lake");
    let key = |minute: u32| -> &'static str {
        let name = format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/07/{ACCOUNT}_CloudTrail_us-east-1_20261107T000{minute}Z"
        );
        Box::leak(name.into_boxed_str())
    };
    let rules =
        Rules { archived: vec![key(1)], deny_read: vec![key(2)], deny_decrypt: vec![key(3)], ..Rules::default() };
    let server = S3Server::with(folder.path(), rules);
    let first = run(&server, &server.endpoint, &lake).await;
    let o = first.objects;
    assert_eq!(
        (o.archived, o.failed, o.ingested, first.events, first.is_incomplete()),
        (1, 2, 1, 10, true),
        "{first:?}"
    );
    assert_eq!((first.reasons["archived"], first.reasons["unreadable"]), (1, 2));
    assert!(first.first_faults.iter().any(|fault| fault.text.contains("kms:Decrypt")), "{first:?}");
    drop(server);
    let server = S3Server::start(folder.path());
    let second = run(&server, &server.endpoint, &lake).await;
    assert_eq!((second.stored, second.objects.known, second.is_incomplete()), (30, 1, false), "{second:?}");
    assert_eq!(number(&lake, "SELECT count(*) FROM events").await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_on_s3_is_written_through_faults() {
    let folder = bucket();
    let server = S3Server::start(folder.path());
    let once = |part, fault| Rule { part, times: 1, fault };
    let rules = [
        once("PUT /lakes/l/events/event_date", Fault::Status(503, "SlowDown")),
        once("PUT /lakes/l/events/_delta_log/00000000000000000001", Fault::Status(500, "InternalError")),
        once("PUT /lakes/l/activity/_delta_log/00000000000000000001", Fault::Status(503, "SlowDown")),
        once("PUT /lakes/l/ledger/part", Fault::Refused),
        // Written, but its answer is lost: who wrote it is told by the log.
        once("PUT /lakes/l/ledger/_delta_log/00000000000000000001", Fault::Lost),
        once("GET /lakes/l/events/_delta_log", Fault::Status(500, "InternalError")),
    ];
    let proxy = Proxy::before(&server.endpoint, &rules);
    let options = LakeOptions {
        region: Some("us-east-1".into()),
        endpoint: Some(proxy.endpoint.clone()),
        path_style: true,
        credentials: Some(LakeCredentials {
            access_key_id: server.access_key.clone(),
            secret_access_key: server.secret_key.clone(),
            session_token: None,
        }),
        ..LakeOptions::default()
    };
    for _ in 0..2 {
        let source = Source::open("s3://logs", &s3(&server, &proxy.endpoint)).await.unwrap();
        let mut plan = Plan::new(vec![source], "s3://lakes/l");
        plan.lake_options = options.clone();
        ingest(plan, &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    }
    let disk = tempfile::tempdir().unwrap();
    run(&server, &server.endpoint, &disk.path().join("l")).await;
    assert_eq!(said(&folder.path().join("lakes/l")).await, said(&disk.path().join("l")).await);
}

/// A key of an endless bucket, in order.
fn many(n: usize) -> String {
    let (day, rest) = (n / 10_000 + 1, n % 10_000);
    format!(
        "AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/{day:02}/{ACCOUNT}_CloudTrail_us-east-1_202611{day:02}T{:02}{:02}Z_{n:016}.json.gz",
        rest / 420,
        rest % 420 / 7
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_keys_are_listed_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    let server = S3Server::with(folder.path(), Rules { keys: Some((100_000, many)), ..Rules::default() });
    let prefix = format!("s3://logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/");
    // The third of a hundred pages meets a fault and is asked for again.
    let proxy = Proxy::before(
        &server.endpoint,
        &[Rule { part: "continuation-token=p002000", times: 1, fault: Fault::Status(503, "SlowDown") }],
    );
    let source = Source::open(&prefix, &s3(&server, &proxy.endpoint)).await.unwrap();
    let mut listing = source.list(&Filters::default());
    let mut count = 0;
    while let Some(found) = listing.next().await {
        let Found::Object(object) = found else { panic!("{found:?}") };
        assert_eq!(object.uri, format!("s3://logs/{}", many(count)));
        count += 1;
    }
    assert_eq!(count, 100_000);
    assert_eq!(proxy.requests("continuation-token=p002000"), 2);
}

#[test]
fn credentials_that_run_out_are_asked_for_again() {
    let folder = bucket();
    let home = tempfile::tempdir().unwrap();
    let server = S3Server::with(folder.path(), Rules { expires_after: Some(1), ..Rules::default() });
    // Good for so short a time that each call asks again: the first answers run out at the server, too.
    let script = home.path().join("credentials");
    let text = format!(
        "#!/bin/sh\necho x >> {counter}\nif [ $(wc -l < {counter}) -le 1 ]; then key={old}; else key={new}; fi\n\
         printf '{{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"{secret}\",\"SessionToken\":\"t\",\"Expiration\":\"%s\"}}' $key $(date -u -d '+5 seconds' +%Y-%m-%dT%H:%M:%SZ)\n",
        counter = path(&home.path().join("asked")),
        old = crate::s3_server::EXPIRING_KEY,
        new = server.access_key,
        secret = server.secret_key,
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(
        home.path().join("config"),
        format!("[default]\nregion = us-east-1\ncredential_process = {}\n", path(&script)),
    )
    .unwrap();
    let lake = home.path().join("lake");
    let mut command = rolecall(&["ingest", "s3://logs", "--lake", path(&lake), "--s3-endpoint", &server.endpoint]);
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        command.env_remove(variable);
    }
    command.env("AWS_CONFIG_FILE", home.path().join("config")).env("AWS_EC2_METADATA_DISABLED", "true");
    let (code, _, error) = told(command.output().unwrap());
    assert_eq!(code, 0, "{error}");
    assert!(error.contains("40 events"), "{error}");
    assert!(!error.contains(&server.secret_key));
    let asked = std::fs::read_to_string(home.path().join("asked")).unwrap().lines().count();
    assert!(asked > 1, "asked {asked} times");
}

/// Takes minutes, because a server that is silent is given the time that S3 may take: with `ROLECALL_LONG` only.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_is_asked_again() {
    if std::env::var_os("ROLECALL_LONG").is_none() {
        println!("skipped: set ROLECALL_LONG to wait for time-outs");
        return;
    }
    let (folder, lakes) = (bucket(), tempfile::tempdir().unwrap());
    let server = S3Server::start(folder.path());
    let proxy = Proxy::before(
        &server.endpoint,
        &[Rule { part: "T0001Z", times: 1, fault: Fault::Silence(Duration::from_secs(600)) }],
    );
    let summary = run(&server, &proxy.endpoint, &lakes.path().join("lake")).await;
    assert_eq!((summary.events, summary.is_incomplete()), (40, false), "{summary:?}");
    assert_eq!(proxy.requests("T0001Z"), 2);
}
