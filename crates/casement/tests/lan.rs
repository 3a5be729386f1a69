//! `casement up --lan` on a network: a device with an account joins, a stranger does not.

mod support;

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use mdns_sd::{ServiceDaemon, ServiceEvent};
use serde_json::Value;
use testkit::{Casement, Host, Hosts, wait_until_blocking};

const PATIENCE: Duration = Duration::from_secs(20);

fn run(mut command: Command, arguments: &[&str]) -> Output {
    command.args(arguments).output().expect("it is installed")
}

/// Whether anything listens at this port of the house, seen from the device.
fn is_open(hosts: &Hosts, port: u16) -> bool {
    let address = SocketAddr::new(Host::House.address(), port);
    let connect = move || TcpStream::connect_timeout(&address, PATIENCE).is_ok();
    hosts.on(Host::Device, connect).expect("a namespace")
}

/// The port and the addresses of a service that the device finds by mDNS.
fn found(hosts: &Hosts, kind: &'static str) -> (u16, Vec<String>) {
    let browse = move || {
        let daemon = ServiceDaemon::new().expect("mDNS");
        let events = daemon.browse(kind).expect("a kind of service");
        loop {
            let event = events.recv_timeout(PATIENCE).expect("the house announces itself");
            if let ServiceEvent::ServiceResolved(service) = event {
                let addresses = service.addresses.iter().map(ToString::to_string).collect();
                let _ = daemon.shutdown();
                return (service.port, addresses);
            }
        }
    };
    hosts.on(Host::Device, browse).expect("a namespace")
}

/// `casement up --lan` on one host, and what the other has of it.
struct House {
    hosts: Hosts,
    casement: Casement,
    data: String,
    ca: String,
}

