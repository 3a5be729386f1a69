//! `window/{device_id}/set`: where a person wants a window, and for how long; or that it is over.
//!
//! A bare number, the bare word `resume`, or an object. It is never retained: a wish of long ago is none of now.

use std::time::Duration;

use domain::{By, DeviceId, Hold, Lasting, Position, Refusal, RefusalReason, Source, Timestamp, WindowSet};
use serde_json::{Map, Value};

use super::{field, time};

/// The word that ends a person's wish.
pub(crate) const RESUME: &str = "resume";
/// Fields of which one at most says how long a wish lasts.
const LASTING: [&str; 3] = ["for_s", "until", "forever"];

/// Decodes a person's wish.
pub fn decode_set(device_id: DeviceId, payload: &[u8]) -> Result<WindowSet, Refusal> {
    field::check_length(payload)?;
    let text = payload.trim_ascii();
    if text.eq_ignore_ascii_case(RESUME.as_bytes()) {
        return Ok(of(device_id, None, By::new("", Source::Mqtt)));
    }
    let value: Value = serde_json::from_slice(text).map_err(|_| {
        let detail = "a wish is a number from 0 to 100, the word resume, or an object like {\"position\": 40, \"for_s\": 7200}";
        Refusal::new(RefusalReason::NotJson, detail)
    })?;
    match value {
        Value::Number(number) => {
            let hold = Hold {
                position: position(number.as_f64())?,
                lasting: Lasting::Usual,
            };
            Ok(of(device_id, Some(hold), By::new("", Source::Mqtt)))
        }
        Value::String(word) if word.trim().eq_ignore_ascii_case(RESUME) => {
            Ok(of(device_id, None, By::new("", Source::Mqtt)))
        }
        Value::Object(fields) => object(device_id, &fields),
        _ => Err(wrong("payload", "a number, the word resume or an object")),
    }
}

/// Encodes a person's wish.
pub fn encode_set(set: &WindowSet) -> Vec<u8> {
    let mut fields = Map::new();
    match set.hold {
        None => drop(fields.insert(RESUME.into(), true.into())),
        Some(hold) => {
            fields.insert("position".into(), hold.position.percent().into());
            match hold.lasting {
                Lasting::Usual => {}
                Lasting::For(span) => drop(fields.insert("for_s".into(), span.as_secs_f64().into())),
                Lasting::Until(until) => drop(fields.insert("until".into(), until.to_string().into())),
                Lasting::Forever => drop(fields.insert("forever".into(), true.into())),
            }
        }
    }
    if !set.by.name.is_empty() {
        fields.insert("by".into(), set.by.name.clone().into());
    }
    if set.by.source != Source::Mqtt {
        fields.insert("source".into(), set.by.source.as_str().into());
    }
    field::write(&fields)
}

const fn of(device_id: DeviceId, hold: Option<Hold>, by: By) -> WindowSet {
    WindowSet { device_id, hold, by }
}

fn object(device_id: DeviceId, fields: &Map<String, Value>) -> Result<WindowSet, Refusal> {
    let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let text = |name: &str| match given(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(wrong(name, "text")),
    };
    field::same_device(text("device_id")?, &device_id)?;
    // Whoever says a hand that we do not know has one all the same.
    let source = match text("source")? {
        Some("page") => Source::Page,
        Some("api") => Source::Api,
        Some("home_assistant") => Source::HomeAssistant,
        _ => Source::Mqtt,
    };
    let by = By::new(text("by")?.unwrap_or_default(), source);
    let resumes = flag(RESUME, given(RESUME))?;
    let wanted = given("position").map(|value| position(value.as_f64()));
    if resumes {
        if wanted.is_some() {
            let detail = "'resume' ends a wish, and 'position' begins one: only one of them can be meant";
            return Err(Refusal::new(RefusalReason::OutOfRange, detail));
        }
        return Ok(of(device_id, None, by));
    }
    let position = wanted.ok_or_else(|| {
        Refusal::new(
            RefusalReason::MissingField,
            "'position' is missing, or 'resume': true",
        )
    })??;
    let hold = Hold {
        position,
        lasting: lasting(given)?,
    };
    Ok(of(device_id, Some(hold), by))
}

fn lasting<'a>(given: impl Fn(&str) -> Option<&'a Value>) -> Result<Lasting, Refusal> {
    let forever = flag("forever", given("forever"))?;
    let said = LASTING.iter().filter(|name| given(name).is_some()).count();
    if said - usize::from(given("forever").is_some() && !forever) > 1 {
        let detail = "how long it lasts is said more than once: give one of 'for_s', 'until' and 'forever'";
        return Err(Refusal::new(RefusalReason::OutOfRange, detail));
    }
    if forever {
        return Ok(Lasting::Forever);
    }
    if let Some(value) = given("for_s") {
        let seconds = value
            .as_f64()
            .ok_or_else(|| wrong("for_s", "a number of seconds"))?;
        let longest = Lasting::LONGEST.as_secs_f64();
        if !(1.0..=longest).contains(&seconds) {
            let detail = format!("'for_s' is {seconds}; it may be 1 to {longest}");
            return Err(Refusal::new(RefusalReason::OutOfRange, detail));
        }
        return Ok(Lasting::For(Duration::from_secs_f64(seconds)));
    }
    Ok(match given("until") {
        None => Lasting::Usual,
        Some(Value::String(text)) => Lasting::Until(time::parse("until", text)?),
        Some(Value::Number(number)) => {
            Lasting::Until(time::since_1970("until", number.as_f64().unwrap_or(f64::NAN))?)
        }
        Some(_) => return Err(wrong("until", "a time")),
    })
}

