//! Nights made by hand: a whole one, a quiet one, and one with markup in every field.

use rolecall::detect::finding::{Evidence, Finding, Severity, State};
use rolecall::detect::night::{
    CoverageHour, Gap, Header, Hour, Hygiene, Learning, Muted, Night, Relation, RuleHealth, Watched,
};
use serde_json::Value;

const NIGHT: &str = "2026-11-18";

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// A finding of the night; what matters to a test is changed in it.
pub fn finding(detection: &str, severity: Severity, state: State, title: &str) -> Finding {
    let role = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/{name}");
    Finding {
        fingerprint: format!("{detection}-{title}").bytes().fold(7_u64, |h, b| h.wrapping_mul(31) ^ u64::from(b)).to_string(),
        detection: detection.to_owned(),
        title: title.to_owned(),
        severity,
        score: 12.25,
        state,
        night: NIGHT.to_owned(),
        first_seen: "2026-11-18T13:40:11Z".to_owned(),
        last_seen: "2026-11-18T14:05:59Z".to_owned(),
        event_count: 31,
        session_ids: texts(&["ASIATBZHZWQCFBY6PI5S"]),
        access_keys: texts(&["AKIAIOSFODNN7EXAMPLE", "ASIATBZHZWQCFBY6PI5S"]),
        principals: texts(&["arn:aws:iam::210000000004:user/finn.haas"]),
        role_arns: vec![role("210000000007", "archive-reader"), role("210000000004", "legacy-app")],
        source_ips: texts(&["192.0.2.17", "203.0.113.77"]),
        accounts: texts(&["210000000004", "210000000007"]),
        reason: "the role's sessions came from 192.0.2.17 on 61 of 61 days; 203.0.113.77 on none, and 1 of 240 peers ever did"
            .to_owned(),
        next: "rolecall timeline ASIATBZHZWQCFBY6PI5S".to_owned(),
        evidence: vec![
            Evidence {
                event_date: NIGHT.to_owned(),
                account: "210000000004".to_owned(),
                event_id: "4f7e6a52-31c9-4a3c-9d0e-000000000001".to_owned(),
            },
            Evidence {
                event_date: NIGHT.to_owned(),
                account: "210000000007".to_owned(),
                event_id: "4f7e6a52-31c9-4a3c-9d0e-000000000002".to_owned(),
            },
        ],
        origin: "arn:aws:iam::210000000004:user/finn.haas".to_owned(),
        attack: texts(&["T1550.001", "T1078"]),
        chain: vec![role("210000000004", "legacy-app"), role("210000000007", "archive-reader")],
        owner: Some("platform".to_owned()),
        late: false,
        nights: 1,
        total_events: 31,
        max_score: 12.25,
        suppressed_by: None,
    }
}

fn header() -> Header {
    Header {
        night: NIGHT.to_owned(),
        since: "2026-11-18T00:00:00Z".to_owned(),
        until: "2026-11-19T00:00:00Z".to_owned(),
        accounts: 7,
        regions: 4,
        files: 1234,
        events: 98_765,
        sessions: 4321,
        lag_seconds: Some(312),
        history_days: 61,
        learning_share: 0.04,
        gaps: Vec::new(),
        version: "0.1.0".to_owned(),
        rules: "6b86b273ff34fce19d6b804eff5a3f57".to_owned(),
    }
}

/// A night on which nothing happened.
pub fn quiet() -> Night {
    let hour = |at: u64| format!("2026-11-18T{at:02}:00:00Z");
    Night {
        header: header(),
        findings: Vec::new(),
        watch: Vec::new(),
        relations: Vec::new(),
        learning: Vec::new(),
        hygiene: Vec::new(),
        muted: Vec::new(),
        rules: Vec::new(),
        hours: (0..24)
            .map(|at| Hour {
                hour: hour(at),
                sessions: 40 + at * at % 97,
                usual: Some(60.0 + at as f64),
                failures: at % 5,
            })
            .collect(),
        coverage: ["210000000004", "210000000005", "210000000007"]
            .iter()
            .flat_map(|account| {
                (0..24).map(move |at| CoverageHour {
                    account: (*account).to_owned(),
                    hour: format!("2026-11-18T{at:02}:00:00Z"),
                    events: if at < 6 { at } else { 300 + at * 37 % 200 },
                    gap: false,
                })
            })
            .collect(),
        sigma: Vec::new(),
    }
}

