//! Real logs, where they stand beside the project: every file is read, and its records are counted a second time by serde_json.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

/// The folder of real logs in the nearest `shared` folder beside or above the project.
fn folder() -> Option<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .skip(1)
        .map(|dir| dir.join("shared/data/real"))
        .find(|dir| dir.is_dir())
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// How many records serde_json sees in a text, or `None` where it is no JSON.
fn count(bytes: &[u8]) -> Option<u64> {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(bytes).into_iter().collect();
    let of = |value: &Value| match value {
        Value::Array(records) => records.len() as u64,
        Value::Object(fields) => match fields.get("Records").or_else(|| fields.get("Events")) {
            Some(Value::Array(records)) => records.len() as u64,
            _ => 1,
        },
        _ => 0,
    };
    values.ok().map(|values| values.iter().map(of).sum())
}

#[test]
#[allow(clippy::print_stderr)]
fn every_real_file_is_read_and_every_record_counted() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no folder shared/data/real beside or above the project");
        return;
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    let mut dataset = (0, 0);
    let mut total = 0;
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let (book, seen) = decode_with(&name, &bytes, &Limits::default());
        assert!(!book.truncated, "{name} {book:?}");
        for event in &seen {
            assert!(
                !event.debug.contains("IQoJb3JpZ2lu") && !event.debug.contains("FwoGZXIvYXdz"),
                "{name} {}",
                event.index
            );
        }
        let text = match bytes.starts_with(&[0x1f, 0x8b]) {
            true => {
                let mut text = Vec::new();
                std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut text).unwrap();
                text
            }
            false => bytes,
        };
        if let Some(expected) = count(&text) {
            assert_eq!(book.records, expected, "{name} {book:?}");
        }
        if matches!(book.form, Form::NotCloudTrail("no JSON" | "csv")) {
            assert_eq!(book.records, 0, "{name}");
        }
        if name.contains("invictus-ir+aws_dataset") {
            dataset = (dataset.0 + book.events, dataset.1 + book.fault_count);
        }
        total += book.records;
        if !name.ends_with(".zip") {
            let small = Limits { window: 64, ..Limits::default() };
            let two = [gzip(&text), gzip(b"")].concat();
            assert_eq!(decode_object(&name, &two, &small, &Wanted::default(), &mut |_, _| {}), book, "{name}");
        }
    }
    assert_eq!(dataset, (2900, 0));
    assert!(total > 4000, "{total}");
}
