//! What people set up for a device: when it asks for decisions, how its readings are corrected, how far its window opens.
//!
//! In: the settings of three levels, the defaults, a group and a device. Out: the ones in effect, checked. Nothing here knows
//! where they are kept or how they travel.

mod ack;
mod check;
mod interlocks;
mod object;
mod opening;
mod schedules;
#[cfg(test)]
mod tests;
mod times;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DeviceId, Quantity, Thresholds};

pub use ack::SettingsAck;
pub use check::InvalidSetting;
pub use interlocks::{AlarmInterlock, InterlockSettings, SensorInterlock, WhenSilent};
pub use opening::{Limits, Opening, OpeningRule, Season};
pub use schedules::{Schedule, ScheduleKind, Schedules, Weekday};
pub use times::{DayMoment, DayOfYear, Hours, InvalidTime, TimeOfDay};

/// Settings of one level. What is absent is decided by the level above: device, then group, then defaults, then the
/// service's own configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Settings {
    /// The change since the last decision that makes the next one due, in the quantity's unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<Quantity, f64>,
    /// Whether each clip makes a decision due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_always_trigger: Option<bool>,
    /// How often the device is to report its readings, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400)]
    pub report_interval_s: Option<f64>,
    /// How often the device is to record a clip, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400)]
    pub clip_interval_s: Option<f64>,
    /// How long a clip is to be, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.5, maximum = 60)]
    pub clip_length_s: Option<f64>,
    /// What is added to each reading as it comes in, in the quantity's unit. The raw value stays recoverable.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub calibration: BTreeMap<Quantity, f64>,
    /// How far the window may open, whoever wants it to. The device is told, too.
    #[serde(skip_serializing_if = "Opening::is_empty")]
    pub opening: Opening,
    /// When the window keeps still, in the device's time zone: neither the model nor a schedule moves it then. The device is
    /// told, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 16)]
    pub quiet_hours: Option<Vec<Hours>>,
    /// The time zone of hours and seasons, such as `Europe/Berlin`; without it, the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub time_zone: Option<String>,
    /// How long the motor takes from shut to open, s; 30 without it. So long a window may be on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.5, maximum = 600)]
    pub motor_travel_s: Option<f64>,
    /// How long a person's wish lasts of which nothing is said, s; 7200 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub override_s: Option<f64>,
    /// The least time between two moves, s; 60 without it. Neither people nor what limits a window wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 86_400)]
    pub min_interval_s: Option<f64>,
    /// The least change of position that is worth the motor, in points; 5 without it. People may ask for less, and shutting is
    /// always worth it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub min_move: Option<f64>,
    /// How far from where it was told to go a window may stop and be there all the same, in points; 2 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.1, maximum = 20)]
    pub tolerance: Option<f64>,
    /// Whether the device's own 0 means open. The device is told, and turns positions round itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_is_open: Option<bool>,
    /// The device that measures outdoors: frost, night cooling, rain and wind are told by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdoor_sensor: Option<DeviceId>,
    /// What closes or limits the window whatever anybody wants: rain, wind, frost, an alarm, locks.
    #[serde(skip_serializing_if = "InterlockSettings::is_empty")]
    pub interlocks: InterlockSettings,
    /// When the window goes somewhere by itself, by name: night cooling, airing, fixed times. At most 16.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub schedules: BTreeMap<String, Schedule>,
    /// Where the sun rises and sets for schedules: degrees north.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: Option<f64>,
    /// The same: degrees east.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: Option<f64>,
    /// Whether messages may come without a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamps: Option<Timestamps>,
}

/// Whether a device states the times of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Timestamps {
    /// A message without a time is refused.
    Required,
    /// A message without a time has the time of its receipt.
    Optional,
}

impl Settings {
    /// Returns these settings, with those of `above` where these say nothing.
    #[must_use]
    pub fn over(&self, above: &Self) -> Self {
        let both = |own: &BTreeMap<Quantity, f64>, above: &BTreeMap<Quantity, f64>| {
            let mut both = above.clone();
            both.extend(own);
            both
        };
        Self {
            thresholds: both(&self.thresholds, &above.thresholds),
            audio_always_trigger: self.audio_always_trigger.or(above.audio_always_trigger),
            report_interval_s: self.report_interval_s.or(above.report_interval_s),
            clip_interval_s: self.clip_interval_s.or(above.clip_interval_s),
            clip_length_s: self.clip_length_s.or(above.clip_length_s),
            calibration: both(&self.calibration, &above.calibration),
            opening: self.opening.over(&above.opening),
            quiet_hours: self.quiet_hours.clone().or_else(|| above.quiet_hours.clone()),
            time_zone: self.time_zone.clone().or_else(|| above.time_zone.clone()),
            motor_travel_s: self.motor_travel_s.or(above.motor_travel_s),
            override_s: self.override_s.or(above.override_s),
            min_interval_s: self.min_interval_s.or(above.min_interval_s),
            min_move: self.min_move.or(above.min_move),
            tolerance: self.tolerance.or(above.tolerance),
            zero_is_open: self.zero_is_open.or(above.zero_is_open),
            outdoor_sensor: self
                .outdoor_sensor
                .clone()
                .or_else(|| above.outdoor_sensor.clone()),
            interlocks: self.interlocks.over(&above.interlocks),
            schedules: schedules::over(&self.schedules, &above.schedules),
            latitude: self.latitude.or(above.latitude),
            longitude: self.longitude.or(above.longitude),
            timestamps: self.timestamps.or(above.timestamps),
        }
    }

    /// Returns whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns `general` with what is set here.
    pub fn thresholds_over(&self, general: Thresholds) -> Thresholds {
        let mut thresholds = general;
        for (&quantity, &change) in &self.thresholds {
            thresholds = thresholds.with_change(quantity, change);
        }
        thresholds.audio_always = self.audio_always_trigger.unwrap_or(general.audio_always);
        thresholds
    }

    /// Returns what is added to a reading of `quantity`.
    pub fn offset(&self, quantity: Quantity) -> f64 {
        self.calibration.get(&quantity).copied().unwrap_or(0.0)
    }

    /// Returns whether a message may come without a time.
    pub fn allows_no_time(&self) -> bool {
        self.timestamps == Some(Timestamps::Optional)
    }

    /// Returns whether the window keeps still at this time of day.
    pub fn is_quiet(&self, time: TimeOfDay) -> bool {
        self.quiet_hours
            .iter()
            .flatten()
            .any(|hours| hours.contains(time))
    }
}
