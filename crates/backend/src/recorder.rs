//! From the log to ClickHouse, in batches, until they are in.
//!
//! In: plans of consecutive records. Out: rows, each exactly once: a batch carries the same token after a crash.
//! A row that ClickHouse refuses leaves its batch by bisection and ends in `ingest_errors`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{Refusal, RefusalReason};
use monitoring::with_causes;
use store::{Batch, DecodeError, InsertError, Progress, Row, Table};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep},
};
use tokio_retry2::strategy::ExponentialBackoff;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    Metrics,
    clock::now,
    database::Tables,
    log::{LogError, Plan, PlanLimits, Plans, Split},
    rows,
    vitals::Vitals,
};

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How often a batch that is not full is looked at.
const GATHER_TICK: Duration = Duration::from_millis(50);

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
    /// 50,000 rows, 8 MiB, one second: an insert and each of its rollups cost the same few milliseconds at any size.
    fn default() -> Self {
        Self {
            rows: 50_000,
            bytes: 8 << 20,
            age: Duration::from_secs(1),
        }
    }
}

/// Moves records into ClickHouse.
#[derive(Debug)]
pub(crate) struct Recorder<P> {
    pub(crate) plans: Arc<P>,
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) limits: BatchLimits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) vitals: Arc<Vitals>,
    /// Held while there is a plan at work.
    pub(crate) gate: Arc<Mutex<()>>,
    /// No batch starts after this; what is left stays in the log.
    pub(crate) give_up: CancellationToken,
    /// Becomes true when what the log held at the start is stored.
    pub(crate) replayed: watch::Sender<bool>,
    /// Records of those that are not stored yet.
    pub(crate) left: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// There was no plan.
    Idle,
    Stored,
    Split,
    GaveUp,
}

impl<P: Plans> Recorder<P> {
    /// Waits for ClickHouse and brings its schema up to date: once it answers, however long that takes.
    pub(crate) async fn prepare(&self) {
        let mut pauses = pauses();
        let (mut told, mut failed) = (String::new(), String::new());
        loop {
            let tell = |progress: &Progress| self.vitals.upgrading(progress, &failed);
            let prepared = self.tables.prepare(&tell).await;
            self.vitals.upgraded();
            let error = match prepared {
                Ok(version) => {
                    info!(version, "ClickHouse is ready");
                    self.vitals.store.up();
                    return;
                }
                Err(error) => error,
            };
            let reason = with_causes(&error);
            let kind = error.to_string();
            if told != kind {
                warn!(error = reason, "ClickHouse is not ready; trying again");
                told = kind;
            }
            self.metrics.store_failed();
            self.vitals.store.down(reason.clone());
            failed = reason;
            sleep(pauses.next().unwrap_or(MAX_PAUSE)).await;
        }
    }

