//! Linking, told by small stories, and held to its promise: the order of rows does not matter.

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;

/// A row of a story, before it is given names.
#[derive(Debug, Clone)]
enum Row {
    /// Somebody gets a key of a role: caller, role, session name, key, second of issue, seconds of life.
    Issue { caller: Who, role: u8, name: u8, key: u8, at: i64, life: i64 },
    /// Calls made by somebody at a second.
    Use { caller: Who, at: i64, events: i64 },
}

/// A caller of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// An IAM user with a long-term key.
    User(u8),
    /// A session of a role by key (where the record shows one) and creation date (where it shows one).
    Session { role: u8, name: u8, key: Option<u8>, created: Option<i64> },
    /// An outside account's principal: a role session by unique id.
    Outside { role: u8, name: u8 },
    /// A service.
    Service,
}

fn caller(names: &mut Names, who: Who) -> Caller {
    let mut add = |text: String| names.add(Some(&text));
    match who {
        Who::User(n) => Caller {
            kind: add("IAMUser".into()),
            arn: add(format!("arn:aws:iam::111111111111:user/u{n}")),
            account: add("111111111111".into()),
            principal: add(format!("AIDA{n}")),
            key: add(format!("AKIA{n}")),
            ..Caller::default()
        },
        Who::Session { role, name, key, created } => Caller {
            kind: add("AssumedRole".into()),
            arn: add(format!("arn:aws:sts::222222222222:assumed-role/r{role}/n{name}")),
            account: add("222222222222".into()),
            principal: add(format!("AROA{role}:n{name}")),
            key: key.map(|k| add(format!("ASIA{k}"))).unwrap_or_default(),
            issuer_arn: add(format!("arn:aws:iam::222222222222:role/r{role}")),
            session_name: add(format!("n{name}")),
            created_at: created.map(|t| t * SECOND),
        },
        Who::Outside { role, name } => Caller {
            kind: add("AWSAccount".into()),
            account: add("222222222222".into()),
            principal: add(format!("AROA{role}:n{name}")),
            ..Caller::default()
        },
        Who::Service => Caller { kind: add("AWSService".into()), ..Caller::default() },
    }
}

fn input(rows: &[Row]) -> Input {
    let mut input = Input::default();
    for row in rows {
        match *row {
            Row::Issue { caller: who, role, name, key, at, life } => {
                let caller = caller(&mut input.names, who);
                let event_id = input.names.keep(Some(&format!("{row:?}")));
                let mut add = |text: String| input.names.add(Some(&text));
                let service = if who == Who::Service { add("ec2.amazonaws.com".into()) } else { Name::NONE };
                let issue = Issue {
                    event_id,
                    at: at * SECOND,
                    recipient: add("222222222222".into()),
                    api: add("AssumeRole".into()),
                    caller,
                    caller_user_name: Name::NONE,
                    caller_source_identity: Name::NONE,
                    caller_mfa: None,
                    invoked_by: service,
                    identity_provider: Name::NONE,
                    source_ip: add("192.0.2.1".into()),
                    role_arn: add(format!("arn:aws:iam::222222222222:role/r{role}")),
                    // EC2's issues name no role id.
                    role_id: if who == Who::Service { Name::NONE } else { add(format!("AROA{role}")) },
                    session_name: add(format!("n{name}")),
                    key: add(format!("ASIA{key}")),
                    expires_at: Some((at + life) * SECOND),
                    requested_seconds: None,
                    source_identity: Name::NONE,
                    serial_number: Name::NONE,
                    provider: Name::NONE,
                    subject: Name::NONE,
                    target_account: Name::NONE,
                };
                input.issues.push(issue);
            }
            Row::Use { caller: who, at, events } => {
                let caller = caller(&mut input.names, who);
                let exact = caller.key.is_none() && caller.created_at.is_none();
                let place = input.callers.place(&caller, exact.then_some(at * SECOND), at * SECOND, at * SECOND);
                input.uses.push(Use {
                    caller: place,
                    user_name: Name::NONE,
                    source_identity: Name::NONE,
                    mfa: None,
                    from_console: None,
                    recipient: caller.account,
                    region: Name::NONE,
                    ip: Name::NONE,
                    ip_kind: Name::NONE,
                    vpc_endpoint: Name::NONE,
                    agent: Name::NONE,
                    first_at: at * SECOND,
                    last_at: at * SECOND,
                    events,
                    errors: 0,
                    denied: 0,
                    writes: 0,
                });
            }
        }
    }
    input
}

