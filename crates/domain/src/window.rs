//! Requests for a window position, commands, and what a window reports.
//!
//! In: climate, features and a model's outputs. Out: requests, actions and states whose numbers are within bounds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AudioFormat, AudioHash, ClipFeatures, DeviceId, Timestamp, WindowContext};

/// The number is not finite or lies outside its bounds.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{value} is outside {low} to {high}")]
pub struct InvalidValue {
    /// The rejected number.
    pub value: f64,
    /// The lowest value allowed.
    pub low: f64,
    /// The highest value allowed.
    pub high: f64,
}

fn bounded(value: f64, low: f64, high: f64) -> Result<f64, InvalidValue> {
    if (low..=high).contains(&value) {
        // Zero has no sign here.
        Ok(value + 0.0)
    } else {
        Err(InvalidValue { value, low, high })
    }
}

/// Opening of a window in percent: 0 is shut, 100 is fully open. Always finite and within these bounds.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Position(f64);

impl Position {
    /// A window that is shut.
    pub const SHUT: Self = Self(0.0);

    /// Checks that `percent` is finite and 0 to 100.
    pub fn new(percent: f64) -> Result<Self, InvalidValue> {
        bounded(percent, 0.0, 100.0).map(Self)
    }

    /// Returns the opening in percent.
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

/// Confidence of a prediction: the probability, 0 to 1, that the position is within 10 points of the right one.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

impl Confidence {
    /// Checks that `probability` is finite and 0 to 1.
    pub fn new(probability: f64) -> Result<Self, InvalidValue> {
        bounded(probability, 0.0, 1.0).map(Self)
    }

    /// Returns the probability, 0 to 1.
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

/// The backend's request to the ML service: the aggregated state of a device at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct InferenceRequest {
    /// The device whose window it concerns.
    pub device_id: DeviceId,
    /// Time of the newest reading in it.
    pub timestamp: Timestamp,
    /// Temperature in degrees Celsius.
    pub temperature: f64,
    /// Relative humidity in percent.
    pub humidity: f64,
    /// The latest clip, if it is recent.
    pub audio: Option<RequestAudio>,
    /// Time after which an answer is of no use.
    pub expires_at: Option<Timestamp>,
    /// What the law of moves looks at; absent from senders that know only the specification's fields.
    pub window: Option<Box<WindowContext>>,
}

/// The recording in a request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestAudio {
    /// The clip's container as standard Base64.
    pub data_base64: Arc<str>,
    /// Samples per second.
    pub sample_rate: u32,
    /// Duration in seconds.
    pub duration_s: f64,
    /// Format of the container.
    pub format: AudioFormat,
    /// The clip's hash, if the sender computed it.
    pub audio_hash: Option<AudioHash>,
    /// The clip's features, if the sender computed them.
    pub features: Option<ClipFeatures>,
}

/// Who decided the position of a window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The model of this version.
    Model(String),
    /// A person.
    Person,
    /// A schedule.
    Schedule,
    /// An interlock: rain, wind, a lock.
    Interlock,
    /// Not stated: a script, or a service that knows only the specification's fields.
    Unstated,
}

impl Origin {
    /// Returns the name used in payloads and tables; empty if the sender did not state an origin.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Person => "person",
            Self::Schedule => "schedule",
            Self::Interlock => "interlock",
            Self::Unstated => "",
        }
    }

    /// Returns the version of the model that decided, if it was a model.
    pub fn model_version(&self) -> Option<&str> {
        match self {
            Self::Model(version) => Some(version),
            Self::Person | Self::Schedule | Self::Interlock | Self::Unstated => None,
        }
    }

    /// The version of a model whose service does not name it.
    pub const UNNAMED_MODEL: &'static str = "unknown";

    /// Returns the origin that a command states by its word and its model's version, either of which may be absent. A
    /// word wins over a version; without a word that is known, a command that names a version is the model's.
    pub fn stated(word: Option<&str>, model_version: Option<String>) -> Self {
        let version = model_version.filter(|version| !version.is_empty());
        match (word.unwrap_or_default(), version) {
            ("person", _) => Self::Person,
            ("schedule", _) => Self::Schedule,
            ("interlock", _) => Self::Interlock,
            ("model", version) => Self::Model(version.unwrap_or_else(|| Self::UNNAMED_MODEL.to_owned())),
            (_, Some(version)) => Self::Model(version),
            (_, None) => Self::Unstated,
        }
    }
}

