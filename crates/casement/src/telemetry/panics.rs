//! Panics: logged, and the end of the process, unless they are handled where they happen.
//!
//! In: a panic of any thread or task. Out: a line of the log and, for a service, an orderly end with [`EXIT_CODE`]. A
//! service that goes on without one of its tasks would be half alive, and nobody would know. `monitoring::contain` marks
//! the work whose panic concerns one request, one clip or one file.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::stream::ERR;

/// The exit code after a panic: `EX_SOFTWARE` of sysexits.
pub const EXIT_CODE: u8 = 70;

/// How long the orderly end may take; a deadline within it is five seconds.
const END: Duration = Duration::from_secs(6);

static PANICKED: AtomicBool = AtomicBool::new(false);
static WATCHDOG: OnceLock<Thread> = OnceLock::new();

/// Whether there was a panic that nobody handles.
pub fn happened() -> bool {
    PANICKED.load(SeqCst)
}

/// Installs the hook.
pub fn install() {
    panic::set_hook(Box::new(|panic| {
        let contained = monitoring::is_contained();
        report(panic, contained);
        if !contained {
            PANICKED.store(true, SeqCst);
            // Nothing else happens here: the panic may have been anywhere, also in a lock that ending needs.
            if let Some(watchdog) = WATCHDOG.get() {
                watchdog.unpark();
            }
        }
    }));
}

/// Cancels `shutdown` after a panic, and ends the process if that does not.
pub fn watch(shutdown: CancellationToken) -> std::io::Result<()> {
    let watchdog = thread::Builder::new().name("watchdog".into()).spawn(move || {
        while !happened() {
            thread::park();
        }
        shutdown.cancel();
        thread::sleep(END);
        super::flush();
        // Without destructors: they may wait for what panicked.
        engine::leave(EXIT_CODE.into())
    })?;
    // A second watch of one process, as tests may have, keeps the first.
    let _ = WATCHDOG.set(watchdog.thread().clone());
    Ok(())
}

/// Logs the panic without the log's machinery, which may be what panicked.
fn report(panic: &PanicHookInfo, contained: bool) {
    let payload = panic.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let current = thread::current();
    let thread = current.name().unwrap_or("unnamed");
    let place = panic
        .location()
        .map_or_else(String::new, |at| format!(" at {at}"));
    let consequence = if contained {
        "what it was at is refused"
    } else {
        "the process ends"
    };
    let backtrace = Backtrace::capture();
    let backtrace = if backtrace.status() == BacktraceStatus::Captured {
        format!("\n{backtrace}")
    } else {
        String::new()
    };
    let line = format!("internal error, {consequence}: thread '{thread}' panicked{place}: {text}{backtrace}");
    ERR.notice(&line, "ERROR");
}
