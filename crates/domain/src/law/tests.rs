use super::*;

mod sequences;

const MINUTE: i64 = 60_000;

fn percent(value: f64) -> Position {
    Position::new(value).unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_750_000_000_000 + ms)
}

fn circumstances(now: Timestamp) -> Circumstances {
    Circumstances {
        now,
        limits: Limits { min: 0.0, max: 100.0 },
        is_quiet: false,
        options: LawOptions::default(),
    }
}

fn wish(of: Wisher, position: f64) -> Wish {
    Wish {
        position: percent(position),
        of,
    }
}

fn told(position: f64, when: Timestamp) -> WindowRecord {
    WindowRecord {
        commanded: Some((percent(position), when)),
        ..WindowRecord::default()
    }
}

#[test]
fn a_model_moves_a_window_that_nobody_holds() {
    let window = told(20.0, at(0));
    let later = circumstances(at(2 * MINUTE));
    assert_eq!(
        window.judge(Some(wish(Wisher::Model, 60.0)), &later),
        Verdict::Move(percent(60.0), Move::Wish(Wisher::Model))
    );
    assert_eq!(
        window.judge(Some(wish(Wisher::Model, 24.9)), &later),
        Verdict::Keep(Keep::TooSmall)
    );
    assert_eq!(
        window.judge(Some(wish(Wisher::Model, 20.0)), &later),
        Verdict::Keep(Keep::There)
    );
    let soon = circumstances(at(MINUTE - 1));
    assert_eq!(
        window.judge(Some(wish(Wisher::Model, 60.0)), &soon),
        Verdict::Keep(Keep::TooSoon(at(MINUTE)))
    );
    let quiet = Circumstances {
        is_quiet: true,
        ..later
    };
    assert_eq!(
        window.judge(Some(wish(Wisher::Schedule, 60.0)), &quiet),
        Verdict::Keep(Keep::Quiet)
    );
    // Nothing is known of the window: the first wish is carried out.
    let unknown = WindowRecord::default();
    assert_eq!(
        unknown.judge(Some(wish(Wisher::Model, 20.0)), &later),
        Verdict::Move(percent(20.0), Move::Wish(Wisher::Model))
    );
}

#[test]
fn shutting_is_worth_the_motor_and_a_gap_is_nobodys_wish() {
    let later = circumstances(at(2 * MINUTE));
    let ajar = told(4.0, at(0));
    for wanted in [0.0, 1.2, 4.9] {
        assert_eq!(
            ajar.judge(Some(wish(Wisher::Model, wanted)), &later),
            Verdict::Move(Position::SHUT, Move::Wish(Wisher::Model)),
            "{wanted}"
        );
        assert_eq!(
            told(0.0, at(0)).judge(Some(wish(Wisher::Schedule, wanted)), &later),
            Verdict::Keep(Keep::There),
            "{wanted}"
        );
    }
    // A person may want a gap, and the least opening is shut enough.
    assert_eq!(
        told(0.0, at(0)).judge(Some(wish(Wisher::Person, 2.0)), &later),
        Verdict::Move(percent(2.0), Move::Wish(Wisher::Person))
    );
    let airy = Circumstances {
        limits: Limits {
            min: 10.0,
            max: 100.0,
        },
        ..later
    };
    assert_eq!(
        told(12.0, at(0)).judge(Some(wish(Wisher::Model, 3.0)), &airy),
        Verdict::Move(percent(10.0), Move::Wish(Wisher::Model))
    );
    // It waits its turn like any other move.
    assert!(matches!(
        ajar.judge(Some(wish(Wisher::Model, 0.0)), &circumstances(at(1))),
        Verdict::Keep(Keep::TooSoon(_))
    ));
}

#[test]
fn a_window_that_began_anew_is_told_again_and_not_too_soon() {
    let mut window = told(40.0, at(0));
    window.lose();
    let verdict = |ms| {
        let c = circumstances(at(ms));
        let asked = wish(Wisher::Model, 40.0);
        let verdict = window.judge(Some(asked), &c);
        // It says the same where the window's state has travelled.
        assert_eq!(WindowContext::of(&window, &c).judge(asked, c.now), verdict);
        verdict
    };
    assert_eq!(verdict(MINUTE - 1), Verdict::Keep(Keep::TooSoon(at(MINUTE))));
    assert_eq!(
        verdict(MINUTE),
        Verdict::Move(percent(40.0), Move::Wish(Wisher::Model))
    );
}

#[test]
fn a_person_comes_before_the_model_and_the_end_moves_nothing() {
    let mut window = told(20.0, at(0));
    let now = circumstances(at(1));
    // At once, in quiet hours, by two points.
    let quiet = Circumstances {
        is_quiet: true,
        ..now
    };
    assert_eq!(
        window.judge(Some(wish(Wisher::Person, 22.0)), &quiet),
        Verdict::Move(percent(22.0), Move::Wish(Wisher::Person))
    );
    window.command(percent(22.0), at(1));
    window.begin_override(Override {
        position: percent(22.0),
        until: Some(at(120 * MINUTE)),
    });
    let during = circumstances(at(119 * MINUTE));
    assert_eq!(
        window.judge(Some(wish(Wisher::Schedule, 90.0)), &during),
        Verdict::Keep(Keep::Override(Some(at(120 * MINUTE))))
    );
    let after = circumstances(at(120 * MINUTE));
    assert_eq!(window.judge(None, &after), Verdict::Keep(Keep::Unasked));
    assert_eq!(
        window.judge(Some(wish(Wisher::Model, 90.0)), &after),
        Verdict::Move(percent(90.0), Move::Wish(Wisher::Model))
    );
}

