//! Upgrades on disks that take nothing: the reason is named, nothing is lost, and it goes on by itself.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use store::{SCHEMA_VERSION, Store, StoreOptions};
use testkit::{Addresses, SmallDisk, free_addr, sql, sql_with, wait_sql};

use super::{Past, support};

const WITHIN: Duration = Duration::from_mins(1);
/// The last schema without rollups.
const EARLIER: u32 = 11;
pub(crate) const ROWS: u32 = 400_000;

fn disk(path: &Path) -> SmallDisk {
    SmallDisk::mount(path)
        .unwrap()
        .expect("a small disk can be mounted: run this test as root")
}

/// Makes a database of an earlier schema in `data`.
pub(crate) async fn earlier(data: &Path) {
    let clickhouse = free_addr();
    let mut engine = support::casement().engine(data, clickhouse).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    let store = Store::new(StoreOptions::new(format!("http://{clickhouse}"), "iot")).unwrap();
    store.migrate_until(EARLIER, &|_| {}).await.unwrap();
    let fill = format!(
        "INSERT INTO sensor_temperature (timestamp, device_id, value) SELECT toDateTime64('2025-10-01 00:00:00', 3) + \
         toIntervalSecond(number * 12), toString(number % 9), rand(number) % 1000 / 10 FROM numbers({ROWS})"
    );
    sql_with(clickhouse, "database=iot", &fill).unwrap();
    engine.terminate(support::END).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_is_named_and_the_upgrade_goes_on_when_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(&dir.path().join("disk"));
    let past = Past {
        data: disk.path().join("data"),
        account: serde_json::Value::Null,
    };
    earlier(&past.data).await;
    // Something is left, so that the engine starts; the rollups need more.
    let ballast = disk.fill().unwrap();
    let left = fs::metadata(&ballast).unwrap().len().saturating_sub(3 << 20);
    fs::File::options()
        .write(true)
        .open(&ballast)
        .unwrap()
        .set_len(left)
        .unwrap();
    let at = Addresses::free();
    let mut up = past.up(at);
    let said = up.wait_for_line("free space on").unwrap();
    assert!(said.contains("failed") && said.contains("tried again"), "{said}");
    let started = Instant::now();
    loop {
        let ready = ureq::get(format!("http://{}/ready", at.http))
            .config()
            .http_status_as_error(false)
            .build()
            .call();
        let ready = ready.unwrap().body_mut().read_to_string().unwrap();
        if ready.contains("free space on") {
            break;
        }
        assert!(started.elapsed() < WITHIN, "{ready}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let version = "SELECT max(version) FROM iot.schema_migrations";
    assert_eq!(sql(at.clickhouse, version).unwrap(), EARLIER.to_string());
    fs::remove_file(&ballast).unwrap();
    up.wait_for_line("Casement is ready").unwrap();
    assert_eq!(sql(at.clickhouse, version).unwrap(), SCHEMA_VERSION.to_string());
    wait_sql(
        at.clickhouse,
        "SELECT (SELECT count() FROM iot.sensor_temperature), (SELECT sum(readings) FROM iot.readings_by_time WHERE step = 60)",
        &format!("{ROWS}\t{ROWS}"),
    )
    .unwrap();
    up.terminate(support::END).unwrap();
}

#[test]
fn a_disk_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(&dir.path().join("disk"));
    let past = Past::newest(disk.path());
    let remount = |how: &str| {
        let mounted = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(disk.path())
            .status();
        assert!(mounted.unwrap().success());
    };
    remount("ro");
    let mut up = past.up(Addresses::free());
    assert!(!up.wait(WITHIN).unwrap().success());
    let output = up.output();
    assert!(
        output.contains("Read-only file system") && output.contains("--data DIR"),
        "{output}"
    );
    remount("rw");
    let mut up = past.up(Addresses::free());
    up.wait_for_line("Casement is ready").unwrap();
    up.terminate(support::END).unwrap();
}
