//! What the backend counts. Names and labels are the words used in tables and logs.
//!
//! In: one call for each thing that happened. Out: metrics in the role's registry. Labels are small closed sets, never
//! device ids.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use domain::{ClockState, Quantity, RefusalReason, Trigger};
use monitoring::Registry;
use mqtt::TopicKind;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Unit,
};

use crate::mean::Mean;

/// A label set of one word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// A wrong clock, and what it stamped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Clock {
    kind: &'static str,
    message: &'static str,
}

/// The kinds of message that the backend accepts.
fn accepted_kinds() -> impl Iterator<Item = TopicKind> {
    TopicKind::ALL
        .into_iter()
        .filter(|kind| !kind.is_said_by_backend())
}

/// Seconds from receipt until durable.
const ACCEPT_SECONDS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The backend's counters.
#[derive(Debug)]
pub struct Metrics {
    messages: Family<Kind, Counter>,
    refused: Family<Kind, Counter>,
    triggers: Family<Kind, Counter>,
    duplicates: Counter,
    contradictions: Counter,
    suspect: Family<Kind, Counter>,
    clamped: Family<Kind, Counter>,
    foreign: Counter,
    clocks: Family<Clock, Counter>,
    requests: Counter,
    requests_dropped: Counter,
    withheld: Counter,
    actions: Counter,
    rows: Counter,
    rows_refused: Counter,
    store_failures: Counter,
    accept_seconds: Histogram,
    batch_rows: Gauge<f64, AtomicU64>,
    decision: Mean,
    inference: Mean,
    reading_delay: Mean,
    /// Longest time from receipt to stored since it was last taken, ms + 1; 0: nothing was stored.
    row_delay: AtomicU64,
}

/// Counters at one moment.
#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) messages: Vec<(&'static str, u64)>,
    pub(crate) refused: Vec<(&'static str, u64)>,
    pub(crate) duplicates: u64,
    pub(crate) rows_stored: u64,
    pub(crate) store_failures: u64,
    pub(crate) requests: u64,
    pub(crate) requests_dropped: u64,
    pub(crate) commands: u64,
    /// µs and number.
    pub(crate) decision: (u64, u64),
    pub(crate) inference: (u64, u64),
    pub(crate) reading_delay: (u64, u64),
}

impl Default for Metrics {
    /// All counters at zero.
    fn default() -> Self {
        let metrics = Self {
            messages: Family::default(),
            refused: Family::default(),
            triggers: Family::default(),
            duplicates: Counter::default(),
            contradictions: Counter::default(),
            suspect: Family::default(),
            clamped: Family::default(),
            foreign: Counter::default(),
            clocks: Family::default(),
            requests: Counter::default(),
            requests_dropped: Counter::default(),
            withheld: Counter::default(),
            actions: Counter::default(),
            rows: Counter::default(),
            rows_refused: Counter::default(),
            store_failures: Counter::default(),
            accept_seconds: Histogram::new(ACCEPT_SECONDS),
            batch_rows: Gauge::default(),
            decision: Mean::default(),
            inference: Mean::default(),
            reading_delay: Mean::default(),
            row_delay: AtomicU64::new(0),
        };
        for reason in RefusalReason::ALL {
            drop(metrics.refused.get_or_create(&Kind {
                kind: reason.as_str(),
            }));
        }
        for kind in accepted_kinds() {
            drop(metrics.messages.get_or_create(&Kind { kind: kind.as_str() }));
        }
        for quantity in Quantity::CLIMATE {
            let kind = quantity.as_str();
            drop(metrics.suspect.get_or_create(&Kind { kind }));
            drop(metrics.clamped.get_or_create(&Kind { kind }));
        }
        for trigger in Trigger::all() {
            drop(metrics.triggers.get_or_create(&Kind {
                kind: trigger.as_str(),
            }));
        }
        metrics
    }
}

