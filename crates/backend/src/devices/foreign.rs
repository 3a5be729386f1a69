//! What another program wrote into the column `config` of the table of devices, as settings.
//!
//! In: JSON of our settings, or with the older keys `temperature_threshold`, `humidity_threshold`, … and
//! `audio_always_trigger`. Out: what can be used of it, and what cannot, in words. Pure.

use domain::{Quantity, Settings};
use serde_json::{Map, Value};

/// The longest text that is looked at.
const LONGEST: usize = 64 << 10;
/// Problems that are told.
const MOST_TOLD: usize = 5;

/// What of `config` can be used, and what cannot.
pub(super) fn settings(config: &str) -> (Settings, Vec<String>) {
    let mut told = Vec::new();
    if config.trim().is_empty() {
        return (Settings::default(), told);
    }
    let parsed = (config.len() <= LONGEST).then(|| serde_json::from_str(config).ok());
    let Some(Some(Value::Object(keys))) = parsed else {
        told.push("it is no JSON object".to_owned());
        return (Settings::default(), told);
    };
    let mut settings = Settings::default();
    for (key, value) in keys {
        match of_key(&key, value) {
            // What stands twice, in the older form and in ours, is the same on purpose, or the later one counts.
            Ok(part) => settings = part.over(&settings),
            Err(problem) if told.len() < MOST_TOLD => told.push(problem),
            Err(_) => {}
        }
    }
    let problems = settings.problems();
    if problems.is_empty() {
        return (settings, told);
    }
    // Each is right by itself, and some are not together.
    told.extend(problems.iter().take(MOST_TOLD).map(ToString::to_string));
    (Settings::default(), told)
}

fn of_key(key: &str, value: Value) -> Result<Settings, String> {
    let of_quantity = key.strip_suffix("_threshold").and_then(Quantity::from_word);
    let part = match of_quantity {
        Some(quantity) => {
            let change = value.as_f64().ok_or_else(|| format!("{key} is no number"))?;
            Settings {
                thresholds: [(quantity, change)].into(),
                ..Settings::default()
            }
        }
        None => serde_json::from_value(Value::Object(Map::from_iter([(key.to_owned(), value)])))
            .map_err(|error| format!("{}: {error}", key.chars().take(60).collect::<String>()))?,
    };
    match part.problems().first() {
        None => Ok(part),
        Some(problem) => Err(problem.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_keys_and_ours_are_read_and_the_rest_is_told() {
        let config = r#"{"humidity_threshold": 5, "co2_threshold": 100, "temperature_threshold": "x",
            "audio_always_trigger": false, "report_interval_s": 30, "wind_threshold": -1, "colour": "red"}"#;
        let (settings, told) = settings(config);
        let expected: Settings = serde_json::from_str(
            r#"{"thresholds": {"humidity": 5, "co2": 100}, "audio_always_trigger": false, "report_interval_s": 30}"#,
        )
        .unwrap();
        assert_eq!(settings, expected);
        assert_eq!(told.len(), 3, "{told:?}");
        for word in ["temperature_threshold", "thresholds.wind", "colour"] {
            assert!(told.iter().any(|told| told.contains(word)), "{word}: {told:?}");
        }
    }

    #[test]
    fn what_is_no_object_sets_nothing() {
        for (config, problems) in [("", 0), ("{}", 0), ("nonsense", 1), ("[]", 1), ("7", 1)] {
            let (settings, told) = settings(config);
            assert!(
                settings.is_empty() && told.len() == problems,
                "{config}: {told:?}"
            );
        }
        let (settings, told) = settings(&format!(r#"{{"x": "{}"}}"#, "x".repeat(LONGEST)));
        assert!(settings.is_empty() && told.len() == 1);
        let contrary = r#"{"clip_length_s": 50, "clip_interval_s": 10, "report_interval_s": 30}"#;
        let (settings, told) = super::settings(contrary);
        assert!(settings.is_empty() && told.len() == 1, "{told:?}");
    }
}
