//! `sensor/{device_id}/{quantity}`: `{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z"}`.

use std::borrow::Cow;

use domain::{DeviceId, Quantity, Reading, Refusal};
use serde::{Deserialize, Serialize};

use super::field::{self, Field, Kind, optional, required};

const FIELDS: &[Field] = &[
    required("value", Kind::Number),
    required("timestamp", Kind::Text),
    optional("device_id", Kind::Text),
];

#[derive(Deserialize)]
struct Inbound<'a> {
    value: f64,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(default)]
    device_id: Option<String>,
}

#[derive(Serialize)]
struct Outbound {
    value: f64,
    timestamp: domain::Timestamp,
}

/// Decodes a reading. The timestamp is the one stated by the device.
pub fn decode_reading(quantity: Quantity, device_id: DeviceId, payload: &[u8]) -> Result<Reading, Refusal> {
    let inbound: Inbound<'_> = field::read_short(payload, FIELDS)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let timestamp = field::timestamp("timestamp", &inbound.timestamp)?;
    Reading::new(device_id, quantity, inbound.value, timestamp)
}

/// Encodes a reading as a device does.
pub fn encode_reading(reading: &Reading) -> Vec<u8> {
    field::write(&Outbound {
        value: reading.value(),
        timestamp: reading.timestamp(),
    })
}
