//! From the journal to ClickHouse, in batches, until they are in.
//!
//! In: plans of consecutive journal records. Out: rows, each exactly once: a batch carries the same token after a crash.
//! A row that ClickHouse refuses leaves its batch by bisection and ends in `ingest_errors`.

use std::{sync::Arc, time::Duration};

use domain::{Refusal, RefusalReason, Timestamp};
use journal::{Entry, Journal, JournalError, Plan, PlanLimits};
use store::{Batch, InsertError, Row, Store, Table};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Metrics, rows};

const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How large a batch may grow before it is written.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Rows.
    pub rows: usize,
    /// Bytes of payload.
    pub bytes: u64,
    /// How long the oldest record waits.
    pub age: Duration,
}

impl Default for BatchLimits {
    /// 10,000 rows, 8 MiB, one second.
    fn default() -> Self {
        Self {
            rows: 10_000,
            bytes: 8 << 20,
            age: Duration::from_secs(1),
        }
    }
}

/// Moves records into ClickHouse.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) journal: Journal,
    pub(crate) store: Store,
    pub(crate) limits: BatchLimits,
    pub(crate) metrics: Arc<Metrics>,
    /// No batch starts after this; what is left stays in the journal.
    pub(crate) give_up: CancellationToken,
}

enum Outcome {
    Stored,
    Split,
    GaveUp,
}

impl Recorder {
    /// Runs until `drain`, then stores what is left, until `give_up`.
    pub(crate) async fn run(self, drain: CancellationToken) {
        let mut failing = false;
        loop {
            let waited = drain.run_until_cancelled(self.gather()).await;
            if waited.is_none() && self.journal.stats().records == 0 {
                return;
            }
            match self.next_batch(&mut failing).await {
                Ok(false) if drain.is_cancelled() => return,
                Ok(_) => {}
                Err(error) => {
                    warn!(error = %error, "the journal cannot be read; trying again");
                    if self.give_up.run_until_cancelled(sleep(BACKOFF.1)).await.is_none() {
                        return;
                    }
                }
            }
            if self.give_up.is_cancelled() {
                return;
            }
        }
    }

