//! Rows of the system itself: refused messages, the audit log, its own figures.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{nan, number_or_nan};

/// A row of `ingest_errors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct IngestErrorRow {
    /// Time of the refusal, ms.
    pub received_at: i64,
    /// The message's topic, or the table that refused a row.
    pub topic: String,
    /// The kind of fault, one of a fixed set.
    pub reason: String,
    /// Explanation in words.
    pub detail: String,
    /// The beginning of the payload; see [`IngestErrorRow::excerpt`].
    pub first_bytes: String,
}

impl IngestErrorRow {
    /// Returns the first 256 bytes of a payload, printable bytes unchanged, others as `\xNN`.
    pub fn excerpt(payload: &[u8]) -> String {
        payload[..payload.len().min(256)].escape_ascii().to_string()
    }
}

/// A row of `audit_log`. Rows of the same time, kind, account and number are one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct AuditRow {
    /// Time of the event, ms.
    pub timestamp: i64,
    /// What happened, one of a fixed set.
    pub kind: String,
    /// The account that it happened to; empty if none is known.
    pub account: String,
    /// Who did it: an account, `cli:USER`, or empty.
    pub actor: String,
    /// Where it came from; empty if it came from nowhere.
    pub address: String,
    /// More, in words.
    pub detail: String,
    /// The number of a change of the accounts; of other events, a number that no other has.
    pub number: u64,
}

/// A row of `system_metrics`. Counts are those of the interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct SystemMetricsRow {
    /// End of the interval, ms.
    pub timestamp: i64,
    /// Which backend.
    pub instance: String,
    /// Seconds since its row before.
    pub interval_s: f32,
    /// Seconds since its start.
    pub uptime_s: u32,
    /// Messages accepted, by kind; kinds without any are left out.
    pub messages: Vec<(String, u64)>,
    /// Messages refused, by reason; reasons without any are left out.
    pub refused: Vec<(String, u64)>,
    /// Repeats that were not stored again.
    pub duplicates: u64,
    /// Rows stored.
    pub rows_stored: u64,
    /// Inserts that failed and are retried.
    pub store_failures: u64,
    /// Inference requests published.
    pub requests: u64,
    /// Inference requests that could not be published.
    pub requests_dropped: u64,
    /// Window commands logged.
    pub commands: u64,
    /// Connections made to the broker.
    pub reconnects: u64,
    /// Records waiting in the journal.
    pub journal_records: u64,
    /// Bytes waiting in the journal.
    pub journal_bytes: u64,
    /// Bytes at which the journal is full.
    pub journal_max_bytes: u64,
    /// How long ago the oldest record that waits for ClickHouse was received, ms; 0 if none does.
    #[serde(default)]
    pub journal_age_ms: u64,
    /// Longest time from receipt to stored, ms; NaN if nothing was stored.
    #[serde(deserialize_with = "number_or_nan")]
    pub row_delay_ms: f64,
    /// Mean time from a reading's own time to its row, ms; NaN if none was stored.
    #[serde(default = "nan", deserialize_with = "number_or_nan")]
    pub reading_to_row_ms: f64,
    /// Mean time from request to command, ms; NaN without one.
    #[serde(deserialize_with = "number_or_nan")]
    pub decision_ms: f64,
    /// Mean inference time, ms; NaN without one.
    #[serde(deserialize_with = "number_or_nan")]
    pub inference_ms: f64,
    /// Devices heard of lately.
    pub devices_active: u32,
    /// Devices known.
    pub devices_known: u32,
    /// Memory that ClickHouse uses; 0 if it did not answer.
    pub database_memory_bytes: u64,
    /// Bytes of the database on disk; 0 if it did not answer.
    pub database_disk_bytes: u64,
    /// Free bytes on the database's disk; 0 if it did not answer.
    pub disk_free_bytes: u64,
    /// Seconds since ClickHouse's start; 0 if it did not answer.
    #[serde(default)]
    pub database_uptime_s: u32,
}
