//! What the service counts, and how it is.
//!
//! In: one call for each statement. Out: metrics under `casement_engine`, and the part `engine` of the role's health.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use monitoring::{HealthSource, Part, Registry, Sample};

use crate::{admission::Admission, running::Running};

/// Statements by kind and outcome.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    inserts: AtomicU64,
    queries: AtomicU64,
    failed: AtomicU64,
}

impl Statistics {
    pub(crate) fn admitted(&self, is_insert: bool) {
        let counter = if is_insert { &self.inserts } else { &self.queries };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// Registers the counters, and what runs now, in `registry`.
    pub(crate) fn register(self: &Arc<Self>, running: &Running, registry: &mut Registry) {
        let (statistics, running) = (Arc::clone(self), running.clone());
        let samples = move || {
            let counter = |name, help, value: &AtomicU64| Sample::Counter {
                name,
                help,
                value: value.load(Relaxed),
            };
            vec![
                counter("inserts", "Inserts admitted", &statistics.inserts),
                counter(
                    "queries",
                    "Statements admitted that are no inserts",
                    &statistics.queries,
                ),
                counter(
                    "statements_failed",
                    "Statements answered with an error",
                    &statistics.failed,
                ),
                Sample::Gauge {
                    name: "statements_running",
                    help: "Statements that run or wait now",
                    value: running.count() as u64,
                },
            ]
        };
        registry
            .sub_registry_with_prefix("casement_engine")
            .register_collector(monitoring::collector(samples));
    }
}

/// What asks for the engine's health: degraded while a queue is full.
pub(crate) fn health(admission: &Admission) -> HealthSource {
    let admission = admission.clone();
    Arc::new(move || {
        vec![match admission.full_queue() {
            None => Part::ok("engine"),
            Some(queue) => Part::degraded(
                "engine",
                format!("every place for {queue} is taken; more of them wait (engine.limits)"),
            ),
        }]
    })
}
