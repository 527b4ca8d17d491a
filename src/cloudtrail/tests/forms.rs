//! Every wrapping that people hand over.

use super::*;

#[test]
fn envelopes_in_any_shape_are_read() {
    let (a, b) = (record("a"), record("b"));
    for text in [
        envelope(&["a", "b"]),
        format!("[{a},{b}]"),
        format!("{a}\n{b}\n"),
        format!("{a}{b}"),
        format!("{a},\n{b}"),
        format!("{{\"Records\":[{a}]}}\n{{\"Records\":[{b}]}}"),
        format!("{{\"z\":{{\"Records\":1}},\"Records\":[{a},{b}],\"y\":[[]]}}"),
        format!("{{\"Records\":[{a}],\"Records\":[{b}]}}"),
        format!("{{\"Re\\u0063ords\" : [ {a} , {b} ] }}"),
        format!("\u{feff}{}", envelope(&["a", "b"])),
        format!("\0\0{}\0\0\0", envelope(&["a", "b"])),
        format!("{a}\n\0\u{feff}{b}"),
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&envelope(&["a", "b"])).unwrap())
            .unwrap(),
    ] {
        assert_eq!(ids(text.as_bytes()), ["a", "b"], "{text}");
        assert_eq!(ids(&gzip(text.as_bytes())), ["a", "b"], "{text}");
    }
    assert_eq!(ids(a.as_bytes()), ["a"]);
}

#[test]
fn empty_objects_are_no_fault() {
    for text in ["", " \n", "{\"Records\":[]}", "[]", "{\"Records\":[ ] , \"x\":1}\n"] {
        for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
            let (book, _) = decode(&bytes);
            assert_eq!(
                (book.form, book.records, book.faults.len(), book.truncated),
                (Form::Empty, 0, 0, false),
                "{text}"
            );
        }
    }
}

#[test]
fn several_gzip_members_are_one_object() {
    let (a, b) = (record("a"), record("b"));
    let split = [gzip(format!("{{\"Records\":[{a}").as_bytes()), gzip(format!(",{b}]}}").as_bytes())].concat();
    assert_eq!(ids(&split), ["a", "b"]);
    // Equal members have equal trailers: the second must not be taken for the end of the first.
    let twice = [gzip(a.as_bytes()), gzip(a.as_bytes())].concat();
    assert_eq!(ids(&twice), ["a", "a"]);
    let padded = [gzip(a.as_bytes()), gzip(b""), gzip(b.as_bytes()), vec![0; 512]].concat();
    assert_eq!(ids(&padded), ["a", "b"]);
}

#[test]
fn gzip_headers_with_names_and_comments_are_read() {
    let mut writer = flate2::GzBuilder::new()
        .filename("x.json")
        .comment("c")
        .extra(vec![1, 2, 3])
        .write(Vec::new(), flate2::Compression::fast());
    writer.write_all(record("a").as_bytes()).unwrap();
    let member = writer.finish().unwrap();
    assert_eq!(ids(&member), ["a"]);
    assert_eq!(ids(&[member.clone(), member].concat()), ["a", "a"]);
}

#[test]
fn zip_members_are_objects_of_their_own() {
    let inner = gzip(envelope(&["c"]).as_bytes());
    let bytes = zip(&[
        ("a/", b""),
        ("a/one.json", envelope(&["a", "b"]).as_bytes()),
        ("two.json.gz", &inner),
        ("three.csv", b"Event Type,Event Name,Request ID\nx,y,z\n"),
    ]);
    let (book, seen) = decode_with("export.zip", &bytes, &Limits::default());
    let places: Vec<_> = seen.iter().map(|s| (s.member.as_deref().unwrap(), s.index, s.id.as_str())).collect();
    assert_eq!(places, [("a/one.json", 0, "a"), ("a/one.json", 1, "b"), ("two.json.gz", 0, "c")]);
    assert_eq!((book.form, book.records, book.faults.len()), (Form::CloudTrail, 3, 0));
    assert_eq!(decode(&zip(&[])).0.form, Form::Empty);
    assert_eq!(decode(&zip(&[("x.csv", b"a,b,c\n1,2,3")])).0.form, Form::NotCloudTrail("csv"));
}

#[test]
fn a_zip_without_its_directory_or_with_a_broken_member_keeps_the_rest() {
    let long = envelope(&["a"; 40]);
    let whole = zip(&[("one.json", long.as_bytes()), ("two.json", envelope(&["b"]).as_bytes())]);
    let directory = whole.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let (book, seen) = decode(&whole[..directory]);
    assert_eq!((seen.len(), book.truncated, reasons(&book)), (41, true, vec![(None, "zip_corrupt")]));

    let mut broken = whole.clone();
    broken[120] ^= 0xff;
    let (book, seen) = decode(&broken);
    assert!(seen.iter().any(|s| s.id == "b"), "{book:?}");
    assert!(book.truncated && book.faults.iter().any(|f| f.member.as_deref() == Some("one.json")), "{book:?}");
}

