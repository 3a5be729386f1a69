//! Rows of windows: decisions, predictions, positions, and what became of commands.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{nan, number_or_nan, unknown};

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
    /// `model`, `person`, `schedule` or `interlock`; empty if the sender did not state it.
    #[serde(default)]
    pub origin: String,
    /// The prediction for the average of the model's training, % open; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub average: f32,
    /// What temperature added to it, points; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub contribution_temperature: f32,
    /// What humidity added to it, points; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub contribution_humidity: f32,
    /// What the clip added to it, points; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub contribution_sound: f32,
    /// What the law of moves said; empty if unknown.
    #[serde(default)]
    pub verdict: String,
    /// Which interlock or schedule it is of; empty where neither moves the window.
    #[serde(default)]
    pub cause: String,
    /// The model's confidence before it was lowered for an input far from the training data, 0–1; NaN if unknown.
    #[serde(default = "nan", deserialize_with = "number_or_nan")]
    pub model_confidence: f64,
    /// The largest distance of an input from its mean in the training data, standard deviations; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub largest_z: f32,
}

impl Default for WindowActionRow {
    /// Nothing is known: numbers are NaN, texts empty.
    fn default() -> Self {
        Self {
            timestamp: 0,
            device_id: String::new(),
            position: f64::NAN,
            confidence: f64::NAN,
            temperature: f64::NAN,
            humidity: f64::NAN,
            audio_hash: String::new(),
            command_id: String::new(),
            model_version: String::new(),
            reason: String::new(),
            received_at: 0,
            origin: String::new(),
            average: f32::NAN,
            contribution_temperature: f32::NAN,
            contribution_humidity: f32::NAN,
            contribution_sound: f32::NAN,
            verdict: String::new(),
            cause: String::new(),
            model_confidence: f64::NAN,
            largest_z: f32::NAN,
        }
    }
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
    /// Whether it moved no window: its confidence was too low, or the law of moves kept the window.
    #[serde(default)]
    pub held: bool,
    /// The prediction for the average of the model's training, % open; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub average: f32,
    /// What temperature added to it, points; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub contribution_temperature: f32,
    /// What humidity added to it, points; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub contribution_humidity: f32,
    /// What the clip added to it, points; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub contribution_sound: f32,
    /// What the law of moves said; empty if unknown.
    #[serde(default)]
    pub verdict: String,
    /// Why it was held, in words; empty for what was carried out.
    #[serde(default)]
    pub reason: String,
    /// Temperature that a held prediction is based on, °C; NaN for others.
    #[serde(default = "nan", deserialize_with = "number_or_nan")]
    pub temperature: f64,
    /// Humidity that a held prediction is based on, %; NaN for others.
    #[serde(default = "nan", deserialize_with = "number_or_nan")]
    pub humidity: f64,
    /// The model's confidence before it was lowered for an input far from the training data, 0–1; NaN if unknown.
    #[serde(default = "nan", deserialize_with = "number_or_nan")]
    pub model_confidence: f64,
    /// The largest distance of an input from its mean in the training data, standard deviations; NaN if unknown.
    #[serde(default = "unknown", deserialize_with = "number_or_nan")]
    pub largest_z: f32,
}

impl Default for MlPredictionRow {
    /// Nothing is known: numbers are NaN, texts empty.
    fn default() -> Self {
        Self {
            timestamp: 0,
            device_id: String::new(),
            prediction: f64::NAN,
            confidence: f64::NAN,
            inference_time_ms: f64::NAN,
            model_version: String::new(),
            command_id: String::new(),
            received_at: 0,
            held: false,
            average: f32::NAN,
            contribution_temperature: f32::NAN,
            contribution_humidity: f32::NAN,
            contribution_sound: f32::NAN,
            verdict: String::new(),
            reason: String::new(),
            temperature: f64::NAN,
            humidity: f64::NAN,
            model_confidence: f64::NAN,
            largest_z: f32::NAN,
        }
    }
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

/// A row of `window_command_states`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
pub struct CommandStateRow {
    /// When the command came so far, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// Id of the command.
    pub command_id: String,
    /// `received`, `reached`, `failed` or `expired`.
    pub state: String,
    /// More, in words; empty where there is nothing to add.
    pub detail: String,
    /// Time at which it was noticed, ms.
    pub received_at: i64,
}
