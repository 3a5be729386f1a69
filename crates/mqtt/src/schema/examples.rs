//! Messages as they should be, for people and for programs that check programs.
//!
//! In: a kind. Out: at least one example of its payload.

use domain::Quantity;
use serde_json::{Value, json};

use crate::TopicKind;

/// A payload as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What it shows, as a name for programs.
    pub name: &'static str,
    /// The payload; of a status, the word.
    pub payload: Value,
}

impl Example {
    /// The bytes that are sent.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.payload {
            Value::String(word) => word.clone().into_bytes(),
            other => serde_json::to_vec(other).expect("a JSON value is JSON"),
        }
    }
}

const NOON: &str = "2025-10-24T12:00:00Z";
/// Four milliseconds of a tone: WAV, 16 bit, mono, 8 kHz.
const TONE: &str = "UklGRmQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YUAAAAAAAMsAfgEEAk0CUAINAowB3AASAEf/kf4G/rf9rf3q/Wb+Ev/b/6cAYAHwAUUCVQIeAqgB/wA4AGv/r/4b/sD9";
const COMMAND: &str = "0199f4a2-7c1e-7b52-9c3e-2f1f5a7d8e90";
const MODEL: &str = "v1.0.0";

/// Returns examples of the payloads of `kind`.
pub fn payload_examples(kind: TopicKind) -> Vec<Example> {
    let one = |payload| {
        vec![Example {
            name: "usual",
            payload,
        }]
    };
    match kind {
        TopicKind::Reading(quantity) => readings(quantity),
        TopicKind::Audio => {
            one(json!({"data": TONE, "sample_rate": 8_000, "duration": 0.004, "timestamp": NOON}))
        }
        TopicKind::InferenceRequest => one(json!({
            "device_id": "sensor-001", "timestamp": NOON, "temperature": 25.5, "humidity": 60.0,
            "audio_data": TONE, "audio_metadata": {"sample_rate": 8_000, "duration": 0.004},
        })),
        TopicKind::WindowControl => one(json!({
            "device_id": "sensor-001", "timestamp": NOON, "position": 75.5, "confidence": 0.92,
            "features_used": {
                "temperature": 25.5, "humidity": 60.0, "audio_features": ["mfcc_mean", "spectral_centroid", "rms"],
            },
            "command_id": COMMAND, "origin": "model", "model_version": MODEL, "inference_time_ms": 0.4,
            "expires_at": "2025-10-24T12:01:00Z",
        })),
        TopicKind::WindowState => one(json!({
            "device_id": "sensor-001", "timestamp": NOON, "position": 70.0, "target": 75.5, "command_id": COMMAND,
        })),
        TopicKind::Alarm => vec![
            Example {
                name: "on",
                payload: json!("on"),
            },
            Example {
                name: "over",
                payload: json!("off"),
            },
        ],
        TopicKind::WindowSet => vec![
            Example {
                name: "for_two_hours",
                payload: json!({"position": 40.0, "for_s": 7200.0, "by": "Anna"}),
            },
            Example {
                name: "as_long_as_usual",
                payload: json!(40),
            },
            Example {
                name: "over",
                payload: json!("resume"),
            },
        ],
        TopicKind::WindowOverride => vec![
            Example {
                name: "held",
                payload: json!({
                    "device_id": "sensor-001", "timestamp": NOON, "active": true, "position": 40.0,
                    "until": "2025-10-24T14:00:00Z", "by": "Anna", "source": "page",
                }),
            },
            Example {
                name: "over",
                payload: json!({"device_id": "sensor-001", "timestamp": NOON, "active": false}),
            },
        ],
        TopicKind::DeviceStatus => vec![
            Example {
                name: "birth",
                payload: json!("online"),
            },
            Example {
                name: "will",
                payload: json!("offline"),
            },
        ],
        TopicKind::Telemetry => one(json!({
            "battery_v": 3.9, "rssi_dbm": -67, "free_heap_bytes": 143_360, "uptime_s": 86_400, "firmware": "1.4.0",
            "timestamp": NOON,
        })),
        TopicKind::DeviceConfig => one(json!({
            "version": 7, "settings": {"thresholds": {"temperature": 0.5}, "report_interval_s": 30.0, "opening": {"max": 80.0}},
        })),
        TopicKind::ConfigAck => vec![
            Example {
                name: "applied",
                payload: json!({"version": 7, "status": "applied"}),
            },
            Example {
                name: "refused",
                payload: json!({"version": 7, "status": "refused", "reason": "the motor needs 20 s"}),
            },
        ],
        TopicKind::DeviceTime => {
            one(json!({"time": "2025-10-24T12:00:00.000Z", "unix_ms": 1_761_307_200_000_u64}))
        }
        TopicKind::TimeRequest => one(json!("")),
        TopicKind::RoomState => one(super::room::example()),
        TopicKind::ShadowPrediction => one(candidate()),
        TopicKind::Prediction => one(held()),
    }
}

/// What a candidate would have decided.
fn candidate() -> Value {
    json!({
        "device_id": "sensor-001", "timestamp": NOON, "position": 60.0, "confidence": 0.8, "model_version": "v2.0.0",
        "inference_time_ms": 0.5, "command_id": COMMAND,
    })
}

/// A decision that is not carried out.
fn held() -> Value {
    json!({
        "device_id": "sensor-001", "timestamp": NOON, "position": 60.0, "confidence": 0.12,
        "features_used": {"temperature": 25.5, "humidity": 60.0}, "model_version": MODEL, "inference_time_ms": 0.4,
        "held": true, "reason": "confidence 0.12 is below 0.2",
    })
}

fn readings(quantity: Quantity) -> Vec<Example> {
    let (value, other, unit) = match quantity {
        Quantity::Temperature => (25.5, 77.9, "F"),
        Quantity::Humidity => (60.0, 0.6, "fraction"),
        Quantity::Co2 => (640.0, 640_000.0, "ppb"),
        Quantity::Pressure => (1_013.2, 101_320.0, "Pa"),
        Quantity::Illuminance => (350.0, 0.35, "klx"),
        Quantity::Rain => (1.2, 0.05, "in/h"),
        Quantity::Wind => (4.5, 16.2, "km/h"),
    };
    vec![
        Example {
            name: "usual",
            payload: json!({"value": value, "timestamp": NOON}),
        },
        Example {
            name: "in_another_unit",
            payload: json!({"value": other, "unit": unit, "timestamp": NOON}),
        },
    ]
}
