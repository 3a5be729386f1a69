//! Decides when a new window position is due: after a significant change since the last request.
//!
//! In: one device's readings and clips in the order of arrival. Out: a trigger or nothing. Each device has its own
//! detector. A detector never reads a clock, so late readings are judged by their own time.

#[cfg(test)]
mod tests;

use crate::{Quantity, Timestamp};

/// The changes that are significant (`change_detection` in the configuration).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// The change since the last request, in the quantity's unit; `None` triggers nothing.
    changes: [Option<f64>; Quantity::COUNT],
    /// Whether every new clip triggers.
    pub audio_always: bool,
}

impl Thresholds {
    /// Returns the change of `quantity` since the last request that triggers, in its unit; `None` if no change does.
    pub const fn change(&self, quantity: Quantity) -> Option<f64> {
        self.changes[quantity.index()]
    }

    /// Returns these thresholds with another one for `quantity`.
    #[must_use]
    pub const fn with_change(mut self, quantity: Quantity, change: f64) -> Self {
        self.changes[quantity.index()] = Some(change);
        self
    }
}

impl Default for Thresholds {
    /// Returns the specification's thresholds: 0.5 °C, 2 percentage points, every clip. No other quantity triggers.
    fn default() -> Self {
        Self {
            changes: Quantity::ALL.map(Quantity::default_threshold),
            audio_always: true,
        }
    }
}

/// Why a request is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    /// Temperature and humidity are both known for the first time; nothing has been decided for this device yet.
    FirstClimate,
    /// A quantity changed by its threshold.
    Change(Quantity),
    /// A new clip arrived.
    Audio,
}

impl Trigger {
    /// Every trigger that the default thresholds allow, so that metrics start at zero.
    pub fn all() -> impl Iterator<Item = Self> {
        let changes = Quantity::ALL
            .into_iter()
            .filter(|quantity| quantity.default_threshold().is_some())
            .map(Self::Change);
        [Self::FirstClimate, Self::Audio].into_iter().chain(changes)
    }

    /// Returns the name used in metrics and in a command's `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstClimate => "first_climate",
            Self::Change(quantity) => quantity.as_str(),
            Self::Audio => "audio",
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Series {
    /// The newest reading: by its own time, not by arrival.
    latest: Option<(Timestamp, f64)>,
    /// The value in the last request.
    decided: Option<f64>,
    /// Whether it may have changed since the last request by any amount: what it was then is not known.
    is_unsure: bool,
}

impl Series {
    fn observe(&mut self, timestamp: Timestamp, value: f64) -> bool {
        if self.latest.is_some_and(|(newest, _)| timestamp < newest) {
            return false;
        }
        self.latest = Some((timestamp, value));
        true
    }

