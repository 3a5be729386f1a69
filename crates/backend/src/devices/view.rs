//! Devices as the API shows them.

use std::collections::BTreeMap;

use domain::{DeviceId, Quantity, Timestamp};
use serde::{Serialize, Serializer};

/// A value and its time.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latest {
    /// In the unit of its field.
    pub value: f64,
    /// By the device's clock.
    pub timestamp: Timestamp,
}

/// The latest clip, without the recording.
#[derive(Debug, Clone, Serialize)]
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
#[derive(Debug, Clone, Serialize)]
pub struct LatestCommand {
    /// When it was decided.
    pub timestamp: Timestamp,
    /// Percent open.
    pub position: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Who decided.
    pub model_version: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// The latest decision that was not carried out.
#[derive(Debug, Clone, Serialize)]
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
}

/// The latest reading that is typical of a fault.
#[derive(Debug, Clone, Serialize)]
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

/// A clock whose times are replaced by the time of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WrongClock {
    /// `unset`, `ahead` or `standing`.
    pub state: &'static str,
    /// The time that it stated last.
    pub stamp: Timestamp,
    /// Since when this was noticed.
    pub since: Timestamp,
}

/// One device as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceView {
    /// Its id.
    pub device_id: DeviceId,
    /// Its name; the id until somebody names it.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// When it was first heard of.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub last_seen: Timestamp,
    /// Whether it was heard of lately.
    pub is_active: bool,
    /// The newest reading of each quantity that it has sent.
    #[serde(flatten, serialize_with = "with_climate")]
    pub readings: BTreeMap<Quantity, Latest>,
    /// The latest clip.
    pub clip: Option<LatestClip>,
    /// The latest command to its window.
    pub command: Option<LatestCommand>,
    /// The latest decision that was not carried out, for too little confidence.
    pub held: Option<LatestHeld>,
    /// The latest reading that is typical of a fault. It is none of the readings above.
    pub suspect: Option<LatestSuspect>,
    /// Where its window says it stands, percent open.
    pub window: Option<Latest>,
    /// Its clock, where that is wrong.
    pub clock: Option<WrongClock>,
}

/// Readings by quantity. Temperature and humidity, which every device has, are `null` until they are known.
fn with_climate<S: Serializer>(
    readings: &BTreeMap<Quantity, Latest>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let shown = |quantity: &Quantity| Quantity::CLIMATE.contains(quantity) || readings.contains_key(quantity);
    let quantities = Quantity::ALL.into_iter().filter(shown);
    serializer.collect_map(quantities.map(|quantity| (quantity, readings.get(&quantity))))
}
