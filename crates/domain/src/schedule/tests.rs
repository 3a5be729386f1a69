#![allow(
    clippy::float_cmp,
    clippy::unnecessary_wraps,
    reason = "positions are compared with what was asked for, unchanged; rooms hold what may be unknown"
)]

use proptest::prelude::*;

use super::*;
use crate::{InvalidSetting, Settings};

fn settings(json: &str) -> Settings {
    serde_json::from_str(json).unwrap()
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn fresh(value: f64) -> Option<Sensed> {
    Some(Sensed {
        value,
        age: Duration::ZERO,
    })
}

fn percent(value: f64) -> Position {
    Position::new(value).unwrap()
}

fn at(position: f64) -> Standing {
    Standing {
        position: Some(percent(position)),
        ..Standing::default()
    }
}

/// A planner with its settings.
struct Window {
    settings: Settings,
    almanac: Almanac,
    planner: Planner,
}

impl Window {
    fn new(schedules: &str) -> Self {
        let settings = settings(&format!(
            r#"{{"time_zone": "Europe/Berlin", "latitude": 52.52, "longitude": 13.405, "schedules": {schedules}}}"#
        ));
        assert_eq!(settings.problems(), []);
        Self {
            almanac: Almanac::of(&settings),
            settings,
            planner: Planner::default(),
        }
    }

    fn next(&mut self, room: &Room, window: Standing, now: &str) -> Option<(f64, String)> {
        let schedules = &self.settings.schedules;
        let plan = self
            .planner
            .next(schedules, &self.almanac, room, window, time(now));
        plan.map(|plan| (plan.position.percent(), plan.reason))
    }

    fn outlook(&self, now: &str) -> Vec<Occurrence> {
        self.planner
            .outlook(&self.settings.schedules, &self.almanac, time(now))
    }
}

#[test]
fn airing_is_wide_for_its_minutes_and_goes_back() {
    let mut window = Window::new(r#"{"air": {"kind": "airing", "co2_above": 1200, "every_s": 3600}}"#);
    let stuffy = Room {
        co2: fresh(1_450.0),
        ..Room::default()
    };
    assert_eq!(
        window.next(&Room::default(), at(10.0), "2026-05-01T08:00:00Z"),
        None
    );
    let (position, reason) = window.next(&stuffy, at(10.0), "2026-05-01T08:00:00Z").unwrap();
    assert_eq!(
        (position, reason.as_str()),
        (100.0, "airing for 5 min: 1450 ppm CO₂, above 1200")
    );
    // The air is better at once; it is aired to the end.
    assert!(
        window
            .next(&Room::default(), at(100.0), "2026-05-01T08:04:59Z")
            .is_some()
    );
    let back = window.next(&stuffy, at(100.0), "2026-05-01T08:05:00Z").unwrap();
    assert_eq!(back.0, 10.0);
    assert_eq!(window.next(&stuffy, at(10.0), "2026-05-01T08:05:10Z"), None);
    let again = &window.outlook("2026-05-01T08:10:00Z")[0];
    assert_eq!(
        (again.active, again.next),
        (false, Some(time("2026-05-01T09:00:00Z")))
    );
    assert_eq!(window.next(&stuffy, at(10.0), "2026-05-01T08:59:59Z"), None);
    assert_eq!(
        window.next(&stuffy, at(10.0), "2026-05-01T09:00:00Z").unwrap().0,
        100.0
    );
}

#[test]
fn nothing_is_aired_in_the_rain_nor_against_a_person_nor_by_an_old_value() {
    let mut window = Window::new(r#"{"air": {"kind": "airing", "humidity_above": 65}}"#);
    let damp = Room {
        humidity: fresh(70.0),
        ..Room::default()
    };
    let rain = Standing {
        is_limited: true,
        ..at(0.0)
    };
    let held = Standing {
        is_held: true,
        ..at(0.0)
    };
    let old = Room {
        humidity: Some(Sensed {
            value: 70.0,
            age: FRESH,
        }),
        ..Room::default()
    };
    let now = "2026-05-01T08:00:00Z";
    assert_eq!(window.next(&damp, rain, now), None);
    assert_eq!(window.next(&damp, held, now), None);
    assert_eq!(window.next(&old, at(0.0), now), None);
    assert!(window.next(&damp, at(0.0), now).is_some());
    // A person takes over: what was begun is over, and nothing goes back.
    assert_eq!(window.next(&damp, held, "2026-05-01T08:01:00Z"), None);
    assert_eq!(window.next(&damp, at(30.0), "2026-05-01T08:06:00Z"), None);
}

#[test]
fn night_cooling_has_its_conditions_and_does_not_chatter() {
    let mut window = Window::new(
        r#"{"night": {"kind": "night_cooling", "from": "22:00", "until": "06:30", "position": 60,
            "indoor_above": 24, "colder_by": 4}}"#,
    );
    let room = |indoor: f64, outdoor: f64| Room {
        indoor: fresh(indoor),
        outdoor: fresh(outdoor),
        ..Room::default()
    };
    // By day it comes in the evening; within its hours it may begin with any reading.
    assert_eq!(
        window.outlook("2026-07-01T12:00:00Z")[0].next,
        Some(time("2026-07-01T20:00:00Z"))
    );
    let waiting = &window.outlook("2026-07-01T21:00:00Z")[0];
    assert_eq!((waiting.active, waiting.next), (false, None));
    // 21:59 and 22:00 in Berlin.
    assert_eq!(
        window.next(&room(26.0, 18.0), at(5.0), "2026-07-01T19:59:59Z"),
        None
    );
    let (position, reason) = window
        .next(&room(26.0, 18.0), at(5.0), "2026-07-01T20:00:00Z")
        .unwrap();
    assert_eq!(
        (position, reason.as_str()),
        (60.0, "night cooling: 26.0 °C inside, 18.0 °C outside")
    );
    assert_eq!(
        window.outlook("2026-07-01T20:10:00Z")[0].until,
        Some(time("2026-07-02T04:30:00Z"))
    );
    assert!(
        window
            .next(&room(23.5, 20.0), at(60.0), "2026-07-01T23:00:00Z")
            .is_some()
    );
    assert_eq!(
        window
            .next(&room(23.0, 20.0), at(60.0), "2026-07-01T23:01:00Z")
            .unwrap()
            .0,
        5.0
    );
    assert_eq!(
        window.next(&room(24.0, 18.0), at(5.0), "2026-07-01T23:02:00Z"),
        None
    );
    // It is warmer outside: never.
    assert_eq!(
        window.next(&room(26.0, 27.0), at(5.0), "2026-07-01T23:03:00Z"),
        None
    );
    // Nothing is known of outdoors: never.
    let unknown = Room {
        indoor: fresh(30.0),
        ..Room::default()
    };
    assert_eq!(window.next(&unknown, at(5.0), "2026-07-01T23:04:00Z"), None);
}

#[test]
fn a_fixed_time_lasts_and_airing_comes_before_it() {
    let mut window = Window::new(
        r#"{"morning": {"kind": "fixed", "at": "07:00", "position": 30, "for_s": 1800, "days": ["friday"]},
            "air": {"kind": "airing", "co2_above": 1000}}"#,
    );
    let none = Room::default();
    let stuffy = Room {
        co2: fresh(2_000.0),
        ..none
    };
    // A Thursday, then a Friday.
    assert_eq!(window.next(&none, at(0.0), "2026-04-30T05:00:00Z"), None);
    assert_eq!(
        window.outlook("2026-04-30T05:00:00Z")[1].next,
        Some(time("2026-05-01T05:00:00Z"))
    );
    assert_eq!(
        window.next(&none, at(0.0), "2026-05-01T05:00:00Z").unwrap().0,
        30.0
    );
    assert_eq!(
        window.next(&stuffy, at(30.0), "2026-05-01T05:10:00Z").unwrap().0,
        100.0
    );
    assert_eq!(
        window.next(&none, at(100.0), "2026-05-01T05:15:00Z").unwrap().0,
        30.0
    );
    assert_eq!(window.next(&none, at(30.0), "2026-05-01T05:30:00Z"), None);
}

