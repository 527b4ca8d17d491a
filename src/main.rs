//! The `rolecall` program; the command line is in the library's room `cli`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What jemalloc reads at its start: memory that is free for half a second goes back to the system, and threads share four pools of
/// it. With its own ten seconds, and a pool for every thread, an ingest holds what others needed before beside what it needs now.
///
/// <https://jemalloc.net/jemalloc.3.html#tuning>
#[allow(unsafe_code)] // The name of a symbol: nothing else in the program has it, and jemalloc reads a C string behind it.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static MALLOC_CONF: &[u8; 46] = b"narenas:4,dirty_decay_ms:500,muzzy_decay_ms:0\0";

fn main() -> ExitCode {
    rolecall::cli::main()
}
