use proptest::prelude::*;

use super::*;

fn settings(json: &str) -> Settings {
    serde_json::from_str(json).unwrap()
}

fn time(text: &str) -> TimeOfDay {
    text.parse().unwrap()
}

fn day(text: &str) -> DayOfYear {
    text.parse().unwrap()
}

#[test]
fn what_a_device_does_not_say_its_group_says_and_then_the_defaults() {
    let defaults = settings(
        r#"{"thresholds": {"temperature": 0.5, "humidity": 2}, "opening": {"max": 80}, "report_interval_s": 60}"#,
    );
    let group = settings(r#"{"thresholds": {"humidity": 4}, "opening": {"min": 5}}"#);
    let device = settings(r#"{"thresholds": {"temperature": 1}, "opening": {"max": 50}}"#);
    let effective = device.over(&group.over(&defaults));
    assert_eq!(
        effective,
        settings(
            r#"{"thresholds": {"temperature": 1, "humidity": 4}, "opening": {"min": 5, "max": 50}, "report_interval_s": 60}"#
        )
    );
    assert_eq!(Settings::default().over(&defaults), defaults);
    assert!(Settings::default().is_empty() && !group.is_empty());
}

#[test]
fn every_key_survives_its_way_through_json() {
    let all = r#"{"thresholds": {"co2": 100.0}, "audio_always_trigger": false, "report_interval_s": 10.0,
        "clip_interval_s": 60.0, "clip_length_s": 2.0, "calibration": {"temperature": -1.5},
        "opening": {"min": 0.0, "max": 90.0, "rules": [{"hours": {"from": "22:00", "until": "06:00"},
        "season": {"from": "11-01", "until": "03-31"}, "max": 20.0}]},
        "quiet_hours": [{"from": "23:00", "until": "05:30"}], "time_zone": "Europe/Berlin", "motor_travel_s": 20.0,
        "zero_is_open": true, "outdoor_sensor": "garden", "interlocks": {"rain": {"on": true, "most": 5.0,
        "hold_s": 60.0, "sensor": "roof", "when_silent": "close", "silent_after_s": 600.0}, "wind": {"limit": 10.0,
        "clear_at": 8.0}, "alarm": {"on": true, "alarms": ["smoke"]}, "locked": false, "child_lock": 10.0},
        "schedules": {"air": {"kind": "airing", "co2_above": 1200.0, "days": ["monday"]},
        "dusk": {"kind": "fixed", "at": "sunset-00:30", "position": 0.0, "for_s": 60.0,
        "season": {"from": "05-01", "until": "09-30"}}}, "latitude": 52.5, "longitude": 13.4, "timestamps": "optional"}"#;
    let value: serde_json::Value = serde_json::from_str(all).unwrap();
    let parsed = settings(all);
    assert_eq!(parsed.problems(), []);
    assert_eq!(serde_json::to_value(&parsed).unwrap(), value);
    assert_eq!(serde_json::to_string(&Settings::default()).unwrap(), "{}");
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_where() {
    let wrong = settings(
        r#"{"thresholds": {"temperature": -1}, "calibration": {"humidity": 60}, "report_interval_s": 0.5,
        "clip_interval_s": 5, "clip_length_s": 30, "opening": {"min": 60, "max": 40, "rules": [{}, {"max": 101}]},
        "time_zone": "../../etc/passwd", "motor_travel_s": 0}"#,
    );
    let problems = wrong.problems();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "thresholds.temperature",
            "calibration.humidity",
            "report_interval_s",
            "motor_travel_s",
            "clip_length_s",
            "time_zone",
            "opening",
            "opening.rules[0]",
            "opening.rules[1].max",
        ]
    );
    assert_eq!(
        problems[2].to_string(),
        "report_interval_s is 0.5; it may be 1 to 86400"
    );
}

