//! Whether the cause of an interlock is there, by what sensors say.
//!
//! In: a rule, what sensors said and how long ago, what was before, a time. Out: there, gone a while ago, or not there.
//! A cause is there at once and gone only after it was gone for a time; between limit and clearing nothing changes.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Cause, Position, Quantity, Timestamp, WhenSilent};

/// When a sensor says that a cause is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SensorRule {
    /// Which cause.
    pub cause: Cause,
    /// It is there above this value (frost: below), in its quantity's unit.
    pub limit: f64,
    /// It is gone at this value and below (frost: above).
    pub clear_at: f64,
    /// How far a window may open meanwhile.
    pub most: Position,
    /// How long it has to be gone.
    pub hold: Duration,
    /// What silence means.
    pub when_silent: WhenSilent,
    /// From when on a sensor is silent.
    pub silent_after: Duration,
}

/// What a sensor said last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensed {
    /// In the quantity's unit.
    pub value: f64,
    /// How long ago.
    pub age: Duration,
}

/// Whether a cause is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseState {
    /// It is not.
    #[default]
    Absent,
    /// It is.
    There,
    /// It is gone since then, and counts until it was gone for long enough.
    Gone(Timestamp),
}

/// What sensors say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    There,
    Gone,
    /// Between limit and clearing, or nobody knows: as before.
    Nothing,
}

impl Cause {
    /// Returns the quantity that tells of it; `None` where no sensor does.
    pub const fn quantity(self) -> Option<Quantity> {
        match self {
            Self::Rain => Some(Quantity::Rain),
            Self::Wind => Some(Quantity::Wind),
            Self::Frost => Some(Quantity::Temperature),
            _ => None,
        }
    }
}

impl CauseState {
    /// Returns whether it limits a window.
    pub fn limits(self) -> bool {
        self != Self::Absent
    }

    /// Returns what follows where the cause is there, or is not, at `now`.
    #[must_use]
    pub fn after(self, is_there: bool, hold: Duration, now: Timestamp) -> Self {
        match self {
            _ if is_there => Self::There,
            Self::There => Self::Gone(now),
            // A time ahead is of a clock that was put back.
            Self::Gone(since) if since > now => Self::Gone(now),
            Self::Gone(since) if now >= since.plus(hold) => Self::Absent,
            Self::Gone(_) | Self::Absent => self,
        }
    }
}

impl SensorRule {
    /// Returns what follows from what sensors say at `now`. Without any sensor, a cause that was there stays.
    #[must_use]
    pub fn next(&self, before: CauseState, sensors: &[Sensed], now: Timestamp) -> CauseState {
        let is_there = match self.says(sensors) {
            Says::There => true,
            Says::Gone => false,
            Says::Nothing => before == CauseState::There,
        };
        before.after(is_there, self.hold, now)
    }

    /// The one that says the worst counts.
    fn says(&self, sensors: &[Sensed]) -> Says {
        let is_silent = |sensed: &Sensed| sensed.age >= self.silent_after;
        if self.when_silent == WhenSilent::Close && sensors.iter().any(is_silent) {
            return Says::There;
        }
        let heard = sensors
            .iter()
            .filter(|sensed| self.when_silent == WhenSilent::Keep || !is_silent(sensed));
        let worst = heard.map(|sensed| self.badness(sensed.value)).reduce(f64::max);
        match worst {
            None if sensors.is_empty() => Says::Nothing,
            // All are silent, and silence says nothing.
            None => Says::Gone,
            Some(worst) if worst > self.badness(self.limit) => Says::There,
            Some(worst) if worst <= self.badness(self.clear_at) => Says::Gone,
            Some(_) => Says::Nothing,
        }
    }

    /// The larger, the worse.
    fn badness(&self, value: f64) -> f64 {
        if self.cause == Cause::Frost { -value } else { value }
    }

    /// Returns the worse of two values.
    pub fn worse(&self, one: f64, other: f64) -> f64 {
        if self.badness(one) > self.badness(other) {
            one
        } else {
            other
        }
    }
}
