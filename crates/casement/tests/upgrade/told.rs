//! What systemd hears of an upgrade that takes long: how far it is, and that the start needs more time.

use std::{os::unix::net::UnixDatagram, time::Duration};

use testkit::{Addresses, free_addr, sql};

use super::{Past, support};

#[test]
fn a_start_that_takes_long_asks_for_more_time() {
    let dir = tempfile::tempdir().unwrap();
    let past = Past::unpack("data-schema-26", dir.path());
    // A process of another machine changes the schema, and gives no sign of life: its turn ends after 15 seconds.
    let clickhouse = free_addr();
    let mut engine = support::casement().engine(&past.data, clickhouse).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    for statement in [
        "CREATE TABLE IF NOT EXISTS iot.schema_lock (turn UInt32, what LowCardinality(String), holder String, \
         at DateTime64(3) DEFAULT now64(3)) ENGINE = MergeTree ORDER BY turn SETTINGS non_replicated_deduplication_window = 1000",
        "INSERT INTO iot.schema_lock (turn, what, holder) VALUES (1000, 'taken', 'boot namespace 4711 1 1')",
    ] {
        sql(clickhouse, statement).unwrap();
    }
    engine.terminate(support::END).unwrap();

    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    let variables = [("NOTIFY_SOCKET", path.display().to_string())];
    let mut up = past.up_with(Addresses::free(), &variables);
    let mut heard = Vec::new();
    loop {
        let mut buffer = [0; 4_096];
        let size = socket.recv(&mut buffer).expect("the role says something");
        let said = String::from_utf8_lossy(&buffer[..size]).into_owned();
        if said.starts_with("READY=1") {
            break;
        }
        heard.push(said);
    }
    let asks = |said: &String| {
        // Five minutes, in microseconds.
        said.lines().any(|line| line == "EXTEND_TIMEOUT_USEC=300000000")
            && said
                .lines()
                .any(|line| line.starts_with("STATUS=") && line.contains("process 4711"))
    };
    assert!(heard.iter().any(asks), "{heard:?}");
    up.terminate(support::END).unwrap();
}
