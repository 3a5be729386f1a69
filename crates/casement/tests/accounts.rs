//! Accounts through their real doors: the commands, a running `casement up`, Mosquitto's clients.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use support::{
    casement,
    command::{json, run},
    up,
};
use testkit::Up;

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(data: &Path, arguments: &[&str], why: &str) {
    let output = run(data, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
    assert!(error.contains(why), "{arguments:?}: {error}");
}

/// Publishes a reading as the snippets do, by `mosquitto_pub`; an empty user is none.
fn publish(up: &Up, user: &str, password: &str, topic: &str, value: &str) -> Output {
    let now = jiff::Timestamp::now().as_second();
    let payload = format!("{{\"value\": {value}, \"timestamp\": {now}}}");
    let mut command = Command::new("mosquitto_pub");
    command.args([
        "-V",
        "5",
        "-q",
        "1",
        "-h",
        "127.0.0.1",
        "-p",
        &up.mqtt.port().to_string(),
    ]);
    command.args(["-t", topic, "-m", &payload]);
    if !user.is_empty() {
        command.args(["-u", user, "-P", password]);
    }
    command.output().unwrap()
}

#[test]
fn an_account_made_while_the_service_runs_opens_the_door() {
    let data = tempfile::tempdir().unwrap();
    let early = json(data.path(), &["devices", "add", "early"]);
    let up = up(data.path(), &[]);
    let made = json(
        data.path(),
        &["devices", "add", "room-1", "--location", "Kitchen"],
    );
    let password = |made: &Value| made["password"].as_str().unwrap().to_owned();
    assert_eq!(
        (&made["device_id"], &made["username"]),
        (&"room-1".into(), &"room-1".into())
    );
    assert_eq!(made["publish"][0], "sensor/room-1/#");
    up.wait_page("/metrics", "casement_accounts_known 3").unwrap();

    let topic = "sensor/room-1/temperature";
    for (device, secret) in [("room-1", password(&made)), ("early", password(&early))] {
        let output = publish(
            &up,
            device,
            &secret,
            &format!("sensor/{device}/temperature"),
            "21.5",
        );
        assert!(output.status.success(), "{output:?}");
    }
    up.wait_sql(
        "SELECT count() FROM iot.sensor_temperature WHERE value = 21.5",
        "2",
    )
    .unwrap();

    let output = publish(&up, "room-1", "wrong-password", topic, "39");
    assert!(!output.status.success());
    // Another's topic: acknowledged with a reason, and nowhere.
    let output = publish(&up, "room-1", &password(&made), "sensor/early/temperature", "39");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("Not authorized"),
        "{output:?}"
    );
    // On loopback nobody needs an account, and a name that none has is nobody.
    for user in ["", "somebody"] {
        assert!(
            publish(&up, user, "any", "sensor/open/temperature", "20")
                .status
                .success()
        );
    }
    up.wait_sql(
        "SELECT uniqExact(device_id), max(value) FROM iot.sensor_temperature",
        "3\t21.5",
    )
    .unwrap();
    up.wait_metric("casement_broker_events_login_failed_total 1")
        .unwrap();
    up.wait_metric("casement_broker_events_not_authorized_total 1")
        .unwrap();
    let audited = "SELECT countIf(kind = 'mqtt_login' AND account = 'room-1'), countIf(kind = 'mqtt_login_failed'), \
                   countIf(kind = 'mqtt_not_authorized') FROM iot.audit_log FINAL";
    up.wait_sql(audited, "2\t1\t1").unwrap();

    assert!(
        run(data.path(), &["devices", "retire", "room-1"])
            .status
            .success()
    );
    up.wait_page("/metrics", "casement_accounts_changes_total 2")
        .unwrap();
    up.wait_page("/api/v1/devices/room-1", "\"retired\":true")
        .unwrap();
    assert!(
        !publish(&up, "room-1", &password(&made), topic, "39")
            .status
            .success()
    );
    up.wait_sql("SELECT count() FROM iot.sensor_temperature WHERE value = 39", "0")
        .unwrap();
}

/// A retained message would tell the device another thing at each of its connections, with or without an account.
#[test]
fn what_the_backend_tells_devices_cannot_be_said_by_others() {
    let data = tempfile::tempdir().unwrap();
    let up = up(data.path(), &[]);
    let made = json(data.path(), &["devices", "add", "room-1"]);
    let secret = made["password"].as_str().unwrap();
    up.wait_page("/metrics", "casement_accounts_changes_total 1")
        .unwrap();
    for (user, topic) in [
        ("", "device/room-1/config"),
        ("", "device/room-1/time"),
        ("", "window/room-1/override"),
        ("room-1", "device/room-1/config"),
    ] {
        let output = publish(&up, user, secret, topic, "1");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("Not authorized"),
            "{output:?}"
        );
    }
    // What they have to say they can say.
    for (user, topic) in [
        ("", "ml/inference/request/room-1"),
        ("room-1", "device/room-1/config/ack"),
    ] {
        let output = publish(&up, user, secret, topic, "1");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{topic}: {output:?}"
        );
    }
    up.wait_sql(
        "SELECT count() > 0 FROM iot.ingest_errors WHERE reason LIKE '%not_authorized%'",
        "1",
    )
    .unwrap();
}