#[test]
fn the_sun_rises_when_almanacs_say_and_not_in_polar_night() {
    let berlin = Almanac::of(&settings(
        r#"{"time_zone": "Europe/Berlin", "latitude": 52.52, "longitude": 13.405}"#,
    ));
    let date = jiff::civil::date(2026, 6, 21);
    // The U.S. Naval Observatory: 04:43 and 21:33 in summer time.
    let near = |found: Option<Timestamp>, stated: &str| {
        let apart = found.unwrap().millis_since(time(stated)).abs();
        assert!(apart < 120_000, "{found:?} {stated}");
    };
    near(
        berlin.at("sunrise".parse().unwrap(), date),
        "2026-06-21T02:43:00Z",
    );
    near(
        berlin.at("sunset-00:30".parse().unwrap(), date),
        "2026-06-21T19:03:00Z",
    );
    let tromso = Almanac::of(&settings(
        r#"{"time_zone": "Europe/Oslo", "latitude": 69.65, "longitude": 18.96}"#,
    ));
    assert_eq!(tromso.at("sunset".parse().unwrap(), date), None);
    assert_eq!(
        tromso.at("sunrise".parse().unwrap(), jiff::civil::date(2026, 12, 21)),
        None
    );
    // No place, no sun.
    let nowhere = Almanac::of(&Settings::default());
    assert_eq!(nowhere.at("sunset".parse().unwrap(), date), None);
    // The zone is a day from the sun's. Noon there is at 22:31 (4 min a degree, and 1.8 min of the equation of time), and the day
    // has 12 h 13.6 min.
    let kiritimati = Almanac::of(&settings(
        r#"{"time_zone": "Pacific/Kiritimati", "latitude": 1.87, "longitude": -157.4}"#,
    ));
    near(
        kiritimati.at("sunrise".parse().unwrap(), date),
        "2026-06-20T16:24:36Z",
    );
}

