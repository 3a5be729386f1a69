//! The one `accept` behind every door: from a message to a decision and a durable record.
//!
//! In: messages. Out: an [`Acceptance`], returned only when the rows are durable. A message is decoded, then decided on,
//! then persisted. It never waits for ClickHouse, and a bad message never stops it.

use std::{sync::Arc, time::Duration};

use domain::{DeviceId, Origin, Refusal, RefusalReason, WindowAction};
use mqtt::TopicKind;
use parking_lot::Mutex;
use store::Row;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    Devices, Feed, Happening, InferenceTrigger, Metrics, Rules, Windows,
    clips::{AnalysedClip, Recordings},
    clocks::{Clocks, Judgement},
    decoder::{Decoded, Decoder, Event, Sender},
    history::Past,
    interpreted::{Again, Interpreted},
    keys,
    log::Repeats,
    message::{Acceptance, Message, Passage},
    refusals::RefusalBudget,
    rows,
    vitals::Vitals,
};

/// How long a broker takes at the most to hand on a command that was taken.
const HANDING_ON: Duration = Duration::from_millis(20);
/// How long after a start clients may send again what the last run did not acknowledge, without marking it.
const RESENT: Duration = Duration::from_mins(1);

/// Takes messages. Its devices and its trigger are values: a partition of devices has an ingest of its own.
#[derive(Debug)]
pub struct Ingest {
    pub(crate) decoder: Arc<Decoder>,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) past: Past,
    pub(crate) started: Instant,
    pub(crate) trigger: Arc<InferenceTrigger>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) rules: Arc<Rules>,
    /// Takes who is to be told the time.
    pub(crate) clockless: mpsc::Sender<DeviceId>,
    pub(crate) recordings: Recordings,
    pub(crate) refusals: Mutex<RefusalBudget>,
    pub(crate) log: Arc<dyn Repeats>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) metrics: Arc<Metrics>,
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
        // Where one does not survive yet, each is persisted alone: nothing is appended before what it says survives.
        let mut survive = true;
        for one in &interpreted {
            survive = survive && self.survives(one).await;
        }
        let appended = if survive {
            self.append_all(&mut interpreted).await
        } else {
            vec![None; messages.len()]
        };
        let settled = interpreted.iter().zip(appended);
        let settled = settled.map(|(one, appended)| Some(self.settle(one, Ok(appended?))));
        let outcomes = settled.collect();
        self.persist_in_time(&mut interpreted, outcomes, shutdown).await
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
            Ok(Decoded::Event(kind, event, sender)) => Interpreted {
                accepted: Some((kind, started)),
                ..self.take(kind, event, sender, message).await
            },
            Err(refusal) => self.refuse(message, &refusal),
        }
    }

    async fn take(&self, kind: TopicKind, event: Event, sender: Sender, message: &Message) -> Interpreted {
        if message.passage.is_history {
            return self.keep(kind, event, &sender, message).await;
        }
        if let Event::Set(set) = &event {
            return self.set(set, message).await;
        }
        let received_at = message.received_at;
        if !sender.is_dated {
            return self.take_undated(kind, event, sender, message).await;
        }
        let Some(claim) = keys::claim(kind, &event) else {
            return self.take_untimed(event, &sender, received_at);
        };
        let key = claim.key;
        let may_be_resent = message.passage.may_be_resent || self.started.elapsed() < RESENT;
        let passage = Passage {
            may_be_resent,
            ..message.passage
        };
        let mut judgement = self.clocks.believe(claim, received_at, passage);
        self.metrics.clock(judgement.clock, kind);
        let (event, listed) = self.doubt(event.at(judgement.timestamp), message);
        let is_command = kind == TopicKind::WindowControl;
        let holds_back = (is_command && message.passage.is_taken_first).then(|| sender.device_id.clone());
        if let Some(device_id) = &holds_back {
            self.windows.hold_back(device_id);
        }
        let mut rows = self.decide(event, &judgement, &sender, message).await;
        rows.extend(listed);
        let rules_change = self.rules_change(kind, &sender.device_id);
        Interpreted {
            key: Some(key),
            again: judgement.seen.take().map_or(Again::Repeat, Again::Judge),
            sender: Some(sender.device_id),
            rows,
            goes_ahead: is_command,
            holds_back,
            rules_change,
            told: judgement.event,
            ..Interpreted::nothing(Acceptance::Stored)
        }
    }

    /// Takes a message whose time is that of its receipt. Equal ones are repeats only if they are marked as such.
    async fn take_undated(
        &self,
        kind: TopicKind,
        event: Event,
        sender: Sender,
        message: &Message,
    ) -> Interpreted {
        let key = keys::undated(&event);
        let judgement = Judgement::undated(message.received_at, message.passage);
        let (event, listed) = self.doubt(event.at(message.received_at), message);
        let mut rows = self.decide(event, &judgement, &sender, message).await;
        rows.extend(listed);
        let rules_change = self.rules_change(kind, &sender.device_id);
        Interpreted {
            key,
            again: if message.passage.is_marked {
                Again::Repeat
            } else {
                Again::Store
            },
            sender: Some(sender.device_id),
            rows,
            rules_change,
            ..Interpreted::nothing(Acceptance::Stored)
        }
    }

    /// The number of the change that a message told rules, which they would not know after a restart.
    fn rules_change(&self, kind: TopicKind, device_id: &DeviceId) -> Option<u64> {
        match kind {
            TopicKind::Reading(quantity) => self.rules.unkept(device_id, quantity),
            _ => None,
        }
    }

    /// Deciding comes first: it waits for neither disk nor database. A recording is stored after it.
    async fn decide(
        &self,
        event: Event,
        judgement: &Judgement,
        sender: &Sender,
        message: &Message,
    ) -> Vec<Row> {
        let received_at = message.received_at;
        let mut is_ours = false;
        if !judgement.is_resent {
            is_ours = self.observe(&event, judgement, sender, received_at);
            if let Some(happening) = Happening::of(&event) {
                self.feed.add(received_at, happening);
            }
        }
        match event {
            Event::Reading(reading) => vec![rows::reading(&reading, received_at)],
            Event::Clip(mut clip) => {
                let raw_path = self.recordings.store(&mut clip).await;
                let mut rows = vec![rows::clip(&clip, raw_path, received_at)];
                rows.extend(self.contradiction(&clip, message));
                rows
            }
            Event::Action(mut action) => {
                if is_ours {
                    self.unmeasured(&mut action);
                }
                let basis = self.trigger.last_request(&action.device_id);
                self.metrics.action_logged();
                let is_decision = !matches!(
                    action.origin,
                    Origin::Person | Origin::Schedule | Origin::Interlock
                );
                if is_decision && !is_ours {
                    let waited = basis.as_ref().map(|request| request.sent.elapsed());
                    self.metrics.decided(waited, action.inference_time_ms);
                }
                rows::action(&action, basis.as_ref(), received_at, is_ours)
            }
            Event::State(state) => vec![rows::state(&state, received_at)],
            Event::Suspect(reading, cause) => vec![rows::suspect(&reading, cause, received_at)],
            Event::Held(decision) => vec![rows::held(&decision, received_at)],
            Event::Shadow(prediction) => vec![rows::shadow(&prediction, received_at)],
            Event::Telemetry(telemetry) => vec![rows::telemetry(&telemetry, received_at)],
            // They state no time, so nothing is believed of them.
            Event::Status(..) | Event::Alarm(..) | Event::Ack(_) | Event::Set(_) | Event::TimeRequest(_) => {
                vec![]
            }
        }
    }

    /// What a command of ours says of a climate that nobody has measured is not kept.
    fn unmeasured(&self, action: &mut WindowAction) {
        let [temperature, humidity] = self.windows.climate(&action.device_id);
        if temperature.is_none() {
            action.temperature = f64::NAN;
        }
        if humidity.is_none() {
            action.humidity = f64::NAN;
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
        if listed {
            self.feed
                .add(message.received_at, Happening::refused(&message.topic, refusal));
        }
        let row = listed.then(|| rows::refusal(message, refusal));
        Interpreted {
            rows: row.into_iter().collect(),
            ..Interpreted::nothing(Acceptance::Refused(refusal.reason))
        }
    }

    /// Takes that the broker has handed a message on, or is about to: what answers it may follow.
    pub fn handed_on(&self, interpreted: &Interpreted) {
        if let Some(device_id) = interpreted.holds_back.clone() {
            let windows = Arc::clone(&self.windows);
            tokio::spawn(async move {
                tokio::time::sleep(HANDING_ON).await;
                windows.let_go(&device_id);
            });
        }
    }
}
