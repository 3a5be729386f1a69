//! `sensor/{device_id}/{quantity}`: `{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z"}`.

use std::borrow::Cow;

use domain::{DeviceId, Quantity, Reading, Refusal};
use serde::{Deserialize, Serialize};

use super::field::{self, Field, Kind, optional, required};

const FIELDS: &[Field] = &[
    required("value", Kind::Number),
    required("timestamp", Kind::Time),
    optional("device_id", Kind::Text),
    optional("unit", Kind::Text),
];

#[derive(Deserialize)]
struct Inbound<'a> {
    value: f64,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow, default)]
    unit: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Outbound {
    value: f64,
    timestamp: domain::Timestamp,
}

/// Decodes a reading. The timestamp is the one stated by the device; a value in another unit is converted.
pub fn decode_reading(quantity: Quantity, device_id: DeviceId, payload: &[u8]) -> Result<Reading, Refusal> {
    field::check_length(payload)?;
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = if has_unit_by_another_name(payload) {
        field::read_repaired(payload, FIELDS, &mut repaired)?
    } else {
        field::read(payload, FIELDS, &mut repaired)?
    };
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let timestamp = field::timestamp("timestamp", &inbound.timestamp)?;
    match inbound.unit.as_deref().filter(|unit| !unit.trim().is_empty()) {
        None => Reading::new(device_id, quantity, inbound.value, timestamp),
        Some(unit) => {
            let value = quantity.convert(inbound.value, unit)?;
            Ok(Reading::new(device_id, quantity, value, timestamp)?.with_stated_unit())
        }
    }
}

/// Returns whether a payload may state its unit by a key that the typed form does not know: no unit is ignored.
fn has_unit_by_another_name(payload: &[u8]) -> bool {
    let exact = br#""unit""#;
    payload.windows(4).any(|part| part.eq_ignore_ascii_case(b"unit"))
        && !payload.windows(exact.len()).any(|part| part == exact)
}

/// Encodes a reading as a device does.
pub fn encode_reading(reading: &Reading) -> Vec<u8> {
    field::write(&Outbound {
        value: reading.value(),
        timestamp: reading.timestamp(),
    })
}
