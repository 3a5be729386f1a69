//! What a candidate model said beside the one that serves.

use crate::{Confidence, DeviceId, Position, Timestamp};

/// A prediction that moves nothing: a shadow's answer to a request that another model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowPrediction {
    /// For whose window.
    pub device_id: DeviceId,
    /// The time of the command that the serving model's answer became.
    pub timestamp: Timestamp,
    /// Where the candidate would have sent the window.
    pub position: Position,
    /// How sure the candidate is.
    pub confidence: Confidence,
    /// The candidate.
    pub model_version: String,
    /// Milliseconds that the candidate computed.
    pub inference_time_ms: Option<f64>,
    /// The command that the serving model's answer became; what pairs the two predictions.
    pub command_id: Option<String>,
}
