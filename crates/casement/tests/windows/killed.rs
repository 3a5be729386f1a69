//! `kill -9` in the moment after an acknowledgement: what closes windows is not forgotten, and what was decided is shown again.

use serde_json::{Value, json};

use crate::{
    support::client::{Client, now, reading},
    world::World,
};

fn report(position: f64) -> String {
    json!({"timestamp": now().to_string(), "position": position}).to_string()
}

impl World {
    fn set_up(&self, id: &str, location: &str) {
        let place = json!({"location": location});
        let (status, answer) = self.ask("PATCH", &format!("/api/v1/devices/{id}"), Some(&place));
        assert!(matches!(status, 200 | 201), "{answer}");
    }

    fn device(&self, id: &str) -> Value {
        let (status, device) = self.ask("GET", &format!("/api/v1/devices/{id}"), None);
        assert_eq!(status, 200, "{device}");
        device
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rain_and_alarms_outlast_a_kill_right_after_their_acknowledgement() {
    let mut world = World::start(&json!({}), &["--no-ml"]);
    for (id, location) in [("attic", "above"), ("roof", "above"), ("cellar", "below")] {
        world.set_up(id, location);
    }
    // The acknowledgement of a reading, of the end of rain, and of an alarm: each is the last thing before a kill.
    let steps: [(&str, String, &str, bool); 4] = [
        ("sensor/roof/rain", "1.5".into(), "rain", true),
        ("sensor/roof/rain", "0".into(), "rain", false),
        ("alarm/smoke", "on".into(), "alarm", true),
        ("alarm/smoke", "off".into(), "alarm", false),
    ];
    for (topic, what, cause, is_there) in steps {
        let client = Client::connect(world.up.mqtt, &[]).await;
        for window in ["attic", "cellar"] {
            client
                .publish(&format!("window/{window}/state"), report(80.0))
                .await;
        }
        let payload = what
            .parse()
            .map_or_else(|_| what.clone().into(), |value| reading(value, now()));
        client.publish(topic, payload).await;
        world.up.process.kill();
        world.up.restart().unwrap();
        let of_cause = |control: &Value| {
            let interlocks = control["interlocks"].as_array().cloned().unwrap_or_default();
            interlocks.into_iter().find(|one| one["cause"] == cause)
        };
        let told = format!("as after {topic} {what}");
        if is_there {
            let control = world
                .until("attic", &told, |control| {
                    of_cause(control).is_some_and(|one| one["until"].is_null()) && control["target"] == 0.0
                })
                .await;
            assert_eq!(control["command"]["origin"], "interlock", "{control}");
            assert!(control["command"]["cause"].is_string(), "{control}");
        } else {
            // It is over, or counts for a while after its end.
            world
                .until("attic", &told, |control| {
                    of_cause(control).is_none_or(|one| one["until"].is_string())
                })
                .await;
        }
        if cause == "alarm" {
            let shut = |control: &Value| control["target"] == 0.0 && control["command"]["cause"] == "alarm";
            world.until("cellar", "shut by the alarm", shut).await;
        } else {
            let cellar = world.until("cellar", "known", |_| true).await;
            assert_eq!(cellar["target"], Value::Null, "it rains above alone");
        }
    }
    // What the sensor said last is shown, too.
    let shown = world.until("roof", "shown with its rain", |_| {
        world.device("roof")["readings"]["rain"]["value"] == 0.0
    });
    shown.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_command_and_decision_are_shown_after_a_kill() {
    let mut world = World::start(&json!({}), &["--no-ml"]);
    let client = Client::connect(world.up.mqtt, &[]).await;
    for quantity in ["temperature", "humidity"] {
        let topic = format!("sensor/room/{quantity}");
        client.publish(&topic, reading(25.0, now())).await;
    }
    let command = |position: f64, reason: &str| {
        json!({
            "device_id": "room", "timestamp": now().to_string(), "position": position, "confidence": 0.9,
            "features_used": {"temperature": 25.0, "humidity": 25.0}, "command_id": format!("c-{position}"),
            "origin": "model", "model_version": "v7", "reason": reason,
        })
        .to_string()
    };
    client
        .publish("window/room/control", command(30.0, "a first one"))
        .await;
    // The first one and the device are in ClickHouse; what is newer is in the journal alone.
    let stored = "SELECT count() FROM iot.window_actions WHERE device_id = 'room'";
    world.up.wait_sql(stored, "1").unwrap();
    let known = "SELECT count() FROM iot.device_registry FINAL WHERE device_id = 'room'";
    world.up.wait_sql(known, "1").unwrap();
    client
        .publish("window/room/control", command(70.0, "warm (25.0 °C, +38)"))
        .await;
    let held = json!({
        "device_id": "room", "timestamp": now().to_string(), "position": 95.0, "confidence": 0.1,
        "features_used": {"temperature": 25.0, "humidity": 25.0}, "model_version": "v7",
        "reason": "confidence 0.10 is below 0.2", "held": true,
    });
    client.publish("ml/prediction/room", held.to_string()).await;
    world.up.process.kill();
    world.up.restart().unwrap();
    let shown = world.until("room", "shown with all that was decided", |_| {
        let device = world.device("room");
        device["command"]["position"] == 70.0 && device["held"]["position"] == 95.0
    });
    shown.await;
    let device = world.device("room");
    let command = &device["command"];
    assert_eq!(
        (&command["origin"], &command["model_version"], &command["reason"]),
        (&json!("model"), &json!("v7"), &json!("warm (25.0 °C, +38)"))
    );
    assert_eq!(device["held"]["reason"], "confidence 0.10 is below 0.2");
    assert_eq!(device["control"]["target"], 70.0, "{device}");
    // A person's and an interlock's say so, too.
    let (status, _) = world.ask(
        "PATCH",
        "/api/v1/devices/room",
        Some(&json!({"settings": {"interlocks": {"child_lock": 10}}})),
    );
    assert_eq!(status, 200);
    world
        .until("room", "limited", |control| control["target"] == 10.0)
        .await;
    world.up.process.kill();
    world.up.restart().unwrap();
    let shown = world.until("room", "shown as limited", |_| {
        let command = world.device("room")["command"].clone();
        command["origin"] == "interlock" && command["cause"] == "child_lock"
    });
    shown.await;
}

/// A change that was acknowledged and not yet decided on is asked about after the start, though nothing is said again; what was
/// decided on is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_owed_at_a_kill_is_asked_for_after_the_start() {
    let mut world = World::start(&json!({}), &["--no-ml"]);
    let client = Client::connect(world.up.mqtt, &[]).await;
    let climate = async |room: &str, temperature: f64| {
        for (quantity, value) in [("humidity", 50.0), ("temperature", temperature)] {
            let topic = format!("sensor/{room}/{quantity}");
            client.publish(&topic, reading(value, now())).await;
        }
    };
    for room in ["owed", "done"] {
        climate(room, 20.0).await;
        let decision = json!({
            "device_id": room, "timestamp": now().to_string(), "position": 30.0, "confidence": 0.9,
            "features_used": {"temperature": 20.0, "humidity": 50.0}, "origin": "model", "model_version": "v7",
        });
        let topic = format!("window/{room}/control");
        client.publish(&topic, decision.to_string()).await;
    }
    let stored = "SELECT count() FROM iot.window_actions";
    world.up.wait_sql(stored, "2").unwrap();
    climate("done", 20.3).await;
    climate("owed", 25.0).await;
    world.up.process.kill();
    world.up.restart().unwrap();
    world
        .up
        .wait_metric("casement_backend_inference_requests_total 1")
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let metrics = world.up.get("/metrics").unwrap();
    assert!(
        metrics.contains("casement_backend_inference_requests_total 1\n"),
        "{metrics}"
    );
}

/// A file that is damaged opens no window: what it was shut for holds until it is said again, and the health says why.
#[tokio::test(flavor = "multi_thread")]
async fn what_closes_windows_holds_though_its_file_is_damaged() {
    let mut world = World::start(&json!({}), &["--no-ml"]);
    for (id, location) in [("attic", "above"), ("roof", "above")] {
        world.set_up(id, location);
    }
    let client = Client::connect(world.up.mqtt, &[]).await;
    client.publish("window/attic/state", report(80.0)).await;
    client.publish("sensor/roof/rain", reading(1.5, now())).await;
    let rains = |control: &Value| control["interlocks"][0]["cause"] == "rain" && control["target"] == 0.0;
    world.until("attic", "shut", rains).await;
    let kept = world.data.path().join("registry");
    testkit::wait_until_blocking("the window's state is kept", || {
        std::fs::read_to_string(kept.join("windows.json")).is_ok_and(|kept| kept.contains("rain"))
    })
    .unwrap();
    world.up.process.kill();
    std::fs::write(kept.join("rules.json"), "\0\0").unwrap();
    world.up.restart().unwrap();
    let client = Client::connect(world.up.mqtt, &[]).await;
    client.publish("window/attic/state", report(80.0)).await;
    let holds = |control: &Value| rains(control) && control["interlocks"][0]["until"].is_null();
    world.until("attic", "shut again", holds).await;
    let health = world.up.get("/ready").unwrap();
    assert!(health.contains("rules.json is damaged"), "{health}");
    assert_eq!(std::fs::read(kept.join("rules.json.damaged.1")).unwrap(), b"\0\0");
    client.publish("sensor/roof/rain", reading(0.0, now())).await;
    let ends = |control: &Value| control["interlocks"][0]["until"].is_string();
    world.until("attic", "about to be free", ends).await;
}
