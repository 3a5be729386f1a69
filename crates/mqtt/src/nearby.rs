//! Topics that are one slip away from ours: other letter case, a slash or a level too many, a plural, a misspelt word.
//!
//! In: a topic that no pattern matches. Out: the topic that was probably meant; nothing for topics that look like nobody
//! of ours, since a broker carries other traffic. The work for a topic is bounded, and nothing is remembered.

use domain::DeviceId;

use crate::{TopicKind, TopicPattern, Topics};

/// Longest topic that is compared, in bytes, and most levels.
const LONGEST: usize = 256;
const MOST_LEVELS: usize = 10;
/// Most levels that may stand before ours.
const MOST_BEFORE: usize = 4;

/// Costs of slips. The topic with the least is suggested.
const OTHER_CASE: usize = 1;
const OTHER_WORD: usize = 2;
const LEVEL_TOO_MANY: usize = 3;
const NO_DEVICE: usize = 3;
const SWAPPED: usize = 4;

/// Words that others use in place of ours.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("temperature", &["t", "tmp", "degrees", "celsius"]),
    ("humidity", &["h", "rh", "moisture", "relative_humidity"]),
    ("co2", &["eco2", "carbon_dioxide", "co₂"]),
    ("pressure", &["baro", "barometer"]),
    ("illuminance", &["lux", "light", "brightness"]),
    ("rain", &["precipitation"]),
    ("wind", &["wind_speed"]),
    ("audio", &["sound", "mic", "microphone", "noise"]),
    ("state", &["status", "position"]),
    ("status", &["state", "availability", "lwt"]),
    ("control", &["set", "command", "cmd"]),
];

impl Topics {
    /// Returns the topic that was probably meant by `topic`, which no pattern matches; `None` if it resembles none.
    pub fn near(&self, topic: &str) -> Option<String> {
        if topic.len() > LONGEST {
            return None;
        }
        // Some brokers separate levels otherwise.
        let plain = if topic.contains('/') {
            topic.to_owned()
        } else {
            topic.replace(['.', '\\'], "/")
        };
        let levels: Vec<&str> = plain.split('/').map(str::trim).collect();
        let first = levels.iter().position(|level| !level.is_empty())?;
        let last = levels.iter().rposition(|level| !level.is_empty())?;
        let levels = &levels[first..=last];
        if levels.len() > MOST_LEVELS {
            return None;
        }
        let kinds = TopicKind::ALL.into_iter();
        let near = kinds
            .filter(|kind| !kind.is_said_by_backend())
            .filter_map(|kind| nearest(self.pattern(kind), levels));
        near.min_by_key(|(cost, _)| *cost).map(|(_, topic)| topic)
    }

    /// Returns whether the first level of `topic` is that of a tree that devices and windows talk in. The ML service's
    /// tree is its own.
    pub(crate) fn has_known_root(&self, topic: &str) -> bool {
        let root = topic.trim_start_matches('/').split('/').next();
        self.roots().any(|known| Some(known) == root)
    }

    /// Returns the topics that there are below the first level of `topic`.
    pub(crate) fn below_root_of(&self, topic: &str) -> String {
        let root = topic.trim_start_matches('/').split('/').next();
        let kinds = spoken().filter(|kind| self.pattern(*kind).root() == root);
        let known: Vec<String> = kinds.map(|kind| self.pattern(kind).shown()).collect();
        known.join(", ")
    }

    /// Returns filters for topics one slip away from ours that overlap with none of ours, to subscribe to at a broker
    /// that carries all of them: behind one level, in other case, in the plural.
    pub fn nearby_filters(&self) -> Vec<String> {
        let mut filters = Vec::new();
        for root in self.roots() {
            let (first, rest) = root.split_at(root.chars().next().map_or(0, char::len_utf8));
            let other_number = root
                .strip_suffix('s')
                .map_or_else(|| format!("{root}s"), str::to_owned);
            for other in [
                format!("+/{root}"),
                format!("{}{rest}", first.to_uppercase()),
                root.to_uppercase(),
                other_number,
            ] {
                let filter = format!("{other}/#");
                if !self.roots().any(|known| known == other) && !filters.contains(&filter) {
                    filters.push(filter);
                }
            }
        }
        filters
    }

    /// Returns filters for everything below the first levels of what devices and windows say, our own topics among it.
    pub fn root_filters(&self) -> Vec<String> {
        let mut filters: Vec<String> = self.roots().map(|root| format!("{root}/#")).collect();
        filters.sort();
        filters.dedup();
        filters
    }

    /// The first levels of what devices and windows say.
    fn roots(&self) -> impl Iterator<Item = &str> {
        spoken().filter_map(|kind| self.pattern(kind).root())
    }
}

/// What devices and windows say.
fn spoken() -> impl Iterator<Item = TopicKind> {
    TopicKind::ALL
        .into_iter()
        .filter(|kind| !kind.is_between_services())
}

