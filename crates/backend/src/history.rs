//! What a broker kept from before our subscription: retained messages. They are history, whoever sends them now.
//!
//! In: events of retained messages. Out: rows at their own times, where they are new. They move no window, and nobody
//! counts as seen by them. One whose time is unknown is refused: it would become another row at every start.

use std::{sync::Arc, time::Duration};

use domain::{ClockState, Refusal, RefusalReason, Timestamp};
use monitoring::with_causes;
use mqtt::TopicKind;
use store::Row;
use tokio::sync::watch;
use tracing::debug;

use crate::{
    Ingest,
    database::History,
    decoder::Event,
    ingest::Interpreted,
    keys,
    message::{Acceptance, Message},
    rows,
};

/// How long ClickHouse is waited for, once the baseline is known or unknowable.
const LONGEST_LOOK_UP: Duration = Duration::from_secs(2);

/// What was stored before.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) history: Arc<dyn History>,
    /// Turns true when the baseline is known, or known to be unknowable.
    pub(crate) settled: watch::Receiver<bool>,
}

impl Past {
    /// Whether such a row is stored; `false` where ClickHouse does not say so in time.
    async fn has(&self, row: &Row) -> bool {
        let asked = async {
            let _ = self.settled.clone().wait_for(|settled| *settled).await;
            tokio::time::timeout(LONGEST_LOOK_UP, self.history.has_row(row)).await
        };
        match asked.await {
            Ok(Ok(has)) => has,
            Ok(Err(error)) => {
                debug!(error = with_causes(&error), "a retained message is taken for new");
                false
            }
            Err(_) => false,
        }
    }
}

impl Ingest {
    /// Keeps what is new of a retained message.
    pub(crate) async fn keep(&self, kind: TopicKind, event: Event, message: &Message) -> Interpreted {
        let received_at = message.received_at;
        let Some(claim) = keys::claim(kind, &event) else {
            // That a device was there once does not mean that it is there now; that it left holds until it comes back.
            return match event {
                Event::Status(_, true) => Interpreted::nothing(Acceptance::Ignored),
                status => self.status(&status, received_at),
            };
        };
        let clock = self.clocks.judge(claim.claimed, received_at);
        self.metrics.clock(clock, kind);
        if clock.is_replaced() {
            return self.refuse(message, &undated(clock, claim.claimed));
        }
        self.devices.remember(&event);
        let row = match event {
            Event::Reading(reading) => rows::reading(&reading, received_at),
            Event::Clip(mut clip) => {
                let raw_path = self.recordings.store(&mut clip).await;
                rows::clip(&clip, raw_path, received_at)
            }
            Event::Action(action) => rows::action(&action, None, received_at).swap_remove(0),
            Event::State(state) => rows::state(&state, received_at),
            Event::Shadow(prediction) => rows::shadow(&prediction, received_at),
            Event::Status(..) => return Interpreted::nothing(Acceptance::Ignored),
        };
        if self.past.has(&row).await {
            self.metrics.duplicate();
            return Interpreted::nothing(Acceptance::Duplicate);
        }
        Interpreted::keyed(claim.key, row)
    }
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
