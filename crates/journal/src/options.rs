//! How a journal is opened and how plans are cut.

use std::{path::PathBuf, time::Duration};

/// Where a journal lives and how much it may hold.
#[derive(Debug, Clone)]
pub struct Options {
    /// The journal's own directory; created when missing.
    pub path: PathBuf,
    /// Bytes of waiting records (payload plus about 40 bytes each) at which `append` answers `Full`. On disk the
    /// storage engine needs up to about twice that, and at least 64 MiB of address space in its log.
    pub max_bytes: u64,
    /// Bytes of records that share a segment, the unit in which space is given back. The default fits most.
    pub segment_bytes: u64,
    /// How long a key catches repeats, at least; up to a sixth longer.
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

/// How large a new plan may become. A plan has at least one record, whatever its size.
#[derive(Debug, Clone, Copy)]
pub struct PlanLimits {
    /// Most records.
    pub max_records: usize,
    /// Most bytes of payload.
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
