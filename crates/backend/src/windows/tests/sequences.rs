//! Whatever happens in whatever order.

use proptest::prelude::*;

use super::*;

/// From half an hour to an hour and a half after the beginning.
const QUIET: &str = r#"{"time_zone": "UTC", "quiet_hours": [{"from": "12:30", "until": "13:30"}]}"#;

/// What can happen to a house.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Hold(f64),
    Resume,
    Model(f64),
    Schedule(f64),
    Scheduled(Option<i64>),
    Rain,
    Dry,
    Report(f64),
    Birth,
    Unsent,
    Jump(i64),
    Pass(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let position = (0_u32..=100).prop_map(f64::from);
    prop_oneof![
        2 => position.clone().prop_map(Happening::Hold),
        1 => Just(Happening::Resume),
        3 => position.clone().prop_map(Happening::Model),
        3 => position.clone().prop_map(Happening::Schedule),
        1 => prop::option::of(1_i64..7_200_000).prop_map(Happening::Scheduled),
        1 => Just(Happening::Rain),
        1 => Just(Happening::Dry),
        3 => position.prop_map(Happening::Report),
        1 => Just(Happening::Birth),
        1 => Just(Happening::Unsent),
        1 => (-7_200_000_i64..7_200_000).prop_map(Happening::Jump),
        4 => (1_i64..90).prop_map(Happening::Pass),
    ]
}

#[test]
fn a_window_that_a_schedule_opened_is_shut_by_rain_though_it_never_reports() {
    let house = House::new();
    let wish = Wish {
        position: percent(5.0),
        of: Wisher::Schedule,
    };
    house.windows.wish(&room(), wish, AIRING);
    house.windows.limit(&room(), Cause::Rain, Position::SHUT);
    assert_eq!(house.told(), [(0.0, "interlock")]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever happens, a window is told nothing against a person's wish but by an interlock, and nothing above an interlock.
    #[test]
    fn no_sequence_of_events_moves_a_window_against_a_person(
        events in prop::collection::vec(happening(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let house = runtime.block_on(House::with(QUIET));
        let mut last = None;
        // What is told is looked at each second: a second later a person may have moved the window by hand.
        let each_second = events.into_iter().flat_map(|event| match event {
            Happening::Pass(seconds) => vec![Happening::Pass(1); usize::try_from(seconds).unwrap()],
            other => vec![other],
        });
        for event in each_second {
            let now = house.clock.read().wall;
            match event {
                Happening::Hold(position) => house.hold(position),
                Happening::Resume => drop(house.windows.end(&room(), &By::new("", Source::Page))),
                Happening::Model(position) => house.model(position),
                Happening::Schedule(position) => {
                    let wish = Wish { position: percent(position), of: Wisher::Schedule };
                    house.windows.wish(&room(), wish, AIRING);
                }
                Happening::Scheduled(lasting) => {
                    house.windows.scheduled(&room(), lasting.map(|ms| now.shifted(ms)));
                }
                Happening::Rain => house.windows.limit(&room(), Cause::Rain, Position::SHUT),
                Happening::Dry => house.windows.unlimit(&room(), Cause::Rain, now.shifted(MINUTE)),
                Happening::Report(position) => house.report(position),
                Happening::Birth => house.windows.status(&room(), true),
                Happening::Unsent => {
                    if let Some(action) = &last {
                        house.windows.unsent(action);
                    }
                }
                Happening::Jump(ms) => house.clock.jump(ms),
                Happening::Pass(seconds) => house.pass(seconds),
            }
            let Some(view) = house.windows.view(&room()) else { continue };
            for action in house.sent() {
                let hold = view.hold.as_ref().map(|hold| hold.position);
                match action.origin {
                    // Nobody else is heard while a person decides, and nobody else moves a window in quiet hours.
                    Origin::Model(_) | Origin::Schedule => {
                        // What somebody else commanded, and a person wants or an interlock, too, is told again where it is stuck.
                        let is_wanted = hold.is_none_or(|hold| hold == action.position);
                        prop_assert!(is_wanted || !view.interlocks.is_empty());
                        let minute = (action.timestamp.as_millis() - NOON).rem_euclid(24 * 60 * MINUTE) / MINUTE;
                        prop_assert!(!(30..90).contains(&minute), "minute {minute}");
                    }
                    Origin::Person => prop_assert!(
                        hold.is_none_or(|hold| hold == action.position) || !view.interlocks.is_empty()
                    ),
                    Origin::Interlock => prop_assert_eq!(action.position, Position::SHUT),
                    Origin::Unstated => prop_assert!(false, "nobody's command"),
                }
                if !view.interlocks.is_empty() {
                    prop_assert_eq!(action.position, Position::SHUT, "{:?}", view);
                }
                last = Some(action);
            }
        }
    }
}
