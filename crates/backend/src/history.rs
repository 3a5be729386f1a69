//! What a broker kept from before our subscription: retained messages. They are history, whoever sends them now.
//!
//! In: events of retained messages. Out: rows at their own times, where they are new. They move no window, and nobody
//! counts as seen by them. One whose time is unknown is refused: it would become another row at every start.

use std::{sync::Arc, time::Duration};

use domain::{ClockState, Refusal, RefusalReason, Timestamp};
use monitoring::with_causes;
use mqtt::TopicKind;
use parking_lot::Mutex;
use store::{Row, StoreError};
use tokio::{sync::watch, time::Instant};
use tracing::{debug, info};

use crate::{
    Ingest,
    database::History,
    decoder::{Event, Sender},
    interpreted::Interpreted,
    keys,
    message::{Acceptance, Message},
    rows,
};

/// How long ClickHouse is waited for, once the baseline is known or unknowable.
const LONGEST_LOOK_UP: Duration = Duration::from_secs(2);
/// How long it is not asked again after it did not answer: what follows must not wait for each message.
const NOT_AGAIN: Duration = Duration::from_secs(10);

/// What was stored before.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) history: Arc<dyn History>,
    /// Turns true when the baseline is known, or known to be unknowable.
    pub(crate) settled: watch::Receiver<bool>,
    /// When ClickHouse last did not answer.
    pub(crate) failed: Mutex<Option<Instant>>,
}

impl Past {
    pub(crate) fn of(history: &Arc<dyn History>, settled: &watch::Receiver<bool>) -> Self {
        Self {
            history: Arc::clone(history),
            settled: settled.clone(),
            failed: Mutex::default(),
        }
    }

    /// Returns when the baseline is known, or known to be unknowable.
    pub(crate) async fn settles(&self) {
        let _ = self.settled.clone().wait_for(|settled| *settled).await;
    }

    /// Whether such a row is stored; `false` where ClickHouse does not say so in time.
    async fn has(&self, row: &Row) -> bool {
        self.settles().await;
        if self
            .failed
            .lock()
            .is_some_and(|failed| failed.elapsed() < NOT_AGAIN)
        {
            return false;
        }
        let asked = tokio::time::timeout(LONGEST_LOOK_UP, self.history.has_row(row)).await;
        match asked.unwrap_or(Err(StoreError::Timeout)) {
            Ok(has) => has,
            Err(error) => {
                debug!(error = with_causes(&error), "retained messages are taken for new");
                *self.failed.lock() = Some(Instant::now());
                false
            }
        }
    }
}

impl Ingest {
    /// Keeps what is new of a retained message.
    pub(crate) async fn keep(
        &self,
        kind: TopicKind,
        event: Event,
        sender: &Sender,
        message: &Message,
    ) -> Interpreted {
        let received_at = message.received_at;
        if !sender.is_dated {
            return self.refuse(message, &dateless());
        }
        let Some(claim) = keys::claim(kind, &event) else {
            // That a device was there once does not mean that it is there now; that it left holds until it comes back.
            return match event {
                Event::Set(_) => {
                    let refusal = stale_wish();
                    info!(topic = %message.topic, %refusal, "a window is not moved");
                    self.refuse(message, &refusal)
                }
                Event::Status(_, true) | Event::TimeRequest(_) => Interpreted::nothing(Acceptance::Ignored),
                other => self.take_untimed(other, sender, received_at),
            };
        };
        let clock = self.clocks.judge(claim.claimed, received_at);
        self.metrics.clock(clock, kind);
        if clock.is_replaced() {
            return self.refuse(message, &undated(clock, claim.claimed));
        }
        let (event, listed) = self.doubt(event, message);
        self.devices.remember(&event);
        let row = match event {
            Event::Reading(reading) => rows::reading(&reading, received_at),
            Event::Clip(mut clip) => {
                let raw_path = self.recordings.store(&mut clip).await;
                rows::clip(&clip, raw_path, received_at)
            }
            Event::Action(action) => rows::action(&action, None, received_at, false).swap_remove(0),
            Event::State(state) => rows::state(&state, received_at),
            Event::Suspect(reading, cause) => rows::suspect(&reading, cause, received_at),
            Event::Held(decision) => rows::held(&decision, received_at),
            Event::Shadow(prediction) => rows::shadow(&prediction, received_at),
            Event::Telemetry(telemetry) => rows::telemetry(&telemetry, received_at),
            Event::Status(..) | Event::Alarm(..) | Event::Ack(_) | Event::Set(_) | Event::TimeRequest(_) => {
                return Interpreted::nothing(Acceptance::Ignored);
            }
        };
        if self.past.has(&row).await {
            self.metrics.duplicate();
            return Interpreted::nothing(Acceptance::Duplicate);
        }
        let mut kept = Interpreted::keyed(claim.key, row);
        kept.rows.extend(listed);
        kept
    }
}

/// Of a wish that a broker retained: nobody knows whether it is still meant.
fn stale_wish() -> Refusal {
    let detail = "a retained wish says where somebody wanted the window once, and would move it at each connection: it is not \
                  carried out; publish wishes without the retain flag, and clear this one with an empty retained message on its topic";
    Refusal::new(RefusalReason::UnknownTime, detail)
}

fn dateless() -> Refusal {
    let detail = "a retained message that states no time; publish measurements without the retain flag";
    Refusal::new(RefusalReason::UnknownTime, detail)
}

fn undated(clock: ClockState, claimed: Timestamp) -> Refusal {
    let which = match clock {
        ClockState::Ahead => "has not come yet",
        _ => "is that of a clock that was never set",
    };
    let detail = format!(
        "a retained message whose time is unknown: {claimed} {which}; publish measurements without the retain flag"
    );
    Refusal::new(RefusalReason::UnknownTime, detail)
}
