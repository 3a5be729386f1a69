//! What happens at the embedded broker's door is a line, a row and a counter; the limit of open files is raised and told.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use support::casement;
use testkit::Up;

/// Sends these bytes to the MQTT port and reads until the broker closes.
fn say(up: &Up, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(up.mqtt).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn events_at_the_door_are_rows_and_counters() {
    let data = tempfile::tempdir().unwrap();
    let up = Up::start(casement(), data.path(), &[]).unwrap();
    let answer = say(&up, b"GET / HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    // A Mosquitto bridge's greeting with its private version.
    let bridge = b"\x10\x12\x00\x04MQTT\x84\x02\x00\x3c\x00\x06bridge";
    assert_eq!(say(&up, bridge), [0x20, 2, 0, 1]);
    let row = |reason: &str, word: &str| {
        let statement = format!(
            "SELECT count() FROM iot.ingest_errors WHERE reason = '{reason}' AND detail LIKE '%{word}%127.0.0.1:%'"
        );
        up.wait_sql(&statement, "1").unwrap();
    };
    row("other_protocol", "client \"\"");
    row("connection_refused", "client \"bridge\"");
    // The next row of system_metrics counts both.
    let counted = "SELECT sum(refused['other_protocol']), sum(refused['connection_refused']), \
                   sum(refused['taken_over']) FROM iot.system_metrics";
    up.wait_sql(counted, "1\t1\t0").unwrap();
    let metrics = up.get("/metrics").unwrap();
    for line in [
        "casement_broker_events_other_protocol_total 1",
        "casement_broker_events_connection_refused_total 1",
        "casement_broker_events_taken_over_total 0",
    ] {
        assert!(metrics.lines().any(|present| present == line), "no {line}");
    }
    let ready = up.get("/ready").unwrap();
    assert!(
        ready.contains("\"descriptors\"") && ready.contains("open files"),
        "{ready}"
    );
}
