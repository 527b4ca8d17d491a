#![no_main]

use whole as rolecall;

#[path = "../query_header.rs"]
mod query_header;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| query_header::query_header(bytes));