    /// Runs until `drain`, then stores what is left, until `give_up`.
    pub(crate) async fn run(self, drain: CancellationToken) {
        self.left.store(self.plans.backlog().records, Ordering::Relaxed);
        self.finished(0);
        loop {
            let has_replayed = *self.replayed.borrow();
            let gathering = async {
                // What the last run left waits for nothing more.
                if has_replayed {
                    self.gather().await;
                }
            };
            let waited = drain.run_until_cancelled(gathering).await;
            if waited.is_none() && self.plans.backlog().records == 0 {
                return;
            }
            match self.next_batch().await {
                Ok(Outcome::Idle | Outcome::GaveUp) if drain.is_cancelled() => return,
                Ok(_) => {
                    self.vitals.log_reads.up();
                }
                Err(error) => {
                    let reason = with_causes(&error);
                    if self.vitals.log_reads.down(reason.clone()) {
                        warn!(error = reason, "the log cannot be read; trying again");
                    }
                    if self.give_up.run_until_cancelled(sleep(MAX_PAUSE)).await.is_none() {
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
        self.plans.wait_for_records().await;
        let deadline = Instant::now() + self.limits.age;
        while Instant::now() < deadline {
            let backlog = self.plans.backlog();
            // What is planned waits for nothing more: the halves of a refused batch, or what a crash left.
            let full = backlog.records >= self.limits.rows as u64 || backlog.bytes >= self.limits.bytes;
            if full || backlog.plans > 0 {
                return;
            }
            sleep(GATHER_TICK).await;
        }
    }

    /// So many records are stored.
    fn finished(&self, records: u64) {
        let left = self.left.load(Ordering::Relaxed).saturating_sub(records);
        self.left.store(left, Ordering::Relaxed);
        if left == 0 {
            self.replayed
                .send_if_modified(|replayed| !std::mem::replace(replayed, true));
        }
    }

    async fn next_batch(&self) -> Result<Outcome, LogError> {
        let Some(_gate) = self.give_up.run_until_cancelled(self.gate.lock()).await else {
            return Ok(Outcome::GaveUp);
        };
        let limits = PlanLimits {
            records: self.limits.rows,
            bytes: self.limits.bytes as usize,
        };
        let Some(plan) = self.plans.next(limits).await? else {
            self.finished(u64::MAX);
            return Ok(Outcome::Idle);
        };
        self.store_plan(&plan).await
    }

    async fn store_plan(&self, plan: &Plan<P::Key>) -> Result<Outcome, LogError> {
        let (batch, unreadable) = match decode(plan) {
            Ok(decoded) => decoded,
            Err(newer) => {
                let reason = newer.to_string();
                self.metrics.store_failed();
                if self.vitals.store.down(reason.clone()) {
                    warn!(error = reason, "the journal is left as it is");
                }
                self.give_up.run_until_cancelled(sleep(MAX_PAUSE)).await;
                return Ok(Outcome::Idle);
            }
        };
        let done = stored_before(&plan.note);
        self.vitals.waiting_since(batch.oldest_receipt());
        let mut pauses = pauses();
        loop {
            let inserting = self.tables.insert(&batch, &plan.token, &done);
            let Some(inserted) = self.give_up.run_until_cancelled(inserting).await else {
                return Ok(Outcome::GaveUp);
            };
            match inserted {
                Ok(()) => {
                    if self.vitals.store.up() {
                        info!("ClickHouse takes rows again");
                    }
                    self.vitals.waiting_since(None);
                    self.metrics.rows_stored(batch.len());
                    let now = now().as_millis();
                    if let Some(oldest) = batch.oldest_receipt() {
                        self.metrics.row_delay(now.saturating_sub(oldest).max(0) as u64);
                    }
                    self.metrics.reading_delays(batch.reading_times(), now);
                    self.plans.finish(&plan.key, encode(&unreadable)).await?;
                    self.finished((plan.records.len() + plan.unreadable.len()) as u64);
                    return Ok(Outcome::Stored);
                }
                Err(InsertError::Refused {
                    table,
                    message,
                    stored,
                    ..
                }) => return self.set_aside(plan, table, &message, &stored).await,
                Err(error) => {
                    let reason = with_causes(&error);
                    self.metrics.store_failed();
                    if self.vitals.store.down(reason.clone()) {
                        warn!(
                            error = reason,
                            "ClickHouse does not take rows; they wait in the journal"
                        );
                    }
                    let pause = pauses.next().unwrap_or(MAX_PAUSE);
                    if self.give_up.run_until_cancelled(sleep(pause)).await.is_none() {
                        return Ok(Outcome::GaveUp);
                    }
                }
            }
        }
    }

    /// Halves a refused batch; a single refused record becomes a row of `ingest_errors`.
    async fn set_aside(
        &self,
        plan: &Plan<P::Key>,
        table: Table,
        message: &str,
        stored: &[Table],
    ) -> Result<Outcome, LogError> {
        // The halves skip the tables that this plan has stored already.
        let note = serde_json::to_vec(stored).expect("table names are plain data");
        if self.plans.split(&plan.key, &note).await? == Split::Halved {
            return Ok(Outcome::Split);
        }
        warn!(%table, message, "ClickHouse refused a row; it goes to ingest_errors");
        self.metrics.row_refused();
        self.metrics.refused(RefusalReason::Database);
        let payload = plan.records.first().map(|record| record.payload.as_slice());
        // A refused row of ingest_errors itself would come back for ever: it is only counted.
        let refusal = Refusal::new(RefusalReason::Database, message);
        let instead = (table != Table::IngestErrors)
            .then(|| rows::refused_row(table.name(), payload.unwrap_or_default(), &refusal, now()));
        self.plans.finish(&plan.key, encode(instead.as_slice())).await?;
        self.finished(1);
        self.vitals.waiting_since(None);
        Ok(Outcome::Stored)
    }
}

/// 100, 200, 400 ms and so on, up to [`MAX_PAUSE`]. Without jitter: nobody else attempts at the same time.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBackoff::from_millis(2).factor(50).max_delay(MAX_PAUSE)
}

fn encode(rows: &[Row]) -> Vec<Vec<u8>> {
    rows.iter().map(Row::encode).collect()
}

/// Records of a newer version wait in the journal: it still can read them.
#[derive(Debug, thiserror::Error)]
#[error(
    "journal record {position} was written by a newer Casement ({source}), and this is Casement {}; nothing of it is removed: use the newer version until the journal is empty",
    env!("CARGO_PKG_VERSION")
)]
struct Newer {
    position: u64,
    source: DecodeError,
}

/// The rows of a plan, and a row of `ingest_errors` for each record that cannot be read.
fn decode<K>(plan: &Plan<K>) -> Result<(Batch, Vec<Row>), Newer> {
    let lost = |position: u64, reason: &str| {
        let refusal = Refusal::new(
            RefusalReason::Database,
            format!("journal record {position} cannot be read: {reason}"),
        );
        rows::refused_row("journal", &[], &refusal, now())
    };
    let damaged = plan.unreadable.iter();
    let mut unreadable: Vec<Row> = damaged
        .map(|damage| lost(damage.position, &damage.reason))
        .collect();
    let mut batch = Batch::default();
    for record in &plan.records {
        match Row::decode(&record.payload) {
            Ok(row) => batch.push(row),
            Err(source) if source.is_newer() => {
                return Err(Newer {
                    position: record.position,
                    source,
                });
            }
            Err(error) => unreadable.push(lost(record.position, &error.to_string())),
        }
    }
    Ok((batch, unreadable))
}

/// The tables that the plan a half came from had stored before it was refused.
fn stored_before(note: &[u8]) -> Vec<Table> {
    serde_json::from_slice(note).unwrap_or_default()
}
