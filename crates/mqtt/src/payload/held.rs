//! `ml/prediction/{device_id}`: what the model decided and nobody was told, for too little confidence or by the law of moves.
//! It moves nothing and is never retained.

use std::borrow::Cow;

use domain::{Confidence, Contributions, DeviceId, HeldDecision, Position, Quantity, Refusal, Timestamp};
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
    required("model_version", Kind::Text),
    optional("inference_time_ms", Kind::Number),
    optional("reason", Kind::Text),
    optional("verdict", Kind::Text),
];

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    position: f64,
    confidence: f64,
    features_used: Climate,
    model_version: String,
    #[serde(default)]
    inference_time_ms: Option<f64>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    verdict: Option<String>,
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
    features_used: Climate,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_time_ms: Option<f64>,
    /// For readers: that no command follows.
    held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributions: Option<Contributions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_z: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Climate {
    temperature: f64,
    humidity: f64,
}

/// Decodes a decision that was held.
pub fn decode_held(device_id: DeviceId, payload: &[u8]) -> Result<HeldDecision, Refusal> {
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = field::read_short(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    field::not_negative("inference_time_ms", inbound.inference_time_ms)?;
    Ok(HeldDecision {
        device_id,
        timestamp: field::timestamp("timestamp", &inbound.timestamp)?,
        position: field::bounded("position", Position::new(inbound.position))?,
        confidence: field::bounded("confidence", Confidence::new(inbound.confidence))?,
        temperature: Quantity::Temperature.check(inbound.features_used.temperature)?,
        humidity: Quantity::Humidity.check(inbound.features_used.humidity)?,
        model_version: inbound.model_version,
        inference_time_ms: inbound.inference_time_ms,
        reason: inbound.reason,
        verdict: inbound.verdict,
        contributions: field::lenient(inbound.contributions),
        guard: field::guard(inbound.model_confidence, inbound.largest_z),
    })
}

/// Encodes a decision that is held.
pub fn encode_held(decision: &HeldDecision) -> Vec<u8> {
    field::write(&Outbound {
        device_id: &decision.device_id,
        timestamp: decision.timestamp,
        position: decision.position.percent(),
        confidence: decision.confidence.probability(),
        features_used: Climate {
            temperature: decision.temperature,
            humidity: decision.humidity,
        },
        model_version: &decision.model_version,
        inference_time_ms: decision.inference_time_ms,
        held: true,
        reason: decision.reason.as_deref(),
        verdict: decision.verdict.as_deref(),
        contributions: decision.contributions,
        model_confidence: decision.guard.map(|guard| guard.model_confidence.probability()),
        largest_z: decision.guard.map(|guard| guard.largest_z),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn device() -> DeviceId {
        DeviceId::parse("sensor-001").expect("a valid id")
    }

    #[test]
    fn what_is_written_is_read() {
        let decision = HeldDecision {
            device_id: device(),
            timestamp: Timestamp::from_millis(1_761_307_200_000),
            position: Position::new(95.0).unwrap(),
            confidence: Confidence::new(0.0).unwrap(),
            temperature: 99.0,
            humidity: 50.0,
            model_version: "v1".into(),
            inference_time_ms: Some(0.01),
            reason: Some("confidence 0.00 is below 0.2".into()),
            verdict: Some("override".into()),
            contributions: Some(Contributions {
                average: 31.0,
                temperature: 60.0,
                humidity: 2.5,
                sound: 1.5,
            }),
            guard: domain::Guard::known(0.82, 4.25),
        };
        let text = encode_held(&decision);
        assert!(String::from_utf8_lossy(&text).contains(r#""held":true"#));
        assert_eq!(decode_held(device(), &text).unwrap(), decision);
    }

    #[test]
    fn numbers_that_are_none_or_stand_alone_count_as_absent() {
        let of = |fields: &str| {
            let text = format!(
                r#"{{"timestamp": "2025-10-24T12:00:00Z", "position": 50, "confidence": 0.5, "model_version": "v1",
                    "features_used": {{"temperature": 21, "humidity": 50}}{fields}}}"#
            );
            decode_held(device(), text.as_bytes()).unwrap().guard
        };
        assert_eq!(
            of(r#", "model_confidence": 0.75, "largest_z": 6"#),
            domain::Guard::known(0.75, 6.0)
        );
        for fields in [
            "",
            r#", "model_confidence": 0.75"#,
            r#", "largest_z": 6"#,
            r#", "model_confidence": 1.5, "largest_z": 6"#,
            r#", "model_confidence": 0.75, "largest_z": -1"#,
            r#", "model_confidence": "sure", "largest_z": "far""#,
            r#", "model_confidence": null, "largest_z": null"#,
        ] {
            assert_eq!(of(fields), None, "{fields}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_held(device(), &payload);
        }
    }
}
