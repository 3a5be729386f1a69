//! What makes a request due, and what is owed after a restart.

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

fn restored(temperature: f64, humidity: f64) -> ChangeDetector {
    let mut detector = ChangeDetector::new(Thresholds::default().with_change(Quantity::Co2, 100.0));
    detector.restore(Quantity::Temperature, at(0), temperature);
    detector.restore(Quantity::Humidity, at(0), humidity);
    detector
}

#[test]
fn what_was_decided_before_a_restart_is_the_baseline() {
    let mut detector = restored(20.0, 50.0);
    detector.restore_decision(at(0), (20.0, 50.0));
    assert_eq!(detector.owed(), None);
    assert_eq!(detector.observe_reading(Quantity::Temperature, at(1), 20.4), None);
    assert_eq!(
        detector.observe_reading(Quantity::Temperature, at(2), 20.5),
        Some(Trigger::Change(Quantity::Temperature))
    );
    // It comes too late to replace what was heard and decided since.
    detector.decided();
    detector.restore(Quantity::Temperature, at(0), 5.0);
    detector.restore_decision(at(0), (5.0, 5.0));
    assert_eq!((detector.climate(), detector.owed()), (Some((20.5, 50.0)), None));
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
fn what_changed_before_a_restart_and_was_not_asked_about_is_owed() {
    assert_eq!(restored(20.0, 50.0).owed(), Some(Trigger::FirstClimate));
    for (temperature, humidity, owed) in [
        (20.4, 51.9, None),
        (20.5, 50.0, Some(Quantity::Temperature)),
        (20.0, 48.0, Some(Quantity::Humidity)),
    ] {
        let mut detector = restored(temperature, humidity);
        detector.restore_decision(at(0), (20.0, 50.0));
        assert_eq!(detector.owed(), owed.map(Trigger::Change));
        detector.decided();
        assert_eq!(detector.owed(), None);
    }
    // No decision says what the air was like: what came after it may be anything.
    for (second, owed) in [(10, None), (11, Some(Trigger::Change(Quantity::Co2)))] {
        let mut detector = restored(20.0, 50.0);
        detector.restore(Quantity::Co2, at(second), 900.0);
        detector.restore_decision(at(10), (20.0, 50.0));
        assert_eq!(detector.owed(), owed);
        detector.decided();
        assert_eq!(detector.owed(), None);
    }
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
