//! A snapshot: the files of one moment, staged, from which a backup is written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use store::TableFigures;

/// What a backup is made of. It lives in staging until it is discarded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) created: jiff::Timestamp,
    pub(crate) clickhouse: String,
    pub(crate) database: String,
    pub(crate) tables: Vec<TableFigures>,
    pub(crate) journal_records: u64,
    /// How long nothing was stored, in milliseconds.
    pub(crate) pause_ms: u64,
    /// The base of ClickHouse's backup.
    pub(crate) base: Option<String>,
    pub(crate) parts: Vec<StagedPart>,
}

/// One part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StagedPart {
    /// One of [`super::parts::ALL`].
    pub(crate) name: String,
    /// Its directory.
    pub(crate) path: PathBuf,
    /// Whether its files belong to the snapshot alone, so that a link to them is as good as a copy.
    pub(crate) is_own: bool,
}

/// What ClickHouse has to know of an earlier backup.
#[derive(Debug, Clone)]
pub(crate) struct BaseIndex {
    /// The earlier backup.
    pub(crate) name: String,
    /// ClickHouse's file `.backup` of it.
    pub(crate) index: Vec<u8>,
}
