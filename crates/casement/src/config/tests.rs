//! The layers and their errors.
#![allow(
    clippy::float_cmp,
    reason = "values that pass through unchanged are equal to the bit"
)]

use std::io::Write as _;

use mqtt::TopicKind;
use secrecy::ExposeSecret as _;
use tempfile::NamedTempFile;

mod places;
mod scope;
mod secrets;
mod shown;

use super::{Config, ConfigError, Reader, Sources};

/// A file, which lives as long as it is returned, and layers with it.
fn sources(yaml: &str, env: &[(&str, &str)]) -> (NamedTempFile, Sources) {
    let mut file = NamedTempFile::new().expect("there is a temporary directory");
    file.write_all(yaml.as_bytes()).expect("it can be written");
    let env = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let sources = Sources {
        file: Some(file.path().into()),
        dotenv: None,
        env,
        data: None,
        flags: Vec::new(),
    };
    (file, sources)
}

fn load(yaml: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let (_file, sources) = sources(yaml, env);
    sources.load()
}

fn message(yaml: &str) -> String {
    load(yaml, &[]).unwrap_err().to_string()
}

#[test]
fn the_specifications_blocks_load_unchanged() {
    let backend = load(include_str!("../../tests/config/spec-backend.yaml"), &[]).unwrap();
    assert_eq!(backend.clickhouse.addr, "localhost:9000");
    assert_eq!(backend.clickhouse.url(), "http://localhost:8123");
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
            ("CASEMENT__MQTT__USERNAME", "bond"),
        ],
    )
    .unwrap();
    assert_eq!(config.clickhouse.database, "2024");
    assert_eq!(config.mqtt.password.unwrap().expose_secret(), "007");
}

#[test]
fn an_optional_number_or_list_in_a_variable_is_one() {
    let config = load(
        "",
        &[
            ("CASEMENT__BROKER__LIMITS__CONNECTIONS", "120"),
            ("CASEMENT__WINDOWS__LATITUDE", "52.5"),
            ("CASEMENT__WINDOWS__MIN_INTERVAL_S", "0"),
            ("CASEMENT__MQTT__DIAGNOSTIC_TOPICS", "[]"),
            ("CASEMENT__WINDOWS__TIME_ZONE", "UTC"),
        ],
    )
    .unwrap();
    assert_eq!(config.broker.limits.connections, Some(120));
    assert_eq!(
        (config.windows.latitude, config.windows.min_interval_s),
        (Some(52.5), Some(0.0))
    );
    assert_eq!(config.mqtt.diagnostic_topics, Some(vec![]));
    assert_eq!(config.windows.time_zone.as_deref(), Some("UTC"));
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
    assert!(message("audio: {features: [mfccs]}").contains("mfccs"));
    assert!(message("audio: {preprocessing: {normalization: loud}}").contains("none, peak or rms"));
    assert!(message("mqtt: {protocol: 4}").contains("auto, 5 or 3.1.1"));
    assert!(message("mqtt: {broker: 'localhost:1883'}").contains("tcp://HOST:PORT"));
    assert!(message("mqtt: {topics: {humidity: 'sensor/+/temperature'}}").contains("'mqtt.topics'"));
    assert!(message("model: {device: tpu}").contains("cuda:N"));
    assert!(message("engine: {embedded: maybe}").contains("auto, true or false"));
    assert!(message("clickhouse: {addr: 'tcp://ch:8123'}").contains("https://HOST:PORT"));
    assert!(message("audio: {n_fft: 2047}").contains("n_fft is even"));
    assert!(
        message("broker: {listeners: [{addr: '0.0.0.0:1883', anonymous: true}]}").contains("loopback only")
    );
    assert!(
        message("broker: {listeners: [{addr: '0.0.0.0:1883', tsl: true}]}").contains("'broker.listeners'")
    );
    assert!(message("broker: {registration: sometimes}").contains("pairing or closed"));
    assert!(message("tls: {certificate_file: cert.pem}").contains("name both"));
    assert!(message("audio: {n_mfcc: 0}").contains("0 is not within 1 to 128"));
}

#[test]
fn an_empty_file_and_an_empty_section_mean_the_defaults() {
    for yaml in ["", "# nothing\n", "mqtt:\n"] {
        assert_eq!(
            load(yaml, &[]).unwrap().mqtt.broker.to_string(),
            "tcp://127.0.0.1:1883",
            "{yaml:?}"
        );
    }
}

#[test]
fn the_version_of_mqtt_may_look_like_a_number() {
    for (yaml, protocol) in [("5", "5"), ("3.1.1", "3.1.1"), ("\"5\"", "5"), ("auto", "auto")] {
        let config = load(&format!("mqtt: {{protocol: {yaml}}}"), &[]).unwrap();
        assert_eq!(config.mqtt.protocol.as_str(), protocol);
    }
    let from_env = load("", &[("CASEMENT__MQTT__PROTOCOL", "5")]).unwrap();
    assert_eq!(from_env.mqtt.protocol, mqtt::Protocol::V5);
}

