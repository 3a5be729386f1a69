//! What is kept of a device for its health, and the health that follows from it.

use std::time::Duration;

use domain::{Cadence, Quantity, Timestamp};

use super::{
    Health, Left, Problem, ProblemKind,
    arrivals::Arrivals,
    presence::{Expected, Facts, presence, told},
    values::Values,
};
use crate::devices::WrongClock;

/// A clock that is so far ahead, or steadily so far behind, is told.
const SKEW_MS: i64 = 30_000;
/// Repeats are told from so many in five minutes, and from this share of all messages.
const MANY_REPEATS: u32 = 10;
const SHARE_OF_REPEATS: f64 = 0.2;

/// What is kept of a device for its health.
#[derive(Debug, Clone, Default)]
pub(in crate::devices) struct Watch {
    arrivals: Arrivals,
    repeats: Arrivals,
    duplicates: u64,
    cadences: [Cadence; Quantity::COUNT],
    values: [Values; Quantity::COUNT],
    last_data: Option<Timestamp>,
    left: Option<Left>,
    /// How often it is to report, where somebody set it.
    pub(in crate::devices) set_interval: Option<Duration>,
    ahead_ms: Option<i64>,
    is_behind: bool,
    /// Why its window is stuck, while it is.
    pub(in crate::devices) window_stuck: Option<String>,
}

/// What else is known of a device.
#[derive(Debug, Clone, Copy)]
pub(in crate::devices) struct Whereabouts {
    pub(in crate::devices) last_seen: Option<Timestamp>,
    pub(in crate::devices) clock: Option<WrongClock>,
    pub(in crate::devices) inactive_after: Duration,
}

impl Watch {
    /// Takes any message: it is there.
    pub(in crate::devices) fn heard(&mut self, at: Timestamp) {
        self.arrivals.came(at);
        self.left = None;
    }

    /// Takes data: a reading, a clip.
    pub(in crate::devices) fn data(&mut self, at: Timestamp) {
        self.last_data = self.last_data.max(Some(at));
    }

    /// Takes a reading.
    pub(in crate::devices) fn measured(&mut self, quantity: Quantity, value: f64, at: Timestamp) {
        self.data(at);
        self.cadences[quantity.index()].arrived(at.as_millis());
        self.values[quantity.index()].take(quantity, value, at);
    }

    /// Takes how far ahead its clock is by its last message, and whether it is behind by the same all the time.
    pub(in crate::devices) fn clock(&mut self, ahead_ms: Option<i64>, is_behind: bool) {
        if ahead_ms.is_some() {
            (self.ahead_ms, self.is_behind) = (ahead_ms, is_behind);
        }
    }

    /// Takes a message that it sent once more.
    pub(in crate::devices) fn repeated(&mut self, at: Timestamp) {
        self.duplicates += 1;
        self.repeats.came(at);
    }

    /// It left. Who left before has left since then.
    pub(in crate::devices) fn leave(&mut self, left: Left) {
        self.left.get_or_insert(left);
    }

    /// It is there, although it has said nothing yet.
    pub(in crate::devices) fn come_back(&mut self) {
        self.left = None;
    }

    /// Whether it left, rather than falling silent.
    pub(in crate::devices) const fn has_left(&self) -> bool {
        self.left.is_some()
    }

    /// How often its data are expected.
    fn expected(&self) -> Expected {
        let gaps = self.cadences.iter().filter_map(Cadence::gap_ms);
        let learned = gaps.min_by(f64::total_cmp);
        Expected {
            set: self.set_interval,
            learned: learned.map(|gap_ms| Duration::from_millis(gap_ms as u64)),
        }
    }

    /// How it does at `now`, after it did as `before`.
    pub(in crate::devices) fn health(&mut self, of: Whereabouts, before: &Health, now: Timestamp) -> Health {
        let expected = self.expected();
        let facts = Facts {
            last_seen: of.last_seen,
            last_data: self.last_data,
            left: self.left.as_ref(),
            expected,
            inactive_after: of.inactive_after,
        };
        let state = presence(&facts, now);
        let since = if state.presence == before.state {
            before.since.or(state.since)
        } else {
            state.since.or(of.last_seen)
        };
        Health {
            state: state.presence,
            since,
            reason: state.reason.into_owned(),
            problems: self.problems(of.clock, &before.problems, now),
            interval_s: expected.interval().map(|interval| interval.as_secs_f64()),
            messages_per_minute: self.arrivals.per_minute(now),
            duplicates: self.duplicates,
            clock_ahead_s: self.ahead_ms.map(|ahead_ms| ahead_ms as f64 / 1e3),
        }
    }

