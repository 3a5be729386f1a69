//! The rooms obey physics: whatever the seed, the season and the windows do.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

use std::{sync::Arc, time::Duration};

use domain::{Position, Quantity};
use proptest::prelude::*;
use simulator::{
    Activity, Outdoor, Profile, Room, RoomKind, Sensors, SimulatedTime, Simulation, VirtualRoom, Weather,
};

const NOBODY: Activity = Activity {
    people: 0.0,
    heat_w: 0.0,
    moisture_kg_per_s: 0.0,
    speech: 0.0,
};
const MINUTE: Duration = Duration::from_mins(1);

fn outdoor(celsius: f64, dew_point: f64) -> Outdoor {
    Outdoor {
        temperature_celsius: celsius,
        dew_point_celsius: dew_point,
        wind_m_per_s: 2.0,
        rain_mm_per_h: 0.0,
        sunlight_w_per_m2: 0.0,
        street_db: 60.0,
    }
}

fn kind() -> impl Strategy<Value = RoomKind> {
    prop::sample::select(RoomKind::ALL.to_vec())
}

fn percent(value: f64) -> Position {
    Position::new(value).unwrap()
}

/// Runs a room alone for `minutes` in steps of 5 s.
fn rest(room: &mut Room, outdoor: &Outdoor, opening: f64, minutes: u32) {
    for _ in 0..minutes * 12 {
        room.step(5.0, outdoor, opening, &NOBODY, 0.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_empty_room_tends_to_the_outdoors_and_faster_with_the_window_open(
        kind in kind(), seed in any::<u64>(), inside in 10.0_f64..30.0, outside in -10.0_f64..35.0,
    ) {
        prop_assume!((inside - outside).abs() > 3.0);
        let outdoor = outdoor(outside, outside - 8.0);
        let away = |opening: f64, minutes| {
            let mut room = Room::new(Profile::new(kind, seed, 0), inside, 30.0);
            rest(&mut room, &outdoor, opening, minutes);
            (room.temperature_celsius() - outside).abs()
        };
        let (shut, tilted, open) = (away(0.0, 20), away(0.2, 20), away(1.0, 20));
        prop_assert!(open < tilted && tilted < shut && shut <= (inside - outside).abs());
        // The window is felt at once: at least a fifth of the difference within twenty minutes.
        prop_assert!(open < 0.8 * (inside - outside).abs(), "{open} of {}", inside - outside);
        prop_assert!(away(1.0, 60 * 96) < 0.5);
    }

    #[test]
    fn an_open_window_dries_when_the_outdoor_dew_point_is_lower(
        kind in kind(), seed in any::<u64>(), percent in 45.0_f64..80.0, colder in 3.0_f64..15.0,
    ) {
        let mut room = Room::new(Profile::new(kind, seed, 0), 21.0, percent);
        let before = room.dew_point_celsius();
        let dew_point = before - colder;
        let outdoor = outdoor(dew_point.max(15.0) + 2.0, dew_point);
        let mut last = before;
        for _ in 0..60 {
            rest(&mut room, &outdoor, 1.0, 1);
            let now = room.dew_point_celsius();
            prop_assert!(now < last && now > dew_point - 1e-6, "{now} {last} {dew_point}");
            last = now;
        }
        prop_assert!(before - last > 0.3 * colder, "{before} {last}");
    }

    #[test]
    fn without_sun_people_and_heating_no_room_leaves_the_range_between_inside_and_outside(
        kind in kind(), seed in any::<u64>(), inside in 0.0_f64..40.0, outside in -20.0_f64..40.0,
        openings in prop::collection::vec(0.0_f64..=1.0, 1..20), step in 1.0_f64..60.0,
    ) {
        let mut room = Room::new(Profile::new(kind, seed, 0), inside, 50.0);
        let outdoor = outdoor(outside, outside - 5.0);
        let (low, high) = (inside.min(outside) - 1e-9, inside.max(outside) + 1e-9);
        for opening in openings {
            for _ in 0..30 {
                room.step(step, &outdoor, opening, &NOBODY, 0.0);
                prop_assert!((low..=high).contains(&room.temperature_celsius()));
                prop_assert!((low..=high).contains(&room.mass_celsius()));
                prop_assert!((0.0..=100.0).contains(&room.humidity_percent()));
            }
        }
    }

    #[test]
    fn no_heat_appears_or_vanishes(
        kind in kind(), seed in any::<u64>(), outside in -10.0_f64..35.0, opening in 0.0_f64..=1.0,
        heating in 0.0_f64..2_000.0, sun in 0.0_f64..800.0, heat in 0.0_f64..1_000.0,
    ) {
        let mut room = Room::new(Profile::new(kind, seed, 0), 20.0, 50.0);
        let outdoor = Outdoor { sunlight_w_per_m2: sun, ..outdoor(outside, outside - 5.0) };
        let activity = Activity { heat_w: heat, ..NOBODY };
        let before = room.stored_j();
        let mut entered = 0.0;
        for _ in 0..720 {
            entered += 5.0 * room.step(5.0, &outdoor, opening, &activity, heating).heat_w();
        }
        let stored = room.stored_j() - before;
        prop_assert!((stored - entered).abs() < 1e-6 * before.abs().max(1.0), "{stored} {entered}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_week_stays_within_what_sensors_report(
        seed in any::<u64>(), day in 0_u32..365, positions in prop::collection::vec(0.0_f64..=100.0, 7 * 4),
    ) {
        let mut world = Simulation::starting_at(seed, 6, SimulatedTime::new(day, 0.0));
        for position in positions {
            for room in 0..6 {
                world.apply(room, percent(position));
            }
            for _ in 0..24 {
                world.step(Duration::from_mins(15));
                for room in world.observe() {
                    prop_assert!((-25.0..70.0).contains(&room.temperature_celsius), "{room:?}");
                    prop_assert!((1.0..=100.0).contains(&room.humidity_percent), "{room:?}");
                    prop_assert!(room.dew_point_celsius <= room.temperature_celsius + 0.01, "{room:?}");
                }
                for room in world.rooms_mut() {
                    for quantity in [Quantity::Temperature, Quantity::Humidity] {
                        let (low, high) = Sensors::range(quantity);
                        prop_assert!((low..=high).contains(&room.read(quantity)));
                    }
                }
            }
        }
    }
}

#[test]
fn heated_rooms_are_warm_in_winter_with_the_window_shut() {
    let weather = Arc::new(Weather::new(4));
    for index in 0..5 {
        let mut room = VirtualRoom::new(4, index, Arc::clone(&weather), SimulatedTime::new(20, 0.0));
        room.window_mut().move_to(percent(0.0));
        room.step(MINUTE * 60 * 38);
        let observed = room.observe();
        assert!(
            (16.5..26.0).contains(&observed.temperature_celsius),
            "{index}: {observed:?}"
        );
        room.window_mut().move_to(percent(100.0));
        room.step(MINUTE * 10);
        // Against the heating, which gives all it has.
        let opened = room.observe();
        assert!(
            opened.temperature_celsius < observed.temperature_celsius - 1.2,
            "{index}: {opened:?}"
        );
        assert!(
            opened.dew_point_celsius < observed.dew_point_celsius,
            "{index}: {opened:?}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_world_however_time_is_cut() {
    let script = |step: Duration| {
        let mut world = Simulation::new(11, 3);
        let mut seen = Vec::new();
        for position in [0.0, 80.0, 35.0] {
            world.apply(1, percent(position));
            let mut left = MINUTE * 30;
            while !left.is_zero() {
                let part = step.min(left);
                world.step(part);
                left -= part;
            }
            for room in world.rooms_mut() {
                let clip = room.listen();
                seen.push((
                    room.read(Quantity::Temperature),
                    room.read(Quantity::Humidity),
                    clip.kind(),
                ));
                let sum: f64 = clip
                    .record(Duration::from_millis(200))
                    .iter()
                    .map(|x| f64::from(*x))
                    .sum();
                seen.push((sum, 0.0, simulator::sound::SoundKind::Quiet));
            }
        }
        seen
    };
    let expected = script(MINUTE);
    assert_eq!(script(Duration::from_millis(200)), expected);
    assert_eq!(script(Duration::from_millis(7_331)), expected);
    let mut other = Simulation::new(12, 1);
    assert_ne!(other.rooms_mut()[0].read(Quantity::Humidity), expected[0].1);
}
