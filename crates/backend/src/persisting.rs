//! What was understood becomes durable: rows in the log, and what windows and rules must not lose.
//!
//! In: messages that were interpreted. Out: their [`Acceptance`], once what they say survives a restart.

use std::time::Duration;

use monitoring::with_causes;
use store::Row;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    Ingest,
    clock::now,
    interpreted::{Again, Interpreted},
    log::{Appended, EventRows, LogError},
    message::Acceptance,
};

/// How long a message that the log did not take waits before it is tried again.
const RETRY: Duration = Duration::from_millis(500);

impl Ingest {
    /// Persists each message without an outcome alone. What does not survive yet is tried again; what came behind it does not wait
    /// for that, though it is acknowledged after it. From `shutdown` on nothing is tried behind what does not survive.
    pub(crate) async fn persist_in_time(
        &self,
        interpreted: &mut [Interpreted],
        mut outcomes: Vec<Option<Acceptance>>,
        shutdown: &CancellationToken,
    ) -> Vec<Acceptance> {
        loop {
            let mut is_behind = false;
            for (one, outcome) in interpreted.iter_mut().zip(&mut outcomes) {
                // Sent again after an end, rows without a key would be there twice.
                let may_overtake = one.key.is_some() || one.rows.is_empty();
                let may_try = !is_behind || may_overtake && !shutdown.is_cancelled();
                if outcome.is_some() || !may_try {
                    continue;
                }
                let acceptance = self.persist(one).await;
                let is_withheld = acceptance == Acceptance::Withheld;
                *outcome = (!is_withheld).then_some(acceptance);
                is_behind |= is_withheld;
            }
            let pause = tokio::time::sleep(RETRY);
            if !is_behind || shutdown.run_until_cancelled(pause).await.is_none() {
                return outcomes.into_iter().map_while(|outcome| outcome).collect();
            }
        }
    }

    /// Makes the rows durable; [`Acceptance::Withheld`] may be tried again.
    pub async fn persist(&self, interpreted: &mut Interpreted) -> Acceptance {
        // First: rows without a key would be there once for each time that it is tried.
        if !self.survives(interpreted).await {
            return Acceptance::Withheld;
        }
        let mut appended = self.append(interpreted).await;
        if matches!(appended, Ok(Appended::Repeated))
            && let Some(rows) = self.rows_of_repeat(interpreted)
        {
            // It says the same again, and is new: no time tells its messages apart.
            (interpreted.key, interpreted.rows) = (None, rows);
            appended = self.append(interpreted).await;
        }
        if appended.is_ok()
            && let Some(row) = interpreted.told.take()
        {
            // The message itself is durable; a log that fails now says so with the next one.
            let _ = self.log.append(None, vec![row.encode()]).await;
        }
        self.settle(interpreted, appended)
    }

    /// Waits until what a message changes of windows and rules survives a restart: nobody says it again after one. Returns
    /// whether it does.
    pub(crate) async fn survives(&self, interpreted: &Interpreted) -> bool {
        if let Some(change) = interpreted.rules_change
            && !self.rules.keep_change(change).await
        {
            return false;
        }
        match interpreted.window_change {
            Some(change) => self.windows.kept(change).await.is_ok(),
            None => true,
        }
    }

    /// The rows of a message of a known key that is new all the same.
    fn rows_of_repeat(&self, interpreted: &mut Interpreted) -> Option<Vec<Row>> {
        match std::mem::replace(&mut interpreted.again, Again::Repeat) {
            Again::Repeat => None,
            Again::Judge(seen) => self.clocks.repeated(&seen, &interpreted.rows),
            Again::Store => Some(std::mem::take(&mut interpreted.rows)),
        }
    }

    /// Counts and tells what became of the rows.
    pub(crate) fn settle(
        &self,
        interpreted: &Interpreted,
        appended: Result<Appended, LogError>,
    ) -> Acceptance {
        let acceptance = match appended {
            Ok(Appended::Stored) => interpreted.outcome,
            Ok(Appended::Repeated) => {
                self.metrics.duplicate();
                if let Some(device_id) = &interpreted.sender {
                    self.devices.repeated(device_id, now());
                }
                Acceptance::Duplicate
            }
            Err(error) => {
                let reason = with_causes(&error);
                if self.vitals.log_writes.down(reason.clone()) {
                    warn!(
                        error = reason,
                        "messages are given back: the log does not take them"
                    );
                }
                return Acceptance::Withheld;
            }
        };
        if !interpreted.rows.is_empty() && self.vitals.log_writes.up() {
            info!("the log takes messages again");
        }
        if let Some(after) = &interpreted.after {
            self.complete(after, !interpreted.rows.is_empty());
        }
        if let Some((kind, started)) = interpreted.accepted {
            self.metrics.accepted(kind, started.elapsed().as_secs_f64());
        }
        acceptance
    }

    /// Appends the rows of several messages in one step; `None` for each that has to be persisted alone.
    pub(crate) async fn append_all(&self, interpreted: &mut [Interpreted]) -> Vec<Option<Appended>> {
        let with_rows = interpreted.iter().filter(|one| !one.rows.is_empty());
        let mut events: Vec<EventRows> = with_rows
            .map(|one| (one.key, one.rows.iter().map(Row::encode).collect()))
            .collect();
        let told = interpreted.iter().filter_map(|one| one.told.as_ref());
        events.extend(told.map(|row| (None, vec![row.encode()])));
        let appended = if events.is_empty() {
            Vec::new()
        } else {
            self.log.append_all(events).await.unwrap_or_default()
        };
        if !appended.is_empty() {
            for one in &mut *interpreted {
                one.told = None;
            }
        }
        let mut appended = appended.into_iter();
        // A repeat is judged once more.
        let outcome = |one: &Interpreted| {
            if one.rows.is_empty() {
                return Some(Appended::Stored);
            }
            appended.next().filter(|appended| *appended == Appended::Stored)
        };
        interpreted.iter().map(outcome).collect()
    }

    async fn append(&self, interpreted: &Interpreted) -> Result<Appended, LogError> {
        if interpreted.rows.is_empty() {
            return Ok(Appended::Stored);
        }
        let rows = interpreted.rows.iter().map(Row::encode).collect();
        self.log.append(interpreted.key, rows).await
    }
}
