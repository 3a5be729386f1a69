//! How the backend's surroundings are: the broker, ClickHouse, the log.
//!
//! In: what doors and recorder meet. Out: the parts of the role's health, and samples for its metrics.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use monitoring::{Link, Part, Sample};
use mqtt::Publisher;
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use store::{Progress, Usage};

use crate::{Devices, clock::now, keeping::Keeping, log::Repeats};

/// Counts by name, such as those of a broker's refusals.
pub type Counts = Vec<(&'static str, u64)>;

/// Says what was counted until now.
#[derive(Clone)]
pub(crate) struct Counting(pub(crate) Arc<dyn Fn() -> Counts + Send + Sync>);

impl fmt::Debug for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counting")
    }
}

/// What the backend knows of its surroundings.
#[derive(Debug)]
pub(crate) struct Vitals {
    pub(crate) broker: Link,
    pub(crate) subscriptions: Link,
    /// ClickHouse, as the recorder meets it.
    pub(crate) store: Link,
    /// How far a change of the schema has come, while there is one.
    upgrade: Mutex<Option<Progress>>,
    /// ClickHouse, as whoever reads from it meets it.
    pub(crate) store_reads: Link,
    /// Reading the device registry.
    pub(crate) registry: Link,
    /// The disk of the database, as its guard meets it.
    pub(crate) disk: Link,
    /// Appending to the log.
    pub(crate) log_writes: Link,
    /// Planning and finishing in the log.
    pub(crate) log_reads: Link,
    /// The connection to the broker, once there is one.
    pub(crate) publisher: OnceLock<Publisher>,
    /// What the embedded broker refused, by reason.
    pub(crate) broker_refusals: OnceLock<Counting>,
    /// Whether the table of devices was read since the start: who is not known then, is not known.
    pub(crate) has_read_devices: AtomicBool,
    /// How what closes windows is kept, once that is known.
    pub(crate) rules: OnceLock<Arc<Keeping>>,
    /// How the state of windows is kept, once that is known.
    pub(crate) windows: OnceLock<Arc<Keeping>>,
    /// What ClickHouse said of itself last.
    pub(crate) usage: Mutex<Usage>,
    /// When the oldest record of those that are being stored was received, ms; 0: none is.
    waiting_since: AtomicI64,
    log: Arc<dyn Repeats>,
    devices: Arc<Devices>,
}

impl Vitals {
    pub(crate) fn new(log: Arc<dyn Repeats>, devices: Arc<Devices>) -> Self {
        Self {
            broker: Link::needed("broker", "not connected yet"),
            subscriptions: Link::wanted("subscriptions"),
            store: Link::needed("clickhouse", "not reached yet"),
            upgrade: Mutex::default(),
            store_reads: Link::met("clickhouse"),
            registry: Link::wanted("registry"),
            disk: Link::wanted("disk"),
            log_writes: Link::met("journal"),
            log_reads: Link::met("journal"),
            publisher: OnceLock::new(),
            broker_refusals: OnceLock::new(),
            has_read_devices: AtomicBool::new(false),
            rules: OnceLock::new(),
            windows: OnceLock::new(),
            usage: Mutex::default(),
            waiting_since: AtomicI64::new(0),
            log,
            devices,
        }
    }

