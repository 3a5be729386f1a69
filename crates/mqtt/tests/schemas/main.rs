//! The JSON Schemas of payloads say what the decoders do.
#![allow(missing_docs, clippy::unwrap_used)]

use domain::{ClipLimits, DeviceId, Quantity, Refusal};
use jsonschema::Validator;
use mqtt::{
    TopicKind, decode_clip, decode_control, decode_held, decode_reading, decode_request, decode_shadow,
    decode_state, decode_status, encode_control, encode_held, encode_reading, encode_request, encode_shadow,
    encode_state, payload_examples, payload_schema,
};
use serde_json::{Value, json};

fn device() -> DeviceId {
    DeviceId::parse("sensor-001").unwrap()
}

fn validator(kind: TopicKind) -> Validator {
    jsonschema::draft7::options()
        .should_validate_formats(true)
        .build(&payload_schema(kind))
        .unwrap()
}

/// What the real decoder makes of a payload, written again by the real encoder where there is one.
fn decode(kind: TopicKind, payload: &[u8]) -> Result<Option<Value>, Refusal> {
    let json = |bytes: Vec<u8>| Some(serde_json::from_slice(&bytes).unwrap());
    Ok(match kind {
        TopicKind::Reading(quantity) => json(encode_reading(&decode_reading(quantity, device(), payload)?)),
        TopicKind::Audio => {
            let received = decode_clip(device(), payload, &ClipLimits::default())?;
            json(mqtt::encode_clip(&received.clip))
        }
        TopicKind::InferenceRequest => json(encode_request(&decode_request(device(), payload)?)),
        TopicKind::WindowControl => json(encode_control(&decode_control(device(), payload)?)),
        TopicKind::WindowState => json(encode_state(&decode_state(device(), payload)?)),
        TopicKind::ShadowPrediction => json(encode_shadow(&decode_shadow(device(), payload)?)),
        TopicKind::Prediction => json(encode_held(&decode_held(device(), payload)?)),
        TopicKind::Alarm => {
            mqtt::decode_alarm(payload)?;
            None
        }
        TopicKind::DeviceStatus => {
            decode_status(payload)?;
            None
        }
        TopicKind::Telemetry => json(mqtt::encode_telemetry(&mqtt::decode_telemetry(
            device(),
            payload,
        )?)),
        TopicKind::ConfigAck => json(mqtt::encode_config_ack(&mqtt::decode_config_ack(
            device(),
            payload,
        )?)),
        TopicKind::TimeRequest => {
            mqtt::decode_time_request(payload)?;
            None
        }
        TopicKind::WindowSet => {
            mqtt::decode_set(device(), payload)?;
            None
        }
        // Services hear it; none of ours reads it.
        TopicKind::WindowOverride => None,
        // What the backend says, devices decode: it has to be what the domain's types are.
        TopicKind::DeviceConfig => {
            let value: Value = serde_json::from_slice(payload).unwrap();
            let settings: domain::Settings = serde_json::from_value(value["settings"].clone()).unwrap();
            json(mqtt::encode_config(value["version"].as_u64().unwrap(), &settings))
        }
        // Nobody of ours reads it.
        TopicKind::RoomState => Some(serde_json::from_slice(payload).unwrap()),
        TopicKind::DeviceTime => {
            let value: Value = serde_json::from_slice(payload).unwrap();
            let millis = value["unix_ms"].as_i64().unwrap();
            json(mqtt::encode_time(domain::Timestamp::from_millis(millis)))
        }
    })
}

/// The kinds whose payload is an object that the backend decodes.
fn decoded_objects() -> impl Iterator<Item = TopicKind> {
    let is_object = |kind: &TopicKind| {
        !matches!(
            kind,
            TopicKind::Alarm
                | TopicKind::DeviceStatus
                | TopicKind::WindowSet
                | TopicKind::WindowOverride
                | TopicKind::TimeRequest
                | TopicKind::DeviceConfig
                | TopicKind::DeviceTime
                | TopicKind::RoomState
        )
    };
    TopicKind::ALL.into_iter().filter(is_object)
}

#[test]
fn every_example_is_valid_and_decoded() {
    for kind in TopicKind::ALL {
        let examples = payload_examples(kind);
        assert!(!examples.is_empty(), "{kind:?}");
        for example in examples {
            let found: Vec<String> = validator(kind)
                .iter_errors(&example.payload)
                .map(|error| error.to_string())
                .collect();
            assert!(found.is_empty(), "{kind:?} {}: {found:?}", example.name);
            decode(kind, &example.bytes())
                .unwrap_or_else(|refusal| panic!("{kind:?} {}: {refusal}", example.name));
        }
    }
}