/// The least cost at which `pattern` yields `levels`, and the topic without the slips.
fn nearest(pattern: &TopicPattern, levels: &[&str]) -> Option<(usize, String)> {
    let (front, back) = pattern.around_device();
    let mut found = Vec::new();
    for before in 0..=MOST_BEFORE.min(levels.len()) {
        let (own, price) = (&levels[before..], before * LEVEL_TOO_MANY);
        let known_root = before == 0 && pattern.root().is_some_and(|root| own.first() == Some(&root));
        found.extend(aligned(&front, &back, own, before == 0).map(|(cost, device)| (cost + price, device)));
        if known_root && let Some((_, shorter)) = own.split_last() {
            let cut = aligned(&front, &back, shorter, false);
            found.extend(cut.map(|(cost, device)| (cost + LEVEL_TOO_MANY, device)));
        }
    }
    if levels.len() == front.len() + 1 + back.len() {
        for place in (0..levels.len()).filter(|place| *place != front.len()) {
            let mut swapped = levels.to_vec();
            swapped.swap(place, front.len());
            found.extend(
                aligned(&front, &back, &swapped, false).map(|(cost, device)| (cost + SWAPPED, device)),
            );
        }
    }
    let (cost, device) = found.into_iter().min_by_key(|(cost, _)| *cost)?;
    let device = DeviceId::parse(&device)
        .ok()
        .or_else(|| DeviceId::of_mac_address(&device));
    let topic = device.map_or_else(|| pattern.shown(), |device| pattern.topic_for(&device));
    Some((cost, topic))
}

/// The cost of `levels` as `front`, a device and `back`, and the device. With `loose`, the device may be missing or have
/// several levels.
fn aligned(front: &[&str], back: &[&str], levels: &[&str], loose: bool) -> Option<(usize, String)> {
    let middle = levels.len().checked_sub(front.len() + back.len())?;
    if middle != 1 && !loose {
        return None;
    }
    let (head, rest) = levels.split_at(front.len());
    let (device, tail) = rest.split_at(middle);
    let pairs = front.iter().zip(head).chain(back.iter().zip(tail));
    let costs: Option<Vec<usize>> = pairs.map(|(ours, theirs)| cost(ours, theirs)).collect();
    let shape = match middle {
        0 => NO_DEVICE,
        more => (more - 1) * LEVEL_TOO_MANY,
    };
    let named: Vec<&str> = device.iter().copied().filter(|level| !level.is_empty()).collect();
    Some((costs?.into_iter().sum::<usize>() + shape, named.join("-")))
}

/// The cost of `theirs` in the place of the level `ours`; `None` if they are no slip apart.
fn cost(ours: &str, theirs: &str) -> Option<usize> {
    if ours == theirs {
        return Some(0);
    }
    if ours.eq_ignore_ascii_case(theirs) {
        return Some(OTHER_CASE);
    }
    if theirs.len() > ours.len() + 12 {
        return None;
    }
    let (ours, theirs) = (ours.to_lowercase(), theirs.to_lowercase());
    let synonyms = SYNONYMS.iter().find(|(word, _)| *word == ours);
    let known = synonyms.is_some_and(|(_, others)| others.contains(&&*theirs));
    let shortened = theirs.len() >= 3 && ours.starts_with(&*theirs);
    let lengthened = ours.len() >= 3 && theirs.starts_with(&*ours);
    if known || shortened || lengthened {
        return Some(OTHER_WORD);
    }
    let most = match ours.len() {
        0..=3 => 0,
        4..=5 => 1,
        _ => 2,
    };
    // A slip of the finger leaves the beginning or the end as it was; most words of others are ruled out here.
    let begins = ours.chars().next() == theirs.chars().next();
    let ends = ours.chars().rev().take(2).eq(theirs.chars().rev().take(2));
    if ours.len().abs_diff(theirs.len()) > most || !(begins || ends) {
        return None;
    }
    let distance = strsim::osa_distance(&ours, &theirs);
    (distance <= most).then_some(OTHER_WORD + distance)
}

#[cfg(test)]
mod tests {
    use domain::Quantity;
    use proptest::prelude::*;

    use super::*;
    use crate::TopicPatterns;

