//! What systemd hears of a role: ready, what it serves, that it lives, that it ends.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{fs, os::unix::net::UnixDatagram, time::Duration};

use testkit::{Addresses, Signal, free_addr, signal};

fn told(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4_096];
    let size = socket.recv(&mut buffer).expect("the role says something");
    String::from_utf8(buffer[..size].to_vec()).unwrap()
}

#[test]
fn a_role_is_ready_lives_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let config = dir.path().join("casement.yaml");
    // Nobody is at these addresses: a service that waits for others is no failed one.
    let (broker, clickhouse) = (free_addr(), free_addr());
    let journal = dir.path().join("data/journal");
    let accounts = dir.path().join("data/accounts");
    let text = format!(
        "mqtt: {{broker: 'tcp://{broker}'}}\nclickhouse: {{addr: '{clickhouse}'}}\n\
         journal: {{path: {}}}\naccounts: {{path: {}}}\n",
        journal.display(),
        accounts.display()
    );
    fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let environment = [
        ("NOTIFY_SOCKET", path.display().to_string()),
        ("WATCHDOG_USEC", "100000".to_owned()),
    ];
    for role in ["backend", "ml"] {
        let http = free_addr().to_string();
        let arguments = [role, "--config", &config, "--http", &http];
        let mut process = support::casement().start_with(&arguments, &environment).unwrap();
        let first = told(&socket);
        assert!(
            first.starts_with("READY=1\nSTATUS=") && first.contains(&broker.to_string()),
            "{role}: {first}"
        );
        for _ in 0..3 {
            assert_eq!(told(&socket).trim(), "WATCHDOG=1", "{role}");
        }
        signal(process.pid(), Signal::TERM).unwrap();
        while told(&socket).trim() != "STOPPING=1" {}
        assert!(
            process.wait(support::END).unwrap().success(),
            "{}",
            process.output()
        );
        socket.set_nonblocking(true).unwrap();
        while socket.recv(&mut [0; 64]).is_ok() {}
        socket.set_nonblocking(false).unwrap();
    }
}

#[test]
fn the_whole_system_is_ready_lives_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    // The engine starts before anything is said.
    socket.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    let environment = [
        ("NOTIFY_SOCKET", path.display().to_string()),
        ("WATCHDOG_USEC", "200000".to_owned()),
    ];
    let addresses = Addresses::free();
    let arguments = addresses.arguments(&dir.path().join("data"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut process = support::casement().start_with(&arguments, &environment).unwrap();
    // The engine's process has the same variables, and says nothing to systemd: the first word is the parent's.
    let first = told(&socket);
    assert!(
        first.starts_with("READY=1\nSTATUS=page http://")
            && first.contains("MQTT")
            && first.contains("ClickHouse"),
        "{first}"
    );
    let page = format!("http://{}/healthz", addresses.http);
    assert!(testkit::get(&page).is_ok(), "READY is said when it serves");
    for _ in 0..5 {
        assert_eq!(told(&socket).trim(), "WATCHDOG=1");
    }
    // A process that hangs says nothing more, by which systemd knows.
    signal(process.pid(), Signal::STOP).unwrap();
    socket.set_nonblocking(true).unwrap();
    while socket.recv(&mut [0; 64]).is_ok() {}
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    assert!(
        socket.recv(&mut [0; 64]).is_err(),
        "it hangs and says that it lives"
    );
    signal(process.pid(), Signal::CONT).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(told(&socket).trim(), "WATCHDOG=1");
    signal(process.pid(), Signal::TERM).unwrap();
    while told(&socket).trim() != "STOPPING=1" {}
    assert!(
        process.wait(support::END).unwrap().success(),
        "{}",
        process.output()
    );
}
