//! A JSON object with its keys, of which some may not stand twice.
//!
//! In: JSON. Out: its keys and values, the key that stands twice, or the value that is no object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// What a text of JSON is.
pub(super) enum Parsed {
    Object(Map<String, Value>),
    /// An object with this key twice.
    Twice(String),
    Other(Value),
}

/// Parses `text`. `counts` says of which keys there may be one only; of others the last one stays.
pub(super) fn parse(text: &[u8], counts: impl Fn(&str) -> bool) -> Result<Parsed, serde_json::Error> {
    if text.trim_ascii_start().first() != Some(&b'{') {
        return serde_json::from_slice(text).map(Parsed::Other);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let parsed = Object(counts).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(parsed)
}

struct Object<F>(F);

impl<'de, F: Fn(&str) -> bool> DeserializeSeed<'de> for Object<F> {
    type Value = Parsed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parsed, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Object<F> {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Parsed, A::Error> {
        let mut map = Map::new();
        let mut twice = None;
        while let Some(key) = access.next_key::<String>()? {
            let value: Value = access.next_value()?;
            if map.contains_key(&key) && (self.0)(&key) {
                twice.get_or_insert_with(|| key.clone());
            }
            map.insert(key, value);
        }
        Ok(twice.map_or(Parsed::Object(map), Parsed::Twice))
    }
}
