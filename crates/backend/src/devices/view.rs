//! Devices as the API shows them.

use std::collections::BTreeMap;

use domain::{Contributions, DeviceId, HeldDecision, Quantity, Reading, Telemetry, Timestamp, WindowAction};
use serde::Serialize;
use utoipa::ToSchema;

use super::health::{Health, Presence};
use crate::{ControlView, clips::AnalysedClip};

/// A value and its time.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Latest {
    /// In the unit of its field.
    pub value: f64,
    /// By the device's clock.
    pub timestamp: Timestamp,
}

/// The latest clip, without the recording.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LatestClip {
    /// By the device's clock.
    pub timestamp: Timestamp,
    /// Seconds.
    pub duration_s: f64,
    /// Equivalent level in dBFS, where measured.
    pub level_dbfs: Option<f64>,
    /// The clip's hash.
    pub audio_hash: String,
}

/// The latest command to a window.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LatestCommand {
    /// When it was decided.
    pub timestamp: Timestamp,
    /// Percent open.
    pub position: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Who decided: `model`, `person`, `schedule` or `interlock`; empty where its sender does not say.
    pub origin: String,
    /// Which interlock (`rain`, `wind`, …, `limit`: its settings), or which schedule, by its name; `null` of others, and where it
    /// is not known.
    pub cause: Option<String>,
    /// Which model decided; `null` where it was none.
    pub model_version: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// What moved the prediction away from the average of the model's training, points.
    pub contributions: Option<Contributions>,
    /// `moved`, or `limited` where the model wanted more or less than the law of moves allows; empty for commands of before.
    pub verdict: String,
    /// What the model wanted, percent open, where something limits the window.
    #[serde(skip)]
    pub wish: Option<f64>,
}

/// The latest decision that was not carried out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LatestHeld {
    /// When it was decided.
    pub timestamp: Timestamp,
    /// Percent open.
    pub position: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Which model decided.
    pub model_version: String,
    /// Why it is held, in words.
    pub reason: Option<String>,
    /// What moved the prediction away from the average of the model's training, points.
    pub contributions: Option<Contributions>,
    /// Why it is held, in one word: what the law of moves said, or `unsure`.
    pub verdict: String,
}

/// The latest reading that is typical of a fault.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LatestSuspect {
    /// What was measured.
    pub quantity: Quantity,
    /// In the quantity's unit.
    pub value: f64,
    /// By the device's clock.
    pub timestamp: Timestamp,
    /// What is suspect about it, in words.
    pub reason: &'static str,
}

impl From<&AnalysedClip> for LatestClip {
    fn from(clip: &AnalysedClip) -> Self {
        Self {
            timestamp: clip.timestamp,
            duration_s: clip.duration_s,
            level_dbfs: clip.features.level.map(|level| level.equivalent_dbfs),
            audio_hash: clip.hash.to_string(),
        }
    }
}

impl From<&WindowAction> for LatestCommand {
    fn from(action: &WindowAction) -> Self {
        Self {
            timestamp: action.timestamp,
            position: action.position.percent(),
            confidence: action.confidence.probability(),
            origin: action.origin.as_str().to_owned(),
            cause: action.cause.clone(),
            model_version: action.origin.model_version().map(str::to_owned),
            reason: action.reason.clone(),
            contributions: action.contributions,
            verdict: action.verdict().to_owned(),
            wish: action.wish.map(domain::Position::percent),
        }
    }
}

impl From<&HeldDecision> for LatestHeld {
    fn from(decision: &HeldDecision) -> Self {
        Self {
            timestamp: decision.timestamp,
            position: decision.position.percent(),
            confidence: decision.confidence.probability(),
            model_version: decision.model_version.clone(),
            reason: decision.reason.clone(),
            contributions: decision.contributions,
            verdict: decision.verdict().to_owned(),
        }
    }
}

impl LatestSuspect {
    pub(crate) fn new(reading: &Reading, reason: &'static str) -> Self {
        Self {
            quantity: reading.quantity(),
            value: reading.value(),
            timestamp: reading.timestamp(),
            reason,
        }
    }
}

/// A clock whose times are replaced by the time of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct WrongClock {
    /// `unset`, `ahead` or `standing`.
    pub state: &'static str,
    /// The time that it stated last.
    pub stamp: Timestamp,
    /// Since when this was noticed.
    pub since: Timestamp,
}

/// What a device last said of itself. Only what it reports is there.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LatestTelemetry {
    /// By the device's clock, or of receipt where it stated no time.
    pub timestamp: Timestamp,
    /// Volts of its battery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_v: Option<f64>,
    /// Charge of its battery, %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_percent: Option<f64>,
    /// Strength of its reception, dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rssi_dbm: Option<f64>,
    /// Free memory, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_heap_bytes: Option<u64>,
    /// Seconds since its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<f64>,
    /// Version of its firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
}

