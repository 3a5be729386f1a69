//! From a message to an event: of which kind it is, whose, what it says and when.
//!
//! In: topic and payload. Out: an [`Event`], nothing where the topic is none of ours, or a refusal. A clip is reduced to
//! its features here.

use domain::{
    ClipLimits, DeviceId, Reading, Refusal, RefusalReason, ShadowPrediction, Timestamp, WindowAction,
    WindowState,
};
use mqtt::{DeviceStatus, Inbound, TopicKind, Topics};

use crate::{
    Message,
    clips::{AnalysedClip, ClipAnalyser},
};

/// A message that passed every check, at the time that it states.
pub(crate) enum Event {
    Reading(Reading),
    Clip(Box<AnalysedClip>),
    Action(Box<WindowAction>),
    State(WindowState),
    Status(DeviceId, bool),
    Shadow(Box<ShadowPrediction>),
}

impl Event {
    /// The same at the time that is believed.
    pub(crate) fn at(self, timestamp: Timestamp) -> Self {
        match self {
            Self::Reading(reading) => Self::Reading(reading.at(timestamp)),
            Self::Clip(mut clip) => {
                clip.timestamp = timestamp;
                Self::Clip(clip)
            }
            Self::Action(mut action) => {
                action.timestamp = timestamp;
                Self::Action(action)
            }
            Self::State(state) => Self::State(WindowState { timestamp, ..state }),
            Self::Shadow(mut prediction) => {
                prediction.timestamp = timestamp;
                Self::Shadow(prediction)
            }
            Self::Status(..) => self,
        }
    }
}

/// Reads messages.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) topics: Topics,
    pub(crate) clip_limits: ClipLimits,
    pub(crate) analyser: ClipAnalyser,
}

impl Decoder {
    /// The event and its kind; `None` for a message that is not for the backend.
    pub(crate) async fn decode(&self, message: &Message) -> Result<Option<(TopicKind, Event)>, Refusal> {
        if !self.is_ours(&message.topic) {
            return Ok(None);
        }
        let inbound = self.topics.classify(&message.topic)?;
        if inbound.kind == TopicKind::InferenceRequest {
            return Ok(None);
        }
        let kind = inbound.kind;
        Ok(Some((kind, self.read(inbound, message).await?)))
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

    async fn read(&self, inbound: Inbound, message: &Message) -> Result<Event, Refusal> {
        let Inbound { kind, device_id } = inbound;
        let payload = &message.payload[..];
        Ok(match kind {
            TopicKind::Reading(quantity) => {
                Event::Reading(mqtt::decode_reading(quantity, device_id, payload)?)
            }
            TopicKind::Audio => {
                let received = mqtt::decode_clip(device_id, payload, &self.clip_limits)?;
                Event::Clip(Box::new(self.analyser.analyse(received).await?))
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
}
