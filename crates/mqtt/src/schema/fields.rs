//! What the fields of payloads mean, and their bounds.
//!
//! In: a kind and a path. Out: the parts of a JSON Schema that the decoder's table does not have.

use domain::{ClipLimits, Quantity};
use serde_json::{Value, json};

use crate::TopicKind;

const TIME: &str = "When, by the sender's clock: RFC 3339 with a zone, or a number of seconds, ms, µs or ns since 1970; 0 where \
                    there is no clock, and the time of receipt counts.";
const HASH: &str = "SHA-256 of the recording, 64 hex digits; empty where there is none.";

/// The description and the bounds of the field at `path`.
pub(super) fn about(kind: TopicKind, path: &str) -> Value {
    let limits = ClipLimits::default();
    let rate =
        || json!({"minimum": limits.min_sample_rate, "maximum": limits.max_sample_rate, "multipleOf": 1});
    let mut about = match path {
        "value" | "unit" => reading(kind, path),
        "position" | "target" | "battery_v" | "battery_percent" => json!({"minimum": 0, "maximum": 100}),
        "confidence" => json!({"minimum": 0, "maximum": 1}),
        "inference_time_ms" => json!({"minimum": 0}),
        "temperature" | "features_used.temperature" => range(Quantity::Temperature),
        "humidity" | "features_used.humidity" => range(Quantity::Humidity),
        "sample_rate" | "audio_metadata.sample_rate" => rate(),
        "duration" => json!({"minimum": 0, "maximum": limits.max_seconds}),
        "data" => json!({"contentEncoding": "base64", "minLength": 1}),
        "audio_data" => json!({"contentEncoding": "base64"}),
        "format" | "audio_metadata.format" => json!({"examples": ["wav", "flac", "pcm"]}),
        "rssi_dbm" => json!({"minimum": -200, "maximum": 50}),
        "free_heap_bytes" => json!({"minimum": 0, "maximum": 1e15}),
        "uptime_s" => json!({"minimum": 0, "maximum": 1e10}),
        "version" => json!({"minimum": 0, "multipleOf": 1}),
        "status" => json!({"enum": ["applied", "refused"]}),
        "audio_hash" => json!({"pattern": "^([0-9a-fA-F]{64})?$"}),
        _ => json!({}),
    };
    if let Some(text) = description(path) {
        about["description"] = text.into();
    }
    about
}

fn reading(kind: TopicKind, path: &str) -> Value {
    let TopicKind::Reading(quantity) = kind else {
        return json!({});
    };
    if path == "value" {
        let text = format!(
            "The value, in {} unless `unit` names another unit.",
            quantity.unit()
        );
        return json!({"description": text});
    }
    let known: Vec<&str> = quantity.unit_names().collect();
    let text = format!(
        "The unit of the value, if it is not {}; it is converted.",
        quantity.unit()
    );
    json!({"description": text, "examples": known})
}

fn range(quantity: Quantity) -> Value {
    let (low, high) = quantity.range();
    json!({"minimum": low, "maximum": high})
}

fn description(path: &str) -> Option<&'static str> {
    Some(match path {
        "timestamp" => TIME,
        "expires_at" => {
            "After this time it is of no use. A window does not follow a command that has expired."
        }
        "device_id" => "The device of the topic again; another one is refused.",
        "position" => "Percent open.",
        "target" => "Where the window is going, percent open.",
        "confidence" => "The probability that the position is right within 10 points.",
        "inference_time_ms" => "How long the model took, in milliseconds.",
        "model_version" => "The version of the model that decided.",
        "command_id" => "The id of the command; of several messages with one id the first counts.",
        "features_used" => "What the decision was based on.",
        "features_used.temperature" | "temperature" => "Temperature in °C.",
        "features_used.humidity" | "humidity" => "Relative humidity in %.",
        "features_used.audio_features" => "The names of the audio features that the model read.",
        "data" | "audio_data" => "The recording in Base64: WAV, FLAC, or bare 16-bit samples.",
        "sample_rate" | "audio_metadata.sample_rate" => "Samples a second, a whole number of hertz.",
        "duration" | "audio_metadata.duration" => "The length of the recording in seconds.",
        "format" | "audio_metadata.format" => "What the recording is: `wav` unless stated.",
        "audio_metadata" => "What the recording is; required with `audio_data`.",
        "audio_hash" => HASH,
        "battery_v" => "Volts of its battery.",
        "battery_percent" => "Charge of its battery, %.",
        "rssi_dbm" => "Strength of its reception, dBm.",
        "free_heap_bytes" => "Free memory, bytes.",
        "uptime_s" => "Seconds since its start.",
        "firmware" => "Version of its firmware; 64 characters are kept.",
        "window" => {
            "What is known of the window: position, last command, a person's wish, limits, interlocks."
        }
        "verdict" => {
            "Why the law of moves keeps the window: `override`, `interlock`, `quiet`, `too_soon`, `too_small`, `there`."
        }
        "version" => "The number that came with the settings.",
        "status" => "Whether the device takes them: `applied` or `refused`.",
        "reason" => "Why, in words.",
        _ => return None,
    })
}

