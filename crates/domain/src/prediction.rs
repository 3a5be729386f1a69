//! Predictions that move no window: a candidate's, made beside the model that serves, and those of too little confidence.

use crate::{Confidence, Contributions, DeviceId, Guard, Position, Timestamp};

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
    /// What moved the prediction away from the average of the candidate's training.
    pub contributions: Option<Contributions>,
    /// What lowered the candidate's confidence, or left it.
    pub guard: Option<Guard>,
}

/// A decision of the serving model that is not carried out: its confidence is too low, or the law of moves keeps the window
/// where it is. It moves nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldDecision {
    /// The device whose window it concerns.
    pub device_id: DeviceId,
    /// Time of the decision.
    pub timestamp: Timestamp,
    /// Position that would have been commanded.
    pub position: Position,
    /// The confidence.
    pub confidence: Confidence,
    /// Temperature that the decision is based on, in degrees Celsius.
    pub temperature: f64,
    /// Relative humidity that the decision is based on, in percent.
    pub humidity: f64,
    /// The model's version.
    pub model_version: String,
    /// The inference time in milliseconds.
    pub inference_time_ms: Option<f64>,
    /// Why it is held, in words.
    pub reason: Option<String>,
    /// Why the law of moves keeps the window, by [`crate::Keep::as_str`]; absent where the confidence is too low.
    pub verdict: Option<String>,
    /// What moved the prediction away from the average of the model's training.
    pub contributions: Option<Contributions>,
    /// What lowered the model's confidence, or left it; absent from other senders.
    pub guard: Option<Guard>,
}

impl HeldDecision {
    /// Returns why it is held, in one word: what the law of moves said, or `unsure` where the confidence was too low.
    pub fn verdict(&self) -> &str {
        self.verdict.as_deref().unwrap_or("unsure")
    }
}

impl Confidence {
    /// The confidence below which a decision is not carried out, unless configured otherwise.
    pub const DEFAULT_FLOOR: f64 = 0.2;
}
