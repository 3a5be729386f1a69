//! The prediction of a candidate model, made beside the one that serves.

use crate::{Confidence, DeviceId, Position, Timestamp};

/// A shadow prediction: a candidate's answer to a request that the serving model has answered. It moves nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowPrediction {
    /// The device whose window it concerns.
    pub device_id: DeviceId,
    /// Time of the serving model's command.
    pub timestamp: Timestamp,
    /// Position that the candidate would have commanded.
    pub position: Position,
    /// The candidate's confidence.
    pub confidence: Confidence,
    /// The candidate's version.
    pub model_version: String,
    /// The candidate's inference time in milliseconds.
    pub inference_time_ms: Option<f64>,
    /// Id of the serving model's command, which pairs the two predictions.
    pub command_id: Option<String>,
}
