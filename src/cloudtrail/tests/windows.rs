//! How a text is cut into windows never changes what is read.

use super::*;
use proptest::prelude::*;

#[test]
fn a_window_of_64_bytes_gives_the_same_events() {
    let many: Vec<String> = (0..50).map(|i| format!("id{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let big = record("big").replace("Spoke", &"x".repeat(100_000));
    let pretty =
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&envelope(&many)).unwrap()).unwrap();
    for text in [
        envelope(&many),
        many.iter().map(|id| record(id) + "\r\n").collect(),
        format!("{{\"x\":[1],\"Records\":[{},{big},{}], \"y\":{{}}}}", record("a"), record("b")),
        format!("\u{feff}{}\u{feff}{}garbage\n{}", envelope(&many), record("a"), record("b")),
        pretty,
    ] {
        // Two members: a single one that fits the window would be decompressed whole.
        let bytes = [gzip(text.as_bytes()), gzip(b"")].concat();
        let (whole, expected) = decode(text.as_bytes());
        for window in [64, 65, 100, 1000, 4096, 1 << 20] {
            let (book, seen) = decode_with("object.json", &bytes, &Limits { window, ..Limits::default() });
            assert_eq!(seen, expected, "window {window}");
            assert_eq!(book, whole);
        }
        let archive = zip(&[("m.json", text.as_bytes())]);
        let (book, seen) = decode_with("object.json", &archive, &Limits { window: 64, ..Limits::default() });
        assert_eq!((book.records, seen.len()), (whole.records, expected.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_window_gives_the_same_book(
        sizes in proptest::collection::vec((0usize..3000, "[ \n\r\t]{0,3}", any::<bool>()), 0..12),
        window in 64usize..3000,
        lines in any::<bool>(),
    ) {
        let records: Vec<String> = sizes.iter().enumerate().map(|(i, (size, blank, odd))| {
            let text = record(&format!("id{i}")).replace("Spoke", &"é\\\"".repeat(size / 4));
            format!("{blank}{}", if *odd { text.replace("\"eventSource\"", "\"x\"") } else { text })
        }).collect();
        let text = if lines { records.join("\n") } else { format!("{{\"Records\":[{}]}}", records.join(",")) };
        let whole = decode(text.as_bytes());
        let bytes = [gzip(text.as_bytes()), gzip(b"")].concat();
        prop_assert_eq!(whole, decode_with("object.json", &bytes, &Limits { window, ..Limits::default() }));
    }
}
