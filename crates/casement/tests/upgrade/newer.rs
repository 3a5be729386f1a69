//! What a newer version wrote: each store is refused with the version and the way out, and not a byte of it is changed.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use testkit::{Addresses, free_addr, get, sql};

use super::{Past, contents, support};

/// How long a refusal may take.
const WITHIN: Duration = Duration::from_mins(1);

/// Starts `casement up` where `change` has made `part` a newer version's; it has to end with these words.
fn refused(part: &str, change: impl Fn(&Path), words: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let installation = Past::newest(dir.path());
    let of_part = installation.data.join(part);
    change(&of_part);
    let before = contents(&of_part);
    let mut up = installation.up(Addresses::free());
    let status = up.wait(WITHIN).unwrap();
    let output = up.output();
    assert!(!status.success(), "{part}: {output}");
    for word in words.iter().chain(&["nothing was changed", "9.1.0"]) {
        assert!(output.contains(word), "{part} says '{word}': {output}");
    }
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        contents(&of_part).keys().collect::<Vec<_>>(),
        "{part}"
    );
    assert!(before == contents(&of_part), "{part} is as it was");
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has {from}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn accounts_and_registry() {
    for part in ["accounts", "registry"] {
        let file = format!("{part}.json");
        let newer = r#""program": "9.1.0", "format": 2"#;
        refused(
            part,
            |dir| {
                let path = dir.join(&file);
                // Who wrote it last stands there once.
                let text = fs::read_to_string(&path).unwrap();
                let lines = text.lines().filter(|line| !line.starts_with(r#"  "program":"#));
                fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
                replace(&path, r#""format": 1"#, newer);
            },
            &[file.as_str(), "format 2", "use the newer version", "backup"],
        );
    }
}

#[test]
fn who_is_signed_in() {
    let newer = |dir: &Path| {
        let content = r#"{"program": "9.1.0", "format": 2, "browsers": []}"#;
        fs::write(dir.join("sessions.json"), content).unwrap();
    };
    refused(
        "accounts",
        newer,
        &["sessions.json", "format 2", "use the newer version"],
    );
}

/// Sensors say it again: the service starts, and what the newer version wrote stays.
#[test]
fn what_closed_windows() {
    let dir = tempfile::tempdir().unwrap();
    let past = Past::newest(dir.path());
    let (path, newer) = (
        past.data.join("registry/rules.json"),
        r#"{"format": 2, "causes": []}"#,
    );
    fs::write(&path, newer).unwrap();
    let at = Addresses::free();
    let mut up = past.up(at);
    up.wait_for_line("Casement is ready").unwrap();
    let alarm = [
        "-t",
        "alarm/smoke",
        "-m",
        "on",
        "-q",
        "1",
        "-h",
        "127.0.0.1",
        "-p",
    ];
    let port = at.mqtt.port().to_string();
    let published = std::process::Command::new("mosquitto_pub")
        .args(alarm)
        .arg(&port)
        .status();
    assert!(published.unwrap().success());
    up.wait_for_line("an alarm").unwrap();
    up.terminate(support::END).unwrap();
    assert!(up.output().contains("is left as it is"));
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
}

#[test]
fn the_journal() {
    let newer = |dir: &Path| {
        fs::write(dir.join("log/version"), b"FJL\x09").unwrap();
        fs::write(dir.join("written-by"), "9.1.0\n").unwrap();
    };
    refused("journal", newer, &["format 9", "start Casement 9.1.0", "backup"]);
}

#[test]
fn the_brokers_storage() {
    // By its stamp, and by its engine's marker.
    let stamped = |dir: &Path| fs::write(dir.join("format"), "2 9.1.0\n").unwrap();
    refused(
        "broker",
        stamped,
        &["format 2", "use the newer version", "backup"],
    );
    let marked = |dir: &Path| {
        fs::write(dir.join("format"), "1 9.1.0\n").unwrap();
        fs::write(dir.join("records/version"), b"FJL\x09").unwrap();
    };
    refused("broker", marked, &["use the newer version", "backup"]);
}

#[test]
fn the_engine() {
    let newer = |dir: &Path| fs::write(dir.join("version"), "99.1.1.1\ncasement 9.1.0\n").unwrap();
    refused(
        "engine",
        newer,
        &[
            "written by ClickHouse 99.1.1.1",
            "use the newer version",
            "backup",
        ],
    );
}

#[test]
fn the_model_that_serves() {
    let newer = |dir: &Path| {
        let sidecar = dir.join("versions/v1.0.2.pth.json");
        replace(&sidecar, "{", r#"{"format": 2, "program": "9.1.0","#);
    };
    refused(
        "models",
        newer,
        &["side-car", "format 2", "use the newer version"],
    );
}

/// The database cannot be looked at before its engine runs: the service runs, keeps what devices say, and tells why nothing is
/// stored.
#[test]
fn the_schema() {
    let dir = tempfile::tempdir().unwrap();
    let past = Past::newest(dir.path());
    let clickhouse = free_addr();
    let mut engine = support::casement().engine(&past.data, clickhouse).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    let newer = "INSERT INTO iot.schema_migrations (version, name, checksum) VALUES (999, 'later', '')";
    sql(clickhouse, newer).unwrap();
    let rows = "SELECT sum(cityHash64(timestamp, device_id, value)), count() FROM iot.sensor_temperature";
    let before = sql(clickhouse, rows).unwrap();
    engine.terminate(support::END).unwrap();
    let at = Addresses::free();
    let mut up = past.up(at);
    up.wait_for_line("use the newer version").unwrap();
    let started = Instant::now();
    let ready = loop {
        let answer = ureq::get(format!("http://{}/ready", at.http))
            .config()
            .http_status_as_error(false)
            .build()
            .call();
        let ready = answer.map(|mut answer| (answer.status(), answer.body_mut().read_to_string().unwrap()));
        match ready {
            Ok(ready) if ready.1.contains("schema 999") => break ready,
            other => assert!(started.elapsed() < WITHIN, "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(ready.0, 503, "{}", ready.1);
    for words in ["a newer Casement", "use the newer version", "backup"] {
        assert!(ready.1.contains(words), "{}", ready.1);
    }
    assert!(get(&format!("http://{}/health", at.http)).is_ok());
    assert_eq!(sql(at.clickhouse, rows).unwrap(), before, "nothing is stored");
    up.terminate(support::END).unwrap();
}