#[test]
fn bounds_hold_for_every_layer() {
    for (yaml, reason) in [
        (
            "audio: {sample_rate: 3999}",
            "'audio.sample_rate' cannot be used: 3999 is not within 4000 to 192000",
        ),
        ("audio: {n_mfcc: 129}", "129 is not within 1 to 128"),
        (
            "backend: {max_devices: 0}",
            "'backend.max_devices' cannot be used: 0 is less than 1",
        ),
        (
            "engine: {limits: {queries: 0}}",
            "'engine.limits.queries' cannot be used: 0 is less than 1",
        ),
        (
            "change_detection: {humidity_threshold: -0.5}",
            "-0.5 is less than 0",
        ),
    ] {
        let message = message(yaml);
        assert!(message.contains(reason), "{message}");
    }
    let variable = load("", &[("CASEMENT__AUDIO__SAMPLE_RATE", "200000")]).unwrap_err();
    assert!(
        variable.to_string().contains("200000 is not within"),
        "{variable}"
    );
    assert!(load("audio: {sample_rate: 192000, n_mfcc: 1}", &[]).is_ok());
}

#[test]
fn parts_are_embedded_unless_another_place_is_named() {
    // The defaults, the specification's file, and the annotated file mean the embedded parts.
    for yaml in [
        "",
        include_str!("../../tests/config/spec-backend.yaml"),
        include_str!("../../../../config/casement.yaml"),
        "mqtt: {broker: 'tcp://[::1]:1883'}\nclickhouse: {addr: 'http://localhost:8123/'}",
        "mqtt: {broker: 'tcp://localhost:2883'}\nbroker: {addr: '127.0.0.1:2883'}\n\
         clickhouse: {addr: 'localhost:9123'}\nengine: {addr: '127.0.0.1:9123'}",
        "mqtt: {broker: 'tcp://mosquitto:1883'}\nbroker: {embedded: true}\n\
         clickhouse: {addr: 'ch:8123'}\nengine: {embedded: true}",
    ] {
        let config = load(yaml, &[]).unwrap();
        assert!(config.embeds_broker() && config.embeds_engine(), "{yaml}");
    }
    for yaml in [
        "mqtt: {broker: 'tcp://mosquitto:1883'}\nclickhouse: {addr: 'clickhouse:8123'}",
        "mqtt: {broker: 'tcp://127.0.0.1:1884'}\nclickhouse: {addr: '127.0.0.1:8124'}",
        "mqtt: {broker: 'mqtts://localhost:1883'}\nclickhouse: {addr: 'https://localhost:8123'}",
        "broker: {embedded: false}\nengine: {embedded: false}",
    ] {
        let config = load(yaml, &[]).unwrap();
        assert!(!config.embeds_broker() && !config.embeds_engine(), "{yaml}");
    }
    let env = [
        ("CASEMENT__BROKER__EMBEDDED", "false"),
        ("CASEMENT__CLICKHOUSE__ADDR", "https://ch.lan:8443"),
        ("CASEMENT__ML__EMBEDDED", "false"),
    ];
    let config = load("", &env).unwrap();
    assert!(!config.embeds_broker() && !config.embeds_engine() && !config.ml.embedded);
    assert_eq!(config.clickhouse.url(), "https://ch.lan:8443");
}

#[test]
fn every_path_key_is_expanded() {
    let home = std::env::var("HOME").unwrap();
    let schema = concat!(include_str!("schema.rs"), include_str!("backup.rs"));
    let typed = schema.matches(": PathBuf,").count() + schema.matches("<PathBuf>,").count();
    assert_eq!(typed, super::paths::PATHS.len(), "another path to list there");
    for key in super::paths::PATHS {
        let (section, name) = key.split_once('.').unwrap();
        let (_file, sources) = sources(&format!("{section}: {{{name}: ~/x}}"), &[]);
        let shown = sources.show().unwrap().value;
        assert_eq!(shown[section][name], format!("{home}/x"), "{key}");
    }
}

#[test]
fn what_is_beneath_flags_is_known_without_them() {
    let (_file, sources) = sources(
        "clickhouse: {addr: 'db:8123'}",
        &[("CASEMENT__ENGINE__EMBEDDED", "false")],
    );
    let sources = sources.flag("clickhouse.addr", Some("other:8123"));
    assert_eq!(sources.beneath_flags("clickhouse.addr").unwrap(), "db:8123");
    assert_eq!(sources.beneath_flags("engine.embedded").unwrap(), "false");
    for (key, is_said) in [
        ("clickhouse.addr", true),
        ("engine.embedded", true),
        ("mqtt.broker", false),
        ("broker.listeners", false),
    ] {
        assert_eq!(sources.say_beneath_flags(key).unwrap(), is_said, "{key}");
    }
    assert_eq!(sources.load().unwrap().clickhouse.addr, "other:8123");
}

#[test]
fn the_most_days_are_told() {
    for key in [
        "retention: {errors_days: 36501}",
        "retention: {audit_days: 4000000000}",
        "retention: {readings_days: 36501}",
        "audio: {storage_max_age_days: 36501}",
    ] {
        let said = message(key);
        assert!(said.contains("36500") || said.contains("36,500"), "{said}");
    }
    let most = "retention: {errors_days: 36500, system_metrics_days: 36500, audit_days: 36500}";
    assert_eq!(load(most, &[]).unwrap().retention.errors_days, 36_500);
}
