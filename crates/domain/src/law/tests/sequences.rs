//! Whatever happens to a window, in whatever order.

use proptest::prelude::*;

use super::*;

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
