//! Whether a device's late data are of now, by a clock that is behind, or of then, sent after an outage.
//!
//! In: each time a device claims, with the time of receipt. Out: whether a decision may rest on it. A clock that is behind
//! stays behind by the same; data that waited come faster than they were measured.

use std::time::Duration;

use crate::Timestamp;

/// Up to this a reading is of now, whatever came before.
const TIMELY: i64 = 5 * 60_000;
/// By so much a clock that is behind may seem to jump: sensors collect, networks stall.
const JITTER: u64 = 30_000;
/// How long a device has to be behind by the same to be believed.
const STEADY: Duration = Duration::from_mins(1);

/// How far one device's data are behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Behind by so many milliseconds, since then; since for ever where it is how the device was met.
    behind: Option<(i64, Option<Timestamp>)>,
}

impl Lateness {
    /// A device that was heard of before, in time: what it sends first may have waited.
    pub const fn known() -> Self {
        Self {
            behind: Some((0, None)),
        }
    }

    /// Takes the time of the next data; gives whether they are of now.
    pub fn is_timely(&mut self, claimed: Timestamp, received_at: Timestamp) -> bool {
        let late = received_at.as_millis() - claimed.as_millis();
        match self.behind {
            // Nothing to compare with: a device is met as it is.
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
