//! `window/{device_id}/control`: the position to go to, and the inputs of the decision.
//!
//! In addition to the specification's fields it may have `command_id`, `origin`, `model_version`, `inference_time_ms`,
//! `audio_hash`, `reason`, `cause`, `expires_at`,
//! `contributions`, `model_confidence`, `largest_z` and `wish`. It is never retained.

use std::borrow::Cow;

use domain::{
    Confidence, Contributions, DeviceId, Origin, Position, Quantity, Refusal, Timestamp, WindowAction,
};
use serde::{Deserialize, Serialize};

use super::field::{self, Field, Kind, optional, required};

pub(super) const FIELDS: &[Field] = &[
    optional("device_id", Kind::Text),
    required("timestamp", Kind::Time),
    required("position", Kind::Number),
    required("confidence", Kind::Number),
    required("features_used", Kind::Object),
    required("features_used.temperature", Kind::Number),
    required("features_used.humidity", Kind::Number),
    optional("features_used.audio_features", Kind::Texts),
    optional("command_id", Kind::Text),
    optional("model_version", Kind::Text),
    optional("inference_time_ms", Kind::Number),
    optional("audio_hash", Kind::Text),
    optional("reason", Kind::Text),
    optional("expires_at", Kind::Time),
];

/// Bytes of a cause's name; a schedule's name is shorter.
const MAX_CAUSE: usize = 256;

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    position: f64,
    confidence: f64,
    features_used: FeaturesUsed,
    #[serde(default)]
    command_id: Option<String>,
    #[serde(default)]
    origin: Option<serde_json::Value>,
    #[serde(default)]
    model_version: Option<String>,
    #[serde(default)]
    inference_time_ms: Option<f64>,
    #[serde(default)]
    audio_hash: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    cause: Option<serde_json::Value>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    contributions: Option<serde_json::Value>,
    #[serde(default)]
    model_confidence: Option<serde_json::Value>,
    #[serde(default)]
    largest_z: Option<serde_json::Value>,
    #[serde(default)]
    wish: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct FeaturesUsed {
    temperature: f64,
    humidity: f64,
    #[serde(default)]
    audio_features: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    device_id: &'a DeviceId,
    timestamp: Timestamp,
    position: f64,
    confidence: f64,
    features_used: FeaturesSent<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_time_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributions: Option<Contributions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_z: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wish: Option<f64>,
}

#[derive(Serialize)]
struct FeaturesSent<'a> {
    temperature: f64,
    humidity: f64,
    audio_features: &'a [String],
}

/// Decodes a command from any sender of the specification's fields.
pub fn decode_control(device_id: DeviceId, payload: &[u8]) -> Result<WindowAction, Refusal> {
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = field::read_short(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    field::not_negative("inference_time_ms", inbound.inference_time_ms)?;
    let used = inbound.features_used;
    Ok(WindowAction {
        device_id,
        timestamp: field::timestamp("timestamp", &inbound.timestamp)?,
        position: field::bounded("position", Position::new(inbound.position))?,
        confidence: field::bounded("confidence", Confidence::new(inbound.confidence))?,
        temperature: Quantity::Temperature.check(used.temperature)?,
        humidity: Quantity::Humidity.check(used.humidity)?,
        audio_features: used.audio_features.unwrap_or_default(),
        command_id: inbound.command_id,
        origin: Origin::stated(
            // Another sender may have a field of that name for something else.
            inbound.origin.as_ref().and_then(serde_json::Value::as_str),
            inbound.model_version,
        ),
        inference_time_ms: inbound.inference_time_ms,
        audio_hash: field::audio_hash("audio_hash", inbound.audio_hash.as_deref())?,
        reason: inbound.reason,
        // Another sender may have a field of that name for something else.
        cause: inbound.cause.as_ref().and_then(cause),
        expires_at: inbound
            .expires_at
            .map(|text| field::timestamp("expires_at", &text))
            .transpose()?,
        // Another sender may have a field of that name for something else.
        contributions: field::lenient(inbound.contributions),
        guard: field::guard(inbound.model_confidence, inbound.largest_z),
        wish: field::lenient(inbound.wish),
    })
}

/// The name of an interlock or a schedule.
fn cause(value: &serde_json::Value) -> Option<String> {
    let name = value.as_str()?;
    let is_name = (1..=MAX_CAUSE).contains(&name.len()) && !name.chars().any(char::is_control);
    is_name.then(|| name.to_owned())
}

/// Encodes a command.
pub fn encode_control(action: &WindowAction) -> Vec<u8> {
    field::write(&Outbound {
        device_id: &action.device_id,
        timestamp: action.timestamp,
        position: action.position.percent(),
        confidence: action.confidence.probability(),
        features_used: FeaturesSent {
            temperature: action.temperature,
            humidity: action.humidity,
            audio_features: &action.audio_features,
        },
        command_id: action.command_id.as_deref(),
        origin: Some(action.origin.as_str()).filter(|word| !word.is_empty()),
        model_version: action.origin.model_version(),
        inference_time_ms: action.inference_time_ms,
        audio_hash: action.audio_hash.as_ref().map(domain::AudioHash::as_str),
        reason: action.reason.as_deref(),
        cause: action.cause.as_deref(),
        expires_at: action.expires_at,
        contributions: action.contributions,
        model_confidence: action.guard.map(|guard| guard.model_confidence.probability()),
        largest_z: action.guard.map(|guard| guard.largest_z),
        wish: action.wish.map(Position::percent),
    })
}
