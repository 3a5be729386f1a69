//! The schema of what home automation is told of a device.

use serde_json::{Value, json};

/// The schema.
pub(super) fn schema() -> Value {
    let field = |kind: &str, text: &str| match kind {
        "boolean" => json!({"type": "boolean", "description": text}),
        kind => json!({"type": [kind, "null"], "description": text}),
    };
    let percent =
        |text: &str| json!({"type": ["number", "null"], "minimum": 0, "maximum": 100, "description": text});
    let time = |text: &str| json!({"type": ["string", "null"], "format": "date-time", "description": text});
    let object = |text: &str, properties: Value| json!({"type": "object", "description": text, "properties": properties});
    json!({
        "type": "object",
        "required": ["device_id", "available", "readings", "sound", "decision", "window", "override", "telemetry"],
        "properties": {
            "device_id": {"type": "string", "description": "The device of the topic again."},
            "available": {"type": "string", "enum": ["online", "offline"], "description": "Whether the device is there, by its birth, its will and what was heard of it."},
            "readings": {
                "type": "object", "additionalProperties": {"type": "number"},
                "description": "The newest reading of each quantity, in the quantity's unit, with its calibration.",
            },
            "sound": object("The newest clip.", json!({
                "level_dbfs": field("number", "Its equivalent level, dBFS."),
            })),
            "decision": object("The model's newest decision, carried out or not.", json!({
                "wish": percent("Where the model wants the window, % open."),
                "confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1, "description": "Its confidence."},
                "reason": field("string", "Why, in words."),
                "model_version": field("string", "The model's version."),
                "timestamp": time("When it was decided."),
            })),
            "window": object("The window.", json!({
                "position": percent("Where it stands, % open; without reports where it was told to go."),
                "target": percent("Where it was told to go, % open."),
                "state": field("string", "`open`, `closed`, `opening` or `closing`."),
                "motion": field("string", "`still`, `moving`, `stuck`, `unknown` or `unreported`."),
                "reason": field("string", "Why it is where it is, in words."),
                "interlocks": {"type": "array", "items": {"type": "string"}, "description": "What limits it, in words."},
            })),
            "override": object("A person's wish that lasts.", json!({
                "active": field("boolean", "Whether there is one."),
                "position": percent("Where the window is to be, % open."),
                "until": time("When it ends; null where a person ends it."),
                "by": field("string", "Whose."),
                "source": field("string", "By which hand: `page`, `home_assistant`, `mqtt`, `window`."),
                "hold_for": field("string", "How long it lasts, as one of the durations to choose from; null for another one."),
            })),
            "telemetry": object("What the device last said of itself.", json!({
                "rssi_dbm": field("number", "Strength of its reception, dBm."),
                "battery_percent": percent("Charge of its battery, %."),
                "battery_v": field("number", "Volts of its battery."),
            })),
        },
    })
}

/// An example.
pub(super) fn example() -> Value {
    json!({
        "device_id": "sensor-001", "available": "online",
        "readings": {"temperature": 25.5, "humidity": 60.0},
        "sound": {"level_dbfs": -48.2},
        "decision": {
            "wish": 75.5, "confidence": 0.92, "reason": "warm for the season (25.5 °C)", "model_version": "v1.0.0",
            "timestamp": "2025-10-24T12:00:00Z",
        },
        "window": {
            "position": 40.0, "target": 40.0, "state": "open", "motion": "still", "reason": "a person decides until 14:00",
            "interlocks": [],
        },
        "override": {
            "active": true, "position": 40.0, "until": "2025-10-24T14:00:00Z", "by": null, "source": "home_assistant",
            "hold_for": "2 hours",
        },
        "telemetry": {"rssi_dbm": -67.0, "battery_percent": null, "battery_v": 3.9},
    })
}
