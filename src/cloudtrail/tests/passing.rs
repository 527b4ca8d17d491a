//! What is not asked for is passed over, and nothing else.

use super::*;
use proptest::prelude::*;

fn wanting(terms: &[&str]) -> Wanted {
    Wanted::all_of(terms.iter().map(|text| Term::any(vec![Needle::value(text).unwrap()])).collect())
}

/// The ids of the events that are asked for by name, and the book.
fn asked(text: &[u8], name: &str, wanted: &Wanted) -> (Book, Vec<(u64, String)>) {
    let mut ids = Vec::new();
    let book = decode_object("x", text, &Limits::default(), wanted, &mut |place, event| {
        if event.event_name == name {
            ids.push((place.index, event.event_id.to_string()));
        }
    });
    assert!(book.balances(), "{book:?}");
    (book, ids)
}

fn named(id: &str, name: &str) -> String {
    record(id).replace("\"AssumeRole\"", name)
}

#[test]
fn records_without_the_text_are_not_decoded() {
    let text = format!(
        r#"{{"Records":[{},{},{},{},{}]}}"#,
        record("a"),
        named("b", "\"GetUser\""),
        // Escapes hide letters.
        named("c", r#""\u0041ssumeRole""#),
        // The text stands elsewhere, as a key or in another value.
        named("d", "\"ListRoles\",\"AssumeRole\":1"),
        record("e"),
    );
    let (book, ids) = asked(text.as_bytes(), "AssumeRole", &wanting(&["AssumeRole"]));
    assert_eq!(ids, [(0, "a".into()), (2, "c".into()), (4, "e".into())]);
    assert_eq!((book.records, book.events, book.undecoded), (5, 4, 1));
    let (book, ids) = asked(text.as_bytes(), "GetUser", &wanting(&["GetUser", "sts.amazonaws.com"]));
    assert_eq!((ids, book.undecoded), (vec![(1, "b".into())], 3));
}

#[test]
fn an_object_without_the_text_is_not_read() {
    let (book, ids) = asked(envelope(&["a", "b"]).as_bytes(), "GetUser", &wanting(&["GetUser"]));
    assert_eq!((ids.len(), book.unread, book.form), (0, true, Form::CloudTrail));
}

#[test]
fn other_forms_are_found_all_the_same() {
    let inner = serde_json::to_string(&record("a")).unwrap();
    for text in [
        format!(r#"{{"Events":[{{"EventName":"x","CloudTrailEvent":{inner}}}]}}"#),
        format!(r#"{{"Records":[{{"detail-type":"AWS API Call via CloudTrail","detail":{}}}]}}"#, record("a")),
        format!(r#"{{"Records":[{}, 7, {}]}}"#, named("b", "\"GetUser\""), record("a")),
        format!("{}\n{}", named("b", "\"GetUser\""), record("a")),
        format!("[{},{}]", named("b", "\"GetUser\""), record("a")),
        format!(r#"{{"Records":[{}]}}{}"#, named("b", "\"GetUser\""), envelope(&["a"])),
        format!(r#"{{"Records":[{}}},{}]}}"#, named("b", "\"GetUser\""), record("a")),
        format!(r#"{{"Records":[{},{}"#, record("a"), named("b", "\"GetUser\"")),
    ] {
        let (_, ids) = asked(text.as_bytes(), "AssumeRole", &wanting(&["AssumeRole"]));
        assert_eq!(ids.iter().filter(|(_, id)| id == "a").count(), 1, "{text}");
    }
}

#[test]
fn accounts_in_the_key_need_not_stand_in_the_record() {
    let wanted = Wanted::all_of(vec![
        Term::any(vec![Needle::value("111122223333").unwrap()]).or_key_accounts(["111122223333".to_owned()]),
    ]);
    assert!(!wanted.of_object(Some("444455556666")).is_everything());
    assert!(wanted.of_object(Some("111122223333")).is_everything());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn passing_over_never_changes_the_answer(
        records in proptest::collection::vec(
            (prop_oneof!["AssumeRole", "GetUser", "AssumeRole\\\\\"", "x\"AssumeRole\\\\\"}\\]"], "[\\\\\"{}\\[\\],a]{0,12}", any::<bool>(), "[ \n]{0,2}"),
            0..10,
        ),
        cut in 0_usize..20_000,
        broken in any::<bool>(),
    ) {
        let records: Vec<String> = records.iter().enumerate().map(|(i, (name, text, nested, blank))| {
            let name = serde_json::to_string(name).unwrap();
            let text = serde_json::to_string(text).unwrap();
            let record = named(&format!("id{i}"), &format!("{name},{text}:{text}"));
            let inner = named(&format!("in{i}"), "\"AssumeRole\"");
            format!("{blank}{}", if *nested { record.replace("{\"a\":1}", &format!("{inner},{inner}")) } else { record })
        }).collect();
        let mut text = format!("{{\"Records\":[{}]}}", records.join(","));
        if broken {
            text.truncate(cut % (text.len() + 1));
        }
        let whole = asked(text.as_bytes(), "AssumeRole", &Wanted::default());
        let (book, ids) = asked(text.as_bytes(), "AssumeRole", &wanting(&["AssumeRole"]));
        prop_assert_eq!(&ids, &whole.1);
        if !book.unread {
            prop_assert_eq!(book.records, whole.0.records);
            prop_assert_eq!(book.faults.len(), whole.0.faults.len());
        }
    }
}
