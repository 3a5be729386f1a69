//! `window/{device_id}/state`: a window's report of its position.

use std::borrow::Cow;

use domain::{DeviceId, Position, Refusal, Timestamp, WindowState};
use serde::{Deserialize, Serialize};

use super::field::{self, Dated, Field, Kind, optional, required};

const fn fields(timestamp: Field) -> [Field; 5] {
    [
        optional("device_id", Kind::Text),
        timestamp,
        required("position", Kind::Number),
        optional("target", Kind::Number),
        optional("command_id", Kind::Text),
    ]
}

pub(super) const FIELDS: &[Field] = &fields(required("timestamp", Kind::Time));
const UNDATED: &[Field] = &fields(optional("timestamp", Kind::Time));

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow, default, deserialize_with = "field::text")]
    timestamp: Option<Cow<'a, str>>,
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
    Ok(decode_state_or(device_id, payload, None)?.message)
}

/// Decodes a window's report that may state no time, if there is one for it `otherwise`.
pub fn decode_state_or(
    device_id: DeviceId,
    payload: &[u8],
    otherwise: Option<Timestamp>,
) -> Result<Dated<WindowState>, Refusal> {
    let fields = if otherwise.is_some() { UNDATED } else { FIELDS };
    let (mut repaired, mut again) = (Vec::new(), Vec::new());
    let mut inbound: Inbound<'_> = field::read_short(payload, fields, &mut repaired)?;
    if inbound.timestamp.is_none() {
        inbound = field::read_repaired(payload, fields, &mut again)?;
    }
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let target = inbound
        .target
        .map(|target| field::bounded("target", Position::new(target)));
    let (timestamp, is_stated) = field::dated(inbound.timestamp.as_deref(), otherwise)?;
    let message = WindowState {
        device_id,
        timestamp,
        position: field::bounded("position", Position::new(inbound.position))?,
        target: target.transpose()?,
        command_id: inbound.command_id,
    };
    Ok(Dated { message, is_stated })
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
