//! Interlocks and schedules in a real process with real MQTT: rain, dead sensors, gusts, frost, alarms, airing, night cooling.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../api/world.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod world;

#[path = "../support/mod.rs"]
mod support;

mod house;
mod interlocks;
mod schedules;

use house::House;
use interlocks::{alarm_and_restart, dead_sensors, frost, locked, rain, wind};
use schedules::{airing, night_cooling};

#[tokio::test(flavor = "multi_thread")]
async fn causes_close_and_schedules_open() {
    let mut house = House::start().await;
    tokio::join!(
        rain(&house),
        dead_sensors(&house),
        wind(&house),
        frost(&house),
        locked(&house),
        airing(&house),
        night_cooling(&house),
    );
    alarm_and_restart(&mut house).await;
}

#[test]
fn what_is_wrong_with_rules_is_told_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("casement.yaml");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_casement"));
        let output = command.args(["config", "--config"]).arg(&file).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (is_fine, shown) = run(
        "windows: {interlocks: {wind: {limit: 12}}, schedules: {night: {kind: night_cooling, from: '22:00', until: sunrise}}}",
    );
    assert!(is_fine && shown.contains("night_cooling"), "{shown}");
    let (is_fine, told) =
        run("windows: {interlocks: {wind: {limit: 500}}, schedules: {air: {kind: airing}}}");
    // The command shows what is there, with a warning; what starts with it is refused.
    assert!(is_fine && told.contains("warning"), "{told}");
    for part in ["interlocks.wind.limit", "schedules.air", "humidity_above"] {
        assert!(told.contains(part), "{told}");
    }
    let (is_fine, told) = run("windows: {interlocks: {hail: {}}}");
    assert!(is_fine && told.contains("unknown field `hail`"), "{told}");
}
