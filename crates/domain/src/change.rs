//! Decides when a new window position is due: after a significant change since the last request.
//!
//! In: one device's readings and clips in the order of arrival. Out: a trigger or nothing. Each device has its own
//! detector. A detector never reads a clock, so late readings are judged by their own time.

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
}

impl ChangeDetector {
    /// Creates a detector without any readings.
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            series: [Series::default(); Quantity::COUNT],
            first_climate_seen: false,
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

    /// Records what was known before a restart, unless something newer is: changes are measured against it.
    pub fn restore(&mut self, quantity: Quantity, timestamp: Timestamp, value: f64) {
        let series = &mut self.series[quantity.index()];
        if series.latest.is_none() {
            series.latest = Some((timestamp, value));
            series.decided = Some(value);
        }
        let is_decided = |quantity: Quantity| self.series[quantity.index()].decided.is_some();
        self.first_climate_seen |= Quantity::CLIMATE.into_iter().all(is_decided);
    }

    /// Records that a request with the current climate was made: later changes are measured against it.
    pub fn decided(&mut self) {
        for series in &mut self.series {
            series.decided = series.latest.map(|(_, value)| value);
        }
        self.first_climate_seen |= self.climate().is_some();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn decided_at(temperature: f64, humidity: f64) -> ChangeDetector {
        let mut detector = ChangeDetector::new(Thresholds::default());
        assert_eq!(
            detector.observe_reading(Quantity::Temperature, at(0), temperature),
            None
        );
        assert_eq!(
            detector.observe_reading(Quantity::Humidity, at(0), humidity),
            Some(Trigger::FirstClimate)
        );
        detector.decided();
        detector
    }

    #[test]
    fn a_quantity_that_comes_later_is_measured_from_its_first_value() {
        let mut detector = ChangeDetector::new(Thresholds::default().with_change(Quantity::Co2, 100.0));
        detector.observe_reading(Quantity::Temperature, at(0), 20.0);
        assert!(
            detector
                .observe_reading(Quantity::Humidity, at(0), 50.0)
                .is_some()
        );
        detector.decided();
        assert_eq!(detector.observe_reading(Quantity::Co2, at(1), 500.0), None);
        assert_eq!(detector.observe_reading(Quantity::Co2, at(2), 599.0), None);
        let trigger = detector.observe_reading(Quantity::Co2, at(3), 600.0);
        assert_eq!(trigger, Some(Trigger::Change(Quantity::Co2)));
    }

    #[test]
    fn the_threshold_itself_is_significant() {
        let mut detector = decided_at(20.8, 50.0);
        assert_eq!(detector.observe_reading(Quantity::Temperature, at(1), 21.2), None);
        assert_eq!(
            detector.observe_reading(Quantity::Temperature, at(2), 21.3),
            Some(Trigger::Change(Quantity::Temperature))
        );
        assert_eq!(detector.observe_reading(Quantity::Humidity, at(2), 48.1), None);
        assert_eq!(
            detector.observe_reading(Quantity::Humidity, at(3), 48.0),
            Some(Trigger::Change(Quantity::Humidity))
        );
    }

    #[test]
    fn slow_drift_adds_up() {
        let mut detector = decided_at(20.0, 50.0);
        let triggers = (1..=10)
            .filter(|&i| {
                detector
                    .observe_reading(Quantity::Temperature, at(i), 20.0 + 0.05 * i as f64)
                    .is_some()
            })
            .count();
        assert_eq!(triggers, 1);
    }

    #[test]
    fn a_days_old_backlog_triggers_nothing() {
        let mut detector = decided_at(20.0, 50.0);
        assert_eq!(
            detector.observe_reading(Quantity::Temperature, at(-86_400), 35.0),
            None
        );
        assert_eq!(detector.climate(), Some((20.0, 50.0)));
    }

    #[test]
    fn after_a_backlog_the_first_current_reading_decides() {
        let mut detector = ChangeDetector::new(Thresholds::default());
        detector.observe_late_reading(Quantity::Temperature, at(0), 20.0);
        detector.observe_late_reading(Quantity::Humidity, at(0), 50.0);
        assert_eq!(
            detector.observe_reading(Quantity::Temperature, at(1_800), 20.0),
            Some(Trigger::FirstClimate)
        );
    }

    #[test]
    fn what_was_known_before_a_restart_is_the_baseline() {
        let mut detector = ChangeDetector::new(Thresholds::default());
        detector.restore(Quantity::Temperature, at(0), 20.0);
        detector.restore(Quantity::Humidity, at(0), 50.0);
        assert_eq!(detector.observe_reading(Quantity::Temperature, at(1), 20.4), None);
        assert_eq!(
            detector.observe_reading(Quantity::Temperature, at(2), 20.5),
            Some(Trigger::Change(Quantity::Temperature))
        );
        // It comes too late to replace what was heard since.
        detector.decided();
        detector.restore(Quantity::Temperature, at(0), 5.0);
        assert_eq!(detector.climate(), Some((20.5, 50.0)));
        let mut half = ChangeDetector::new(Thresholds::default());
        half.observe_reading(Quantity::Temperature, at(1), 20.0);
        half.restore(Quantity::Humidity, at(0), 50.0);
        assert_eq!(
            half.observe_reading(Quantity::Temperature, at(2), 20.0),
            Some(Trigger::FirstClimate),
            "nothing was decided on this temperature"
        );
    }

    #[test]
    fn a_clip_waits_for_the_climate() {
        let mut detector = ChangeDetector::new(Thresholds::default());
        assert_eq!(detector.observe_clip(), None);
        detector.observe_reading(Quantity::Temperature, at(0), 20.0);
        detector.observe_reading(Quantity::Humidity, at(0), 50.0);
        assert_eq!(detector.observe_clip(), Some(Trigger::Audio));
        let quiet = ChangeDetector::new(Thresholds {
            audio_always: false,
            ..Thresholds::default()
        });
        assert_eq!(quiet.observe_clip(), None);
    }

    proptest! {
        #[test]
        fn jitter_below_the_threshold_never_triggers(values in prop::collection::vec(-0.24_f64..0.24, 1..50)) {
            let mut detector = decided_at(20.0, 50.0);
            for (i, value) in values.iter().enumerate() {
                prop_assert_eq!(detector.observe_reading(Quantity::Temperature, at(i as i64 + 1), 20.0 + value), None);
            }
        }

        #[test]
        fn the_climate_is_the_newest_by_time(readings in prop::collection::vec((0_i64..1000, 0.0_f64..100.0), 1..50)) {
            let mut detector = ChangeDetector::new(Thresholds::default());
            detector.observe_reading(Quantity::Temperature, at(0), 20.0);
            for &(second, value) in &readings {
                detector.observe_reading(Quantity::Humidity, at(second), value);
            }
            let newest = readings.iter().map(|r| r.0).max().unwrap();
            let last = readings.iter().rfind(|r| r.0 == newest).unwrap().1;
            prop_assert_eq!(detector.climate(), Some((20.0, last)));
        }
    }
}
