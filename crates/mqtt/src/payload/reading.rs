//! `sensor/{device_id}/{quantity}`: `{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z"}`.

use std::borrow::Cow;

use domain::{DeviceId, Quantity, Reading, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

use super::field::{self, Dated, Field, Kind, optional, required};

const fn fields(timestamp: Field) -> [Field; 4] {
    [
        required("value", Kind::Number),
        timestamp,
        optional("device_id", Kind::Text),
        optional("unit", Kind::Text),
    ]
}

pub(super) const FIELDS: &[Field] = &fields(required("timestamp", Kind::Time));
const UNDATED: &[Field] = &fields(optional("timestamp", Kind::Time));

#[derive(Deserialize)]
struct Inbound<'a> {
    value: f64,
    #[serde(borrow, default, deserialize_with = "field::text")]
    timestamp: Option<Cow<'a, str>>,
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow, default)]
    unit: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Outbound {
    value: f64,
    timestamp: Timestamp,
}

/// Decodes a reading. The timestamp is the one stated by the device; a value in another unit is converted.
pub fn decode_reading(quantity: Quantity, device_id: DeviceId, payload: &[u8]) -> Result<Reading, Refusal> {
    Ok(decode_reading_or(quantity, device_id, payload, Allowance::default())?.message)
}

/// What is known of a device before its reading is decoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowance {
    /// The time of a reading that states none; without it, one is required.
    pub otherwise: Option<Timestamp>,
    /// What is added to its value.
    pub offset: f64,
}

/// Decodes a reading of a device of which something is known.
pub fn decode_reading_or(
    quantity: Quantity,
    device_id: DeviceId,
    payload: &[u8],
    allowance: Allowance,
) -> Result<Dated<Reading>, Refusal> {
    let Allowance { otherwise, offset } = allowance;
    field::check_length(payload)?;
    let fields = if otherwise.is_some() { UNDATED } else { FIELDS };
    let (mut repaired, mut again) = (Vec::new(), Vec::new());
    let mut inbound: Inbound<'_> = if has_unit_by_another_name(payload) {
        field::read_repaired(payload, fields, &mut repaired)?
    } else {
        field::read(payload, fields, &mut repaired)?
    };
    if inbound.timestamp.is_none() {
        inbound = field::read_repaired(payload, fields, &mut again)?;
    }
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let (timestamp, is_stated) = field::dated(inbound.timestamp.as_deref(), otherwise)?;
    let message = match inbound.unit.as_deref().filter(|unit| !unit.trim().is_empty()) {
        None => Reading::calibrated(device_id, quantity, inbound.value, offset, timestamp)?,
        Some(unit) => {
            let value = quantity.convert(inbound.value, unit)?;
            Reading::calibrated(device_id, quantity, value, offset, timestamp)?.with_stated_unit()
        }
    };
    Ok(Dated { message, is_stated })
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
