//! Topics: which ones exist, what stands where, and whose message one is.
//!
//! In: the configuration's patterns, topic names from a broker. Out: filters to subscribe to, topics to publish to, and
//! the kind and device of a message, or a refusal. One level of every pattern is the device.

use std::{fmt, str::FromStr};

use domain::{DeviceId, Refusal, RefusalReason};

/// The pattern of a topic cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("topic pattern '{pattern}': {problem}")]
pub struct InvalidPattern {
    /// What the configuration says.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Literal(String),
    Device,
}

/// A topic with one level for the device, written `+`, `{device_id}` or, at the end, `#`; a shared subscription's
/// `$share/{group}/` may stand in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern {
    text: String,
    share: Option<String>,
    levels: Vec<Level>,
}

impl TopicPattern {
    /// Reads a pattern as the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let refuse = |problem| InvalidPattern {
            pattern: text.to_owned(),
            problem,
        };
        let (share, topic) = match text.strip_prefix("$share/") {
            None => (None, text),
            Some(rest) => {
                let (group, topic) = rest.split_once('/').unwrap_or((rest, ""));
                if group.is_empty() || group.contains(['+', '#']) {
                    return Err(refuse("a shared subscription is $share/GROUP/TOPIC"));
                }
                (Some(group.to_owned()), topic)
            }
        };
        if topic.is_empty() || topic.len() > 65_535 || topic.contains('\0') {
            return Err(refuse("it is empty, too long or contains NUL"));
        }
        if topic.starts_with('$') {
            return Err(refuse("topics that begin with $ belong to the broker"));
        }
        let names: Vec<&str> = topic.split('/').collect();
        let last = names.len() - 1;
        let mut levels = Vec::with_capacity(names.len());
        for (place, &name) in names.iter().enumerate() {
            levels.push(match name {
                "+" | "{device_id}" => Level::Device,
                "#" if place == last => Level::Device,
                _ if name.contains(['+', '#', '{', '}']) => {
                    return Err(refuse(
                        "a level is a plain name, + or {device_id}; # only stands at the end",
                    ));
                }
                _ => Level::Literal(name.to_owned()),
            });
        }
        if levels.iter().filter(|level| **level == Level::Device).count() != 1 {
            return Err(refuse(
                "exactly one level names the device: + or {device_id} (or # at the end)",
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            share,
            levels,
        })
    }

    /// The filter to subscribe to.
    pub fn filter(&self) -> String {
        let topic = self
            .text
            .strip_prefix("$share/")
            .map_or(self.text.as_str(), |rest| {
                rest.split_once('/').map_or("", |(_, topic)| topic)
            });
        let topic = topic.replace("{device_id}", "+");
        match &self.share {
            None => topic,
            Some(group) => format!("$share/{group}/{topic}"),
        }
    }

    /// The topic of one device.
    pub fn topic_for(&self, device_id: &DeviceId) -> String {
        let mut topic = String::with_capacity(self.text.len() + DeviceId::MAX_LEN);
        for (place, level) in self.levels.iter().enumerate() {
            if place > 0 {
                topic.push('/');
            }
            topic.push_str(match level {
                Level::Literal(name) => name,
                Level::Device => device_id.as_str(),
            });
        }
        topic
    }

    /// `None` if the topic has another shape; otherwise the device, or a refusal where its level is no device id.
    pub fn match_topic(&self, topic: &str) -> Option<Result<DeviceId, Refusal>> {
        let mut names = topic.split('/');
        let mut device = None;
        for level in &self.levels {
            let name = names.next()?;
            match level {
                Level::Literal(literal) if literal == name => {}
                Level::Literal(_) => return None,
                Level::Device => device = Some(name),
            }
        }
        if names.next().is_some() {
            return None;
        }
        let parsed = DeviceId::parse(device.expect("a pattern has a device level"));
        Some(parsed.map_err(|error| Refusal::new(RefusalReason::BadDeviceId, error.to_string())))
    }

    /// Whether two patterns match the same topics.
    fn overlaps(&self, other: &Self) -> bool {
        self.levels.len() == other.levels.len()
            && self.levels.iter().zip(&other.levels).all(|pair| match pair {
                (Level::Literal(a), Level::Literal(b)) => a == b,
                _ => true,
            })
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for TopicPattern {
    type Err = InvalidPattern;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

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
}

impl TopicKind {
    /// Every kind, the frequent ones first.
    pub const ALL: [Self; 7] = [
        Self::Temperature,
        Self::Humidity,
        Self::Audio,
        Self::WindowState,
        Self::WindowControl,
        Self::InferenceRequest,
        Self::DeviceStatus,
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
        };
        let mut patterns = Vec::with_capacity(TopicKind::ALL.len());
        for kind in TopicKind::ALL {
            let pattern = TopicPattern::parse(text(kind))?;
            if patterns.iter().any(|other| pattern.overlaps(other)) {
                return Err(InvalidPattern {
                    pattern: pattern.text,
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
    fn both_spellings_of_the_specification_work() {
        for (text, filter, topic) in [
            ("window/+/control", "window/+/control", "window/d-1/control"),
            (
                "window/{device_id}/control",
                "window/+/control",
                "window/d-1/control",
            ),
            (
                "ml/inference/request/#",
                "ml/inference/request/#",
                "ml/inference/request/d-1",
            ),
            (
                "ml/inference/request/{device_id}",
                "ml/inference/request/+",
                "ml/inference/request/d-1",
            ),
            (
                "$share/ml/ml/inference/request/#",
                "$share/ml/ml/inference/request/#",
                "ml/inference/request/d-1",
            ),
        ] {
            let pattern = TopicPattern::parse(text).unwrap();
            assert_eq!(pattern.filter(), filter);
            assert_eq!(pattern.topic_for(&device("d-1")), topic);
            assert_eq!(pattern.match_topic(topic), Some(Ok(device("d-1"))));
        }
    }

    #[test]
    fn unusable_patterns_are_named() {
        for text in [
            "",
            "sensor/temperature",
            "sensor/+/+",
            "sensor/#/x",
            "sensor/a+/x",
            "sensor/{device}/x",
            "$SYS/+",
            "$share/+/x/+",
            "$share/g",
            "a\0/+",
        ] {
            let error = TopicPattern::parse(text).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
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
        fn a_topic_leads_back_to_its_device(id in "[A-Za-z0-9_-]{1,64}", prefix in "[a-z]{1,8}(/[a-z]{1,8}){0,3}") {
            let pattern = TopicPattern::parse(&format!("{prefix}/+/x")).unwrap();
            let id = device(&id);
            prop_assert_eq!(pattern.match_topic(&pattern.topic_for(&id)), Some(Ok(id)));
        }

        #[test]
        fn nothing_panics(text in any::<String>(), topic in any::<String>()) {
            let _ = TopicPattern::parse(&text);
            let _ = Topics::default().classify(&topic);
        }
    }
}
