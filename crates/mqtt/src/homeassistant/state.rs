//! `casement/{device_id}/state`: what is known of a room, retained, so that everything is there again after a restart of
//! Home Assistant.

use std::collections::BTreeMap;

use domain::{DeviceId, Quantity, Timestamp};
use serde::Serialize;

/// What is known of a room. Parts are always there; what is unknown in them is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoomState {
    /// Whose.
    pub device_id: DeviceId,
    /// Whether the device is there: `online` or `offline`.
    pub available: &'static str,
    /// The newest reading of each quantity, in its unit.
    pub readings: BTreeMap<Quantity, f64>,
    /// The newest clip.
    pub sound: SoundState,
    /// The model's newest decision.
    pub decision: Decision,
    /// The window.
    pub window: WindowState,
    /// A person's wish that lasts.
    pub r#override: Override,
    /// What the device last said of itself.
    pub telemetry: TelemetryState,
}

/// The newest clip.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SoundState {
    /// Its equivalent level, dBFS.
    pub level_dbfs: Option<f64>,
}

/// The model's newest decision, carried out or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Decision {
    /// Percent open.
    pub wish: Option<f64>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Which model.
    pub model_version: Option<String>,
    /// When.
    pub timestamp: Option<Timestamp>,
}

/// The window.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WindowState {
    /// Percent open; without reports where it was told to go.
    pub position: Option<f64>,
    /// Where it was told to go, percent open.
    pub target: Option<f64>,
    /// `open`, `closed`, `opening` or `closing`.
    pub state: Option<&'static str>,
    /// `still`, `moving`, `stuck`, `unknown` or `unreported`.
    pub motion: Option<&'static str>,
    /// Why it is where it is, in words.
    pub reason: Option<String>,
    /// What limits it, in words.
    pub interlocks: Vec<String>,
}

/// A person's wish that lasts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Override {
    /// Whether there is one.
    pub active: bool,
    /// Percent open.
    pub position: Option<f64>,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// Whose.
    pub by: Option<String>,
    /// By which hand.
    pub source: Option<String>,
    /// How long it lasts, as [`super::hold_for`] says.
    pub hold_for: Option<&'static str>,
}

/// What the device last said of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TelemetryState {
    /// Strength of its reception, dBm.
    pub rssi_dbm: Option<f64>,
    /// Charge of its battery, %.
    pub battery_percent: Option<f64>,
    /// Volts of its battery.
    pub battery_v: Option<f64>,
}

impl WindowState {
    /// The word for a window that stands at `position` and goes to `target`, where it moves.
    pub fn word(position: f64, target: Option<f64>, moves: bool) -> &'static str {
        // What Home Assistant shows as 0 % is closed.
        let is_shut = position < 0.5;
        match target.filter(|_| moves) {
            Some(target) if target > position => "opening",
            Some(target) if target < position => "closing",
            _ if is_shut => "closed",
            _ => "open",
        }
    }
}

/// Encodes what is known of a room.
pub fn encode_room_state(state: &RoomState) -> Vec<u8> {
    serde_json::to_vec(state).expect("a state is plain data")
}
