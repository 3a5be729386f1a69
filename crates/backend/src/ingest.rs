//! The one `accept` behind every door: from a message to a decision and a durable record.
//!
//! In: messages. Out: an [`Acceptance`], returned only when the rows are durable. A message is decoded, then decided on,
//! then persisted. It never waits for ClickHouse, and a bad message never stops it.

use std::{sync::Arc, time::Duration};

use domain::{DeviceId, Refusal, Timestamp};
use monitoring::with_causes;
use mqtt::TopicKind;
use parking_lot::Mutex;
use store::Row;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    Devices, InferenceTrigger, Metrics,
    clips::Recordings,
    clock::now,
    decoder::{Decoder, Event},
    keys,
    log::{Appended, RepeatKey, Repeats},
    message::{Acceptance, DoorEvent, Message},
    refusals::RefusalBudget,
    rows,
    vitals::Vitals,
};

/// How long a message that the log did not take waits before it is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Takes messages. Its devices and its trigger are values: a partition of devices has an ingest of its own.
#[derive(Debug)]
pub struct Ingest {
    pub(crate) decoder: Decoder,
    pub(crate) trigger: Arc<InferenceTrigger>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) recordings: Recordings,
    pub(crate) refusals: Mutex<RefusalBudget>,
    pub(crate) log: Arc<dyn Repeats>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) metrics: Arc<Metrics>,
}

/// A message that was decoded and decided on; what remains is to make its rows durable.
#[derive(Debug)]
pub struct Interpreted {
    /// What becomes of it once its rows are durable.
    outcome: Acceptance,
    key: Option<RepeatKey>,
    rows: Vec<Row>,
    /// A birth or a last will, which counts when its event is durable.
    status: Option<(DeviceId, bool, Timestamp)>,
    accepted: Option<(TopicKind, Instant)>,
}

impl Ingest {
    /// Takes one message; [`Acceptance::Withheld`] where it cannot be made durable within seconds.
    pub async fn accept(&self, message: Message) -> Acceptance {
        self.persist(&self.interpret(&message).await).await
    }

    /// Takes one message and waits until it is durable, however long that takes; `None` where `shutdown` comes first.
    pub async fn accept_in_time(&self, message: Message, shutdown: &CancellationToken) -> Option<Acceptance> {
        let interpreted = self.interpret(&message).await;
        loop {
            let acceptance = self.persist(&interpreted).await;
            if acceptance != Acceptance::Withheld {
                return Some(acceptance);
            }
            shutdown.run_until_cancelled(tokio::time::sleep(RETRY)).await?;
        }
    }

    /// Understands a message, decides and counts. Once for each message, however often its rows are then persisted.
    pub async fn interpret(&self, message: &Message) -> Interpreted {
        let started = Instant::now();
        match self.decoder.decode(message).await {
            Ok(None) => Interpreted::nothing(Acceptance::Ignored),
            Ok(Some((kind, event))) => Interpreted {
                accepted: Some((kind, started)),
                ..self.decide(event, message.received_at).await
            },
            Err(refusal) => self.refuse(message, &refusal),
        }
    }

    /// Deciding comes first: it waits for neither disk nor database. A recording is stored after it.
    async fn decide(&self, event: Event, received_at: Timestamp) -> Interpreted {
        let mut status = None;
        let (key, rows) = match event {
            Event::Reading(reading, claimed) => {
                self.trigger.observe_reading(&reading, received_at);
                self.devices.reading(&reading, received_at);
                // Without a clock many readings share one time: none of them may pass for a repeat.
                let believed = claimed == reading.timestamp();
                (
                    believed.then(|| keys::reading(&reading, claimed)),
                    vec![rows::reading(&reading, received_at)],
                )
            }
            Event::Clip(mut clip) => {
                self.trigger
                    .observe_clip(&clip.device_id, clip.recent(), received_at);
                self.devices.clip(&clip, received_at);
                let raw_path = self.recordings.store(&mut clip).await;
                let believed = clip.claimed == clip.timestamp;
                (
                    believed.then(|| keys::clip(&clip)),
                    vec![rows::clip(&clip, raw_path, received_at)],
                )
            }
            Event::Action(action) => {
                let basis = self.trigger.last_request(&action.device_id);
                self.devices.action(&action);
                self.metrics.action_logged();
                (
                    Some(keys::action(&action)),
                    rows::action(&action, basis.as_ref(), received_at),
                )
            }
            Event::State(state) => {
                self.devices.state(&state, received_at);
                (Some(keys::state(&state)), vec![rows::state(&state, received_at)])
            }
            Event::Status(device_id, online) => {
                let event = self.devices.status_event(&device_id, online, received_at);
                status = Some((device_id, online, received_at));
                (None, event.into_iter().collect())
            }
            // A device's state and history are what happened; this only might have.
            Event::Shadow(prediction) => (
                Some(keys::shadow(&prediction)),
                vec![rows::shadow(&prediction, received_at)],
            ),
        };
        Interpreted {
            key,
            rows,
            status,
            ..Interpreted::nothing(Acceptance::Stored)
        }
    }

    /// Keeps what happened at the embedded broker's door, beside the messages that were refused.
    pub async fn record_door_event(&self, event: &DoorEvent) {
        let row = rows::door_event(event, now());
        if let Err(error) = self.log.append(None, vec![row.encode()]).await {
            debug!(
                error = with_causes(&error),
                "an event of the broker is only in the log"
            );
        }
    }

    fn refuse(&self, message: &Message, refusal: &Refusal) -> Interpreted {
        self.metrics.refused(refusal.reason);
        debug!(topic = %message.topic, %refusal, "message refused");
        let listed = self.refusals.lock().spend(&message.topic);
        let row = listed.then(|| rows::refusal(message, refusal));
        Interpreted {
            rows: row.into_iter().collect(),
            ..Interpreted::nothing(Acceptance::Refused(refusal.reason))
        }
    }

    /// Makes the rows durable; [`Acceptance::Withheld`] may be tried again.
    async fn persist(&self, interpreted: &Interpreted) -> Acceptance {
        let appended = if interpreted.rows.is_empty() {
            Ok(Appended::Stored)
        } else {
            let rows = interpreted.rows.iter().map(Row::encode).collect();
            self.log.append(interpreted.key, rows).await
        };
        let acceptance = match appended {
            Ok(Appended::Stored) => interpreted.outcome,
            Ok(Appended::Repeated) => {
                self.metrics.duplicate();
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
        if let Some((device_id, online, at)) = &interpreted.status {
            self.devices.status(device_id, *online, *at);
        }
        if let Some((kind, started)) = interpreted.accepted {
            self.metrics.accepted(kind, started.elapsed().as_secs_f64());
        }
        acceptance
    }
}

impl Interpreted {
    const fn nothing(outcome: Acceptance) -> Self {
        Self {
            outcome,
            key: None,
            rows: Vec::new(),
            status: None,
            accepted: None,
        }
    }

    /// The key of the event's repeats; `None` where it has none.
    pub const fn key(&self) -> Option<RepeatKey> {
        self.key
    }

    /// The rows that it becomes.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}
