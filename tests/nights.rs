//! Findings from night to night: states, verdicts, late events, what is learned and what must not be.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use crate::cli::path;
use crate::days::{ACCOUNT, KALI, Lake, OFFICE, USUAL, call, call_in, calls, of, state};

const TOOL: &str = "CTAR-021";
const NETWORK: &str = "CTAR-012";

#[test]
fn a_finding_lives_through_its_nights() {
    let lake = Lake::asking(&["ctar-021"]);
    // Dana's tool grows and goes; erin's is there every night.
    for (day, times) in [(10, 2), (11, 2), (12, 8), (13, 0), (14, 0), (17, 0), (18, 0)] {
        let mut records = calls("dana", day, KALI, OFFICE, times);
        records.extend(calls("erin", day, KALI, OFFICE, 3));
        lake.deliver(&format!("202611{day}T1100Z_aaaaaaaaaaaaaaaa"), &records);
    }
    lake.take("20261101T1100Z_aaaaaaaaaaaaaaaa", &[]);
    let told: Vec<[String; 2]> = [10, 11, 12, 13, 14, 17]
        .into_iter()
        .map(|day| {
            let night = lake.night(day);
            ["dana", "erin"].map(|user| state(&night, TOOL, user).to_owned())
        })
        .collect();
    assert_eq!(
        told,
        [
            ["new", "new"],
            ["ongoing", "ongoing"],
            // Four times as much.
            ["worsened", "ongoing"],
            ["resolved", "ongoing"],
            ["", "ongoing"],
            // Seven nights after it was said aloud it is said again.
            ["", "worsened"],
        ]
    );
    // A night that is told again is told in the same bytes, and changes nothing.
    let again = || lake.report(&["--night", "2026-11-12", "--format", "ndjson"]);
    let first = again();
    assert_eq!(first, again());
    let twelfth: Vec<serde_json::Value> = first.1.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(state(&twelfth, TOOL, "dana"), "worsened");
    let dana = of(&twelfth, TOOL, "dana").unwrap();
    assert_eq!((&dana["nights"], &dana["event_count"], &dana["total_events"]), (&json!(3), &json!(8), &json!(12)));
    assert_eq!(dana["first_seen"], "2026-11-10T10:00:00Z");
    // A verdict hides what comes after it, not what was told before.
    let fingerprint = of(&lake.night(17), TOOL, "erin").unwrap()["fingerprint"].as_str().unwrap().to_owned();
    let said = lake.run(&[
        "findings",
        "close",
        &fingerprint[..10],
        "--verdict",
        "benign",
        "--reason",
        "agreed",
        "--owner",
        "kim",
    ]);
    assert_eq!(said.0, 0, "{}", said.2);
    assert_eq!(state(&lake.night(17), TOOL, "erin"), "worsened");
    let hidden = lake.night(18);
    assert_eq!(state(&hidden, TOOL, "erin"), "suppressed");
    assert_eq!(of(&hidden, TOOL, "erin").unwrap()["suppressed_by"], "verdict of kim");
    assert!(
        lake.page(18).starts_with("Night of 2026-11-18: Nothing, and coverage was complete.\n"),
        "{}",
        lake.page(18)
    );
    // Asked alone, a detection does not make the others' findings be over.
    let (_, out, error) = lake.report(&["--night", "2026-11-13", "--detection", TOOL, "--format", "ndjson"]);
    assert_eq!(out.lines().count(), 2, "{out}{error}");
}

#[test]
fn what_comes_late_is_told_once_and_marked() {
    let lake = Lake::asking(&["ctar-021"]);
    for day in 10..=12 {
        lake.deliver(&format!("202611{day}T1100Z_aaaaaaaaaaaaaaaa"), &calls("erin", day, KALI, OFFICE, 1));
    }
    lake.take("20261101T1100Z_aaaaaaaaaaaaaaaa", &[]);
    assert_eq!(state(&lake.night(10), TOOL, "frank"), "");
    lake.take("20261110T1105Z_bbbbbbbbbbbbbbbb", &calls("frank", 10, KALI, OFFICE, 2));
    let (code, out, _) = lake.report(&["--night", "2026-11-11", "--fail-on", "high", "--format", "ndjson"]);
    let eleventh: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let frank = of(&eleventh, TOOL, "frank").unwrap();
    assert_eq!(code, 5, "what is late is as grave");
    assert_eq!((&frank["state"], &frank["late"], &frank["night"]), (&json!("new"), &json!(true), &json!("2026-11-11")));
    assert_eq!(frank["first_seen"], "2026-11-10T10:00:00Z");
    assert_eq!(state(&eleventh, TOOL, "erin"), "ongoing");
    assert!(lake.page(11).contains("(of an earlier night; its logs came late)"));
    // The night after has nothing of it, neither late once more nor resolved.
    assert_eq!(state(&lake.night(12), TOOL, "frank"), "");
    // The night itself, told again, has it as its own.
    let tenth = lake.night(10);
    let frank = of(&tenth, TOOL, "frank").unwrap();
    assert_eq!((&frank["state"], &frank["late"]), (&json!("new"), &json!(false)));
}

