//! The bounds of numbers, which are defined once, at the keys in [`super::schema`].

use serde_json::Value;

use super::ConfigError;

/// Checks every number in `value` against the `minimum` and `maximum` of its key in the JSON Schema.
pub(super) fn check(schema: &Value, value: &Value, path: &str) -> Result<(), ConfigError> {
    if let Value::Object(section) = value {
        for (key, inner) in section {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            check(&schema["properties"][key], inner, &path)?;
        }
    }
    let Some(number) = value.as_f64() else {
        return Ok(());
    };
    let (least, most) = (&schema["minimum"], &schema["maximum"]);
    let too_small = least.as_f64().is_some_and(|least| number < least);
    let too_large = most.as_f64().is_some_and(|most| number > most);
    if !too_small && !too_large {
        return Ok(());
    }
    let reason = if most.is_null() {
        format!("{value} is less than {least}")
    } else {
        format!("{value} is not within {least} to {most}")
    };
    Err(ConfigError::Value {
        key: path.to_owned(),
        reason,
    })
}
