//! What makers send by mistake and what sensors invent, through the doors that they have.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use support::{casement, client::Client, output};
use testkit::{Mosquitto, free_addr, wait_sql};

/// Publishes with the tool that the README names.
fn mosquitto_pub(broker: SocketAddr, topic: &str, message: &[&str]) {
    let (host, port) = (broker.ip().to_string(), broker.port().to_string());
    let common = ["-h", &host, "-p", &port, "-q", "1", "-t", topic];
    output("mosquitto_pub", &[&common, message].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makers_send_by_mistake_is_understood_or_explained() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &[]);
    let now = support::client::now();
    let stamped = |rest: &str| format!(r#"{{{rest}, "timestamp": "{now}"}}"#);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("payload");
    for (name, payload) in [
        (
            "bom",
            [b"\xef\xbb\xbf", stamped(r#""value": 21.5"#).as_bytes()].concat(),
        ),
        ("nul", [stamped(r#""value": 21.5"#).as_bytes(), &[0; 12]].concat()),
        ("text", stamped(r#""Value": "21,5""#).into_bytes()),
        (
            "fahrenheit",
            stamped(r#""value": 70.7, "unit": "°F""#).into_bytes(),
        ),
        (
            "epoch",
            format!(r#"{{"value": 21.5, "timestamp": {}}}"#, now.as_millis()).into_bytes(),
        ),
    ] {
        std::fs::write(&file, payload).unwrap();
        mosquitto_pub(
            up.mqtt,
            &format!("sensor/{name}/temperature"),
            &["-f", file.to_str().unwrap()],
        );
    }
    let right = stamped(r#""value": 21.5"#);
    for topic in [
        "Sensor/x/temperature",
        "/sensor/x/temperature",
        "home/sensor/x/temp",
    ] {
        mosquitto_pub(up.mqtt, topic, &["-m", &right]);
    }
    mosquitto_pub(up.mqtt, "zigbee2mqtt/lamp", &["-m", "{}"]);
    mosquitto_pub(up.mqtt, "sensor/quotes/temperature", &["-m", "{'value': 21.5}"]);
    mosquitto_pub(
        up.mqtt,
        "sensor/ds18b20/temperature",
        &["-m", &stamped(r#""value": 85.0"#)],
    );
    mosquitto_pub(up.mqtt, "sensor/bom/temperature", &["-r", "-n"]);
    up.wait_sql(
        "SELECT count(), min(value), max(value) FROM iot.sensor_temperature",
        "5\t21.5\t21.5",
    )
    .unwrap();
    up.wait_sql(
        "SELECT countIf(detail LIKE '%did you mean `sensor/x/temperature`?%'), countIf(detail LIKE '%single quotes%'), \
         countIf(reason = 'suspect' AND detail LIKE '%DS18B20%'), count() FROM iot.ingest_errors",
        "3\t1\t1\t5",
    )
    .unwrap();
    up.wait_sql(
        "SELECT device_id, quantity, value FROM iot.suspect_readings",
        "ds18b20\ttemperature\t85",
    )
    .unwrap();
    let device: Value = serde_json::from_str(&up.get("/api/v1/devices/ds18b20").unwrap()).unwrap();
    assert_eq!(
        (&device["suspect"]["value"], &device["readings"]["temperature"]),
        (&85.0.into(), &Value::Null)
    );
    up.wait_metric("casement_backend_foreign_total 1").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_without_confidence_is_shown_and_moves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &[]);
    let client = Client::connect(up.mqtt, &[]).await;
    let timestamp = support::client::now();
    // A stated unit is believed, though no room is that hot.
    let hot = format!(r#"{{"value": 99.0, "unit": "C", "timestamp": "{timestamp}"}}"#);
    client.publish("sensor/sauna/temperature", hot).await;
    client
        .publish("sensor/sauna/humidity", support::client::reading(50.0, timestamp))
        .await;
    up.wait_sql("SELECT count(), min(held) FROM iot.ml_predictions", "1\ttrue")
        .unwrap();
    up.wait_metric("casement_ml_held_total 1").unwrap();
    assert_eq!(up.sql("SELECT count() FROM iot.window_actions").unwrap(), "0");
    let device: Value = serde_json::from_str(&up.get("/api/v1/devices/sauna").unwrap()).unwrap();
    assert!(device["held"]["confidence"].as_f64().unwrap() < 0.2, "{device}");
    assert!(device["command"].is_null(), "{device}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_broker_of_ones_own_slips_are_found_and_other_traffic_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start().unwrap();
    let (clickhouse, http) = (free_addr(), free_addr());
    let url = format!("tcp://{}", broker.addr());
    let (directory, clickhouse_flag, http_flag) = (
        data.path().display().to_string(),
        clickhouse.to_string(),
        http.to_string(),
    );
    let flags = [
        "up",
        "--data",
        &directory,
        "--mqtt",
        &url,
        "--clickhouse",
        &clickhouse_flag,
        "--http",
        &http_flag,
    ];
    let mut up = casement().start_with(&flags, &[]).unwrap();
    up.wait_for_line("Casement is ready").unwrap();
    let client = Client::connect(broker.addr(), &[]).await;
    let reading = || support::client::reading(21.5, support::client::now());
    // Nothing says when the subscription stands.
    let publishing = async {
        for _ in 0..500 {
            client.publish("Sensor/x/temperature", reading()).await;
            client.publish("home/sensor/x/temp", reading()).await;
            client.publish("sensor/x/Temperature", reading()).await;
            client.publish("zigbee2mqtt/lamp", reading()).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let listed = "SELECT uniqExact(topic), countIf(detail NOT LIKE '%did you mean `sensor/x/temperature`?%') FROM iot.ingest_errors";
    let found = tokio::task::spawn_blocking(move || wait_sql(clickhouse, listed, "3\t0"));
    tokio::select! {
        () = publishing => panic!("no slip was listed"),
        found = found => found.unwrap().unwrap(),
    }
    wait_sql(clickhouse, "SELECT count() FROM iot.sensor_temperature", "0").unwrap();
    up.terminate(support::END).unwrap();
}