/// A night with something in every section.
pub fn whole() -> Night {
    let mut night = quiet();
    let add = |night: &mut Night, finding: Finding| night.findings.push(finding);
    let mut stolen = finding("CTAR-013", Severity::Critical, State::New, "A workload's credential used off its home");
    stolen.score = 24.0;
    add(&mut night, stolen);
    let mut worse =
        finding("CTAR-006", Severity::High, State::Worsened, "A session renews itself through a cycle of roles");
    (worse.nights, worse.total_events, worse.score) = (3, 210, 19.5);
    worse.first_seen = "2026-11-16T02:00:00Z".to_owned();
    worse.owner = None;
    add(&mut night, worse);
    let mut late = finding("CTAR-003", Severity::High, State::New, "An unknown outside account assumed a role");
    (late.late, late.chain, late.origin) = (true, Vec::new(), String::new());
    add(&mut night, late);
    add(&mut night, finding("CTAR-001", Severity::Medium, State::New, "A role assumed by who never did before"));
    let mut open = finding("CTAR-022", Severity::Medium, State::Ongoing, "Somebody tries roles one after the other");
    (open.nights, open.total_events) = (4, 1200);
    add(&mut night, open);
    add(&mut night, finding("CTAR-009", Severity::Medium, State::Resolved, "A role that slept woke up"));
    let mut hidden = finding("CTAR-021", Severity::High, State::Suppressed, "A tool of attackers called");
    hidden.suppressed_by = Some("allow pentest-november".to_owned());
    add(&mut night, hidden);
    night.sigma =
        vec![finding("b4e8c2a1-0000-4000-8000-000000000001", Severity::Low, State::New, "AWS Root Credentials")];
    night.watch = vec![
        Watched {
            entity: "arn:aws:iam::210000000004:user/finn.haas".to_owned(),
            risk: 31.5,
            nights: vec![0.0, 0.0, 3.0, 0.0, 4.5, 0.0, 24.0],
            signals: texts(&["new address (8 bits)", "new client (4 bits)"]),
        },
        Watched {
            entity: "repo:example/deploy:ref:refs/heads/main".to_owned(),
            risk: 6.0,
            nights: vec![1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 3.0],
            signals: texts(&["new region"]),
        },
    ];
    let relation = |kind: &str, from: &str, to: &str, owner: Option<&str>| Relation {
        kind: kind.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        owner: owner.map(str::to_owned),
        cause: "CreateRole by ci-deployer".to_owned(),
        count: 2,
    };
    night.relations = vec![
        relation(
            "new_edge",
            "arn:aws:iam::210000000004:user/finn.haas",
            "arn:aws:iam::210000000007:role/archive-reader",
            Some("data"),
        ),
        relation(
            "new_edge",
            "arn:aws:iam::210000000004:role/ci-hub",
            "arn:aws:iam::210000000007:role/archive-reader",
            Some("data"),
        ),
        relation("new_external_account", "999900001111", "arn:aws:iam::210000000005:role/vendor-scan", None),
        relation("vanished_edge", "lambda.amazonaws.com", "arn:aws:iam::210000000005:role/nightly", None),
    ];
    night.learning = vec![Learning {
        kind: "account".to_owned(),
        entity: "210000000009".to_owned(),
        since: "2026-11-15".to_owned(),
        until: "2026-11-22".to_owned(),
        held: 3,
    }];
    night.hygiene = vec![Hygiene {
        title: "Roles that nobody used for 90 days".to_owned(),
        count: 12,
        examples: texts(&["arn:aws:iam::210000000006:role/forgotten"]),
        next: "rolecall ask unused-roles unused=90d".to_owned(),
    }];
    night.muted = vec![
        Muted {
            entry: "pentest-november".to_owned(),
            reason: "agreed test, SEC-812".to_owned(),
            owner: "red team".to_owned(),
            expires: "2026-11-30".to_owned(),
            left: Some(4),
            hidden: 1,
            status: "expiring".to_owned(),
        },
        Muted {
            entry: "old-scanner".to_owned(),
            reason: "scanner of 2025".to_owned(),
            owner: "security".to_owned(),
            expires: "2027-01-31".to_owned(),
            left: None,
            hidden: 0,
            status: "unused".to_owned(),
        },
    ];
    let rule = |detection: &str, hits: u64, judged: Option<(u64, u64)>, silent: Option<&str>| RuleHealth {
        detection: detection.to_owned(),
        title: format!("What {detection} looks for"),
        severity: Severity::High,
        hits,
        accepted: judged.map_or(0, |(yes, _)| yes),
        dismissed: judged.map_or(0, |(_, no)| no),
        precision: judged.map(|(yes, no)| yes as f64 / (yes + no) as f64),
        last_fired: (hits > 0).then(|| NIGHT.to_owned()),
        silent: silent.map(str::to_owned),
        failed: None,
    };
    night.rules = vec![
        rule("CTAR-013", 1, Some((6, 2)), None),
        rule("CTAR-001", 1, Some((1, 9)), None),
        rule("CTAR-017", 0, None, Some("no database of places is configured")),
        rule("CTAR-002", 0, None, None),
    ];
    night.header.gaps = vec![Gap {
        account: "210000000005".to_owned(),
        region: "eu-north-1".to_owned(),
        hours: 3,
        text: "no events from 09:00 to 12:00, usually 380 an hour".to_owned(),
    }];
    for cell in &mut night.coverage {
        let hole = cell.account == "210000000005" && ["T09", "T10", "T11"].iter().any(|at| cell.hour.contains(at));
        if hole {
            (cell.events, cell.gap) = (0, true);
        }
    }
    night
}

