//! An installation under a flood of readings, and the commands that back it up and restore it.

use std::{
    collections::{HashMap, HashSet},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::Timestamp;
use futures_util::future::join_all;
use mqtt::Qos;
use serde_json::Value;
use testkit::Up;
use tokio::task::{JoinHandle, JoinSet};

use crate::support::client::{self, Client};

/// A reading: its device and its time in milliseconds.
pub type Key = (String, i64);

/// Where a test's installation, its backups and what is restored are.
pub struct Places {
    pub root: tempfile::TempDir,
}

impl Places {
    pub fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

pub fn command<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
    command.args(arguments).current_dir(std::env::temp_dir());
    command
}

fn words(path: &Path) -> String {
    path.display().to_string()
}

pub fn backup(data: &Path, to: &Path, flags: &[&str]) -> Output {
    let (data, to) = (words(data), words(to));
    let own = ["backup", "--data", &data, "--to", &to];
    command(&[&own[..], flags].concat()).output().unwrap()
}

/// A backup that has to succeed. Returns its manifest without files, and its path.
pub fn backed_up(data: &Path, to: &Path, flags: &[&str]) -> Value {
    let output = backup(data, to, &[flags, &["--json"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn restore(path: &Path, data: &Path) -> Output {
    command(&["restore", &words(path), "--data", &words(data)])
        .output()
        .unwrap()
}

pub fn restored(path: &Path, data: &Path) {
    let output = restore(path, data);
    assert!(output.status.success(), "{output:?}");
}

pub fn verify(path: &Path) -> Output {
    command(&["backup", "--verify", &words(path)]).output().unwrap()
}

/// What a command that fails says.
pub fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

/// Every backup in `shelf`, directories and archives.
pub fn whole(shelf: &Path) -> Vec<PathBuf> {
    let is_archive = |path: &Path| path.extension().is_some_and(|ending| ending == "zst");
    entries(shelf)
        .into_iter()
        .filter(|path| (path.join("manifest.json").exists() || is_archive(path)) && !is_hidden(path))
        .collect()
}

/// What was begun in `shelf` and is no backup.
pub fn partial(shelf: &Path) -> Vec<PathBuf> {
    entries(shelf)
        .into_iter()
        .filter(|path| is_hidden(path))
        .collect()
}

pub fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with('.')
}

/// Publishes `count` readings of a device, from `start` on, and returns when all are acknowledged.
pub async fn publish(broker: SocketAddr, device: &str, start: i64, count: i64) -> Vec<Key> {
    let client = Client::connect(broker, &[]).await;
    let topic = format!("sensor/{device}/temperature");
    let mut sent = JoinSet::new();
    for i in 0..count {
        let (publisher, topic) = (client.publisher.clone(), topic.clone());
        sent.spawn(async move {
            let payload = client::reading(20.0, Timestamp::from_millis(start + i));
            let confirmed = publisher.publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
            tokio::time::timeout(Duration::from_mins(1), confirmed)
                .await
                .unwrap()
                .unwrap();
        });
        // At most so many unacknowledged.
        if sent.len() >= 200 {
            sent.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = sent.join_next().await {
        done.unwrap();
    }
    (0..count).map(|i| (device.to_owned(), start + i)).collect()
}

/// A stream of readings until it is stopped or the broker is gone. It is paced: what a test has stored by it depends on what
/// the test waits for, not on the machine.
pub struct Flood {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    acknowledged: Arc<parking_lot::Mutex<Vec<Key>>>,
}

impl Flood {
    pub fn begin(broker: SocketAddr, name: &str, senders: usize) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let tasks = (0..senders).map(|sender| {
            let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            tokio::spawn(flow(broker, format!("{name}-{sender}"), stop, acknowledged))
        });
        Self {
            tasks: tasks.collect(),
            stop,
            acknowledged,
        }
    }

    /// What was acknowledged so far.
    pub fn so_far(&self) -> Vec<Key> {
        self.acknowledged.lock().clone()
    }

    /// Waits until more than `count` are acknowledged.
    pub async fn wait_for(&self, count: usize) {
        let begun = self.so_far().len();
        testkit::wait_until("readings are acknowledged", || {
            self.so_far().len() > begun + count
        })
        .await
        .unwrap();
    }

    pub async fn end(self) -> Vec<Key> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.acknowledged.lock().clone()
    }
}

async fn flow(
    broker: SocketAddr,
    device: String,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<parking_lot::Mutex<Vec<Key>>>,
) {
    const AT_ONCE: i64 = 50;
    let mut pace = tokio::time::interval(Duration::from_millis(25));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let client = Client::connect(broker, &[]).await;
    let topic = format!("sensor/{device}/temperature");
    let mut time = client::now().as_millis() - 3_600_000;
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let group = (0..AT_ONCE).map(|i| {
            let payload = client::reading(20.0, Timestamp::from_millis(time + i));
            let confirmed =
                client
                    .publisher
                    .publish_confirmed(topic.clone(), payload, Qos::AtLeastOnce, false);
            tokio::time::timeout(Duration::from_secs(30), confirmed)
        });
        for (i, confirmed) in join_all(group).await.into_iter().enumerate() {
            if !matches!(confirmed, Ok(Ok(()))) {
                return;
            }
            acknowledged.lock().push((device.clone(), time + i as i64));
        }
        time += AT_ONCE;
    }
}

/// How often each reading is stored, once the journal is empty.
pub fn stored(up: &Up) -> HashMap<Key, u32> {
    up.wait_page("/api/v1/status", "\"journal_records\":0").unwrap();
    let rows = up
        .sql("SELECT device_id, toUnixTimestamp64Milli(timestamp), count() FROM iot.sensor_temperature GROUP BY 1, 2 FORMAT TSV")
        .unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        (
            (fields[0].to_owned(), fields[1].parse().unwrap()),
            fields[2].parse().unwrap(),
        )
    };
    rows.lines().map(line).collect()
}

/// Each of `expected` is stored once, and nothing is stored twice.
pub fn assert_once(stored: &HashMap<Key, u32>, expected: &[Key]) {
    let lost: Vec<_> = expected.iter().filter(|key| !stored.contains_key(key)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} lost, such as {:?}",
        lost.len(),
        expected.len(),
        lost.first()
    );
    let doubled: Vec<_> = stored.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        doubled.is_empty(),
        "{} doubled, such as {:?}",
        doubled.len(),
        doubled.first()
    );
}

/// Nothing is stored that was never sent.
pub fn assert_known(stored: &HashMap<Key, u32>, sent: &[Key]) {
    let sent: HashSet<&Key> = sent.iter().collect();
    let unknown = stored.keys().find(|key| !sent.contains(key));
    assert_eq!(unknown, None);
}

/// Rows and checksum of tables that only devices write.
pub fn figures(up: &Up) -> Vec<String> {
    up.wait_page("/api/v1/status", "\"journal_records\":0").unwrap();
    [
        "sensor_temperature",
        "sensor_humidity",
        "sensor_co2",
        "window_states",
    ]
    .map(|table| {
        let sql = format!("SELECT '{table}', count(), sum(cityHash64(*)) FROM iot.{table} FORMAT TSV");
        up.sql(&sql).unwrap()
    })
    .to_vec()
}
