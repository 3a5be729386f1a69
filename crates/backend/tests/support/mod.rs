//! A backend without a disk, a database and a broker: everything around it is in memory and does as it is told.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    missing_docs,
    reason = "each test uses a part of it"
)]

pub mod limits;
mod log;
mod tables;
pub mod times;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use backend::{
    Acceptance, Backend, BackendOptions, BatchLimits, Door, Ingest, Message, Outlet, Parts, Passage,
};
use domain::Timestamp;
use monitoring::{Health, Monitor, Registry};
use mqtt::PublishError;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub use log::MemoryLog;
pub use tables::MemoryTables;

/// 2025-10-24T12:00:00Z, in ms.
pub const NOON: i64 = 1_761_307_200_000;
/// Long enough for anything that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A door whose messages the test sends.
#[derive(Debug)]
struct MemoryDoor(mpsc::Receiver<(Message, oneshot::Sender<Option<Acceptance>>)>);

#[async_trait]
impl Door for MemoryDoor {
    async fn run(mut self: Box<Self>, ingest: Arc<Ingest>, shutdown: CancellationToken) {
        while let Some(Some((message, answer))) = shutdown.run_until_cancelled(self.0.recv()).await {
            let outcomes = ingest.accept_in_time(&[message], &shutdown).await;
            let _ = answer.send(outcomes.first().copied());
        }
    }
}

/// Where requests go, and whether the broker is there.
#[derive(Debug, Default, Clone)]
pub struct MemoryOutlet {
    pub connected: Arc<AtomicBool>,
    pub sent: Arc<Mutex<Vec<serde_json::Value>>>,
    /// What devices were told: topic, payload, whether it is retained.
    pub told: Arc<Mutex<Vec<(String, String, bool)>>>,
}

#[async_trait]
impl Outlet for MemoryOutlet {
    fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    async fn send(&self, message: mqtt::Message) -> Result<(), PublishError> {
        if message.topic.starts_with("device/") || message.topic.starts_with("window/") {
            let payload = String::from_utf8(message.payload.to_vec()).unwrap();
            self.told.lock().push((message.topic, payload, message.retain));
            return Ok(());
        }
        let request = serde_json::from_slice(&message.payload).unwrap();
        self.sent.lock().push(request);
        Ok(())
    }

    fn forgets_what_expired(&self) -> bool {
        true
    }
}

/// A backend and its surroundings.
pub struct Bench {
    pub backend: Backend,
    pub log: Arc<MemoryLog>,
    pub tables: Arc<MemoryTables>,
    pub outlet: MemoryOutlet,
    pub monitor: Monitor,
    door: mpsc::Sender<(Message, oneshot::Sender<Option<Acceptance>>)>,
}

impl Bench {
    pub fn start() -> Self {
        Self::around(Arc::default(), Arc::default())
    }

    /// A backend at a log and tables that another one may have used.
    pub fn around(log: Arc<MemoryLog>, tables: Arc<MemoryTables>) -> Self {
        Self::with_devices(log, tables, 100)
    }

    /// The same for at most `max_devices`.
    pub fn with_devices(log: Arc<MemoryLog>, tables: Arc<MemoryTables>, max_devices: usize) -> Self {
        Self::with_registry(log, tables, max_devices, registry::Registry::in_memory())
    }

    /// The same with what people have set up.
    pub fn with_registry(
        log: Arc<MemoryLog>,
        tables: Arc<MemoryTables>,
        max_devices: usize,
        book: Arc<registry::Registry>,
    ) -> Self {
        Self::with((log, tables), max_devices, book, None)
    }

    /// A backend whose registry, windows and rules are kept in `dir`.
    pub fn kept_in(dir: &std::path::Path, tables: Arc<MemoryTables>) -> Self {
        let book = registry::Registry::open(dir).unwrap();
        let windows = backend::WindowsFile::open(dir).unwrap();
        Self::with((Arc::default(), tables), 100, book, Some(windows))
    }

