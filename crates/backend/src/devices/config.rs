//! The configuration that a device has of its own.

use domain::{Quantity, Thresholds};
use serde_json::Value;

/// The thresholds that a device's configuration sets over the general ones; `None` where it sets none.
pub(crate) fn own_thresholds(config: &str, general: Thresholds) -> Option<Thresholds> {
    let own: Value = serde_json::from_str(config).ok()?;
    let mut thresholds = general;
    let decides = |quantity: &Quantity| general.change(*quantity).is_some();
    for quantity in Quantity::ALL.into_iter().filter(decides) {
        let change = own.get(format!("{quantity}_threshold")).and_then(Value::as_f64);
        if let Some(change) = change.filter(|change| change.is_finite() && *change >= 0.0) {
            thresholds = thresholds.with_change(quantity, change);
        }
    }
    let always = own.get("audio_always_trigger").and_then(Value::as_bool);
    thresholds.audio_always = always.unwrap_or(general.audio_always);
    (thresholds != general).then_some(thresholds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_can_have_its_own_thresholds() {
        let general = Thresholds::default();
        let own = own_thresholds(
            r#"{"humidity_threshold": 5, "temperature_threshold": "x"}"#,
            general,
        );
        assert_eq!(own, Some(general.with_change(Quantity::Humidity, 5.0)));
        let undecided = r#"{"co2_threshold": 100}"#;
        for config in [undecided, r#"{"humidity_threshold": -1}"#, "{}", "nonsense", "[]"] {
            assert_eq!(own_thresholds(config, general), None, "{config}");
        }
    }
}
