//! Sent again, standing still, never set: what is stored of it, and with which time.
use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const NOON: i64 = 1_761_307_200_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn key(claimed: i64, content: u32) -> u128 {
    (u128::from(claimed as u64) << 32) | u128::from(content)
}

/// A series and the log behind it.
#[derive(Default)]
struct Series {
    clock: SeriesClock,
    log: HashSet<u128>,
    held: Vec<Timestamp>,
    stored: Vec<Timestamp>,
    last: Option<Belief>,
    only_latest: bool,
}

impl Series {
    fn send(&mut self, received: i64, claimed: i64, content: u32) {
        self.take(Sighting {
            key: key(claimed, content),
            claimed: at(claimed),
            received_at: at(received),
            connection: 1,
            is_marked: false,
            may_be_resent: false,
        });
    }

    fn take(&mut self, sighting: Sighting) {
        let belief = self.clock.believe(&sighting, &ClockPolicy::default());
        self.last = Some(belief);
        if belief.has_moved {
            self.held.clear();
        }
        if self.log.insert(sighting.key) {
            self.stored.push(belief.timestamp);
            return;
        }
        match self.clock.judge_repeat(&sighting, &belief, self.only_latest) {
            Repeat::Certain => {}
            Repeat::Probable => self.held.push(sighting.received_at),
            Repeat::No { timestamp } => {
                self.stored.append(&mut self.held);
                self.stored.push(timestamp);
            }
        }
    }

    fn distinct(&self) -> usize {
        self.stored.iter().collect::<HashSet<_>>().len()
    }
}

#[test]
fn a_clock_that_stands_still_loses_nothing() {
    // Values that change, that never change, and that change back.
    let contents: [fn(i64) -> u32; 3] = [|n| (n % 10) as u32, |_| 7, |n| (n % 2) as u32];
    for content in contents {
        for interval in [100, 1_000, 5_000, 600_000] {
            for behind in [0, 1_800_000, 300 * 86_400_000] {
                let mut series = Series::default();
                for n in 0..30 {
                    series.send(NOON + n * interval, NOON - behind, content(n));
                }
                let case = format!("every {interval} ms, {behind} ms behind");
                assert_eq!(series.stored.len(), 30, "{case}");
                assert_eq!(series.distinct(), 30, "{case}");
                let last = series.last.unwrap();
                assert_eq!(last.clock, ClockState::Standing, "{case}");
                assert_eq!(last.timestamp, at(NOON + 29 * interval), "{case}");
            }
        }
    }
}

#[test]
fn a_clock_that_starts_again_at_every_boot_loses_nothing() {
    let mut series = Series::default();
    for boot in 0..20 {
        for second in [5, 15] {
            series.send(
                NOON + boot * 60_000 + second * 1_000,
                NOON - 86_400_000 + second * 1_000,
                7,
            );
        }
    }
    assert_eq!(series.stored.len(), 40);
}

#[test]
fn a_clock_that_goes_again_is_believed_again() {
    let mut series = Series::default();
    for n in 0..10 {
        series.send(NOON + n * 5_000, NOON, 7);
    }
    series.send(NOON + 50_000, NOON + 50_000, 7);
    series.send(NOON + 51_000, NOON + 50_000, 7);
    assert_eq!(series.last.unwrap().clock, ClockState::Right);
    assert_eq!(series.stored.len(), 11, "the last one is a repeat");
}

#[test]
fn a_clock_that_was_never_set_loses_nothing_and_doubles_nothing() {
    let mut series = Series::default();
    for (n, content) in [0, 50, 0, 0, 0].into_iter().enumerate() {
        series.send(NOON + n as i64 * 200, 5_000, content);
    }
    assert_eq!((series.stored.len(), series.distinct()), (5, 5));
    let again = |is_marked, connection| Sighting {
        key: key(5_000, 50),
        claimed: at(5_000),
        received_at: at(NOON + 2_000),
        connection,
        is_marked,
        may_be_resent: true,
    };
    series.take(again(true, 1));
    assert_eq!(series.stored.len(), 5, "marked as sent again");
    series.take(again(false, 2));
    assert_eq!(series.stored.len(), 5, "sent again on a new connection");
    series.take(again(false, 2));
    assert_eq!(series.stored.len(), 7, "but not twice");
}

#[test]
fn replaced_times_keep_the_order_of_receipt() {
    let mut series = Series::default();
    for content in 0..100 {
        series.send(NOON, 0, content);
    }
    assert!(series.stored.is_sorted() && series.distinct() == 100);
    for content in 100..3_000 {
        series.send(NOON, 0, content);
    }
    let latest = series.stored.iter().max().unwrap();
    assert!(
        *latest <= at(NOON + 1_000),
        "a flood does not run into the future"
    );
}

#[test]
fn a_state_changes_back_within_one_tick_of_its_clock() {
    let mut series = Series {
        only_latest: true,
        ..Series::default()
    };
    for (n, content) in [0, 50, 0].into_iter().enumerate() {
        series.send(NOON + n as i64 * 200, NOON, content);
    }
    assert_eq!(series.stored, [at(NOON), at(NOON + 200), at(NOON + 400)]);
    series.send(NOON + 700, NOON, 0);
    assert_eq!(series.stored.len(), 3, "the latest again");
}

proptest! {
    /// A device whose clock goes, on a network that makes it send whatever was not acknowledged again, unmarked.
    #[test]
    fn what_is_sent_again_is_stored_once(
        steps in prop::collection::vec((1_i64..20_000, 1_i64..20_000, 0_usize..4, any::<bool>()), 1..60),
    ) {
        let mut series = Series::default();
        let (mut received, mut claimed, mut connection) = (NOON, NOON - 60_000, 0);
        let mut sent: Vec<(i64, u32)> = Vec::new();
        for (pause, tick, resent, reconnects) in steps {
            (received, claimed) = (received + pause, claimed + tick);
            connection += u64::from(reconnects);
            let first = sent.len().saturating_sub(resent);
            sent.push((claimed, 7));
            // Up to two times, in a burst, then the new one.
            for _ in 0..2 {
                for &(claimed, content) in &sent[first..sent.len() - 1] {
                    received += 5;
                    series.take(Sighting {
                        key: key(claimed, content),
                        claimed: at(claimed),
                        received_at: at(received),
                        connection,
                        is_marked: false,
                        may_be_resent: reconnects,
                    });
                }
            }
            series.send(received + 1, claimed, 7);
        }
        prop_assert_eq!(series.stored.len(), sent.len());
    }

    #[test]
    fn no_time_panics_and_none_is_stored_in_the_future(
        messages in prop::collection::vec((any::<i64>(), 0_u32..3, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let mut series = Series::default();
        for (n, (claimed, content, is_marked, may_be_resent)) in messages.into_iter().enumerate() {
            let received_at = at(NOON + n as i64);
            series.take(Sighting {
                key: key(claimed, content),
                claimed: at(claimed),
                received_at,
                connection: 0,
                is_marked,
                may_be_resent,
            });
            let latest = received_at.plus(ClockPolicy::default().max_ahead);
            prop_assert!(series.last.unwrap().timestamp <= latest);
        }
    }
}