#[test]
fn a_moment_that_a_changed_clock_leaves_out_or_shows_twice_comes_once() {
    let mut window =
        Window::new(r#"{"early": {"kind": "fixed", "at": "02:30", "position": 30, "for_s": 60}}"#);
    let none = Room::default();
    // Put forward from 02:00 to 03:00: it comes at 03:30.
    assert_eq!(window.next(&none, at(0.0), "2026-03-29T01:29:59Z"), None);
    assert!(window.next(&none, at(0.0), "2026-03-29T01:30:00Z").is_some());
    // Put back from 03:00 to 02:00: the first of two.
    assert!(window.next(&none, at(0.0), "2026-10-25T00:30:00Z").is_some());
    window.next(&none, at(30.0), "2026-10-25T00:31:00Z");
    assert_eq!(window.next(&none, at(0.0), "2026-10-25T01:30:00Z"), None);
}

#[test]
fn schedules_of_a_level_take_the_place_of_those_of_the_same_name() {
    let above = settings(
        r#"{"schedules": {"air": {"kind": "airing", "co2_above": 1000}, "noon": {"kind": "fixed", "at": "12:00", "position": 1}}}"#,
    );
    let own = settings(r#"{"schedules": {"air": {"kind": "off"}}}"#);
    let both = own.over(&above);
    assert_eq!(both.schedules["air"].kind, ScheduleKind::Off);
    assert_eq!(both.schedules["noon"].position, Some(1.0));
}

#[test]
fn all_that_is_wrong_with_rules_is_told_at_once() {
    let wrong = settings(
        r#"{"latitude": 91, "interlocks": {"wind": {"limit": 10, "clear_at": 12, "silent_after_s": 1}, "child_lock": 101},
            "schedules": {"a": {"kind": "fixed"}, "b": {"kind": "airing", "from": "08:00", "every_s": 60},
            "c": {"kind": "night_cooling", "co2_above": 1}, "d": {"kind": "fixed", "at": "sunset", "position": 120, "days": []}}}"#,
    );
    let paths: Vec<String> = wrong
        .problems()
        .into_iter()
        .map(|InvalidSetting { path, .. }| path)
        .collect();
    assert_eq!(
        paths,
        [
            "latitude",
            "interlocks.wind.silent_after_s",
            "interlocks.wind.clear_at",
            "interlocks.child_lock",
            "schedules.a.at",
            "schedules.a.position",
            "schedules.b",
            "schedules.b",
            "schedules.b.for_s",
            "schedules.c",
            "schedules.c.co2_above",
            "schedules.d.position",
            "schedules.d.days",
        ]
    );
    for json in [
        r#"{"schedules": {"a": {"kind": "never"}}}"#,
        r#"{"schedules": {"a": {"at": "07:00", "position": 1}}}"#,
        r#"{"schedules": {"a": {"kind": "fixed", "at": "sunset+13:00"}}}"#,
        r#"{"schedules": {"a": ["fixed", 30]}}"#,
        r#"{"schedules": []}"#,
        r#"{"interlocks": {"hail": {}}}"#,
        r#"{"interlocks": {"rain": {"when_silent": "open"}}}"#,
        r#"{"interlocks": {"rain": [true]}}"#,
        r#"{"interlocks": {"rain": {"sensor": "a/b"}}}"#,
    ] {
        assert!(serde_json::from_str::<Settings>(json).is_err(), "{json}");
    }
}

proptest! {
    #[test]
    fn moments_are_written_as_they_are_read(text in "(sunrise|sunset)([+-](0[0-9]|1[01]):[0-5][0-9])?|([01][0-9]|2[0-3]):[0-5][0-9]") {
        let moment: DayMoment = text.parse().unwrap();
        let again: DayMoment = moment.to_string().parse().unwrap();
        prop_assert_eq!(again, moment);
    }

    #[test]
    fn no_moment_panics(text in "(sun)?(rise|set)?[+-]?.{0,8}") {
        let _ = text.parse::<DayMoment>();
    }

    /// On every day of every zone a time by the clock comes once, changed clocks included.
    #[test]
    fn a_time_by_the_clock_comes_every_day(
        zone in prop::sample::select(&["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"][..]),
        minutes in 0_u16..1_440,
        day in 0_i64..1_500,
    ) {
        let at = format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let settings = settings(&format!(
            r#"{{"time_zone": "{zone}", "schedules": {{"a": {{"kind": "fixed", "at": "{at}", "position": 1}}}}}}"#
        ));
        let almanac = Almanac::of(&settings);
        let schedule = &settings.schedules["a"];
        let now = Timestamp::from_millis(1_735_689_600_000 + day * 86_400_000);
        let next = almanac.next(schedule, now).unwrap();
        prop_assert!(next > now && next.millis_since(now) <= 26 * 3_600_000, "{next:?}");
        let after = almanac.next(schedule, next).unwrap();
        let apart = after.millis_since(next);
        prop_assert!((22 * 3_600_000..=26 * 3_600_000).contains(&apart), "{apart}");
        // It is on from then, for its time, and not before.
        prop_assert_eq!(almanac.moment(schedule, next).map(|(start, _)| start), Some(next));
    }

    /// The sun of any place on any day is there, or is not; nothing panics, and night cooling by it ends.
    #[test]
    fn the_sun_of_any_place_ends_what_it_begins(
        latitude in -90.0_f64..=90.0,
        longitude in -180.0_f64..=180.0,
        day in 0_i64..3_000,
    ) {
        let settings = settings(&format!(
            r#"{{"time_zone": "UTC", "latitude": {latitude}, "longitude": {longitude},
                "schedules": {{"n": {{"kind": "night_cooling", "from": "sunset", "until": "sunrise"}}}}}}"#
        ));
        let almanac = Almanac::of(&settings);
        let now = Timestamp::from_millis(1_735_689_600_000 + day * 43_200_000);
        if let Some((start, end)) = almanac.span(&settings.schedules["n"], now) {
            prop_assert!(start <= now && now < end);
            prop_assert!(end.millis_since(start) <= 48 * 3_600_000);
        }
    }

    /// Whatever happens: no airing begins sooner than `every_s` after the last, none lasts longer than `for_s`, and none is
    /// planned against a person.
    #[test]
    fn airing_keeps_its_times(
        events in prop::collection::vec((1_i64..2_000, 400.0_f64..2_500.0, any::<bool>(), any::<bool>()), 1..80),
    ) {
        let settings = settings(r#"{"schedules": {"air": {"kind": "airing", "co2_above": 1200, "every_s": 3600}}}"#);
        let (almanac, mut planner) = (Almanac::of(&settings), Planner::default());
        let (mut now, mut begun) = (1_750_000_000_000_i64, None::<i64>);
        let mut position = percent(20.0);
        for (pause, co2, is_held, is_limited) in events {
            now += pause * 1_000;
            let room = Room { co2: fresh(co2), ..Room::default() };
            let window = Standing { position: Some(position), is_held, is_limited };
            let before = planner.running.contains_key("air");
            let plan = planner.next(&settings.schedules, &almanac, &room, window, Timestamp::from_millis(now));
            prop_assert!(!(is_held && plan.is_some()));
            let is_on = planner.running.contains_key("air");
            if is_on && (!before || begun.is_some_and(|at| now - at >= 300_000)) {
                prop_assert!(begun.is_none_or(|at| now - at >= 3_600_000));
                prop_assert!(!is_limited);
                begun = Some(now);
            }
            if let Some(plan) = plan {
                prop_assert!(plan.until > Timestamp::from_millis(now));
                position = plan.position;
            }
        }
    }
}
