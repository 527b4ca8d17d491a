//! What is fuzzed, as ordinary functions: each takes any bytes, must not panic, and checks what must hold for all of them.
//!
//! The tests call them with the corpus and a fixed seed of changes to it; libFuzzer calls the same ones.

use rolecall::cloudtrail::{Limits, Wanted, decode_object};
use rolecall::source::layout;
use rolecall::sts::{arn, expiration};

/// One target: its name, which is its corpus's folder, too.
pub type Target = (&'static str, fn(&[u8]));

/// The targets that need no engine.
pub const TARGETS: [Target; 4] =
    [("decoder", decoder), ("expiration", expiration), ("arn", arn), ("key_layout", key_layout)];

/// Whole objects: the books balance, and how the text is cut into windows changes nothing.
pub fn decoder(bytes: &[u8]) {
    let decode = |limits: &Limits| {
        let mut seen = Vec::new();
        let book = decode_object("object.json", bytes, limits, &Wanted::default(), &mut |place, event| {
            seen.push((place.member.map(str::to_owned), place.index, event.event_id.to_string()));
        });
        assert!(book.balances(), "{book:?}");
        assert_eq!(book.events, seen.len() as u64);
        (book, seen)
    };
    let limits = Limits { max_decompressed: 4 << 20, ..Limits::default() };
    let (whole, events) = decode(&limits);
    let (pieces, again) = decode(&Limits { window: 128, ..limits });
    assert_eq!(events, again);
    assert_eq!(
        (whole.records, whole.fault_count, whole.not_events),
        (pieces.records, pieces.fault_count, pieces.not_events)
    );
}

/// Expirations: what is read is a time that a person could have written, and writing it again reads the same.
pub fn expiration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(time) = expiration::parse(text) else { return };
    let written = chrono::DateTime::from_timestamp_micros(time).map(|time| time.to_rfc3339());
    let again = written.as_deref().and_then(expiration::parse);
    assert!(written.is_none_or(|w| w.starts_with(['-', '+'])) || again == Some(time), "{text:?}");
    expiration::believable(time, 0);
}

/// ARNs: whatever is found in one stands in it.
pub fn arn(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for part in [arn::partition(text), arn::account(text), arn::name(text)].into_iter().flatten() {
        assert!(text.contains(part), "{text:?}");
    }
    if let Some(role) = arn::role_of_assumed(text) {
        assert!(text.contains(role.role_name) && text.contains(role.session_name), "{text:?}");
    }
}

/// Object keys: what a key tells stands in it, and its delivery is a span.
pub fn key_layout(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    layout::place(&text);
    layout::folder_of(&text);
    layout::day_at_start(&text);
    let Some(key) = layout::parse(&text) else { return };
    assert!(text.contains(&key.account), "{text:?}");
    if let Some((from, to)) = key.delivery() {
        assert!(from <= to, "{text:?}");
    }
}
