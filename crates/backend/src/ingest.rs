//! The one `accept` behind both doors: from a message to a durable record and a decision.
//!
//! In: topic and payload, from a subscription or from the embedded broker's hook. Out: an [`Acceptance`], returned only
//! when the record is on disk. It never waits for ClickHouse, and a bad message never stops it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    ClipLimits, ClockPolicy, DeviceId, Quantity, Reading, Refusal, RefusalReason, ShadowPrediction,
    Timestamp, WindowAction, WindowState,
};
use journal::{Appended, Entry, Journal, JournalError, Key};
use mqtt::{DeviceStatus, Inbound, TopicKind, Topics};
use parking_lot::Mutex;
use store::Row;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::{
    Metrics,
    clips::{AnalysedClip, ClipAnalyser},
    devices::Devices,
    refusals::RefusalBudget,
    repeats, rows,
    trigger::TriggerBoard,
};

/// How long `accept` waits for room in a full journal before it gives the message back.
const FULL_WAIT: Duration = Duration::from_secs(5);

/// A message as it came in.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Bytes,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What became of a message. All but `Withheld` may be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Its rows are on disk.
    Stored,
    /// It repeats a message that is on disk.
    Duplicate,
    /// It is not a message we understand; that fact is on disk or counted.
    Refused(RefusalReason),
    /// It is none of ours.
    Ignored,
    /// It could not be made durable: it must not be acknowledged.
    Withheld,
}

/// What ingest works with.
#[derive(Debug)]
pub struct Ingest {
    /// The topics that are ours.
    pub topics: Topics,
    /// Which device clocks are believed.
    pub clocks: ClockPolicy,
    /// How large a clip may be.
    pub clip_limits: ClipLimits,
    pub(crate) journal: Journal,
    pub(crate) analyser: ClipAnalyser,
    pub(crate) trigger: Arc<TriggerBoard>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) refusals: Mutex<RefusalBudget>,
}

/// A message that passed every check.
enum Event {
    /// A reading at the time we believe, and the time its device claimed.
    Reading(Reading, Timestamp),
    Clip(Box<AnalysedClip>),
    Action(Box<WindowAction>),
    State(WindowState),
    Status(DeviceId, bool),
    Shadow(Box<ShadowPrediction>),
}

/// A message that was understood and decided on; what remains is to make it durable.
#[derive(Debug)]
pub(crate) struct Looked {
    /// What becomes of it once its rows are on disk.
    outcome: Acceptance,
    key: Option<Key>,
    rows: Vec<Row>,
    /// A birth or a last will, which counts when its event is durable.
    status: Option<(DeviceId, bool, Timestamp)>,
    accepted: Option<(&'static str, Instant)>,
}

impl Ingest {
    /// Takes one message; see the module's text.
    pub async fn accept(&self, message: Message) -> Acceptance {
        self.keep(&self.look(&message).await).await
    }

    /// Understands a message, decides and counts: once, however often [`Ingest::keep`] is tried.
    pub(crate) async fn look(&self, message: &Message) -> Looked {
        let started = Instant::now();
        let decoded = match self.topics.classify(&message.topic) {
            _ if !self.is_ours(&message.topic) => return Looked::nothing(Acceptance::Ignored),
            Ok(inbound) if inbound.kind == TopicKind::InferenceRequest => {
                return Looked::nothing(Acceptance::Ignored);
            }
            Ok(inbound) => self.decode(inbound, message).await,
            Err(refusal) => Err(refusal),
        };
        match decoded {
            Ok(event) => {
                let kind = event.kind();
                Looked {
                    accepted: Some((kind, started)),
                    ..self.decide(event, message.received_at).await
                }
            }
            Err(refusal) => self.refuse(message, &refusal),
        }
    }

    /// Makes what was looked at durable; [`Acceptance::Withheld`] may be tried again.
    pub(crate) async fn keep(&self, looked: &Looked) -> Acceptance {
        let acceptance = match self.store(looked.key, &looked.rows).await {
            Acceptance::Withheld => return Acceptance::Withheld,
            Acceptance::Duplicate => Acceptance::Duplicate,
            _ => looked.outcome,
        };
        if let Some((device_id, online, at)) = &looked.status {
            self.devices.status(device_id, *online, *at);
        }
        if let Some((kind, started)) = looked.accepted {
            self.metrics.accepted(kind, started.elapsed().as_secs_f64());
        }
        acceptance
    }

    /// Whether a topic lies in a tree that devices and windows talk in: the embedded broker shows us all topics. The ML
    /// service's tree is its own; of it only the candidates' predictions are ours.
    fn is_ours(&self, topic: &str) -> bool {
        let root = topic.split('/').next();
        TopicKind::ALL.into_iter().any(|kind| {
            let pattern = self.topics.pattern(kind);
            match kind {
                TopicKind::InferenceRequest => false,
                TopicKind::ShadowPrediction => pattern.match_topic(topic).is_some(),
                _ => pattern.filter().split('/').next() == root,
            }
        })
    }