/// What linking found, one line a session, in an order of its own.
fn told(rows: &[Row]) -> Vec<String> {
    let links = link(input(rows));
    let id = |place: usize| links.names.text(links.sessions[place].id);
    let mut lines: Vec<String> = links
        .sessions
        .iter()
        .enumerate()
        .map(|(place, s)| {
            let method = s.method.map_or("none", Method::as_str);
            let above: Vec<&str> = ancestors(&links.sessions, place).into_iter().map(id).collect();
            let origin = links.names.text(s.origin.name);
            format!(
                "{} {method} calls={} above={above:?} depth={} root={} origin={origin}",
                id(place),
                s.counts[0],
                s.depth,
                id(s.root)
            )
        })
        .collect();
    lines.sort();
    let mut unlinked: Vec<String> = links
        .callers
        .iter()
        .zip(&links.caller_links)
        .filter_map(|(seen, link)| match link {
            Link::None(why) => Some(format!(
                "unlinked {} {:?} {:?} {}",
                links.names.text(seen.caller.principal),
                seen.exact_time,
                seen.caller.created_at,
                why.as_str()
            )),
            _ => None,
        })
        .chain(links.unlinked_issues.iter().map(|(s, why)| format!("parent of {}: {}", id(*s), why.as_str())))
        .collect();
    unlinked.sort();
    lines.extend(unlinked);
    lines
}

fn session(role: u8, name: u8, key: Option<u8>, created: Option<i64>) -> Who {
    Who::Session { role, name, key, created }
}

#[test]
fn the_key_ties_first_then_the_creation_date() {
    let rows = [
        Row::Issue { caller: Who::User(1), role: 1, name: 1, key: 1, at: 100, life: 3600 },
        Row::Issue { caller: Who::User(1), role: 1, name: 1, key: 2, at: 100, life: 3600 },
        Row::Use { caller: session(1, 1, Some(2), Some(100)), at: 110, events: 3 },
        Row::Use { caller: session(1, 1, Some(9), Some(100)), at: 120, events: 5 },
    ];
    let told = told(&rows);
    // Key 2 is in use itself, so key 9 can only be the console's for key 1.
    assert!(
        told.contains(
            &"ASIA1 creation calls=5 above=[] depth=1 root=ASIA1 origin=arn:aws:iam::111111111111:user/u1".into()
        ),
        "{told:#?}"
    );
    assert!(
        told.contains(&"ASIA2 key calls=3 above=[] depth=1 root=ASIA2 origin=arn:aws:iam::111111111111:user/u1".into()),
        "{told:#?}"
    );
}

#[test]
fn two_sessions_of_one_name_make_a_call_without_key_ambiguous() {
    let rows = [
        Row::Issue { caller: Who::User(1), role: 1, name: 1, key: 1, at: 100, life: 3600 },
        Row::Issue { caller: Who::User(1), role: 1, name: 1, key: 2, at: 200, life: 3600 },
        Row::Use { caller: session(1, 1, None, None), at: 300, events: 1 },
        Row::Use { caller: session(1, 1, None, None), at: 150, events: 1 },
    ];
    let told = told(&rows);
    assert!(
        told.contains(
            &"ASIA1 window calls=1 above=[] depth=1 root=ASIA1 origin=arn:aws:iam::111111111111:user/u1".into()
        ),
        "{told:#?}"
    );
    assert!(told.contains(&"unlinked AROA1:n1 Some(300000000) None ambiguous".into()), "{told:#?}");
}