/// A command to a window, as sent on `window/{device_id}/control` and stored.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowAction {
    /// The device whose window it concerns.
    pub device_id: DeviceId,
    /// Time of the decision.
    pub timestamp: Timestamp,
    /// The commanded position.
    pub position: Position,
    /// The model's confidence.
    pub confidence: Confidence,
    /// Temperature that the decision is based on, in degrees Celsius.
    pub temperature: f64,
    /// Relative humidity that the decision is based on, in percent.
    pub humidity: f64,
    /// Names of the audio features that the decision is based on; empty without a clip.
    pub audio_features: Vec<String>,
    /// Identifies the command, so that duplicates can be found; absent from other senders.
    pub command_id: Option<String>,
    /// Who decided.
    pub origin: Origin,
    /// Inference time in milliseconds; absent from other senders.
    pub inference_time_ms: Option<f64>,
    /// Hash of the clip that the decision is based on.
    pub audio_hash: Option<AudioHash>,
    /// Why the window moves, in words; absent from other senders.
    pub reason: Option<String>,
    /// Which interlock, by [`crate::Cause::as_str`], or which schedule, by its name; absent where neither moves it.
    pub cause: Option<String>,
    /// Time after which the window should not act on it.
    pub expires_at: Option<Timestamp>,
    /// What moved the model's prediction away from the average of its training.
    pub contributions: Option<Contributions>,
    /// What lowered the model's confidence, or left it; absent from other senders.
    pub guard: Option<Guard>,
    /// What the model wanted, where the law of moves gave less; absent where that is the commanded position.
    pub wish: Option<Position>,
}

impl WindowAction {
    /// Returns what the law of moves gave, in one word: `moved`, or `limited` where the model wanted more or less.
    pub const fn verdict(&self) -> &'static str {
        if self.wish.is_some() { "limited" } else { "moved" }
    }
}

/// What moved a prediction away from the average of the model's training, in points of the position. The parts and the
/// average add up to the prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contributions {
    /// The prediction for the average of the training, %.
    pub average: f64,
    /// What temperature adds, points.
    pub temperature: f64,
    /// What humidity adds, points.
    pub humidity: f64,
    /// What the clip adds, points; 0 without a clip.
    pub sound: f64,
}

impl Contributions {
    /// Returns them from columns, where they are known.
    pub fn known([average, temperature, humidity, sound]: [f32; 4]) -> Option<Self> {
        let all = [average, temperature, humidity, sound];
        let parts = Self {
            average: f64::from(average),
            temperature: f64::from(temperature),
            humidity: f64::from(humidity),
            sound: f64::from(sound),
        };
        all.iter()
            .all(|points| points.is_finite())
            .then(|| parts.rounded())
    }

    /// Returns them in hundredths of a point, as they are told: still within 0.1 point of the prediction.
    #[must_use]
    pub fn rounded(self) -> Self {
        let round = |points: f64| (points * 100.0).round() / 100.0;
        Self {
            average: round(self.average),
            temperature: round(self.temperature),
            humidity: round(self.humidity),
            sound: round(self.sound),
        }
    }
}

/// What lowers the model's own confidence where an input lies far from the training data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guard {
    /// The confidence before it is lowered.
    pub model_confidence: Confidence,
    /// The largest distance of an input from its mean in the training data, standard deviations.
    pub largest_z: f64,
}

impl Guard {
    /// Returns it where both numbers are what they are said to be: a probability, and a finite distance of 0 or more.
    pub fn known(model_confidence: f64, largest_z: f64) -> Option<Self> {
        let model_confidence = Confidence::new(model_confidence).ok()?;
        (largest_z.is_finite() && largest_z >= 0.0).then_some(Self {
            model_confidence,
            largest_z,
        })
    }

    /// Returns it with the distance in hundredths of a standard deviation, as it is told.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self {
            largest_z: (self.largest_z * 100.0).round() / 100.0,
            ..self
        }
    }
}

/// The report of a window on `window/{device_id}/state`.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowState {
    /// The device whose window it concerns.
    pub device_id: DeviceId,
    /// Time of the report, by the device's clock.
    pub timestamp: Timestamp,
    /// The current position.
    pub position: Position,
    /// The position it is moving to, if stated.
    pub target: Option<Position>,
    /// Id of the command that it follows, if stated.
    pub command_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_are_percent() {
        assert!(Position::new(0.0).is_ok() && Position::new(100.0).is_ok());
        assert_eq!(Position::new(-0.0).unwrap().percent().to_string(), "0");
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
            (Some("model"), None, Origin::Model("unknown".into())),
            (
                Some("model"),
                Some(String::new()),
                Origin::Model("unknown".into()),
            ),
            (Some("person"), version(), Origin::Person),
            (Some("gremlin"), version(), Origin::Model("v1".into())),
            (Some("person"), None, Origin::Person),
            (Some("schedule"), None, Origin::Schedule),
            (Some("interlock"), None, Origin::Interlock),
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
