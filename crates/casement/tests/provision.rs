//! The files for brokers of one's own, tried with a real Mosquitto: its accounts have the rights that they have at the embedded
//! broker, and backend and ML service work there.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use support::command::{password, text};
use testkit::{Mosquitto, free_addr};

struct Client<'a> {
    address: SocketAddr,
    user: &'a str,
    password: &'a str,
}

impl Client<'_> {
    fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool);
        command
            .args(["-V", "5", "-q", "1", "-h", &self.address.ip().to_string()])
            .args(["-p", &self.address.port().to_string()])
            .args(["-u", self.user, "-P", self.password])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn publish(&self, topic: &str) -> String {
        let output = self
            .command("mosquitto_pub", &["-t", topic, "-m", topic])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// The topics that a listener has heard of, once it ends.
fn topics(listener: Child) -> Vec<String> {
    let output = listener.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut topics: Vec<String> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    topics.sort();
    topics.dedup();
    topics
}

#[test]
fn a_real_mosquitto_gives_every_account_its_rights() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let (one, two) = (
        password(data, &["devices", "add", "room-1"]),
        password(data, &["devices", "add", "room-2"]),
    );
    let tap = password(data, &["accounts", "add", "tap", "--role", "monitor"]);
    let (plain, tls) = (free_addr(), free_addr());
    let (plain_flag, tls_flag) = (format!("--plain={plain}"), format!("--tls={tls}"));
    text(data, &["provision", "mosquitto", &plain_flag, &tls_flag]);
    let file = data.join("mosquitto/mosquitto.conf");
    // Started by root, Mosquitto would switch to a user who may not read the files.
    let settings = fs::read_to_string(&file).unwrap() + "user root\n";
    fs::write(&file, settings).unwrap();
    let _mosquitto = Mosquitto::start_configured(&file, plain).unwrap();
    let client = |user, password| Client {
        address: plain,
        user,
        password,
    };
    let (device, monitor) = (client("room-1", one.as_str()), client("tap", tap.as_str()));

    for (user, password) in [("room-1", "guess"), ("nobody", "guess"), ("room-1", two.as_str())] {
        let error = client(user, password).publish("sensor/room-1/temperature");
        assert!(
            error.to_lowercase().contains("not authorised")
                || error.to_lowercase().contains("not authorized"),
            "{user}: {error}"
        );
    }
    let listeners = [
        // What everybody says, as a monitor hears it, and what the device hears of it by every spelling.
        monitor.command("mosquitto_sub", &["-v", "-t", "#", "-W", "6"]),
        device.command(
            "mosquitto_sub",
            &[
                "-v",
                "-t",
                "#",
                "-t",
                "+/+/#",
                "-t",
                "$share/x/#",
                "-t",
                "window/+/control",
                "-t",
                "sensor/#",
                "-W",
                "6",
            ],
        ),
    ];
    let listeners = listeners.map(|mut command| command.spawn().unwrap());
    let ml_password = fs::read_to_string(data.join("mosquitto/casement-ml.password")).unwrap();
    let ml = client("casement-ml", ml_password.trim());
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(device.publish("sensor/room-1/temperature"), "");
    assert_eq!(device.publish("window/room-1/state"), "");
    assert_eq!(ml.publish("window/room-1/control"), "");
    assert_eq!(ml.publish("window/room-2/control"), "");
    for topic in [
        "sensor/room-2/temperature",
        "window/room-1/control",
        "window/room-2/state",
        "other",
    ] {
        device.publish(topic);
    }
    ml.publish("sensor/room-1/humidity");
    monitor.publish("window/room-1/control");
    let [all, own] = listeners.map(topics);
    assert_eq!(
        all,
        [
            "sensor/room-1/temperature",
            "window/room-1/control",
            "window/room-1/state",
            "window/room-2/control"
        ]
    );
    assert_eq!(own, ["window/room-1/control"]);
    // In TLS, with the house's own authority.
    let ca = data.join("tls/ca.pem").display().to_string();
    let secure = Client {
        address: tls,
        user: "room-1",
        password: &one,
    };
    let output = secure
        .command(
            "mosquitto_pub",
            &["--cafile", &ca, "-t", "sensor/room-1/temperature", "-m", "x"],
        )
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_a_broker_cannot_be_told_is_named() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    password(data, &["devices", "add", "room-1"]);
    // A device that paired has a password of its own.
    let file = data.join("accounts/accounts.json");
    let mut book: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let password = book["accounts"]["room-1"]["credentials"]["password"]
        .as_object_mut()
        .unwrap();
    assert!(password.remove("generated").is_some());
    fs::write(&file, book.to_string()).unwrap();
    let said = text(data, &["provision", "mosquitto"]);
    assert!(said.contains("casement devices rotate room-1"), "{said}");
    let passwords = fs::read_to_string(data.join("mosquitto/passwords")).unwrap();
    assert!(
        !passwords.contains("room-1:") && passwords.contains("casement-backend:$7$101$"),
        "{passwords}"
    );
    // A second run changes no password that a service has.
    let kept = fs::read(data.join("mosquitto/casement-backend.password")).unwrap();
    text(data, &["provision", "mosquitto"]);
    assert_eq!(
        fs::read(data.join("mosquitto/casement-backend.password")).unwrap(),
        kept
    );
    text(data, &["provision", "emqx"]);
    let acl = fs::read_to_string(data.join("emqx/acl.conf")).unwrap();
    assert!(
        acl.contains("{allow, {username, \"room-1\"}, publish, [\"sensor/room-1/#\"")
            && acl.ends_with("{deny, all}.\n"),
        "{acl}"
    );
}
