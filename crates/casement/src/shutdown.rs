//! SIGINT, SIGTERM and SIGHUP as a token: the first requests an orderly shutdown, a second ends the process immediately.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::telemetry::panics;

/// Time for a request that is being answered when a role ends.
pub const HTTP_END: Duration = Duration::from_millis(300);

/// The signals that end a role.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// Returns a token that the first signal cancels, or a panic.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    panics::watch(token.clone())?;
    let mut signals = Signals::new()?;
    let first = token.clone();
    tokio::spawn(async move {
        signals.next().await;
        // Before anything is logged: nothing may depend on a log that can be written.
        first.cancel();
        info!("stopping; a second signal stops at once");
        signals.next().await;
        std::process::exit(130);
    });
    Ok(token)
}

/// Returns a token that only a panic cancels. A signal to every process at once, as a terminal or a service manager
/// sends it, is the parent's: it ends us when it needs us no more, and we end with it in any case.
pub fn with_parent() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    panics::watch(token.clone())?;
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        loop {
            signals.next().await;
            debug!("a signal is left to the parent");
        }
    });
    Ok(token)
}
