//! A journal's figures, for metrics and `status`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A snapshot of the figures. Counters start when the journal is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Records waiting.
    pub records: u64,
    /// Bytes of the records waiting.
    pub bytes: u64,
    /// The limit on `bytes`.
    pub max_bytes: u64,
    /// The next record's sequence number.
    pub next_seq: u64,
    /// Unfinished plans.
    pub plans: u64,
    /// Entries stored.
    pub stored: u64,
    /// Entries recognised as repeats.
    pub duplicates: u64,
    /// Calls refused because the journal was full.
    pub full_rejections: u64,
    /// Synced groups.
    pub groups: u64,
    /// Groups that could not be written.
    pub write_failures: u64,
    /// Records reported as damaged.
    pub damaged: u64,
    /// Damaged stretches of the log found, and repaired, while opening.
    pub log_damages: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) stored: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) full_rejections: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) write_failures: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) log_damages: AtomicU64,
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Relaxed);
}

pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}
