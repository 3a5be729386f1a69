//! What is wrong with a value, in the words of the JSON Schema rather than of the types that read it.

use serde_json::Value;

/// How the libraries begin what they say of a value of another type.
const OF_LIBRARIES: [&str; 5] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "expected a text",
    "data did not",
];
/// What the standard library says of every text that is no IP address with a port.
const NO_SOCKET_ADDRESS: &str = "invalid socket address syntax";
/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// Explains why `value` is refused at a key with this schema. `reason` is what its type says.
pub(super) fn explain(schema: &Value, value: &Value, reason: &str) -> String {
    let shown = shown(value);
    if reason.contains(NO_SOCKET_ADDRESS) {
        return format!("{shown} is not IP:PORT, such as 127.0.0.1:8080");
    }
    if !OF_LIBRARIES.iter().any(|words| reason.starts_with(words)) {
        return reason.to_owned();
    }
    format!("{shown} is not {}", expected(schema))
}

/// The value as JSON, on one line and not too long.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("'{text}'"),
        Value::Null => "an empty value".into(),
        Value::Object(_) => "a section".into(),
        other => other.to_string(),
    };
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn expected(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
            .collect();
        return format!("one of {}", words.join(", "));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap_or(&Value::Null),
        kind => kind,
    };
    match kind.as_str() {
        Some("boolean") => "true or false".into(),
        Some("integer") => match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            (Some(least), None) => format!("a whole number from {least}"),
            _ => "a whole number".into(),
        },
        Some("number") => "a number".into(),
        Some("array") => "a list, such as [a, b]".into(),
        Some("object") => "a section; write its keys below it, indented".into(),
        _ => "a text; put it in quotation marks".into(),
    }
}
