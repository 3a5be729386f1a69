//! `device/{device_id}/status`: `online` as birth message, `offline` as last will, both retained.

use domain::{Refusal, RefusalReason};
use serde_json::Value;

use super::{field, repair};

/// Whether a device is connected, as stated by it or its broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceStatus {
    /// The device is connected.
    Online,
    /// The device disconnected or was lost.
    Offline,
}

impl DeviceStatus {
    /// Returns the word used in payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

/// Decodes a status: the plain word, the word as a JSON string, or an object whose `status` contains it.
pub fn decode_status(payload: &[u8]) -> Result<DeviceStatus, Refusal> {
    let payload = repair::framed(payload);
    if let Some(status) = word(payload) {
        return Ok(status);
    }
    field::check_length(payload)?;
    let value: Value = serde_json::from_slice(payload)
        .map_err(|_| Refusal::new(RefusalReason::NotJson, "a status is online or offline"))?;
    let text = match &value {
        Value::Object(fields) => fields.get("status"),
        other => Some(other),
    };
    match text {
        None | Some(Value::Null) => Err(Refusal::new(RefusalReason::MissingField, "'status' is missing")),
        Some(Value::String(text)) => word(text.as_bytes())
            .ok_or_else(|| Refusal::new(RefusalReason::OutOfRange, "a status is online or offline")),
        Some(_) => Err(Refusal::new(
            RefusalReason::WrongType,
            "a status is text: online or offline",
        )),
    }
}

/// Encodes a status as the plain word.
pub fn encode_status(status: DeviceStatus) -> &'static [u8] {
    status.as_str().as_bytes()
}

fn word(bytes: &[u8]) -> Option<DeviceStatus> {
    let bytes = bytes.trim_ascii();
    [DeviceStatus::Online, DeviceStatus::Offline]
        .into_iter()
        .find(|status| bytes.eq_ignore_ascii_case(status.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_devices_use() {
        for payload in [
            "online",
            "Online\n",
            "\"online\"",
            r#"{"status": "online", "rssi": -60}"#,
        ] {
            assert_eq!(
                decode_status(payload.as_bytes()),
                Ok(DeviceStatus::Online),
                "{payload}"
            );
        }
        assert_eq!(
            decode_status(encode_status(DeviceStatus::Offline)),
            Ok(DeviceStatus::Offline)
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for (payload, reason) in [
            ("", RefusalReason::NotJson),
            ("away", RefusalReason::NotJson),
            ("\"away\"", RefusalReason::OutOfRange),
            ("{}", RefusalReason::MissingField),
            ("1", RefusalReason::WrongType),
        ] {
            assert_eq!(
                decode_status(payload.as_bytes()).unwrap_err().reason,
                reason,
                "{payload}"
            );
        }
    }
}
