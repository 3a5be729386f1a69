//! Whether a device is there.
//!
//! In: when it was heard of, whether it left, how often its data are expected. Out: a state, since when, and why. Pure.

use std::{borrow::Cow, time::Duration};

use domain::Timestamp;

use super::Presence;

/// Data are stale after so many intervals.
const INTERVALS: u32 = 3;
/// After which data are stale where no interval is known.
const UNKNOWN: Duration = Duration::from_mins(5);
/// The shortest time after which they are: a device that reconnects misses a reading or two.
const SHORTEST_SET: Duration = Duration::from_secs(10);
const SHORTEST_LEARNED: Duration = Duration::from_mins(1);

/// How a device left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) at: Timestamp,
    pub(crate) reason: Cow<'static, str>,
}

/// How often data are expected.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Expected {
    /// As somebody set it.
    pub(super) set: Option<Duration>,
    /// As it was learned.
    pub(super) learned: Option<Duration>,
}

impl Expected {
    /// The interval, where one is known.
    pub(super) fn interval(self) -> Option<Duration> {
        self.set.or(self.learned)
    }

    /// The age from which data are stale.
    pub(super) fn stale_after(self) -> Duration {
        match (self.set, self.learned) {
            (Some(set), _) => (set * INTERVALS).max(SHORTEST_SET),
            (None, Some(learned)) => (learned * INTERVALS).max(SHORTEST_LEARNED),
            (None, None) => UNKNOWN,
        }
    }

    /// The silence after which a device is gone: `inactive_after`, and longer where it reports more rarely than that.
    pub(super) fn gone_after(self, inactive_after: Duration) -> Duration {
        let stale = self.stale_after();
        if self.interval().is_some() && stale >= inactive_after {
            stale + inactive_after
        } else {
            inactive_after
        }
    }
}

/// What is known of a device.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    pub(super) last_seen: Option<Timestamp>,
    pub(super) last_data: Option<Timestamp>,
    pub(super) left: Option<&'a Left>,
    pub(super) expected: Expected,
    pub(super) inactive_after: Duration,
}

/// A state, since when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) presence: Presence,
    pub(super) since: Option<Timestamp>,
    pub(super) reason: Cow<'static, str>,
}

/// Whether a device is there. An online one has no `since`: it is the last change.
pub(super) fn presence(facts: &Facts<'_>, now: Timestamp) -> State {
    let Some(seen) = facts.last_seen else {
        return State {
            presence: Presence::NeverSeen,
            since: None,
            reason: "nothing was ever heard of it".into(),
        };
    };
    if let Some(left) = facts.left {
        return State {
            presence: Presence::Offline,
            since: Some(left.at),
            reason: left.reason.clone(),
        };
    }
    let is_older = |at: Timestamp, limit: Duration| now.millis_since(at) > limit.as_millis() as i64;
    let gone_after = facts.expected.gone_after(facts.inactive_after);
    if is_older(seen, gone_after) {
        return State {
            presence: Presence::Offline,
            since: Some(seen.plus(gone_after)),
            reason: format!("nothing was heard of it for {}", told(gone_after)).into(),
        };
    }
    let stale_after = facts.expected.stale_after();
    match facts.last_data.filter(|data| is_older(*data, stale_after)) {
        None => State {
            presence: Presence::Online,
            since: None,
            reason: "".into(),
        },
        Some(data) => {
            let expected = facts.expected.interval();
            let expected = expected.map(|interval| format!("; they are expected every {}", told(interval)));
            let reason = format!(
                "its data are older than {}{}",
                told(stale_after),
                expected.unwrap_or_default()
            );
            State {
                presence: Presence::Stale,
                since: Some(data.plus(stale_after)),
                reason: reason.into(),
            }
        }
    }
}

/// A span in words, to the second below two minutes.
pub(crate) fn told(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_760_000_000_000 + second * 1_000)
    }

    fn after(second: i64, expected: Expected, left: Option<&Left>) -> State {
        let facts = Facts {
            last_seen: Some(at(0)),
            last_data: Some(at(0)),
            left,
            expected,
            inactive_after: Duration::from_mins(5),
        };
        presence(&facts, at(second))
    }

    const fn set(seconds: u64) -> Expected {
        Expected {
            set: Some(Duration::from_secs(seconds)),
            learned: None,
        }
    }

    #[test]
    fn data_are_stale_after_three_intervals_and_a_silent_device_is_gone() {
        use Presence::{Offline, Online, Stale};
        let learned = |seconds| Expected {
            set: None,
            learned: Some(Duration::from_secs(seconds)),
        };
        for (expected, second, state) in [
            (Expected::default(), 300, Online),
            (Expected::default(), 301, Offline),
            (set(30), 90, Online),
            (set(30), 91, Stale),
            (set(30), 301, Offline),
            (learned(30), 91, Stale),
            (learned(5), 60, Online),
            (learned(5), 61, Stale),
            // One that reports every ten minutes is neither stale nor gone before the next report.
            (set(600), 1_800, Online),
            (set(600), 1_801, Stale),
            (set(600), 2_101, Offline),
            (learned(600), 1_801, Stale),
        ] {
            let found = after(second, expected, None);
            assert_eq!(found.presence, state, "{expected:?} {second}");
            assert_eq!(found.reason.is_empty(), state == Online);
        }
        assert_eq!(after(100, set(30), None).since, Some(at(90)));
        assert!(after(100, set(30), None).reason.contains("every 30 s"));
    }

    #[test]
    fn who_left_is_offline_whatever_its_data_say() {
        let left = Left {
            at: at(1),
            reason: "its last will came".into(),
        };
        let state = after(2, set(30), Some(&left));
        assert_eq!((state.presence, state.since), (Presence::Offline, Some(at(1))));
    }

    #[test]
    fn who_was_never_heard_of_is_never_seen() {
        let facts = Facts {
            last_seen: None,
            last_data: None,
            left: None,
            expected: Expected::default(),
            inactive_after: Duration::from_mins(5),
        };
        assert_eq!(presence(&facts, at(0)).presence, Presence::NeverSeen);
    }

    #[test]
    fn spans_are_told_in_their_unit() {
        let told = |seconds| super::told(Duration::from_secs(seconds));
        assert_eq!(
            [told(90), told(300), told(7_200), told(200_000)],
            ["90 s", "5 min", "2 h", "2 days"]
        );
    }
}