#[test]
fn a_time_zone_that_nobody_knows_and_spans_without_time_are_refused() {
    let told = |json: &str| {
        let problems = settings(json).problems();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let zone = told(r#"{"time_zone": "Europe/Belrin"}"#);
    assert!(
        zone.len() == 1
            && zone[0].starts_with("time_zone is Europe/Belrin, which this machine does not know"),
        "{zone:?}"
    );
    for known in [
        "Europe/Berlin",
        "UTC",
        "America/Argentina/Buenos_Aires",
        "Etc/GMT+5",
    ] {
        assert_eq!(
            told(&format!(r#"{{"time_zone": "{known}"}}"#)),
            [""; 0],
            "{known}"
        );
    }
    let never = r#"{"quiet_hours": [{"from": "22:00", "until": "06:00"}, {"from": "06:00", "until": "06:00"}],
        "opening": {"rules": [{"hours": {"from": "07:30", "until": "07:30"}, "max": 20}]},
        "schedules": {"night": {"kind": "night_cooling", "from": "22:00", "until": "22:00"},
        "sun": {"kind": "night_cooling", "from": "sunset", "until": "sunset"}}}"#;
    let told_never = told(never);
    let paths: Vec<&str> = told_never
        .iter()
        .filter_map(|text| text.split(' ').next())
        .collect();
    assert_eq!(
        paths,
        [
            "quiet_hours[1]",
            "opening.rules[0].hours",
            "schedules.night.until",
            "schedules.sun.until"
        ]
    );
    assert!(
        told_never[0].contains("the whole day is 00:00 to 00:00"),
        "{told_never:?}"
    );
    // The whole day has a form of its own.
    let always = r#"{"quiet_hours": [{"from": "00:00", "until": "00:00"}],
        "schedules": {"night": {"kind": "night_cooling", "from": "00:00", "until": "00:00"}}}"#;
    assert_eq!(told(always), [""; 0]);
    let whole = settings(always).quiet_hours.unwrap()[0];
    assert!(whole.contains(time("00:00")) && whole.contains(time("23:59")));
}

#[test]
fn what_is_no_setting_is_refused() {
    for json in [
        r#"{"threshold": {}}"#,
        r#"{"opening": {"most": 3}}"#,
        r#"{"thresholds": {"radiation": 3}}"#,
        r#"{"quiet_hours": [{"from": "24:00", "until": "06:00"}]}"#,
        r#"{"quiet_hours": [{"from": "7:00", "until": "06:00"}]}"#,
        r#"{"opening": {"rules": [{"season": {"from": "02-30", "until": "03-01"}, "max": 1}]}}"#,
        r#"{"outdoor_sensor": "a/b"}"#,
        r#"{"timestamps": "never"}"#,
        "[]",
        r#"[{"temperature": 0.1}, true, 60]"#,
        r#"{"opening": [5, 70]}"#,
        r#"{"opening": {"rules": [[null, null, 1, 2]]}}"#,
        r#"{"quiet_hours": [["22:00", "06:00"]]}"#,
        r#"{"opening": {"rules": [{"season": ["11-01", "03-31"], "max": 1}]}}"#,
    ] {
        assert!(serde_json::from_str::<Settings>(json).is_err(), "{json}");
    }
}

#[test]
fn hours_and_seasons_go_over_midnight_and_new_year() {
    let night = Hours {
        from: time("22:00"),
        until: time("06:00"),
    };
    assert!(night.contains(time("22:00")) && night.contains(time("05:59")));
    assert!(!night.contains(time("06:00")) && !night.contains(time("21:59")));
    let winter = Season {
        from: day("11-01"),
        until: day("03-31"),
    };
    assert!(winter.contains(day("12-31")) && winter.contains(day("02-29")) && winter.contains(day("03-31")));
    assert!(!winter.contains(day("04-01")));
    let whole = Hours {
        from: time("08:00"),
        until: time("08:00"),
    };
    assert!(whole.contains(time("08:00")) && whole.contains(time("07:59")));
}

#[test]
fn limits_narrow_and_the_most_wins() {
    let opening = settings(
        r#"{"opening": {"min": 10, "max": 90, "rules": [
            {"hours": {"from": "22:00", "until": "06:00"}, "max": 20},
            {"season": {"from": "12-01", "until": "02-28"}, "max": 5}]}}"#,
    )
    .opening;
    let at = |clock: &str, date: &str| {
        let limits = opening.limits(time(clock), day(date));
        (limits.min, limits.max)
    };
    assert_eq!(at("12:00", "07-01"), (10.0, 90.0));
    assert_eq!(at("23:00", "07-01"), (10.0, 20.0));
    assert_eq!(at("23:00", "01-01"), (5.0, 5.0));
}

proptest! {
    #[test]
    fn times_are_written_as_they_are_read(hour in 0_u8..24, minute in 0_u8..60) {
        let time = TimeOfDay::new(hour, minute).unwrap();
        prop_assert_eq!(time.to_string().parse::<TimeOfDay>().unwrap(), time);
    }

    #[test]
    fn no_text_panics(text in ".{0,12}") {
        let _ = text.parse::<TimeOfDay>();
        let _ = text.parse::<DayOfYear>();
    }
}
