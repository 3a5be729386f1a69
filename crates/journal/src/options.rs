//! Options for opening a journal and limits for its plans.

use std::{path::PathBuf, time::Duration};

/// Where a journal is stored and how much it may hold.
#[derive(Debug, Clone)]
pub struct Options {
    /// The journal's own directory; created when missing.
    pub path: PathBuf,
    /// Bytes of waiting records (payload plus about 40 bytes each) from which on `append` returns `Full`. The storage
    /// engine needs up to about twice that on disk, and reserves at least 64 MiB for its log.
    pub max_bytes: u64,
    /// Bytes of records per segment, the unit in which space is freed. The default fits most cases.
    pub segment_bytes: u64,
    /// How long a key is kept, at least; up to a sixth longer.
    pub key_retention: Duration,
}

impl Options {
    /// 4 GiB and one hour at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_bytes: 4 << 30,
            segment_bytes: 12 << 20,
            key_retention: Duration::from_hours(1),
        }
    }
}

/// The maximum size of a new plan. A plan has at least one record, whatever its size.
#[derive(Debug, Clone, Copy)]
pub struct PlanLimits {
    /// Maximum number of records.
    pub max_records: usize,
    /// Maximum payload bytes.
    pub max_bytes: usize,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            max_records: 10_000,
            max_bytes: 8 << 20,
        }
    }
}
