//! Tells data from a slow clock apart from data that was delayed by an outage.
//!
//! In: the time that a device states, with the time of receipt. Out: whether a decision may be based on the data. A
//! slow clock stays behind by a constant amount; delayed data arrives faster than it was measured.

use std::time::Duration;

use crate::Timestamp;

/// Delay up to which a reading is always current.
const TIMELY: i64 = 5 * 60_000;
/// Amount by which a constant delay may appear to vary: sensors buffer, networks stall.
const JITTER: u64 = 30_000;
/// Time for which the delay must be constant before the device is believed.
const STEADY: Duration = Duration::from_mins(1);

/// The delay of one device's data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    /// The delay in milliseconds and when it began. It has no beginning if it was there from the device's first
    /// message.
    behind: Option<(i64, Option<Timestamp>)>,
}

impl Lateness {
    /// Creates the state of a device that was on time before: what it sends first may have been delayed.
    pub const fn known() -> Self {
        Self {
            behind: Some((0, None)),
        }
    }

    /// Records the time of the next data. Returns whether the data is current.
    pub fn is_timely(&mut self, claimed: Timestamp, received_at: Timestamp) -> bool {
        let late = received_at.as_millis() - claimed.as_millis();
        match self.behind {
            // There is nothing to compare with: the first delay is taken as the device's own.
            None => self.behind = Some((late, None)),
            Some((behind, _)) if behind.abs_diff(late) <= JITTER => {}
            Some(_) => self.behind = Some((late, Some(received_at))),
        }
        let since = self.behind.and_then(|(_, since)| since);
        late <= TIMELY || since.is_none_or(|since| since.plus(STEADY) <= received_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_761_307_200_000;
    const DAY: i64 = 86_400_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_days_backlog_is_not_of_now() {
        let mut lateness = Lateness::default();
        assert!(lateness.is_timely(at(NOW), at(NOW)));
        for minute in 0..1_435 {
            let claimed = NOW + minute * 60_000;
            assert!(
                !lateness.is_timely(at(claimed), at(NOW + DAY + minute)),
                "minute {minute}"
            );
        }
        assert!(lateness.is_timely(at(NOW + DAY + 60_000), at(NOW + DAY + 60_000)));
    }

    #[test]
    fn a_clock_that_is_behind_is_put_up_with() {
        let mut met = Lateness::default();
        assert!((0..10).all(|n| met.is_timely(at(NOW - DAY + n * 60_000), at(NOW + n * 60_000 + 20_000))));
        let mut known = Lateness::known();
        let timely: Vec<bool> = (0..4)
            .map(|n| known.is_timely(at(NOW - 7_200_000 + n * 30_000), at(NOW + n * 30_000)))
            .collect();
        assert_eq!(timely, [false, false, true, true], "after a minute of the same");
    }

    #[test]
    fn after_a_restart_what_waited_is_not_of_now() {
        let mut lateness = Lateness::known();
        assert!(!lateness.is_timely(at(NOW), at(NOW + 1_800_000)));
        assert!(lateness.is_timely(at(NOW + 1_800_000), at(NOW + 1_800_000)));
    }
}
