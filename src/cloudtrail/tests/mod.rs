//! What the decoder makes of whole objects. The records are invented; each says what it is for.

mod broken;
mod forms;
mod passing;
mod real;
mod secrets;
mod typing;
mod windows;

use std::io::Write;

use super::*;

/// An event as a test keeps it: where it stood, its id, everything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    member: Option<String>,
    index: u64,
    id: String,
    debug: String,
}

fn decode_with(name: &str, bytes: &[u8], limits: &Limits) -> (Book, Vec<Seen>) {
    let mut seen = Vec::new();
    let book = decode_object(name, bytes, limits, &Wanted::default(), &mut |place, event| {
        seen.push(Seen {
            member: place.member.map(str::to_owned),
            index: place.index,
            id: event.event_id.to_string(),
            debug: format!("{event:?}"),
        });
    });
    assert!(book.balances(), "{book:?}");
    assert_eq!(book.events, seen.len() as u64);
    (book, seen)
}

fn decode(bytes: &[u8]) -> (Book, Vec<Seen>) {
    decode_with("object.json", bytes, &Limits::default())
}

/// The ids of the events, for objects that must hold nothing else.
fn ids(bytes: &[u8]) -> Vec<String> {
    let (book, seen) = decode(bytes);
    assert_eq!(book.faults, [], "{book:?}");
    assert_eq!((book.fault_count, book.truncated), (0, false));
    seen.into_iter().map(|s| s.id).collect()
}

/// The reasons of the faults: of records with their index, of the object with `None`.
fn reasons(book: &Book) -> Vec<(Option<u64>, &'static str)> {
    book.faults.iter().map(|f| (f.index, f.reason.as_str())).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A whole, plain record.
fn record(id: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}},"eventTime":"2026-11-07T03:36:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{{"roleArn":"arn:aws:iam::111122223333:role/Spoke","items":[{{"a":1}},{{"b":[2,3]}}]}},"responseElements":null,"eventID":"{id}"}}"#
    )
}

fn envelope(ids: &[&str]) -> String {
    let records: Vec<String> = ids.iter().map(|id| record(id)).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}
