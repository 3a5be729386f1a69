//! Values that no working sensor sends: the same to the last digit for hours, or a jump that nothing in a room makes.
//!
//! In: the readings of one quantity, by their times of receipt. Out: problems in words. Pure.

use std::time::Duration;

use domain::{Quantity, Timestamp};

use super::presence::told;

/// Readings that say the same before a sensor can be stuck.
const ENOUGH: u32 = 10;
/// Readings further apart than this make no jump.
const NEXT: Duration = Duration::from_mins(1);
/// For how long a jump is told.
const JUMP_TOLD: Duration = Duration::from_mins(30);

/// For how long a value may be the same to the last digit; `None` for ever.
const fn steady_for(quantity: Quantity, value: f64) -> Option<Duration> {
    match quantity {
        // Fog and a wet sensor stay at 100.
        Quantity::Humidity if value >= 100.0 => None,
        // Nights, calms and dry days.
        Quantity::Illuminance | Quantity::Rain | Quantity::Wind if value <= 0.0 => None,
        Quantity::Co2 => Some(Duration::from_hours(3)),
        // Whole hectopascals are steady in calm weather.
        Quantity::Pressure => Some(Duration::from_hours(12)),
        // A cellar holds a tenth of a degree for long, and no sensor is without noise.
        Quantity::Temperature
        | Quantity::Humidity
        | Quantity::Illuminance
        | Quantity::Rain
        | Quantity::Wind => Some(Duration::from_hours(6)),
    }
}

/// The change between two readings within a minute that nothing makes; `None` where anything may be.
const fn most_within_a_minute(quantity: Quantity) -> Option<f64> {
    match quantity {
        Quantity::Temperature | Quantity::Pressure => Some(10.0),
        Quantity::Humidity => Some(50.0),
        Quantity::Co2 => Some(5_000.0),
        Quantity::Illuminance | Quantity::Rain | Quantity::Wind => None,
    }
}

/// What is known of a quantity of a device.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values {
    last: Option<(f64, Timestamp)>,
    /// Since when the value has been the same, and how often it was said.
    same_since: Option<Timestamp>,
    same: u32,
    jump: Option<(f64, f64, Timestamp)>,
}

impl Values {
    /// Takes a reading.
    pub(super) fn take(&mut self, quantity: Quantity, value: f64, at: Timestamp) {
        let before = self.last.replace((value, at));
        let is_same = before.is_some_and(|(before, _)| before.to_bits() == value.to_bits());
        if is_same {
            self.same = self.same.saturating_add(1);
        } else {
            (self.same, self.same_since) = (1, Some(at));
        }
        if let (Some((before, then)), Some(most)) = (before, most_within_a_minute(quantity))
            && at.millis_since(then) <= NEXT.as_millis() as i64
            && (value - before).abs() > most
        {
            self.jump = Some((before, value, at));
        }
    }

    /// Since when it is stuck, and what to say.
    pub(super) fn stuck(&self, quantity: Quantity, now: Timestamp) -> Option<(Timestamp, String)> {
        let ((value, _), since) = (self.last?, self.same_since?);
        let limit = steady_for(quantity, value)?;
        let lasted = now.millis_since(since);
        let is_stuck = self.same >= ENOUGH && lasted > limit.as_millis() as i64;
        is_stuck.then(|| {
            let span = told(Duration::from_secs(limit.as_secs()));
            let detail = format!(
                "{quantity} has been {value} to the last digit for more than {span}: restart the device, and look at the sensor's wiring"
            );
            (since.plus(limit), detail)
        })
    }

    /// When it jumped, and what to say.
    pub(super) fn jumped(&self, quantity: Quantity, now: Timestamp) -> Option<(Timestamp, String)> {
        let (before, value, at) = self.jump?;
        let is_recent = now.millis_since(at) <= JUMP_TOLD.as_millis() as i64;
        is_recent.then(|| {
            let detail = format!(
                "{quantity} went from {before} to {value} within a minute: a loose wire, or a sensor that was moved"
            );
            (at, detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_760_000_000_000 + second * 1_000)
    }

    fn every_minute(quantity: Quantity, value: f64, hours: i64) -> Values {
        let mut values = Values::default();
        for minute in 0..=hours * 60 {
            values.take(quantity, value, at(minute * 60));
        }
        values
    }

    #[test]
    fn a_value_that_does_not_move_for_hours_is_stuck_where_it_should_move() {
        for (quantity, value, hours, is_stuck) in [
            (Quantity::Temperature, 21.37, 5, false),
            (Quantity::Temperature, 21.37, 7, true),
            (Quantity::Humidity, 55.5, 7, true),
            (Quantity::Humidity, 100.0, 48, false),
            (Quantity::Rain, 0.0, 48, false),
            (Quantity::Rain, 4.0, 7, true),
            (Quantity::Wind, 0.0, 48, false),
            (Quantity::Illuminance, 0.0, 48, false),
            (Quantity::Illuminance, 320.0, 7, true),
            (Quantity::Co2, 400.0, 4, true),
            (Quantity::Pressure, 1_013.0, 7, false),
            (Quantity::Pressure, 1_013.0, 13, true),
        ] {
            let values = every_minute(quantity, value, hours);
            let stuck = values.stuck(quantity, at(hours * 3_600 + 1));
            assert_eq!(stuck.is_some(), is_stuck, "{quantity} {value} {hours}");
        }
        let mut values = every_minute(Quantity::Temperature, 21.37, 7);
        assert!(
            values
                .stuck(Quantity::Temperature, at(25_300))
                .unwrap()
                .1
                .contains("21.37")
        );
        values.take(Quantity::Temperature, 21.38, at(25_260));
        assert!(values.stuck(Quantity::Temperature, at(25_300)).is_none());
    }

    #[test]
    fn a_few_readings_prove_nothing() {
        let mut values = Values::default();
        for hour in 0..9 {
            values.take(Quantity::Temperature, 21.0, at(hour * 3_600));
        }
        assert!(values.stuck(Quantity::Temperature, at(36_000)).is_none());
    }

    #[test]
    fn a_jump_is_what_nothing_in_a_room_makes() {
        let jumps = |quantity, first: f64, second: f64, seconds: i64| {
            let mut values = Values::default();
            values.take(quantity, first, at(0));
            values.take(quantity, second, at(seconds));
            values.jumped(quantity, at(seconds + 1)).is_some()
        };
        assert!(jumps(Quantity::Temperature, 20.0, 31.0, 10));
        assert!(
            !jumps(Quantity::Temperature, 20.0, 29.0, 10),
            "a window was opened"
        );
        assert!(
            !jumps(Quantity::Temperature, 20.0, 31.0, 600),
            "much happens in ten minutes"
        );
        assert!(!jumps(Quantity::Illuminance, 0.0, 50_000.0, 1), "the sun");
        let mut values = Values::default();
        values.take(Quantity::Co2, 400.0, at(0));
        values.take(Quantity::Co2, 9_000.0, at(1));
        assert!(values.jumped(Quantity::Co2, at(1_801)).is_some());
        assert!(values.jumped(Quantity::Co2, at(1_802)).is_none());
    }
}