#[test]
fn lookup_events_are_unwrapped() {
    let text = |id: &str| serde_json::to_string(&record(id)).unwrap();
    let line = |id: &str| {
        format!(r#"{{"EventId":"{id}","EventName":"AssumeRole","Resources":[],"CloudTrailEvent":{}}}"#, text(id))
    };
    assert_eq!(ids(format!("{}\n{}\n", line("a"), line("b")).as_bytes()), ["a", "b"]);
    assert_eq!(ids(format!("{{\"Events\":[{},{}],\"NextToken\":\"x\"}}", line("a"), line("b")).as_bytes()), ["a", "b"]);
    assert_eq!(ids(format!("[{}]", line("a")).as_bytes()), ["a"]);
    let (book, seen) = decode(format!("{{\"CloudTrailEvent\":\"{{\\\"eventID\\\":\"}}\n{}", line("b")).as_bytes());
    assert_eq!((seen.len(), reasons(&book)), (1, vec![(Some(0), "truncated_record")]));
    let (book, _) = decode(br#"{"CloudTrailEvent":"no event"}"#);
    assert_eq!(reasons(&book), [(Some(0), "not_json")]);
}

#[test]
fn eventbridge_envelopes_are_unwrapped() {
    let bridge = |kind: &str, detail: &str| {
        format!(
            r#"{{"version":"0","id":"x","detail-type":"{kind}","source":"aws.sts","account":"111122223333","detail":{detail}}}"#
        )
    };
    let call = bridge("AWS API Call via CloudTrail", &record("a"));
    assert_eq!(ids(call.as_bytes()), ["a"]);
    assert_eq!(ids(format!("[{call},{call}]").as_bytes()), ["a", "a"]);
    assert_eq!(ids(bridge("", &record("b")).as_bytes()), ["b"]);
    let (book, _) = decode(bridge("GuardDuty Finding", r#"{"id":"1","severity":8}"#).as_bytes());
    assert_eq!((book.form, book.records, book.not_events), (Form::NotCloudTrail("other JSON"), 1, 1));
    let (book, _) = decode(bridge("AWS API Call via CloudTrail", r#"{"eventVersion":"1.08"}"#).as_bytes());
    assert_eq!(reasons(&book), [(Some(0), "missing_event_id")]);
}

#[test]
fn what_is_no_event_is_recognised() {
    for (text, what) in [
        (r#"{"awsAccountId":"1","digestS3Object":"x","logFiles":[{"s3Object":"y"}]}"#, "digest"),
        (
            r#"{"Records":[{"eventVersion":"1.07","eventTime":"2026-11-07T00:00:00Z","eventID":"i","eventType":"AwsCloudTrailInsight","insightDetails":{}}]}"#,
            "insight",
        ),
        (r#"{"Records":[{"eventID":"i","eventCategory":"Insight"}]}"#, "insight"),
        (
            r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-11-07T00:00:00.000Z","s3":{}}]}"#,
            "notification",
        ),
        (r#"{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"{}"}}]}"#, "notification"),
        (r#"{"configRuleId":"x","version":"1"}"#, "other JSON"),
        (r#"[{"a":1},{"b":2}]"#, "other JSON"),
        ("[1,2,3]", "other JSON"),
        ("{}\n{}", "other JSON"),
        ("plain words", "no JSON"),
        ("a,b,c\n1,2,3\n", "csv"),
        ("2026-11-07 log line\n{\"level\":\"info\"}\n", "other JSON"),
        ("\u{1}\u{2}binary", "no JSON"),
    ] {
        let (book, _) = decode(text.as_bytes());
        assert_eq!((book.form, book.events, book.faults.len()), (Form::NotCloudTrail(what), 0, 0), "{text} {book:?}");
    }
    assert_eq!(decode_with("x.csv", b"words", &Limits::default()).0.form, Form::NotCloudTrail("csv"));
    // One among events is counted and no more.
    let (book, seen) =
        decode(format!("[{},{{\"eventID\":\"i\",\"eventCategory\":\"Insight\"}}]", record("a")).as_bytes());
    assert_eq!((book.form, seen.len(), book.not_events, book.fault_count), (Form::CloudTrail, 1, 1, 0));
}

#[test]
fn utf16_is_read() {
    let text = envelope(&["a", "b", "c"]).replace("Spoke", "Späti 😀😀");
    let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    for bytes in [&little, &big] {
        let (book, seen) = decode(bytes);
        assert_eq!(book.faults, []);
        assert!(seen[0].debug.contains("Späti"));
        // The same where it streams, however it is cut: half a unit, half a pair.
        for window in [64, 65, 127, 4096] {
            let limits = Limits { window, ..Limits::default() };
            assert_eq!(decode_with("x", &gzip(bytes), &limits).1, seen);
        }
    }
}

#[test]
fn the_callback_may_decode_another_object() {
    let mut inner = 0;
    decode_object("x", &gzip(envelope(&["a", "b"]).as_bytes()), &Limits::default(), &Wanted::default(), &mut |_, _| {
        inner += decode(&gzip(envelope(&["c"]).as_bytes())).0.events;
    });
    assert_eq!(inner, 2);
}
