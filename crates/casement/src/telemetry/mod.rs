//! What a process says: its log on standard error, so that standard output stays data; its panics; and no secret in
//! either.
//!
//! In: log events, panics, lines of services. Out: the two streams. A service hands its lines to [`stream`]'s threads,
//! so that it never waits for whoever reads them.

pub mod panics;
pub mod redaction;
pub mod stream;

use std::{
    io::{self, IsTerminal as _, Write},
    time::Duration,
};

use tracing_subscriber::EnvFilter;

/// Default filter, which `RUST_LOG` replaces: our own messages, and warnings and errors of libraries. rustls warns of what
/// strangers send, each time; the broker tells the same within limits.
const DEFAULT: &str = "warn,casement=info,backend=info,broker=info,engine=info,ml=info,store=info,tls=info,simulator=warn,mqtt=warn,rustls=error";

/// How long the last lines may take to be read when a service ends.
const FLUSH: Duration = Duration::from_millis(300);

/// Starts logging. To be called once.
pub fn start(json: bool) {
    stream::ERR.notices_as_json(json);
    panics::install();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would report a failed write on the very stream that fails, and panic in the task that logs.
        .log_internal_errors(false)
        .with_writer(|| LogLine);
    if json {
        builder.json().init();
    } else {
        builder.with_ansi(io::stderr().is_terminal()).init();
    }
}

/// From here on nothing waits for a reader of either stream. It starts threads: the engine's process is confined before.
pub fn go_on_without_readers() -> io::Result<()> {
    stream::ERR.start()?;
    stream::OUT.start()
}

/// Waits a moment until the last lines have been written.
pub fn flush() {
    stream::OUT.flush(FLUSH);
    stream::ERR.flush(FLUSH);
}

/// Writes one event, which the subscriber hands over in one piece.
struct LogLine;

impl Write for LogLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        stream::ERR.write(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