    /// Returns when a batch is full, its oldest record old enough, or a plan unfinished.
    async fn gather(&self) {
        self.journal.wait_for_records().await;
        let deadline = Instant::now() + self.limits.age;
        while Instant::now() < deadline {
            let stats = self.journal.stats();
            // What is planned waits for nothing more: the halves of a refused batch, or what a crash left.
            if stats.plans > 0 {
                return;
            }
            if stats.records >= self.limits.rows as u64 || stats.bytes >= self.limits.bytes {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stores one plan; `false` where there was none or the recorder gave up.
    async fn next_batch(&self, failing: &mut bool) -> Result<bool, JournalError> {
        let limits = PlanLimits {
            max_records: self.limits.rows,
            max_bytes: self.limits.bytes as usize,
        };
        let Some(plan) = self.journal.next_plan(limits).await? else {
            return Ok(false);
        };
        let outcome = self.store_plan(&plan, failing).await?;
        let stats = self.journal.stats();
        self.metrics.journal(stats.records, stats.bytes);
        Ok(!matches!(outcome, Outcome::GaveUp))
    }

    async fn store_plan(&self, plan: &Plan, failing: &mut bool) -> Result<Outcome, JournalError> {
        let (batch, damaged) = decode(plan);
        let done = done_tables(&plan.note);
        let mut backoff = BACKOFF.0;
        loop {
            let inserting = self.store.insert_except(&batch, plan.token(), &done);
            let Some(inserted) = self.give_up.run_until_cancelled(inserting).await else {
                return Ok(Outcome::GaveUp);
            };
            match inserted {
                Ok(()) => {
                    if std::mem::take(failing) {
                        info!("ClickHouse takes rows again");
                    }
                    self.metrics.rows_stored(batch.len());
                    self.journal.finish_with(plan, entries(&damaged)).await?;
                    return Ok(Outcome::Stored);
                }
                Err(InsertError::Refused {
                    table,
                    message,
                    stored,
                    ..
                }) => {
                    return self.set_aside(plan, table, &message, &stored).await;
                }
                Err(error) => {
                    self.metrics.store_failed();
                    if !std::mem::replace(failing, true) {
                        warn!(error = %error, cause = ?std::error::Error::source(&error), "ClickHouse does not take rows; they wait in the journal");
                    }
                    if self.give_up.run_until_cancelled(sleep(backoff)).await.is_none() {
                        return Ok(Outcome::GaveUp);
                    }
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
            }
        }
    }

    /// Halves a refused batch; a single refused record becomes a row of `ingest_errors`.
    async fn set_aside(
        &self,
        plan: &Plan,
        table: Table,
        message: &str,
        stored: &[Table],
    ) -> Result<Outcome, JournalError> {
        if plan.first < plan.last {
            let middle = plan.first + (plan.last - plan.first) / 2;
            // The halves skip the tables that this plan has stored already.
            let note = serde_json::to_vec(stored).expect("table names are plain data");
            self.journal.split(plan, middle, &note).await?;
            return Ok(Outcome::Split);
        }
        warn!(%table, message, "ClickHouse refused a row; it goes to ingest_errors");
        self.metrics.row_refused();
        self.metrics.refused(RefusalReason::Database);
        let payload = plan
            .records
            .first()
            .map(|(_, payload)| payload.as_slice())
            .unwrap_or_default();
        // A refused row of ingest_errors itself would come back for ever: it is only counted.
        let refusal = Refusal::new(RefusalReason::Database, message);
        let instead =
            (table != Table::IngestErrors).then(|| rows::refused_row(table.name(), payload, &refusal, now()));
        self.journal
            .finish_with(plan, entries(instead.as_slice()))
            .await?;
        Ok(Outcome::Stored)
    }
}

fn entries(rows: &[Row]) -> Vec<Entry> {
    rows.iter()
        .map(|row| Entry {
            key: None,
            payload: row.encode(),
        })
        .collect()
}

/// The rows of a plan, and a row of `ingest_errors` for each record that cannot be read.
fn decode(plan: &Plan) -> (Batch, Vec<Row>) {
    let mut batch = Batch::default();
    let lost = |seq: u64, reason: &str| {
        let refusal = Refusal::new(
            RefusalReason::Database,
            format!("journal record {seq} cannot be read: {reason}"),
        );
        rows::refused_row("journal", &[], &refusal, now())
    };
    let mut damaged: Vec<Row> = plan
        .damaged
        .iter()
        .map(|damage| lost(damage.first, &damage.reason))
        .collect();
    for (seq, payload) in &plan.records {
        match Row::decode(payload) {
            Ok(row) => batch.push(row),
            Err(error) => damaged.push(lost(*seq, &error.to_string())),
        }
    }
    (batch, damaged)
}

/// The tables that the plan a half came from had stored before it was refused.
fn done_tables(note: &[u8]) -> Vec<Table> {
    serde_json::from_slice(note).unwrap_or_default()
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// Waits for ClickHouse, makes the schema and reads what was known before: once it answers, however long that takes.
pub(crate) async fn prepare(store: &Store, metrics: &Metrics) {
    let mut backoff = BACKOFF.0;
    let mut told = false;
    loop {
        match timeout(Duration::from_secs(30), store.migrate()).await {
            Ok(Ok(version)) => {
                info!(version, "ClickHouse is ready");
                metrics.store_reached();
                return;
            }
            Ok(Err(error)) if !std::mem::replace(&mut told, true) => {
                warn!(error = %error, "ClickHouse is not ready; trying again");
            }
            _ => {}
        }
        metrics.store_failed();
        sleep(backoff).await;
        backoff = (backoff * 2).min(BACKOFF.1);
    }
}
