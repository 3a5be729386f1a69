//! Rows of what devices measure: readings, suspect ones, clips.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{number_or_nan, unknown};

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
    /// What was added to the sensor's own value.
    #[serde(default)]
    pub offset: f64,
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
    /// What was added to what the sensor said.
    #[serde(default)]
    pub offset: f64,
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
