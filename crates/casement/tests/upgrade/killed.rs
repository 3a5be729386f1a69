//! `kill -9` of the whole process within an upgrade: the next start goes on at once, and nothing is lost or counted twice.

use std::time::{Duration, Instant};

use store::SCHEMA_VERSION;
use testkit::{Addresses, Process, sql, wait_sql};

use super::{Past, disk, support};

const WITHIN: Duration = Duration::from_mins(2);

/// Waits until it has printed this, or is ready. Returns whether it is ready.
fn wait(up: &Process, text: &str) -> bool {
    let started = Instant::now();
    loop {
        let output = up.output();
        if output.contains("Casement is ready") {
            return true;
        }
        if output.contains(text) {
            return false;
        }
        assert!(started.elapsed() < WITHIN, "{text}: {output}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_that_is_killed_goes_on_with_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let past = Past {
        data: dir.path().join("data"),
        account: serde_json::Value::Null,
    };
    disk::earlier(&past.data).await;
    let at = Addresses::free();
    for step in [
        "schema migration 2 of",
        "schema migration 9 of",
        "rollup of earlier rows 1 of",
    ] {
        let mut up = past.up(at);
        let is_ready = wait(&up, step);
        up.kill();
        if is_ready {
            break;
        }
    }
    let mut up = past.up(at);
    let started = Instant::now();
    assert!(wait(&up, "Casement is ready"));
    // It does not wait for the turn of a process that has ended.
    let output = up.output();
    assert!(
        !output.contains("waiting for it"),
        "{:?}: {output}",
        started.elapsed()
    );
    let version = sql(at.clickhouse, "SELECT max(version) FROM iot.schema_migrations").unwrap();
    assert_eq!(version, SCHEMA_VERSION.to_string());
    let rows = disk::ROWS;
    wait_sql(
        at.clickhouse,
        "SELECT (SELECT count() FROM iot.sensor_temperature), (SELECT sum(readings) FROM iot.readings_by_time WHERE step = 60)",
        &format!("{rows}\t{rows}"),
    )
    .unwrap();
    up.terminate(support::END).unwrap();
}
