//! The `rolecall` program; the command line is in the library's room `cli`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What jemalloc reads at its start: memory that is free for a second goes back to the system. With its own ten seconds an ingest
/// holds what earlier commits needed beside what the next one needs.
///
/// <https://jemalloc.net/jemalloc.3.html#tuning>
#[allow(unsafe_code)] // The name of a symbol: nothing else in the program has it, and jemalloc reads a C string behind it.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static MALLOC_CONF: &[u8; 37] = b"dirty_decay_ms:1000,muzzy_decay_ms:0\0";

fn main() -> ExitCode {
    rolecall::cli::main()
}
