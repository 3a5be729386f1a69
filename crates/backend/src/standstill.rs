//! A moment in which every record is either in the log or in the database: what a backup is taken of.
//!
//! In: a backend at work. Out: a [`Standstill`]; while it is held, the recorder begins no plan, and none is under way. Messages
//! are accepted meanwhile and wait in the log.

use std::{io, path::Path, sync::Arc, time::Duration};

use journal::{Journal, JournalError};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, sleep, timeout_at},
};

/// Pause between two looks at the plans.
const LOOK: Duration = Duration::from_millis(20);

/// The recorder's pauses, for whoever takes backups.
#[derive(Debug, Clone)]
pub struct Standstills {
    pub(crate) journal: Journal,
    pub(crate) gate: Arc<Mutex<()>>,
}

/// The recorder waits as long as this is held.
#[derive(Debug)]
pub struct Standstill {
    journal: Journal,
    _gate: OwnedMutexGuard<()>,
}

impl Standstills {
    /// Waits until no plan is under way and lets none begin; `None` where the database does not take the plan within
    /// `patience`.
    pub async fn begin(&self, patience: Duration) -> Option<Standstill> {
        let deadline = Instant::now() + patience;
        loop {
            let gate = timeout_at(deadline, Arc::clone(&self.gate).lock_owned())
                .await
                .ok()?;
            if self.journal.stats().plans == 0 {
                return Some(Standstill {
                    journal: self.journal.clone(),
                    _gate: gate,
                });
            }
            drop(gate);
            if Instant::now() >= deadline {
                return None;
            }
            sleep(LOOK).await;
        }
    }
}

impl Standstill {
    /// Does `work` with the journal's directory while its files are closed: [`Journal::while_closed`].
    pub async fn while_closed(
        &self,
        work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<(), JournalError> {
        self.journal.while_closed(work).await
    }

    /// The number of records that wait.
    pub fn waiting(&self) -> u64 {
        self.journal.stats().records
    }
}
