//! From a message to an event: of which kind it is, whose, what it says and when.
//!
//! In: topic and payload. Out: an [`Event`], nothing where the topic is none of ours, or a refusal. A clip is reduced to
//! its features here; a device's time is replaced where its clock cannot be right.

use std::sync::Arc;

use domain::{
    ClipLimits, ClockPolicy, DeviceId, Reading, Refusal, RefusalReason, ShadowPrediction, Timestamp,
    WindowAction, WindowState,
};
use mqtt::{DeviceStatus, Inbound, TopicKind, Topics};

use crate::{
    Message, Metrics,
    clips::{AnalysedClip, ClipAnalyser},
};

/// A message that passed every check.
pub(crate) enum Event {
    /// A reading at the time we believe, and the time that its device claimed.
    Reading(Reading, Timestamp),
    Clip(Box<AnalysedClip>),
    Action(Box<WindowAction>),
    State(WindowState),
    Status(DeviceId, bool),
    Shadow(Box<ShadowPrediction>),
}

/// Reads messages.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) topics: Topics,
    pub(crate) clocks: ClockPolicy,
    pub(crate) clip_limits: ClipLimits,
    pub(crate) analyser: ClipAnalyser,
    pub(crate) metrics: Arc<Metrics>,
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
        let at = message.received_at;
        Ok(match kind {
            TopicKind::Reading(quantity) => {
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
}
