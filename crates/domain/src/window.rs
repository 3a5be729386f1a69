//! Asking for a window position, commanding one, and what a window reports.
//!
//! In: climate, features and a model's numbers. Out: requests, actions and states whose numbers are within bounds.

use serde::{Deserialize, Serialize};

use crate::{AudioFormat, AudioHash, ClipFeatures, DeviceId, Timestamp};

/// The number is not finite or lies outside its bounds.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{value} is outside {low} to {high}")]
pub struct InvalidValue {
    /// What was given.
    pub value: f64,
    /// The lowest value allowed.
    pub low: f64,
    /// The highest value allowed.
    pub high: f64,
}

fn bounded(value: f64, low: f64, high: f64) -> Result<f64, InvalidValue> {
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(InvalidValue { value, low, high })
    }
}

/// How far a window is open, in percent: 0 is shut, 100 is wide open; always finite and within these.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Position(f64);

impl Position {
    /// Checks that `percent` is finite and 0 to 100.
    pub fn new(percent: f64) -> Result<Self, InvalidValue> {
        bounded(percent, 0.0, 100.0).map(Self)
    }

    /// Percent open.
    pub const fn percent(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Position {
    type Error = InvalidValue;
    fn try_from(percent: f64) -> Result<Self, Self::Error> {
        Self::new(percent)
    }
}

impl From<Position> for f64 {
    fn from(position: Position) -> Self {
        position.0
    }
}

/// How sure a prediction is: the probability, 0 to 1, that the position is within 10 points of the right one.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

impl Confidence {
    /// Checks that `probability` is finite and 0 to 1.
    pub fn new(probability: f64) -> Result<Self, InvalidValue> {
        bounded(probability, 0.0, 1.0).map(Self)
    }

    /// The probability, 0 to 1.
    pub const fn probability(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Confidence {
    type Error = InvalidValue;
    fn try_from(probability: f64) -> Result<Self, Self::Error> {
        Self::new(probability)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

/// What the backend asks the ML service: the device's aggregated state at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct InferenceRequest {
    /// Whose window.
    pub device_id: DeviceId,
    /// The time of the newest reading in it.
    pub timestamp: Timestamp,
    /// Degrees Celsius.
    pub temperature: f64,
    /// Percent.
    pub humidity: f64,
    /// The latest recording, where there is a recent one.
    pub audio: Option<RequestAudio>,
    /// Past this time an answer helps nobody.
    pub expires_at: Option<Timestamp>,
}

/// The recording in a request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestAudio {
    /// The clip's container as standard Base64, exactly as it travels.
    pub data_base64: String,
    /// Samples per second as the device said.
    pub sample_rate: u32,
    /// Seconds.
    pub duration_s: f64,
    /// What the container holds.
    pub format: AudioFormat,
    /// The clip's hash, where the sender computed it.
    pub audio_hash: Option<AudioHash>,
    /// The features already computed, where the sender did so.
    pub features: Option<ClipFeatures>,
}

/// Who decided where a window is to go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The model of this version.
    Model(String),
    /// A person.
    Person,
    /// A schedule.
    Schedule,
    /// The sender did not say: a script, or a service that knows only the specification's fields.
    Unstated,
}

impl Origin {
    /// The word for it in payloads and tables; empty where the sender did not say.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Person => "person",
            Self::Schedule => "schedule",
            Self::Unstated => "",
        }
    }

    /// The version of the model that decided.
    pub fn model_version(&self) -> Option<&str> {
        match self {
            Self::Model(version) => Some(version),
            Self::Person | Self::Schedule | Self::Unstated => None,
        }
    }

    /// The origin that a command states by its word and its model's version, either of which may be absent. A command
    /// that names a model is the model's; a word that nobody knows states nothing.
    pub fn stated(word: Option<&str>, model_version: Option<String>) -> Self {
        match (word.unwrap_or_default(), model_version) {
            ("person", _) => Self::Person,
            ("schedule", _) => Self::Schedule,
            (_, Some(version)) if !version.is_empty() => Self::Model(version),
            _ => Self::Unstated,
        }
    }
}

/// A command to a window, as it travels on `window/{device_id}/control` and is logged.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowAction {
    /// Whose window.
    pub device_id: DeviceId,
    /// When it was decided.
    pub timestamp: Timestamp,
    /// Where the window is to go.
    pub position: Position,
    /// How sure the model is.
    pub confidence: Confidence,
    /// Degrees Celsius the decision is based on.
    pub temperature: f64,
    /// Percent the decision is based on.
    pub humidity: f64,
    /// The names of the audio features the decision is based on; empty without a clip.
    pub audio_features: Vec<String>,
    /// Names this command, so that logging it twice can be seen; absent from other senders.
    pub command_id: Option<String>,
    /// Who decided.
    pub origin: Origin,
    /// Milliseconds from request to prediction; absent from other senders.
    pub inference_time_ms: Option<f64>,
    /// The clip the decision is based on.
    pub audio_hash: Option<AudioHash>,
    /// In words, why the window moves; absent from other senders.
    pub reason: Option<String>,
    /// Past this time the window should not act on it.
    pub expires_at: Option<Timestamp>,
}

/// What a window reports about itself on `window/{device_id}/state`.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowState {
    /// Whose window.
    pub device_id: DeviceId,
    /// When, by the device's clock.
    pub timestamp: Timestamp,
    /// Where it stands now.
    pub position: Position,
    /// Where it is going, where it says so.
    pub target: Option<Position>,
    /// The command it follows, where it says so.
    pub command_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_are_percent() {
        assert!(Position::new(0.0).is_ok() && Position::new(100.0).is_ok());
        for bad in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            assert!(Position::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_is_what_the_sender_states() {
        let version = || Some("v1".to_owned());
        for (word, model_version, origin) in [
            (None, None, Origin::Unstated),
            (None, Some(String::new()), Origin::Unstated),
            (None, version(), Origin::Model("v1".into())),
            (Some("model"), version(), Origin::Model("v1".into())),
            (Some("person"), None, Origin::Person),
            (Some("schedule"), None, Origin::Schedule),
            (Some("gremlin"), None, Origin::Unstated),
        ] {
            assert_eq!(Origin::stated(word, model_version), origin, "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn a_position_is_always_within_bounds(value in any::<f64>()) {
            if let Ok(position) = Position::new(value) {
                prop_assert!((0.0..=100.0).contains(&position.percent()));
            }
        }
    }
}
