//! How the backend's surroundings are: the broker, ClickHouse, the log.
//!
//! In: what doors and recorder meet. Out: the parts of the role's health, and samples for its metrics.

use std::sync::{Arc, OnceLock};

use monitoring::{Link, Part, Sample};
use mqtt::Publisher;
use prometheus_client::collector::Collector;

use crate::{Devices, log::Repeats};

/// What the backend knows of its surroundings.
#[derive(Debug)]
pub(crate) struct Vitals {
    pub(crate) broker: Link,
    pub(crate) subscriptions: Link,
    /// ClickHouse, as the recorder meets it.
    pub(crate) store: Link,
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
    log: Arc<dyn Repeats>,
    devices: Arc<Devices>,
}

impl Vitals {
    pub(crate) fn new(log: Arc<dyn Repeats>, devices: Arc<Devices>) -> Self {
        Self {
            broker: Link::needed("broker", "not connected yet"),
            subscriptions: Link::wanted("subscriptions"),
            store: Link::needed("clickhouse", "not reached yet"),
            store_reads: Link::met("clickhouse"),
            registry: Link::wanted("registry"),
            disk: Link::wanted("disk"),
            log_writes: Link::met("journal"),
            log_reads: Link::met("journal"),
            publisher: OnceLock::new(),
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
        vec![
            self.broker.part(),
            self.subscriptions.part(),
            self.clickhouse(),
            self.registry.part(),
            self.journal(),
            self.disk.part(),
            devices,
        ]
    }

    /// Whether messages are made durable now.
    pub(crate) fn is_accepting(&self) -> bool {
        self.log_writes.is_up() && self.log.backlog().has_room()
    }

    /// Whether ClickHouse takes rows and answers.
    pub(crate) fn store_is_up(&self) -> bool {
        self.store.is_up() && self.store_reads.is_up()
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

    /// The metrics that somebody else counts.
    pub(crate) fn collector(self: &Arc<Self>) -> Box<dyn Collector> {
        let vitals = Arc::clone(self);
        monitoring::collector(move || vitals.samples())
    }

    fn samples(&self) -> Vec<Sample> {
        let gauge = |name, help, value: u64| Sample::Gauge { name, help, value };
        let counter = |name, help, value: u64| Sample::Counter { name, help, value };
        let backlog = self.log.backlog();
        let connection = self.publisher.get().map(Publisher::stats).unwrap_or_default();
        let (_, active) = self.devices.count();
        vec![
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
