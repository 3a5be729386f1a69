//! `casement check-message` and `casement asyncapi`, and the same over HTTP: what there is to say, and what becomes of it.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const RIGHT: &str = r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z"}"#;

fn casement(arguments: &[&str]) -> Output {
    support::casement().command(arguments).output().unwrap()
}

/// The exit code and the first line of `casement check-message`.
fn check(topic: &str, payload: &str) -> (i32, String) {
    let output = casement(&["check-message", topic, payload]);
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn exit_codes_tell_accepted_refused_and_foreign_apart() {
    for (topic, payload, code, words) in [
        (
            "sensor/x/temperature",
            RIGHT,
            0,
            &["accepted: temperature of x", "25.5 °C", "iot.sensor_temperature"][..],
        ),
        (
            "sensor/x/temperature",
            r#"{"Value": "77,9", "unit": "F", "timestamp": 0}"#,
            0,
            &["'Value' is read as 'value'", "77.9 F is 25.5 °C", "SNTP"],
        ),
        (
            "sensor/x/temperature",
            r#"{"value": 85, "timestamp": "2025-10-24T12:00:00Z"}"#,
            0,
            &["suspect", "DS18B20", "iot.suspect_readings"],
        ),
        (
            "sensor/x/temperature",
            r#"{"val": 21, "timestamp": "2025-10-24T12:00:00Z"}"#,
            1,
            &[
                "refused",
                "missing_field",
                "did you mean 'value' by 'val'?",
                "right form",
            ],
        ),
        (
            "sensor/x/temperature",
            "",
            1,
            &["not_json", "the payload is empty"],
        ),
        (
            "sensor/x/temp",
            RIGHT,
            1,
            &["bad_topic", "did you mean `sensor/x/temperature`?"],
        ),
        (
            "device/x/status",
            "online",
            0,
            &["accepted: device_status of x", "iot.device_events"],
        ),
        ("zigbee2mqtt/x", "{}", 2, &["foreign"]),
        (
            "ml/inference/request/x",
            "{}",
            2,
            &["ignored", "an ML service does"],
        ),
    ] {
        let (found, text) = check(topic, payload);
        assert_eq!(found, code, "{topic} {payload}: {text}");
        for word in words {
            assert!(text.contains(word), "{topic} {payload}: no {word} in {text}");
        }
    }
}

/// The document's own examples on the document's own topics are taken, or said to be nobody's to read.
#[test]
fn every_topic_of_the_document_is_known() {
    let document: Value = serde_json::from_str(&fs::read_to_string(checked_in()).unwrap()).unwrap();
    let channels = document["channels"].as_object().unwrap();
    assert!(channels.contains_key("room_hold") && channels.contains_key("alarm"));
    for (word, channel) in channels {
        let topic = channel["address"]
            .as_str()
            .unwrap()
            .replace("{device_id}", "sensor-001");
        let operations = document["operations"].as_object().unwrap();
        let is_read = operations.contains_key(&format!("backend_receive_{word}"));
        let message = &document["components"]["messages"][word];
        for example in message["examples"].as_array().unwrap() {
            let payload = match &example["payload"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let output = casement(&["check-message", &topic, "--json", &payload]);
            let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
            let expected = if is_read { "accepted" } else { "ignored" };
            assert_eq!(seen["verdict"], expected, "{topic} {payload}: {seen}");
            assert_eq!(seen["kind"], *word, "{topic}: {seen}");
        }
        let (code, text) = check(&topic, "rubbish");
        // Whoever asks for the time may say anything.
        let expected = match (is_read, word.as_str()) {
            (true, "time_request") => 0,
            (true, _) => 1,
            (false, _) => 2,
        };
        assert_eq!(code, expected, "{topic}: {text}");
        assert!(!text.contains("bad_topic"), "{topic}: {text}");
    }
}

#[test]
fn a_payload_may_come_from_standard_input_or_a_file_byte_for_byte() {
    let mut command = support::casement().command(["check-message", "sensor/x/co2", "-", "--json"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"\xef\xbb\xbf{\"value\": 400, \"timestamp\": \"2025-10-24T12:00:00Z\"}\0")
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["verdict"], "accepted");
    assert_eq!(seen["repaired"].as_array().unwrap().len(), 2, "{seen}");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("payload");
    fs::write(&file, b"\xff\xfe{\0").unwrap();
    let path = file.display().to_string();
    let output = casement(&["check-message", "sensor/x/co2", "--file", &path, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(seen["detail"].as_str().unwrap().contains("UTF-16"), "{seen}");

    let missing = casement(&["check-message", "sensor/x/co2", "--file", "/no/such/file"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/no/such/file cannot be read"));
    let neither = casement(&["check-message", "sensor/x/co2"]);
    assert_eq!(neither.status.code(), Some(2));
}

#[test]
fn topics_of_ones_own_and_recordings_are_read_as_the_service_does() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("casement.yaml");
    fs::write(
        &config,
        "mqtt:\n  topics:\n    temperature: house/+/temperature\n",
    )
    .unwrap();
    let config = config.display().to_string();
    let output = casement(&["check-message", "house/x/temperature", RIGHT, "--config", &config]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        check("house/x/temperature", RIGHT).0,
        2,
        "none of the default topics"
    );

    let now = support::client::now();
    let clip = dir.path().join("clip.json");
    fs::write(&clip, support::clip::payload("x", 440.0, now)).unwrap();
    let path = clip.display().to_string();
    let output = casement(&["check-message", "sensor/x/audio", "--file", &path]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("a recording: wav, 16000 Hz, 2.000 s"), "{text}");
    let (code, text) = check(
        "sensor/x/audio",
        r#"{"data": "SUQzBAAAAAAAAAAAAAAA", "sample_rate": 16000, "duration": 1, "timestamp": "2025-10-24T12:00:00Z"}"#,
    );
    assert!(code == 1 && text.contains("MP3"), "{text}");
}

#[test]
fn a_broken_configuration_is_no_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("casement.yaml");
    fs::write(&config, "mqtt:\n  topics:\n    temperature: a/b\n").unwrap();
    let config = config.display().to_string();
    let output = casement(&[
        "check-message",
        "sensor/x/temperature",
        RIGHT,
        "--config",
        &config,
    ]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("exactly one level names the device"));
}

fn checked_in() -> PathBuf {
    support::root().join("docs/asyncapi.json")
}

fn document(arguments: &[&str]) -> Value {
    let output = casement(arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_document_that_is_checked_in_is_the_one_that_is_printed() {
    let text = fs::read_to_string(checked_in()).unwrap();
    let known: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        document(&["asyncapi"]),
        known,
        "casement asyncapi > docs/asyncapi.json"
    );
}

/// Whether AsyncAPI's parser finds nothing wrong, and what it says.
fn parsed(file: &Path) -> (bool, String) {
    let folder = support::root().join("crates/casement/tests/messages/parser");
    assert!(
        folder.join("node_modules/stamp").exists(),
        "AsyncAPI's parser is missing: make clients"
    );
    let mut command = Command::new("node");
    let output = command
        .arg("check.mjs")
        .arg(file)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

#[test]
fn asyncapis_own_parser_finds_nothing_wrong_and_would_find_faults() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("casement.yaml");
    let listeners = "broker:\n  listeners:\n    - {addr: '0.0.0.0:8883', tls: true}\n    - {addr: '[::1]:8884', tls: true, websocket: true}\n";
    fs::write(
        &config,
        format!("{listeners}mqtt:\n  topics:\n    audio: house/+/sound\n"),
    )
    .unwrap();
    let own = document(&["asyncapi", "--config", &config.display().to_string()]);
    assert_eq!(own["channels"]["audio"]["address"], "house/{device_id}/sound");
    assert_eq!(own["servers"]["listener_2"]["protocol"], "wss");
    let file = dir.path().join("own.json");
    fs::write(&file, own.to_string()).unwrap();
    for file in [&file, &checked_in()] {
        let (right, said) = parsed(file);
        assert!(right, "{said}");
        assert!(
            said.contains(&format!("{} channels", mqtt::TopicKind::ALL.len() + 2)),
            "{said}"
        );
    }
    for (place, value) in [
        (
            "/channels/audio/messages/audio/$ref",
            json!("#/components/messages/sound"),
        ),
        ("/operations/device_send_audio/action", json!("shout")),
        ("/components/schemas/audio/type", json!("record")),
        ("/operations/device_send_audio/bindings/mqtt/qos", json!(7)),
        ("/channels/audio/address", json!("house/{room}/sound")),
    ] {
        let mut spoilt = own.clone();
        *spoilt.pointer_mut(place).unwrap() = value;
        fs::write(&file, spoilt.to_string()).unwrap();
        assert!(!parsed(&file).0, "{place}");
    }
}

#[test]
fn a_schema_of_one_kind_is_printed_and_an_unknown_one_refused() {
    let schema = document(&["asyncapi", "--schema", "window_control"]);
    assert_eq!(schema["properties"]["position"]["maximum"], 100);
    let output = casement(&["asyncapi", "--schema", "radiation"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("window_control"));
}

/// The status and the body of a request to a running service.
fn ask(http: std::net::SocketAddr, path: &str, body: Option<&str>) -> (u16, Value) {
    let url = format!("http://{http}/api/v1/{path}");
    let mut arguments = vec!["-sS", "-w", "\n%{http_code}", &url];
    if let Some(body) = body {
        arguments.extend(["-H", "content-type: application/json", "--data-binary", body]);
    }
    let text = support::output("curl", &arguments);
    let (body, status) = text.rsplit_once('\n').unwrap();
    (
        status.parse().unwrap(),
        serde_json::from_str(body).unwrap_or_default(),
    )
}

#[test]
fn a_running_service_answers_the_same_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let up = support::up(dir.path(), &["--no-ml"]);
    let question = |topic: &str, payload: &str| json!({"topic": topic, "payload": payload}).to_string();
    let (status, seen) = ask(
        up.http,
        "check-message",
        Some(&question("sensor/x/temperature", RIGHT)),
    );
    assert_eq!(
        (status, &seen["verdict"], &seen["value"]["value"]),
        (200, &json!("accepted"), &json!(25.5))
    );
    // As ingest does with what a person wants of a window that nobody knows.
    let wish = question("window/nobody/set", r#"{"position": 40}"#);
    let (_, seen) = ask(up.http, "check-message", Some(&wish));
    assert_eq!(
        (&seen["verdict"], &seen["reason"]),
        (&json!("refused"), &json!("unknown_device"))
    );
    let binary = json!({"topic": "sensor/x/temperature", "payload_base64": "//57AA=="}).to_string();
    let (status, seen) = ask(up.http, "check-message", Some(&binary));
    assert_eq!(
        (status, &seen["verdict"], &seen["reason"]),
        (200, &json!("refused"), &json!("not_json"))
    );
    for wrong in [
        r#"{"topic": "a"}"#,
        r#"{"topic": "a", "payload": "b", "payload_base64": "Yg=="}"#,
        r#"{"topic": "a", "payload_base64": "*"}"#,
        "{",
    ] {
        let (status, _) = ask(up.http, "check-message", Some(wrong));
        assert!((400..500).contains(&status), "{wrong}: {status}");
    }
    assert_eq!(
        up.sql("SELECT count() FROM iot.sensor_temperature")
            .unwrap()
            .trim(),
        "0"
    );

    let (_, kinds) = ask(up.http, "schemas", None);
    assert_eq!(kinds.as_array().unwrap().len(), mqtt::TopicKind::ALL.len());
    for kind in kinds.as_array().unwrap() {
        let path = format!("schemas/{}", kind["kind"].as_str().unwrap());
        let (status, schema) = ask(up.http, &path, None);
        assert_eq!((status, schema["$schema"].is_string()), (200, true), "{path}");
    }
    assert_eq!(ask(up.http, "schemas/radiation", None).0, 404);
    let (status, served) = ask(up.http, "asyncapi.json", None);
    assert_eq!((status, &served["asyncapi"]), (200, &json!("3.0.0")));
    let listener = served["servers"]["listener_1"]["host"].as_str().unwrap();
    assert_eq!(listener, up.mqtt.to_string());
}
