//! Decoding of payload fields, with exact errors for those that are wrong.
//!
//! A message is usually decoded in one pass into its typed form. Only if that fails is the payload decoded again as
//! plain JSON, to find the wrong field. A message that the second pass would accept (one with a repeated field) is
//! refused nevertheless.

use std::borrow::Cow;

use domain::{AudioHash, DeviceId, Refusal, RefusalReason, Timestamp};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// The type that a field must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Texts,
    Object,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "text",
            Self::Texts => "a list of texts",
            Self::Object => "an object",
        }
    }

    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Number => value.is_number(),
            Self::Text => value.is_string(),
            Self::Texts => value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string)),
            Self::Object => value.is_object(),
        }
    }
}

/// A field that a message may or must have; dots lead into objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    path: &'static str,
    kind: Kind,
    required: bool,
}

pub(super) const fn required(path: &'static str, kind: Kind) -> Field {
    Field {
        path,
        kind,
        required: true,
    }
}

pub(super) const fn optional(path: &'static str, kind: Kind) -> Field {
    Field {
        path,
        kind,
        required: false,
    }
}

/// Largest size of a message without a clip, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Refuses a payload that is longer than any message without a clip.
pub(super) fn check_length(payload: &[u8]) -> Result<(), Refusal> {
    if payload.len() > MAX_BYTES {
        let detail = format!("a payload of {} bytes exceeds {MAX_BYTES} bytes", payload.len());
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
    }
    Ok(())
}

/// Decodes a `payload` without a clip as `T`. `fields` serve to explain a failure.
pub(super) fn read_short<'a, T: Deserialize<'a>>(payload: &'a [u8], fields: &[Field]) -> Result<T, Refusal> {
    check_length(payload)?;
    read(payload, fields)
}

/// Decodes `payload` as `T`. `fields` serve to explain a failure.
pub(super) fn read<'a, T: Deserialize<'a>>(payload: &'a [u8], fields: &[Field]) -> Result<T, Refusal> {
    serde_json::from_slice(payload).map_err(|error| explain(payload, fields, &error))
}

#[cold]
fn explain(payload: &[u8], fields: &[Field], error: &serde_json::Error) -> Refusal {
    let value: Value = match serde_json::from_slice(payload) {
        Ok(value) => value,
        Err(error) => return explain_syntax(payload, &error),
    };
    if !value.is_object() {
        let detail = format!("the payload is {}, not an object", name_of(&value));
        return Refusal::new(RefusalReason::WrongType, detail);
    }
    for field in fields {
        if let Some(refusal) = blame(&value, *field) {
            return refusal;
        }
    }
    Refusal::new(RefusalReason::NotJson, error.to_string())
}

/// Returns what is wrong with a field, if anything. The fields of an absent object are not checked.
fn blame(value: &Value, field: Field) -> Option<Refusal> {
    let mut found = value;
    let mut names = field.path.split('.').peekable();
    while let Some(name) = names.next() {
        found = found.get(name).unwrap_or(&Value::Null);
        if found.is_null() {
            let missing = field.required && names.peek().is_none();
            return missing.then(|| {
                Refusal::new(
                    RefusalReason::MissingField,
                    format!("'{}' is missing", field.path),
                )
            });
        }
    }
    (!field.kind.holds(found)).then(|| {
        let detail = format!(
            "'{}' is {}, not {}",
            field.path,
            name_of(found),
            field.kind.as_str()
        );
        Refusal::new(RefusalReason::WrongType, detail)
    })
}

fn explain_syntax(payload: &[u8], error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let reason = if text.starts_with("number out of range") || stands_no_number(payload, error) {
        RefusalReason::NotFinite
    } else {
        RefusalReason::NotJson
    };
    Refusal::new(reason, text)
}

