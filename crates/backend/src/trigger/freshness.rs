//! How old the inputs of a decision are: a window is not moved on readings of long ago.
//!
//! In: arrivals of readings that are of now. Out: the input that is too old, and how old it is. It reads the monotonic clock
//! alone: whether a reading is of now was judged before.

use std::time::Duration;

use domain::{Cadence, Quantity};
use tokio::time::Instant;

use crate::devices::told;

/// Inputs are too old after so many intervals.
const INTERVALS: f64 = 3.0;
/// After which they are where no interval is known, and the least of one that was learned: devices that report changes
/// only are quiet in a quiet room.
const UNKNOWN: Duration = Duration::from_mins(5);
/// The least of an interval that somebody set.
const SHORTEST: Duration = Duration::from_secs(30);

/// An input that is too old.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stale {
    quantity: Quantity,
    age: Duration,
    limit: Duration,
}

impl Stale {
    /// In words.
    pub(super) fn reason(self) -> String {
        format!(
            "{} is {} old; after {} it counts for nothing",
            self.quantity,
            told(self.age),
            told(self.limit)
        )
    }
}

/// The ages of a device's inputs.
#[derive(Debug, Clone, Default)]
pub(super) struct Freshness {
    /// How often the device is to report, where somebody set it.
    interval: Option<Duration>,
    inputs: [Input; Quantity::CLIMATE.len()],
}

#[derive(Debug, Clone, Copy, Default)]
struct Input {
    cadence: Cadence,
    /// When it came, and how old it was then; `None` where only history is known, or nothing.
    came: Option<(Instant, Duration)>,
}

fn place(quantity: Quantity) -> Option<usize> {
    Quantity::CLIMATE.iter().position(|input| *input == quantity)
}

impl Freshness {
    pub(super) const fn set_interval(&mut self, interval: Option<Duration>) {
        self.interval = interval;
    }

    /// A reading of now came. `since_start` is the time on any clock that goes forwards.
    pub(super) fn came(&mut self, quantity: Quantity, since_start: Duration) {
        if let Some(place) = place(quantity) {
            let input = &mut self.inputs[place];
            input.cadence.arrived(since_start.as_millis() as i64);
            input.came = Some((Instant::now(), Duration::ZERO));
        }
    }

    /// This was known before the start, and is so old.
    pub(super) fn was_known(&mut self, quantity: Quantity, age: Duration) {
        if let Some(place) = place(quantity) {
            self.inputs[place].came.get_or_insert((Instant::now(), age));
        }
    }

    /// The oldest input that is too old.
    pub(super) fn stale(&self) -> Option<Stale> {
        let inputs = Quantity::CLIMATE.into_iter().zip(&self.inputs);
        let stale = inputs.filter_map(|(quantity, input)| {
            let (at, before) = input.came?;
            let (age, limit) = (at.elapsed() + before, self.limit(input));
            (age > limit).then_some(Stale { quantity, age, limit })
        });
        stale.max_by_key(|stale| stale.age)
    }

    /// Whether all inputs are known, and none is too old.
    pub(super) fn is_fresh(&self) -> bool {
        self.inputs.iter().all(|input| input.came.is_some()) && self.stale().is_none()
    }

    fn limit(&self, input: &Input) -> Duration {
        match (self.interval, input.cadence.gap_ms()) {
            (Some(interval), _) => interval.mul_f64(INTERVALS).max(SHORTEST),
            (None, Some(gap_ms)) => Duration::from_millis((gap_ms * INTERVALS) as u64).max(UNKNOWN),
            (None, None) => UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_input_is_too_old_after_three_intervals_or_five_minutes() {
        let begin = Instant::now();
        let both = |freshness: &mut Freshness| {
            for quantity in Quantity::CLIMATE {
                freshness.came(quantity, begin.elapsed());
            }
        };
        let mut freshness = Freshness::default();
        assert_eq!(freshness.stale(), None, "nothing is known");
        both(&mut freshness);
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(freshness.stale(), None);
        freshness.came(Quantity::Temperature, begin.elapsed());
        tokio::time::advance(Duration::from_secs(2)).await;
        let reason = freshness.stale().unwrap().reason();
        assert!(reason.starts_with("humidity is 5 min old"), "{reason}");
        both(&mut freshness);
        freshness.set_interval(Some(Duration::from_secs(20)));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(freshness.stale().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_reports_rarely_is_not_stale_between_its_reports() {
        let begin = Instant::now();
        let mut freshness = Freshness::default();
        for _ in 0..5 {
            for quantity in Quantity::CLIMATE {
                freshness.came(quantity, begin.elapsed());
            }
            tokio::time::advance(Duration::from_mins(10)).await;
        }
        assert_eq!(freshness.stale(), None);
        tokio::time::advance(Duration::from_mins(21)).await;
        assert!(freshness.stale().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_known_before_a_start_is_as_old_as_it_is() {
        let mut freshness = Freshness::default();
        freshness.was_known(Quantity::Humidity, Duration::from_hours(2));
        assert!(freshness.stale().unwrap().reason().contains("2 h"));
        freshness.came(Quantity::Humidity, Duration::ZERO);
        freshness.was_known(Quantity::Humidity, Duration::from_hours(2));
        assert_eq!(freshness.stale(), None);
        assert!(!freshness.is_fresh(), "no temperature is known");
        freshness.was_known(Quantity::Temperature, Duration::from_secs(5));
        assert!(freshness.is_fresh());
    }
}
