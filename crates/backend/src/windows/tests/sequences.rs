//! Whatever happens in whatever order.

use proptest::prelude::*;

use super::*;

/// What can happen to a house.
#[derive(Debug, Clone)]
enum Happening {
    Hold(f64),
    Resume,
    Model(f64),
    Schedule(f64),
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
        let house = House::new();
        let mut last = None;
        for event in events {
            let now = house.clock.read().wall;
            match event {
                Happening::Hold(position) => house.hold(position),
                Happening::Resume => drop(house.windows.end(&room(), &By::new("", Source::Page))),
                Happening::Model(position) => house.model(position),
                Happening::Schedule(position) => {
                    let wish = Wish { position: percent(position), of: Wisher::Schedule };
                    house.windows.wish(&room(), wish, AIRING);
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
                    // Nobody else is heard while a person decides.
                    Origin::Model(_) | Origin::Schedule => prop_assert_eq!(hold, None),
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
