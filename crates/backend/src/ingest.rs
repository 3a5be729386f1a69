//! The one `accept` behind every door: from a message to a decision and a durable record.
//!
//! In: messages. Out: an [`Acceptance`], returned only when the rows are durable. A message is decoded, then decided on,
//! then persisted. It never waits for ClickHouse, and a bad message never stops it.

use std::{sync::Arc, time::Duration};

use domain::{DeviceId, Origin, Refusal, RefusalReason, Timestamp};
use monitoring::with_causes;
use mqtt::TopicKind;
use parking_lot::Mutex;
use store::Row;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    Devices, InferenceTrigger, Metrics,
    clips::{AnalysedClip, Recordings},
    clocks::{Clocks, Judgement, Seen},
    decoder::{Decoded, Decoder, Event},
    history::Past,
    keys,
    log::{Appended, EventRows, LogError, RepeatKey, Repeats},
    message::{Acceptance, Message, Passage},
    refusals::RefusalBudget,
    rows,
    vitals::Vitals,
};

/// How long a message that the log did not take waits before it is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long after a start clients may send again what the last run did not acknowledge, without marking it.
const RESENT: Duration = Duration::from_mins(1);

/// Takes messages. Its devices and its trigger are values: a partition of devices has an ingest of its own.
#[derive(Debug)]
pub struct Ingest {
    pub(crate) decoder: Decoder,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) past: Past,
    pub(crate) started: Instant,
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
    /// By what a message whose key is known already is judged again; without it, it is a repeat.
    seen: Option<Seen>,
    pub(crate) rows: Vec<Row>,
    /// What is told of the sender's clock. It is stored once, whether or not the message turns out to be a repeat.
    told: Option<Row>,
    /// A birth or a last will, which counts when its event is durable.
    status: Option<(DeviceId, bool, Timestamp)>,
    accepted: Option<(TopicKind, Instant)>,
    goes_ahead: bool,
}

impl Ingest {
    /// Takes one message; [`Acceptance::Withheld`] where it cannot be made durable within seconds.
    pub async fn accept(&self, message: Message) -> Acceptance {
        let mut interpreted = self.interpret(&message).await;
        self.persist(&mut interpreted).await
    }

    /// Takes messages that came together, in their order, and waits until they are durable, in one write where possible,
    /// however long that takes. Returns their outcomes, of fewer messages where `shutdown` comes first.
    pub async fn accept_in_time(
        &self,
        messages: &[Message],
        shutdown: &CancellationToken,
    ) -> Vec<Acceptance> {
        let mut interpreted = Vec::with_capacity(messages.len());
        for message in messages {
            interpreted.push(self.interpret(message).await);
        }
        let appended = self.append_all(&mut interpreted).await;
        let mut outcomes = Vec::with_capacity(messages.len());
        for (interpreted, appended) in interpreted.iter_mut().zip(appended) {
            let outcome = match appended {
                Some(appended) => Some(self.settle(interpreted, Ok(appended))),
                None => self.persist_in_time(interpreted, shutdown).await,
            };
            let Some(outcome) = outcome else { break };
            outcomes.push(outcome);
        }
        outcomes
    }

    async fn persist_in_time(
        &self,
        interpreted: &mut Interpreted,
        shutdown: &CancellationToken,
    ) -> Option<Acceptance> {
        loop {
            let acceptance = self.persist(interpreted).await;
            if acceptance != Acceptance::Withheld {
                return Some(acceptance);
            }
            shutdown.run_until_cancelled(tokio::time::sleep(RETRY)).await?;
        }
    }

    /// Understands a message, decides and counts. Once for each message, however often its rows are then persisted.
    pub async fn interpret(&self, message: &Message) -> Interpreted {
        let started = Instant::now();
        // A message that lays a bug bare would otherwise be sent again after each end.
        let decoded = monitoring::contain_async(self.decoder.decode(message)).await;
        let decoded = decoded
            .unwrap_or_else(|panicked| Err(Refusal::new(RefusalReason::Internal, panicked.to_string())));
        match decoded {
            Ok(Decoded::Unread) => Interpreted::nothing(Acceptance::Ignored),
            Ok(Decoded::Foreign) => {
                self.metrics.foreign();
                Interpreted::nothing(Acceptance::Ignored)
            }
            Ok(Decoded::Event(kind, event)) => Interpreted {
                accepted: Some((kind, started)),
                ..self.take(kind, event, message).await
            },
            Err(refusal) => self.refuse(message, &refusal),
        }
    }

    async fn take(&self, kind: TopicKind, event: Event, message: &Message) -> Interpreted {
        if message.passage.is_history {
            return self.keep(kind, event, message).await;
        }
        let received_at = message.received_at;
        let Some(claim) = keys::claim(kind, &event) else {
            return self.status(&event, received_at);
        };
        let key = claim.key;
        let may_be_resent = message.passage.may_be_resent || self.started.elapsed() < RESENT;
        let passage = Passage {
            may_be_resent,
            ..message.passage
        };
        let judgement = self.clocks.believe(claim, received_at, passage);
        self.metrics.clock(judgement.clock, kind);
        let (event, listed) = self.doubt(event.at(judgement.timestamp), message);
        let mut rows = self.decide(event, &judgement, message).await;
        rows.extend(listed);
        Interpreted {
            key: Some(key),
            seen: Some(judgement.seen),
            rows,
            goes_ahead: kind == TopicKind::WindowControl,
            told: judgement.event,
            ..Interpreted::nothing(Acceptance::Stored)
        }
    }

