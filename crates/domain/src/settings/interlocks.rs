//! What closes a window whatever anybody wants, as people set it up.

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::Problems;
use crate::{Cause, DeviceId, Position, Quantity, SensorRule};

/// Names of alarms in a list.
const MOST_ALARMS: usize = 16;
const PERCENT: RangeInclusive<f64> = 0.0..=100.0;
const HOLD_S: RangeInclusive<f64> = 0.0..=86_400.0;
/// A sensor that reports more rarely says nothing about the weather.
const SILENT_S: RangeInclusive<f64> = 10.0..=86_400.0;

/// What closes or limits a window whatever anybody wants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct InterlockSettings {
    /// Rain, in mm/h. On unless it is switched off: above 0 the window is shut, for 15 minutes after the last drop. It
    /// listens to the rain sensors of the device, of its location and of its `outdoor_sensor`; where there is none, to nobody.
    #[serde(skip_serializing_if = "SensorInterlock::is_empty")]
    pub rain: SensorInterlock,
    /// Wind, in m/s, from the same devices as rain. On where it has a `limit`.
    #[serde(skip_serializing_if = "SensorInterlock::is_empty")]
    pub wind: SensorInterlock,
    /// Frost: the temperature of the `outdoor_sensor`, in °C, below a limit. On where it has a `limit`.
    #[serde(skip_serializing_if = "SensorInterlock::is_empty")]
    pub frost: SensorInterlock,
    /// An alarm on `alarm/{name}`. On unless it is switched off.
    #[serde(skip_serializing_if = "AlarmInterlock::is_empty")]
    pub alarm: AlarmInterlock,
    /// Whether the window is locked: it stays shut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// The most that the window may open where children or pets are, % open; 100 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub child_lock: Option<f64>,
}

/// An interlock that follows a sensor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct SensorInterlock {
    /// Whether it is heeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// The cause is there above it (frost: below it), in the quantity's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The cause is gone at it or below (frost: above). Without it: for rain the limit, for wind four fifths of it, for frost
    /// a degree more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear_at: Option<f64>,
    /// How far the window may open meanwhile, % open; 0 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub most: Option<f64>,
    /// How long the cause has to be gone before the window may open again, s. Without it: rain 900, wind 600, frost 1800.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 86_400)]
    pub hold_s: Option<f64>,
    /// The one device to listen to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<DeviceId>,
    /// What silence of a sensor means; `keep` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when_silent: Option<WhenSilent>,
    /// How long a sensor may say nothing before it is silent, s; 1800 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 10, maximum = 86_400)]
    pub silent_after_s: Option<f64>,
}

/// The interlock of alarms.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct AlarmInterlock {
    /// Whether it is heeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// The alarms that count for this window; without it, every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 16)]
    pub alarms: Option<Vec<DeviceId>>,
    /// How far the window may open meanwhile, % open; 0 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub most: Option<f64>,
    /// How long the alarm has to be over before the window may open again, s; 60 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 86_400)]
    pub hold_s: Option<f64>,
}

/// What it means that a sensor says nothing any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenSilent {
    /// The cause is there.
    Close,
    /// The sensor says nothing: where no other does, the cause is gone.
    Ignore,
    /// What it said last still holds.
    #[default]
    Keep,
}

