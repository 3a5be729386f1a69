//! Topics: which ones exist, what stands where, and whose message one is.
//!
//! In: the configuration's patterns, topic names from a broker. Out: filters to subscribe to, topics to publish to, and
//! the kind and device of a message, or a refusal. One level of every pattern is the device.

use std::{collections::BTreeMap, fmt};

use domain::{DeviceId, Quantity, Refusal, RefusalReason};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{InvalidPattern, TopicKind, TopicPattern};

/// The pattern of every kind, as the configuration writes them; the default is the specification's.
///
/// As data it is a map from the words of the kinds. A kind that is left out has its default pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPatterns(BTreeMap<TopicKind, String>);

impl TopicPatterns {
    /// The same with another pattern for `kind`.
    #[must_use]
    pub fn with(mut self, kind: TopicKind, pattern: impl Into<String>) -> Self {
        self.0.insert(kind, pattern.into());
        self
    }

    /// Moves the quantities that the specification does not know beside temperature, where that has a pattern of its own
    /// and they have their defaults: an installation keeps its sensors in one tree, and the default tree is not its own.
    fn beside_temperature(mut self) -> Self {
        let temperature = TopicKind::Reading(Quantity::Temperature);
        let pattern = self.pattern(temperature).to_owned();
        if pattern == temperature.default_pattern() || !pattern.contains(temperature.as_str()) {
            return self;
        }
        for quantity in Quantity::ALL {
            let kind = TopicKind::Reading(quantity);
            if !Quantity::CLIMATE.contains(&quantity) && self.pattern(kind) == kind.default_pattern() {
                let moved = pattern.replace(temperature.as_str(), quantity.as_str());
                self = self.with(kind, moved);
            }
        }
        self
    }

    /// The pattern of `kind`.
    pub fn pattern(&self, kind: TopicKind) -> &str {
        &self.0[&kind]
    }
}

impl Default for TopicPatterns {
    fn default() -> Self {
        let default = |kind: TopicKind| (kind, kind.default_pattern());
        Self(TopicKind::ALL.into_iter().map(default).collect())
    }
}

impl Serialize for TopicPatterns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(TopicKind::ALL.map(|kind| (kind.as_str(), self.pattern(kind))))
    }
}

impl<'de> Deserialize<'de> for TopicPatterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PatternsVisitor)
    }
}

struct PatternsVisitor;

impl<'de> de::Visitor<'de> for PatternsVisitor {
    type Value = TopicPatterns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a topic pattern for each kind of message")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<TopicPatterns, A::Error> {
        let mut patterns = TopicPatterns::default();
        while let Some(word) = map.next_key::<String>()? {
            let kind = TopicKind::from_word(&word)
                .ok_or_else(|| de::Error::custom(format!("'{word}' is no kind of message")))?;
            patterns = patterns.with(kind, map.next_value::<String>()?);
        }
        Ok(patterns.beside_temperature())
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
        let mut patterns = Vec::with_capacity(TopicKind::ALL.len());
        for kind in TopicKind::ALL {
            let pattern = TopicPattern::parse(texts.pattern(kind))?;
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
        self.find(topic).unwrap_or_else(|| {
            Err(Refusal::new(
                RefusalReason::BadTopic,
                "no kind of message has a topic of this shape",
            ))
        })
    }

    /// The same among the topics of a broker that carries other traffic, too: `None` for a topic that is none of ours.
    /// One that is a slip away from ours is refused with the topic that was probably meant.
    pub fn classify_among_others(&self, topic: &str) -> Option<Result<Inbound, Refusal>> {
        if let Some(found) = self.find(topic) {
            return Some(found);
        }
        let detail = if let Some(meant) = self.near(topic) {
            format!("no message has this topic: did you mean `{meant}`?")
        } else if self.has_known_root(topic) {
            format!(
                "no message has this topic; there are {}",
                self.below_root_of(topic)
            )
        } else {
            return None;
        };
        Some(Err(Refusal::new(RefusalReason::BadTopic, detail)))
    }

    fn find(&self, topic: &str) -> Option<Result<Inbound, Refusal>> {
        let mut kinds = TopicKind::ALL.into_iter().zip(&self.patterns);
        kinds.find_map(|(kind, pattern)| {
            let device_id = pattern.match_topic(topic)?;
            Some(device_id.map(|device_id| Inbound { kind, device_id }))
        })
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
        let texts =
            TopicPatterns::default().with(TopicKind::Reading(Quantity::Humidity), "sensor/+/temperature");
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
            ("sensor/d/radiation", RefusalReason::BadTopic),
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

    #[test]
    fn among_others_a_slip_is_explained_and_other_traffic_is_not_ours() {
        let topics = Topics::default();
        let refused = |topic: &str| {
            let classified = topics.classify_among_others(topic).expect("one of ours");
            classified.unwrap_err()
        };
        assert!(
            topics
                .classify_among_others("sensor/x/temperature")
                .unwrap()
                .is_ok()
        );
        assert_eq!(topics.classify_among_others("zigbee2mqtt/x"), None);
        let slip = refused("home/sensor/x/temp");
        assert_eq!(slip.reason, RefusalReason::BadTopic);
        assert!(
            slip.detail.contains("did you mean `sensor/x/temperature`?"),
            "{slip}"
        );
        for topic in ["sensor/x/radiation", "/sensor/x/radiation"] {
            let unknown = refused(topic);
            assert_eq!(unknown.reason, RefusalReason::BadTopic);
            assert!(unknown.detail.contains("sensor/{device_id}/co2"), "{unknown}");
        }
        let mac = refused("sensor/aa:bb:cc:dd:ee:01/temperature");
        assert_eq!(mac.reason, RefusalReason::BadDeviceId);
        assert!(mac.detail.contains("use 'aabbccddee01'"), "{mac}");
    }

    #[test]
    fn further_quantities_follow_temperature_into_its_tree() {
        let pattern = |json: &str, quantity| {
            let patterns: TopicPatterns = serde_json::from_str(json).unwrap();
            patterns.pattern(TopicKind::Reading(quantity)).to_owned()
        };
        let house = r#"{"temperature": "house/+/temperature", "wind": "roof/+/wind"}"#;
        assert_eq!(pattern(house, Quantity::Co2), "house/+/co2");
        assert_eq!(pattern(house, Quantity::Wind), "roof/+/wind");
        assert_eq!(pattern(house, Quantity::Humidity), "sensor/+/humidity");
        assert_eq!(
            pattern(r#"{"temperature": "t/+"}"#, Quantity::Co2),
            "sensor/+/co2"
        );
        assert_eq!(pattern("{}", Quantity::Co2), "sensor/+/co2");
    }

    #[test]
    fn patterns_are_a_map_whose_missing_keys_have_defaults() {
        let patterns: TopicPatterns = serde_json::from_str(r#"{"temperature": "t/+"}"#).unwrap();
        let temperature = TopicKind::Reading(Quantity::Temperature);
        assert_eq!(patterns, TopicPatterns::default().with(temperature, "t/+"));
        let written = serde_json::to_value(&patterns).unwrap();
        assert_eq!(written["temperature"], "t/+");
        assert_eq!(written.as_object().unwrap().len(), TopicKind::ALL.len());
        assert!(serde_json::from_str::<TopicPatterns>(r#"{"temprature": "t/+"}"#).is_err());
    }

    proptest! {
        #[test]
        fn no_topic_panics(topic in any::<String>()) {
            let _ = Topics::default().classify(&topic);
        }
    }
}
