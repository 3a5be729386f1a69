//! Whose window nobody moves: that of a device that nobody knows, and that of one out of use; and wishes that a broker retained.

use std::time::Duration;

use mqtt::Qos;
use serde_json::{Value, json};
use testkit::{Addresses, Mosquitto, wait_until};

use crate::{
    support::{
        casement,
        client::{Client, now, reading},
    },
    world::{World, ask},
};

/// Reason and explanation of every refusal on a topic.
fn refusals(topic: &str) -> String {
    format!(
        "SELECT arrayStringConcat(groupArray(concat(reason, ': ', detail)), '|') FROM iot.ingest_errors WHERE topic = '{topic}'"
    )
}

impl World {
    /// Waits until a message on `topic` was refused, with these words; gives all that is told.
    fn refused(&self, topic: &str, reason: &str) -> String {
        let count = format!(
            "SELECT count() > 0 FROM iot.ingest_errors WHERE topic = '{topic}' AND reason = '{reason}'"
        );
        self.up.wait_sql(&count, "1").unwrap();
        self.up.sql(&refusals(topic)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_of_a_device_that_nobody_knows_is_not_moved() {
    let world = World::start(&json!({}), &["--no-ml"]);
    let mut nobody = Client::connect(world.up.mqtt, &["window/nobody/#"]).await;
    for wish in ["40", "resume"] {
        nobody.publish("window/nobody/set", wish).await;
    }
    let told = world.refused("window/nobody/set", "unknown_device");
    assert!(told.contains("PATCH /api/v1/devices/nobody"), "{told}");
    let (status, problem) = world.ask(
        "PUT",
        "/api/v1/devices/nobody/override",
        Some(&json!({"position": 40})),
    );
    assert_eq!(status, 404, "{problem}");
    let (status, _) = world.ask("DELETE", "/api/v1/devices/nobody/override", None);
    assert_eq!(status, 404);
    // Of all that was published there, only the wishes themselves come back.
    let heard = |heard: Option<(String, Value)>| heard.map(|(topic, _)| topic);
    let mut topics = Vec::new();
    while let Some((topic, _)) = quiet(&mut nobody).await {
        topics.push(topic);
    }
    assert!(
        topics.iter().all(|topic| topic == "window/nobody/set"),
        "{topics:?}"
    );
    // Whoever is set up before they are heard of is known.
    let (status, _) = world.ask(
        "PATCH",
        "/api/v1/devices/nobody",
        Some(&json!({"location": "attic"})),
    );
    assert!(matches!(status, 200 | 201));
    nobody.publish("window/nobody/set", "40").await;
    loop {
        let next = nobody.json_within(Duration::from_secs(30)).await;
        if heard(next).expect("a command") == "window/nobody/control" {
            break;
        }
    }
}

/// The next message that is JSON, if one comes soon.
async fn quiet(client: &mut Client) -> Option<(String, Value)> {
    let delivery = tokio::time::timeout(Duration::from_millis(300), client.message())
        .await
        .ok()?;
    let payload = serde_json::from_slice(&delivery.payload).unwrap_or(Value::Null);
    Some((delivery.topic, payload))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_of_a_retired_device_is_left_alone_until_it_is_in_use_again() {
    let world = World::start(&json!({}), &["--no-ml"]);
    let mut room = world.window("room").await;
    room.report(0.0).await;
    world.hold("room", &json!({"position": 40}));
    let command = room.command().await;
    room.answer(&command, 40.0).await;
    let device = "/api/v1/devices/room";
    let retired = |is_so: bool| {
        let (status, answer) = world.ask("PATCH", device, Some(&json!({"retired": is_so})));
        assert_eq!(status, 200, "{answer}");
    };
    retired(true);
    // What a person wanted is over, and nobody moves it: people by either hand, rain, a model that does not know.
    world
        .until("room", "nobody's", |control| control["override"].is_null())
        .await;
    let (status, problem) = world.ask(
        "PUT",
        "/api/v1/devices/room/override",
        Some(&json!({"position": 60})),
    );
    assert_eq!(status, 409, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("retired"),
        "{problem}"
    );
    room.publish("window/room/set", "60".into()).await;
    let told = world.refused("window/room/set", "retired");
    assert!(told.contains(r#"{"retired": false}"#), "{told}");
    room.client.publish("sensor/room/rain", reading(3.0, now())).await;
    // Another window is shut by the same alarm: rules have looked since.
    let mut other = world.window("other").await;
    other.report(80.0).await;
    room.publish("alarm/smoke", "on".into()).await;
    assert_eq!(other.command().await["position"], 0.0);
    assert_eq!(room.positions().await, [] as [f64; 0]);
    // In use again, all of it counts again.
    retired(false);
    assert_eq!(room.command().await["position"], 0.0);
    room.publish("alarm/smoke", "off".into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_wanted_ends_with_a_retirement_that_is_taken_back_at_once() {
    let world = World::start(&json!({}), &["--no-ml"]);
    let room = world.window("room").await;
    room.report(0.0).await;
    world.hold("room", &json!({"position": 40}));
    for is_so in [true, false] {
        let device = "/api/v1/devices/room";
        let (status, answer) = world.ask("PATCH", device, Some(&json!({"retired": is_so})));
        assert_eq!(status, 200, "{answer}");
    }
    let (_, device) = world.ask("GET", "/api/v1/devices/room", None);
    assert!(
        device["control"].is_object() && device["control"]["override"].is_null(),
        "{device}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_a_broker_retained_is_refused_and_a_live_one_carried_out() {
    let broker = Mosquitto::start().unwrap();
    let client = Client::connect(broker.addr(), &[]).await;
    let retained = client
        .publisher
        .publish_confirmed("window/room/set", "90", Qos::AtLeastOnce, true);
    retained.await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let at = Addresses::free();
    let mut arguments = at.arguments(data.path());
    arguments.retain(|argument| !argument.starts_with("--mqtt="));
    arguments.extend([format!("--mqtt=tcp://{}", broker.addr()), "--no-ml".to_owned()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut process = casement().start(&arguments).unwrap();
    process.wait_for_line("Casement is ready").unwrap();
    let told = "SELECT count() > 0 FROM iot.ingest_errors WHERE topic = 'window/room/set' \
                AND reason = 'unknown_time' AND detail LIKE '%without the retain flag%'";
    testkit::wait_sql(at.clickhouse, told, "1").unwrap();
    let mut room = Client::connect(broker.addr(), &["window/room/control"]).await;
    let report = json!({"timestamp": now().to_string(), "position": 0.0});
    room.publish("window/room/state", report.to_string()).await;
    let token = std::fs::read_to_string(data.path().join("accounts/admin-token")).unwrap();
    let device = || ask(at.http, token.trim(), "GET", "/api/v1/devices/room", None);
    // Mosquitto acknowledges before anybody else has heard it.
    let reported = wait_until("the window is reported", || {
        device().1["control"]["position"] == 0.0
    });
    reported.await.unwrap();
    let (_, device) = device();
    assert_eq!(
        (&device["control"]["override"], &device["control"]["target"]),
        (&Value::Null, &Value::Null),
        "{device}"
    );
    room.publish("window/room/set", "30").await;
    let (_, command) = room.json_in_time(Duration::from_secs(30)).await;
    assert_eq!(command["position"], 30.0, "{command}");
}
