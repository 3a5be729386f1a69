use proptest::prelude::*;

use super::*;

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

/// What can happen to a window.
#[derive(Debug, Clone)]
enum Happening {
    Wish(Wisher, f64),
    Hold(f64, Option<i64>),
    Resume,
    Interlock(Cause, f64),
    Clear(Cause),
    Report(f64),
    Scheduled(Option<i64>),
    Quiet(bool),
    Reboot,
    Restart,
    Tick,
}

fn happening() -> impl Strategy<Value = Happening> {
    let position = (0_u32..=100).prop_map(f64::from);
    let cause = prop::sample::select(&[Cause::Rain, Cause::Wind, Cause::Locked][..]);
    prop_oneof![
        4 => (prop::sample::select(&[Wisher::Model, Wisher::Schedule][..]), position.clone())
            .prop_map(|(of, position)| Happening::Wish(of, position)),
        2 => (position.clone(), prop::option::of(1..120 * MINUTE)).prop_map(|(p, until)| Happening::Hold(p, until)),
        1 => Just(Happening::Resume),
        1 => (cause.clone(), position.clone()).prop_map(|(cause, most)| Happening::Interlock(cause, most)),
        1 => cause.prop_map(Happening::Clear),
        1 => position.prop_map(Happening::Report),
        1 => prop::option::of(1..120 * MINUTE).prop_map(Happening::Scheduled),
        1 => any::<bool>().prop_map(Happening::Quiet),
        1 => Just(Happening::Reboot),
        1 => Just(Happening::Restart),
        1 => Just(Happening::Tick),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_events_breaks_the_law(
        events in prop::collection::vec((0_i64..5 * MINUTE, happening()), 1..80),
        (min, room) in (0_u32..40, 0_u32..60),
        (interval, min_move) in (0_i64..10 * MINUTE, 0_u32..=20),
    ) {
        let (min, room, min_move) = (f64::from(min), f64::from(room), f64::from(min_move));
        let limits = Limits { min, max: min + room };
        let options = LawOptions { min_interval_ms: interval, min_move };
        let (mut window, mut now, mut is_quiet) = (WindowRecord::default(), 0, false);
        let (mut known_before, mut last_command) = (None, None::<i64>);
        for (pause, event) in events {
            now += pause;
            if let Happening::Quiet(is_so) = event {
                is_quiet = is_so;
            }
            let c = Circumstances { now: at(now), limits, is_quiet, options };
            let mut asked = None;
            match event {
                Happening::Wish(of, position) => asked = Some(wish(of, position)),
                Happening::Hold(position, lasting) => {
                    asked = Some(wish(Wisher::Person, position));
                    let until = lasting.map(|lasting| at(now + lasting));
                    window.begin_override(Override { position: percent(position), until });
                }
                Happening::Resume => window.end_override(),
                Happening::Interlock(cause, most) => window.interlocks.set(cause, percent(most)),
                Happening::Clear(cause) => window.interlocks.clear(cause, at(now + 2 * MINUTE)),
                Happening::Report(position) => window.reported = Some(percent(position)),
                Happening::Reboot => {
                    window.lose();
                    known_before = None;
                }
                Happening::Scheduled(lasting) => {
                    window.schedule_until = lasting.map(|lasting| at(now + lasting));
                }
                // What is kept survives it, and says the same as before.
                Happening::Restart => {
                    let kept = serde_json::to_string(&WindowContext::of(&window, &c)).unwrap();
                    let context: WindowContext = serde_json::from_str(&kept).unwrap();
                    for of in [Wisher::Model, Wisher::Schedule, Wisher::Person] {
                        let asked = wish(of, 50.0);
                        prop_assert_eq!(context.judge(asked, c.now), window.judge(Some(asked), &c));
                    }
                    window = context.record();
                }
                Happening::Quiet(_) | Happening::Tick => {}
            }
            let cap = window.cap(&c).map_or(percent(100.0), |(most, _)| most);
            let verdict = window.judge(asked, &c);
            let Verdict::Move(target, why) = verdict else { continue };
            // Positions stay in the device's limits, and below every interlock.
            prop_assert!(target <= cap, "{target:?} {cap:?}");
            if why == Move::Interlock(Cause::Limit) || !matches!(why, Move::Interlock(_)) {
                prop_assert!(target.percent() >= limits.min.min(cap.percent()));
            }
            let held = window.hold.filter(|hold| hold.is_active(at(now)));
            match why {
                // Against a person's wish only an interlock moves, and only to shut further.
                Move::Interlock(_) => prop_assert!(known_before.is_none_or(|before| target < before)),
                Move::Resumed => {
                    let wanted = held.map(|hold| within(hold.position, limits, window.cap(&c)).0);
                    prop_assert_eq!(Some(target), wanted);
                }
                Move::Wish(Wisher::Person) => {}
                Move::Wish(of) => {
                    prop_assert!(held.is_none() && !is_quiet);
                    // While a schedule decides, the model does not.
                    let by_schedule = window.schedule_until.is_some_and(|until| at(now) < until);
                    prop_assert!(of == Wisher::Schedule || !by_schedule);
                    prop_assert!(last_command.is_none_or(|last| now - last >= interval));
                    let before: Option<Position> = known_before;
                    let is_worth_it = before.is_none_or(|b| {
                        (b.percent() - target.percent()).abs() >= min_move || target.percent() <= limits.min
                    });
                    prop_assert!(is_worth_it);
                }
            }
            window.command(target, at(now));
            (known_before, last_command) = (Some(target), Some(now));
            // Judged again at the same moment, nothing happens: no two commands for one cause.
            prop_assert!(matches!(window.judge(None, &c), Verdict::Keep(_)));
        }
    }
}
