#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolecall_fuzz::query_header::query_header(bytes));
