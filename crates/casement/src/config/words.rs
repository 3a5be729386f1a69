//! Enumerations and topics in the JSON Schema, each derived from its type.

use audio::Normalization;
use domain::FeatureName;
use mqtt::{Protocol, TopicKind, homeassistant::Form};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::doors::{Anonymous, Registration};

pub(super) fn protocol(_: &mut SchemaGenerator) -> Schema {
    // YAML reads an unquoted 5 as a number.
    let mut words = json!(Protocol::ALL.map(Protocol::as_str));
    words
        .as_array_mut()
        .expect("it was made of an array")
        .push(5.into());
    json_schema!({ "enum": words })
}

pub(super) fn normalization(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Normalization::ALL.map(Normalization::as_str) })
}

pub(super) fn features(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "enum": FeatureName::ALL.map(FeatureName::as_str) } })
}

pub(super) fn discovery(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Form::ALL.map(Form::as_str) })
}

pub(super) fn embedded(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["auto", true, false] })
}

pub(super) fn anonymous(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Anonymous::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>() })
}

pub(super) fn registration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Registration::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>() })
}

pub(super) fn topics(_: &mut SchemaGenerator) -> Schema {
    let topics = TopicKind::ALL.map(|kind| {
        let word = kind.as_str();
        let schema = json!({
            "type": "string",
            "description": format!("Topic pattern of {}; `+` and `{{device_id}}` both stand for a device.", word.replace('_', " ")),
            "default": kind.default_pattern(),
        });
        (word.to_owned(), schema)
    });
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "properties": Value::Object(Map::from_iter(topics)),
    })
}
