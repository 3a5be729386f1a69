//! The roles on their own: a real Mosquitto, the engine as a process of its own, and the specification's YAML.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{net::SocketAddr, path::Path, time::Duration};

use support::{casement, client::Client, clip};
use testkit::{Mosquitto, free_addr, get, wait_sql, wait_until};

/// Addresses of this process: ClickHouse's HTTP interface where the specification's native address leads, and that.
fn clickhouse_addresses() -> (SocketAddr, String) {
    // All of 127.0.0.0/8 is loopback: the port is fixed, so the host is not.
    let [.., high, low] = std::process::id().to_be_bytes();
    let http = SocketAddr::from(([127, 77, high, low], 8123));
    (http, format!("{}:9000", http.ip()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_specifications_files_start_the_services() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start().unwrap();
    let (mqtt, http) = (broker.addr(), free_addr());
    let (clickhouse, native) = clickhouse_addresses();
    let data = dir.path().join("data");
    let mut engine = casement().engine(&data, clickhouse).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    // Verbatim; only the addresses are this test's.
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let (backend_config, ml_config) = (files.join("spec-backend.yaml"), files.join("spec-ml.yaml"));
    let environment = [
        ("CASEMENT__MQTT__BROKER", format!("tcp://{mqtt}")),
        ("CASEMENT__CLICKHOUSE__ADDR", native),
        (
            "CASEMENT__JOURNAL__PATH",
            dir.path().join("journal").display().to_string(),
        ),
    ];
    let mut backend = casement().backend(&backend_config, http, &environment).unwrap();
    backend.wait_for_line("HTTP interface is asked, at").unwrap();
    let ml_http = free_addr();
    let ml_flags = [
        "ml",
        "--config",
        ml_config.to_str().unwrap(),
        "--http",
        &ml_http.to_string(),
    ];
    let mut ml = casement().start_with(&ml_flags, &environment).unwrap();
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
    let _backend = casement().backend(&backend_config, http, &environment).unwrap();
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
