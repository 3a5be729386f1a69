//! What a payload may be, as JSON Schema (draft 7): for those who write devices and services.
//!
//! In: a kind of message. Out: its schema and examples. Names, types and what is required come from the table that the decoder
//! reads by; what the fields mean and their bounds stand here. A schema describes the right form, and a decoder forgives more
//! (`docs/payloads.md`). Nothing is checked by a schema.

mod examples;
mod fields;
mod room;

use domain::Quantity;
use serde_json::{Map, Value, json};

use crate::{
    TopicKind,
    payload::{self, Kind},
};

pub use examples::{Example, payload_examples};

/// Returns the JSON Schema of the payloads of `kind`.
pub fn payload_schema(kind: TopicKind) -> Value {
    let (title, description) = about(kind);
    let mut schema = match kind {
        TopicKind::Alarm => alarm(),
        TopicKind::DeviceStatus => status(),
        TopicKind::DeviceConfig => fields::settings(),
        TopicKind::DeviceTime => fields::time(),
        TopicKind::WindowSet => fields::window_set(),
        TopicKind::WindowOverride => fields::window_override(),
        TopicKind::RoomState => room::schema(),
        // Whatever it says, it asks.
        TopicKind::TimeRequest => json!({}),
        _ => object(kind, ""),
    };
    if let TopicKind::Reading(quantity) = kind {
        bound_without_unit(&mut schema, quantity);
    }
    let head = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "description": description,
        "examples": payload_examples(kind).into_iter().map(|example| example.payload).collect::<Vec<_>>(),
    });
    merge(&mut schema, head);
    schema
}

/// What people call the kind, and what a message of it says.
pub(crate) fn about(kind: TopicKind) -> (String, &'static str) {
    let (title, description) = match kind {
        TopicKind::Reading(quantity) => {
            let title = format!("{} in {}", quantity.name(), quantity.unit());
            return (title, "One reading of a sensor.");
        }
        TopicKind::Audio => (
            "Recording",
            "A recording of a device's microphone, of at most 60 s and 1 MiB.",
        ),
        TopicKind::InferenceRequest => ("Request", "The backend asks the ML service for a position."),
        TopicKind::WindowControl => (
            "Command",
            "A window is told where to go, with what the decision was based on. It is never retained.",
        ),
        TopicKind::WindowState => ("Window", "A window says where it stands."),
        TopicKind::Alarm => (
            "Alarm",
            "An alarm is on, or over, retained: windows are shut meanwhile. Its name stands in the topic. The plain word is the usual form.",
        ),
        TopicKind::WindowSet => (
            "Wish",
            "A person wants a window somewhere for a while, or ends that. A bare number is a position. It is never retained.",
        ),
        TopicKind::WindowOverride => ("Override", "Everybody is told who holds a window, retained."),
        TopicKind::DeviceStatus => (
            "Status",
            "A device is there, or not: birth message and last will, both retained. The plain word is the usual form.",
        ),
        TopicKind::Telemetry => (
            "Telemetry",
            "A device says how it does; at least one thing beside the time.",
        ),
        TopicKind::DeviceConfig => (
            "Settings",
            "A device is told the settings in effect for it, retained. An empty payload means that nothing is set any more.",
        ),
        TopicKind::ConfigAck => (
            "Answer to settings",
            "A device says whether it takes the settings of a version.",
        ),
        TopicKind::DeviceTime => (
            "Time",
            "A device without a clock is told the time. A message with the retain flag is older, and never now.",
        ),
        TopicKind::TimeRequest => (
            "Question for the time",
            "A device asks for the time, by anything or nothing.",
        ),
        TopicKind::RoomState => (
            "Room",
            "What is known of a device, for home automation, retained. It is said only where `home_assistant.enabled` is set.",
        ),
        TopicKind::ShadowPrediction => (
            "Prediction of a candidate",
            "What a candidate model would have decided. It moves nothing.",
        ),
        TopicKind::Prediction => (
            "Held decision",
            "What the model decided with too little confidence to be carried out. It moves nothing.",
        ),
    };
    (title.to_owned(), description)
}

/// The object at `path` of a kind's payload; the whole payload where it is empty.
fn object(kind: TopicKind, path: &str) -> Value {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}.")
    };
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in payload::fields(kind) {
        let Some(name) = field
            .path()
            .strip_prefix(&prefix)
            .filter(|name| !name.contains('.'))
        else {
            continue;
        };
        let mut property = match field.kind() {
            Kind::Number => json!({"type": "number"}),
            Kind::Text => json!({"type": "string"}),
            Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Kind::Time => json!({"type": ["string", "number"], "format": "date-time"}),
            Kind::Object => object(kind, field.path()),
        };
        merge(&mut property, fields::about(kind, field.path()));
        properties.insert(name.to_owned(), property);
        if field.is_required() {
            required.push(name);
        }
    }
    let any_of = fields::any_of(kind);
    for (name, property) in fields::beside(kind, path) {
        properties.insert(name.to_owned(), property);
    }
    let mut object = json!({"type": "object", "properties": properties, "required": required});
    if !any_of.is_empty() && path.is_empty() {
        let each = any_of.iter().map(|name| json!({"required": [name]}));
        object["anyOf"] = each.collect();
    }
    object
}

/// The range of a value holds in the quantity's own unit.
fn bound_without_unit(schema: &mut Value, quantity: Quantity) {
    let (low, high) = quantity.range();
    let bounds = json!({
        "if": {"not": {"required": ["unit"]}},
        "then": {"properties": {"value": {"minimum": low, "maximum": high}}},
    });
    merge(schema, bounds);
}

fn alarm() -> Value {
    let state = json!({"enum": ["on", "off", true, false, 1, 0]});
    let object = |name: &str| json!({"type": "object", "properties": {name: state}, "required": [name]});
    json!({"anyOf": [state, object("alarm"), object("state")]})
}

fn status() -> Value {
    let word = json!({"enum": ["online", "offline"]});
    json!({"oneOf": [word, {"type": "object", "properties": {"status": word}, "required": ["status"]}]})
}

fn merge(into: &mut Value, more: Value) {
    let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) else {
        return;
    };
    into.extend(more);
}
