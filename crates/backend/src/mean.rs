//! The mean of durations over a span of time.
//!
//! In: durations. Out: two sums that only grow; whoever reads them twice has the mean of what came between.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Durations, for their mean over a span: two numbers that only grow.
#[derive(Debug, Default)]
pub(crate) struct Mean {
    micros: AtomicU64,
    count: AtomicU64,
}

impl Mean {
    pub(crate) fn add(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sums(&self) -> (u64, u64) {
        (
            self.micros.load(Ordering::Relaxed),
            self.count.load(Ordering::Relaxed),
        )
    }

    /// The mean of what was added between two readings of the sums, ms; NaN where nothing was.
    pub(crate) fn between(before: (u64, u64), now: (u64, u64)) -> f64 {
        (now.0 - before.0) as f64 / 1e3 / (now.1 - before.1) as f64
    }
}
