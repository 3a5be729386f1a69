//! Topics: which ones exist, what stands where, and whose message one is.
//!
//! In: the configuration's patterns, topic names from a broker. Out: filters to subscribe to, topics to publish to, and
//! the kind and device of a message, or a refusal. One level of every pattern is the device.

use domain::{DeviceId, Refusal, RefusalReason};

use crate::{InvalidPattern, TopicPattern};

/// The kinds of message that have a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TopicKind {
    /// A temperature reading from a device.
    Temperature,
    /// A humidity reading from a device.
    Humidity,
    /// A recording from a device.
    Audio,
    /// The backend asks the ML service.
    InferenceRequest,
    /// A window is told where to go.
    WindowControl,
    /// A window says where it stands.
    WindowState,
    /// A device says whether it is there.
    DeviceStatus,
    /// What a candidate model would have decided.
    ShadowPrediction,
}

impl TopicKind {
    /// Every kind, the frequent ones first.
    pub const ALL: [Self; 8] = [
        Self::Temperature,
        Self::Humidity,
        Self::Audio,
        Self::WindowState,
        Self::WindowControl,
        Self::InferenceRequest,
        Self::DeviceStatus,
        Self::ShadowPrediction,
    ];

    /// The word for it: a key of the configuration's `mqtt.topics`, a label in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Humidity => "humidity",
            Self::Audio => "audio",
            Self::InferenceRequest => "inference_request",
            Self::WindowControl => "window_control",
            Self::WindowState => "window_state",
            Self::DeviceStatus => "device_status",
            Self::ShadowPrediction => "shadow_prediction",
        }
    }

    /// The specification's pattern, or ours where it has none.
    pub const fn default_pattern(self) -> &'static str {
        match self {
            Self::Temperature => "sensor/+/temperature",
            Self::Humidity => "sensor/+/humidity",
            Self::Audio => "sensor/+/audio",
            Self::InferenceRequest => "ml/inference/request/{device_id}",
            Self::WindowControl => "window/+/control",
            Self::WindowState => "window/+/state",
            Self::DeviceStatus => "device/+/status",
            Self::ShadowPrediction => "ml/prediction/shadow/{device_id}",
        }
    }
}

/// The patterns as the configuration writes them; the default is the specification's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the TopicKind of its name")]
pub struct TopicPatterns {
    pub temperature: String,
    pub humidity: String,
    pub audio: String,
    pub inference_request: String,
    pub window_control: String,
    pub window_state: String,
    pub device_status: String,
    pub shadow_prediction: String,
}

impl Default for TopicPatterns {
    fn default() -> Self {
        let text = |kind: TopicKind| kind.default_pattern().to_owned();
        Self {
            temperature: text(TopicKind::Temperature),
            humidity: text(TopicKind::Humidity),
            audio: text(TopicKind::Audio),
            inference_request: text(TopicKind::InferenceRequest),
            window_control: text(TopicKind::WindowControl),
            window_state: text(TopicKind::WindowState),
            device_status: text(TopicKind::DeviceStatus),
            shadow_prediction: text(TopicKind::ShadowPrediction),
        }
    }
}

/// What a topic says about its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// What the payload is.
    pub kind: TopicKind,
    /// Whose it is.
    pub device_id: DeviceId,
}

/// The topics of one installation: every kind has one pattern, and no two patterns share a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    patterns: [TopicPattern; TopicKind::ALL.len()],
}

impl Default for Topics {
    fn default() -> Self {
        Self::new(&TopicPatterns::default()).expect("the default patterns are valid")
    }
}

impl Topics {
    /// Checks the configuration's patterns, each for itself and against the others.
    pub fn new(texts: &TopicPatterns) -> Result<Self, InvalidPattern> {
        let text = |kind| match kind {
            TopicKind::Temperature => &texts.temperature,
            TopicKind::Humidity => &texts.humidity,
            TopicKind::Audio => &texts.audio,
            TopicKind::InferenceRequest => &texts.inference_request,
            TopicKind::WindowControl => &texts.window_control,
            TopicKind::WindowState => &texts.window_state,
            TopicKind::DeviceStatus => &texts.device_status,
            TopicKind::ShadowPrediction => &texts.shadow_prediction,
        };
        let mut patterns = Vec::with_capacity(TopicKind::ALL.len());
        for kind in TopicKind::ALL {
            let pattern = TopicPattern::parse(text(kind))?;
            if patterns.iter().any(|other| pattern.overlaps(other)) {
                return Err(InvalidPattern {
                    pattern: pattern.to_string(),
                    problem: "another kind of message has the same topics",
                });
            }
            patterns.push(pattern);
        }
        let patterns = patterns.try_into().expect("one pattern for each kind");
        Ok(Self { patterns })
    }

    /// The pattern of one kind.
    pub fn pattern(&self, kind: TopicKind) -> &TopicPattern {
        let place = TopicKind::ALL.iter().position(|k| *k == kind);
        &self.patterns[place.expect("ALL holds every kind")]
    }

    /// The filter to subscribe to for one kind.
    pub fn filter(&self, kind: TopicKind) -> String {
        self.pattern(kind).filter()
    }

    /// The topic of one kind and device.
    pub fn topic_for(&self, kind: TopicKind, device_id: &DeviceId) -> String {
        self.pattern(kind).topic_for(device_id)
    }

    /// What a message on `topic` is and whose: `BadTopic` for any other shape, `BadDeviceId` for a level that is no id.
    pub fn classify(&self, topic: &str) -> Result<Inbound, Refusal> {
        for (kind, pattern) in TopicKind::ALL.into_iter().zip(&self.patterns) {
            if let Some(device_id) = pattern.match_topic(topic) {
                return device_id.map(|device_id| Inbound { kind, device_id });
            }
        }
        Err(Refusal::new(
            RefusalReason::BadTopic,
            "no kind of message has a topic of this shape",
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn device(text: &str) -> DeviceId {
        DeviceId::parse(text).unwrap()
    }

    #[test]
    fn two_kinds_never_share_a_topic() {
        let texts = TopicPatterns {
            humidity: "sensor/+/temperature".into(),
            ..TopicPatterns::default()
        };
        assert!(Topics::new(&texts).is_err());
    }

    #[test]
    fn every_default_topic_is_classified() {
        let topics = Topics::default();
        for kind in TopicKind::ALL {
            let topic = topics.topic_for(kind, &device("sensor-001"));
            let inbound = topics.classify(&topic).unwrap();
            assert_eq!((inbound.kind, inbound.device_id.as_str()), (kind, "sensor-001"));
        }
    }

    #[test]
    fn foreign_topics_are_refused_with_the_reason() {
        let topics = Topics::default();
        for (topic, reason) in [
            ("", RefusalReason::BadTopic),
            ("sensor/d/temperature/x/y", RefusalReason::BadTopic),
            ("sensor/../x/temperature", RefusalReason::BadTopic),
            ("sensor/d/pressure", RefusalReason::BadTopic),
            ("ml/inference/request/a/b", RefusalReason::BadTopic),
            ("sensor//temperature", RefusalReason::BadDeviceId),
            ("sensor/../temperature", RefusalReason::BadDeviceId),
            (
                "sensor/a'; DROP TABLE x--/temperature",
                RefusalReason::BadDeviceId,
            ),
            ("sensor/\"/humidity", RefusalReason::BadDeviceId),
        ] {
            assert_eq!(topics.classify(topic).unwrap_err().reason, reason, "{topic}");
        }
    }

    proptest! {
        #[test]
        fn no_topic_panics(topic in any::<String>()) {
            let _ = Topics::default().classify(&topic);
        }
    }
}
