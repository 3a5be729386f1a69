//! Decoding of payload fields.
//!
//! A message is usually decoded in one pass into its typed form. Only if that fails is the payload decoded again as
//! plain JSON, which `repair` brings into that form where only one thing can be meant, or refuses with the wrong field.

use std::borrow::Cow;

use domain::{AudioHash, DeviceId, Guard, Refusal, RefusalReason, Timestamp};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::{repair, time};

/// The type that a field must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
    Texts,
    Time,
    Object,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "text",
            Self::Time => "a time",
            Self::Texts => "a list of texts",
            Self::Object => "an object",
        }
    }

    pub(super) fn holds(self, value: &Value) -> bool {
        match self {
            Self::Number => value.is_number(),
            Self::Text | Self::Time => value.is_string(),
            Self::Texts => value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string)),
            Self::Object => value.is_object(),
        }
    }
}

/// A field that a message may or must have; dots lead into objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    path: &'static str,
    kind: Kind,
    required: bool,
}

/// Other names that devices have for a field, beside other letter case.
const ALIASES: &[(&str, &[&str])] = &[(
    "unit",
    &[
        "units",
        "unit_of_measurement",
        "value_unit",
        "temperature_unit",
        "temp_unit",
        "humidity_unit",
    ],
)];

impl Field {
    /// Where it stands.
    pub(crate) const fn path(self) -> &'static str {
        self.path
    }

    pub(crate) const fn kind(self) -> Kind {
        self.kind
    }

    pub(crate) const fn is_required(self) -> bool {
        self.required
    }

    /// Returns whether `key` at the top is the field's, or the object's that holds it.
    pub(super) fn is_named(self, key: &str) -> bool {
        let top = self.path.split('.').next().unwrap_or_default();
        means(top, key)
    }
}

/// Returns whether `key` stands for `name`, which is a part of a field's path.
pub(super) fn means(name: &str, key: &str) -> bool {
    let aliases = ALIASES.iter().find(|(ours, _)| *ours == name);
    let aliases = aliases.map_or(&[][..], |(_, others)| others);
    key.eq_ignore_ascii_case(name) || aliases.iter().any(|other| key.eq_ignore_ascii_case(other))
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

/// Decodes a `payload` without a clip as `T`. See [`read`].
pub(super) fn read_short<'a, T: Deserialize<'a>>(
    payload: &'a [u8],
    fields: &[Field],
    repaired: &'a mut Vec<u8>,
) -> Result<T, Refusal> {
    check_length(payload)?;
    read(payload, fields, repaired)
}

/// Decodes `payload` as `T`. One that is not of this form is repaired by `fields`; `repaired` then holds its text.
pub(super) fn read<'a, T: Deserialize<'a>>(
    payload: &'a [u8],
    fields: &[Field],
    repaired: &'a mut Vec<u8>,
) -> Result<T, Refusal> {
    serde_json::from_slice(payload).or_else(|_| read_repaired(payload, fields, repaired))
}

/// The same for a payload that is to be repaired in any case.
#[cold]
pub(super) fn read_repaired<'a, T: Deserialize<'a>>(
    payload: &[u8],
    fields: &[Field],
    repaired: &'a mut Vec<u8>,
) -> Result<T, Refusal> {
    *repaired = repair::repair(payload, fields)?;
    serde_json::from_slice(repaired).map_err(|error| Refusal::new(RefusalReason::NotJson, error.to_string()))
}

/// Parses a time in any form that has one meaning.
pub(super) fn timestamp(path: &str, text: &str) -> Result<Timestamp, Refusal> {
    time::parse(path, text)
}

/// What a message says, and whether it says when.
#[derive(Debug, Clone, PartialEq)]
pub struct Dated<T> {
    /// What it says; of a message without a time, at the time of its receipt.
    pub message: T,
    /// Whether it states its time.
    pub is_stated: bool,
}

/// The time of a message, and whether it is the stated one: `otherwise` stands in for it.
pub(super) fn dated(
    stated: Option<&str>,
    otherwise: Option<Timestamp>,
) -> Result<(Timestamp, bool), Refusal> {
    match (stated, otherwise) {
        (None, Some(received_at)) => Ok((received_at, false)),
        (Some(text), Some(received_at)) if text.trim().is_empty() => Ok((received_at, false)),
        (stated, _) => Ok((timestamp("timestamp", stated.unwrap_or_default())?, true)),
    }
}

/// Refuses a payload that names a different device from the topic.
pub(super) fn same_device(claimed: Option<&str>, device_id: &DeviceId) -> Result<(), Refusal> {
    match claimed {
        Some(claimed) if !device_id.is_named(claimed) => {
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

/// Refuses a duration or a count below zero.
pub(super) fn not_negative(path: &str, value: Option<f64>) -> Result<(), Refusal> {
    if value.is_some_and(|value| value < 0.0) {
        let detail = format!("'{path}' is negative");
        return Err(Refusal::new(RefusalReason::OutOfRange, detail));
    }
    Ok(())
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

/// What lowered a model's confidence; absent where either number is, or has another form.
pub(super) fn guard(model_confidence: Option<Value>, largest_z: Option<Value>) -> Option<Guard> {
    Guard::known(lenient(model_confidence)?, lenient(largest_z)?)
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
