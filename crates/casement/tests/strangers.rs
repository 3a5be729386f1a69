//! What those who have no right to it try at the broker of a real `casement up` that asks who everybody is: by Mosquitto's clients,
//! each attack with what a stranger, a device or a program gets for it. `SECURITY.md` names these tests.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    fs,
    process::{Command, Output},
    time::Duration,
};

use support::{
    command::{json, password, run},
    up,
};
use tempfile::TempDir;
use testkit::Up;

/// A system at which nobody is anonymous, with the accounts `room-1`, `room-2` (devices) and `tap` (monitor).
struct House {
    up: Up,
    data: TempDir,
    secrets: Vec<(&'static str, String)>,
}

impl House {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = data.path().join("casement.yaml");
        fs::write(&config, "broker:\n  anonymous: never\n  registration: pairing\n").unwrap();
        let secret = |arguments: &[&str]| password(data.path(), arguments);
        let secrets = vec![
            ("room-1", secret(&["devices", "add", "room-1"])),
            ("room-2", secret(&["devices", "add", "room-2"])),
            ("tap", secret(&["accounts", "add", "tap", "--role", "monitor"])),
            ("ha", secret(&["accounts", "add", "ha", "--role", "bridge"])),
        ];
        let up = up(data.path(), &[&format!("--config={}", config.display())]);
        Self { up, data, secrets }
    }

