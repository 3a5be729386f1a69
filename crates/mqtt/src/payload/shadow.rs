//! `ml/prediction/shadow/{device_id}`: what a candidate model would have decided. It moves nothing and is never retained.

use std::borrow::Cow;

use domain::{Confidence, Contributions, DeviceId, Position, Refusal, ShadowPrediction, Timestamp};
use serde::{Deserialize, Serialize};

use super::field::{self, Field, Kind, optional, required};

pub(super) const FIELDS: &[Field] = &[
    optional("device_id", Kind::Text),
    required("timestamp", Kind::Time),
    required("position", Kind::Number),
    required("confidence", Kind::Number),
    required("model_version", Kind::Text),
    optional("inference_time_ms", Kind::Number),
    optional("command_id", Kind::Text),
];

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    position: f64,
    confidence: f64,
    model_version: String,
    #[serde(default)]
    inference_time_ms: Option<f64>,
    #[serde(default)]
    command_id: Option<String>,
    #[serde(default)]
    contributions: Option<serde_json::Value>,
    #[serde(default)]
    model_confidence: Option<serde_json::Value>,
    #[serde(default)]
    largest_z: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    device_id: &'a DeviceId,
    timestamp: Timestamp,
    position: f64,
    confidence: f64,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_time_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributions: Option<Contributions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_z: Option<f64>,
}

/// Decodes a candidate's prediction.
pub fn decode_shadow(device_id: DeviceId, payload: &[u8]) -> Result<ShadowPrediction, Refusal> {
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = field::read_short(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    field::not_negative("inference_time_ms", inbound.inference_time_ms)?;
    Ok(ShadowPrediction {
        device_id,
        timestamp: field::timestamp("timestamp", &inbound.timestamp)?,
        position: field::bounded("position", Position::new(inbound.position))?,
        confidence: field::bounded("confidence", Confidence::new(inbound.confidence))?,
        model_version: inbound.model_version,
        inference_time_ms: inbound.inference_time_ms,
        command_id: inbound.command_id,
        contributions: field::lenient(inbound.contributions),
        guard: field::guard(inbound.model_confidence, inbound.largest_z),
    })
}

/// Encodes a candidate's prediction.
pub fn encode_shadow(prediction: &ShadowPrediction) -> Vec<u8> {
    field::write(&Outbound {
        device_id: &prediction.device_id,
        timestamp: prediction.timestamp,
        position: prediction.position.percent(),
        confidence: prediction.confidence.probability(),
        model_version: &prediction.model_version,
        inference_time_ms: prediction.inference_time_ms,
        command_id: prediction.command_id.as_deref(),
        contributions: prediction.contributions,
        model_confidence: prediction.guard.map(|guard| guard.model_confidence.probability()),
        largest_z: prediction.guard.map(|guard| guard.largest_z),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn device() -> DeviceId {
        DeviceId::parse("sensor-001").unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let prediction = ShadowPrediction {
            device_id: device(),
            timestamp: Timestamp::from_millis(1_761_307_200_000),
            position: Position::new(12.5).unwrap(),
            confidence: Confidence::new(0.75).unwrap(),
            model_version: "v2".into(),
            inference_time_ms: Some(0.01),
            command_id: Some("c".into()),
            contributions: Some(Contributions {
                average: 31.0,
                temperature: -20.25,
                humidity: 1.5,
                sound: 0.25,
            }),
            guard: domain::Guard::known(0.82, 4.25),
        };
        assert_eq!(
            decode_shadow(device(), &encode_shadow(&prediction)).unwrap(),
            prediction
        );
    }

    #[test]
    fn what_is_missing_or_out_of_range_is_named() {
        let refused = |json: &str| decode_shadow(device(), json.as_bytes()).unwrap_err().detail;
        let whole = r#"{"timestamp": "2025-10-24T12:00:00Z", "position": 50, "confidence": 0.5, "model_version": "v2"}"#;
        assert!(decode_shadow(device(), whole.as_bytes()).is_ok());
        assert!(
            refused(&whole.replace("model_version", "version")).starts_with("'model_version' is missing")
        );
        assert!(refused(&whole.replace("50", "150")).starts_with("'position'"));
        assert!(refused(&whole.replace('{', r#"{"device_id": "other", "#)).contains("the topic"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_shadow(device(), &payload);
        }
    }
}
