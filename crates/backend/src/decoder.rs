//! From a message to an event: of which kind it is, whose, what it says and when.
//!
//! In: topic and payload. Out: an [`Event`], nothing where the message is none of ours, or a refusal. A clip is reduced to
//! its features here.

use std::sync::Arc;

use domain::{
    ClipLimits, DeviceId, HeldDecision, Reading, Refusal, RefusalReason, SettingsAck, ShadowPrediction,
    Telemetry, Timestamp, WindowAction, WindowSet, WindowState,
};
use mqtt::{Allowance, Dated, DeviceStatus, Inbound, TopicKind, Topics, homeassistant::ServiceTopic};

use crate::{
    Message,
    clips::{AnalysedClip, ClipAnalyser},
    setups::{Setup, Setups},
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
    Telemetry(Box<Telemetry>),
    Ack(SettingsAck),
    /// An alarm of that name is on, or over.
    Alarm(DeviceId, bool),
    /// A person wants a window somewhere.
    Set(Box<WindowSet>),
    /// A device asks for the time.
    TimeRequest(DeviceId),
}

/// What is known of a message's sender before it is understood, and whether it states its time.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) device_id: DeviceId,
    pub(crate) setup: Arc<Setup>,
    pub(crate) is_dated: bool,
}

/// What a message is.
pub(crate) enum Decoded {
    Event(TopicKind, Event, Sender),
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
            Self::Telemetry(mut telemetry) => {
                telemetry.timestamp = Some(timestamp);
                Self::Telemetry(telemetry)
            }
            Self::Status(..) | Self::Alarm(..) | Self::Ack(_) | Self::Set(_) | Self::TimeRequest(_) => self,
        }
    }
}

/// Reads messages.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) topics: Topics,
    pub(crate) clip_limits: ClipLimits,
    pub(crate) analyser: ClipAnalyser,
    pub(crate) setups: Arc<Setups>,
}

impl Decoder {
    /// What a message is; of one that is a slip away from ours, the refusal says so.
    pub(crate) async fn decode(&self, message: &Message) -> Result<Decoded, Refusal> {
        // What home automation wishes is read by who talks to it (`home_assistant`).
        if let Some(service) = ServiceTopic::of(&message.topic) {
            if !(message.passage.may_clear && message.payload.is_empty()) {
                service.check(&message.payload)?;
            }
            return Ok(Decoded::Unread);
        }
        // The embedded broker shows us all topics.
        let found = self.topics.classify_among_others(&message.topic);
        let asks = matches!(&found, Some(Ok(inbound)) if inbound.kind == TopicKind::TimeRequest);
        if message.passage.may_clear && message.payload.is_empty() && !asks {
            return Ok(Decoded::Unread);
        }
        let Some(inbound) = found else {
            return Ok(Decoded::Foreign);
        };
        let inbound = inbound?;
        if inbound.kind.is_said_by_backend() {
            return Ok(Decoded::Unread);
        }
        let kind = inbound.kind;
        let mut sender = Sender {
            setup: self.setups.of(&inbound.device_id),
            device_id: inbound.device_id.clone(),
            is_dated: true,
        };
        let event = self.read(inbound, message, &mut sender).await?;
        Ok(Decoded::Event(kind, event, sender))
    }

    async fn read(&self, inbound: Inbound, message: &Message, sender: &mut Sender) -> Result<Event, Refusal> {
        let Inbound { kind, device_id } = inbound;
        let payload = &message.payload[..];
        let setup = &sender.setup;
        let otherwise = setup.allows_no_time.then_some(message.received_at);
        Ok(match kind {
            TopicKind::Reading(quantity) => {
                let allowance = Allowance {
                    otherwise,
                    offset: setup.offset(quantity),
                };
                let decoded = mqtt::decode_reading_or(quantity, device_id, payload, allowance)?;
                Event::Reading(sender.dated(decoded))
            }
            TopicKind::Audio => {
                let decoded = mqtt::decode_clip_or(device_id, payload, &self.clip_limits, otherwise)?;
                let received = sender.dated(decoded);
                Event::Clip(Box::new(self.analyser.analyse(received).await?))
            }
            TopicKind::WindowControl => Event::Action(Box::new(mqtt::decode_control(device_id, payload)?)),
            TopicKind::WindowState => {
                let decoded = mqtt::decode_state_or(device_id, payload, otherwise)?;
                Event::State(sender.dated(decoded))
            }
            TopicKind::Telemetry => {
                let telemetry = mqtt::decode_telemetry(device_id, payload)?;
                sender.is_dated = telemetry.timestamp.is_some();
                Event::Telemetry(Box::new(telemetry))
            }
            TopicKind::ConfigAck => Event::Ack(mqtt::decode_config_ack(device_id, payload)?),
            TopicKind::WindowSet => Event::Set(Box::new(mqtt::decode_set(device_id, payload)?)),
            TopicKind::TimeRequest => {
                mqtt::decode_time_request(payload)?;
                Event::TimeRequest(device_id)
            }
            TopicKind::Alarm => Event::Alarm(device_id, mqtt::decode_alarm(payload)?),
            TopicKind::DeviceStatus => {
                Event::Status(device_id, mqtt::decode_status(payload)? == DeviceStatus::Online)
            }
            TopicKind::ShadowPrediction => Event::Shadow(Box::new(mqtt::decode_shadow(device_id, payload)?)),
            TopicKind::Prediction => Event::Held(Box::new(mqtt::decode_held(device_id, payload)?)),
            TopicKind::InferenceRequest
            | TopicKind::WindowOverride
            | TopicKind::DeviceConfig
            | TopicKind::DeviceTime
            | TopicKind::RoomState => {
                return Err(Refusal::new(RefusalReason::BadTopic, "what we say is not for us"));
            }
        })
    }
}

impl Sender {
    /// What a message says; whether it says when is noted.
    fn dated<T>(&mut self, decoded: Dated<T>) -> T {
        self.is_dated = decoded.is_stated;
        decoded.message
    }
}