#[test]
fn an_open_finding_does_not_become_usual() {
    let lake = Lake::asking(&["ctar-012", "ctar-021"]);
    for day in 1..=9 {
        lake.deliver(&format!("202611{day:02}T1100Z_aaaaaaaaaaaaaaaa"), &calls("dana", day, USUAL, OFFICE, 3));
    }
    lake.deliver("20261110T1100Z_aaaaaaaaaaaaaaaa", &calls("dana", 10, KALI, "198.51.100.77", 3));
    lake.take("20261111T1100Z_aaaaaaaaaaaaaaaa", &calls("dana", 11, USUAL, "198.51.100.77", 3));
    let tenth = lake.night(10);
    let [tool, network] = [TOOL, NETWORK].map(|id| of(&tenth, id, "dana").unwrap());
    assert!(network["reason"].as_str().unwrap().contains("0 of 9 days"), "{tenth:?}");
    let next = || {
        let (code, out, error) = lake.report(&["--night", "2026-11-11", "--detection", NETWORK, "--format", "ndjson"]);
        assert_eq!(code, 0, "{error}");
        let found: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        state(&found, NETWORK, "dana").to_owned()
    };
    // The finding of the tool is open: the address is as new on the next night.
    assert_eq!(next(), "ongoing");
    let close = |finding: &serde_json::Value, verdict: &str| {
        let fingerprint = finding["fingerprint"].as_str().unwrap();
        let said =
            lake.run(&["findings", "close", fingerprint, "--verdict", verdict, "--reason", "r", "--owner", "kim"]);
        assert_eq!(said.0, 0, "{}", said.2);
    };
    // True, it must not become usual either; benign, it may.
    close(tool, "true");
    assert_eq!(next(), "ongoing");
    // Both are open: the address is new with a new program, which is grave by itself.
    close(tool, "benign");
    close(network, "benign");
    assert_eq!(next(), "resolved");
}

#[test]
fn what_nobody_reviewed_becomes_usual_four_times_as_slowly() {
    let lake = Lake::asking(&["ctar-012"]);
    for day in 1..=23 {
        let others = ["erin", "finn", "gail", "hana", "ivan"];
        let mut records: Vec<_> = others.iter().flat_map(|user| calls(user, day, USUAL, OFFICE, 2)).collect();
        let (ip, times) = if day < 19 { (OFFICE, 10) } else { ("198.51.100.77", 1) };
        records.extend(calls("dana", day, USUAL, ip, times));
        lake.deliver(&format!("202611{day:02}T1100Z_aaaaaaaaaaaaaaaa"), &records);
    }
    lake.take("20261124T1100Z_aaaaaaaaaaaaaaaa", &[]);
    let nights: Vec<Vec<serde_json::Value>> = (19..=22).map(|day| lake.night(day)).collect();
    let states: Vec<&str> = nights.iter().map(|night| state(night, NETWORK, "dana")).collect();
    assert_eq!(states, ["new", "ongoing", "ongoing", "ongoing"]);
    let second = of(&nights[1], NETWORK, "dana").unwrap();
    assert_eq!(second["severity"], "medium");
    let reason = second["reason"].as_str().unwrap();
    assert!(reason.contains("0 of 19 days, not counting 1 that nobody has reviewed; 0 of "), "{reason}");
    assert_eq!(lake.night(21), nights[2]);
    let last = || {
        let (code, out, error) = lake.report(&["--night", "2026-11-23", "--detection", NETWORK, "--format", "ndjson"]);
        assert_eq!(code, 0, "{error}");
        let found: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        state(&found, NETWORK, "dana").to_owned()
    };
    // Four days that nobody reviewed are one that is usual.
    assert_eq!(last(), "resolved");
    let close = |verdict: &str| {
        let fingerprint = second["fingerprint"].as_str().unwrap();
        let said =
            lake.run(&["findings", "close", fingerprint, "--verdict", verdict, "--reason", "r", "--owner", "kim"]);
        assert_eq!(said.0, 0, "{}", said.2);
    };
    // True, it never becomes so.
    close("true");
    assert_eq!(last(), "ongoing");
    close("benign");
    assert_eq!(last(), "resolved");
}

