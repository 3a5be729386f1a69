//! How the backend does, as rows: one every ten seconds, so that charts need no second database.
//!
//! In: counters, the backlog, what ClickHouse says of itself. Out: rows of `system_metrics` in the log, so that the time
//! without ClickHouse is told, too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::{Row, SystemMetricsRow, Usage};
use tokio_util::sync::CancellationToken;

use crate::{
    Devices, Metrics,
    clock::now,
    database::History,
    log::Repeats,
    mean::Mean,
    metrics::Totals,
    vitals::{Counting, Vitals},
};

/// How often a row is written.
const EVERY: Duration = Duration::from_secs(10);
/// The longest wait for what ClickHouse says of itself.
const ASKING: Duration = Duration::from_secs(2);

/// Writes the rows.
#[derive(Debug)]
pub(crate) struct SystemMetrics {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) log: Arc<dyn Repeats>,
}

impl SystemMetrics {
    /// Runs until `drain`.
    pub(crate) async fn run(self, drain: CancellationToken) {
        let started = Instant::now();
        let instance = host_name();
        let mut before = (self.totals(), self.reconnects(), Instant::now());
        let mut ticks = tokio::time::interval_at((started + EVERY).into(), EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        while drain.run_until_cancelled(ticks.tick()).await.is_some() {
            let usage = self.usage().await;
            let (totals, reconnects) = (self.totals(), self.reconnects());
            let mut row = self.row(&before.0, &totals, usage);
            row.instance.clone_from(&instance);
            row.interval_s = before.2.elapsed().as_secs_f32();
            row.uptime_s = u32::try_from(started.elapsed().as_secs()).unwrap_or(u32::MAX);
            row.reconnects = reconnects.saturating_sub(before.1);
            before = (totals, reconnects, Instant::now());
            // A full log is told by its own metrics; a row less is no loss then.
            let _ = self
                .log
                .append(None, vec![Row::SystemMetrics(row).encode()])
                .await;
        }
    }

    /// Zeros where ClickHouse does not answer.
    async fn usage(&self) -> Usage {
        let usage = match tokio::time::timeout(ASKING, self.history.usage()).await {
            Ok(Ok(usage)) => usage,
            _ => Usage::default(),
        };
        *self.vitals.usage.lock() = usage;
        usage
    }

    /// The counters, with the refusals of the journal and of the broker: the reasons are those of `ingest_errors`.
    fn totals(&self) -> Totals {
        let mut totals = self.metrics.totals();
        let broker = self.vitals.broker_refusals.get();
        totals
            .refused
            .push(("journal_full", self.log.backlog().refused_full));
        totals
            .refused
            .extend(broker.map(|Counting(counts)| counts()).into_iter().flatten());
        totals
    }

    fn reconnects(&self) -> u64 {
        let connects = self
            .vitals
            .publisher
            .get()
            .map(|publisher| publisher.stats().connects);
        connects.unwrap_or_default().saturating_sub(1)
    }

    fn row(&self, before: &Totals, totals: &Totals, usage: Usage) -> SystemMetricsRow {
        let backlog = self.log.backlog();
        let (known, active) = self.devices.count();
        let delay = self.metrics.take_longest_row_delay();
        SystemMetricsRow {
            timestamp: now().as_millis(),
            instance: String::new(),
            interval_s: 0.0,
            uptime_s: 0,
            messages: grown(&before.messages, &totals.messages),
            refused: grown(&before.refused, &totals.refused),
            duplicates: totals.duplicates - before.duplicates,
            rows_stored: totals.rows_stored - before.rows_stored,
            store_failures: totals.store_failures - before.store_failures,
            requests: totals.requests - before.requests,
            requests_dropped: totals.requests_dropped - before.requests_dropped,
            commands: totals.commands - before.commands,
            reconnects: 0,
            journal_records: backlog.records,
            journal_bytes: backlog.bytes,
            journal_max_bytes: backlog.max_bytes,
            journal_age_ms: self.vitals.waited_ms(),
            row_delay_ms: delay.map_or(f64::NAN, |delay| delay as f64),
            reading_to_row_ms: Mean::between(before.reading_delay, totals.reading_delay),
            decision_ms: Mean::between(before.decision, totals.decision),
            inference_ms: Mean::between(before.inference, totals.inference),
            devices_active: active as u32,
            devices_known: known as u32,
            database_memory_bytes: usage.memory_bytes,
            database_disk_bytes: usage.disk_bytes,
            disk_free_bytes: usage.free_bytes,
            database_uptime_s: usage.uptime_s,
        }
    }
}

/// By how much each count has grown; those that have not are left out. A count that was not there before began at zero.
fn grown(before: &[(&'static str, u64)], now: &[(&'static str, u64)]) -> Vec<(String, u64)> {
    let earlier = |word| {
        before
            .iter()
            .find(|(name, _)| *name == word)
            .map_or(0, |(_, count)| *count)
    };
    now.iter()
        .map(|&(word, count)| (word.to_owned(), count - earlier(word)))
        .filter(|(_, growth)| *growth > 0)
        .collect()
}

/// The machine's name; `backend` where it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "backend".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_interval() {
        let before = [("temperature", 5), ("audio", 2), ("humidity", 0)];
        let now = [("temperature", 8), ("audio", 2), ("humidity", 1), ("co2", 4)];
        let expected = [
            ("temperature".to_owned(), 3),
            ("humidity".to_owned(), 1),
            ("co2".to_owned(), 4),
        ];
        assert_eq!(grown(&before, &now), expected);
    }

    #[test]
    fn a_mean_of_nothing_is_unknown() {
        assert!(Mean::between((7, 3), (7, 3)).is_nan());
        assert!((Mean::between((1_000, 1), (4_000, 3)) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn the_longest_delay_is_told_once() {
        let metrics = Metrics::default();
        assert_eq!(metrics.take_longest_row_delay(), None);
        metrics.row_delay(0);
        assert_eq!(metrics.take_longest_row_delay(), Some(0));
        metrics.row_delay(7);
        metrics.row_delay(3);
        assert_eq!(metrics.take_longest_row_delay(), Some(7));
        assert_eq!(metrics.take_longest_row_delay(), None);
    }
}