    /// The backend's parts, each with its reason where it is not well.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let devices = match self.devices.limit_reached() {
            None => Part::ok("devices"),
            Some(most) => Part::degraded(
                "devices",
                format!("more than {most} devices: new ones are stored, but neither shown nor decided for"),
            ),
        };
        let kept = |keeping: &OnceLock<Arc<Keeping>>, name| {
            let keeping = keeping.get();
            keeping.map_or_else(|| Part::ok(name), |keeping| keeping.part())
        };
        vec![
            self.broker.part(),
            self.subscriptions.part(),
            self.clickhouse(),
            self.registry(),
            self.journal(),
            self.disk.part(),
            kept(&self.rules, "rules"),
            kept(&self.windows, "windows"),
            devices,
        ]
    }

    /// Notes how far a change of the schema has come, and why the attempt before this one failed; empty where none did.
    pub(crate) fn upgrading(&self, progress: &Progress, failed: &str) {
        self.store.down(match failed {
            "" => progress.to_string(),
            failed => format!("{progress}; the attempt before failed: {failed}"),
        });
        *self.upgrade.lock() = Some(progress.clone());
    }

    /// Notes that no change of the schema is under way.
    pub(crate) fn upgraded(&self) {
        *self.upgrade.lock() = None;
    }

    /// How far a change of the schema has come, while there is one.
    pub(crate) fn upgrade(&self) -> Option<Progress> {
        self.upgrade.lock().clone()
    }

    /// Whether messages are made durable now.
    pub(crate) fn is_accepting(&self) -> bool {
        self.log_writes.is_up() && self.log.backlog().has_room()
    }

    /// Whether ClickHouse takes rows and answers.
    pub(crate) fn store_is_up(&self) -> bool {
        self.store.is_up() && self.store_reads.is_up()
    }

    /// The role is not ready before the first look at the table of devices: what was known would be called unknown.
    fn registry(&self) -> Part {
        let part = self.registry.part();
        if self.has_read_devices.load(Ordering::Relaxed) {
            return part;
        }
        let reason = part
            .reason
            .unwrap_or_else(|| "which devices were known before the start is not read yet".to_owned());
        Part::down(part.name, reason)
    }

    fn clickhouse(&self) -> Part {
        if self.store.is_up() {
            self.store_reads.part()
        } else {
            self.store.part()
        }
    }

    fn journal(&self) -> Part {
        let backlog = self.log.backlog();
        let failed = [&self.log_writes, &self.log_reads]
            .into_iter()
            .find(|link| !link.is_up());
        if !backlog.has_room() {
            let reason = format!(
                "{} of {} bytes are used: nothing is acknowledged until ClickHouse takes rows",
                backlog.bytes, backlog.max_bytes
            );
            return Part::down("journal", reason);
        }
        if let Some(failed) = failed {
            return failed.part();
        }
        if backlog.damaged > 0 {
            let reason = format!(
                "{} records were unreadable since the start: see casement journal verify",
                backlog.damaged
            );
            return Part::degraded("journal", reason);
        }
        Part::ok("journal")
    }

    /// Notes the time of receipt of the oldest record of those that are being stored, ms; `None`: they are stored.
    pub(crate) fn waiting_since(&self, received_at: Option<i64>) {
        self.waiting_since
            .store(received_at.unwrap_or(0), Ordering::Relaxed);
    }

    /// How long that record has waited, ms; 0 while nothing waits for ClickHouse.
    pub(crate) fn waited_ms(&self) -> u64 {
        match self.waiting_since.load(Ordering::Relaxed) {
            0 => 0,
            since => u64::try_from(now().as_millis().saturating_sub(since)).unwrap_or(0),
        }
    }

    /// The metrics that somebody else counts.
    pub(crate) fn collector(self: &Arc<Self>) -> Box<dyn Collector> {
        let vitals = Arc::clone(self);
        monitoring::collector(move || vitals.samples())
    }

    fn samples(&self) -> Vec<Sample> {
        let gauge = |name, help, value: u64| Sample::Gauge { name, help, value };
        let counter = |name, help, value: u64| Sample::Counter { name, help, value };
        let backlog = self.log.backlog();
        let (known, active) = self.devices.count();
        let usage = *self.usage.lock();
        let mut samples = vec![
            gauge(
                "journal_records",
                "Records waiting in the journal",
                backlog.records,
            ),
            gauge(
                "journal_size_bytes",
                "Payload waiting in the journal",
                backlog.bytes,
            ),
            gauge(
                "journal_limit_bytes",
                "Payload at which the journal is full",
                backlog.max_bytes,
            ),
            gauge(
                "journal_age_seconds",
                "Since receipt of the oldest record that waits for ClickHouse; 0 while none does",
                self.waited_ms() / 1_000,
            ),
            counter(
                "journal_refused_full",
                "Messages given back because the journal was full",
                backlog.refused_full,
            ),
            counter(
                "journal_write_failures",
                "Writes of the journal that failed",
                backlog.write_failures,
            ),
            counter(
                "journal_damaged",
                "Records of the journal that were unreadable",
                backlog.damaged,
            ),
            gauge(
                "store_up",
                "1 while ClickHouse takes rows",
                self.store_is_up().into(),
            ),
            gauge(
                "broker_up",
                "1 while the broker is connected",
                self.broker.is_up().into(),
            ),
            gauge("devices_active", "Devices heard of lately", active as u64),
            gauge(
                "windows_stuck",
                "Windows that did not go where they were told to, again and again",
                self.devices.windows_stuck() as u64,
            ),
            gauge("devices_known", "Devices known", known as u64),
            gauge(
                "database_memory_bytes",
                "Memory that ClickHouse uses; 0 if it does not answer",
                usage.memory_bytes,
            ),
            gauge(
                "database_size_bytes",
                "The database on disk; 0 if ClickHouse does not answer",
                usage.disk_bytes,
            ),
            gauge(
                "database_free_bytes",
                "Free space on the database's disk; 0 if ClickHouse does not answer",
                usage.free_bytes,
            ),
        ];
        samples.extend(self.of_connection());
        samples
    }

    /// What the connection to an external broker counts.
    fn of_connection(&self) -> Vec<Sample> {
        let gauge = |name, help, value: u64| Sample::Gauge { name, help, value };
        let counter = |name, help, value: u64| Sample::Counter { name, help, value };
        let connection = self.publisher.get().map(Publisher::stats).unwrap_or_default();
        vec![
            counter(
                "broker_connections",
                "Connections made to the broker",
                connection.connects,
            ),
            counter(
                "dropped_qos0",
                "Messages at QoS 0 dropped because too many waited",
                connection.dropped_qos0,
            ),
            counter(
                "lost_qos0",
                "Messages at QoS 0 lost with a connection",
                connection.lost_qos0,
            ),
            counter(
                "overruns",
                "Messages that the broker sent beyond what it may",
                connection.overruns,
            ),
            counter(
                "stale_acks",
                "Acknowledgements of connections that had ended",
                connection.stale_acks,
            ),
            gauge(
                "unacknowledged",
                "Messages received and not acknowledged",
                connection.unacknowledged as u64,
            ),
        ]
    }
}
