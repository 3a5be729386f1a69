//! The files that windows outlast a `kill -9` by, where they are lost, damaged or a newer version's.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    support::{
        client::{Client, now, reading},
        command::run,
    },
    world::World,
};

const NEWER: &str = r#"{"program": "9.1.0", "format": 2, "panes": {}}"#;

fn report(position: f64) -> String {
    json!({"timestamp": now().to_string(), "position": position}).to_string()
}

fn has(control: &Value, cause: &str) -> bool {
    let interlocks = control["interlocks"].as_array();
    interlocks.is_some_and(|interlocks| {
        interlocks
            .iter()
            .any(|one| one["cause"] == cause && one["until"].is_null())
    })
}

impl World {
    fn kept(&self, name: &str) -> PathBuf {
        self.data.path().join("registry").join(name)
    }

    fn again(&mut self) {
        self.up.process.kill();
        self.up.restart().unwrap();
    }
}

/// A window of an attic below a roof, with a client that speaks for everybody.
async fn attic(world: &World) -> Client {
    for id in ["attic", "roof"] {
        let place = json!({"location": "above"});
        let (status, answer) = world.ask("PATCH", &format!("/api/v1/devices/{id}"), Some(&place));
        assert!(matches!(status, 200 | 201), "{answer}");
    }
    let client = Client::connect(world.up.mqtt, &[]).await;
    client.publish("window/attic/state", report(80.0)).await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_files_of_a_newer_version_what_is_acknowledged_outlasts_a_kill() {
    let mut world = World::start(&json!({}), &["--no-ml"]);
    let client = attic(&world).await;
    client.publish("alarm/smoke", "on").await;
    world
        .until("attic", "shut by the alarm", |control| has(control, "alarm"))
        .await;
    // Both are kept before.
    world.up.process.terminate(crate::support::END).unwrap();
    let files = ["rules.json", "windows.json"].map(|name| world.kept(name));
    let before = files.clone().map(|file| fs::read(file).unwrap());
    for file in &files {
        fs::write(file, NEWER).unwrap();
    }
    world.up.restart().unwrap();
    let ready = world.up.get("/ready").unwrap();
    assert_eq!(
        ready.matches("was written by casement 9.1.0").count(),
        2,
        "{ready}"
    );
    let client = Client::connect(world.up.mqtt, &[]).await;
    client.publish("window/attic/state", report(80.0)).await;
    world.hold("attic", &json!({"position": 60}));
    // Each is the last thing before a kill.
    for (topic, payload, cause) in [
        ("sensor/roof/rain", reading(1.5, now()).to_vec(), "rain"),
        ("alarm/leak", b"on".to_vec(), "alarm"),
    ] {
        let client = Client::connect(world.up.mqtt, &[]).await;
        client.publish(topic, payload).await;
        world.again();
        let limited = |control: &Value| has(control, cause) && control["override"]["position"] == 60.0;
        world
            .until("attic", "limited still, and its person known", limited)
            .await;
    }
    for file in &files {
        assert_eq!(fs::read_to_string(file).unwrap(), NEWER);
    }
    // The files of before are back: both count.
    world.up.process.kill();
    for (file, content) in files.iter().zip(before) {
        fs::write(file, content).unwrap();
    }
    world.up.restart().unwrap();
    let limited = |control: &Value| {
        has(control, "rain") && has(control, "alarm") && control["override"]["position"] == 60.0
    };
    world.until("attic", "limited still", limited).await;
    let client = Client::connect(world.up.mqtt, &[]).await;
    client.publish("alarm/leak", "off").await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert!(
        has(&world.control("attic"), "alarm"),
        "nobody said that the smoke is gone"
    );
    client.publish("alarm/smoke", "off").await;
    world
        .until("attic", "free of the alarm", |control| !has(control, "alarm"))
        .await;
    let ready = world.up.get("/ready").unwrap();
    assert!(
        !ready.contains("rules.json") && !ready.contains("windows.json"),
        "{ready}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_while_the_service_runs_takes_nothing_with_it() {
    let mut world = World::start(&json!({}), &["--no-ml"]);
    let client = attic(&world).await;
    client
        .publish("sensor/attic/temperature", reading(21.5, now()))
        .await;
    client
        .publish("sensor/attic/humidity", reading(40.0, now()))
        .await;
    world.until("attic", "known", |_| true).await;
    // The alarm is acknowledged, its file goes, and the process with it: perhaps before the rules were looked at.
    client.publish("alarm/smoke", "on").await;
    fs::remove_file(world.kept("rules.json")).unwrap();
    world.again();
    world
        .until("attic", "shut", |control| has(control, "alarm"))
        .await;
    // The state of windows is damaged: the rules' own file knows what limits them.
    world.up.process.kill();
    fs::write(world.kept("windows.json"), "\0").unwrap();
    world.up.restart().unwrap();
    world
        .until("attic", "shut still", |control| has(control, "alarm"))
        .await;
    let ready = world.up.get("/ready").unwrap();
    assert!(ready.contains("windows.json is damaged"), "{ready}");
    assert_eq!(fs::read(world.kept("windows.json.damaged.1")).unwrap(), b"\0");
}

/// What an interlock says right after a kill states the climate that was known before.
#[tokio::test(flavor = "multi_thread")]
async fn the_climate_is_known_right_after_a_kill() {
    let mut world = World::start(&json!({}), &["--no-ml"]);
    let client = attic(&world).await;
    for (quantity, value) in [("temperature", 21.5), ("humidity", 40.0)] {
        let topic = format!("sensor/attic/{quantity}");
        client.publish(&topic, reading(value, now())).await;
    }
    client.publish("alarm/smoke", "on").await;
    world
        .until("attic", "shut", |control| has(control, "alarm"))
        .await;
    world.again();
    let mut attic = world.window("attic").await;
    attic.report(80.0).await;
    let command = attic.command().await;
    assert_eq!(command["cause"], "alarm", "{command}");
    let used = &command["features_used"];
    let climate = (used["temperature"].as_f64(), used["humidity"].as_f64());
    assert_eq!(climate, (Some(21.5), Some(40.0)), "{command}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_wanted_ends_with_a_retirement_on_the_command_line_that_is_taken_back_at_once() {
    let world = World::start(&json!({}), &["--no-ml"]);
    let room = world.window("room").await;
    let command = |arguments: &[&str]| {
        let output = run(world.data.path(), arguments);
        assert!(output.status.success(), "{output:?}");
    };
    command(&["devices", "add", "room"]);
    room.report(0.0).await;
    world.hold("room", &json!({"position": 40}));
    command(&["devices", "retire", "room"]);
    command(&["devices", "approve", "room"]);
    world
        .until("room", "nobody's", |control| {
            control.is_object() && control["override"].is_null()
        })
        .await;
}
