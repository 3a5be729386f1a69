//! `window/{device_id}/state`: a window's report of its position.

use std::borrow::Cow;

use domain::{DeviceId, Position, Refusal, Timestamp, WindowState};
use serde::{Deserialize, Serialize};

use super::field::{self, Field, Kind, optional, required};

const FIELDS: &[Field] = &[
    optional("device_id", Kind::Text),
    required("timestamp", Kind::Time),
    required("position", Kind::Number),
    optional("target", Kind::Number),
    optional("command_id", Kind::Text),
];

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    position: f64,
    #[serde(default)]
    target: Option<f64>,
    #[serde(default)]
    command_id: Option<String>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    device_id: &'a DeviceId,
    timestamp: Timestamp,
    position: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
}

/// Decodes a window's report.
pub fn decode_state(device_id: DeviceId, payload: &[u8]) -> Result<WindowState, Refusal> {
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = field::read_short(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let target = inbound
        .target
        .map(|target| field::bounded("target", Position::new(target)));
    Ok(WindowState {
        device_id,
        timestamp: field::timestamp("timestamp", &inbound.timestamp)?,
        position: field::bounded("position", Position::new(inbound.position))?,
        target: target.transpose()?,
        command_id: inbound.command_id,
    })
}

/// Encodes a window's report.
pub fn encode_state(state: &WindowState) -> Vec<u8> {
    field::write(&Outbound {
        device_id: &state.device_id,
        timestamp: state.timestamp,
        position: state.position.percent(),
        target: state.target.map(Position::percent),
        command_id: state.command_id.as_deref(),
    })
}