impl LatestTelemetry {
    pub(crate) fn of(telemetry: &Telemetry, received_at: Timestamp) -> Self {
        Self {
            timestamp: telemetry.timestamp.unwrap_or(received_at),
            battery_v: telemetry.battery_v,
            battery_percent: telemetry.battery_percent,
            rssi_dbm: telemetry.rssi_dbm,
            free_heap_bytes: telemetry.free_heap_bytes.map(|bytes| bytes as u64),
            uptime_s: telemetry.uptime_s,
            firmware: telemetry.firmware.clone(),
        }
    }

    /// The same, with what `before` says where this says nothing.
    pub(crate) fn over(self, before: Self) -> Self {
        Self {
            timestamp: self.timestamp,
            battery_v: self.battery_v.or(before.battery_v),
            battery_percent: self.battery_percent.or(before.battery_percent),
            rssi_dbm: self.rssi_dbm.or(before.rssi_dbm),
            free_heap_bytes: self.free_heap_bytes.or(before.free_heap_bytes),
            uptime_s: self.uptime_s.or(before.uptime_s),
            firmware: self.firmware.or(before.firmware),
        }
    }
}

/// How far settings have come to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Nothing was ever set for it.
    #[default]
    None,
    /// They were sent, or are about to be, and the device has not answered.
    Pending,
    /// The device has them.
    Applied,
    /// The device does not take them.
    Refused,
}

/// How far a device's settings have come to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct SettingsState {
    /// The version of the settings in effect: it grows with each change that may matter to the device. 0 where nothing was
    /// ever set.
    pub version: u64,
    /// What the device says of this version.
    pub state: Delivery,
    /// Why it does not take them, in its own words.
    pub reason: Option<String>,
    /// When the device answered.
    pub at: Option<Timestamp>,
}

/// A decision that was not asked for, because what it would be based on is too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Withheld {
    /// When it was due first.
    pub timestamp: Timestamp,
    /// Which input is too old, and how old.
    pub reason: String,
}

/// One device as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeviceView {
    /// Its id.
    pub device_id: DeviceId,
    /// Its name; the id until somebody names it.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// When it was first heard of; `null` where it never was.
    pub registered_at: Option<Timestamp>,
    /// When it was last heard of; `null` where it never was.
    pub last_seen: Option<Timestamp>,
    /// Whether it was heard of lately, and is in use.
    pub is_active: bool,
    /// Whether it was taken out of use: its readings are kept, and nothing is decided for it.
    pub retired: bool,
    /// How it does.
    pub health: Health,
    /// How far its settings have come to it.
    pub settings: SettingsState,
    /// What it last said of itself.
    pub telemetry: Option<LatestTelemetry>,
    /// The newest reading of each quantity that it has sent.
    pub readings: BTreeMap<Quantity, Latest>,
    /// The latest clip.
    pub clip: Option<LatestClip>,
    /// The latest command to its window.
    pub command: Option<LatestCommand>,
    /// The latest decision that was not carried out, for too little confidence.
    pub held: Option<LatestHeld>,
    /// A decision that is due and not asked for, because temperature or humidity are too old. Gone when they are fresh.
    pub withheld: Option<Withheld>,
    /// The latest reading that is typical of a fault. It is none of the readings above.
    pub suspect: Option<LatestSuspect>,
    /// Where its window says it stands, percent open.
    pub window: Option<Latest>,
    /// Its clock, where that is wrong.
    pub clock: Option<WrongClock>,
    /// Who decides about its window, what limits it and where it was told to go; `null` of a device without a window so far that
    /// nothing limits.
    pub control: Option<ControlView>,
}

impl DeviceView {
    /// A device that was heard of at `at`, or that somebody has set up.
    pub(super) fn new(device_id: &DeviceId, at: Option<Timestamp>) -> Self {
        Self {
            device_id: device_id.clone(),
            name: device_id.to_string(),
            location: String::new(),
            registered_at: at,
            last_seen: at,
            is_active: at.is_some(),
            retired: false,
            health: Health {
                state: if at.is_some() {
                    Presence::Online
                } else {
                    Presence::NeverSeen
                },
                since: at,
                ..Health::default()
            },
            settings: SettingsState::default(),
            telemetry: None,
            readings: BTreeMap::new(),
            clip: None,
            command: None,
            held: None,
            withheld: None,
            suspect: None,
            window: None,
            clock: None,
            control: None,
        }
    }

    /// A device that somebody has set up and that was never heard of; its settings have this version.
    pub fn never_seen(device_id: &DeviceId, version: u64) -> Self {
        Self {
            settings: SettingsState {
                version,
                ..SettingsState::default()
            },
            ..Self::new(device_id, None)
        }
    }
}
