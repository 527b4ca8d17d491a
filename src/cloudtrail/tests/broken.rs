//! Whatever is readable around a broken part is kept, and the broken part is told.

use super::*;
use proptest::prelude::*;

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

#[test]
fn gzip_cut_at_any_byte_keeps_the_whole_records_before_the_cut() {
    let text = envelope(&IDS);
    // Stored blocks, so that every byte of the text is there up to the cut.
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    writer.write_all(text.as_bytes()).unwrap();
    for whole in [writer.finish().unwrap(), gzip(text.as_bytes())] {
        let mut kept = 0;
        for cut in 1..whole.len() {
            let (book, seen) = decode(&whole[..cut]);
            assert_eq!((book.truncated, reasons(&book)), (true, vec![(None, "gzip_truncated")]), "cut at {cut}");
            assert_eq!(book.records, book.events);
            assert!(seen.len() >= kept && seen.iter().zip(IDS).all(|(s, id)| s.id == id));
            kept = seen.len();
        }
        assert_eq!(kept, IDS.len());
        assert_eq!(ids(&whole), IDS);
    }
}

#[test]
fn plain_text_cut_at_any_byte_keeps_the_whole_records_before_the_cut() {
    let text = envelope(&IDS);
    let end_of = |id: &str| {
        let end = format!("\"eventID\":\"{id}\"}}");
        text.find(&end).unwrap() + end.len()
    };
    let ends = IDS.map(end_of);
    for cut in 1..text.len() {
        let (book, seen) = decode(&text.as_bytes()[..cut]);
        assert_eq!((book.truncated, reasons(&book)), (true, vec![(None, "truncated_record")]), "cut at {cut}");
        assert_eq!(seen.len(), ends.iter().filter(|&&end| end <= cut).count(), "cut at {cut}");
    }
    let line = format!("{}\n{}", record("a"), &record("b")[..200]);
    let (book, seen) = decode(line.as_bytes());
    assert_eq!((seen.len(), reasons(&book)), (1, vec![(None, "truncated_record")]));
}

#[test]
fn gzip_broken_inside_or_followed_by_garbage_keeps_what_was_read() {
    let whole = gzip(envelope(&IDS).as_bytes());
    for at in 12..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        let (book, _) = decode(&broken);
        assert!(book.truncated && book.faults.iter().any(|f| f.index.is_none()), "byte {at}: {book:?}");
    }
    let (book, seen) = decode(&[whole.as_slice(), b"garbage"].concat());
    assert_eq!((seen.len(), book.truncated, reasons(&book)), (5, false, vec![(None, "trailing_garbage")]));
    let (book, seen) = decode(&[whole.as_slice(), &whole[..20]].concat());
    assert_eq!((seen.len(), book.truncated, reasons(&book)), (5, true, vec![(None, "gzip_truncated")]));
    let (book, _) = decode(b"\x1f\x8b\x07not deflate");
    assert_eq!((book.form, reasons(&book)), (Form::Empty, vec![(None, "gzip_corrupt")]));
}

#[test]
fn garbage_behind_the_text_is_told() {
    let (book, seen) = decode(format!("{} trailing <html>", envelope(&IDS)).as_bytes());
    assert_eq!((seen.len(), reasons(&book)), (5, vec![(None, "trailing_garbage")]));
    let (book, seen) = decode(format!("{}garbage\n{}", record("a"), record("b")).as_bytes());
    assert_eq!((seen.len(), reasons(&book)), (2, vec![(Some(1), "not_json")]));
    assert_eq!(seen[1].index, 2);
    // The head of the file is missing.
    let (book, seen) = decode(format!("\"1.08\"}}\n{}\n{}", record("a"), record("b")).as_bytes());
    assert_eq!((seen.len(), reasons(&book)), (2, vec![(Some(0), "not_json")]));
}