    fn with(
        (log, tables): (Arc<MemoryLog>, Arc<MemoryTables>),
        max_devices: usize,
        book: Arc<registry::Registry>,
        windows: Option<backend::WindowsFile>,
    ) -> Self {
        let options = BackendOptions {
            max_devices,
            batch: BatchLimits {
                age: Duration::from_millis(50),
                ..BatchLimits::default()
            },
            ..BackendOptions::default()
        };
        let parts = Parts {
            log: Arc::clone(&log),
            tables: Arc::clone(&tables) as _,
            history: Arc::clone(&tables) as _,
            registry: book,
            windows,
            storage: None,
        };
        let mut registry = Registry::default();
        let mut backend = Backend::start(options, parts, &mut registry).unwrap();
        let monitor = Monitor::new(registry, vec![backend.health()]);
        let (door, messages) = mpsc::channel(100);
        backend.open_door(Box::new(MemoryDoor(messages)));
        let outlet = MemoryOutlet::default();
        outlet.connected.store(true, Ordering::Relaxed);
        backend.send_requests(outlet.clone());
        Self {
            backend,
            log,
            tables,
            outlet,
            monitor,
            door,
        }
    }

    /// Sends a message through the door; what became of it is told later.
    pub async fn post(&self, topic: &str, payload: &str) -> oneshot::Receiver<Option<Acceptance>> {
        let (answer, answered) = oneshot::channel();
        let message = Message {
            topic: topic.to_owned(),
            payload: payload.to_owned().into(),
            received_at: Timestamp::from_millis(NOON + 1_000),
            passage: Passage::default(),
        };
        self.door.send((message, answer)).await.unwrap();
        answered
    }

    /// Sends a message that is received at `received` seconds after noon, in this way, and says what became of it.
    pub async fn send_at(&self, received: f64, passage: Passage, topic: &str, payload: &str) -> Acceptance {
        let (answer, answered) = oneshot::channel();
        let message = Message {
            topic: topic.to_owned(),
            payload: payload.to_owned().into(),
            received_at: Timestamp::from_millis(NOON + (received * 1_000.0) as i64),
            passage,
        };
        self.door.send((message, answer)).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, answered).await;
        answer
            .expect("an answer in time")
            .unwrap()
            .expect("not shut down")
    }

    /// Sends a message through the door, and says what became of it.
    pub async fn send(&self, topic: &str, payload: &str) -> Acceptance {
        let answered = self.post(topic, payload).await;
        let answer = tokio::time::timeout(PATIENCE, answered).await;
        answer
            .expect("an answer in time")
            .unwrap()
            .expect("not shut down")
    }

    /// A reading at `second` after noon.
    pub async fn reading(&self, device_id: &str, quantity: &str, second: i64, value: f64) -> Acceptance {
        self.send(&format!("sensor/{device_id}/{quantity}"), &reading(second, value))
            .await
    }

    pub fn health(&self) -> Health {
        self.monitor.health()
    }

    /// The reason of a part of the health; `None` where it is well.
    pub fn reason(&self, part: &str) -> Option<String> {
        let health = self.health();
        let part = health.parts.into_iter().find(|known| known.name == part);
        part.expect("a part of that name").reason
    }

    /// The value of a counter or gauge of the backend.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.monitor.text();
        let prefix = format!("casement_backend_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        let value = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        value.parse::<f64>().unwrap() as u64
    }

    /// Waits until `condition` holds.
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let holds = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, holds).await.is_ok(),
            "{what}: {:?}",
            self.health()
        );
    }

    /// Puts a folder where `rules.json` in `dir` is written, so that it cannot be. What is being written then is waited for.
    pub async fn put_in_the_way(&self, dir: &Path) -> PathBuf {
        let folder = dir.join("rules.json.new");
        self.until("nothing is being written", |_| {
            std::fs::create_dir(&folder).is_ok()
        })
        .await;
        folder
    }

    pub async fn stop(self) -> u64 {
        self.backend.stop(Duration::from_secs(2)).await
    }
}

pub fn reading(second: i64, value: f64) -> String {
    let at = rfc3339(NOON + second * 1_000);
    format!(r#"{{"value": {value}, "timestamp": "{at}"}}"#)
}

/// RFC 3339 of a time on the day of [`NOON`].
fn rfc3339(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}
