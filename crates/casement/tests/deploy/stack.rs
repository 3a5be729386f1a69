//! The services of `compose.yaml` as plain processes, with its files, accounts and variables: a real Mosquitto, backend, ML
//! service and simulator, and the engine in ClickHouse's place.

use std::{
    fs,
    process::{Command, Output},
};

use testkit::{Signal, free_addr, get, signal, sql_with, wait_until_blocking};

use crate::{
    support::{casement, command::password},
    world::{World, succeeds},
};

/// Publishes a value at QoS 1.
fn publish(arguments: &[&str]) -> Output {
    Command::new("mosquitto_pub")
        .args(["-V", "5", "-q", "1", "-m", "21"])
        .args(arguments)
        .output()
        .unwrap()
}

fn refused(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    said.contains("not authori")
}

#[test]
fn mosquitto_takes_the_stacks_files_and_its_health_check_tells() {
    let world = World::new();
    world.accounts();
    let data = world.volume("casement");
    let device = password(&data, &["devices", "add", "sensor-001"]);
    // Run again, it keeps what is there and adds the device.
    let before = fs::read_to_string(world.volume("service-accounts").join("demo.password")).unwrap();
    world.accounts();
    let demo = fs::read_to_string(world.volume("service-accounts").join("demo.password")).unwrap();
    assert_eq!(before, demo);
    let mosquitto = world.mosquitto();

    // A device comes in by TLS, by the name of this host, and says nothing for others.
    let ca = data.join("tls/ca.pem").display().to_string();
    let port = world.tls.port().to_string();
    let by_tls = |user: &str, password: &str, topic: &str| {
        publish(&[
            "-h",
            "localhost",
            "-p",
            &port,
            "--cafile",
            &ca,
            "-u",
            user,
            "-P",
            password,
            "-t",
            topic,
        ])
    };
    let output = by_tls("sensor-001", &device, "sensor/sensor-001/temperature");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(refused(&by_tls(
        "sensor-001",
        &device,
        "sensor/other/temperature"
    )));
    assert!(refused(&by_tls(
        "sensor-001",
        "guess",
        "sensor/sensor-001/temperature"
    )));
    assert!(refused(&by_tls("demo", demo.trim(), "window/room-001/control")));
    assert!(
        by_tls("demo", demo.trim(), "sensor/room-001/humidity")
            .status
            .success()
    );

    // Nobody comes in without an account, and that is by what the health check knows that it lives.
    let Some(project) = world.place.project(&["compose.yaml"], "") else {
        return;
    };
    let check = project["services"]["mosquitto"]["healthcheck"]["test"][1]
        .as_str()
        .unwrap();
    let here = format!("-h {} -p {}", world.plain.ip(), world.plain.port());
    let check = check.replace("-h 127.0.0.1 -p 1883", &here);
    let is_well = || succeeds(&check);
    assert!(is_well());
    signal(mosquitto.pid(), Signal::STOP).unwrap();
    assert!(!is_well(), "it hangs");
    signal(mosquitto.pid(), Signal::CONT).unwrap();
    wait_until_blocking("Mosquitto is well again", is_well).unwrap();
    drop(mosquitto);
    assert!(!is_well(), "it is gone");
}

#[test]
fn the_stacks_services_move_windows_as_plain_processes() {
    let world = World::new();
    let Some(project) = world.place.project(&["compose.yaml"], "demo") else {
        return;
    };
    world.accounts();
    let _mosquitto = world.mosquitto();
    let clickhouse = free_addr();
    let (data, address) = (
        world.volume("engine").display().to_string(),
        clickhouse.to_string(),
    );
    let passwords = [
        (
            "CASEMENT__ENGINE__PASSWORD",
            world.place.secret("clickhouse-writer"),
        ),
        (
            "CASEMENT__ENGINE__READER_PASSWORD",
            world.place.secret("clickhouse-reader"),
        ),
    ];
    let engine = ["engine", "--data", &data, "--clickhouse", &address];
    let mut engine = casement().start_with(&engine, &passwords).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();

    // As they stand in the file, but for the ports, and the engine's name for its writer.
    let (page, page_tls, ml) = (free_addr(), free_addr(), free_addr());
    let listeners = project["services"]["backend"]["environment"]["CASEMENT__HTTP__LISTENERS"]
        .as_str()
        .unwrap()
        .replace(":8080", &format!(":{}", page.port()))
        .replace(":8443", &format!(":{}", page_tls.port()));
    let backend = [
        ("CASEMENT__HTTP__LISTENERS", listeners),
        ("CASEMENT__CLICKHOUSE__ADDR", address.clone()),
        ("CASEMENT__CLICKHOUSE__USER", "default".to_owned()),
    ];
    let mut backend = world.start(&project, "backend", &backend);
    backend.wait_for_line("casement backend is running").unwrap();
    let ml = [("CASEMENT__ML__ADDR", ml.to_string())];
    let mut ml = world.start(&project, "ml", &ml);
    ml.wait_for_line("casement ml is running").unwrap();
    let demo = world.start(&project, "demo", &[]);

    let reader = format!("user=reader&password={}", world.place.secret("clickhouse-reader"));
    let statement = "SELECT count() > 4, uniqExact(device_id) FROM iot.window_actions WHERE origin = 'model'";
    wait_until_blocking("the windows of five rooms move", || {
        sql_with(clickhouse, &reader, statement).is_ok_and(|answer| answer.trim() == "1\t5")
    })
    .unwrap_or_else(|error| {
        panic!(
            "{error}\nbackend: {}\nml: {}\ndemo: {}",
            backend.tail(),
            ml.tail(),
            demo.tail()
        )
    });
    let page = format!("http://127.0.0.1:{}/ready", page.port());
    let ready = get(&page).unwrap();
    assert!(!ready.contains("\"down\""), "{ready}");

    // ClickHouse's health check knows whether it answers.
    let check = project["services"]["clickhouse"]["healthcheck"]["test"][1]
        .as_str()
        .unwrap();
    let check = check.replace("127.0.0.1:8123", &address);
    let is_well = || succeeds(&check);
    assert!(is_well());
    signal(engine.pid(), Signal::STOP).unwrap();
    assert!(!is_well(), "it hangs");
    signal(engine.pid(), Signal::CONT).unwrap();
    wait_until_blocking("ClickHouse is well again", is_well).unwrap();
    drop(engine);
    assert!(!is_well(), "it is gone");
}