/// Returns whether JSON ended at a `NaN` or `Infinity`, as printf and Python write them.
fn stands_no_number(payload: &[u8], error: &serde_json::Error) -> bool {
    let line = payload
        .split(|b| *b == b'\n')
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    // The column is that of the first or second byte of the word, depending on how serde_json interpreted it.
    let column = error.column();
    (column.saturating_sub(2)..=column).any(|start| {
        let word = line.get(start..).unwrap_or_default();
        let word = word.strip_prefix(b"-").unwrap_or(word);
        ["nan", "inf"].iter().any(|name| {
            word.get(..3)
                .is_some_and(|w| w.eq_ignore_ascii_case(name.as_bytes()))
        })
    })
}

const fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Parses RFC 3339.
pub(super) fn timestamp(path: &str, text: &str) -> Result<Timestamp, Refusal> {
    Timestamp::parse(text).map_err(|error| {
        let shown: String = text.chars().take(40).collect();
        Refusal::new(
            RefusalReason::BadTimestamp,
            format!("'{path}' is '{shown}': {error}"),
        )
    })
}

/// Refuses a payload that names a different device from the topic.
pub(super) fn same_device(claimed: Option<&str>, device_id: &DeviceId) -> Result<(), Refusal> {
    match claimed {
        Some(claimed) if claimed != device_id.as_str() => {
            let shown: String = claimed.chars().take(DeviceId::MAX_LEN).collect();
            let detail = format!("the payload says '{shown}', the topic '{device_id}'");
            Err(Refusal::new(RefusalReason::DeviceMismatch, detail))
        }
        _ => Ok(()),
    }
}

/// Converts a number whose bounds the domain checks.
pub(super) fn bounded<T>(path: &str, checked: Result<T, domain::InvalidValue>) -> Result<T, Refusal> {
    checked.map_err(|error| Refusal::new(RefusalReason::OutOfRange, format!("'{path}': {error}")))
}

/// Parses a whole number of hertz, which may be written as `16000.0`.
pub(super) fn hertz(path: &str, value: f64) -> Result<u32, Refusal> {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        return Ok(value as u32);
    }
    Err(Refusal::new(
        RefusalReason::OutOfRange,
        format!("'{path}' is {value}, not a whole number of hertz"),
    ))
}

/// Parses the hash of a clip, if it is one.
pub(super) fn audio_hash(path: &str, text: Option<&str>) -> Result<Option<AudioHash>, Refusal> {
    // Empty means none, as in the tables.
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match AudioHash::parse(text) {
        Some(hash) => Ok(Some(hash)),
        None => Err(Refusal::new(
            RefusalReason::WrongType,
            format!("'{path}' is not 64 hex digits"),
        )),
    }
}

/// Decodes an optional field that the specification does not have. A value of another form counts as absent.
pub(super) fn lenient<T: DeserializeOwned>(value: Option<Value>) -> Option<T> {
    value.and_then(|value| serde_json::from_value(value).ok())
}

/// Decodes an optional text without copying it where it has no escapes.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    /// An `Option` of borrowed text by itself would be copied.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'de>>::deserialize(deserializer)?.map(|text| text.0))
}

/// Adds a field to an encoded object that has others. Long text without anything to escape, as Base64 is, is copied as a
/// whole: an encoder would look at each of its characters.
pub(super) fn append_text(object: &mut Vec<u8>, name: &str, text: &str) {
    let closed = object.pop();
    debug_assert!(closed == Some(b'}') && object.len() > 1, "an object with fields");
    object.reserve(name.len() + text.len() + 8);
    object.extend_from_slice(b",\"");
    object.extend_from_slice(name.as_bytes());
    object.extend_from_slice(b"\":");
    // Numbers in place of truth values, for the compiler to take many at once.
    let escapes = |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if text.bytes().fold(0, |any, byte| any | escapes(byte)) != 0 {
        object.extend(write(&text));
    } else {
        object.push(b'"');
        object.extend_from_slice(text.as_bytes());
        object.push(b'"');
    }
    object.push(b'}');
}

/// Encodes a payload that consists of text and finite numbers.
pub(super) fn write(message: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("text and numbers always become JSON")
}
