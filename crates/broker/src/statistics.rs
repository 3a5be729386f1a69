//! What the broker counts.
//!
//! In: increments from every connection. Out: present values, for metrics and for `$SYS`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{events::EventKind, limits::Limit};

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// All counters of one broker.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) bytes_received: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) packets_received: Count,
    pub(crate) packets_sent: Count,
    pub(crate) publishes_received: Count,
    pub(crate) publishes_sent: Count,
    pub(crate) publishes_dropped: Count,
    pub(crate) publish_bytes_received: Count,
    pub(crate) publish_bytes_sent: Count,
    pub(crate) accepted_sockets: Count,
    pub(crate) connects: Count,
    pub(crate) expired_sessions: Count,
    pub(crate) events: [Count; EventKind::ALL.len()],
    pub(crate) limits: [Count; Limit::ALL.len()],
    connected: AtomicU64,
    most_connected: AtomicU64,
}

impl Statistics {
    pub(crate) fn reached(&self, limit: Limit) {
        self.limits[limit as usize].one();
    }

    pub(crate) fn client_connected(&self) {
        let now = self.connected.fetch_add(1, Relaxed) + 1;
        self.most_connected.fetch_max(now, Relaxed);
        self.connects.one();
    }

    pub(crate) fn client_gone(&self) {
        self.connected.fetch_sub(1, Relaxed);
    }

    pub(crate) fn connected(&self) -> u64 {
        self.connected.load(Relaxed)
    }

    pub(crate) fn most_connected(&self) -> u64 {
        self.most_connected.load(Relaxed)
    }
}
