//! A run may end at any moment: the lake is whole then, the next run does the rest, and in the end every lake holds the
//! same. What runs at the same time from one snapshot neither doubles nor loses anything.
//!
//! `ROLECALL_KILLS` sets how often a run is killed at a random moment; 20 where it is not set, 200 in the long form.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use chrono::Utc;
use rolecall::ingest::{Plan, ingest};
use rolecall::lake::maintain::{Aims, optimize, rederive, vacuum};
use rolecall::lake::store::{Lake, LakeCredentials, LakeOptions};
use rolecall::source::{S3Options, Source};
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{path, rolecall, run};
use crate::ingest::{activity, issue, number, object, open, put, take, texts};
use crate::maintenance::{files_in_use, files_on_disk, said, writable};
use crate::s3_server::S3Server;

/// Objects of two days in some accounts' time, 30 records each, so that runs write several files.
fn logs(from: u32, to: u32) -> TempDir {
    let logs = tempfile::tempdir().unwrap();
    for n in from..to {
        let day = if n.is_multiple_of(2) { "2026-11-06" } else { "2026-11-07" };
        let records: Vec<Value> = (0..30).map(|k| issue(100 * n + k, &format!("{day}T12:{n:02}:{k:02}Z"))).collect();
        put(logs.path(), day, &format!("12{n:02}Z_aaaaaaaaaaaaaaaa"), &object(&records));
    }
    logs
}

/// Where a lake is: on disk, or on a server whose folder is at hand.
struct Place {
    folder: TempDir,
    server: Option<S3Server>,
}

impl Place {
    fn disk() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    fn s3() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lakes")).unwrap();
        let server = Some(S3Server::start(folder.path()));
        Self { folder, server }
    }

    /// The lake's files.
    fn folder(&self) -> PathBuf {
        if self.server.is_some() { self.folder.path().join("lakes/security") } else { self.folder.path().join("lake") }
    }

    fn location(&self) -> String {
        if self.server.is_some() { "s3://lakes/security".to_owned() } else { path(&self.folder()).to_owned() }
    }

    fn options(&self) -> LakeOptions {
        let Some(server) = &self.server else { return LakeOptions::default() };
        LakeOptions {
            region: Some("us-east-1".into()),
            endpoint: Some(server.endpoint.clone()),
            path_style: true,
            credentials: Some(LakeCredentials {
                access_key_id: server.access_key.clone(),
                secret_access_key: server.secret_key.clone(),
                session_token: None,
            }),
            ..LakeOptions::default()
        }
    }

    /// The program with this lake.
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = rolecall(arguments);
        command.args(["--lake", &self.location()]).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(server) = &self.server {
            command.envs(server.env());
        }
        command
    }

    fn done(&self, arguments: &[&str]) {
        let output = self.program(arguments).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What the lake says: read where it lies, which is the same on disk and behind the server.
    async fn said(&self) -> Vec<String> {
        said(&self.folder()).await
    }

    /// Whatever was cut off: what can be seen is consistent.
    async fn is_consistent(&self) {
        // Before its last table is made, there is no lake.
        let Ok(_) = Lake::open(path(&self.folder()), &LakeOptions::default()).await else { return };
        let folder = &self.folder();
        let events = number(folder, "SELECT count(*) FROM events").await;
        assert_eq!(number(folder, "SELECT count(DISTINCT event_id) FROM events").await, events);
        assert_eq!(number(folder, "SELECT coalesce(sum(event_count), 0) FROM activity").await, events);
        assert_eq!(
            number(folder, "SELECT count(*) FROM credential_calls").await,
            number(folder, "SELECT count(*) FROM events WHERE event_name = 'AssumeRole'").await
        );
    }

    /// A week later a vacuum leaves exactly the files that are in use.
    async fn leaves_nothing_behind(&self) {
        let mut lake = Lake::create_if_missing(&self.location(), &self.options()).await.unwrap();
        vacuum(&mut lake, 7, Utc::now() + chrono::Duration::days(8)).await.unwrap();
        assert_eq!(files_on_disk(&self.folder()), files_in_use(&lake, &self.folder()).await);
        let halves: Vec<_> =
            crate::ingest::walk(&self.folder()).into_iter().filter(|f| f.to_string_lossy().contains('#')).collect();
        assert_eq!(halves, [] as [PathBuf; 0]);
    }
}

