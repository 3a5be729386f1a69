//! The way from everybody else to the task of one connection.
//!
//! In: "there is something to deliver", "end". Out: the task wakes. Several signals before it runs are one.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use futures_util::task::AtomicWaker;
use tokio_util::sync::CancellationToken;

/// Why the broker ends a connection on behalf of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kick {
    TakenOver,
    ShuttingDown,
}

/// One connection, seen from outside.
#[derive(Debug, Default)]
pub(crate) struct Link {
    waker: AtomicWaker,
    signalled: AtomicBool,
    kicked: OnceLock<Kick>,
    /// Cancelled once the connection has let go of its session.
    pub(crate) released: CancellationToken,
}

impl Link {
    /// Wakes the connection to deliver.
    pub(crate) fn signal(&self) {
        if !self.signalled.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Ends the connection; the first reason counts.
    pub(crate) fn kick(&self, reason: Kick) {
        let _ = self.kicked.set(reason);
        self.signalled.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// For the connection: registers its task, and returns whether there was a signal since the last call.
    pub(crate) fn take_signal(&self, cx: &std::task::Context<'_>) -> bool {
        self.waker.register(cx.waker());
        self.signalled.swap(false, Ordering::AcqRel)
    }

    /// For the connection: whether it has to end.
    pub(crate) fn kicked(&self) -> Option<Kick> {
        self.kicked.get().copied()
    }
}