/// The marks that every text of a hostile night begins and ends with.
const BEFORE: &str =
    "\"><img src=x onerror=document.title='run'><script>document.title='run'</script>{{7*7}}`|*_[x](javascript:run)";
const BEHIND: &str = "\u{202e}\u{1b}[2J</details></style></svg>&<!channel>https://evil.example -->\r\n# x";

/// The whole night with markup in every text.
pub fn hostile() -> Night {
    fn spoil(value: &mut Value) {
        match value {
            Value::String(text) => *text = format!("{BEFORE}{text}{BEHIND}"),
            Value::Array(list) => list.iter_mut().for_each(spoil),
            Value::Object(members) => {
                for (name, value) in members {
                    // Words of a closed list are no log content.
                    if !matches!(name.as_str(), "severity" | "state") {
                        spoil(value);
                    }
                }
            }
            _ => {}
        }
    }
    let mut night = serde_json::to_value(whole()).unwrap();
    spoil(&mut night);
    serde_json::from_value(night).unwrap()
}

/// A night on which everything is too much.
pub fn crowded() -> Night {
    let mut night = whole();
    for number in 0..60 {
        let mut one =
            finding("CTAR-013", Severity::High, State::New, &format!("Credential {number} {}", "long ".repeat(300)));
        one.origin = format!("repo:example/{number}");
        one.reason = "&".repeat(9000);
        one.next = format!("rolecall timeline {}", "<".repeat(4000));
        one.source_ips = (0..300).map(|at| format!("198.51.100.{at}")).collect();
        night.findings.push(one);
        night.header.gaps.push(Gap {
            account: format!("3000000000{number:02}"),
            region: String::new(),
            hours: 24,
            text: "x".repeat(4000),
        });
    }
    night
}
