//! Places where a test ends the program, as a power cut would: at once, with nothing tidied up.
//!
//! A build for users knows none of them.

/// Ends the program here where `ROLECALL_FAILPOINT` names this place; does nothing in an optimised build.
#[inline]
pub fn reached(place: &str) {
    if cfg!(debug_assertions) && std::env::var_os("ROLECALL_FAILPOINT").is_some_and(|name| name == place) {
        std::process::abort();
    }
}