/// Fields beside those that the decoder's table has, at the top and in the object at `path`: a decoder ignores them where they
/// have another form.
pub(super) fn beside(kind: TopicKind, path: &str) -> Vec<(&'static str, Value)> {
    match (kind, path) {
        (TopicKind::WindowControl, "") => vec![
            (
                "origin",
                json!({
                    "description": "Who decided: `model`, `person`, `schedule` or `interlock`.",
                    "examples": ["model", "person", "schedule", "interlock"],
                }),
            ),
            ("contributions", contributions()),
            ("model_confidence", model_confidence()),
            ("largest_z", largest_z()),
            (
                "wish",
                json!({"description": "What the model wanted, % open, where something limits the window.", "examples": [90.0]}),
            ),
        ],
        (TopicKind::Prediction, "") => {
            vec![
                (
                    "held",
                    json!({"description": "True: no command follows.", "const": true}),
                ),
                ("contributions", contributions()),
                ("model_confidence", model_confidence()),
                ("largest_z", largest_z()),
            ]
        }
        (TopicKind::ShadowPrediction, "") => vec![
            ("contributions", contributions()),
            ("model_confidence", model_confidence()),
            ("largest_z", largest_z()),
        ],
        (TopicKind::InferenceRequest, "") => vec![(
            "audio_features",
            json!({"description": "The features of the recording with the version of their computation."}),
        )],
        _ => Vec::new(),
    }
}

fn contributions() -> Value {
    json!({
        "description": "What moved the prediction away from the average of the model's training, points.",
        "examples": [{"average": 31.0, "temperature": 38.0, "humidity": 0.5, "sound": 6.0}],
    })
}

fn model_confidence() -> Value {
    json!({
        "description": "The model's own confidence, 0 to 1: `confidence` before it is lowered because an input lies far from the \
                        training data.",
        "examples": [0.82],
    })
}

fn largest_z() -> Value {
    json!({
        "description": "How far the input lies from the training data: the largest distance of a number from its mean there, in \
                        standard deviations. Up to 5 the confidence is the model's own, from 10 on it is 0.",
        "examples": [4.25],
    })
}

/// Fields of which a message has to have one.
pub(super) const fn any_of(kind: TopicKind) -> &'static [&'static str] {
    match kind {
        TopicKind::Telemetry => &[
            "battery_v",
            "battery_percent",
            "rssi_dbm",
            "free_heap_bytes",
            "uptime_s",
            "firmware",
        ],
        _ => &[],
    }
}

