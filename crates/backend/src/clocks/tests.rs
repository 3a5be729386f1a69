//! Late or of now; known before or not.
use domain::{Position, Quantity, Reading, WindowState};

use super::*;
use crate::{decoder::Event, keys};

const NOON: i64 = 1_761_307_200_000;
const MINUTE: i64 = 60_000;

fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn clocks() -> Clocks {
    Clocks::new(ClockPolicy::default(), 2)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOON + millis)
}

fn hear(clocks: &Clocks, device: &str, claimed: i64, received: i64, passage: Passage) -> Judgement {
    let reading = Reading::new(id(device), Quantity::Temperature, 20.0, at(claimed)).unwrap();
    let kind = TopicKind::Reading(Quantity::Temperature);
    let claim = keys::claim(kind, &Event::Reading(reading)).unwrap();
    clocks.believe(claim, at(received), passage)
}

#[test]
fn until_the_baseline_is_known_what_is_old_is_late() {
    let clocks = clocks();
    let live = Passage::default();
    assert!(hear(&clocks, "a", -30 * MINUTE, 0, live).is_late);
    assert!(!hear(&clocks, "a", 0, 10, live).is_late);
    clocks.know([&id("b")]);
    assert!(hear(&clocks, "b", -30 * MINUTE, 0, live).is_late, "known before");
}

#[test]
fn a_device_that_was_never_known_may_have_a_clock_that_is_behind() {
    let live = Passage::default();
    let waited = Passage {
        has_waited: true,
        ..live
    };
    for (passage, is_late) in [(live, false), (waited, true)] {
        let clocks = clocks();
        clocks.know([]);
        assert_eq!(hear(&clocks, "a", -30 * MINUTE, 0, passage).is_late, is_late);
    }
}

#[test]
fn what_waited_with_a_wrong_clock_is_late() {
    let waited = Passage {
        has_waited: true,
        ..Passage::default()
    };
    for claimed in [-NOON, NOON] {
        let clocks = clocks();
        clocks.know([]);
        let judgement = hear(&clocks, "a", claimed, 0, waited);
        assert!(judgement.clock.is_replaced() && judgement.is_late);
        let judgement = hear(&clocks, "a", claimed + 1, 10, Passage::default());
        assert!(!judgement.is_late);
        assert_eq!(judgement.timestamp, at(10));
    }
}

#[test]
fn a_window_that_is_behind_does_not_make_its_sensor_late() {
    let clocks = clocks();
    clocks.know([&id("a")]);
    for second in 0..10 {
        let millis = second * 1_000;
        let state = WindowState {
            device_id: id("a"),
            timestamp: at(millis - 60 * MINUTE),
            position: Position::new(50.0).unwrap(),
            target: None,
            command_id: None,
        };
        let claim = keys::claim(TopicKind::WindowState, &Event::State(state)).unwrap();
        assert!(clocks.believe(claim, at(millis), Passage::default()).is_late);
        assert!(!hear(&clocks, "a", millis, millis, Passage::default()).is_late);
    }
}

#[test]
fn equal_readings_of_one_millisecond_have_times_of_their_own() {
    let clocks = clocks();
    clocks.know([&id("a")]);
    let mut times = Vec::new();
    for number in 0..12 {
        let judgement = hear(&clocks, "a", -20, number / 6, Passage::default());
        let row = rows::reading(
            &Reading::new(id("a"), Quantity::Temperature, 20.0, judgement.timestamp).unwrap(),
            at(0),
        );
        let stored = match number {
            0 => Some(vec![row]),
            _ => clocks.repeated(judgement.seen.as_ref().unwrap(), &[row]),
        };
        times.extend(stored.into_iter().flatten().map(|row| match row {
            Row::Reading(_, row) => row.timestamp,
            other => panic!("{other:?}"),
        }));
    }
    assert_eq!(times.len(), 12);
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn a_wrong_clock_is_told_once_an_hour() {
    let clocks = clocks();
    let told = (0..7_200)
        .filter(|second| {
            let judgement = hear(&clocks, "a", -NOON + second, second * 1_000, Passage::default());
            judgement.event.is_some()
        })
        .count();
    assert_eq!(told, 2);
}

#[test]
fn invented_devices_do_not_fill_the_memory() {
    let clocks = clocks();
    for name in ["a", "b", "c", "d"] {
        let judgement = hear(&clocks, name, 0, 10, Passage::default());
        assert!(!judgement.is_late);
        assert!(clocks.repeated(judgement.seen.as_ref().unwrap(), &[]).is_none());
        let wrong = hear(&clocks, name, -NOON, 20, Passage::default());
        assert_eq!(wrong.event.is_some(), ["a", "b"].contains(&name));
    }
    assert_eq!(clocks.state.lock().devices.len(), 2);
}

#[test]
fn what_is_held_is_bounded_and_let_go() {
    let clocks = Clocks::new(ClockPolicy::default(), 5_000);
    for device in 0..3_000 {
        let name = format!("d{device}");
        for received in [0, 10] {
            let judgement = hear(&clocks, &name, 0, received, Passage::default());
            if received > 0 {
                assert!(clocks.repeated(judgement.seen.as_ref().unwrap(), &[]).is_none());
            }
        }
    }
    assert_eq!(clocks.state.lock().held, MOST_HELD_IN_ALL);
    for device in 0..3_000 {
        hear(&clocks, &format!("d{device}"), 1_000, 1_000, Passage::default());
    }
    assert_eq!(clocks.state.lock().held, 0);
}
