//! `casement storage`, and what a backend removes: against the real engine, with a disk whose free space the test says.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use backend::{Backend, BackendOptions, Parts, RetentionOptions, Storage};
use domain::Quantity;
use journal::Journal;
use monitoring::{Health, Registry, State};
use serde_json::Value;
use store::{AudioRow, Batch, Disk, Kept, ReadingRow, Row, Store, StoreError, StoreOptions, StoredMonth};
use support::casement;
use testkit::{Process, free_addr, sql, wait_sql};

const DAY_MS: i64 = 86_400_000;
/// 2020-01-15T00:00:00Z, ms.
const JANUARY: i64 = 1_579_046_400_000;
const PATIENCE: Duration = Duration::from_secs(30);

fn engine(data: &Path, addr: SocketAddr) -> Process {
    let mut engine = casement().engine(data, addr).expect("it starts");
    engine
        .wait_for_line("casement engine is running")
        .expect("it serves");
    engine
}

/// The program's answer.
fn storage(flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
    command.arg("storage").args(flags);
    command.output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn reading(quantity: Quantity, timestamp: i64) -> Row {
    let row = ReadingRow {
        timestamp,
        device_id: "a".into(),
        value: 20.0,
        received_at: timestamp,
        offset: 0.0,
    };
    Row::Reading(quantity, row)
}

fn clip(timestamp: i64) -> Row {
    Row::Audio(AudioRow {
        timestamp,
        device_id: "a".into(),
        sample_rate: 16_000,
        duration: 2.0,
        format: "wav".into(),
        audio_hash: "ab".into(),
        features: "{}".into(),
        raw_path: String::new(),
        received_at: timestamp,
        spectral_bandwidth: f32::NAN,
        spectral_flatness: f32::NAN,
        mel_db: Vec::new(),
    })
}

/// Readings, clips and rollups of January to March 2020 and of now; the rollups lack March's readings.
async fn fill(store: &Store, addr: SocketAddr) {
    store.migrate().await.expect("a schema");
    let mut batch = Batch::default();
    for month in 0..3 {
        for second in 0..100 {
            let timestamp = JANUARY + month * 30 * DAY_MS + second * 1_000;
            batch.push(reading(Quantity::Temperature, timestamp));
            batch.push(reading(Quantity::Humidity, timestamp));
        }
        batch.push(clip(JANUARY + month * 30 * DAY_MS));
    }
    batch.push(reading(Quantity::Temperature, now()));
    store.insert(&batch, "j/1-1").await.expect("rows are stored");
    tokio::task::block_in_place(|| {
        sql(addr, "ALTER TABLE iot.readings_by_time DROP PARTITION 202003").expect("it goes");
    });
}

/// The real tables behind a disk whose free space the test says.
#[derive(Debug)]
struct OnDisk {
    store: Store,
    free: AtomicU64,
}

#[async_trait]
impl Storage for OnDisk {
    async fn months(&self) -> Result<Vec<StoredMonth>, StoreError> {
        Storage::months(&self.store).await
    }

    async fn disk(&self) -> Result<Option<Disk>, StoreError> {
        let disk = Storage::disk(&self.store).await?;
        let free_bytes = self.free.load(Ordering::Relaxed);
        Ok(disk.map(|disk| Disk { free_bytes, ..disk }))
    }

    async fn is_rolled_up(&self, month: &StoredMonth) -> Result<bool, StoreError> {
        Storage::is_rolled_up(&self.store, month).await
    }

    async fn drop_month(&self, month: &StoredMonth) -> Result<(), StoreError> {
        Storage::drop_month(&self.store, month).await
    }

    async fn keep_for(&self, table: &str, column: &str, days: u32) -> Result<bool, StoreError> {
        Storage::keep_for(&self.store, table, column, days).await
    }
}

/// The tables of the engine at `addr`, filled, on a disk with so many free bytes.
async fn filled(addr: SocketAddr, free: u64) -> Arc<OnDisk> {
    let store = Store::new(StoreOptions::new(format!("http://{addr}"), "iot")).expect("options");
    fill(&store, addr).await;
    Arc::new(OnDisk {
        store,
        free: AtomicU64::new(free),
    })
}

/// A backend on the engine's tables.
fn start(on_disk: &Arc<OnDisk>, journal: &Path, days: &[(Kept, u32)]) -> (Backend, Registry) {
    let options = BackendOptions {
        retention: RetentionOptions {
            days: days.iter().copied().collect(),
            min_free_bytes: 1_000,
            every: Duration::from_millis(20),
            notice: Duration::ZERO,
        },
        ..BackendOptions::default()
    };
    let parts = Parts {
        log: Arc::new(Journal::open(journal::Options::new(journal)).expect("a journal")),
        tables: Arc::new(on_disk.store.clone()),
        history: Arc::new(on_disk.store.clone()),
        registry: registry::Registry::in_memory(),
        windows: None,
        storage: Some(Arc::clone(on_disk) as _),
    };
    let mut registry = Registry::default();
    let backend = Backend::start(options, parts, &mut registry).expect("it starts");
    (backend, registry)
}

/// Waits until the reason of the disk's part contains `text`; without one, until it is well.
async fn until_disk_says(backend: &Backend, text: Option<&str>) {
    let parts = backend.health();
    let says = async {
        loop {
            let disk = parts()
                .into_iter()
                .find(|part| part.name == "disk")
                .expect("a disk");
            if disk
                .reason
                .as_deref()
                .is_some_and(|reason| text.is_some_and(|text| reason.contains(text)))
                || disk.reason.is_none() && text.is_none()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, says)
        .await
        .expect("it says so in time");
}

const MONTHS: &str = "SELECT arrayStringConcat(groupArray(concat(table, ' ', partition)), ', ') FROM (SELECT DISTINCT \
    table, partition FROM system.parts WHERE active AND database = 'iot' AND partition LIKE '2020%' AND table IN \
    ('sensor_temperature', 'sensor_humidity', 'sensor_audio', 'readings_by_time') ORDER BY table, partition)";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_goes_and_what_the_rollups_lack_stays() {
    let dir = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let _engine = engine(&dir.path().join("data"), addr);
    let on_disk = filled(addr, u64::MAX).await;
    let (backend, registry) = start(&on_disk, &dir.path().join("journal"), &[(Kept::Readings, 30)]);
    tokio::task::spawn_blocking(move || {
        let left = "readings_by_time 202001, readings_by_time 202002, sensor_audio 202001, sensor_audio 202002, \
                    sensor_audio 202003, sensor_humidity 202003, sensor_temperature 202003";
        wait_sql(addr, MONTHS, left).unwrap();
        let told = "SELECT count(), any(topic), countIf(detail LIKE 'sensor_%: 100 rows of 2020-0%') FROM iot.ingest_errors \
                    WHERE reason = 'removed_by_age'";
        wait_sql(addr, told, "4\t\t4").unwrap();
        assert_eq!(sql(addr, "SELECT count() FROM iot.sensor_temperature WHERE timestamp > now() - 3600").unwrap(), "1");
        let charted = "SELECT sum(readings) FROM iot.readings_over(step = 3600) WHERE toYYYYMM(time) = 202001";
        assert_eq!(sql(addr, charted).unwrap(), "200");
    })
    .await
    .unwrap();
    let text = monitoring::Monitor::new(registry, vec![]).text();
    for line in [
        r#"casement_backend_removed_rows_total{cause="age"} 400"#,
        r#"casement_backend_removed_rows_total{cause="space"} 0"#,
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    until_disk_says(&backend, None).await;
    assert_eq!(backend.stop(PATIENCE).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_disk_costs_old_readings_then_clips_and_says_when_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let _engine = engine(&dir.path().join("data"), addr);
    let on_disk = filled(addr, 999).await;
    let (backend, _registry) = start(&on_disk, &dir.path().join("journal"), &[]);
    until_disk_says(&backend, Some("nothing is left that may be removed")).await;
    let health = Health::of(backend.health()());
    let disk = health.parts.iter().find(|part| part.name == "disk").unwrap();
    assert_eq!(disk.state, State::Degraded);
    tokio::task::spawn_blocking(move || {
        let left = "readings_by_time 202001, readings_by_time 202002, sensor_humidity 202003, sensor_temperature 202003";
        wait_sql(addr, MONTHS, left).unwrap();
        // Readings before clips, the older months first; the order within a month is that of size.
        let order = "SELECT arrayStringConcat(groupArray(if(detail LIKE 'sensor_audio%', 'clips', extract(detail, '2020-0\\\\d'))), ' ') \
                     FROM (SELECT * FROM iot.ingest_errors WHERE reason = 'removed_for_space' ORDER BY received_at)";
        wait_sql(addr, order, "2020-01 2020-01 2020-02 2020-02 clips clips clips").unwrap();
        assert_eq!(sql(addr, "SELECT count() FROM iot.sensor_temperature WHERE timestamp > now() - 3600").unwrap(), "1");
    })
    .await
    .unwrap();
    // A tenth above the mark it is well again.
    on_disk.free.store(1_100, Ordering::Relaxed);
    until_disk_says(&backend, None).await;
    assert_eq!(backend.stop(PATIENCE).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_the_parts_say() {
    let dir = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let _engine = engine(&dir.path().join("data"), addr);
    let at = format!("--clickhouse={addr}");
    let missing = storage(&[&at]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        text(&missing.stderr).contains("there is no database 'iot'"),
        "{missing:?}"
    );

    let store = Store::new(StoreOptions::new(format!("http://{addr}"), "iot")).unwrap();
    fill(&store, addr).await;
    let answer = storage(&[&at, "--json"]);
    let json: Value = serde_json::from_slice(&answer.stdout).unwrap_or_else(|_| panic!("{answer:?}"));
    let parts = "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'iot'";
    let parts = tokio::task::block_in_place(|| sql(addr, parts)).unwrap();
    assert_eq!(format!("{}\t{}", json["rows"], json["bytes"]), parts);
    assert_eq!(
        json["bytes_in_a_year"],
        Value::Null,
        "there is no full day of this week"
    );
    assert!(json["disk"]["free_bytes"].as_u64().unwrap() > 0);
    let months = json["months"].as_array().unwrap();
    assert!(months.iter().any(|month| month["table"] == "sensor_humidity"
        && month["month"] == "2020-01"
        && month["rows"] == 100));

    let shown = text(&storage(&[&at]).stdout);
    for part in [
        "sensor_humidity",
        "2020-01",
        "BYTES A ROW",
        "not enough data yet",
        "Disk 'default'",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    // Yesterday is a full day.
    let midnight = now().div_euclid(DAY_MS) * DAY_MS;
    let day: Batch = (0..1_440)
        .map(|minute| reading(Quantity::Temperature, midnight - DAY_MS + minute * 60_000))
        .collect();
    store.insert(&day, "j/2-2").await.unwrap();
    let answer = storage(&[&at, "--json"]);
    let json: Value = serde_json::from_slice(&answer.stdout).unwrap_or_else(|_| panic!("{answer:?}"));
    let tables = json["tables"].as_array().unwrap();
    let temperature = tables
        .iter()
        .find(|table| table["table"] == "sensor_temperature")
        .unwrap();
    assert_eq!(temperature["rows_a_day"], 1_440.0);
    assert_eq!(temperature["days_measured"], 1);
    assert!(json["bytes_in_a_year"].as_f64().unwrap() > 1_440.0 * 365.0);
}

#[test]
fn mistakes_are_explained() {
    let nowhere = storage(&["--clickhouse=127.0.0.1:1"]);
    assert_eq!(nowhere.status.code(), Some(3));
    assert!(
        text(&nowhere.stderr).contains("ClickHouse cannot be reached at http://127.0.0.1:1"),
        "{nowhere:?}"
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("casement.yaml");
    for (yaml, reason) in [
        (
            "retention: {rollups_days: 30}",
            "the readings are kept for ever and their rollups for 30 days",
        ),
        (
            "retention: {readings_days: -1}",
            "'retention.readings_days' cannot be used: -1",
        ),
        (
            "retention: {readings_days: a year}",
            "'retention.readings_days' cannot be used",
        ),
        ("retention: {reading_days: 30}", "readings_days"),
        (
            "retention: {min_free_bytes: 5%}",
            "'retention.min_free_bytes' cannot be used",
        ),
        ("retention: 30", "it is a section"),
    ] {
        std::fs::write(&file, yaml).unwrap();
        let refused = storage(&["--config", file.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(text(&refused.stderr).contains(reason), "{yaml}: {refused:?}");
    }
}
