//! Changes of a part, as RFC 7396 writes them: what a patch names is replaced, `null` removes, the rest stays.
//!
//! In: a value as it is, and a patch. Out: the value as it is to be, or where the patch cannot be applied.

use domain::InvalidSetting;
use monitoring::words;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Applies `patch` to `present`.
pub(crate) fn patched<T: Serialize + DeserializeOwned>(
    present: &T,
    patch: &Value,
) -> Result<T, InvalidSetting> {
    let mut document = serde_json::to_value(present).expect("it is plain data");
    let wrong = |path: String, problem: String| InvalidSetting { path, problem };
    let (Value::Object(known), Value::Object(changes)) = (&document, patch) else {
        return Err(wrong(
            "body".into(),
            "is no object: send {\"name\": \"…\"}".into(),
        ));
    };
    // A misspelt name that is removed would otherwise change nothing, silently.
    if let Some(unknown) = changes.keys().find(|name| !known.contains_key(*name)) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let shown: String = unknown.chars().take(64).collect();
        return Err(wrong(
            shown,
            format!("is unknown; known are {}", names.join(", ")),
        ));
    }
    json_patch::merge(&mut document, patch);
    serde_path_to_error::deserialize(document).map_err(|error| {
        let place = error.path().to_string();
        wrong(
            if place == "." { "body".into() } else { place },
            words::plain(&error.into_inner().to_string()),
        )
    })
}

#[cfg(test)]
mod tests {
    use domain::Settings;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Thing {
        name: String,
        settings: Settings,
    }

    #[test]
    fn what_is_named_is_replaced_and_null_removes() {
        let first =
            json!({"name": "Kitchen", "settings": {"opening": {"max": 80}, "calibration": {"co2": -20}}});
        let thing: Thing = patched(&Thing::default(), &first).unwrap();
        assert_eq!(
            (thing.name.as_str(), thing.settings.opening.max),
            ("Kitchen", Some(80.0))
        );
        let second = json!({"settings": {"opening": {"min": 5}, "calibration": null}});
        let thing = patched(&thing, &second).unwrap();
        assert_eq!(
            (thing.settings.opening.min, thing.settings.opening.max),
            (Some(5.0), Some(80.0))
        );
        assert!(thing.settings.calibration.is_empty() && thing.name == "Kitchen");
        assert_eq!(
            patched(&thing, &json!({"settings": null, "name": null})).unwrap(),
            Thing::default()
        );
    }

    #[test]
    fn what_cannot_be_applied_is_named() {
        let path = |patch: Value| patched(&Thing::default(), &patch).unwrap_err().path;
        assert_eq!(path(json!([])), "body");
        assert_eq!(path(json!({"nmae": null})), "nmae");
        assert_eq!(path(json!({"name": 7})), "name");
        assert_eq!(
            path(json!({"settings": {"opening": {"max": "x"}}})),
            "settings.opening.max"
        );
        assert_eq!(path(json!({"settings": {"colour": "red"}})), "settings.colour");
        assert_eq!(
            path(json!({"settings": {"quiet_hours": [{"from": "25:00", "until": "06:00"}]}})),
            "settings.quiet_hours[0].from"
        );
    }
}