#[test]
fn what_the_encoders_write_is_valid_and_described() {
    for kind in TopicKind::ALL {
        let schema = payload_schema(kind);
        for example in payload_examples(kind) {
            let Some(written) = decode(kind, &example.bytes()).unwrap() else {
                continue;
            };
            assert!(validator(kind).is_valid(&written), "{kind:?}: {written}");
            let known = schema["properties"].as_object().unwrap();
            let unknown: Vec<_> = written
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| !known.contains_key(*key))
                .collect();
            assert!(unknown.is_empty(), "{kind:?}: {unknown:?}");
        }
    }
}

/// Sets or removes one field of an example.
fn changed(example: &Value, path: &[String], value: Option<Value>) -> Value {
    let mut changed = example.clone();
    let (last, parents) = path.split_last().unwrap();
    let level = parents
        .iter()
        .fold(&mut changed, |level, name| &mut level[name.as_str()]);
    match value {
        Some(value) => level[last.as_str()] = value,
        None => drop(level.as_object_mut().unwrap().remove(last.as_str())),
    }
    changed
}

/// Every field of a schema of an object, with its schema and whether it is required.
fn fields(schema: &Value, path: &[String], into: &mut Vec<(Vec<String>, Value, bool)>) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    for (name, property) in properties {
        let path = [path, std::slice::from_ref(name)].concat();
        into.push((path.clone(), property.clone(), required.contains(&name.as_str())));
        fields(property, &path, into);
    }
}

fn has(example: &Value, path: &[String]) -> bool {
    path.iter()
        .try_fold(example, |level, name| level.get(name))
        .is_some()
}

/// Both must refuse it.
fn both_refuse(kind: TopicKind, payload: &Value) {
    assert!(
        !validator(kind).is_valid(payload),
        "{kind:?}: the schema takes {payload}"
    );
    let bytes = serde_json::to_vec(payload).unwrap();
    assert!(
        decode(kind, &bytes).is_err(),
        "{kind:?}: the decoder takes {payload}"
    );
}

#[test]
fn what_a_schema_requires_types_and_bounds_the_decoder_does_too() {
    for kind in decoded_objects() {
        let example = payload_examples(kind).remove(0).payload;
        let mut all = Vec::new();
        fields(&payload_schema(kind), &[], &mut all);
        for (path, schema, required) in all {
            if required && has(&example, &path) {
                both_refuse(kind, &changed(&example, &path, None));
            }
            let parent = &path[..path.len() - 1];
            if !parent.is_empty() && !has(&example, parent) {
                continue;
            }
            match schema["type"].as_str() {
                Some("number") => {
                    both_refuse(kind, &changed(&example, &path, Some(json!("warm"))));
                    both_refuse(kind, &changed(&example, &path, Some(json!([1]))));
                }
                Some("string" | "array" | "object") => {
                    both_refuse(kind, &changed(&example, &path, Some(json!(7))));
                }
                _ => {}
            }
            // Of the recording in a request its decoder decides later, in the audio decoder.
            let bounds = [("minimum", -1.0), ("maximum", 1.0)];
            for (bound, step) in bounds
                .into_iter()
                .filter(|_| path != ["audio_metadata", "sample_rate"])
            {
                if let Some(end) = schema[bound].as_f64() {
                    let beyond = json!(end + step * (end.abs() / 10.0 + 1.0));
                    both_refuse(kind, &changed(&example, &path, Some(beyond)));
                }
            }
        }
        for other in [json!([]), json!(7), json!("text"), json!(null)] {
            both_refuse(kind, &other);
        }
    }
}

#[test]
fn a_reading_beyond_its_range_is_refused_unless_its_unit_says_otherwise() {
    for quantity in Quantity::ALL {
        let kind = TopicKind::Reading(quantity);
        let (_, high) = quantity.range();
        both_refuse(
            kind,
            &json!({"value": high * 1.2, "timestamp": "2025-10-24T12:00:00Z"}),
        );
    }
    let fahrenheit = json!({"value": 110.0, "unit": "F", "timestamp": "2025-10-24T12:00:00Z"});
    let kind = TopicKind::Reading(Quantity::Temperature);
    assert!(validator(kind).is_valid(&fahrenheit));
    assert!(decode(kind, &serde_json::to_vec(&fahrenheit).unwrap()).is_ok());
}

