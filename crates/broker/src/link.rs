//! The way from everybody else to the task of one connection.
//!
//! In: "there is something to deliver", "end". Out: the task wakes. Several signals before it runs are one.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::task::AtomicWaker;
use tokio_util::sync::CancellationToken;

/// Why the broker ends a connection on behalf of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kick {
    /// By a client at this address.
    TakenOver(SocketAddr),
    ShuttingDown,
    /// What it was granted does not hold any more.
    AccessEnded,
}

/// One connection, seen from outside.
#[derive(Default)]
pub(crate) struct Link {
    waker: AtomicWaker,
    signalled: AtomicBool,
    kicked: OnceLock<Kick>,
    /// Where its client is.
    pub(crate) address: Option<SocketAddr>,
    /// Cancelled once the connection has let go of its session.
    pub(crate) released: CancellationToken,
}

impl Link {
    pub(crate) fn from(address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            ..Self::default()
        }
    }

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

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("kicked", &self.kicked)
            .finish_non_exhaustive()
    }
}