fn flag(name: &str, value: Option<&Value>) -> Result<bool, Refusal> {
    value.map_or(Ok(false), |value| {
        value.as_bool().ok_or_else(|| wrong(name, "true or false"))
    })
}

fn position(percent: Option<f64>) -> Result<Position, Refusal> {
    let percent = percent.ok_or_else(|| wrong("position", "a number"))?;
    field::bounded("position", Position::new(percent))
}

fn wrong(name: &str, what: &str) -> Refusal {
    Refusal::new(RefusalReason::WrongType, format!("'{name}' is not {what}"))
}

/// An override as everybody hears it.
#[derive(Debug, Clone, PartialEq)]
pub struct OverrideNotice {
    /// The device whose window it concerns.
    pub device_id: DeviceId,
    /// When it was said.
    pub timestamp: Timestamp,
    /// The position, when it ends if it does, and whose it is; `None` where nobody holds the window.
    pub hold: Option<(Position, Option<Timestamp>, By)>,
}

/// Encodes who holds a window.
pub fn encode_override(notice: &OverrideNotice) -> Vec<u8> {
    let mut value = serde_json::json!({
        "device_id": notice.device_id,
        "timestamp": notice.timestamp,
        "active": notice.hold.is_some(),
    });
    if let Some((position, until, by)) = &notice.hold {
        value["position"] = position.percent().into();
        value["until"] = until.map_or(Value::Null, |until| until.to_string().into());
        value["by"] = by.name.clone().into();
        value["source"] = by.source.as_str().into();
    }
    field::write(&value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn device() -> DeviceId {
        DeviceId::parse("d").unwrap()
    }

    fn held(position: f64, lasting: Lasting) -> Hold {
        Hold {
            position: Position::new(position).unwrap(),
            lasting,
        }
    }

    #[test]
    fn a_wish_is_a_number_a_word_or_an_object() {
        let noon = Timestamp::parse("2026-05-01T12:00:00Z").unwrap();
        for (payload, hold) in [
            ("40", Some(held(40.0, Lasting::Usual))),
            (" 0.5\n", Some(held(0.5, Lasting::Usual))),
            ("resume", None),
            ("RESUME", None),
            ("\"resume\"", None),
            ("{\"resume\": true}", None),
            ("{\"position\": 40}", Some(held(40.0, Lasting::Usual))),
            (
                "{\"position\": 40, \"for_s\": 7200}",
                Some(held(40.0, Lasting::For(Duration::from_hours(2)))),
            ),
            (
                "{\"position\": 40, \"until\": \"2026-05-01T12:00:00Z\"}",
                Some(held(40.0, Lasting::Until(noon))),
            ),
            (
                "{\"position\": 40, \"forever\": true}",
                Some(held(40.0, Lasting::Forever)),
            ),
            (
                "{\"position\": 40, \"forever\": false, \"for_s\": 60}",
                Some(held(40.0, Lasting::For(Duration::from_mins(1)))),
            ),
            (
                "{\"position\": 40, \"until\": null}",
                Some(held(40.0, Lasting::Usual)),
            ),
        ] {
            assert_eq!(
                decode_set(device(), payload.as_bytes()).unwrap().hold,
                hold,
                "{payload}"
            );
        }
        let told = br#"{"position": 7, "by": " Anna\n", "source": "home_assistant"}"#;
        let by = decode_set(device(), told).unwrap().by;
        assert_eq!((by.name.as_str(), by.source), ("Anna", Source::HomeAssistant));
    }

    #[test]
    fn what_can_mean_two_things_or_nothing_is_refused_with_what_is_wrong() {
        for (payload, word) in [
            ("", "a number from 0 to 100"),
            ("open", "a number from 0 to 100"),
            ("140", "outside 0 to 100"),
            ("true", "is not a number"),
            ("[40]", "is not a number"),
            ("{}", "'position' is missing"),
            ("{\"position\": \"wide\"}", "'position' is not a number"),
            ("{\"position\": 40, \"resume\": true}", "only one"),
            (
                "{\"position\": 40, \"for_s\": 60, \"forever\": true}",
                "more than once",
            ),
            ("{\"position\": 40, \"for_s\": -1}", "'for_s' is -1"),
            ("{\"position\": 40, \"for_s\": \"long\"}", "'for_s' is not"),
            ("{\"position\": 40, \"until\": \"tomorrow\"}", "'until'"),
            ("{\"position\": 40, \"forever\": 1}", "'forever' is not"),
            ("{\"position\": 40, \"device_id\": \"e\"}", "the payload says 'e'"),
        ] {
            let refusal = decode_set(device(), payload.as_bytes()).unwrap_err();
            assert!(refusal.detail.contains(word), "{payload}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200), position in 0.0_f64..=100.0) {
            let _ = decode_set(device(), &bytes);
            let set = WindowSet {
                device_id: device(),
                hold: Some(held(position, Lasting::For(Duration::from_secs(90)))),
                by: By::new("Anna", Source::Page),
            };
            prop_assert_eq!(decode_set(device(), &encode_set(&set)), Ok(set));
        }
    }
}