#[test]
fn commands_say_what_is_not_possible() {
    let data = tempfile::tempdir().unwrap();
    json(data.path(), &["devices", "add", "room-1"]);
    json(data.path(), &["accounts", "add", "grafana", "--role", "reader"]);
    refused(
        data.path(),
        &["devices", "add", "room-1"],
        "casement devices rotate room-1",
    );
    refused(
        data.path(),
        &["accounts", "add", "room-1", "--role", "admin"],
        "casement devices rotate room-1",
    );
    refused(
        data.path(),
        &["accounts", "add", "room-2", "--role", "device"],
        "casement devices add room-2",
    );
    refused(
        data.path(),
        &["devices", "rotate", "grafana"],
        "use casement accounts",
    );
    refused(
        data.path(),
        &["devices", "approve", "room-1"],
        "nothing to approve",
    );
    for command in ["retire", "close"] {
        refused(
            data.path(),
            &["devices", command, "room-2"],
            "PATCH /api/v1/devices/room-2 {\"retired\": true}",
        );
    }
    refused(
        data.path(),
        &["devices", "forget", "room-2"],
        "casement devices list",
    );
    refused(
        data.path(),
        &["devices", "rename", "room-1", "--name", "a\nb"],
        "control characters",
    );
    let listed = json(data.path(), &["devices", "list"]);
    assert_eq!(listed[0]["device_id"], "room-1");
    let text = listed.to_string() + &json(data.path(), &["accounts", "list"]).to_string();
    assert!(!text.contains("argon2") && !text.contains("$7$"), "{text}");

    let file = data.path().join("accounts/accounts.json");
    std::fs::write(&file, "{\"format\": 1, \"accounts\"").unwrap();
    refused(
        data.path(),
        &["devices", "list"],
        "put a copy of it from a backup in its place",
    );
    let error = testkit_error(data.path());
    assert!(error.contains("holds no accounts"), "{error}");
}

/// What `casement up` says when it does not start.
fn testkit_error(data: &Path) -> String {
    match Up::start(casement(), data, &[]) {
        Ok(_) => panic!("it started with damaged accounts"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn pairing_and_closing_say_what_is_so() {
    let data = tempfile::tempdir().unwrap();
    let command = |arguments: &[&str]| {
        let output = run(data.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        said(&output)
    };
    // Every listener is on loopback.
    let paired = command(&["devices", "pair"]);
    assert!(
        paired.contains("Registration is open") && paired.contains("casement up --lan"),
        "{paired}"
    );
    assert!(!paired.contains("bound to that password"), "{paired}");
    assert_eq!(json(data.path(), &["devices", "pair"])["registration"], "open");
    let config = data.path().join("never.yaml");
    std::fs::write(&config, "broker: {anonymous: never}\n").unwrap();
    let paired = command(&["devices", "pair", "--config", config.to_str().unwrap()]);
    assert!(paired.contains("bound to that password"), "{paired}");

    json(data.path(), &["devices", "add", "room-1"]);
    let closed = command(&["devices", "close", "room-1"]);
    assert!(closed.contains("where its device is in use"), "{closed}");
    command(&["devices", "approve", "room-1"]);
    command(&["devices", "retire", "room-1"]);
    let closed = command(&["devices", "close", "room-1"]);
    assert!(closed.contains("stays out of use"), "{closed}");

    // The list tells both apart.
    json(data.path(), &["devices", "add", "room-2"]);
    command(&["devices", "retire", "room-2"]);
    let listed = command(&["devices", "list"]);
    let state = |id: &str| {
        let line = listed.lines().find(|line| line.contains(id)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(
        (state("room-1"), state("room-2")),
        ("closed".into(), "retired".into())
    );
    let listed = json(data.path(), &["devices", "list"]);
    let out_of_use = [&listed[0]["out_of_use"], &listed[1]["out_of_use"]];
    assert_eq!(out_of_use, [&Value::from(true), &Value::from(true)], "{listed}");
    command(&["devices", "approve", "room-1"]);
    command(&["devices", "close", "room-1"]);
    let listed = json(data.path(), &["devices", "list"]);
    assert_eq!(listed[0]["out_of_use"], Value::from(false), "{listed}");
}

#[test]
fn a_password_is_printed_once_with_what_to_paste() {
    let data = tempfile::tempdir().unwrap();
    let text = said(&run(data.path(), &["devices", "add", "room-1"]));
    for part in [
        "--- Arduino ---",
        "--- ESPHome ---",
        "--- ESP-IDF ---",
        "mqtt://127.0.0.1:1883",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let password = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("password"))
        .unwrap()
        .trim();
    let stored = std::fs::read_to_string(data.path().join("accounts/accounts.json")).unwrap();
    assert!(!stored.contains(password) && stored.contains("$argon2id$"));
    assert!(!said(&run(data.path(), &["devices", "show", "room-1"])).contains(password));
    let again = said(&run(data.path(), &["devices", "rotate", "room-1"]));
    assert!(!again.contains(password));
}
