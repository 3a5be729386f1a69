//! What was forgiven of a payload, in words for the person who writes the firmware.
//!
//! In: a payload that its decoder takes. Out: a line for each thing that it brought into the right form. It decides nothing: it
//! compares what was sent with what `repair` makes of it.

use domain::Timestamp;
use serde_json::{Map, Value};

use super::{
    field::{self, Field, Kind},
    hints, repair, time,
};
use crate::TopicKind;

/// Most characters of a value that are shown.
const SHOWN: usize = 40;

/// Returns what the decoder of `kind` forgives of `payload`; nothing where it is of the right form, or refused.
pub fn forgiven(kind: TopicKind, payload: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let text = repair::framed(payload);
    let has_mark = payload.starts_with(b"\xef\xbb\xbf");
    if has_mark {
        lines.push("the byte order mark before it is left out".to_owned());
    }
    if text.len() + usize::from(has_mark) * 3 < payload.len() {
        lines.push("a NUL and what stands behind it are left out".to_owned());
    }
    let fields = super::fields(kind);
    if fields.is_empty() {
        return lines;
    }
    let sent = serde_json::from_slice(text);
    let read = repair::repair(payload, fields).map(|text| serde_json::from_slice(&text));
    if let (Ok(Value::Object(sent)), Ok(Ok(Value::Object(read)))) = (sent, read) {
        compare(&sent, &read, "", fields, &mut lines);
        lines.extend(converted(kind, &read));
    }
    lines
}

fn compare(
    sent: &Map<String, Value>,
    read: &Map<String, Value>,
    prefix: &str,
    fields: &[Field],
    lines: &mut Vec<String>,
) {
    for (name, value) in read {
        let path = format!("{prefix}{name}");
        let own = sent.get_key_value(name);
        let meant = || {
            sent.iter()
                .find(|(key, _)| !read.contains_key(*key) && field::means(name, key))
        };
        let Some((key, before)) = own.or_else(meant) else {
            continue;
        };
        if key != name {
            lines.push(format!("'{}' is read as '{path}'", cut(key)));
        }
        match (before, value) {
            (Value::Object(before), Value::Object(value)) => {
                compare(before, value, &format!("{path}."), fields, lines);
            }
            _ if before != value => lines.push(format!(
                "'{path}' is {} {}, and is read as {}",
                hints::name_of(before),
                cut(&before.to_string()),
                cut(&value.to_string())
            )),
            (Value::String(text), _) if is_time(fields, &path) && Timestamp::parse(text).is_err() => {
                if let Ok(time) = time::parse(&path, text) {
                    lines.push(format!("'{path}' is '{}', and is read as {time}", cut(text)));
                }
            }
            _ => {}
        }
    }
}

fn is_time(fields: &[Field], path: &str) -> bool {
    fields
        .iter()
        .any(|field| field.path() == path && field.kind() == Kind::Time)
}

/// A reading whose unit is another one.
fn converted(kind: TopicKind, read: &Map<String, Value>) -> Option<String> {
    let TopicKind::Reading(quantity) = kind else {
        return None;
    };
    let (value, unit) = (read.get("value")?.as_f64()?, read.get("unit")?.as_str()?);
    let converted = quantity.convert(value, unit).ok()?;
    (converted.to_bits() != value.to_bits())
        .then(|| format!("{value} {} is {converted} {}", cut(unit), quantity.unit()))
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use domain::Quantity;
    use proptest::prelude::*;

    use super::*;

    const TEMPERATURE: TopicKind = TopicKind::Reading(Quantity::Temperature);

    #[test]
    fn the_right_form_needs_nothing() {
        for kind in TopicKind::ALL {
            let example = crate::payload_examples(kind).remove(0);
            assert_eq!(forgiven(kind, &example.bytes()), Vec::<String>::new(), "{kind:?}");
        }
    }

    #[test]
    fn each_thing_that_is_forgiven_is_told() {
        for (payload, lines) in [
            (
                "\u{feff}{\"Value\": \"25,5\", \"timestamp\": 1761307200}\0junk",
                &[
                    "the byte order mark before it is left out",
                    "a NUL and what stands behind it are left out",
                    "'timestamp' is a number 1761307200, and is read as \"2025-10-24T12:00:00Z\"",
                    "'Value' is read as 'value'",
                    "'value' is text \"25,5\", and is read as 25.5",
                ][..],
            ),
            (
                r#"{"value": 77.9, "UNITS": "°F", "timestamp": "2025-10-24 12:00:00 UTC"}"#,
                &[
                    "'timestamp' is '2025-10-24 12:00:00 UTC', and is read as 2025-10-24T12:00:00Z",
                    "'UNITS' is read as 'unit'",
                    "77.9 °F is 25.5 °C",
                ],
            ),
        ] {
            assert_eq!(forgiven(TEMPERATURE, payload.as_bytes()), lines);
        }
    }

    #[test]
    fn fields_within_fields_are_named_by_their_path() {
        let payload = br#"{"timestamp": "2025-10-24T12:00:00Z", "position": 1, "confidence": 1,
            "features_used": {"Temperature": 20, "humidity": "50"}}"#;
        let lines = forgiven(TopicKind::WindowControl, payload);
        assert_eq!(
            lines,
            [
                "'features_used.humidity' is text \"50\", and is read as 50.0",
                "'Temperature' is read as 'features_used.temperature'",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            for kind in TopicKind::ALL {
                let _ = forgiven(kind, &payload);
            }
        }
    }
}
