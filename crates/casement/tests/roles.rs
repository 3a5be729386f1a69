//! The roles on their own: a real Mosquitto, the engine as a process of its own, and the specification's YAML.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use support::{casement, client::Client, clip};
use testkit::{Mosquitto, free_addr, get, wait_sql, wait_until};

/// The specification's file with this test's addresses in place of its own.
fn config(dir: &Path, name: &str, yaml: &str, mqtt: SocketAddr, clickhouse: SocketAddr) -> PathBuf {
    let path = dir.join(name);
    let here = yaml
        .replace("tcp://localhost:1883", &format!("tcp://{mqtt}"))
        .replace("localhost:8123", &clickhouse.to_string());
    fs::write(&path, here).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_specifications_files_start_the_services() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start().unwrap();
    let (mqtt, clickhouse, http) = (broker.addr(), free_addr(), free_addr());
    let data = dir.path().join("data");
    let mut engine = casement().engine(&data, clickhouse).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    let backend_config = config(
        dir.path(),
        "backend.yaml",
        include_str!("config/spec-backend.yaml"),
        mqtt,
        clickhouse,
    );
    let ml_config = config(
        dir.path(),
        "ml.yaml",
        include_str!("config/spec-ml.yaml"),
        mqtt,
        clickhouse,
    );
    let journal = [(
        "CASEMENT__JOURNAL__PATH",
        dir.path().join("journal").display().to_string(),
    )];
    let mut backend = casement().backend(&backend_config, http, &journal).unwrap();
    let ml_http = free_addr();
    let mut ml = casement().ml(&ml_config, ml_http).unwrap();
    ml.wait_for_line("casement ml is running").unwrap();
    let ready = format!("http://{http}/ready");
    wait_until("the backend is ready", || get(&ready).is_ok())
        .await
        .unwrap();

    for addr in [http, ml_http] {
        for path in ["health", "healthz", "ready", "readyz"] {
            assert!(get(&format!("http://{addr}/{path}")).is_ok(), "{addr}/{path}");
        }
        assert!(
            get(&format!("http://{addr}/metrics"))
                .unwrap()
                .ends_with("# EOF\n")
        );
    }
    let mut client = Client::connect(mqtt, &["window/+/control"]).await;
    let now = support::client::now();
    client
        .publish("sensor/room-1/temperature", support::client::reading(25.5, now))
        .await;
    client
        .publish("sensor/room-1/humidity", support::client::reading(60.0, now))
        .await;
    client
        .publish("sensor/room-1/audio", clip::payload("room-1", 440.0, now))
        .await;
    let (topic, control) = client.json().await;
    assert_eq!(topic, "window/room-1/control");
    assert_eq!(control["features_used"]["humidity"], 60.0);
    for table in [
        "sensor_temperature",
        "sensor_humidity",
        "sensor_audio",
        "window_actions",
        "ml_predictions",
    ] {
        wait_sql(clickhouse, &format!("SELECT count() FROM iot.{table}"), "1").unwrap();
    }

    // Of a message that is far too large a row tells, and the next one passes as ever.
    client.publish("sensor/room-2/audio", vec![b'x'; 20 << 20]).await;
    wait_sql(
        clickhouse,
        "SELECT reason, count() FROM iot.ingest_errors GROUP BY reason",
        "too_large\t1",
    )
    .unwrap();

    // While the database is away, windows keep moving and nothing is lost.
    engine.terminate(support::END).unwrap();
    let later = now.plus(Duration::from_millis(1));
    client
        .publish("sensor/room-1/temperature", support::client::reading(27.5, later))
        .await;
    let (_, control) = client.json().await;
    assert_eq!(control["features_used"]["temperature"], 27.5);
    let mut engine = casement().engine(&data, clickhouse).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    wait_sql(
        clickhouse,
        "SELECT count(), max(value) FROM iot.sensor_temperature",
        "2\t27.5",
    )
    .unwrap();
    wait_sql(clickhouse, "SELECT count() FROM iot.window_actions", "2").unwrap();

    // Messages sent while the backend is away wait in the broker's session.
    backend.terminate(support::END).unwrap();
    client
        .publish(
            "sensor/room-1/temperature",
            support::client::reading(28.0, later.plus(Duration::from_millis(1))),
        )
        .await;
    let _backend = casement().backend(&backend_config, http, &journal).unwrap();
    wait_sql(
        clickhouse,
        "SELECT count(), max(value) FROM iot.sensor_temperature",
        "3\t28",
    )
    .unwrap();
    ml.terminate(support::END).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_devices_join_any_broker() {
    let broker = Mosquitto::start().unwrap();
    let mqtt = broker.addr();
    let mut client = Client::connect(
        mqtt,
        &["sensor/+/temperature", "sensor/+/humidity", "sensor/+/audio"],
    )
    .await;
    let mut simulate = casement()
        .start(&[
            "simulate",
            "--broker",
            &format!("tcp://{mqtt}"),
            "--devices",
            "2",
            "--seed",
            "7",
            "--speed",
            "60",
        ])
        .unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    while kinds.len() < 6 {
        let (topic, message) = client.json().await;
        assert!(domain::Timestamp::parse(message["timestamp"].as_str().unwrap()).is_ok());
        kinds.insert(topic);
    }
    simulate.terminate(support::END).unwrap();
}