impl Metrics {
    /// Registers every metric under the prefix `casement_backend`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("casement_backend");
        for (name, help, family) in [
            ("messages", "Messages accepted, by kind", &self.messages),
            ("refused", "Messages refused, by reason", &self.refused),
            (
                "suspect_readings",
                "Readings typical of a fault, kept apart, by quantity",
                &self.suspect,
            ),
            (
                "clamped_readings",
                "Readings put at the end of the range, by quantity",
                &self.clamped,
            ),
            ("triggers", "Significant changes, by trigger", &self.triggers),
        ] {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "clocks",
            "Times that were late (and kept), unset, ahead or standing still (and replaced by the time of receipt), by kind of message",
            self.clocks.clone(),
        );
        for (name, help, counter) in [
            (
                "duplicates",
                "Repeats that were not stored again",
                &self.duplicates,
            ),
            (
                "contradictions",
                "Clips kept whose message contradicts the recording",
                &self.contradictions,
            ),
            (
                "inference_requests",
                "Inference requests published",
                &self.requests,
            ),
            (
                "inference_requests_dropped",
                "Inference requests that could not be published",
                &self.requests_dropped,
            ),
            (
                "decisions_withheld",
                "Decisions not asked for, because temperature or humidity was too old",
                &self.withheld,
            ),
            (
                "foreign",
                "Messages of others that were seen: on topics that are none of ours",
                &self.foreign,
            ),
            ("window_actions", "Window commands logged", &self.actions),
            ("rows_stored", "Rows stored in ClickHouse", &self.rows),
            ("rows_refused", "Rows refused by ClickHouse", &self.rows_refused),
            (
                "store_failures",
                "Inserts that failed and are retried",
                &self.store_failures,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        registry.register("batch_rows", "Rows in the last batch", self.batch_rows.clone());
        registry.register_with_unit(
            "accept",
            "From receipt until durable",
            Unit::Seconds,
            self.accept_seconds.clone(),
        );
    }

    pub(crate) fn accepted(&self, kind: TopicKind, seconds: f64) {
        let kind = kind.as_str();
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

    pub(crate) fn suspect(&self, quantity: Quantity) {
        let kind = quantity.as_str();
        self.suspect.get_or_create(&Kind { kind }).inc();
    }

    pub(crate) fn clamped(&self, quantity: Quantity) {
        let kind = quantity.as_str();
        self.clamped.get_or_create(&Kind { kind }).inc();
    }

    pub(crate) fn foreign(&self) {
        self.foreign.inc();
    }

    pub(crate) fn duplicate(&self) {
        self.duplicates.inc();
    }

    pub(crate) fn contradiction(&self) {
        self.contradictions.inc();
    }

    pub(crate) fn clock(&self, state: ClockState, message: TopicKind) {
        if state != ClockState::Right {
            let (kind, message) = (state.as_str(), message.as_str());
            self.clocks.get_or_create(&Clock { kind, message }).inc();
        }
    }

    pub(crate) fn requested(&self) {
        self.requests.inc();
    }

    pub(crate) fn request_dropped(&self) {
        self.requests_dropped.inc();
    }

    pub(crate) fn withheld(&self) {
        self.withheld.inc();
    }

    pub(crate) fn action_logged(&self) {
        self.actions.inc();
    }

    /// A model's command came: so long after the request, where there was one, and so long was the inference.
    pub(crate) fn decided(&self, waited: Option<Duration>, inference_ms: Option<f64>) {
        if let Some(waited) = waited {
            self.decision.add(waited);
        }
        let inference = inference_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
        if let Some(inference) = inference {
            self.inference.add(inference);
        }
    }

    /// Rows of a batch were stored, the oldest so many ms after its receipt.
    pub(crate) fn row_delay(&self, ms: u64) {
        self.row_delay.fetch_max(ms + 1, Ordering::Relaxed);
    }

    /// Readings of these times were stored at `now`, ms. A clock that is ahead counts as no delay.
    pub(crate) fn reading_delays(&self, times: impl Iterator<Item = i64>, now: i64) {
        for time in times {
            let late = u64::try_from(now.saturating_sub(time)).unwrap_or(0);
            self.reading_delay.add(Duration::from_millis(late));
        }
    }

    /// The longest such time since the last call, ms; `None` where nothing was stored.
    pub(crate) fn take_longest_row_delay(&self) -> Option<u64> {
        self.row_delay.swap(0, Ordering::Relaxed).checked_sub(1)
    }

    /// The counters as they are now.
    pub(crate) fn totals(&self) -> Totals {
        let count = |family: &Family<Kind, Counter>, kind| family.get_or_create(&Kind { kind }).get();
        let quantities = Quantity::CLIMATE.iter();
        let suspect = quantities
            .map(|quantity| count(&self.suspect, quantity.as_str()))
            .sum();
        Totals {
            messages: accepted_kinds()
                .map(|kind| (kind.as_str(), count(&self.messages, kind.as_str())))
                .collect(),
            refused: RefusalReason::ALL
                .iter()
                .map(|reason| (reason.as_str(), count(&self.refused, reason.as_str())))
                .chain([("suspect", suspect)])
                .collect(),
            duplicates: self.duplicates.get(),
            rows_stored: self.rows.get(),
            store_failures: self.store_failures.get(),
            requests: self.requests.get(),
            requests_dropped: self.requests_dropped.get(),
            commands: self.actions.get(),
            decision: self.decision.sums(),
            inference: self.inference.sums(),
            reading_delay: self.reading_delay.sums(),
        }
    }

    pub(crate) fn rows_stored(&self, rows: usize) {
        self.rows.inc_by(rows as u64);
        self.batch_rows.set(rows as f64);
    }

    pub(crate) fn row_refused(&self) {
        self.rows_refused.inc();
    }

    pub(crate) fn store_failed(&self) {
        self.store_failures.inc();
    }

    /// The counters a person looks at first.
    pub(crate) fn summary(&self) -> Summary {
        let count = |kind: TopicKind| {
            let kind = kind.as_str();
            (kind, self.messages.get_or_create(&Kind { kind }).get())
        };
        let refused = |reason: &RefusalReason| {
            let kind = reason.as_str();
            self.refused.get_or_create(&Kind { kind }).get()
        };
        Summary {
            messages: accepted_kinds().map(count).collect(),
            refused: RefusalReason::ALL.iter().map(refused).sum(),
            duplicates: self.duplicates.get(),
            inference_requests: self.requests.get(),
            rows_stored: self.rows.get(),
        }
    }
}

/// The counters a person looks at first; the rest is in the Prometheus text.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Messages accepted, by kind.
    pub messages: BTreeMap<&'static str, u64>,
    /// Messages refused.
    pub refused: u64,
    /// Repeats not stored again.
    pub duplicates: u64,
    /// Requests published.
    pub inference_requests: u64,
    /// Rows stored.
    pub rows_stored: u64,
}