    fn secret(&self, name: &str) -> &str {
        &self.secrets.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Runs one of Mosquitto's clients as `user`; an empty one is nobody.
    fn client(&self, tool: &str, user: &str, password: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(tool);
        command.args([
            "-V",
            "5",
            "-h",
            "127.0.0.1",
            "-p",
            &self.up.mqtt.port().to_string(),
        ]);
        if !user.is_empty() {
            command.args(["-u", user, "-P", password]);
        }
        command.args(arguments).output().unwrap()
    }

    fn publish(&self, user: &str, topic: &str, payload: &str) -> Output {
        let arguments = ["-q", "1", "-t", topic, "-m", payload];
        self.client("mosquitto_pub", user, self.secret(user), &arguments)
    }

    /// What a subscription of two seconds says.
    fn subscribe(&self, user: &str, filter: &str) -> Output {
        let arguments = ["-q", "1", "-t", filter, "-W", "2"];
        self.client("mosquitto_sub", user, self.secret(user), &arguments)
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn reading(value: f64) -> String {
    let now = jiff::Timestamp::now().as_second();
    format!("{{\"value\": {value}, \"timestamp\": {now}}}")
}

#[test]
fn nobody_and_whoever_guesses_stays_outside() {
    let house = House::start();
    // Whether an account exists is not told.
    let (nobody, wrong) = ("not authorized", "bad user");
    for (user, password, told) in [
        ("", "", nobody),
        ("room-1", "guess", wrong),
        ("nobody", "guess", wrong),
        ("tap", "", wrong),
        ("no-tap", "", wrong),
    ] {
        let output = house.client("mosquitto_pub", user, password, &["-t", "a", "-m", "x"]);
        assert!(!output.status.success(), "{user:?} {password:?} entered");
        let error = errors(&output).to_lowercase();
        assert!(error.contains(told), "{user:?}: {error}");
    }
    // From the sixth wrong password on the address waits; the device at the same address does not.
    for guess in 0..8 {
        house.client(
            "mosquitto_pub",
            "room-1",
            &format!("guess-{guess}"),
            &["-t", "a", "-m", "x"],
        );
    }
    let metrics = house.up.get("/metrics").unwrap();
    let throttled = metrics
        .lines()
        .find_map(|line| line.strip_prefix("casement_accounts_throttled_total "));
    assert!(throttled.unwrap().parse::<u32>().unwrap() >= 1, "{throttled:?}");
    assert!(
        house
            .publish("room-1", "sensor/room-1/temperature", &reading(20.5))
            .status
            .success()
    );
    house
        .up
        .wait_sql("SELECT count() FROM iot.sensor_temperature", "1")
        .unwrap();
}

#[test]
fn a_device_speaks_for_itself_alone() {
    let house = House::start();
    for topic in [
        "sensor/room-2/temperature",
        "sensor/room-1x/temperature",
        "window/room-2/state",
        "device/room-2/status",
        // Not even its own window takes a command from it.
        "window/room-1/control",
        "window/room-1/set",
        "ml/inference/request/room-1",
        "ml/prediction/room-1",
        "anything",
    ] {
        let output = house.publish("room-1", topic, &reading(30.0));
        assert!(errors(&output).contains("Not authorized"), "{topic}: {output:?}");
    }
    let retained = house.client(
        "mosquitto_pub",
        "room-1",
        house.secret("room-1"),
        &[
            "-r",
            "-q",
            "1",
            "-t",
            "window/room-2/control",
            "-m",
            "{\"position\": 100}",
        ],
    );
    assert!(errors(&retained).contains("Not authorized"), "{retained:?}");
    let will = house.client(
        "mosquitto_pub",
        "room-1",
        house.secret("room-1"),
        &[
            "--will-topic",
            "window/room-2/control",
            "--will-payload",
            "{}",
            "-t",
            "sensor/room-1/temperature",
            "-m",
            "x",
        ],
    );
    assert!(
        !will.status.success() && errors(&will).contains("Not authorized"),
        "{will:?}"
    );
    // Another's client id opens nothing, and throws nobody out.
    let id = house.client(
        "mosquitto_sub",
        "room-1",
        house.secret("room-1"),
        &[
            "-i",
            "room-2",
            "-c",
            "-q",
            "1",
            "-t",
            "window/room-2/control",
            "-W",
            "1",
        ],
    );
    assert!(errors(&id).contains("denied"), "{id:?}");
    assert!(
        house
            .publish("room-1", "sensor/room-1/temperature", &reading(20.5))
            .status
            .success()
    );
    house
        .up
        .wait_sql(
            "SELECT groupUniqArray((device_id, value)) FROM iot.sensor_temperature",
            "[('room-1',20.5)]",
        )
        .unwrap();
    house
        .up
        .wait_sql(
            "SELECT count() FROM iot.window_actions WHERE device_id = 'room-2'",
            "0",
        )
        .unwrap();
}

#[test]
fn a_device_hears_its_own_alone() {
    let house = House::start();
    for filter in [
        "#",
        "+/+/#",
        "+/+/+",
        "$share/x/#",
        "$share/x/window/room-1/control",
        "window/+/control",
        "window/room-2/control",
        "+/room-1/control",
        "$SYS/#",
        "sensor/#",
    ] {
        let output = house.subscribe("room-1", filter);
        assert!(errors(&output).contains("denied"), "{filter}: {output:?}");
    }
    // Two subscriptions, of which one is its own: the other stays refused.
    let both = house.client(
        "mosquitto_sub",
        "room-1",
        house.secret("room-1"),
        &[
            "-t",
            "window/room-1/control",
            "-t",
            "window/+/control",
            "-W",
            "2",
            "-d",
        ],
    );
    let said = String::from_utf8_lossy(&both.stdout).into_owned();
    assert!(
        said.contains("QoS: 135") || said.contains("135"),
        "{said} {}",
        errors(&both)
    );
    assert!(!errors(&house.subscribe("room-1", "window/room-1/control")).contains("denied"));
    assert!(!errors(&house.subscribe("tap", "#")).contains("denied"));
}

#[test]
fn roles_have_their_limits() {
    let house = House::start();
    let output = house.publish("tap", "sensor/room-1/temperature", &reading(30.0));
    assert!(errors(&output).contains("Not authorized"), "{output:?}");
    let output = house.publish("ha", "window/room-1/control", "{\"position\": 100}");
    assert!(errors(&output).contains("Not authorized"), "{output:?}");
    assert!(!errors(&house.publish("ha", "window/room-1/set", "40")).contains("Not authorized"));
}

#[test]
fn a_new_device_pairs_and_waits_for_a_word() {
    let house = House::start();
    let data = house.data.path();
    let send = |value: f64| {
        let payload = reading(value);
        let arguments = [
            "-i",
            "esp32-77",
            "-q",
            "1",
            "-t",
            "sensor/esp-1/temperature",
            "-m",
            &payload,
        ];
        house.client("mosquitto_pub", "esp-1", "its-own-password", &arguments)
    };
    assert!(!send(30.0).status.success(), "the door is closed");
    assert!(run(data, &["devices", "pair"]).status.success());
    house.up.wait_metric("casement_accounts_pairing 1").unwrap();
    let output = send(30.0);
    assert!(output.status.success(), "{output:?}");
    house.up.wait_metric("casement_accounts_pending 1").unwrap();
    let other = house.client(
        "mosquitto_pub",
        "esp-1",
        "another-password",
        &["-t", "a", "-m", "x"],
    );
    assert!(!other.status.success(), "the name is taken");
    let listed = loop {
        let listed = json(data, &["devices", "list"]);
        if listed[0]["pending"]["first"][0].is_array() {
            break listed;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(
        (&listed[0]["device_id"], &listed[0]["state"]),
        (&"esp-1".into(), &"pending".into())
    );
    assert_eq!(listed[0]["pending"]["client_id"], "esp32-77");
    assert_eq!(listed[0]["pending"]["address"], "127.0.0.1");
    assert_eq!(listed[0]["pending"]["first"][0][0], "sensor/esp-1/temperature");

    assert!(
        run(data, &["devices", "approve", "esp-1", "--location", "Hall"])
            .status
            .success()
    );
    house.up.wait_metric("casement_accounts_pending 0").unwrap();
    assert!(run(data, &["devices", "pair", "--close"]).status.success());
    assert!(send(21.5).status.success());
    house
        .up
        .wait_sql("SELECT groupArray(value) FROM iot.sensor_temperature", "[21.5]")
        .unwrap();
}

#[test]
fn a_rotated_password_ends_the_connection_of_the_old_one() {
    let house = House::start();
    let mut listener = Command::new("mosquitto_sub")
        .args([
            "-V",
            "5",
            "-h",
            "127.0.0.1",
            "-p",
            &house.up.mqtt.port().to_string(),
        ])
        .args([
            "-u",
            "room-1",
            "-P",
            house.secret("room-1"),
            "-t",
            "window/room-1/control",
            "-W",
            "20",
        ])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    house.up.wait_metric("casement_broker_clients 2").unwrap();
    let made = json(house.data.path(), &["devices", "rotate", "room-1"]);
    house
        .up
        .wait_metric("casement_broker_events_access_ended_total 1")
        .unwrap();
    listener.kill().unwrap();
    listener.wait().unwrap();
    let old = house.publish("room-1", "sensor/room-1/temperature", &reading(30.0));
    assert!(!old.status.success(), "{old:?}");
    let arguments = ["-q", "1", "-t", "sensor/room-1/temperature", "-m", &reading(20.5)];
    let new = house.client(
        "mosquitto_pub",
        "room-1",
        made["password"].as_str().unwrap(),
        &arguments,
    );
    assert!(new.status.success(), "{new:?}");
    house
        .up
        .wait_sql("SELECT groupArray(value) FROM iot.sensor_temperature", "[20.5]")
        .unwrap();
}
