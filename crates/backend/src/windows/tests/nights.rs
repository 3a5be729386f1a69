//! What changes at a time: limits at night, and a clock that is set.

use super::*;

/// Half an hour after the beginning it is night, for half an hour.
const NIGHT: &str = r#"{"time_zone": "UTC", "opening": {"rules": [{"hours": {"from": "12:30", "until": "13:00"}, "max": 20}]}}"#;
const HALF_AN_HOUR: i64 = 30 * 60;

#[tokio::test]
async fn an_open_window_is_shut_so_far_when_the_night_begins() {
    let house = House::with(NIGHT).await;
    house.model(60.0);
    house.report(60.0);
    house.pass(HALF_AN_HOUR - 1);
    assert_eq!(house.told(), []);
    assert!((house.view().limits.max - 100.0).abs() < 1e-9);
    house.pass(1);
    assert_eq!(house.told(), [(20.0, "interlock")]);
    let view = house.view();
    assert!((view.limits.max - 20.0).abs() < 1e-9);
    assert_eq!(view.command.unwrap().cause.as_deref(), Some("limit"));
    house.report(20.0);
    // What the model wants beyond that is answered, and a schedule waits.
    house.model(80.0);
    assert_eq!(house.told(), [(20.0, "interlock")]);
    let wish = Wish {
        position: percent(80.0),
        of: Wisher::Schedule,
    };
    house.windows.wish(&room(), wish, AIRING);
    assert_eq!(house.told(), []);
    // Nothing opens by itself when it is over; the next decision does.
    house.pass(HALF_AN_HOUR);
    assert_eq!(house.told(), []);
    assert!((house.view().limits.max - 100.0).abs() < 1e-9);
    house.model(80.0);
    assert_eq!((house.told(), house.view().target), (vec![], Some(percent(80.0))));
}

#[tokio::test]
async fn what_a_person_wants_is_carried_out_again_after_the_night() {
    let house = House::with(NIGHT).await;
    house.hold(60.0);
    assert_eq!(house.told(), [(60.0, "person")]);
    house.pass(HALF_AN_HOUR);
    assert_eq!(house.told(), [(20.0, "interlock")]);
    house.hold(40.0);
    house.pass(HALF_AN_HOUR - 1);
    assert_eq!(house.told(), []);
    house.pass(1);
    assert_eq!(house.told(), [(40.0, "person")]);
}

#[test]
fn a_clock_that_jumps_neither_ends_an_interlock_nor_makes_it_longer() {
    for jump in [3 * 60 * MINUTE, -3 * 60 * MINUTE] {
        let house = House::new();
        house.model(40.0);
        house.hold(40.0);
        house.sent();
        house.windows.limit(&room(), Cause::Rain, Position::SHUT);
        assert_eq!(house.told(), [(0.0, "interlock")]);
        let until = house.clock.read().wall.shifted(10 * MINUTE);
        house.windows.unlimit(&room(), Cause::Rain, until);
        house.pass(5 * 60);
        house.clock.jump(jump);
        house.pass(5 * 60 - 2);
        assert_eq!(
            (house.told(), house.view().interlocks.len()),
            (vec![], 1),
            "{jump}"
        );
        house.pass(4);
        assert_eq!(
            (house.told(), house.view().interlocks.len()),
            (vec![(40.0, "person")], 0),
            "{jump}"
        );
    }
}

#[test]
fn a_clock_that_jumps_changes_nothing_of_the_least_time_between_two_commands() {
    for jump in [3 * 60 * MINUTE, -3 * 60 * MINUTE] {
        let house = House::new();
        let wish = |position| {
            let wish = Wish {
                position: percent(position),
                of: Wisher::Schedule,
            };
            house.windows.wish(&room(), wish, AIRING);
            house.told()
        };
        assert_eq!(wish(60.0), [(60.0, "schedule")]);
        house.pass(20);
        house.clock.jump(jump);
        house.pass(1);
        assert_eq!(wish(20.0), [], "{jump}");
        house.pass(40);
        assert_eq!(wish(20.0), [(20.0, "schedule")], "{jump}");
    }
}
