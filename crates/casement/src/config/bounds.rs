//! The bounds of numbers, which are defined once, at the keys in [`super::schema`].

use serde_json::Value;

use super::judge::Problem;

/// Returns every number in `value` beyond the `minimum` and `maximum` of its key in the JSON Schema.
pub(super) fn check(schema: &Value, value: &Value, path: &str) -> Vec<Problem> {
    if let Value::Object(section) = value {
        let inner = section.iter().flat_map(|(key, inner)| {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            check(&schema["properties"][key], inner, &path)
        });
        return inner.collect();
    }
    fault(schema, value)
        .map(|reason| Problem {
            key: path.to_owned(),
            reason,
        })
        .into_iter()
        .collect()
}

fn fault(schema: &Value, value: &Value) -> Option<String> {
    let number = value.as_f64()?;
    let (least, most) = (&schema["minimum"], &schema["maximum"]);
    let too_small = least.as_f64().is_some_and(|least| number < least);
    let too_large = most.as_f64().is_some_and(|most| number > most);
    if !too_small && !too_large {
        return None;
    }
    Some(if most.is_null() {
        format!("{value} is less than {least}")
    } else {
        format!("{value} is not within {least} to {most}")
    })
}
