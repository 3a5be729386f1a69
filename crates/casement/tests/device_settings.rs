//! What is set for a device, in a real process: it reaches an MQTT client, is answered, and lasts through a kill; what is
//! measured is corrected, and a device without a clock is told the time.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::client::{self, Client, now};
use testkit::Up;

const CONFIG: &str = "device/room-1/config";

fn device(up: &Up) -> Value {
    serde_json::from_str(&up.get("/api/v1/devices/room-1").unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_reach_a_client_and_outlast_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let mut up = Up::start(support::casement(), data.path(), &["--no-ml"]).unwrap();
    let mut room = Client::connect(up.mqtt, &[CONFIG, "device/room-1/time"]).await;
    room.publish("device/room-1/time/get", "").await;
    let (topic, time) = room.json().await;
    assert_eq!(topic, "device/room-1/time");
    let ahead_ms = time["unix_ms"].as_i64().unwrap() - now().as_millis();
    assert!(ahead_ms.abs() < 10_000, "{time}");

    room.publish("sensor/room-1/temperature", client::reading(20.0, now()))
        .await;
    up.wait_sql(
        "SELECT count() FROM iot.device_registry WHERE device_id = 'room-1'",
        "1",
    )
    .unwrap();
    // Another program edits the table, as the specification has it.
    up.sql(
        "INSERT INTO iot.device_registry (device_id, name, location, registered_at, last_seen, is_active, config) \
         SELECT device_id, 'Kitchen', 'Ground floor', registered_at, now64(3) + 1, true, \
         '{\"calibration\": {\"temperature\": -1.5}, \"timestamps\": \"optional\", \"temperature_threshold\": 3}' \
         FROM iot.device_registry FINAL WHERE device_id = 'room-1'",
    )
    .unwrap();
    up.wait_page("/api/v1/devices/room-1", "Kitchen").unwrap();
    let (topic, config) = room.json().await;
    assert_eq!(topic, CONFIG);
    // With what holds for every window of these tests.
    let settings = json!({"thresholds": {"temperature": 3.0}, "calibration": {"temperature": -1.5}, "timestamps": "optional",
        "min_interval_s": 0.0, "min_move": 0.0});
    assert_eq!(config["settings"], settings);
    assert_eq!(device(&up)["settings"]["state"], "pending");

    let ack = format!(r#"{{"version": {}, "status": "applied"}}"#, config["version"]);
    room.publish("device/room-1/config/ack", ack).await;
    assert_eq!(device(&up)["settings"]["state"], "applied");
    room.publish("sensor/room-1/temperature", r#"{"value": 21.75}"#)
        .await;
    let raw = "SELECT value, value - offset FROM iot.sensor_temperature WHERE offset != 0 FORMAT CSV";
    up.wait_sql(raw, "20.25,21.75").unwrap();
    up.wait_sql(
        "SELECT count() FROM iot.device_events WHERE event = 'config_applied'",
        "1",
    )
    .unwrap();

    up.restart().unwrap();
    up.wait_page("/api/v1/devices/room-1", "\"applied\"").unwrap();
    let again = device(&up);
    assert_eq!(
        (&again["name"], &again["location"]),
        (&"Kitchen".into(), &"Ground floor".into())
    );
    let mut room = Client::connect(up.mqtt, &[CONFIG]).await;
    let (_, kept) = room.json().await;
    assert_eq!(kept, config);
    assert_eq!(device(&up)["settings"]["version"], config["version"]);
}
