//! `casement up` as a user runs it: real processes, real ports, real tools, good and bad input.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::{casement, client::Client, clip, output};
use testkit::{free_addr, sql};

/// What the specification says a control message has.
fn assert_control(topic: &str, control: &Value, device_id: &str) {
    assert_eq!(topic, format!("window/{device_id}/control"));
    assert_eq!(control["device_id"], device_id);
    assert!(domain::Timestamp::parse(control["timestamp"].as_str().unwrap()).is_ok());
    assert!((0.0..=100.0).contains(&control["position"].as_f64().unwrap()));
    assert!((0.0..=1.0).contains(&control["confidence"].as_f64().unwrap()));
    assert!(
        control["features_used"]["temperature"].is_f64() && control["features_used"]["humidity"].is_f64()
    );
    assert!(control["features_used"]["audio_features"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_joins_and_its_window_moves() {
    let data = tempfile::tempdir().unwrap();
    let mut up = support::up(data.path(), &[]);
    let mut client = Client::connect(up.mqtt, &["window/+/control"]).await;
    let (host, port) = (up.mqtt.ip().to_string(), up.mqtt.port().to_string());
    let timestamp = support::client::now();
    let payload = |value: &str| format!(r#"{{"value": {value}, "timestamp": "{timestamp}"}}"#);
    // The first readings come through the tool that the README names.
    for (sensor, value) in [("temperature", "25.5"), ("humidity", "60.0")] {
        let topic = format!("sensor/sensor-001/{sensor}");
        output(
            "mosquitto_pub",
            &[
                "-h",
                &host,
                "-p",
                &port,
                "-q",
                "1",
                "-t",
                &topic,
                "-m",
                &payload(value),
            ],
        );
    }
    client
        .publish(
            "sensor/sensor-001/audio",
            clip::payload("sensor-001", 440.0, timestamp),
        )
        .await;
    let (topic, control) = client.json().await;
    assert_control(&topic, &control, "sensor-001");
    assert_eq!(control["features_used"]["temperature"], 25.5);
    assert!(
        control["features_used"]["audio_features"]
            .as_array()
            .unwrap()
            .iter()
            .any(|name| name == "mfcc_mean")
    );
    for field in [
        "command_id",
        "model_version",
        "inference_time_ms",
        "audio_hash",
        "reason",
        "expires_at",
    ] {
        assert!(!control[field].is_null(), "{field} is missing: {control}");
    }
    for table in [
        "sensor_temperature",
        "sensor_humidity",
        "sensor_audio",
        "window_actions",
        "ml_predictions",
    ] {
        up.wait_sql(
            &format!("SELECT count() FROM iot.{table} WHERE device_id = 'sensor-001'"),
            "1",
        )
        .unwrap();
    }
    up.wait_sql(
        "SELECT device_id, is_active FROM iot.device_registry FINAL",
        "sensor-001\ttrue",
    )
    .unwrap();
    let logged = up.sql("SELECT audio_hash FROM iot.window_actions").unwrap();
    assert_eq!(logged, control["audio_hash"].as_str().unwrap());
    let devices: Value = serde_json::from_str(&up.get("/api/v1/devices").unwrap()).unwrap();
    assert_eq!(devices[0]["readings"]["temperature"]["value"], 25.5);
    assert!(
        up.get("/").unwrap().contains("<title>Casement</title>")
            && up.get("/metrics").unwrap().ends_with("# EOF\n")
    );
    let stopping = Instant::now();
    up.process.terminate(support::END).unwrap();
    assert!(stopping.elapsed() < Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_changes_nothing_but_the_list_of_errors() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &[]);
    let client = Client::connect(up.mqtt, &[]).await;
    let good = |value: f64| support::client::reading(value, support::client::now());
    let audio = |data: &str| {
        format!(
            r#"{{"data": "{data}", "sample_rate": 16000, "duration": 2.0, "timestamp": "2025-10-24T12:00:00Z"}}"#
        )
    };
    let cut_short = mqtt::encode_audio_data(&clip::wav(440.0)[..30]);
    let at = "\"timestamp\": \"2025-10-24T12:00:00Z\"";
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("sensor/x/temperature", b"not json".to_vec()),
        ("sensor/x/temperature", format!("{{\"value\": NaN, {at}}}").into()),
        (
            "sensor/x/temperature",
            format!("{{\"value\": 1e400, {at}}}").into(),
        ),
        ("sensor/x/temperature", format!("{{{at}}}").into()),
        (
            "sensor/x/temperature",
            format!("{{\"value\": \"warm\", {at}}}").into(),
        ),
        (
            "sensor/x/temperature",
            b"{\"value\": 20, \"timestamp\": \"yesterday\"}".to_vec(),
        ),
        ("sensor/x/temperature", vec![0xff, 0x00, 0xfe]),
        ("sensor/x/humidity", format!("{{\"value\": 140, {at}}}").into()),
        ("sensor/x/audio", audio("!!! not base64 !!!").into()),
        ("sensor/x/audio", audio(&cut_short).into()),
        ("sensor/x/audio", audio("").into()),
        ("sensor/a/b/c/temperature", good(20.0).to_vec()),
        ("sensor/../x/temperature", good(20.0).to_vec()),
        (
            "sensor/x'; DROP TABLE iot.sensor_temperature; --/temperature",
            good(20.0).to_vec(),
        ),
        ("sensor/\"x\"/temperature", good(20.0).to_vec()),
        ("sensor/x/pressure", good(20.0).to_vec()),
        ("window/x/control", b"{\"position\": 400}".to_vec()),
    ];
    for (topic, payload) in &bad {
        client.publish(topic, payload.clone()).await;
    }
    // Far too large: its sender is told so and stays connected, and nobody else gets it.
    let mut listener = Client::connect(up.mqtt, &["sensor/x/audio"]).await;
    let refused = client
        .publisher
        .publish_confirmed(
            "sensor/x/audio",
            vec![b'x'; 20 << 20],
            mqtt::Qos::AtLeastOnce,
            false,
        )
        .await;
    assert!(
        matches!(refused, Err(mqtt::PublishError::Refused(_))),
        "{refused:?}"
    );
    client.publish("sensor/x/audio", "small").await;
    assert_eq!(listener.message().await.payload, "small");

    client.publish("sensor/x/temperature", good(21.5)).await;
    up.wait_sql(
        "SELECT count(), any(value) FROM iot.sensor_temperature",
        "1\t21.5",
    )
    .unwrap();
    up.wait_sql(
        "SELECT count() FROM iot.ingest_errors",
        &(bad.len() + 2).to_string(),
    )
    .unwrap();
    let reasons = up
        .sql("SELECT arrayStringConcat(arraySort(groupUniqArray(reason)), ' ') FROM iot.ingest_errors")
        .unwrap();
    assert_eq!(
        reasons,
        "bad_audio bad_base64 bad_device_id bad_timestamp bad_topic missing_field not_finite not_json out_of_range too_large wrong_type"
    );
    for table in [
        "sensor_humidity",
        "sensor_audio",
        "window_actions",
        "ml_predictions",
    ] {
        assert_eq!(
            up.sql(&format!("SELECT count() FROM iot.{table}")).unwrap(),
            "0",
            "{table}"
        );
    }
    let metrics = up.get("/metrics").unwrap();
    assert!(
        metrics.contains("casement_backend_refused_total{kind=\"bad_topic\"}"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_rooms_fill_every_table() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &["--simulate", "3"]);
    let tables = [
        "sensor_temperature",
        "sensor_humidity",
        "sensor_audio",
        "window_actions",
        "ml_predictions",
        "window_states",
    ];
    for table in tables {
        up.wait_sql(&format!("SELECT uniqExact(device_id) FROM iot.{table}"), "3")
            .unwrap();
    }
    up.wait_sql(
        "SELECT count() FROM iot.device_registry FINAL WHERE is_active",
        "3",
    )
    .unwrap();
    assert_eq!(up.sql("SELECT count() FROM iot.ingest_errors").unwrap(), "0");
}

#[test]
fn what_prevents_a_start_is_one_line_that_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &[]);
    let fails = |args: &[&str], env: &[(&str, String)]| {
        let mut process = casement().start_with(args, env).unwrap();
        assert!(!process.wait(Duration::from_secs(20)).unwrap().success());
        let errors: Vec<String> = process
            .output()
            .lines()
            .filter(|line| line.starts_with("error:"))
            .map(str::to_owned)
            .collect();
        assert_eq!(errors.len(), 1, "{}", process.output());
        errors[0].clone()
    };
    let (a, b, c) = (
        free_addr().to_string(),
        free_addr().to_string(),
        free_addr().to_string(),
    );
    let other = tempfile::tempdir().unwrap();
    let other = other.path().to_str().unwrap();
    let held = data.path().to_str().unwrap();

    let port = fails(
        &[
            "up",
            "--data",
            other,
            "--mqtt",
            &up.mqtt.to_string(),
            "--http",
            &a,
            "--clickhouse",
            &b,
        ],
        &[],
    );
    assert!(
        port.contains(&up.mqtt.to_string()) && port.contains("--mqtt"),
        "{port}"
    );
    let port = fails(
        &[
            "up",
            "--data",
            other,
            "--mqtt",
            &a,
            "--http",
            &up.http.to_string(),
            "--clickhouse",
            &b,
        ],
        &[],
    );
    assert!(
        port.contains(&up.http.to_string()) && port.contains("--http"),
        "{port}"
    );
    let port = fails(
        &[
            "up",
            "--data",
            other,
            "--mqtt",
            &a,
            "--http",
            &b,
            "--clickhouse",
            &up.clickhouse.to_string(),
        ],
        &[],
    );
    assert!(
        port.contains(&up.clickhouse.to_string()) && port.contains("--clickhouse"),
        "{port}"
    );
    let lock = fails(
        &[
            "up",
            "--data",
            held,
            "--mqtt",
            &a,
            "--http",
            &b,
            "--clickhouse",
            &c,
        ],
        &[],
    );
    assert!(lock.contains(held) && lock.contains("process"), "{lock}");
    let missing = [("CASEMENT_LIBCHDB", "/nowhere/libchdb.so".to_owned())];
    let engine = fails(
        &[
            "up",
            "--data",
            other,
            "--mqtt",
            &a,
            "--http",
            &b,
            "--clickhouse",
            &c,
        ],
        &missing,
    );
    assert!(engine.contains("/nowhere/libchdb.so"), "{engine}");
    let config = fails(&["up", "--config", "/nowhere/casement.yaml"], &[]);
    assert!(config.contains("/nowhere/casement.yaml"), "{config}");
    let open = std::path::Path::new(other).join("open.yaml");
    std::fs::write(
        &open,
        "broker:\n  listeners: [{addr: \"0.0.0.0:18830\", anonymous: true}]\n",
    )
    .unwrap();
    let open = open.to_str().unwrap();
    let exposed = fails(
        &[
            "up",
            "--data",
            other,
            "--config",
            open,
            "--http",
            &b,
            "--clickhouse",
            &c,
        ],
        &[],
    );
    assert!(
        exposed.contains("0.0.0.0:18830") && exposed.contains("loopback only"),
        "{exposed}"
    );
    assert_eq!(
        sql(up.clickhouse, "SELECT 1").unwrap(),
        "1",
        "the first system is untouched"
    );
}
