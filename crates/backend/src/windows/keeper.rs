//! Keeps what windows must not lose: their state, in a file, and what is told of them, as rows.
//!
//! In: notices of change. Out: the file, written at most a few times a second however often something changes, and rows in the
//! log. Who has to know that a change is on disk waits for its number.

use std::{collections::VecDeque, sync::Arc};

use monitoring::with_causes;
use parking_lot::Mutex;
use registry::KeptFile;
use store::Row;
use tokio::sync::{Notify, watch};
use tracing::{debug, info, warn};

use super::kept::KeptWindows;
use crate::{keeping::Keeping, log::Repeats};

/// Rows that wait for the log; beyond them the oldest is let go.
const MOST_ROWS: usize = 10_000;

/// How far writing has come.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// The number of the newest change that is on disk.
    written: u64,
    /// How often writing failed, and why it did last.
    failures: u64,
    reason: String,
}

/// Keeps.
#[derive(Debug)]
pub(super) struct Keeper {
    /// `None` keeps nothing.
    file: Option<Arc<KeptFile<KeptWindows>>>,
    /// How that is done, for the health.
    keeping: Arc<Keeping>,
    log: Arc<dyn Repeats>,
    state: Mutex<State>,
    pub(super) due: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the newest change.
    changes: u64,
    rows: VecDeque<Row>,
    /// The number of the newest event of the audit log.
    events: u64,
}

impl Keeper {
    pub(super) fn new(file: Option<KeptFile<KeptWindows>>, log: Arc<dyn Repeats>) -> Self {
        Self {
            file: file.map(Arc::new),
            keeping: Arc::new(Keeping::of("windows")),
            log,
            state: Mutex::default(),
            due: Notify::new(),
            progress: watch::Sender::default(),
        }
    }

    /// How the file does.
    pub(super) fn keeping(&self) -> Arc<Keeping> {
        Arc::clone(&self.keeping)
    }

    /// Notes that something changed. It is written soon.
    pub(super) fn changed(&self) {
        self.state.lock().changes += 1;
    }

    /// A row for the log. It is appended soon.
    pub(super) fn row(&self, row: Row) {
        let mut state = self.state.lock();
        if state.rows.len() >= MOST_ROWS {
            state.rows.pop_front();
        }
        state.rows.push_back(row);
        drop(state);
        self.due.notify_one();
    }

    /// A number for an event of the audit log.
    pub(super) fn number(&self) -> u64 {
        let mut state = self.state.lock();
        state.events += 1;
        state.events
    }

    /// The number of the newest change.
    pub(super) fn newest(&self) -> u64 {
        self.state.lock().changes
    }

    /// Waits until the change of that number is on disk; says why it is not.
    pub(super) async fn written(&self, number: u64) -> Result<(), String> {
        if self.file.is_none() {
            return Ok(());
        }
        let mut progress = self.progress.subscribe();
        let failures = progress.borrow().failures;
        self.due.notify_one();
        let done = progress.wait_for(|now| now.written >= number || now.failures > failures);
        match done.await {
            Ok(now) if now.written >= number => Ok(()),
            Ok(now) => Err(now.reason.clone()),
            Err(_) => Err("the service ends".into()),
        }
    }

    /// Writes what has changed, which `take` makes a copy of.
    pub(super) async fn write(&self, take: impl FnOnce() -> KeptWindows) {
        let Some(file) = self.file.clone() else { return };
        let number = self.newest();
        if self.progress.borrow().written >= number {
            return;
        }
        let kept = take();
        let written = tokio::task::spawn_blocking(move || file.write(&kept)).await;
        let written = written.expect("writing a file does not panic");
        self.progress.send_modify(|progress| match written {
            Ok(()) => {
                progress.written = number;
                if self.keeping.writes.up() {
                    info!("the state of windows survives a restart again");
                }
            }
            Err(error) => {
                progress.failures += 1;
                progress.reason = format!("windows.json cannot be written ({})", with_causes(&error));
                let reason = format!(
                    "{}: what people want of windows now, and an alarm, would not survive a restart, and is not acknowledged \
                     meanwhile",
                    progress.reason
                );
                if self.keeping.writes.down(reason.clone()) {
                    warn!(error = reason, "it is tried again");
                }
            }
        });
    }

    /// Appends the rows that wait.
    pub(super) async fn append(&self) {
        let rows: Vec<Row> = self.state.lock().rows.drain(..).collect();
        if rows.is_empty() {
            return;
        }
        let rows = rows.iter().map(Row::encode).collect();
        if let Err(error) = self.log.append(None, rows).await {
            let error = with_causes(&error);
            debug!(error, "what happened at windows is not stored");
        }
    }
}