#[test]
fn a_time_without_a_zone_or_of_another_type_is_refused() {
    let is_dated = |kind: &TopicKind| payload_schema(*kind)["properties"]["timestamp"].is_object();
    for kind in decoded_objects().filter(is_dated) {
        let example = payload_examples(kind).remove(0).payload;
        let path = ["timestamp".to_owned()];
        for wrong in [
            json!("2025-10-24T12:00:00"),
            json!("noon"),
            json!(true),
            json!({}),
        ] {
            both_refuse(kind, &changed(&example, &path, Some(wrong)));
        }
        let epoch = changed(&example, &path, Some(json!(1_761_307_200)));
        assert!(validator(kind).is_valid(&epoch), "{kind:?}");
        assert!(
            decode(kind, &serde_json::to_vec(&epoch).unwrap()).is_ok(),
            "{kind:?}"
        );
    }
}

#[test]
fn telemetry_says_at_least_one_thing() {
    for empty in [
        json!({}),
        json!({"timestamp": 0}),
        json!({"device_id": "sensor-001"}),
    ] {
        both_refuse(TopicKind::Telemetry, &empty);
    }
    for one in [json!({"battery_v": 3.9}), json!({"firmware": "1.4.0"})] {
        assert!(validator(TopicKind::Telemetry).is_valid(&one), "{one}");
        assert!(
            decode(TopicKind::Telemetry, &serde_json::to_vec(&one).unwrap()).is_ok(),
            "{one}"
        );
    }
}

#[test]
fn every_setting_is_described() {
    let full = json!({
        "thresholds": {"temperature": 0.5}, "audio_always_trigger": true, "report_interval_s": 30, "clip_interval_s": 60,
        "clip_length_s": 2, "calibration": {"humidity": -1.5}, "opening": {"min": 0, "max": 80}, "quiet_hours": [],
        "time_zone": "Europe/Berlin", "motor_travel_s": 20, "zero_is_open": true, "outdoor_sensor": "roof",
        "interlocks": {"child_lock": 10}, "schedules": {"noon": {"kind": "fixed", "at": "12:00", "position": 5}},
        "latitude": 52.5, "longitude": 13.4, "timestamps": "optional", "override_s": 600, "min_interval_s": 30,
        "min_move": 5, "tolerance": 2,
    });
    let settings: domain::Settings = serde_json::from_value(full).unwrap();
    let written: Value = serde_json::from_slice(&mqtt::encode_config(1, &settings)).unwrap();
    assert!(validator(TopicKind::DeviceConfig).is_valid(&written), "{written}");
    let schema = payload_schema(TopicKind::DeviceConfig);
    let known = schema["properties"]["settings"]["properties"]
        .as_object()
        .unwrap();
    let said = written["settings"].as_object().unwrap();
    assert_eq!(said.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
}

#[test]
fn what_home_automation_is_told_of_a_room_is_described() {
    use mqtt::homeassistant as ha;
    let state = ha::RoomState {
        device_id: device(),
        available: "online",
        readings: [(Quantity::Temperature, 21.5)].into(),
        sound: ha::SoundState::default(),
        decision: ha::Decision::default(),
        window: ha::WindowState::default(),
        r#override: ha::Override::default(),
        telemetry: ha::TelemetryState::default(),
    };
    let written: Value = serde_json::from_slice(&ha::encode_room_state(&state)).unwrap();
    assert!(validator(TopicKind::RoomState).is_valid(&written), "{written}");
    let described = payload_schema(TopicKind::RoomState);
    let example = payload_examples(TopicKind::RoomState).remove(0).payload;
    for (name, part) in written.as_object().unwrap() {
        let known = &described["properties"][name];
        assert!(known.is_object(), "{name}");
        let Some(fields) = part.as_object().filter(|_| name != "readings") else {
            continue;
        };
        let keys: Vec<_> = fields.keys().collect();
        let of = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            of(&known["properties"]).iter().collect::<Vec<_>>(),
            keys,
            "{name}"
        );
        assert_eq!(of(&example[name]).iter().collect::<Vec<_>>(), keys, "{name}");
    }
}

#[test]
fn a_status_is_one_of_two_words() {
    for wrong in [json!("away"), json!(1), json!({}), json!({"status": true})] {
        both_refuse(TopicKind::DeviceStatus, &wrong);
    }
    for right in [json!("online"), json!({"status": "offline"})] {
        assert!(validator(TopicKind::DeviceStatus).is_valid(&right));
        assert!(decode(TopicKind::DeviceStatus, &serde_json::to_vec(&right).unwrap()).is_ok());
    }
}

#[test]
fn every_field_is_described() {
    for kind in TopicKind::ALL {
        let mut all = Vec::new();
        fields(&payload_schema(kind), &[], &mut all);
        for (path, schema, _) in all {
            assert!(schema["description"].is_string(), "{kind:?} {path:?}");
        }
    }
}
