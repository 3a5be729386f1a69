//! The two clocks by which windows are judged: the one on the wall, which people mean, and one that never jumps.

use std::{fmt, time::Instant};

use domain::Timestamp;

/// A reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// The time that people mean. It may be set forwards and back.
    pub(crate) wall: Timestamp,
    /// Milliseconds since some beginning. They only grow.
    pub(crate) steady_ms: i64,
}

/// Both clocks.
pub(crate) trait Clock: fmt::Debug + Send + Sync {
    /// Reads them.
    fn read(&self) -> Times;
}

/// The machine's.
#[derive(Debug)]
pub(crate) struct MachineClock(Instant);

impl MachineClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MachineClock {
    fn read(&self) -> Times {
        Times {
            wall: crate::clock::now(),
            steady_ms: self.0.elapsed().as_millis() as i64,
        }
    }
}