    /// Deciding comes first: it waits for neither disk nor database. A recording is stored after it.
    async fn decide(&self, event: Event, judgement: &Judgement, message: &Message) -> Vec<Row> {
        let received_at = message.received_at;
        if !judgement.is_resent {
            self.observe(&event, judgement, received_at);
        }
        match event {
            Event::Reading(reading) => vec![rows::reading(&reading, received_at)],
            Event::Clip(mut clip) => {
                let raw_path = self.recordings.store(&mut clip).await;
                let mut rows = vec![rows::clip(&clip, raw_path, received_at)];
                rows.extend(self.contradiction(&clip, message));
                rows
            }
            Event::Action(action) => {
                let basis = self.trigger.last_request(&action.device_id);
                self.metrics.action_logged();
                if !matches!(action.origin, Origin::Person | Origin::Schedule) {
                    let waited = basis.as_ref().map(|request| request.sent.elapsed());
                    self.metrics.decided(waited, action.inference_time_ms);
                }
                rows::action(&action, basis.as_ref(), received_at)
            }
            Event::State(state) => vec![rows::state(&state, received_at)],
            Event::Suspect(reading, cause) => vec![rows::suspect(&reading, cause, received_at)],
            Event::Held(decision) => vec![rows::held(&decision, received_at)],
            Event::Shadow(prediction) => vec![rows::shadow(&prediction, received_at)],
            // It states no time, so nothing is believed of it.
            Event::Status(..) => vec![],
        }
    }

    /// Shows an event to the trigger and to the devices.
    fn observe(&self, event: &Event, judgement: &Judgement, received_at: Timestamp) {
        let clock = judgement.wrong_clock(received_at);
        let is_late = judgement.is_late;
        match event {
            Event::Reading(reading) => {
                if judgement.is_behind() {
                    self.trigger
                        .observe_reading(&reading.clone().at(received_at), is_late);
                } else {
                    self.trigger.observe_reading(reading, is_late);
                }
                self.devices.reading(reading, received_at, clock);
            }
            Event::Clip(clip) => {
                let mut recent = clip.recent();
                if judgement.is_behind() {
                    recent.timestamp = received_at;
                }
                self.trigger.observe_clip(&clip.device_id, recent, is_late);
                self.devices.clip(clip, received_at, clock);
            }
            Event::Action(action) => self.devices.action(action),
            Event::State(state) => self.devices.state(state, received_at, clock),
            Event::Suspect(reading, cause) => self.devices.suspect(reading, cause, received_at),
            Event::Held(decision) => self.devices.held(decision),
            // A device's state and history are what happened; a candidate's prediction only might have.
            Event::Shadow(_) | Event::Status(..) => {}
        }
    }

    pub(crate) fn status(&self, event: &Event, received_at: Timestamp) -> Interpreted {
        let Event::Status(device_id, online) = event else {
            return Interpreted::nothing(Acceptance::Ignored);
        };
        let row = self.devices.status_event(device_id, *online, received_at);
        Interpreted {
            rows: row.into_iter().collect(),
            status: Some((device_id.clone(), *online, received_at)),
            ..Interpreted::nothing(Acceptance::Stored)
        }
    }

    /// The row that tells in what a message contradicts its recording, which is kept.
    fn contradiction(&self, clip: &AnalysedClip, message: &Message) -> Option<Row> {
        let detail = clip.contradiction.as_deref()?;
        self.metrics.contradiction();
        debug!(topic = %message.topic, detail, "the message contradicts its recording");
        let listed = self.refusals.lock().spend(&message.topic);
        listed.then(|| rows::contradiction(message, detail))
    }

    pub(crate) fn refuse(&self, message: &Message, refusal: &Refusal) -> Interpreted {
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
    pub async fn persist(&self, interpreted: &mut Interpreted) -> Acceptance {
        let mut appended = self.append(interpreted).await;
        if matches!(appended, Ok(Appended::Repeated))
            && let Some(seen) = interpreted.seen.take()
            && let Some(rows) = self.clocks.repeated(&seen, &interpreted.rows)
        {
            // It says the same again, and is new: the clock does not tell its messages apart.
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

    /// Counts and tells what became of the rows.
    fn settle(&self, interpreted: &Interpreted, appended: Result<Appended, LogError>) -> Acceptance {
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

    /// Appends the rows of several messages in one step; `None` for each that has to be persisted alone.
    async fn append_all(&self, interpreted: &mut [Interpreted]) -> Vec<Option<Appended>> {
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

impl Interpreted {
    /// What becomes a row unless one of its key is stored.
    pub(crate) fn keyed(key: RepeatKey, row: Row) -> Self {
        Self {
            key: Some(key),
            rows: vec![row],
            ..Self::nothing(Acceptance::Stored)
        }
    }

    pub(crate) const fn nothing(outcome: Acceptance) -> Self {
        Self {
            outcome,
            key: None,
            seen: None,
            rows: Vec::new(),
            told: None,
            status: None,
            accepted: None,
            goes_ahead: false,
        }
    }

    /// Whether it is a command: its window does not wait until the rows are durable.
    pub const fn goes_ahead(&self) -> bool {
        self.goes_ahead
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