#[test]
fn a_broken_record_is_one_fault_and_the_rest_goes_on() {
    let good = record("x");
    let broken = [
        r#"{"eventVersion":"1.08","eventID":}"#.to_owned(),
        r#"{"eventVersion" "1.08"}"#.to_owned(),
        r#"{"eventVersion":"1.08",}"#.to_owned(),
        r#"{"eventVersion":"1.08","a":01}"#.to_owned(),
        r#"{"eventVersion":"1.08","a":nul}"#.to_owned(),
        r#"{"eventVersion":"1.08","a":[1 2]}"#.to_owned(),
        r#"{"eventVersion":"1.08","a":{"b"}}"#.to_owned(),
        r#"{"eventVersion":"1.08","a":"lost quote}"#.to_owned(),
        r#"{"eventVersion":"1.08","a":{"b":[1,2}"#.to_owned(),
        r#"{"eventVersion":"1.08","a":NaN}"#.to_owned(),
        good[..good.len() / 2].to_owned(),
        good.replacen("\":\"", "\":", 3),
        good.replacen('}', "", 2),
    ];
    for bad in broken {
        for text in [
            format!(r#"{{"Records":[{good},{bad},{good},{good}]}}"#),
            format!("[\n {good},\n {bad},\n {good},\n {good}\n]\n"),
            format!("{good}\n{bad}\n{good}\n{good}\n"),
        ] {
            let (book, seen) = decode(text.as_bytes());
            assert_eq!((seen.len(), reasons(&book)), (3, vec![(Some(1), "not_json")]), "{text}\n{book:?}");
            assert_eq!(seen.iter().map(|s| s.index).collect::<Vec<_>>(), [0, 2, 3]);
            assert!(!book.faults[0].text.contains("1.08"));
        }
    }
}

#[test]
fn a_text_of_broken_records_takes_no_longer_than_its_length() {
    let good = record("x");
    for bad in ["{x}", "{\"a\":\"lost quote}", "{\"eventVersion\":\"lost}", "{\"a\":[1,2}", "}", ":"] {
        let text = format!("[{}{good}]", format!("{bad},").repeat(20_000));
        let (book, _) = decode(text.as_bytes());
        assert!(book.fault_count > 0);
        decode(format!("{}{good}", format!("{bad}\n").repeat(20_000)).as_bytes());
    }
}

#[test]
fn records_that_are_no_objects_are_faults() {
    let good = record("x");
    let text = format!(r#"{{"Records":[1,{good},"text",null,[{good}],true,{good},{{}}]}}"#);
    let (book, seen) = decode(text.as_bytes());
    assert_eq!(seen.len(), 2);
    let not = |i| (Some(i), "not_an_object");
    assert_eq!(reasons(&book), [not(0), not(2), not(3), not(4), not(5), (Some(7), "missing_event_id")]);
}

#[test]
fn what_an_event_needs_is_required() {
    for (from, to, reason) in [
        ("\"eventID\":\"x\"", "\"eventID\":\"\"", "missing_event_id"),
        ("\"eventID\":\"x\"", "\"eventID\":null", "missing_event_id"),
        ("\"eventTime\"", "\"eventDate\"", "missing_event_time"),
        ("\"2026-11-07T03:36:00Z\"", "null", "missing_event_time"),
        ("2026-11-07T03:36:00Z", "redacted", "unreadable_event_time"),
        ("\"2026-11-07T03:36:00Z\"", "{}", "unreadable_event_time"),
        ("\"eventSource\"", "\"source\"", "missing_event_source"),
        ("\"AssumeRole\"", "null", "missing_event_name"),
    ] {
        let (book, seen) =
            decode(envelope(&["a", "x", "b"]).replacen(from, to, usize::from(!from.contains('x')) * 9 + 1).as_bytes());
        assert!(book.faults.iter().any(|f| f.reason.as_str() == reason), "{from} {book:?}");
        assert!(seen.len() < 3);
        assert!(book.faults.iter().all(|f| !f.text.contains("redacted")));
    }
}

#[test]
fn deep_nesting_is_skipped_without_the_stack() {
    for depth in [1000, 10_000] {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for nested in [deep, objects] {
            let text = record("a").replace("\"responseElements\":null", &format!("\"responseElements\":{nested}"));
            assert_eq!(ids(format!("[{text},{text}]").as_bytes()), ["a", "a"]);
        }
    }
    let endless = record("a").replace("null", &format!("{}{}", "[".repeat(200_000), "]".repeat(200_000)));
    let (book, seen) = decode(format!("[{endless},{}]", record("b")).as_bytes());
    assert_eq!((seen.len(), reasons(&book)), (1, vec![(Some(0), "too_deep")]));
    let (book, _) = decode("[".repeat(1_000_000).as_bytes());
    assert_eq!((book.events, book.truncated), (0, true));
    decode("{\"a\":".repeat(300_000).as_bytes());
}

#[test]
fn bytes_that_are_no_utf8_are_replaced_in_their_record_only() {
    let mut bytes = envelope(&IDS).into_bytes();
    let at = bytes.windows(5).position(|w| w == b"Spoke").unwrap();
    bytes[at] = 0xff;
    let (book, seen) = decode(&bytes);
    assert_eq!((seen.len(), book.truncated, reasons(&book)), (5, false, vec![(None, "invalid_utf8")]));
    assert!(seen[0].debug.contains("\u{fffd}poke") && seen[1].debug.contains("Spoke"));
}

#[test]
fn nul_and_control_bytes_inside_texts_are_kept_as_json() {
    let text = record("a").replace("Spoke", "Sp\0o\nke").replace("ec2.", "ec\u{1}2.");
    let mut parameters = String::new();
    let book = decode_object("x", text.as_bytes(), &Limits::default(), &Wanted::default(), &mut |_, event| {
        assert_eq!(event.identity.invoked_by.as_deref(), Some("ec\u{1}2.amazonaws.com"));
        parameters = event.request_parameters.clone().unwrap().into_owned();
    });
    assert_eq!(book.events, 1);
    let value: serde_json::Value = serde_json::from_str(&parameters).unwrap();
    assert_eq!(value["roleArn"], "arn:aws:iam::111122223333:role/Sp\0o\nke");
}

#[test]
fn bombs_are_stopped_at_the_limit() {
    let text = format!("{}{}", envelope(&IDS), " ".repeat(1 << 20));
    let limits = Limits { max_decompressed: 10_000, ..Limits::default() };
    for bytes in [
        gzip(text.as_bytes()),
        [gzip(text.as_bytes()), gzip(b"")].concat(),
        zip(&[("a.json", text.as_bytes())]),
        text.clone().into_bytes(),
    ] {
        let (book, seen) = decode_with("x", &bytes, &limits);
        assert_eq!((seen.len(), book.truncated, reasons(&book)), (5, true, vec![(None, "too_large")]));
        assert!(book.decompressed <= 10_000);
    }
    // The trailer's size is a lie: it must not be allocated.
    let mut liar = gzip(envelope(&IDS).as_bytes());
    let end = liar.len();
    liar[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    let (book, seen) = decode(&liar);
    assert_eq!((seen.len(), reasons(&book)), (5, vec![(None, "gzip_corrupt")]));
}

#[test]
fn faults_beyond_the_limit_are_counted_without_text() {
    let limits = Limits { max_faults: 3, ..Limits::default() };
    let text = format!("{{\"Records\":[{}]}}", ["{}"; 10].join(","));
    let (book, _) = decode_with("x", text.as_bytes(), &limits);
    assert_eq!((book.records, book.fault_count, book.faults.len()), (10, 10, 3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        decode(&bytes);
        decode(&gzip(&bytes));
        decode(&[b"PK\x03\x04".as_slice(), &bytes].concat());
        decode(&[b"\x1f\x8b\x08\x1c".as_slice(), &bytes].concat());
    }

    #[test]
    fn no_damage_makes_it_panic_or_lose_its_balance(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), proptest::sample::select(b"{}[]\",:\\\n\0\xff1n ".to_vec())), 1..6),
        lines in any::<bool>(),
        window in 64usize..2000,
    ) {
        let text = if lines { IDS.map(record).join("\n") } else { envelope(&IDS) };
        let mut bytes = text.into_bytes();
        for (at, byte) in &damage {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        let mut whole = decode(&bytes);
        let limits = Limits { window, ..Limits::default() };
        let mut pieces = decode_with("object.json", &[gzip(&bytes), gzip(b"")].concat(), &limits);
        // Where nothing more can be read, a stream is not read on.
        (whole.0.decompressed, pieces.0.decompressed) = (0, 0);
        prop_assert_eq!(whole, pieces);
    }
}
