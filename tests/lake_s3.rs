//! A lake on S3, filled from S3: the same rows as on disk, through a real server with signatures on.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::s3_server::S3Server;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use flate2::Compression;
use flate2::write::GzEncoder;
use rolecall::ingest::{Plan, Summary, ingest};
use rolecall::lake::store::{Lake, LakeCredentials, LakeOptions};
use rolecall::source::{Credentials, S3Options, Source};
use serde_json::json;

fn put(bucket: &Path, minute: u32, events: std::ops::Range<u32>) {
    let records: Vec<_> = events
        .map(|n| {
            json!({ "eventVersion": "1.08", "eventID": format!("00000000-0000-4000-8000-{n:012}"),
                "eventTime": "2026-11-07T00:01:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
                "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
                "userIdentity": { "type": "IAMUser", "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE" } })
        })
        .collect();
    let folder = bucket.join("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/07");
    std::fs::create_dir_all(&folder).unwrap();
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(json!({ "Records": records }).to_string().as_bytes()).unwrap();
    let name = format!("111122223333_CloudTrail_us-east-1_20261107T00{minute:02}Z_aaaaaaaaaaaaaaaa.json.gz");
    std::fs::write(folder.join(name), gz.finish().unwrap()).unwrap();
}

async fn run(server: &S3Server, lake: &str, options: &LakeOptions) -> Summary {
    let s3 = S3Options {
        region: Some("us-east-1".into()),
        endpoint: Some(server.endpoint.clone()),
        path_style: true,
        credentials: Some(Credentials {
            access_key_id: server.access_key.clone(),
            secret_access_key: server.secret_key.clone(),
            session_token: None,
        }),
        ..S3Options::default()
    };
    let source = Source::open("s3://logs", &s3).await.unwrap();
    let mut plan = Plan::new(vec![source], lake);
    plan.lake_options = options.clone();
    let summary = ingest(plan, &|_| {}, Arc::new(AtomicBool::new(false))).await.unwrap();
    assert!(summary.balances(), "{summary:?}");
    summary
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_on_s3_holds_what_a_lake_on_disk_holds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lakes")).unwrap();
    put(&folder.path().join("logs"), 5, 0..20);
    put(&folder.path().join("logs"), 10, 15..30);
    let server = S3Server::start(folder.path());
    let options = LakeOptions {
        region: Some("us-east-1".into()),
        endpoint: Some(server.endpoint.clone()),
        path_style: true,
        credentials: Some(LakeCredentials {
            access_key_id: server.access_key.clone(),
            secret_access_key: server.secret_key.clone(),
            session_token: None,
        }),
        ..LakeOptions::default()
    };
    assert!(!format!("{options:?}").contains(&server.secret_key));
    let lake = "s3://lakes/security/our lake";
    assert!(!Lake::is_lake(lake, &options).await.unwrap());
    let first = run(&server, lake, &options).await;
    assert_eq!((first.records, first.events, first.duplicates, first.stored), (35, 30, 5, 30));
    let again = run(&server, lake, &options).await;
    assert_eq!((again.objects.known, &again.versions), (2, &first.versions));
    put(&folder.path().join("logs"), 15, 25..40);
    let more = run(&server, lake, &options).await;
    assert_eq!((more.events, more.duplicates), (10, 5));

    let opened = Lake::open(lake, &options).await.unwrap();
    let context = SessionContext::new();
    for table in ["events", "activity"] {
        context.register_table(table, opened.provider(table).await.unwrap()).unwrap();
    }
    for query in ["SELECT count(DISTINCT event_id) FROM events", "SELECT sum(event_count) FROM activity"] {
        let batches = context.sql(query).await.unwrap().collect().await.unwrap();
        assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 40, "{query}");
    }
}
