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
    if value.is_null() {
        return "it has no value; write one, or remove the key".into();
    }
    if let Some(word) = reason
        .strip_prefix("unknown variant `")
        .and_then(|rest| rest.split('`').next())
    {
        return format!(
            "'{word}' is not {}",
            words(&schema["items"]).unwrap_or_else(|| expected(schema))
        );
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
    if let Some(words) = words(schema) {
        return words;
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
        Some("array") => words(&schema["items"]).map_or_else(
            || "a list, such as [a, b]".into(),
            |words| format!("a list, each {words}"),
        ),
        Some("object") => "a section; write its keys below it, indented".into(),
        _ => "a text; put it in quotation marks".into(),
    }
}

/// The words that a schema allows.
fn words(schema: &Value) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for word in schema["enum"].as_array()? {
        let word = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Some(format!("one of {}", words.join(", ")))
}
