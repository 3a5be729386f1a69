//! Passwords: read as text, written as `[redacted]`, and not allowed in a file by the JSON Schema.

use schemars::{Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serializer};

#[expect(clippy::ref_option, reason = "the shape that serde asks for")]
pub(super) fn serialize<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(_) => serializer.serialize_str("[redacted]"),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Option::deserialize(deserializer)
}

/// Returns a schema that allows only `null`, so that an editor marks a password in the file.
pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "null", "writeOnly": true })
}
