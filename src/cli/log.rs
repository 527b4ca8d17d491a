//! What the program says of its own work on standard error: warnings, and what `ROLECALL_LOG` asks for beside them.

use tracing_subscriber::EnvFilter;

use crate::error::{Error, Result};

/// The variable: directives such as `debug` or `rolecall=debug,aws_config=info`.
///
/// <https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/struct.EnvFilter.html#directives>
const VARIABLE: &str = "ROLECALL_LOG";

/// What is said where the variable says nothing.
const USUAL: &str = "rolecall=warn";

/// Begins to listen. Control characters in what is said are escaped by the library.
///
/// # Errors
/// Usage where the variable cannot be understood.
pub fn begin() -> Result<()> {
    let asked = std::env::var_os(VARIABLE).map(|text| text.to_string_lossy().into_owned());
    let filter = match &asked {
        Some(text) if !text.is_empty() => {
            // A bare level is meant for this program, not for every library in it.
            let text = if text.contains('=') { text.clone() } else { format!("rolecall={text}") };
            EnvFilter::try_new(&text).map_err(|e| {
                Error::usage(format!("{VARIABLE} cannot be understood"))
                    .context("value", text)
                    .hint("for example: ROLECALL_LOG=debug")
                    .source(e)
            })?
        }
        _ => EnvFilter::new(USUAL),
    };
    let listener = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Where the library is used in a program that listens itself, that one stays.
    _ = listener.without_time().with_target(false).with_ansi(false).try_init();
    Ok(())
}
