#![allow(
    clippy::float_cmp,
    reason = "positions are compared with what was asked for, unchanged"
)]

use proptest::prelude::*;

use super::*;
use crate::Settings;

fn rule(json: &str, cause: Cause) -> SensorRule {
    let settings: Settings = serde_json::from_str(&format!(r#"{{"interlocks": {json}}}"#)).unwrap();
    assert_eq!(settings.problems(), []);
    settings.interlocks.rule(cause).unwrap()
}

fn at(s: u64) -> Timestamp {
    Timestamp::from_millis(1_750_000_000_000).plus(Duration::from_secs(s))
}

fn fresh(value: f64) -> [Sensed; 1] {
    [Sensed {
        value,
        age: Duration::ZERO,
    }]
}

fn old(value: f64, s: u64) -> [Sensed; 1] {
    [Sensed {
        value,
        age: Duration::from_secs(s),
    }]
}

use CauseState::{Absent, Gone, There};

#[test]
fn rain_is_there_at_the_first_drop_and_gone_after_a_quarter_of_an_hour() {
    let rain = rule("{}", Cause::Rain);
    assert_eq!(rain.next(Absent, &fresh(0.0), at(0)), Absent);
    assert_eq!(rain.next(Absent, &fresh(0.1), at(0)), There);
    assert_eq!(rain.next(There, &fresh(0.0), at(5)), Gone(at(5)));
    assert_eq!(rain.next(Gone(at(5)), &fresh(0.0), at(904)), Gone(at(5)));
    assert_eq!(rain.next(Gone(at(5)), &fresh(0.2), at(904)), There);
    assert_eq!(rain.next(Gone(at(5)), &fresh(0.0), at(905)), Absent);
    // Put back, a clock keeps nothing shut for hours.
    assert_eq!(rain.next(Gone(at(9_000)), &fresh(0.0), at(5)), Gone(at(5)));
    // One of two sensors is enough.
    let two = [fresh(0.0)[0], fresh(2.0)[0]];
    assert_eq!(rain.next(Absent, &two, at(0)), There);
    // After a start nobody has said anything yet.
    assert_eq!(rain.next(There, &[], at(0)), There);
    assert_eq!(rain.next(Absent, &[], at(0)), Absent);
}

#[test]
fn a_dead_sensor_means_what_is_set() {
    let keep = rule("{}", Cause::Rain);
    assert_eq!(keep.next(There, &old(1.0, 7_200), at(0)), There);
    assert_eq!(keep.next(Absent, &old(0.0, 7_200), at(0)), Absent);
    let close = rule(
        r#"{"rain": {"when_silent": "close", "silent_after_s": 60}}"#,
        Cause::Rain,
    );
    assert_eq!(close.next(Absent, &old(0.0, 59), at(0)), Absent);
    assert_eq!(close.next(Absent, &old(0.0, 60), at(0)), There);
    let ignore = rule(
        r#"{"rain": {"when_silent": "ignore", "silent_after_s": 60}}"#,
        Cause::Rain,
    );
    assert_eq!(ignore.next(There, &old(1.0, 59), at(0)), There);
    assert_eq!(ignore.next(There, &old(1.0, 60), at(0)), Gone(at(0)));
    // Another one still speaks.
    let two = [old(1.0, 60)[0], fresh(3.0)[0]];
    assert_eq!(ignore.next(There, &two, at(0)), There);
}

#[test]
fn frost_is_there_below_and_gone_a_degree_above() {
    let frost = rule(r#"{"frost": {"limit": 2, "most": 10}}"#, Cause::Frost);
    assert_eq!((frost.clear_at, frost.most.percent()), (3.0, 10.0));
    assert_eq!(frost.next(Absent, &fresh(2.0), at(0)), Absent);
    assert_eq!(frost.next(Absent, &fresh(1.9), at(0)), There);
    assert_eq!(frost.next(There, &fresh(2.9), at(0)), There);
    assert_eq!(frost.next(There, &fresh(3.0), at(0)), Gone(at(0)));
    assert_eq!(frost.worse(3.0, -1.0), -1.0);
}

#[test]
fn wind_and_frost_are_off_without_a_limit() {
    let none = crate::InterlockSettings::default();
    assert!(none.rule(Cause::Rain).is_some());
    assert_eq!(none.rule(Cause::Wind), None);
    assert_eq!(none.rule(Cause::Frost), None);
    let off: crate::InterlockSettings = serde_json::from_str(r#"{"rain": {"on": false}}"#).unwrap();
    assert_eq!(off.rule(Cause::Rain), None);
}

proptest! {
    /// Gusts between clearing and limit change nothing, whatever was before.
    #[test]
    fn between_limit_and_clearing_nothing_chatters(
        gusts in prop::collection::vec((8.0001_f64..=10.0, 1_u64..60), 1..100),
        began_there: bool,
    ) {
        let wind = rule(r#"{"wind": {"limit": 10}}"#, Cause::Wind);
        let before = if began_there { There } else { Absent };
        let (mut state, mut now) = (before, 0);
        for (gust, pause) in gusts {
            now += pause;
            state = wind.next(state, &fresh(gust), at(now));
            prop_assert_eq!(state, before);
        }
    }

    /// A window opens again only when nothing spoke against it for the whole time.
    #[test]
    fn a_cause_never_ends_early(
        values in prop::collection::vec((0.0_f64..20.0, 1_u64..400), 1..200),
        hold_s in 0_u64..2_000,
    ) {
        let wind = rule(&format!(r#"{{"wind": {{"limit": 10, "hold_s": {hold_s}}}}}"#), Cause::Wind);
        let (mut state, mut now, mut last_there) = (Absent, 0, None);
        for (value, pause) in values {
            now += pause;
            let before = state;
            state = wind.next(state, &fresh(value), at(now));
            if value > 10.0 {
                prop_assert_eq!(state, There);
            }
            if state == There {
                last_there = Some(now);
            }
            if before.limits() && !state.limits() {
                prop_assert!(last_there.is_some_and(|last| now - last >= hold_s));
            }
        }
    }
}
