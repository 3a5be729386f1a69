//! `device/{device_id}/telemetry`: what a device says of itself, as `{"battery_v": 3.9, "rssi_dbm": -67}`. Every field is
//! optional, and one has to be there.

use std::borrow::Cow;

use domain::{DeviceId, Refusal, Telemetry, Timestamp};
use serde::{Deserialize, Serialize};

use super::field::{self, Field, Kind, optional};

pub(super) const FIELDS: &[Field] = &[
    optional("battery_v", Kind::Number),
    optional("battery_percent", Kind::Number),
    optional("rssi_dbm", Kind::Number),
    optional("free_heap_bytes", Kind::Number),
    optional("uptime_s", Kind::Number),
    optional("firmware", Kind::Text),
    optional("timestamp", Kind::Time),
    optional("device_id", Kind::Text),
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inbound<'a> {
    battery_v: Option<f64>,
    battery_percent: Option<f64>,
    rssi_dbm: Option<f64>,
    free_heap_bytes: Option<f64>,
    uptime_s: Option<f64>,
    firmware: Option<String>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    device_id: Option<String>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_v: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rssi_dbm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    free_heap_bytes: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
}

/// Decodes what a device says of itself. An empty timestamp is none.
pub fn decode_telemetry(device_id: DeviceId, payload: &[u8]) -> Result<Telemetry, Refusal> {
    field::check_length(payload)?;
    let mut repaired = Vec::new();
    // In any case: of a form without a required field, every object is one, whatever its keys.
    let inbound: Inbound<'_> = field::read_repaired(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let stated = inbound.timestamp.as_deref();
    let stated = stated.filter(|text| !text.trim().is_empty());
    let timestamp = stated
        .map(|text| field::timestamp("timestamp", text))
        .transpose()?;
    Telemetry {
        battery_v: inbound.battery_v,
        battery_percent: inbound.battery_percent,
        rssi_dbm: inbound.rssi_dbm,
        free_heap_bytes: inbound.free_heap_bytes,
        uptime_s: inbound.uptime_s,
        firmware: inbound.firmware,
        ..Telemetry::of(device_id, timestamp)
    }
    .checked()
}

/// Encodes telemetry as a device does.
pub fn encode_telemetry(telemetry: &Telemetry) -> Vec<u8> {
    field::write(&Outbound {
        battery_v: telemetry.battery_v,
        battery_percent: telemetry.battery_percent,
        rssi_dbm: telemetry.rssi_dbm,
        free_heap_bytes: telemetry.free_heap_bytes,
        uptime_s: telemetry.uptime_s,
        firmware: telemetry.firmware.as_deref(),
        timestamp: telemetry.timestamp,
    })
}