    async fn decode(&self, inbound: Inbound, message: &Message) -> Result<Event, Refusal> {
        let Inbound { kind, device_id } = inbound;
        let payload = &message.payload[..];
        let at = message.received_at;
        Ok(match kind {
            TopicKind::Temperature | TopicKind::Humidity => {
                let quantity = if kind == TopicKind::Temperature {
                    Quantity::Temperature
                } else {
                    Quantity::Humidity
                };
                let reading = mqtt::decode_reading(quantity, device_id, payload)?;
                let claimed = reading.timestamp();
                Event::Reading(reading.at(self.believe(claimed, at)), claimed)
            }
            TopicKind::Audio => {
                let received = mqtt::decode_clip(device_id, payload, &self.clip_limits)?;
                let mut analysed = self.analyser.analyse(received).await?;
                analysed.timestamp = self.believe(analysed.timestamp, at);
                Event::Clip(Box::new(analysed))
            }
            TopicKind::WindowControl => Event::Action(Box::new(mqtt::decode_control(device_id, payload)?)),
            TopicKind::WindowState => Event::State(mqtt::decode_state(device_id, payload)?),
            TopicKind::DeviceStatus => {
                Event::Status(device_id, mqtt::decode_status(payload)? == DeviceStatus::Online)
            }
            TopicKind::ShadowPrediction => Event::Shadow(Box::new(mqtt::decode_shadow(device_id, payload)?)),
            TopicKind::InferenceRequest => {
                return Err(Refusal::new(RefusalReason::BadTopic, "requests are not for us"));
            }
        })
    }

    /// A device's time, or the time of receipt where its clock cannot be right.
    fn believe(&self, claimed: Timestamp, received_at: Timestamp) -> Timestamp {
        let stamped = self.clocks.judge(claimed, received_at);
        self.metrics.clock(stamped.clock);
        stamped.timestamp
    }

    /// Deciding comes first: it waits for neither disk nor database. A recording is kept after it.
    async fn decide(&self, event: Event, received_at: Timestamp) -> Looked {
        let mut status = None;
        let (key, rows) = match event {
            Event::Reading(reading, claimed) => {
                self.trigger.observe_reading(&reading, received_at);
                self.devices.reading(&reading, received_at);
                (
                    // Without a clock many readings share one time: none of them may pass for a repeat.
                    (claimed == reading.timestamp()).then(|| repeats::reading_key(&reading, claimed)),
                    vec![rows::reading(&reading, received_at)],
                )
            }
            Event::Clip(mut clip) => {
                self.trigger
                    .observe_clip(&clip.device_id, clip.heard(), received_at);
                self.devices.clip(&clip, received_at);
                let raw_path = self.analyser.keep(&mut clip).await;
                (
                    (clip.claimed == clip.timestamp).then(|| repeats::clip_key(&clip)),
                    vec![rows::clip(&clip, raw_path, received_at)],
                )
            }
            Event::Action(action) => {
                let basis = self.trigger.last_request(&action.device_id);
                self.devices.action(&action);
                self.metrics.action_logged();
                (
                    Some(repeats::action_key(&action)),
                    rows::action(&action, basis.as_ref(), received_at).to_vec(),
                )
            }
            Event::State(state) => {
                self.devices.state(&state, received_at);
                (
                    Some(repeats::state_key(&state)),
                    vec![rows::state(&state, received_at)],
                )
            }
            Event::Status(device_id, online) => {
                let event = self.devices.status_event(&device_id, online, received_at);
                status = Some((device_id, online, received_at));
                (None, event.into_iter().collect())
            }
            // A device's state and history are what happened; this only might have.
            Event::Shadow(prediction) => (
                Some(repeats::shadow_key(&prediction)),
                vec![rows::shadow(&prediction, received_at)],
            ),
        };
        Looked {
            key,
            rows,
            status,
            ..Looked::nothing(Acceptance::Stored)
        }
    }

    /// Makes rows durable in one atomic write. The first row's key stands for the whole event.
    async fn store(&self, key: Option<Key>, rows: &[Row]) -> Acceptance {
        let entry = |(index, row): (usize, &Row)| Entry {
            key: key.map(|key| repeats::part(key, index)),
            payload: row.encode(),
        };
        let entries: Vec<Entry> = rows.iter().enumerate().map(entry).collect();
        if entries.is_empty() {
            return Acceptance::Stored;
        }
        match self.append(entries).await {
            Ok(appended) if appended.first() == Some(&Appended::Duplicate) => {
                self.metrics.duplicate();
                Acceptance::Duplicate
            }
            Ok(_) => Acceptance::Stored,
            Err(error) => {
                warn!(error = %error, "message given back: the journal did not take it");
                Acceptance::Withheld
            }
        }
    }

    /// Makes rows durable that no message carried.
    pub(crate) async fn append_rows(&self, rows: &[Row]) -> bool {
        self.store(None, rows).await != Acceptance::Withheld
    }

    /// Waits a while for room where the journal is full.
    async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, JournalError> {
        let bytes = entries.iter().map(|entry| entry.payload.len()).sum();
        let deadline = Instant::now() + FULL_WAIT;
        loop {
            match self.journal.append(entries.clone()).await {
                Err(JournalError::Full { .. }) if Instant::now() < deadline => {
                    let _ = tokio::time::timeout_at(deadline, self.journal.wait_for_room(bytes)).await;
                }
                other => return other,
            }
        }
    }

    fn refuse(&self, message: &Message, refusal: &Refusal) -> Looked {
        self.metrics.refused(refusal.reason);
        debug!(topic = %message.topic, %refusal, "message refused");
        let listed = self.refusals.lock().spend(&message.topic);
        Looked {
            rows: listed
                .then(|| rows::refusal(message, refusal))
                .into_iter()
                .collect(),
            ..Looked::nothing(Acceptance::Refused(refusal.reason))
        }
    }
}

impl Looked {
    fn nothing(outcome: Acceptance) -> Self {
        Self {
            outcome,
            key: None,
            rows: Vec::new(),
            status: None,
            accepted: None,
        }
    }
}

impl Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::Reading(reading, _) => reading.quantity().as_str(),
            Self::Clip(_) => "audio",
            Self::Action(_) => "window_control",
            Self::State(_) => "window_state",
            Self::Status(..) => "device_status",
            Self::Shadow(_) => "shadow_prediction",
        }
    }
}
