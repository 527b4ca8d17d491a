//! The fuzz targets on any compiler: the corpus as it is, and a fixed seed of changes to it. `ROLECALL_FUZZ_SECONDS` makes
//! each target go on with further seeds for so long.

use std::path::Path;
use std::time::{Duration, Instant};

use ::rolecall;

#[path = "fuzz/query_header.rs"]
mod query_header;
#[path = "fuzz/targets.rs"]
mod targets;

/// Changes to the corpus that every run of the tests makes, for each target.
const CHANGES: u64 = 1500;

/// Texts that the parsers look for.
const WORDS: [&[u8]; 24] = [
    b"{\"Records\":[",
    b"]}",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u0000",
    b"\\",
    b",",
    b":",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0",
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"arn:aws:",
    b"assumed-role/",
    b"AWSLogs/",
    b"CloudTrail/",
    b" PM",
    b"2026",
    b"-- param: ",
    b"$x",
];

/// A generator of numbers that is the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no corpus");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// One of the corpus with a few changes.
fn changed(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(6) {
        let at = dice.below(bytes.len() + 1);
        let to = (at + dice.below(40)).min(bytes.len());
        match dice.below(7) {
            0 => drop(bytes.drain(at..to)),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, WORDS[dice.below(WORDS.len())].iter().copied())),
            3 => drop(bytes.splice(at..to, WORDS[dice.below(WORDS.len())].iter().copied())),
            4 => {
                let again = bytes[at..to].to_vec();
                drop(bytes.splice(at..at, again));
            }
            5 => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
    bytes
}

fn hold(name: &str, target: fn(&[u8])) {
    let corpus = corpus(name);
    corpus.iter().for_each(|bytes| target(bytes));
    let seconds = std::env::var("ROLECALL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = 0;
    while seed < CHANGES || Instant::now() < end {
        let bytes = changed(&corpus, &mut Dice(seed));
        let result = std::panic::catch_unwind(|| target(&bytes));
        assert!(result.is_ok(), "{name}, seed {seed}: {:?}", bytes.escape_ascii().to_string());
        seed += 1;
    }
    if seconds > 0 {
        println!("{name}: {seed} changed inputs");
    }
}

#[test]
fn decoder() {
    let (name, target) = targets::TARGETS[0];
    hold(name, target);
}

#[test]
fn parsers() {
    for (name, target) in &targets::TARGETS[1..] {
        hold(name, *target);
    }
}

#[test]
fn query_headers() {
    hold("query_header", query_header::query_header);
}
