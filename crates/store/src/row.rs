//! Rows, field for field as their tables have them: same names, same order, plain strings and numbers.
//!
//! Every `*_at` and `timestamp` is in milliseconds since 1970-01-01 UTC. What may be unknown is NaN or empty, as in the
//! tables. Adding a column: append a field with `#[serde(default)]`, so that rows still in a journal keep decoding.

use clickhouse::Row;
use serde::{Deserialize, Deserializer, Serialize};

/// A row of `sensor_{quantity}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct ReadingRow {
    /// The device's own time, ms.
    pub timestamp: i64,
    /// Who measured.
    pub device_id: String,
    /// The value, in the unit of the table's quantity.
    #[serde(deserialize_with = "number_or_nan")]
    pub value: f64,
    /// When we received it, ms; stored to the second.
    pub received_at: i64,
}

/// A row of `sensor_audio`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct AudioRow {
    /// The device's own time, ms.
    pub timestamp: i64,
    /// Who recorded.
    pub device_id: String,
    /// Hz.
    pub sample_rate: u32,
    /// Seconds.
    #[serde(deserialize_with = "number_or_nan")]
    pub duration: f64,
    /// `wav` or `pcm`.
    pub format: String,
    /// Hash of the clip's bytes; `window_actions` refers to it.
    pub audio_hash: String,
    /// JSON of the extracted features.
    pub features: String,
    /// Where the raw audio lies; empty when it is not stored.
    #[serde(default)]
    pub raw_path: String,
    /// When we received it, ms.
    pub received_at: i64,
}

/// A row of `window_actions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct WindowActionRow {
    /// When it was decided, ms.
    pub timestamp: i64,
    /// Whose window.
    pub device_id: String,
    /// % open, 0–100.
    #[serde(deserialize_with = "number_or_nan")]
    pub position: f64,
    /// 0–1.
    #[serde(deserialize_with = "number_or_nan")]
    pub confidence: f64,
    /// °C it was decided from; NaN when unknown.
    #[serde(deserialize_with = "number_or_nan")]
    pub temperature: f64,
    /// % it was decided from; NaN when unknown.
    #[serde(deserialize_with = "number_or_nan")]
    pub humidity: f64,
    /// The clip it was decided from; empty without one.
    pub audio_hash: String,
    /// Identifies the command; empty when the sender gave none.
    #[serde(default)]
    pub command_id: String,
    /// Which model decided; empty when it was none, or the sender did not say.
    #[serde(default)]
    pub model_version: String,
    /// Why it was decided; empty when the sender gave none.
    #[serde(default)]
    pub reason: String,
    /// When we received it, ms.
    pub received_at: i64,
    /// `model`, `person`, `schedule`; empty when the sender did not say.
    #[serde(default)]
    pub origin: String,
}

/// A row of `ml_predictions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct MlPredictionRow {
    /// When it was predicted, ms.
    pub timestamp: i64,
    /// For whose window.
    pub device_id: String,
    /// % open, 0–100.
    #[serde(deserialize_with = "number_or_nan")]
    pub prediction: f64,
    /// 0–1.
    #[serde(deserialize_with = "number_or_nan")]
    pub confidence: f64,
    /// Milliseconds; NaN when unknown.
    #[serde(deserialize_with = "number_or_nan")]
    pub inference_time_ms: f64,
    /// Which model predicted.
    pub model_version: String,
    /// The command that carried it; empty when the sender gave none.
    #[serde(default)]
    pub command_id: String,
    /// When we received it, ms.
    pub received_at: i64,
}

/// A row of `device_registry`; the row with the latest `last_seen` of a device counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct DeviceRow {
    /// Who.
    pub device_id: String,
    /// A name for people.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// First message, ms.
    pub registered_at: i64,
    /// Latest message, ms.
    pub last_seen: i64,
    /// Whether it has been heard of lately.
    pub is_active: bool,
    /// JSON object.
    pub config: String,
}

/// A row of `window_states`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct WindowStateRow {
    /// The window's own time, ms.
    pub timestamp: i64,
    /// Whose window.
    pub device_id: String,
    /// % open, 0–100.
    #[serde(deserialize_with = "number_or_nan")]
    pub position: f64,
    /// When we received it, ms.
    pub received_at: i64,
}

/// A row of `device_events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct DeviceEventRow {
    /// When it happened, ms.
    pub timestamp: i64,
    /// To whom.
    pub device_id: String,
    /// `registered`, `online`, `offline`, `inactive`, …
    pub event: String,
    /// More about it, in words.
    #[serde(default)]
    pub detail: String,
    /// When we noticed, ms.
    pub received_at: i64,
}

/// A row of `ingest_errors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct IngestErrorRow {
    /// When it was refused, ms.
    pub received_at: i64,
    /// The message's topic, or the table that refused a row.
    pub topic: String,
    /// A small fixed code.
    pub reason: String,
    /// In words.
    pub detail: String,
    /// The beginning of the payload; see [`IngestErrorRow::excerpt`].
    pub first_bytes: String,
}

impl IngestErrorRow {
    /// The first 256 bytes of a payload, printable bytes as they are, others as `\xNN`.
    pub fn excerpt(payload: &[u8]) -> String {
        payload[..payload.len().min(256)].escape_ascii().to_string()
    }
}

/// JSON has no NaN and writes it as null.
fn number_or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
