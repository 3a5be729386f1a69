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
    let house = Host::House.address();
    up.wait_for_line(&format!("Devices: mqtts://{house}:8883"))
        .expect("the device's address");
    up.wait_for_line(&format!("wss://{house}:8884/mqtt"))
        .expect("the browser's address");
    let line = up
        .wait_for_line("They trust this authority: ")
        .expect("the authority");
    let ca = line.rsplit(": ").next().expect("a path").to_owned();

    // An account's certificate, made while the service runs.
    let made = casement.command([
        "provision",
        "tls",
        "--data",
        &data,
        "--client",
        "sensor-001",
        "--json",
    ]);
    let made = run(made, &[]);
    assert!(made.status.success(), "{made:?}");
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    assert_eq!(
        (&made["ca_is_new"], made["ca"].as_str()),
        (&false.into(), Some(&*ca))
    );
    let file = |name: &str| made["clients"][0][name].as_str().expect("a path").to_owned();
    let (certificate, key) = (file("certificate"), file("key"));

    let host = house.to_string();
    let reading = format!(r#"{{"value": 21.5, "timestamp": "{}"}}"#, jiff::Timestamp::now());
    let publish = |arguments: &[&str]| {
        let message = [
            "-h",
            &host,
            "-q",
            "1",
            "-t",
            "sensor/sensor-001/temperature",
            "-m",
            &reading,
        ];
        let mut command = hosts.command(Host::Device, "mosquitto_pub");
        command.args(message);
        run(command, arguments)
    };
    let secure = ["-p", "8883", "--cafile", &ca];
    let with_account = [&secure[..], &["--cert", &certificate, "--key", &key]].concat();
    let output = publish(&with_account);
    assert!(output.status.success(), "{output:?}");
    // Neither without an account, nor without encryption.
    assert!(!publish(&secure).status.success());
    assert!(!publish(&["-p", "1883"]).status.success());
    assert!(!publish(&["-p", "8883"]).status.success());
    up.wait_for_line("the client has no account")
        .expect("the stranger is named");
    for (port, expected) in [
        (1883, false),
        (8080, false),
        (8123, false),
        (8883, true),
        (8884, true),
        (8443, true),
    ] {
        assert_eq!(is_open(&hosts, port), expected, "port {port}");
    }

    // Simulated rooms are of this process and need no account.
    let mut page = None;
    let joined = wait_until_blocking("both devices are shown", || {
        let command = hosts.command(Host::House, "curl");
        let answer = page.insert(run(command, &["--silent", "http://127.0.0.1:8080/api/devices"]));
        let text = String::from_utf8_lossy(&answer.stdout);
        text.contains("sim-001") && text.contains("sensor-001")
    });
    assert!(joined.is_ok(), "{page:?}");

    let url = format!("https://{house}:8443/metrics");
    let page = run(
        hosts.command(Host::Device, "curl"),
        &["--silent", "--cacert", &ca, &url],
    );
    let text = String::from_utf8_lossy(&page.stdout);
    assert!(
        text.contains("casement_tls_certificate_expiry_timestamp_seconds"),
        "{page:?}"
    );
    assert!(PathBuf::from(&ca).exists());

    for (kind, port) in [("_mqtt._tcp.local.", 8883), ("_casement._tcp.local.", 8443)] {
        let (found, addresses) = found(&hosts, kind);
        assert_eq!(found, port, "{kind}");
        assert!(
            addresses.iter().any(|address| address.starts_with(&host)),
            "{addresses:?}"
        );
    }
    up.terminate(PATIENCE).expect("an orderly end");
}