impl SensorInterlock {
    fn over(&self, above: &Self) -> Self {
        Self {
            on: self.on.or(above.on),
            limit: self.limit.or(above.limit),
            clear_at: self.clear_at.or(above.clear_at),
            most: self.most.or(above.most),
            hold_s: self.hold_s.or(above.hold_s),
            sensor: self.sensor.clone().or_else(|| above.sensor.clone()),
            when_silent: self.when_silent.or(above.when_silent),
            silent_after_s: self.silent_after_s.or(above.silent_after_s),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self, path: &str, cause: Cause, problems: &mut Problems) {
        let (low, high) = cause.quantity().map_or((0.0, 0.0), Quantity::range);
        problems.within(&format!("{path}.limit"), self.limit, &(low..=high));
        problems.within(&format!("{path}.clear_at"), self.clear_at, &(low..=high));
        problems.within(&format!("{path}.most"), self.most, &PERCENT);
        problems.within(&format!("{path}.hold_s"), self.hold_s, &HOLD_S);
        problems.within(&format!("{path}.silent_after_s"), self.silent_after_s, &SILENT_S);
        if let (Some(limit), Some(clear_at)) = (self.limit, self.clear_at) {
            let (is_wrong, side) = if cause == Cause::Frost {
                (clear_at < limit, "below")
            } else {
                (clear_at > limit, "above")
            };
            if is_wrong {
                problems.add(
                    format!("{path}.clear_at"),
                    format!("is {side} the limit ({limit}): the cause would be there and gone at once"),
                );
            }
        }
    }
}

impl AlarmInterlock {
    fn over(&self, above: &Self) -> Self {
        Self {
            on: self.on.or(above.on),
            alarms: self.alarms.clone().or_else(|| above.alarms.clone()),
            most: self.most.or(above.most),
            hold_s: self.hold_s.or(above.hold_s),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether an alarm of that name counts.
    pub fn heeds(&self, name: &DeviceId) -> bool {
        self.on != Some(false) && self.alarms.as_ref().is_none_or(|alarms| alarms.contains(name))
    }
}

impl InterlockSettings {
    /// Returns these settings, with those of `above` where these say nothing.
    #[must_use]
    pub fn over(&self, above: &Self) -> Self {
        Self {
            rain: self.rain.over(&above.rain),
            wind: self.wind.over(&above.wind),
            frost: self.frost.over(&above.frost),
            alarm: self.alarm.over(&above.alarm),
            locked: self.locked.or(above.locked),
            child_lock: self.child_lock.or(above.child_lock),
        }
    }

    /// Returns whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns what is set for a cause that a sensor tells of.
    pub const fn of(&self, cause: Cause) -> Option<&SensorInterlock> {
        match cause {
            Cause::Rain => Some(&self.rain),
            Cause::Wind => Some(&self.wind),
            Cause::Frost => Some(&self.frost),
            _ => None,
        }
    }

    /// Returns the rule of a cause that a sensor tells of, defaults filled in; `None` where it is off.
    pub fn rule(&self, cause: Cause) -> Option<SensorRule> {
        let set = self.of(cause)?;
        if set.on == Some(false) {
            return None;
        }
        let (limit, hold_s) = match cause {
            Cause::Rain => (set.limit.unwrap_or(0.0), 900.0),
            Cause::Wind => (set.limit?, 600.0),
            _ => (set.limit?, 1_800.0),
        };
        let clear_at = set.clear_at.unwrap_or(match cause {
            Cause::Wind => limit * 0.8,
            Cause::Frost => limit + 1.0,
            _ => limit,
        });
        let clear_at = if cause == Cause::Frost {
            clear_at.max(limit)
        } else {
            // Levels may have said them apart.
            clear_at.min(limit)
        };
        Some(SensorRule {
            cause,
            limit,
            clear_at,
            most: percent(set.most.unwrap_or(0.0)),
            hold: seconds(set.hold_s.unwrap_or(hold_s)),
            when_silent: set.when_silent.unwrap_or_default(),
            silent_after: seconds(set.silent_after_s.unwrap_or(1_800.0)),
        })
    }

    /// Returns how far the window may open during an alarm, and how long that lasts after it.
    pub fn alarm_rule(&self) -> (Position, Duration) {
        let most = percent(self.alarm.most.unwrap_or(0.0));
        (most, seconds(self.alarm.hold_s.unwrap_or(60.0)))
    }

    /// Returns how far the window may open by its locks, with the lock that says so.
    pub fn locks(&self) -> [(Cause, Option<Position>); 2] {
        let child_lock = self.child_lock.filter(|most| *most < 100.0);
        [
            (
                Cause::Locked,
                (self.locked == Some(true)).then_some(Position::SHUT),
            ),
            (Cause::ChildLock, child_lock.map(percent)),
        ]
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        for (cause, set) in [
            (Cause::Rain, &self.rain),
            (Cause::Wind, &self.wind),
            (Cause::Frost, &self.frost),
        ] {
            set.check(&format!("interlocks.{}", cause.as_str()), cause, problems);
        }
        problems.within("interlocks.alarm.most", self.alarm.most, &PERCENT);
        problems.within("interlocks.alarm.hold_s", self.alarm.hold_s, &HOLD_S);
        if self
            .alarm
            .alarms
            .as_ref()
            .is_some_and(|alarms| alarms.len() > MOST_ALARMS)
        {
            problems.add(
                "interlocks.alarm.alarms",
                format!("has more than {MOST_ALARMS} entries"),
            );
        }
        problems.within("interlocks.child_lock", self.child_lock, &PERCENT);
    }
}

fn percent(value: f64) -> Position {
    Position::new(value.clamp(0.0, 100.0)).unwrap_or(Position::SHUT)
}

pub(super) fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}