/// What a lake says that nothing disturbed.
async fn undisturbed(logs: &Path) -> Vec<String> {
    let lake = tempfile::tempdir().unwrap();
    take(logs, lake.path()).await;
    said(lake.path()).await
}

/// Ends a run at a named place; then the rest is done.
async fn ended_at(place: Place, point: &str, verb: &[&str], logs: &Path, expected: &[String]) {
    if verb[0] != "ingest" {
        // Two runs, so that there is something to put together.
        for object in crate::ingest::walk(logs) {
            place.done(&["ingest", path(&object)]);
        }
    }
    let status = place.program(verb).env("ROLECALL_FAILPOINT", point).status().unwrap();
    assert_eq!(status.code(), None, "{point} was not reached");
    place.is_consistent().await;
    place.done(verb);
    place.is_consistent().await;
    place.done(&["ingest", path(logs)]);
    assert_eq!(place.said().await, expected, "{point}");
    place.leaves_nothing_behind().await;
    assert_eq!(place.said().await, expected, "{point}, after vacuum");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_at_any_named_place_is_made_up_for() {
    let logs = logs(0, 4);
    let expected = undisturbed(logs.path()).await;
    let ingest = ["ingest", path(logs.path())];
    for on_s3 in [false, true] {
        let place = || if on_s3 { Place::s3() } else { Place::disk() };
        for point in ["files", "events", "derived", "all-derived"] {
            ended_at(place(), point, &ingest, logs.path(), &expected).await;
        }
        for (point, verb) in [("put-together", "optimize"), ("optimized", "optimize"), ("rederived", "rederive")] {
            ended_at(place(), point, &["lake", verb], logs.path(), &expected).await;
        }
    }
}

/// A number that differs from run to run, so that many runs of the tests try many moments.
fn random(below: u128) -> u64 {
    let hash = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), Instant::now().elapsed().as_nanos());
    u64::try_from(u128::from(hash) % below.max(1)).unwrap()
}

/// Kills runs until so many were killed under way, and compares each lake with an undisturbed one.
async fn killed_at_random(on_s3: bool, kills: u64, signal: &str) {
    let logs = logs(0, 6);
    let expected = undisturbed(logs.path()).await;
    let ingest = ["ingest", path(logs.path())];
    let began = Instant::now();
    let first = if on_s3 { Place::s3() } else { Place::disk() };
    first.done(&ingest);
    // Beside other tests the first run may take long; one that gets through in less tells how long they take now.
    let mut usual = began.elapsed();
    let (mut killed, mut lakes) = (0, 0);
    while killed < kills {
        let place = if on_s3 { Place::s3() } else { Place::disk() };
        // The same lake again and again, until a run gets through.
        for turn in 0.. {
            let verb: &[&str] =
                if turn % 3 == 2 && place.folder().join("activity").is_dir() { &["lake", "optimize"] } else { &ingest };
            let started = Instant::now();
            let mut program = place.program(verb).spawn().unwrap();
            // Half of them late, when files and commits are written.
            let from = if killed % 2 == 0 { Duration::ZERO } else { usual / 2 };
            let until = started + from + Duration::from_micros(random((usual - from).as_micros()));
            while Instant::now() < until && program.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            let id = program.id().to_string();
            if program.try_wait().unwrap().is_none() {
                Command::new("kill").args(["-s", signal, &id]).status().unwrap();
            }
            let status = program.wait().unwrap();
            // A run that was asked to end says so; one that was killed cannot.
            let through = status.code() == Some(0);
            assert!(through || signal == "KILL" || matches!(status.code(), Some(130) | None), "{status}");
            if through && verb[0] == "ingest" {
                usual = usual.min(started.elapsed());
                break;
            }
            killed += u64::from(matches!(status.code(), Some(130) | None));
            place.is_consistent().await;
            if killed >= kills {
                break;
            }
        }
        place.done(&ingest);
        place.done(&["lake", "optimize"]);
        assert_eq!(place.said().await, expected);
        place.leaves_nothing_behind().await;
        assert_eq!(place.said().await, expected);
        lakes += 1;
    }
    println!("{signal} {killed} times, {lakes} lakes{}", if on_s3 { " on S3" } else { "" });
}

