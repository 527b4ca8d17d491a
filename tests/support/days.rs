//! Days of one small account, written as log files and taken into a lake by the program itself: what the nightly report is tried on.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{path, run};

pub const ACCOUNT: &str = "111122223333";

/// A call of an IAM user at a time of the form `2026-11-10T09:30:00Z`.
pub fn call(user: &str, at: &str, agent: &str, ip: &str) -> Value {
    call_in(ACCOUNT, user, at, agent, ip)
}

/// The same in another account.
pub fn call_in(account: &str, user: &str, at: &str, agent: &str, ip: &str) -> Value {
    // The same call is the same event, wherever it is written.
    let id =
        format!("{account} {user} {at} {agent} {ip}").bytes().fold(7_u64, |h, b| h.wrapping_mul(131) ^ u64::from(b));
    json!({
        "eventVersion": "1.11", "eventTime": at, "eventID": format!("00000000-0000-4000-8000-{:012x}", id & 0xffff_ffff_ffff),
        "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances", "awsRegion": "eu-central-1",
        "recipientAccountId": account, "sourceIPAddress": ip, "userAgent": agent, "readOnly": true,
        "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true,
        "userIdentity": {"type": "IAMUser", "principalId": format!("AIDA{user}"), "arn": format!("arn:aws:iam::{account}:user/{user}"),
                         "accountId": account, "accessKeyId": format!("AKIA{:A>16}", user.to_uppercase()), "userName": user},
    })
}

pub const USUAL: &str = "aws-cli/2.31.4 os/linux";
pub const KALI: &str = "aws-cli/2.15 exe/x86_64.kali.2024";
pub const OFFICE: &str = "203.0.113.10";

/// `times` calls of a user on a day of November 2026, a minute apart.
pub fn calls(user: &str, day: u32, agent: &str, ip: &str, times: u32) -> Vec<Value> {
    (0..times).map(|n| call(user, &format!("2026-11-{day:02}T10:{n:02}:00Z"), agent, ip)).collect()
}

/// A lake with its logs, its rules and its configuration, in a folder of its own.
pub struct Lake {
    folder: tempfile::TempDir,
}

impl Lake {
    /// An empty one whose reports ask these detections of rolecall's alone; all where none is named.
    pub fn asking(detections: &[&str]) -> Self {
        let lake = Self { folder: tempfile::tempdir().unwrap() };
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries/detections");
        std::fs::create_dir(lake.at("logs")).unwrap();
        std::fs::create_dir(lake.at("rules")).unwrap();
        for file in std::fs::read_dir(ours).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_str().unwrap();
            if detections.is_empty() || detections.iter().any(|id| name.starts_with(id)) {
                std::fs::copy(&file, lake.at("rules").join(name)).unwrap();
            }
        }
        lake.configure("");
        lake
    }

    /// A place in its folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes its configuration.
    pub fn configure(&self, text: &str) {
        std::fs::write(self.at("rolecall.toml"), format!("version = 1\n{text}")).unwrap();
    }

    /// Takes a file of these records in, and what was delivered before it.
    pub fn take(&self, name: &str, records: &[Value]) {
        self.deliver(name, records);
        let (code, _, error) = self.run(&["ingest", path(&self.at("logs"))]);
        assert_eq!(code, 0, "{error}");
    }

    /// Writes a file of these records.
    pub fn deliver(&self, name: &str, records: &[Value]) {
        let file = self.at("logs").join(format!("{ACCOUNT}_CloudTrail_eu-central-1_{name}.json"));
        std::fs::write(&file, json!({ "Records": records }).to_string()).unwrap();
    }

    /// Runs the program over the lake with its configuration.
    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let (lake, config) = (self.at("lake"), self.at("rolecall.toml"));
        let mut all = arguments.to_vec();
        all.extend(["--lake", path(&lake), "--config", path(&config), "--quiet"]);
        run(&all)
    }

    /// The report with these arguments.
    pub fn report(&self, arguments: &[&str]) -> (i32, String, String) {
        let rules = self.at("rules");
        let mut all = vec!["report", "--detections", path(&rules)];
        all.extend(arguments);
        self.run(&all)
    }

    /// The findings of a night of November 2026.
    pub fn night(&self, day: u32) -> Vec<Value> {
        let (code, out, error) = self.report(&["--night", &format!("2026-11-{day:02}"), "--format", "ndjson"]);
        assert_eq!(code, 0, "{error}");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The report on a night as people read it.
    pub fn page(&self, day: u32) -> String {
        let (code, out, error) = self.report(&["--night", &format!("2026-11-{day:02}"), "--format", "table"]);
        assert_eq!(code, 0, "{error}");
        out
    }
}

/// The one finding of a detection whose origin ends so, if there is one.
pub fn of<'a>(findings: &'a [Value], detection: &str, user: &str) -> Option<&'a Value> {
    let fits = |f: &&Value| f["detection"] == detection && f["origin"].as_str().unwrap().ends_with(user);
    let found: Vec<&Value> = findings.iter().filter(fits).collect();
    assert!(found.len() < 2, "{found:?}");
    found.first().copied()
}

/// Its state, or nothing.
pub fn state<'a>(findings: &'a [Value], detection: &str, user: &str) -> &'a str {
    of(findings, detection, user).map_or("", |finding| finding["state"].as_str().unwrap())
}
