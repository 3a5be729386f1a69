//! What becomes of one message, and why: for those who write devices.
//!
//! In: a message, and what was read before it. Out: an [`Inspection`]. It reads by the decoder of ingest, doubts by the same
//! table and judges times by the same policy; it keeps nothing, counts nothing and decides nothing.

use std::sync::Arc;

use domain::{ClockPolicy, ClockState, DeviceId, Hold, Quantity, Refusal, RefusalReason, Timestamp};
use mqtt::{TopicKind, homeassistant::ServiceTopic};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    BackendError, BackendOptions, Message, Windows,
    clocks::remedy,
    decoder::{Decoded, Decoder, Event},
    keys,
    opening::decoder,
    setups::Setups,
};

/// Looks at messages without taking them.
#[derive(Debug, Clone)]
pub struct Inspector {
    decoder: Arc<Decoder>,
    clocks: ClockPolicy,
    /// Whose windows people may move; `None` where no backend is at work.
    windows: Option<Arc<Windows>>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is stored.
    Accepted,
    /// It is stored apart from the others, and decides nothing.
    Suspect,
    /// It is refused.
    Refused,
    /// It is one of ours, and the backend does not read it.
    Ignored,
    /// It is none of ours.
    Foreign,
}

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ValueSeen {
    /// What was measured.
    pub quantity: Quantity,
    /// In the quantity's unit.
    pub value: f64,
    /// The quantity's unit.
    pub unit: &'static str,
}

/// What is believed of a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TimeSeen {
    /// What the message states.
    pub stated: Timestamp,
    /// What is stored.
    pub stored: Timestamp,
    /// `right`, `late`, `unset` or `ahead`.
    pub clock: &'static str,
    /// What that means, and what to do about it; nothing where the clock is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What becomes of a message, and why.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Inspection {
    /// What becomes of it.
    pub verdict: Verdict,
    /// What it is, by its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// The kind of fault, as in `ingest_errors`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Why, and what to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The value of a reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueSeen>,
    /// The time of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSeen>,
    /// What of its form was forgiven.
    pub repaired: Vec<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The table that it is stored in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A payload of this kind in the right form, where this one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub example: Option<Value>,
}

impl Inspector {
    /// An inspector that reads as a backend with these options does, of devices for which nothing is set. That of a backend at
    /// work is [`crate::Views::inspector`].
    pub fn new(options: &BackendOptions) -> Result<Self, BackendError> {
        let setups = Arc::new(Setups::unset(options));
        Ok(Self {
            decoder: Arc::new(decoder(options, setups)?),
            clocks: options.clocks,
            windows: None,
        })
    }

    /// An inspector that reads by the decoder of ingest.
    pub(crate) fn beside(decoder: &Arc<Decoder>, clocks: ClockPolicy, windows: &Arc<Windows>) -> Self {
        Self {
            decoder: Arc::clone(decoder),
            clocks,
            windows: Some(Arc::clone(windows)),
        }
    }

    /// Says what becomes of `message`. `previous` is asked for the newest value of a device that was not suspect.
    pub async fn inspect(
        &self,
        message: &Message,
        previous: impl Fn(&DeviceId, Quantity) -> Option<f64>,
    ) -> Inspection {
        let decoded = monitoring::contain_async(self.decoder.decode(message)).await;
        let decoded = decoded
            .unwrap_or_else(|panicked| Err(Refusal::new(RefusalReason::Internal, panicked.to_string())));
        let mut seen = Inspection::empty();
        if let Ok(inbound) = self.decoder.topics.classify(&message.topic) {
            seen.kind = Some(inbound.kind.as_str());
            seen.device_id = Some(inbound.device_id);
        }
        let service = ServiceTopic::of(&message.topic);
        if let Some(service) = &service {
            seen.kind = Some(service.as_str());
            if let ServiceTopic::Hold(device_id) = service {
                seen.device_id = Some(device_id.clone());
            }
        }
        match decoded {
            Ok(Decoded::Unread) if matches!(service, Some(ServiceTopic::Hold(_))) => {
                seen.verdict = Verdict::Accepted;
                seen.notes.push(HOLDS.to_owned());
                if let Some(device_id) = seen.device_id.clone() {
                    self.by_hand(&mut seen, &device_id, None);
                }
            }
            Ok(Decoded::Foreign) => seen.detail = Some("no message of Casement has this topic".to_owned()),
            Ok(Decoded::Unread) => {
                seen.verdict = Verdict::Ignored;
                seen.detail = Some(unread(seen.kind).to_owned());
            }
            Ok(Decoded::Event(kind, event, sender)) => {
                self.accepted(&mut seen, kind, &event, message, previous);
                if !sender.is_dated {
                    seen.time = None;
                    seen.notes.push(UNDATED.to_owned());
                }
                if let Event::Set(set) = &event {
                    self.by_hand(&mut seen, &set.device_id, set.hold.as_ref());
                }
            }
            Err(refusal) => {
                refused(&mut seen, refusal);
                if let Some(service) = service {
                    seen.example = Some(service.example());
                }
            }
        }
        seen
    }

