//! Logs: to standard error, so that standard output stays data.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Default filter, which `RUST_LOG` replaces: our own messages, and warnings and errors of libraries.
const DEFAULT: &str =
    "warn,casement=info,backend=info,broker=info,engine=info,ml=info,simulator=warn,mqtt=warn";

/// Starts logging. To be called once.
pub fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would report a failed write on the very stream that fails, and panic in the task that logs.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).init();
    }
}
