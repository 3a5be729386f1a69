//! People, by every hand.

use serde_json::{Value, json};

use crate::{support::client::Client, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn people_come_first_while_no_model_answers() {
    let mut world = World::start(&json!({"opening": {"max": 90}}), &["--no-ml"]);
    let mut room = world.window("room").await;
    room.report(0.0).await;
    let mut told = Client::connect(world.up.mqtt, &["window/room/override"]).await;

    // A bare number over MQTT.
    room.publish("window/room/set", "40".into()).await;
    let command = room.command().await;
    assert_eq!(
        (&command["position"], &command["confidence"]),
        (&json!(40.0), &json!(1.0))
    );
    assert_eq!(command["origin"], "person");
    assert_eq!(command["features_used"]["temperature"], 0.0);
    assert!(
        command["command_id"].is_string() && command["expires_at"].is_string(),
        "{command}"
    );
    let (_, notice) = told.json().await;
    assert_eq!(
        (&notice["active"], &notice["position"], &notice["source"]),
        (&json!(true), &json!(40.0), &json!("mqtt"))
    );
    room.answer(&command, 10.0).await;
    room.answer(&command, 40.0).await;

    // Two people within a second, by two hands: the last one that is acknowledged counts.
    room.publish(
        "window/room/set",
        json!({"position": 70, "by": "Ben"}).to_string(),
    )
    .await;
    let control = world.hold("room", &json!({"position": 95, "for_s": 3600}));
    assert_eq!(control["override"]["position"], 95.0);
    assert_eq!(room.command().await["position"], 70.0);
    // Nobody opens it further than its settings allow.
    assert_eq!(room.command().await["position"], 90.0);
    let kept = "SELECT arrayStringConcat(groupArray(detail), '|') FROM (SELECT detail FROM iot.audit_log \
                WHERE kind = 'window_moved' AND account = 'room' ORDER BY timestamp, number)";
    world
        .up
        .wait_sql(
            "SELECT count() FROM iot.audit_log WHERE kind = 'window_moved' AND account = 'room'",
            "3",
        )
        .unwrap();
    let audit = world.up.sql(kept).unwrap();
    assert!(
        audit.contains("Ben by MQTT") && audit.contains("by the API"),
        "{audit}"
    );
    let rows = "SELECT arrayStringConcat(groupArray(toString(position)), ' ') FROM \
                (SELECT position FROM iot.window_actions WHERE device_id = 'room' AND origin = 'person' \
                AND isNaN(temperature) ORDER BY timestamp, command_id)";
    world.up.wait_sql(rows, "40 70 90").unwrap();

    // What lasts, lasts through a kill.
    world
        .up
        .wait_sql(
            "SELECT count() FROM iot.device_registry FINAL WHERE device_id = 'room'",
            "1",
        )
        .unwrap();
    world.up.restart().unwrap();
    world.up.wait_page("/api/v1/devices/room", "override").unwrap();
    let control = world.control("room");
    assert_eq!(control["override"]["position"], 95.0, "{control}");
    assert_eq!(control["target"], 90.0, "{control}");
    let mut room = world.window("room").await;
    room.model(20.0).await;
    assert_eq!(room.command().await["position"], 20.0);
    assert_eq!(room.command().await["position"], 90.0);

    // It ends, and nothing moves by itself.
    room.publish("window/room/set", "resume".into()).await;
    assert_eq!(world.control("room")["override"], Value::Null);
    let mut told = Client::connect(world.up.mqtt, &["window/room/override"]).await;
    while told.json().await.1["active"] != false {}
    assert_eq!(room.positions().await, [] as [f64; 0]);
    refusals(&world, &room).await;
}

async fn refusals(world: &World, room: &crate::world::Window) {
    for (body, word) in [
        (json!({"position": 140}), "position"),
        (
            json!({"position": 40, "for_s": 5, "forever": true}),
            "more than once",
        ),
        (json!({"position": 40, "until": "2020-01-01T00:00:00Z"}), "past"),
        (json!({"position": 40, "for_s": 0}), "for_s"),
        (json!({"positon": 40}), "positon"),
    ] {
        let (status, problem) = world.ask("PUT", "/api/v1/devices/room/override", Some(&body));
        assert_eq!(status, 400, "{body}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(word),
            "{body}: {problem}"
        );
    }
    let (status, _) = world.ask(
        "PUT",
        "/api/v1/devices/nobody/override",
        Some(&json!({"position": 1})),
    );
    assert_eq!(status, 404);
    room.publish("window/room/set", "wide".into()).await;
    let refused = "SELECT count() FROM iot.ingest_errors WHERE topic = 'window/room/set'";
    world.up.wait_sql(refused, "1").unwrap();
    assert_eq!(world.control("room")["override"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_that_ends_in_quiet_hours_moves_nothing() {
    let quiet = json!({"quiet_hours": [{"from": "00:00", "until": "00:00"}], "time_zone": "UTC"});
    let world = World::start(&quiet, &[]);
    let mut room = world.window("night").await;
    room.report(0.0).await;
    world.hold("night", &json!({"position": 40, "for_s": 2}));
    assert_eq!(room.command().await["position"], 40.0);
    room.report(40.0).await;
    world
        .until("night", "free", |now| now["override"] == Value::Null)
        .await;
    // The model is asked, and the law keeps the window.
    let at = crate::support::client::now();
    room.publish(
        "sensor/night/temperature",
        format!(r#"{{"value": 27.0, "timestamp": "{at}"}}"#),
    )
    .await;
    room.publish(
        "sensor/night/humidity",
        format!(r#"{{"value": 55.0, "timestamp": "{at}"}}"#),
    )
    .await;
    let kept = |now: &Value| now["verdict"]["why"] == "quiet";
    let control = world.until("night", "kept", kept).await;
    assert_eq!(
        (&control["quiet"], &control["target"]),
        (&json!(true), &json!(40.0)),
        "{control}"
    );
    assert_eq!(room.positions().await, [] as [f64; 0]);
    world
        .up
        .wait_sql(
            "SELECT count() FROM iot.ml_predictions WHERE device_id = 'night' AND held",
            "1",
        )
        .unwrap();
}
