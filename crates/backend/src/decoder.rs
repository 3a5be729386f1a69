//! From a message to an event: of which kind it is, whose, what it says and when.
//!
//! In: topic and payload. Out: an [`Event`], nothing where the message is none of ours, or a refusal. A clip is reduced to
//! its features here.

use domain::{
    ClipLimits, DeviceId, HeldDecision, Reading, Refusal, RefusalReason, ShadowPrediction, Timestamp,
    WindowAction, WindowState,
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
    Held(Box<HeldDecision>),
    /// A reading that is typical of a fault, and what is suspect about it.
    Suspect(Reading, &'static str),
}

/// What a message is.
pub(crate) enum Decoded {
    Event(TopicKind, Event),
    /// Ours, and nothing to read: a request, or an empty message that makes a broker forget a retained one.
    Unread,
    /// None of ours: a broker carries other traffic, too.
    Foreign,
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
            Self::Held(mut decision) => {
                decision.timestamp = timestamp;
                Self::Held(decision)
            }
            Self::Suspect(reading, cause) => Self::Suspect(reading.at(timestamp), cause),
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
    /// What a message is; of one that is a slip away from ours, the refusal says so.
    pub(crate) async fn decode(&self, message: &Message) -> Result<Decoded, Refusal> {
        if message.passage.may_clear && message.payload.is_empty() {
            return Ok(Decoded::Unread);
        }
        // The embedded broker shows us all topics.
        let Some(inbound) = self.topics.classify_among_others(&message.topic) else {
            return Ok(Decoded::Foreign);
        };
        let inbound = inbound?;
        if inbound.kind == TopicKind::InferenceRequest {
            return Ok(Decoded::Unread);
        }
        let kind = inbound.kind;
        Ok(Decoded::Event(kind, self.read(inbound, message).await?))
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
            TopicKind::Prediction => Event::Held(Box::new(mqtt::decode_held(device_id, payload)?)),
            TopicKind::InferenceRequest => {
                return Err(Refusal::new(RefusalReason::BadTopic, "requests are not for us"));
            }
        })
    }
}
