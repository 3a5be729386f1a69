//! What the backend counts. Names and labels are the words used in tables and logs.
//!
//! In: one call for each thing that happened. Out: Prometheus text. Labels are small closed sets, never device ids.

use std::sync::atomic::AtomicU64;

use domain::{ClockState, RefusalReason, Trigger};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// A label set of one word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// The backend's counters.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    messages: Family<Kind, Counter>,
    refused: Family<Kind, Counter>,
    triggers: Family<Kind, Counter>,
    duplicates: Counter,
    clocks: Family<Kind, Counter>,
    requests: Counter,
    actions: Counter,
    rows: Counter,
    rows_refused: Counter,
    store_failures: Counter,
    journal_records: Gauge,
    journal_bytes: Gauge,
    store_up: Gauge,
    broker_up: Gauge,
    devices_active: Gauge,
    accept_seconds: Histogram,
    batch_rows: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// All counters at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("casement_backend"),
            messages: Family::default(),
            refused: Family::default(),
            triggers: Family::default(),
            duplicates: Counter::default(),
            clocks: Family::default(),
            requests: Counter::default(),
            actions: Counter::default(),
            rows: Counter::default(),
            rows_refused: Counter::default(),
            store_failures: Counter::default(),
            journal_records: Gauge::default(),
            journal_bytes: Gauge::default(),
            store_up: Gauge::default(),
            broker_up: Gauge::default(),
            devices_active: Gauge::default(),
            accept_seconds: Histogram::new([
                0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0,
            ]),
            batch_rows: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("messages", "Messages accepted, by kind", self.messages.clone());
        registry.register("refused", "Messages refused, by reason", self.refused.clone());
        registry.register(
            "triggers",
            "Significant changes, by trigger",
            self.triggers.clone(),
        );
        registry.register(
            "duplicates",
            "Repeats that were not stored again",
            self.duplicates.clone(),
        );
        registry.register(
            "clocks",
            "Device times that were late (and kept), unset or ahead (and replaced by the time of receipt)",
            self.clocks.clone(),
        );
        registry.register(
            "inference_requests",
            "Inference requests published",
            self.requests.clone(),
        );
        registry.register("window_actions", "Window commands logged", self.actions.clone());
        registry.register("rows_stored", "Rows stored in ClickHouse", self.rows.clone());
        registry.register(
            "rows_refused",
            "Rows refused by ClickHouse",
            self.rows_refused.clone(),
        );
        registry.register(
            "store_failures",
            "Inserts that failed and are retried",
            self.store_failures.clone(),
        );
        registry.register(
            "journal_records",
            "Records waiting in the journal",
            self.journal_records.clone(),
        );
        registry.register_with_unit(
            "journal_size",
            "Payload waiting in the journal",
            Unit::Bytes,
            self.journal_bytes.clone(),
        );
        registry.register("store_up", "1 while ClickHouse takes rows", self.store_up.clone());
        registry.register(
            "broker_up",
            "1 while the broker is connected",
            self.broker_up.clone(),
        );
        registry.register(
            "devices_active",
            "Devices heard of lately",
            self.devices_active.clone(),
        );
        registry.register("batch_rows", "Rows in the last batch", self.batch_rows.clone());
        registry.register_with_unit(
            "accept",
            "From receipt until durable",
            Unit::Seconds,
            self.accept_seconds.clone(),
        );
        for reason in RefusalReason::ALL {
            drop(self.refused.get_or_create(&Kind {
                kind: reason.as_str(),
            }));
        }
        for trigger in [
            Trigger::FirstClimate,
            Trigger::Temperature,
            Trigger::Humidity,
            Trigger::Audio,
        ] {
            drop(self.triggers.get_or_create(&Kind {
                kind: trigger.as_str(),
            }));
        }
    }

    /// All of it in Prometheus' text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }

    pub(crate) fn accepted(&self, kind: &'static str, seconds: f64) {
        self.messages.get_or_create(&Kind { kind }).inc();
        self.accept_seconds.observe(seconds);
    }

    pub(crate) fn refused(&self, reason: RefusalReason) {
        self.refused
            .get_or_create(&Kind {
                kind: reason.as_str(),
            })
            .inc();
    }

    pub(crate) fn triggered(&self, trigger: Trigger) {
        self.triggers
            .get_or_create(&Kind {
                kind: trigger.as_str(),
            })
            .inc();
    }

    pub(crate) fn duplicate(&self) {
        self.duplicates.inc();
    }

    pub(crate) fn clock(&self, state: ClockState) {
        if state != ClockState::Right {
            let kind = state.as_str();
            self.clocks.get_or_create(&Kind { kind }).inc();
        }
    }

    pub(crate) fn requested(&self) {
        self.requests.inc();
    }

    pub(crate) fn action_logged(&self) {
        self.actions.inc();
    }

    pub(crate) fn rows_stored(&self, rows: usize) {
        self.rows.inc_by(rows as u64);
        self.batch_rows.set(rows as f64);
        self.store_up.set(1);
    }

    pub(crate) fn row_refused(&self) {
        self.rows_refused.inc();
    }

    pub(crate) fn store_failed(&self) {
        self.store_failures.inc();
        self.store_up.set(0);
    }

    pub(crate) fn store_reached(&self) {
        self.store_up.set(1);
    }

    pub(crate) fn broker_connected(&self, connected: bool) {
        self.broker_up.set(connected.into());
    }

    pub(crate) fn journal(&self, records: u64, bytes: u64) {
        self.journal_records.set(records as i64);
        self.journal_bytes.set(bytes as i64);
    }

    pub(crate) fn active_devices(&self, count: usize) {
        self.devices_active.set(count as i64);
    }

    /// How many messages were accepted, all kinds together.
    pub(crate) fn summary(&self) -> Summary {
        let count = |kind| self.messages.get_or_create(&Kind { kind }).get();
        Summary {
            temperature: count("temperature"),
            humidity: count("humidity"),
            audio: count("audio"),
            window_control: count("window_control"),
            window_state: count("window_state"),
            refused: RefusalReason::ALL
                .iter()
                .map(|r| self.refused.get_or_create(&Kind { kind: r.as_str() }).get())
                .sum(),
            duplicates: self.duplicates.get(),
            inference_requests: self.requests.get(),
            rows_stored: self.rows.get(),
            store_up: self.store_up.get() == 1,
            broker_up: self.broker_up.get() == 1,
        }
    }
}

/// The counters a person looks at first; the rest is in the Prometheus text.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Summary {
    /// Temperature readings accepted.
    pub temperature: u64,
    /// Humidity readings accepted.
    pub humidity: u64,
    /// Clips accepted.
    pub audio: u64,
    /// Window commands seen.
    pub window_control: u64,
    /// Window positions reported.
    pub window_state: u64,
    /// Messages refused.
    pub refused: u64,
    /// Repeats not stored again.
    pub duplicates: u64,
    /// Requests published.
    pub inference_requests: u64,
    /// Rows stored.
    pub rows_stored: u64,
    /// Whether ClickHouse takes rows.
    pub store_up: bool,
    /// Whether the broker is connected.
    pub broker_up: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