    #[test]
    fn topics_one_slip_away_lead_to_ours() {
        let topics = Topics::default();
        for (topic, meant) in [
            ("/sensor/x/temperature", "sensor/x/temperature"),
            ("sensor/x/temperature/", "sensor/x/temperature"),
            ("Sensor/x/temperature", "sensor/x/temperature"),
            ("SENSOR/x/TEMPERATURE", "sensor/x/temperature"),
            ("sensors/x/temperature", "sensor/x/temperature"),
            ("sesnor/x/temperature", "sensor/x/temperature"),
            ("home/sensor/x/temperature", "sensor/x/temperature"),
            ("my/house/floor/sensor/x/humidity", "sensor/x/humidity"),
            ("sensor/x/Temperature", "sensor/x/temperature"),
            ("sensor/x/temp", "sensor/x/temperature"),
            ("sensor/x/temprature", "sensor/x/temperature"),
            ("sensor/x/tempurature", "sensor/x/temperature"),
            ("sensor/x/temperatures", "sensor/x/temperature"),
            ("sensor/x/temperature_c", "sensor/x/temperature"),
            ("sensor/x/temperature/state", "sensor/x/temperature"),
            ("sensor/x/hum", "sensor/x/humidity"),
            ("sensor/x/humidty", "sensor/x/humidity"),
            ("sensor/x/CO2", "sensor/x/co2"),
            ("sensor/x/lux", "sensor/x/illuminance"),
            ("sensor/x/sound", "sensor/x/audio"),
            ("sensor/temperature/x", "sensor/x/temperature"),
            ("sensor//x/temperature", "sensor/x/temperature"),
            ("sensor///temperature", "sensor/{device_id}/temperature"),
            ("x/sensor/temperature", "sensor/x/temperature"),
            ("sensor/temperature", "sensor/{device_id}/temperature"),
            (
                "sensor/kitchen/window/temperature",
                "sensor/kitchen-window/temperature",
            ),
            ("sensor/living room/temp", "sensor/{device_id}/temperature"),
            (
                "sensors/AA:BB:CC:DD:EE:01/temp",
                "sensor/aabbccddee01/temperature",
            ),
            ("sensor /x/ temperature", "sensor/x/temperature"),
            ("sensor.x.temperature", "sensor/x/temperature"),
            ("sensor\\x\\temperature", "sensor/x/temperature"),
            ("Window/x/state", "window/x/state"),
            ("windows/x/control", "window/x/control"),
            ("window/x/status", "window/x/state"),
            ("devices/x/status", "device/x/status"),
            ("device/x/LWT", "device/x/status"),
        ] {
            assert_eq!(topics.near(topic).as_deref(), Some(meant), "{topic}");
        }
    }

    #[test]
    fn other_traffic_resembles_nothing() {
        let topics = Topics::default();
        for topic in [
            "",
            "/",
            "//",
            "zigbee2mqtt/kitchen",
            "zigbee2mqtt/bridge/state",
            "homeassistant/sensor/x/temperature/config",
            "tele/tasmota_1/SENSOR",
            "tele/tasmota_1/STATE",
            "shellies/shellyht-1/sensor/temperature",
            "livingroom/sensor/temperature/state",
            "frigate/events",
            "home/kitchen/light",
            "owntracks/user/phone",
            "ml/inference/request/a/b",
            "ml/model/v1",
            "sensor/x/radiation",
            "a/b/c/d/e/f/g/h/i/j/k/sensor/x/temperature",
        ] {
            assert_eq!(topics.near(topic), None, "{topic}");
        }
        assert_eq!(topics.near(&format!("sensors/{}/temp", "x".repeat(60_000))), None);
        assert_eq!(topics.near(&"/".repeat(60_000)), None);
    }

    #[test]
    fn configured_patterns_are_the_ones_that_are_meant() {
        let temperature = TopicKind::Reading(Quantity::Temperature);
        let patterns = TopicPatterns::default().with(temperature, "house/{device_id}/air/temperature");
        let topics = Topics::new(&patterns).unwrap();
        for topic in [
            "House/x/air/temp",
            "my/house/x/air/temperature",
            "house/x/Air/temperature",
        ] {
            assert_eq!(
                topics.near(topic).as_deref(),
                Some("house/x/air/temperature"),
                "{topic}"
            );
        }
        assert!(topics.nearby_filters().contains(&"+/house/#".to_owned()));
    }

    #[test]
    fn nearby_filters_find_slips_and_none_of_ours() {
        let topics = Topics::default();
        let filters = topics.nearby_filters();
        for filter in [
            "+/sensor/#",
            "Sensor/#",
            "SENSOR/#",
            "sensors/#",
            "+/window/#",
            "+/device/#",
        ] {
            assert!(filters.contains(&filter.to_owned()), "{filter}: {filters:?}");
        }
        assert!(
            filters.iter().all(|filter| !filter.starts_with("sensor/")),
            "{filters:?}"
        );
    }

    proptest! {
        #[test]
        fn no_topic_panics(topic in any::<String>()) {
            let _ = Topics::default().near(&topic);
        }

        #[test]
        fn what_is_suggested_exists(topic in "[/sSensortempauhidyx.]{0,30}") {
            let topics = Topics::default();
            if let Some(meant) = topics.near(&topic) {
                prop_assert!(topics.classify(&meant.replace("{device_id}", "x")).is_ok(), "{}", meant);
            }
        }
    }
}
