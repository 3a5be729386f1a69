//! `device/{device_id}/config`: `{"version": 7, "settings": {…}}`, retained, from the backend; and
//! `device/{device_id}/config/ack`: `{"version": 7, "status": "applied"}`, or `"refused"` with a `reason`, from the device.

use std::borrow::Cow;

use domain::{DeviceId, Refusal, RefusalReason, Settings, SettingsAck};
use serde::{Deserialize, Serialize};

use super::field::{self, Field, Kind, optional, required};

pub(super) const FIELDS: &[Field] = &[
    required("version", Kind::Number),
    required("status", Kind::Text),
    optional("reason", Kind::Text),
    optional("device_id", Kind::Text),
];

const APPLIED: &str = "applied";
const REFUSED: &str = "refused";
/// The largest whole number up to which a double holds all of them.
const MAX_VERSION: f64 = 9_007_199_254_740_992.0;

#[derive(Serialize)]
struct Sent<'a> {
    version: u64,
    settings: &'a Settings,
}

#[derive(Deserialize)]
struct Inbound<'a> {
    version: f64,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(default)]
    device_id: Option<String>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    version: u64,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Encodes the settings in effect for a device, and their version.
pub fn encode_config(version: u64, settings: &Settings) -> Vec<u8> {
    field::write(&Sent { version, settings })
}

#[derive(Deserialize)]
struct Received {
    version: u64,
    settings: Settings,
}

/// Decodes settings as a device does.
pub fn decode_config(payload: &[u8]) -> Result<(u64, Settings), Refusal> {
    field::check_length(payload)?;
    let received: Received = serde_json::from_slice(payload)
        .map_err(|error| Refusal::new(RefusalReason::NotJson, error.to_string()))?;
    Ok((received.version, received.settings))
}

/// Decodes a device's answer to settings.
pub fn decode_config_ack(device_id: DeviceId, payload: &[u8]) -> Result<SettingsAck, Refusal> {
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = field::read_short(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    if inbound.version.fract() != 0.0 || !(0.0..=MAX_VERSION).contains(&inbound.version) {
        let detail = format!(
            "'version' is {}: it is the number that came with the settings",
            inbound.version
        );
        return Err(Refusal::new(RefusalReason::OutOfRange, detail));
    }
    let status = inbound.status.trim();
    let refused = if status.eq_ignore_ascii_case(APPLIED) {
        None
    } else if status.eq_ignore_ascii_case(REFUSED) {
        Some(inbound.reason.as_deref().unwrap_or_default())
    } else {
        let shown: String = status.chars().take(40).collect();
        let detail = format!("'status' is '{shown}': it is applied or refused");
        return Err(Refusal::new(RefusalReason::OutOfRange, detail));
    };
    Ok(SettingsAck::new(device_id, inbound.version as u64, refused))
}

/// Encodes an answer as a device does.
pub fn encode_config_ack(ack: &SettingsAck) -> Vec<u8> {
    field::write(&Outbound {
        version: ack.version,
        status: if ack.refused.is_none() { APPLIED } else { REFUSED },
        reason: ack.refused.as_deref(),
    })
}
