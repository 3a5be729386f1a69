//! Rows, field for field as their tables have them: same names, same order, plain strings and numbers.
//!
//! Every `*_at` and `timestamp` is in milliseconds since 1970-01-01 UTC. Unknown values are NaN or empty, as in the
//! tables. To add a column, append a field with `#[serde(default)]`, so that rows in existing journals remain
//! decodable.

use clickhouse::Row;
use serde::{Deserialize, Deserializer, Serialize};

/// A row of `sensor_{quantity}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct ReadingRow {
    /// The device's own time, ms.
    pub timestamp: i64,
    /// The device that measured.
    pub device_id: String,
    /// The value, in the unit of the table's quantity.
    #[serde(deserialize_with = "number_or_nan")]
    pub value: f64,
    /// Time of receipt, ms; stored to the second.
    pub received_at: i64,
}

/// A row of `suspect_readings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct SuspectReadingRow {
    /// The device's own time, ms.
    pub timestamp: i64,
    /// The device that measured.
    pub device_id: String,
    /// Name of the quantity.
    pub quantity: String,
    /// The value, in the quantity's unit.
    #[serde(deserialize_with = "number_or_nan")]
    pub value: f64,
    /// What is suspect about it, in words.
    pub reason: String,
    /// Time of receipt, ms.
    pub received_at: i64,
}

/// A row of `sensor_audio`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct AudioRow {
    /// The device's own time, ms.
    pub timestamp: i64,
    /// The device that recorded.
    pub device_id: String,
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// Duration in seconds.
    #[serde(deserialize_with = "number_or_nan")]
    pub duration: f64,
    /// `wav` or `pcm`.
    pub format: String,
    /// Hash of the clip's bytes; `window_actions` refers to it.
    pub audio_hash: String,
    /// JSON of the extracted features.
    pub features: String,
    /// Path of the recording; empty if it is not stored.
    #[serde(default)]
    pub raw_path: String,
    /// Time of receipt, ms.
    pub received_at: i64,
    /// Mean spectral bandwidth, Hz; NaN if it was not computed.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub spectral_bandwidth: f32,
    /// Mean spectral flatness, 0–1; NaN if it was not computed.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub spectral_flatness: f32,
    /// Levels of mel bands, dB, the lowest first; empty if they were not computed.
    #[serde(default)]
    pub mel_db: Vec<f32>,
}

/// A row of `window_actions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct WindowActionRow {
    /// Time of the decision, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// % open, 0–100.
    #[serde(deserialize_with = "number_or_nan")]
    pub position: f64,
    /// Confidence, 0–1.
    #[serde(deserialize_with = "number_or_nan")]
    pub confidence: f64,
    /// Temperature that the decision is based on, °C; NaN if unknown.
    #[serde(deserialize_with = "number_or_nan")]
    pub temperature: f64,
    /// Humidity that the decision is based on, %; NaN if unknown.
    #[serde(deserialize_with = "number_or_nan")]
    pub humidity: f64,
    /// Hash of the clip that the decision is based on; empty without one.
    pub audio_hash: String,
    /// Id of the command; empty if the sender gave none.
    #[serde(default)]
    pub command_id: String,
    /// Version of the model that decided; empty if no model did or the sender did not state it.
    #[serde(default)]
    pub model_version: String,
    /// Reason of the decision; empty if the sender gave none.
    #[serde(default)]
    pub reason: String,
    /// Time of receipt, ms.
    pub received_at: i64,
    /// `model`, `person` or `schedule`; empty if the sender did not state it.
    #[serde(default)]
    pub origin: String,
}

/// A row of `ml_predictions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct MlPredictionRow {
    /// Time of the prediction, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// % open, 0–100.
    #[serde(deserialize_with = "number_or_nan")]
    pub prediction: f64,
    /// Confidence, 0–1.
    #[serde(deserialize_with = "number_or_nan")]
    pub confidence: f64,
    /// Inference time in milliseconds; NaN if unknown.
    #[serde(deserialize_with = "number_or_nan")]
    pub inference_time_ms: f64,
    /// Version of the model.
    pub model_version: String,
    /// Id of the command that carried it; empty if the sender gave none.
    #[serde(default)]
    pub command_id: String,
    /// Time of receipt, ms.
    pub received_at: i64,
    /// Whether it moved no window, because its confidence was too low.
    #[serde(default)]
    pub held: bool,
}

/// A row of `device_registry`. Of each device, the row with the latest `last_seen` is valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct DeviceRow {
    /// The device.
    pub device_id: String,
    /// A name for people.
    pub name: String,
    /// Its location.
    pub location: String,
    /// Time of the first message, ms.
    pub registered_at: i64,
    /// Time of the latest message, ms.
    pub last_seen: i64,
    /// Whether it has sent messages recently.
    pub is_active: bool,
    /// Configuration of the device, a JSON object.
    pub config: String,
}

/// A row of `window_states`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct WindowStateRow {
    /// The window's own time, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// % open, 0–100.
    #[serde(deserialize_with = "number_or_nan")]
    pub position: f64,
    /// Time of receipt, ms.
    pub received_at: i64,
}

/// A row of `device_events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct DeviceEventRow {
    /// Time of the event, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// `registered`, `online`, `offline`, `inactive`, …
    pub event: String,
    /// Explanation in words.
    #[serde(default)]
    pub detail: String,
    /// Time at which it was noticed, ms.
    pub received_at: i64,
}

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

/// What rows in journals from before a column say of it.
const fn nan() -> f64 {
    f64::NAN
}

/// JSON has no NaN and writes it as null.
fn number_or_nan<'de, D: Deserializer<'de>, T: Deserialize<'de> + From<f32>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_else(|| f32::NAN.into()))
}

/// What a row of before says of a column that came later.
const fn unknown() -> f32 {
    f32::NAN
}