#[test]
fn a_schedule_comes_before_the_model() {
    let window = WindowRecord {
        schedule_until: Some(at(60 * MINUTE)),
        ..told(20.0, at(0))
    };
    let during = circumstances(at(59 * MINUTE));
    assert_eq!(
        window.judge(Some(wish(Wisher::Model, 90.0)), &during),
        Verdict::Keep(Keep::Schedule(at(60 * MINUTE)))
    );
    assert_eq!(
        window.judge(Some(wish(Wisher::Schedule, 90.0)), &during),
        Verdict::Move(percent(90.0), Move::Wish(Wisher::Schedule))
    );
    let context = WindowContext::of(&window, &during);
    let verdict = context.judge(wish(Wisher::Model, 90.0), at(59 * MINUTE));
    assert_eq!(verdict, Verdict::Keep(Keep::Schedule(at(60 * MINUTE))));
    let after = circumstances(at(60 * MINUTE));
    assert!(matches!(
        window.judge(Some(wish(Wisher::Model, 90.0)), &after),
        Verdict::Move(..)
    ));
}

#[test]
fn rain_comes_before_a_person_and_their_wish_comes_back() {
    let mut window = told(40.0, at(0));
    window.begin_override(Override {
        position: percent(40.0),
        until: None,
    });
    window.interlocks.set(Cause::Rain, percent(0.0));
    let now = circumstances(at(1));
    assert_eq!(
        window.judge(None, &now),
        Verdict::Move(percent(0.0), Move::Interlock(Cause::Rain))
    );
    window.command(percent(0.0), at(1));
    assert_eq!(
        window.judge(Some(wish(Wisher::Person, 80.0)), &now),
        Verdict::Keep(Keep::Interlock(Cause::Rain))
    );
    window.interlocks.clear(Cause::Rain, at(10 * MINUTE));
    window.interlocks.clear(Cause::Rain, at(20 * MINUTE));
    assert_eq!(
        window.judge(None, &circumstances(at(10 * MINUTE - 1))),
        Verdict::Keep(Keep::Interlock(Cause::Rain))
    );
    assert_eq!(
        window.judge(None, &circumstances(at(10 * MINUTE))),
        Verdict::Move(percent(40.0), Move::Resumed)
    );
}

#[test]
fn a_window_of_unknown_position_is_shut_by_an_interlock_and_left_alone_without() {
    let mut window = WindowRecord::default();
    assert_eq!(
        window.judge(None, &circumstances(at(0))),
        Verdict::Keep(Keep::Unasked)
    );
    window.interlocks.set(Cause::Wind, percent(10.0));
    // Told 10 %, a shut window would open.
    assert_eq!(
        window.judge(Some(wish(Wisher::Model, 50.0)), &circumstances(at(0))),
        Verdict::Move(Position::SHUT, Move::Interlock(Cause::Wind))
    );
    assert_eq!(
        window.judge(Some(wish(Wisher::Person, 50.0)), &circumstances(at(0))),
        Verdict::Move(percent(10.0), Move::Wish(Wisher::Person))
    );
    let limited = Circumstances {
        limits: Limits { min: 0.0, max: 80.0 },
        ..circumstances(at(0))
    };
    assert_eq!(
        WindowRecord::default().judge(None, &limited),
        Verdict::Keep(Keep::Unasked)
    );
}

#[test]
fn settings_limit_like_an_interlock_and_the_narrowest_is_named() {
    let mut window = told(80.0, at(0));
    let night = Circumstances {
        limits: Limits { min: 10.0, max: 30.0 },
        ..circumstances(at(1))
    };
    assert_eq!(
        window.judge(None, &night),
        Verdict::Move(percent(30.0), Move::Interlock(Cause::Limit))
    );
    window.interlocks.set(Cause::Frost, percent(20.0));
    assert_eq!(
        window.judge(None, &night),
        Verdict::Move(percent(20.0), Move::Interlock(Cause::Frost))
    );
    // The least is for wishes: nothing opens by itself, and frost comes before it.
    let shut = told(0.0, at(-10 * MINUTE));
    assert_eq!(shut.judge(None, &night), Verdict::Keep(Keep::Unasked));
    assert_eq!(
        shut.judge(Some(wish(Wisher::Model, 2.0)), &night),
        Verdict::Move(percent(10.0), Move::Wish(Wisher::Model))
    );
}

#[test]
fn a_clock_that_is_put_back_keeps_no_window_waiting() {
    let window = told(20.0, at(60 * MINUTE));
    let earlier = circumstances(at(0));
    assert!(matches!(
        window.judge(Some(wish(Wisher::Model, 60.0)), &earlier),
        Verdict::Move(..)
    ));
}