    fn accepted(
        &self,
        seen: &mut Inspection,
        kind: TopicKind,
        event: &Event,
        message: &Message,
        previous: impl Fn(&DeviceId, Quantity) -> Option<f64>,
    ) {
        seen.verdict = Verdict::Accepted;
        seen.table = table(kind).map(|table| format!("iot.{table}"));
        seen.repaired = mqtt::forgiven(kind, &message.payload);
        seen.time = keys::claim(kind, event).map(|claim| self.time(claim.claimed, message.received_at));
        match event {
            Event::Reading(reading) => {
                let quantity = reading.quantity();
                seen.value = Some(ValueSeen {
                    quantity,
                    value: reading.value(),
                    unit: quantity.unit(),
                });
                if reading.offset() != 0.0 {
                    let (raw, offset) = (reading.raw(), reading.offset());
                    seen.notes
                        .push(format!("the device's calibration adds {offset} to {raw}"));
                }
                if reading.is_clamped() {
                    seen.notes.push(format!(
                        "the value is beyond the range of {quantity} by no more than a working sensor may err, and is put at its end"
                    ));
                }
                if let Some(cause) = reading.suspicion(|| previous(reading.device_id(), quantity)) {
                    seen.verdict = Verdict::Suspect;
                    seen.reason = Some("suspect");
                    seen.detail = Some(format!("{cause}; it is kept apart and decides nothing"));
                    seen.table = Some("iot.suspect_readings".to_owned());
                }
            }
            Event::Clip(clip) => {
                seen.notes.push(format!(
                    "a recording: {}, {} Hz, {:.3} s",
                    clip.format.as_str(),
                    clip.sample_rate,
                    clip.duration_s
                ));
                seen.notes.extend(clip.contradiction.clone());
            }
            Event::Alarm(_, true) => seen.notes.push(ALARMS.to_owned()),
            Event::TimeRequest(_) => seen.notes.push(ASKS.to_owned()),
            _ => {}
        }
    }

    /// What a person wants of a window is carried out for a device that is known and in use.
    fn by_hand(&self, seen: &mut Inspection, device_id: &DeviceId, hold: Option<&Hold>) {
        let Some(windows) = &self.windows else {
            seen.notes.push(OF_KNOWN.to_owned());
            return;
        };
        if let Err(error) = windows.expect(device_id, hold) {
            refused(seen, Refusal::new(error.reason(), error.to_string()));
            // Its form is right.
            seen.example = None;
            seen.table = None;
            seen.notes.clear();
        }
    }

    fn time(&self, stated: Timestamp, received_at: Timestamp) -> TimeSeen {
        let judged = self.clocks.judge(stated, received_at);
        let detail = if judged.clock.is_replaced() {
            Some(format!(
                "the time of receipt is stored in place of it: {}",
                remedy(judged.clock)
            ))
        } else if judged.clock == ClockState::Late {
            Some(
                "it is late: it is stored, and decides only where the device's clock is behind steadily"
                    .to_owned(),
            )
        } else {
            None
        };
        TimeSeen {
            stated,
            stored: judged.timestamp,
            clock: judged.clock.as_str(),
            detail,
        }
    }
}

impl Inspection {
    const fn empty() -> Self {
        Self {
            verdict: Verdict::Foreign,
            kind: None,
            device_id: None,
            reason: None,
            detail: None,
            value: None,
            time: None,
            repaired: Vec::new(),
            notes: Vec::new(),
            table: None,
            example: None,
        }
    }
}

const ALARMS: &str = "windows are shut while it is on, unless their settings say otherwise; nothing is stored of the message itself";
const HOLDS: &str = "with home_assistant.enabled the window is held where it is, or let go of; nothing is stored of the message itself";
const OF_KNOWN: &str = "a running service refuses it where no such device is known, where it is retired, and where it ends before it begins";
const ASKS: &str =
    "it asks for the time, which the backend tells on the device's topic of it; nothing is stored";
const UNDATED: &str = "it states no time, as it may: the time of receipt is stored";

fn refused(seen: &mut Inspection, refusal: Refusal) {
    seen.verdict = Verdict::Refused;
    seen.reason = Some(refusal.reason.as_str());
    seen.detail = Some(refusal.detail);
    let kind = seen.kind.and_then(TopicKind::from_word);
    let example = kind.and_then(|kind| mqtt::payload_examples(kind).into_iter().next());
    seen.example = example.map(|example| example.payload);
}

fn unread(kind: Option<&str>) -> &'static str {
    if kind == Some(ServiceTopic::Status.as_str()) {
        return "the backend says it and does not read it; home automation does";
    }
    match kind.and_then(TopicKind::from_word) {
        Some(TopicKind::InferenceRequest) => {
            "the backend sends requests and does not read them; an ML service does"
        }
        Some(kind) if kind.is_said_by_backend() => "the backend says it and does not read it; devices do",
        _ => "an empty message makes a broker forget what it retained",
    }
}

/// The table that a message of `kind` becomes a row of.
const fn table(kind: TopicKind) -> Option<&'static str> {
    Some(match kind {
        TopicKind::Reading(quantity) => quantity.table(),
        TopicKind::Audio => "sensor_audio",
        TopicKind::WindowControl => "window_actions",
        TopicKind::WindowState => "window_states",
        TopicKind::DeviceStatus | TopicKind::ConfigAck | TopicKind::WindowSet => "device_events",
        TopicKind::Telemetry => "device_telemetry",
        TopicKind::ShadowPrediction | TopicKind::Prediction => "ml_predictions",
        TopicKind::InferenceRequest
        | TopicKind::WindowOverride
        | TopicKind::DeviceConfig
        | TopicKind::DeviceTime
        | TopicKind::Alarm
        | TopicKind::RoomState
        | TopicKind::TimeRequest => return None,
    })
}