    fn changed_by(&self, threshold: f64) -> bool {
        // Decimal steps have no exact binary form: 21.3 − 20.8 is 0.4999…, and means 0.5.
        const ROUNDING: f64 = 1e-9;
        match (self.latest, self.decided) {
            (Some(_), _) if self.is_unsure => true,
            (Some((_, latest)), Some(decided)) => (latest - decided).abs() >= threshold - ROUNDING,
            _ => false,
        }
    }
}

/// The change detector of one device.
#[derive(Debug, Clone)]
pub struct ChangeDetector {
    thresholds: Thresholds,
    series: [Series; Quantity::COUNT],
    first_climate_seen: bool,
    /// Whether a request was made since the start: what was decided before counts for nothing then.
    has_decided: bool,
}

impl ChangeDetector {
    /// Creates a detector without any readings.
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            series: [Series::default(); Quantity::COUNT],
            first_climate_seen: false,
            has_decided: false,
        }
    }

    /// Takes a reading. A reading older than the newest known one is ignored.
    pub fn observe_reading(
        &mut self,
        quantity: Quantity,
        timestamp: Timestamp,
        value: f64,
    ) -> Option<Trigger> {
        let series = &mut self.series[quantity.index()];
        if !series.observe(timestamp, value) {
            return None;
        }
        if self.first_climate_seen {
            // The first of a quantity that came after the last request: later ones are measured against it.
            series.decided.get_or_insert(value);
        }
        let changed = self
            .thresholds
            .change(quantity)
            .is_some_and(|threshold| series.changed_by(threshold));
        self.climate()?;
        if !std::mem::replace(&mut self.first_climate_seen, true) {
            return Some(Trigger::FirstClimate);
        }
        changed.then_some(Trigger::Change(quantity))
    }

    /// Takes a reading that waited somewhere: the next current one is compared with it, and it triggers nothing.
    pub fn observe_late_reading(&mut self, quantity: Quantity, timestamp: Timestamp, value: f64) {
        self.series[quantity.index()].observe(timestamp, value);
    }

    /// Takes a new clip. It triggers once temperature and humidity are known: a request needs both.
    pub fn observe_clip(&self) -> Option<Trigger> {
        self.climate()?;
        self.thresholds.audio_always.then_some(Trigger::Audio)
    }

    /// Returns the newest temperature (°C) and humidity (%), once both are known.
    pub fn climate(&self) -> Option<(f64, f64)> {
        let latest = |quantity| self.latest(quantity).map(|(_, value)| value);
        Some((latest(Quantity::Temperature)?, latest(Quantity::Humidity)?))
    }

    /// Returns the time of the newest reading that a request would carry.
    pub fn latest_timestamp(&self) -> Option<Timestamp> {
        Quantity::CLIMATE
            .into_iter()
            .filter_map(|quantity| self.latest(quantity).map(|(timestamp, _)| timestamp))
            .max()
    }

    const fn latest(&self, quantity: Quantity) -> Option<(Timestamp, f64)> {
        self.series[quantity.index()].latest
    }

    /// Replaces the thresholds.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
    }

    /// Records what was known before a restart, unless something newer is. What it was when a request was made last,
    /// [`Self::restore_decision`] says.
    pub fn restore(&mut self, quantity: Quantity, timestamp: Timestamp, value: f64) {
        let series = &mut self.series[quantity.index()];
        if series.latest.is_none_or(|(newest, _)| newest < timestamp) {
            series.latest = Some((timestamp, value));
        }
    }

    /// Records the climate (°C and %) of the newest decision before a restart, unless a request was made since: changes are
    /// measured against it. Call it after [`Self::restore`]: of a quantity that no decision states, what came after that time
    /// counts as changed.
    pub fn restore_decision(&mut self, at: Timestamp, climate: (f64, f64)) {
        if self.has_decided {
            return;
        }
        for quantity in Quantity::ALL {
            let series = &mut self.series[quantity.index()];
            match quantity {
                Quantity::Temperature => series.decided = Some(climate.0),
                Quantity::Humidity => series.decided = Some(climate.1),
                _ => {
                    series.decided = series.latest.map(|(_, value)| value);
                    series.is_unsure = series.latest.is_some_and(|(newest, _)| newest > at);
                }
            }
        }
        self.first_climate_seen = true;
    }

    /// Returns why a request is owed: none was made yet, or something has changed significantly since the last one.
    pub fn owed(&self) -> Option<Trigger> {
        self.climate()?;
        if !self.first_climate_seen {
            return Some(Trigger::FirstClimate);
        }
        let has_changed = |quantity: &Quantity| {
            let threshold = self.thresholds.change(*quantity);
            threshold.is_some_and(|threshold| self.series[quantity.index()].changed_by(threshold))
        };
        Quantity::ALL.into_iter().find(has_changed).map(Trigger::Change)
    }

    /// Records that a request with the current climate was made: later changes are measured against it.
    pub fn decided(&mut self) {
        for series in &mut self.series {
            series.decided = series.latest.map(|(_, value)| value);
            series.is_unsure = false;
        }
        self.first_climate_seen |= self.climate().is_some();
        self.has_decided = true;
    }
}
