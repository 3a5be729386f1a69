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
    pub(crate) store: Link,
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
            publisher: OnceLock::new(),
            log,
            devices,
        }
    }

    /// The backend's parts, each with its reason where it is not well.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let backlog = self.log.backlog();
        let journal = if backlog.has_room() && backlog.damaged == 0 {
            Part::ok("journal")
        } else if backlog.has_room() {
            let reason = format!(
                "{} records were unreadable since the start: see casement journal verify",
                backlog.damaged
            );
            Part::degraded("journal", reason)
        } else {
            let reason = format!(
                "{} of {} bytes are used: nothing is acknowledged until ClickHouse takes rows",
                backlog.bytes, backlog.max_bytes
            );
            Part::down("journal", reason)
        };
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
            self.store.part(),
            journal,
            devices,
        ]
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
                self.store.is_up().into(),
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