    fn problems(&mut self, clock: Option<WrongClock>, before: &[Problem], now: Timestamp) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (quantity, values) in Quantity::ALL.into_iter().zip(&self.values) {
            let stuck = values
                .stuck(quantity, now)
                .map(|found| (ProblemKind::Stuck, found));
            let jumped = values
                .jumped(quantity, now)
                .map(|found| (ProblemKind::Jump, found));
            problems.extend(
                stuck
                    .into_iter()
                    .chain(jumped)
                    .map(|(kind, (since, detail))| Problem {
                        kind,
                        quantity: Some(quantity),
                        detail,
                        since,
                    }),
            );
        }
        let clock = clock.map(|wrong| (wrong.since, clock_detail(&wrong)));
        let others = [
            (ProblemKind::Clock, clock.or_else(|| self.skew(now))),
            (ProblemKind::Duplicates, self.many_repeats(now)),
            (
                ProblemKind::WindowStuck,
                self.window_stuck.clone().map(|detail| (now, detail)),
            ),
        ];
        for (kind, found) in others {
            let Some((since, detail)) = found else { continue };
            let known = before.iter().find(|problem| problem.kind == kind);
            problems.push(Problem {
                kind,
                quantity: None,
                detail,
                since: known.map_or(since, |known| known.since),
            });
        }
        problems.sort_by_key(|problem| problem.since);
        problems
    }

    fn skew(&self, now: Timestamp) -> Option<(Timestamp, String)> {
        let ahead_ms = self.ahead_ms?;
        let direction = match ahead_ms {
            SKEW_MS.. => "ahead",
            _ if ahead_ms <= -SKEW_MS && self.is_behind => "behind",
            _ => return None,
        };
        let span = told(Duration::from_millis(ahead_ms.unsigned_abs()));
        let detail = format!(
            "its clock is {direction} by {span}: let it ask a time server, or device/{{device_id}}/time"
        );
        Some((now, detail))
    }

    fn many_repeats(&mut self, now: Timestamp) -> Option<(Timestamp, String)> {
        let repeats = self.repeats.count(now);
        if repeats < MANY_REPEATS
            || f64::from(repeats) < SHARE_OF_REPEATS * f64::from(self.arrivals.count(now))
        {
            return None;
        }
        let detail = "it sends much of what it says more than once: it may not see acknowledgements; look at its reception";
        Some((now, detail.to_owned()))
    }
}

fn clock_detail(wrong: &WrongClock) -> String {
    let remedy = match wrong.state {
        "standing" => "its clock stands still: look at its battery and at where it gets its time",
        "unset" => "its clock was never set: let it ask a time server, or device/{device_id}/time",
        _ => "its clock is ahead: look at its time server and its time zone",
    };
    format!("{remedy}; it stated {}", wrong.stamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Presence;

    const T0: i64 = 1_760_000_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(T0 + second * 1_000)
    }

    fn hear(watch: &mut Watch, second: i64, value: f64) {
        watch.heard(at(second));
        watch.measured(Quantity::Temperature, value, at(second));
    }

    fn health(watch: &mut Watch, before: &Health, last_seen: i64, now: i64) -> Health {
        let of = Whereabouts {
            last_seen: Some(at(last_seen)),
            clock: None,
            inactive_after: Duration::from_mins(5),
        };
        watch.health(of, before, at(now))
    }

    #[test]
    fn a_device_is_stale_then_gone_and_comes_back() {
        let mut watch = Watch::default();
        for second in (0..=60).step_by(20) {
            hear(&mut watch, second, f64::from(second as i32));
        }
        let online = health(&mut watch, &Health::default(), 60, 61);
        assert_eq!((online.state, online.interval_s), (Presence::Online, Some(20.0)));
        let stale = health(&mut watch, &online, 60, 121);
        assert_eq!((stale.state, stale.since), (Presence::Stale, Some(at(120))));
        let later = health(&mut watch, &stale, 60, 200);
        assert_eq!(later.since, Some(at(120)), "since then");
        let gone = health(&mut watch, &later, 60, 361);
        assert_eq!((gone.state, gone.since), (Presence::Offline, Some(at(360))));
        hear(&mut watch, 400, 1.0);
        assert_eq!(health(&mut watch, &gone, 400, 401).state, Presence::Online);
    }

    #[test]
    fn who_left_is_back_with_its_next_message() {
        let mut watch = Watch::default();
        hear(&mut watch, 0, 1.0);
        for second in [1, 2] {
            watch.leave(Left {
                at: at(second),
                reason: "its connection ended".into(),
            });
        }
        let gone = health(&mut watch, &Health::default(), 0, 3);
        assert_eq!((gone.state, gone.since), (Presence::Offline, Some(at(1))));
        assert_eq!(gone.reason, "its connection ended");
        hear(&mut watch, 4, 1.0);
        assert_eq!(health(&mut watch, &gone, 4, 5).state, Presence::Online);
    }

    #[test]
    fn repeats_and_a_wrong_clock_are_problems_since_they_began() {
        let mut watch = Watch::default();
        for second in 0..20 {
            hear(&mut watch, second, f64::from(second as i32));
            watch.repeated(at(second));
        }
        watch.clock(Some(45_000), false);
        let first = health(&mut watch, &Health::default(), 19, 20);
        let kinds: Vec<ProblemKind> = first.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::Clock, ProblemKind::Duplicates]);
        assert!(first.problems[0].detail.contains("ahead by 45 s"));
        assert_eq!(first.duplicates, 20);
        let second = health(&mut watch, &first, 19, 50);
        assert_eq!(second.problems[0].since, at(20));
        // A reading that waited is late, and its clock is right.
        watch.clock(Some(-600_000), false);
        assert_eq!(health(&mut watch, &second, 19, 60).problems.len(), 1);
        watch.clock(Some(-600_000), true);
        assert!(
            health(&mut watch, &second, 19, 60).problems[0]
                .detail
                .contains("behind")
        );
    }
}