/// The settings in effect for a device, as the backend says them.
pub(super) fn settings() -> Value {
    let each = |what: &str| json!({"type": "object", "additionalProperties": {"type": "number"}, "description": what});
    let seconds = |what: &str| json!({"type": "number", "exclusiveMinimum": 0, "description": what});
    let text = |what: &str| json!({"type": "string", "description": what});
    let flag = |what: &str| json!({"type": "boolean", "description": what});
    json!({
        "type": "object",
        "required": ["version", "settings"],
        "properties": {
            "version": {
                "type": "integer", "minimum": 0,
                "description": "Grows with each change; the answer on `config/ack` names it.",
            },
            "settings": {
                "type": "object",
                "description": "Everything is optional, and a device applies what it knows.",
                "properties": {
                    "thresholds": each("The change of each quantity that makes a decision due, in its unit."),
                    "audio_always_trigger": flag("Whether each clip makes a decision due."),
                    "report_interval_s": seconds("How often to report readings, s."),
                    "clip_interval_s": seconds("How often to record a clip, s."),
                    "clip_length_s": seconds("How long a clip is to be, s."),
                    "calibration": each("What the backend adds to readings of each quantity: the device sends them as they are."),
                    "opening": {"type": "object", "description": "How far the window may open: min, max, and rules by hours and season."},
                    "quiet_hours": {
                        "type": "array", "items": {"type": "object"}, "description": "When the window keeps still.",
                    },
                    "time_zone": text("The time zone of hours and seasons."),
                    "motor_travel_s": seconds("How long the motor takes from shut to open, s."),
                    "override_s": seconds("How long a person's wish lasts of which nothing is said, s."),
                    "min_interval_s": {"type": "number", "minimum": 0, "description": "The least time between two moves, s."},
                    "min_move": {"type": "number", "minimum": 0, "description": "The least change that is worth the motor, points."},
                    "tolerance": {"type": "number", "minimum": 0.1, "description": "How exactly the window stops, points."},
                    "zero_is_open": flag("Whether the device's own 0 means open."),
                    "outdoor_sensor": text("The device that measures outdoors."),
                    "interlocks": {"type": "object", "description": "What closes or limits the window: the backend sees to it."},
                    "schedules": {"type": "object", "description": "When the window goes somewhere by itself: the backend sees to it."},
                    "latitude": {"type": "number", "minimum": -90, "maximum": 90, "description": "Degrees north."},
                    "longitude": {"type": "number", "minimum": -180, "maximum": 180, "description": "Degrees east."},
                    "timestamps": text("`required`, or `optional`: whether messages may leave out their time."),
                },
            },
        },
    })
}

const OPEN: &str = "Percent open.";

/// A person's wish.
pub(super) fn window_set() -> Value {
    let longest = domain::Lasting::LONGEST.as_secs();
    let position = json!({"type": "number", "minimum": 0, "maximum": 100, "description": OPEN});
    let lasting = json!({
        "device_id": {"type": "string", "description": "The device of the topic again; another one is refused."},
        "position": position,
        "for_s": {"type": "number", "minimum": 1, "maximum": longest, "description": "How long it lasts, s."},
        "until": {"type": ["string", "number"], "format": "date-time", "description": "When it ends."},
        "forever": {"type": "boolean", "description": "Whether somebody has to end it."},
        "by": {"type": "string", "description": "Who; 64 characters are kept."},
        "source": {"type": "string", "description": "By which hand.", "examples": ["page", "api", "mqtt", "home_assistant"]},
    });
    let over = json!({
        "resume": {"const": true, "description": "The wish is over: the window stays until the next decision."},
        "by": {"type": "string"}, "source": {"type": "string"}, "device_id": {"type": "string"},
    });
    json!({"oneOf": [
        position,
        {"enum": ["resume"]},
        {"type": "object", "required": ["position"], "properties": lasting,
            "not": {"required": ["resume"], "properties": {"resume": {"const": true}}}},
        {"type": "object", "required": ["resume"], "properties": over, "not": {"required": ["position"]}},
    ]})
}

/// Who holds a window.
pub(super) fn window_override() -> Value {
    json!({
        "type": "object",
        "required": ["device_id", "timestamp", "active"],
        "properties": {
            "device_id": {"type": "string", "description": "The device of the topic."},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it was said."},
            "active": {"type": "boolean", "description": "Whether a person holds the window."},
            "position": {"type": "number", "minimum": 0, "maximum": 100, "description": OPEN},
            "until": {"type": ["string", "null"], "format": "date-time", "description": "When it ends; null when somebody ends it."},
            "by": {"type": "string", "description": "Who; empty where that is not known."},
            "source": {"enum": ["page", "api", "mqtt", "home_assistant", "window"], "description": "By which hand."},
        },
    })
}

/// The time as a device hears it.
pub(super) fn time() -> Value {
    json!({
        "type": "object",
        "required": ["time", "unix_ms"],
        "properties": {
            "time": {"type": "string", "format": "date-time", "description": "Now, RFC 3339 in UTC with milliseconds."},
            "unix_ms": {"type": "integer", "description": "The same in milliseconds since 1970."},
        },
    })
}