#[test]
fn what_is_learned_does_not_alarm_and_what_is_bad_does() {
    let lake = Lake::asking(&["ctar-012", "ctar-021"]);
    lake.take("20261101T1100Z_aaaaaaaaaaaaaaaa", &calls("dana", 1, USUAL, OFFICE, 3));
    let mut second = calls("dana", 2, USUAL, "198.51.100.77", 3);
    second.extend(calls("erin", 2, KALI, OFFICE, 3));
    lake.take("20261102T1100Z_aaaaaaaaaaaaaaaa", &second);
    let night = lake.night(2);
    assert_eq!(of(&night, TOOL, "erin").unwrap()["severity"], "high");
    assert!(night.iter().all(|f| f["detection"] == TOOL || f["severity"] == "info"), "{night:?}");
    let page = lake.page(2);
    assert!(page.contains("The lake has 1 day of history and is learning until 2026-11-08"), "{page}");
    // Later, an account that is new is one row.
    for day in 3..=9 {
        lake.deliver(&format!("202611{day:02}T1100Z_aaaaaaaaaaaaaaaa"), &calls("dana", day, USUAL, OFFICE, 3));
    }
    let mut tenth = calls("dana", 10, USUAL, OFFICE, 3);
    tenth.push(call_in("444455556666", "finn", "2026-11-10T09:00:00Z", USUAL, "198.51.100.99"));
    lake.take("20261110T1100Z_aaaaaaaaaaaaaaaa", &tenth);
    let page = lake.page(10);
    assert!(page.contains("New account 444455556666, learning until 2026-11-17"), "{page}");
    assert!(page.starts_with("Night of 2026-11-10: Nothing, and coverage was complete.\n"), "{page}");
}

#[test]
fn sigma_findings_have_states_and_are_kept() {
    let lake = Lake::asking(&["ctar-012"]);
    let rules = lake.at("sigma");
    std::fs::create_dir(&rules).unwrap();
    let rule = "title: Kali\nid: sigma-kali\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  s:\n    userAgent|contains: kali\n  condition: s\nlevel: high\n";
    std::fs::write(rules.join("kali.yml"), rule).unwrap();
    for (day, agent) in [(10, KALI), (11, KALI)] {
        lake.deliver(&format!("202611{day}T1100Z_aaaaaaaaaaaaaaaa"), &calls("dana", day, agent, OFFICE, 3));
    }
    lake.take("20261112T1100Z_aaaaaaaaaaaaaaaa", &calls("dana", 12, USUAL, OFFICE, 3));
    let told = |day: u32, more: &[&str]| {
        let night = format!("2026-11-{day}");
        let mut arguments = vec!["--night", &night, "--format", "ndjson"];
        arguments.extend(more);
        let (code, out, error) = lake.report(&arguments);
        assert_eq!(code, 0, "{error}");
        let found: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        state(&found, "sigma-kali", "dana").to_owned()
    };
    let with = ["--sigma", path(&rules)];
    assert_eq!([told(10, &with), told(11, &with)], ["new", "ongoing"]);
    // Where the rules are not asked nobody knows whether it goes on.
    assert_eq!(told(12, &[]), "");
    let (_, out, _) = lake.run(&[
        "sql",
        "SELECT night, state FROM findings WHERE detection = 'sigma-kali' ORDER BY 1",
        "--format",
        "csv",
    ]);
    assert_eq!(out, "night,state\n2026-11-10,new\n2026-11-11,ongoing\n");
}

#[test]
fn our_own_roles_teach_nothing() {
    let lake = Lake::asking(&["ctar-021"]);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/rolecall-reader");
    let mut issue = call("dana", "2026-11-10T09:00:00Z", USUAL, OFFICE);
    issue["eventSource"] = json!("sts.amazonaws.com");
    issue["eventName"] = json!("AssumeRole");
    issue["requestParameters"] = json!({"roleArn": role, "roleSessionName": "nightly"});
    issue["responseElements"] =
        json!({"credentials": {"accessKeyId": "ASIAOWNROLE000000001", "expiration": "Nov 10, 2026, 10:00:00 AM"}});
    let mut used = call("dana", "2026-11-10T09:05:00Z", USUAL, OFFICE);
    used["userIdentity"] = json!({"type": "AssumedRole", "principalId": "AROAOWNROLE:nightly", "accountId": ACCOUNT, "accessKeyId": "ASIAOWNROLE000000001",
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/rolecall-reader/nightly"),
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAOWNROLE", "arn": role, "accountId": ACCOUNT, "userName": "rolecall-reader"},
                           "attributes": {"creationDate": "2026-11-10T09:00:00Z", "mfaAuthenticated": "false"}}});
    used["eventID"] = json!("00000000-0000-4000-8000-00000000feed");
    lake.take("20261110T1100Z_aaaaaaaaaaaaaaaa", &[issue, used]);
    let rows = || {
        lake.night(10);
        let asked =
            "SELECT count(*) AS n FROM daily WHERE entity LIKE '%rolecall-reader%' OR value LIKE '%rolecall-reader%'";
        lake.run(&["sql", asked, "--format", "csv"]).1.lines().last().unwrap().parse::<u32>().unwrap()
    };
    assert!(rows() > 0);
    // Days that were kept before are made anew.
    lake.configure("[self]\nroles = ['rolecall-*']\n");
    assert_eq!(rows(), 0);
}