impl House {
    /// What a command of the house prints.
    fn casement(&self, arguments: &[&str]) -> Value {
        let command = self.casement.command(arguments);
        let output = run(command, &["--data", &self.data, "--json"]);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Publishes a reading of `sensor-001` from the device's host.
    fn publish(&self, arguments: &[&str]) -> Output {
        let host = Host::House.address().to_string();
        let reading = format!(r#"{{"value": 21.5, "timestamp": "{}"}}"#, jiff::Timestamp::now());
        let mut command = self.hosts.command(Host::Device, "mosquitto_pub");
        command.args([
            "-h",
            &host,
            "-q",
            "1",
            "-t",
            "sensor/sensor-001/temperature",
            "-m",
            &reading,
        ]);
        run(command, arguments)
    }
}

/// By password and by certificate; and everybody who has neither, or another's.
fn only_accounts_come_in(house: &House, password: &str) {
    let ca = &house.ca;
    // A certificate for the account, and one for a name that has no account.
    let made = house.casement(&["provision", "tls", "--client", "sensor-001", "--client", "nobody"]);
    assert_eq!(
        (&made["ca_is_new"], made["ca"].as_str()),
        (&false.into(), Some(&**ca))
    );
    let file = |client: usize, name: &str| made["clients"][client][name].as_str().expect("a path").to_owned();
    let (certificate, key) = (file(0, "certificate"), file(0, "key"));
    let (other_certificate, other_key) = (file(1, "certificate"), file(1, "key"));
    let secure = ["-p", "8883", "--cafile", ca];
    for account in [
        &["--cert", &certificate, "--key", &key][..],
        &["-u", "sensor-001", "-P", password],
    ] {
        let output = house.publish(&[&secure[..], account].concat());
        assert!(output.status.success(), "{account:?}: {output:?}");
    }
    for stranger in [
        &["--cert", &other_certificate, "--key", &other_key][..],
        &["--cert", &certificate, "--key", &key, "-u", "nobody"],
        &["-u", "sensor-001", "-P", "guess"],
        &[],
    ] {
        let output = house.publish(&[&secure[..], stranger].concat());
        assert!(!output.status.success(), "{stranger:?}");
    }
    // With new secrets the old certificate is void, too.
    std::thread::sleep(Duration::from_millis(1_100));
    house.casement(&["devices", "rotate", "sensor-001"]);
    let stolen = [&secure[..], &["--cert", &certificate, "--key", &key]].concat();
    let void = wait_until_blocking("the certificate is void", || {
        !house.publish(&stolen).status.success()
    });
    assert!(void.is_ok());
    // Nor without encryption.
    assert!(!house.publish(&["-p", "1883"]).status.success());
    assert!(!house.publish(&["-p", "8883"]).status.success());
}

/// As an ESP32 without an account does it: a clip at QoS 1 with a will, its id and a password of its own; a person approves it.
fn an_esp32_pairs(house: &House) {
    let House {
        hosts,
        casement,
        data,
        ca,
    } = house;
    let host = Host::House.address().to_string();
    let run_casement = |arguments: &[&str]| house.casement(arguments);
    run_casement(&["devices", "pair"]);
    let clip = support::clip::payload("esp-7", 440.0, support::client::now());
    assert!(clip.len() > 80_000);
    let file = std::path::Path::new(data).join("clip.json");
    std::fs::write(&file, &clip).expect("a file");
    let file = file.display().to_string();
    let pairing = || {
        let mut command = hosts.command(Host::Device, "mosquitto_pub");
        command.args([
            "-h",
            &host,
            "-i",
            "ESP32_C0FFEE",
            "-u",
            "esp-7",
            "-P",
            "made-by-its-owner",
            "-q",
            "1",
        ]);
        command.args([
            "--will-topic",
            "device/esp-7/status",
            "--will-payload",
            "offline",
            "--will-retain",
        ]);
        command.args(["-t", "sensor/esp-7/audio", "-f", &file]);
        run(command, &["-p", "8883", "--cafile", ca])
    };
    wait_until_blocking("the door is open", || pairing().status.success()).expect("it pairs");
    let waiting = || {
        let devices = run_casement(&["devices", "list"]);
        devices
            .as_array()
            .expect("a list")
            .iter()
            .find(|device| device["device_id"] == "esp-7")
            .cloned()
    };
    let mut introduced = None;
    wait_until_blocking("its first message is shown", || {
        introduced = waiting();
        introduced
            .as_ref()
            .is_some_and(|device| device["pending"]["first"][0].is_array())
    })
    .expect("it is noted");
    let introduced = introduced.expect("a device");
    assert_eq!(
        introduced["pending"]["address"],
        Host::Device.address().to_string()
    );
    assert_eq!(introduced["pending"]["client_id"], "ESP32_C0FFEE");
    let approved = run(
        casement.command(["devices", "approve", "esp-7", "--data", data]),
        &[],
    );
    assert!(approved.status.success(), "{approved:?}");
    let mut clips = None;
    let stored = wait_until_blocking("its clip is stored", || {
        assert!(pairing().status.success());
        let url = "http://127.0.0.1:8123/?query=SELECT+least(count(),1)+FROM+iot.sensor_audio+WHERE+device_id='esp-7'";
        let answer = clips.insert(run(
            hosts.command(Host::House, "curl"),
            &["--silent", "--globoff", url],
        ));
        answer.stdout == b"1\n"
    });
    assert!(stored.is_ok(), "{clips:?}");
}

#[test]
fn a_device_joins_over_the_network_and_a_stranger_does_not() {
    let hosts = Hosts::connected().expect("two hosts");
    let data = tempfile::tempdir().expect("a temporary directory");
    let data = data.path().join("data").display().to_string();
    let casement = Casement::new(env!("CARGO_BIN_EXE_casement")).on(&hosts, Host::House);
    let mut up = casement
        .start(&["up", "--lan", "--simulate", "1", "--data", &data])
        .expect("it starts");
    up.wait_for_line("Casement is ready").expect("it is ready");
    let address = Host::House.address();
    up.wait_for_line(&format!("Devices: mqtts://{address}:8883"))
        .expect("the device's address");
    up.wait_for_line(&format!("wss://{address}:8884/mqtt"))
        .expect("the browser's address");
    let line = up
        .wait_for_line("They trust this authority: ")
        .expect("the authority");
    let ca = line.rsplit(": ").next().expect("a path").to_owned();
    assert!(PathBuf::from(&ca).exists());
    let house = House {
        hosts,
        casement,
        data,
        ca,
    };
    // An account, made while the service runs: what is printed says how to come in.
    let account = house.casement(&["devices", "add", "sensor-001"]);
    let door = &account["broker"];
    assert_eq!(
        (&door["host"], &door["port"], &door["tls"]),
        (&address.to_string().into(), &8883.into(), &true.into())
    );
    let printed = std::fs::read_to_string(&house.ca).ok();
    assert_eq!(door["ca"].as_str(), printed.as_deref());
    only_accounts_come_in(&house, account["password"].as_str().expect("a password"));
    up.wait_for_line("the client names no user")
        .expect("the stranger is named");
    for (port, expected) in [
        (1883, false),
        (8080, false),
        (8123, false),
        (8883, true),
        (8884, true),
        (8443, true),
    ] {
        assert_eq!(is_open(&house.hosts, port), expected, "port {port}");
    }
    an_esp32_pairs(&house);
    what_people_see(&house);
    for (kind, port) in [("_mqtt._tcp.local.", 8883), ("_casement._tcp.local.", 8443)] {
        let (found, addresses) = found(&house.hosts, kind);
        assert_eq!(found, port, "{kind}");
        let host = address.to_string();
        assert!(
            addresses.iter().any(|address| address.starts_with(&host)),
            "{addresses:?}"
        );
    }
    up.terminate(PATIENCE).expect("an orderly end");
}

/// The page on the house itself, and its metrics over HTTPS.
fn what_people_see(house: &House) {
    // Simulated rooms are of this process and need no account.
    let mut page = None;
    let joined = wait_until_blocking("both devices are shown", || {
        let command = house.hosts.command(Host::House, "curl");
        let answer = page.insert(run(
            command,
            &["--silent", "http://127.0.0.1:8080/api/v1/devices"],
        ));
        let text = String::from_utf8_lossy(&answer.stdout);
        text.contains("sim-001") && text.contains("sensor-001")
    });
    assert!(joined.is_ok(), "{page:?}");
    let prometheus = house.casement(&["accounts", "add", "prometheus", "--role", "reader"]);
    let bearer = format!(
        "Authorization: Bearer {}",
        prometheus["token"].as_str().expect("a token")
    );
    let url = format!("https://{}:8443/metrics", Host::House.address());
    let ask = |header: &str| {
        let arguments = ["--silent", "--cacert", &house.ca, "--header", header, &url];
        run(house.hosts.command(Host::Device, "curl"), &arguments)
    };
    let stranger = ask("Accept: */*");
    assert!(
        !String::from_utf8_lossy(&stranger.stdout).contains("casement_"),
        "{stranger:?}"
    );
    let mut page = None;
    let known = wait_until_blocking("the account is known", || {
        page.insert(ask(&bearer)).stdout.starts_with(b"# HELP")
    });
    assert!(known.is_ok(), "{page:?}");
    let text = page
        .map(|page| String::from_utf8_lossy(&page.stdout).into_owned())
        .unwrap_or_default();
    assert!(
        text.contains("casement_tls_certificate_expiry_timestamp_seconds"),
        "{text}"
    );
}