fn kills() -> u64 {
    std::env::var("ROLECALL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_any_moment_is_made_up_for() {
    killed_at_random(false, kills() * 3 / 5, "KILL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_s3_that_is_killed_at_any_moment_is_made_up_for() {
    killed_at_random(true, kills() * 2 / 5, "KILL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_interrupted_at_any_moment_is_made_up_for() {
    killed_at_random(false, kills() / 5, "INT").await;
}

/// What runs beside something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Ingest,
    Other,
    Optimize,
    Rederive,
    Vacuum,
    Query,
}

const ALL: [Work; 6] = [Work::Ingest, Work::Other, Work::Optimize, Work::Rederive, Work::Vacuum, Work::Query];

async fn work(work: Work, lake: PathBuf, more: PathBuf, other: PathBuf) {
    let aims = Aims { rows: 100, ..Aims::default() };
    match work {
        Work::Ingest => drop(take(&more, &lake).await),
        Work::Other => drop(take(&other, &lake).await),
        Work::Optimize => drop(optimize(&mut writable(&lake).await, aims).await.unwrap()),
        Work::Rederive => drop(rederive(&mut writable(&lake).await).await.unwrap()),
        Work::Vacuum => drop(vacuum(&mut writable(&lake).await, 1, Utc::now()).await.unwrap()),
        Work::Query => {
            for _ in 0..3 {
                let opened = open(&lake).await;
                let context = datafusion::prelude::SessionContext::new();
                for table in ["events", "activity"] {
                    context.register_table(table, opened.provider(table).await.unwrap()).unwrap();
                }
                let sql = "SELECT (SELECT count(*) FROM events) AS a, (SELECT count(DISTINCT event_id) FROM events) AS b, \
                           (SELECT sum(event_count) FROM activity) AS c";
                let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
                let value = |at: usize| {
                    arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(rows[0].column(at)).value(0)
                };
                assert!(
                    value(0) >= 120 && value(0) == value(1) && value(1) == value(2),
                    "{} {} {}",
                    value(0),
                    value(1),
                    value(2)
                );
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for file in crate::ingest::walk(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, target).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_runs_at_the_same_time_doubles_and_loses_nothing() {
    let base = tempfile::tempdir().unwrap();
    let first = logs(0, 4);
    for object in crate::ingest::walk(first.path()) {
        take(&object, base.path()).await;
    }
    // Both bring objects 4 and 5, each one of its own besides.
    let (more, other) = (logs(4, 7), logs(4, 6));
    put(other.path(), "2026-11-07", "1259Z_bbbbbbbbbbbbbbbb", &object(&[issue(9001, "2026-11-07T12:00:00Z")]));
    for (at, one) in ALL.into_iter().enumerate() {
        for two in &ALL[at..] {
            let lake = tempfile::tempdir().unwrap();
            copy(base.path(), lake.path());
            // What is there is old enough for a vacuum, so that it has to know what is needed.
            let orphan = lake.path().join("events/event_date=2026-11-06/part-orphan.parquet");
            std::fs::write(&orphan, "left behind").unwrap();
            let old = std::time::SystemTime::now() - Duration::from_secs(10 * 86_400);
            for file in files_on_disk(lake.path()) {
                std::fs::File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
            }
            let run = |what: Work| {
                tokio::spawn(work(what, lake.path().to_owned(), more.path().to_owned(), other.path().to_owned()))
            };
            let (a, b) = tokio::join!(run(one), run(*two));
            a.unwrap_or_else(|e| panic!("{one:?} beside {two:?}: {e}"));
            b.unwrap_or_else(|e| panic!("{two:?} beside {one:?}: {e}"));
            let ran = |what: Work| one == what || *two == what;
            let expected = match (ran(Work::Ingest), ran(Work::Other)) {
                (true, true) => 120 + 90 + 1,
                (true, false) => 120 + 90,
                (false, true) => 120 + 60 + 1,
                (false, false) => 120,
            };
            assert_eq!(orphan.exists(), !ran(Work::Vacuum));
            let folder = lake.path();
            // What one of them left to be caught up is made up for by the next run.
            take(first.path(), folder).await;
            for (query, expected) in [
                ("SELECT count(*) FROM events", expected),
                ("SELECT count(DISTINCT event_id) FROM events", expected),
                ("SELECT sum(event_count) FROM activity", expected),
            ] {
                assert_eq!(number(folder, query).await, expected, "{one:?} beside {two:?}: {query}");
            }
            assert_eq!(
                number(folder, "SELECT count(*) FROM credential_calls").await,
                number(folder, "SELECT count(*) FROM events WHERE event_name = 'AssumeRole'").await,
                "{one:?} beside {two:?}"
            );
            let stored = texts(folder, "SELECT concat_ws('|', source_object, record_index) FROM events").await;
            assert_eq!(stored.iter().collect::<BTreeSet<_>>().len(), stored.len());
        }
    }
}

/// A small file system of its own, gone with the value; `None` where one may not be made.
struct Disk(TempDir);

impl Disk {
    fn new(kilobytes: u32) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        let made = disk.mount(&["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"]);
        if !made {
            println!("skipped: a small file system can only be mounted by root");
        }
        made.then_some(disk)
    }

    fn mount(&self, options: &[&str]) -> bool {
        let status = Command::new("mount").args(options).arg(self.0.path()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).stderr(Stdio::null()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_a_run_and_harms_nothing() {
    let logs = logs(0, 8);
    let expected = undisturbed(logs.path()).await;
    let mut full = 0;
    for kilobytes in [16, 40, 64, 80, 96, 112, 128, 160] {
        let Some(disk) = Disk::new(kilobytes) else { return };
        let lake = disk.0.path().join("lake");
        let (code, out, told) = run(&["ingest", path(logs.path()), "--lake", path(&lake)]);
        assert!(matches!(code, 0 | 1) && out.is_empty(), "{kilobytes}: {told}");
        if code == 1 {
            full += 1;
            assert!(told.contains("Hint: ") && told.contains("lake"), "{kilobytes}: {told}");
        }
        if Lake::is_lake(path(&lake), &LakeOptions::default()).await.unwrap()
            && Lake::open(path(&lake), &LakeOptions::default()).await.is_ok()
        {
            assert!([0, 240].contains(&number(&lake, "SELECT count(*) FROM events").await));
        }
        assert!(disk.mount(&["-o", "remount,size=64m"]));
        assert_eq!(run(&["ingest", path(logs.path()), "--lake", path(&lake)]).0, 0);
        assert_eq!(said(&lake).await, expected, "{kilobytes} KB");
    }
    assert!(full >= 3, "the disk was full {full} times only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_cannot_be_written_can_be_asked() {
    let (logs, more) = (logs(0, 4), logs(4, 6));
    let Some(disk) = Disk::new(64 << 10) else { return };
    let lake = disk.0.path().join("lake");
    for object in crate::ingest::walk(logs.path()) {
        take(&object, &lake).await;
    }
    assert!(disk.mount(&["-o", "remount,ro"]));
    let (code, out, told) =
        run(&["sql", "SELECT count(*) AS n FROM sessions", "--format", "csv", "--lake", path(&lake)]);
    assert_eq!((code, out.starts_with("n\n")), (0, true), "{told}");
    for verb in [&["ingest", path(more.path())][..], &["lake", "optimize"], &["lake", "rederive"]] {
        let (code, out, told) = run(&[verb, &["--lake", path(&lake)]].concat());
        assert_eq!((code, out.as_str(), told.contains("can be written to")), (1, "", true), "{verb:?}: {told}");
    }
    // Nothing new, nothing to write.
    let (code, _, told) = run(&["ingest", path(logs.path()), "--lake", path(&lake)]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(activity(&lake).await, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_stop_keeps_what_it_began() {
    let (logs, lake) = (logs(0, 4), tempfile::tempdir().unwrap());
    let source = Source::open(path(logs.path()), &S3Options::default()).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let mut plan = Plan::new(vec![source], path(lake.path()));
    plan.knobs.commit_objects = 1;
    // Stops as soon as something was decoded.
    let tell = move |progress: rolecall::ingest::Progress| {
        if progress.objects_done > 0 {
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let summary = ingest(plan, &tell, stop).await.unwrap();
    assert!(summary.balances());
    take(logs.path(), lake.path()).await;
    assert_eq!(said(lake.path()).await, undisturbed(logs.path()).await);
}
