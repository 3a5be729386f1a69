//! How far a backup is, for whoever waits.

use std::{
    io::IsTerminal as _,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::output::tell;

const EVERY: Duration = Duration::from_millis(250);

/// Tells steps, and bytes within a step.
#[derive(Clone)]
pub(crate) struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

impl Progress {
    /// Tells nobody.
    pub(crate) fn silent() -> Self {
        Self(Arc::new(|_| {}))
    }

    /// Calls `tell` with each step.
    pub(crate) fn to(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells the person at the terminal; elsewhere steps alone.
    pub(crate) fn at_terminal() -> Self {
        Self(Arc::new(|step| tell!("{step}")))
    }

    /// Tells a step.
    pub(crate) fn step(&self, step: &str) {
        (self.0)(step);
    }

    /// Counts the bytes of a step on a terminal.
    pub(crate) fn bytes(&self, what: &'static str, total: u64) -> Counting {
        self.step(&format!("{what}: {}", size(total)));
        Counting {
            what,
            total,
            state: Mutex::new((0, Instant::now())),
            is_shown: std::io::stderr().is_terminal(),
        }
    }
}

/// The bytes of a step.
pub(crate) struct Counting {
    what: &'static str,
    total: u64,
    state: Mutex<(u64, Instant)>,
    is_shown: bool,
}

impl Counting {
    /// Counts bytes that are done.
    pub(crate) fn add(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.0 += bytes;
        if self.is_shown && state.1.elapsed() >= EVERY {
            state.1 = Instant::now();
            let percent = state.0 * 100 / self.total.max(1);
            eprint!("\r{}: {percent} %  ", self.what);
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if self.is_shown {
            eprint!("\r");
        }
    }
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            let digits = usize::from(unit != "bytes");
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}
