//! The layers and their errors.
#![allow(
    clippy::float_cmp,
    reason = "values that pass through unchanged are equal to the bit"
)]

use std::io::Write as _;

use mqtt::TopicKind;
use serde_json::json;

use super::{Config, ConfigError, Sources};

fn load(yaml: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(yaml.as_bytes()).unwrap();
    let env = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Sources {
        file: Some(file.path().into()),
        env,
        flags: Vec::new(),
    }
    .load()
}

fn message(yaml: &str) -> String {
    load(yaml, &[]).unwrap_err().to_string()
}

#[test]
fn the_specifications_blocks_load_unchanged() {
    let backend = load(include_str!("../../tests/config/spec-backend.yaml"), &[]).unwrap();
    assert_eq!(backend.clickhouse.addr, "localhost:8123");
    assert_eq!(
        backend.mqtt.topics.pattern(TopicKind::WindowControl),
        "window/+/control"
    );
    let ml = load(include_str!("../../tests/config/spec-ml.yaml"), &[]).unwrap();
    assert_eq!(
        ml.mqtt.topics.pattern(TopicKind::InferenceRequest),
        "ml/inference/request/#"
    );
    assert_eq!(ml.audio.features.len(), 5);
}

#[test]
fn each_layer_covers_the_one_below() {
    let yaml = "change_detection: {temperature_threshold: 1.0, humidity_threshold: 3}";
    let env = [
        ("CASEMENT__CHANGE_DETECTION__HUMIDITY_THRESHOLD", "4.5"),
        ("PATH", "x"),
    ];
    let config = load(yaml, &env).unwrap();
    assert_eq!(config.change_detection.temperature_threshold, 1.0);
    assert_eq!(config.change_detection.humidity_threshold, 4.5);
    let flagged = Sources::default()
        .flag("http.addr", Some("127.0.0.1:1234"))
        .load()
        .unwrap();
    assert_eq!(flagged.http.addr.port(), 1234);
}

#[test]
fn text_in_a_variable_stays_text() {
    let config = load(
        "",
        &[
            ("CASEMENT__CLICKHOUSE__DATABASE", "2024"),
            ("CASEMENT__MQTT__PASSWORD", "007"),
        ],
    )
    .unwrap();
    assert_eq!(config.clickhouse.database, "2024");
    assert_eq!(config.mqtt.password.unwrap().reveal(), "007");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    assert!(message("clickhouse: {adress: x}").contains("did you mean 'clickhouse.addr'?"));
    assert!(message("mqqt: {broker: x}").contains("did you mean 'mqtt'?"));
    assert!(message("mqtt: {temperature_threshold: 1}").contains("'change_detection.temperature_threshold'"));
    let env = load("", &[("CASEMENT__HTTP__ADRR", "x")])
        .unwrap_err()
        .to_string();
    assert!(
        env.contains("'http.adrr'") && env.contains("CASEMENT__HTTP__ADRR"),
        "{env}"
    );
}

#[test]
fn wrong_values_name_their_key() {
    assert!(message("http: {addr: nonsense}").contains("'http.addr'"));
    assert!(message("change_detection: {humidity_threshold: -1}").contains("humidity_threshold"));
    assert!(message("clickhouse: {addr: 'localhost:9000'}").contains("native protocol"));
    assert!(message("audio: {features: [mfccs]}").contains("mfccs"));
    assert!(message("audio: {preprocessing: {normalization: loud}}").contains("none, peak or rms"));
    assert!(message("audio: {n_fft: 2047}").contains("n_fft is even"));
    assert!(message("audio: {n_mfcc: 0}").contains("n_mfcc is 1 to 128"));
    assert!(message("- a\n- b").contains("not a YAML mapping"));
    assert!(message("mqtt: [").contains("not a YAML mapping"));
}

#[test]
fn secrets_stay_out_of_the_file_and_of_the_output() {
    assert!(message("mqtt: {password: hunter2}").contains("CASEMENT__MQTT__PASSWORD"));
    let config = load("", &[("CASEMENT__MQTT__PASSWORD", "hunter2")]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(
        serde_json::to_value(&config).unwrap()["mqtt"]["password"],
        json!("[redacted]")
    );
}

#[test]
fn an_empty_file_and_an_empty_section_mean_the_defaults() {
    for yaml in ["", "# nothing\n", "mqtt:\n"] {
        assert_eq!(
            load(yaml, &[]).unwrap().mqtt.broker,
            "tcp://127.0.0.1:1883",
            "{yaml:?}"
        );
    }
}

#[test]
fn the_version_of_mqtt_may_look_like_a_number() {
    for (yaml, protocol) in [("5", "5"), ("3.1.1", "3.1.1"), ("\"5\"", "5"), ("auto", "auto")] {
        let config = load(&format!("mqtt: {{protocol: {yaml}}}"), &[]).unwrap();
        assert_eq!(config.mqtt.protocol, protocol);
    }
    let from_env = load("", &[("CASEMENT__MQTT__PROTOCOL", "5")]).unwrap();
    assert_eq!(from_env.mqtt.protocol, "5");
}
