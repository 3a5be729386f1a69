//! Topic patterns with a level for the device.
//!
//! In: a pattern from the configuration, topic names. Out: a filter, the topic of a device, the device of a topic.

use std::{fmt, str::FromStr};

use domain::{DeviceId, Refusal, RefusalReason};

/// A topic pattern is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("topic pattern '{pattern}': {problem}")]
pub struct InvalidPattern {
    /// The configured pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Literal(String),
    Device,
}

/// Returns whether `text` may be subscribed to.
pub fn is_topic_filter(text: &str) -> bool {
    text.len() <= 65_535 && !text.contains('\0') && rumqttc::valid_filter(text)
}

impl Level {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(name) => Some(name),
            Self::Device => None,
        }
    }
}

/// A topic with one level for the device, written `+`, `{device_id}` or, at the end, `#`. It may begin with the
/// `$share/{group}/` of a shared subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern {
    text: String,
    share: Option<String>,
    levels: Vec<Level>,
}

impl TopicPattern {
    /// Parses a pattern from the configuration.
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

    /// Returns the filter to subscribe to.
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

    /// Returns the topic of a device.
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

    /// Returns the device of a topic, or a refusal if its level is not a device id; `None` if the topic does not match.
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
        let refuse = |_| {
            Refusal::new(
                RefusalReason::BadDeviceId,
                DeviceId::explain(device.unwrap_or_default()),
            )
        };
        Some(parsed.map_err(refuse))
    }

    /// Returns the first level, unless it is the device's.
    pub(super) fn root(&self) -> Option<&str> {
        match self.levels.first() {
            Some(Level::Literal(root)) => Some(root),
            _ => None,
        }
    }

    /// Returns the levels before and behind the device's.
    pub(super) fn around_device(&self) -> (Vec<&str>, Vec<&str>) {
        let device = self.levels.iter().position(|level| *level == Level::Device);
        let (front, back) = self
            .levels
            .split_at(device.expect("a pattern has a device level"));
        (literals(front), literals(back))
    }

    /// Returns the topics that match, as people read them, with `{device_id}` for the device.
    pub fn shown(&self) -> String {
        let names = self
            .levels
            .iter()
            .map(|level| level.name().unwrap_or("{device_id}"));
        names.collect::<Vec<_>>().join("/")
    }

    /// Returns whether two patterns match the same topics.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.levels.len() == other.levels.len()
            && self.levels.iter().zip(&other.levels).all(|pair| match pair {
                (Level::Literal(a), Level::Literal(b)) => a == b,
                _ => true,
            })
    }
}

fn literals(levels: &[Level]) -> Vec<&str> {
    levels.iter().filter_map(Level::name).collect()
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
    fn filters_are_told_from_other_text() {
        for filter in ["#", "+/sensor/#", "sensor/+/temperature", "$share/g/sensor/#"] {
            assert!(is_topic_filter(filter), "{filter}");
        }
        for text in ["", "a/#/b", "a+/b", "a\0", "sensor/#x"] {
            assert!(!is_topic_filter(text), "{text}");
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

    proptest! {
        #[test]
        fn a_topic_leads_back_to_its_device(id in "[A-Za-z0-9_-]{1,64}", prefix in "[a-z]{1,8}(/[a-z]{1,8}){0,3}") {
            let pattern = TopicPattern::parse(&format!("{prefix}/+/x")).unwrap();
            let id = device(&id);
            prop_assert_eq!(pattern.match_topic(&pattern.topic_for(&id)), Some(Ok(id)));
        }

        #[test]
        fn nothing_panics(text in any::<String>(), topic in any::<String>()) {
            if let Ok(pattern) = TopicPattern::parse(&text) {
                let _ = pattern.match_topic(&topic);
            }
        }
    }
}
