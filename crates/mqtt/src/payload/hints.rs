//! What a maker may have meant: by another key, by a payload that is no object.
//!
//! In: parsed JSON. Out: words that end a refusal. A hint never changes what is accepted.

use serde_json::{Map, Value};

/// Longest key that is shown or compared, in bytes, and most keys.
const LONGEST: usize = 40;
const MOST: usize = 8;

/// How alike two keys must be for one to be taken for the other (Jaro-Winkler).
const ALIKE: f64 = 0.85;

/// Keys that others use for ours.
const SYNONYMS: &[(&str, &[&str])] = &[
    (
        "value",
        &[
            "val",
            "v",
            "reading",
            "measurement",
            "temperature",
            "temp",
            "humidity",
            "hum",
            "state",
        ],
    ),
    (
        "timestamp",
        &[
            "ts",
            "time",
            "t",
            "datetime",
            "date_time",
            "date",
            "created_at",
            "at",
            "utc",
        ],
    ),
    ("data", &["audio", "wav", "audio_data", "samples", "payload"]),
    ("sample_rate", &["rate", "samplerate", "sampleRate", "fs"]),
    ("position", &["pos", "percent", "value"]),
];

/// Says that `path` is missing at `level`, where its last name is `name`, and what may have been meant.
pub(super) fn missing(path: &str, name: &str, level: &Map<String, Value>) -> String {
    if level.contains_key(name) {
        return format!("'{path}' is missing: it is null");
    }
    let holder = || {
        let mut inner = level
            .iter()
            .filter(|(_, value)| value.get(name).is_some_and(|inner| !inner.is_null()));
        inner.next().map(|(outer, _)| shown(outer))
    };
    let hint = if let Some(other) = meant(name, level) {
        format!(": did you mean '{name}' by '{other}'?")
    } else if let Some(outer) = holder() {
        format!(": it stands inside of '{outer}', and has to stand at the top")
    } else if level.is_empty() {
        String::new()
    } else {
        let keys: Vec<String> = level
            .keys()
            .take(MOST)
            .map(|key| format!("'{}'", shown(key)))
            .collect();
        format!("; there is {}", keys.join(", "))
    };
    format!("'{path}' is missing{hint}")
}

/// The key that stands for `name`.
fn meant(name: &str, level: &Map<String, Value>) -> Option<String> {
    let synonyms = SYNONYMS.iter().find(|(ours, _)| *ours == name);
    let synonyms = synonyms.map_or(&[][..], |(_, others)| others);
    let short = || level.keys().filter(|key| key.len() <= LONGEST);
    let known = short().find(|key| synonyms.iter().any(|other| key.eq_ignore_ascii_case(other)));
    let alike = || {
        let likeness = |key: &&String| strsim::jaro_winkler(name, &key.to_ascii_lowercase());
        let alike = short().take(MOST * MOST).filter(|key| likeness(key) > ALIKE);
        alike.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    };
    known.or_else(alike).cloned()
}

/// Says what a payload is that is no object, and what to send instead; `number` is the field that a number may be.
pub(super) fn no_object(value: &Value, number: Option<&str>) -> String {
    let remedy = match (value, number) {
        (Value::Number(number), Some(name)) => {
            format!("send an object, like {{\"{name}\": {number}, \"timestamp\": \"2025-10-24T12:00:00Z\"}}")
        }
        (Value::Array(_), _) => "send one object in a message".to_owned(),
        (Value::String(text), _) if text.trim_start().starts_with('{') => {
            "it is JSON within JSON: it was encoded twice".to_owned()
        }
        _ => "send an object in { }".to_owned(),
    };
    format!("the payload is {}, not an object: {remedy}", name_of(value))
}

/// The words for a value's type.
pub(super) const fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn shown(key: &str) -> String {
    key.chars().take(LONGEST).collect()
}