#[test]
fn a_chain_goes_through_an_outside_account_where_the_principal_id_tells() {
    let rows = [
        Row::Issue { caller: Who::Service, role: 1, name: 1, key: 1, at: 100, life: 3600 },
        Row::Use { caller: session(1, 1, Some(1), Some(100)), at: 110, events: 1 },
        Row::Issue { caller: Who::Outside { role: 1, name: 1 }, role: 2, name: 5, key: 3, at: 120, life: 3600 },
        Row::Issue { caller: Who::Outside { role: 7, name: 1 }, role: 2, name: 6, key: 4, at: 120, life: 3600 },
    ];
    let told = told(&rows);
    assert!(
        told.contains(&r#"ASIA3 none calls=0 above=["ASIA1"] depth=2 root=ASIA1 origin=ec2.amazonaws.com"#.into()),
        "{told:#?}"
    );
    assert!(told.contains(&"ASIA4 none calls=0 above=[] depth=1 root=ASIA4 origin=AROA7:n1".into()), "{told:#?}");
    assert!(told.contains(&"parent of ASIA4: before_window".into()), "{told:#?}");
}

#[test]
fn what_was_never_issued_here_is_a_session_of_unknown_origin() {
    let rows = [
        Row::Use { caller: session(1, 1, Some(1), Some(100)), at: 110, events: 1 },
        Row::Use { caller: session(1, 1, None, Some(100)), at: 111, events: 1 },
        Row::Use { caller: session(2, 2, None, Some(50)), at: 111, events: 1 },
        Row::Issue { caller: session(1, 1, Some(1), Some(100)), role: 3, name: 3, key: 3, at: 120, life: 60 },
    ];
    assert_eq!(
        told(&rows),
        [
            "AROA2:n2@1970-01-01T00:00:50Z creation calls=1 above=[] depth=1 root=AROA2:n2@1970-01-01T00:00:50Z origin=",
            "ASIA1 creation calls=2 above=[] depth=1 root=ASIA1 origin=",
            r#"ASIA3 none calls=0 above=["ASIA1"] depth=2 root=ASIA1 origin="#,
        ]
    );
}

#[test]
fn sessions_that_ask_for_each_other_do_not_hang() {
    let rows = [
        Row::Issue { caller: session(2, 2, Some(2), None), role: 1, name: 1, key: 1, at: 100, life: 60 },
        Row::Issue { caller: session(1, 1, Some(1), None), role: 2, name: 2, key: 2, at: 101, life: 60 },
        Row::Issue { caller: session(3, 3, Some(3), None), role: 3, name: 3, key: 3, at: 101, life: 60 },
    ];
    let told = told(&rows);
    assert!(told.contains(&r#"ASIA2 none calls=0 above=["ASIA1"] depth=2 root=ASIA1 origin="#.into()), "{told:#?}");
    assert_eq!(told.len(), 3);
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        (0..2u8).prop_map(Who::User),
        (0..3u8, 0..2u8, proptest::option::of(0..6u8), proptest::option::of(0..12i64))
            .prop_map(|(role, name, key, created)| Who::Session { role, name, key, created }),
        (0..3u8, 0..2u8).prop_map(|(role, name)| Who::Outside { role, name }),
        Just(Who::Service),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    prop_oneof![
        (who(), 0..3u8, 0..2u8, 0..6u8, 0..12i64, 1..20i64)
            .prop_map(|(caller, role, name, key, at, life)| Row::Issue { caller, role, name, key, at, life }),
        (who(), 0..24i64, 1..4i64).prop_map(|(caller, at, events)| Row::Use { caller, at, events }),
    ]
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(
        (rows, shuffled) in proptest::collection::vec(row(), 1..24).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        prop_assert_eq!(told(&rows), told(&shuffled));
    }

    #[test]
    fn every_call_of_a_session_is_counted_once_or_told_as_unlinked(rows in proptest::collection::vec(row(), 1..24)) {
        let links = link(input(&rows));
        let counted: i64 = links.sessions.iter().map(|s| s.counts[0]).sum();
        let all: i64 = rows.iter().map(|r| if let Row::Use { events, .. } = r { *events } else { 0 }).sum();
        let mut rest = 0;
        for used in &links.uses {
            if links.session_of(used.caller as usize).is_none() {
                rest += used.events;
            }
        }
        prop_assert_eq!(all, counted + rest);
        for (place, session) in links.sessions.iter().enumerate() {
            prop_assert!(ancestors(&links.sessions, place).len() < links.sessions.len());
            prop_assert_eq!(links.sessions[session.root].parent, None);
        }
    }
}
