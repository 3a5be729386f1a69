//! `alarm/{name}`: `on` while there is an alarm, `off` when it is over; retained, so that who comes later knows.

use domain::{Refusal, RefusalReason};
use serde_json::Value;

use super::{field, repair};

const WORDS: &str = "an alarm is on or off";

/// Decodes an alarm: the plain word (`on`, `off`, `true`, `false`, `1`, `0`), the same in JSON, or an object whose `alarm` or
/// `state` contains it.
pub fn decode_alarm(payload: &[u8]) -> Result<bool, Refusal> {
    let payload = repair::framed(payload);
    if let Some(is_on) = word(payload) {
        return Ok(is_on);
    }
    field::check_length(payload)?;
    let value: Value =
        serde_json::from_slice(payload).map_err(|_| Refusal::new(RefusalReason::NotJson, WORDS))?;
    let stated = match &value {
        Value::Object(fields) => fields.get("alarm").or_else(|| fields.get("state")),
        other => Some(other),
    };
    match stated {
        None | Some(Value::Null) => Err(Refusal::new(RefusalReason::MissingField, "'alarm' is missing")),
        Some(Value::Bool(is_on)) => Ok(*is_on),
        Some(Value::String(text)) => {
            word(text.as_bytes()).ok_or_else(|| Refusal::new(RefusalReason::OutOfRange, WORDS))
        }
        Some(Value::Number(number)) => {
            word(number.to_string().as_bytes()).ok_or_else(|| Refusal::new(RefusalReason::OutOfRange, WORDS))
        }
        Some(_) => Err(Refusal::new(RefusalReason::WrongType, WORDS)),
    }
}

/// Encodes an alarm as the plain word.
pub const fn encode_alarm(is_on: bool) -> &'static [u8] {
    if is_on { b"on" } else { b"off" }
}

fn word(bytes: &[u8]) -> Option<bool> {
    let bytes = bytes.trim_ascii();
    let is_one_of = |words: [&str; 3]| {
        words
            .iter()
            .any(|word| bytes.eq_ignore_ascii_case(word.as_bytes()))
    };
    if is_one_of(["on", "true", "1"]) {
        Some(true)
    } else if is_one_of(["off", "false", "0"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_senders_use() {
        for payload in [
            "on",
            "ON\n",
            "true",
            "1",
            "\"on\"",
            r#"{"alarm": "on"}"#,
            r#"{"state": true}"#,
        ] {
            assert_eq!(decode_alarm(payload.as_bytes()), Ok(true), "{payload}");
        }
        for payload in ["off", "0", r#"{"alarm": 0}"#] {
            assert_eq!(decode_alarm(payload.as_bytes()), Ok(false), "{payload}");
        }
        assert_eq!(decode_alarm(encode_alarm(true)), Ok(true));
        assert_eq!(decode_alarm(encode_alarm(false)), Ok(false));
    }

    #[test]
    fn anything_else_is_refused() {
        for (payload, reason) in [
            ("", RefusalReason::NotJson),
            ("fire", RefusalReason::NotJson),
            ("\"fire\"", RefusalReason::OutOfRange),
            ("2", RefusalReason::OutOfRange),
            ("{}", RefusalReason::MissingField),
            ("[]", RefusalReason::WrongType),
        ] {
            assert_eq!(
                decode_alarm(payload.as_bytes()).unwrap_err().reason,
                reason,
                "{payload}"
            );
        }
    }
}
