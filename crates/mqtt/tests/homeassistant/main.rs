//! Discovery messages are what Home Assistant's own schema takes, and their topics are ours alone.
//!
//! `schema.json` was extracted by `schema.py` from a Home Assistant of before messages for a device, `schema-device.json` from one that
//! knows them. `make check-homeassistant` asks real ones.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;

use domain::DeviceId;
use jsonschema::Validator;
use mqtt::{
    Topics,
    homeassistant::{Discovery, Entity, Form, Room, STATUS_TOPIC, wish_topic},
};
use proptest::prelude::*;
use serde_json::{Map, Value};

const IDS: [&str; 5] = ["room-1", "temperature", "_", "x_temperature_window", "hold"];

/// Of 2024.3.3, and of 2025.1.4.
fn schemas() -> [Value; 2] {
    let texts = [include_str!("schema.json"), include_str!("schema-device.json")];
    texts.map(|text| serde_json::from_str(text).unwrap())
}

fn device(id: &str) -> DeviceId {
    DeviceId::parse(id).unwrap()
}

fn room(id: &str) -> Room {
    Room {
        device_id: device(id),
        name: "Kitchen \"north\"".into(),
        location: "Ground floor".into(),
        firmware: Some("1.4.0".into()),
        entities: Entity::all().collect(),
    }
}

fn discovery(form: Form) -> Discovery {
    let page = Some("https://casement.local:8443/".to_owned());
    Discovery::new("homeassistant", form, Topics::default(), page).unwrap()
}

fn messages(form: Form, id: &str) -> Vec<(String, Value)> {
    let messages = discovery(form).messages(&room(id)).into_iter();
    messages
        .map(|(topic, payload)| (topic, serde_json::from_slice(&payload).unwrap()))
        .collect()
}

/// Fails where `payload` is not of `schema`.
fn hold(schema: &Value, payload: &Value) {
    assert!(schema.is_object());
    let validator: Validator = jsonschema::draft7::new(schema).unwrap();
    let found: Vec<String> = validator
        .iter_errors(payload)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(found.is_empty(), "{payload}: {found:?}");
}

/// Fails where Home Assistant would refuse the payload of `component`, or drop a part of it.
fn judge(schema: &Value, component: &str, payload: &Value) {
    hold(&schema["components"][component], payload);
    if let Some(class) = payload["device_class"].as_str().filter(|_| component == "sensor") {
        let has = |table: &str, key: &str| {
            let allowed = schema[table][class].as_array().unwrap();
            assert!(allowed.contains(&payload[key]), "{class}: {}", payload[key]);
        };
        has("units", "unit_of_measurement");
        has("state_classes", "state_class");
    }
}

#[test]
fn every_message_for_an_entity_is_one_that_home_assistant_takes() {
    let schemas = schemas();
    let messages = messages(Form::Component, "room-1");
    assert_eq!(messages.len(), Entity::all().count());
    let mut ids = BTreeSet::new();
    for (topic, payload) in &messages {
        let component = topic.split('/').nth(1).unwrap();
        for schema in &schemas {
            judge(schema, component, payload);
        }
        assert!(ids.insert(payload["unique_id"].to_string()), "{topic}");
        assert_eq!(
            payload["device"]["configuration_url"],
            "https://casement.local:8443/#/rooms/room-1"
        );
    }
}

#[test]
fn what_the_schema_does_not_know_is_found() {
    let [_, schema] = schemas();
    let (_, payload) = messages(Form::Device, "room-1").remove(0);
    for key in ["device", "origin", "components"] {
        let mut wrong = payload.clone();
        wrong.as_object_mut().unwrap().remove(key);
        let judged = std::panic::catch_unwind(|| hold(&schema["device"], &wrong));
        assert!(judged.is_err(), "{key}");
    }
    let (_, payload) = messages(Form::Component, "room-1").remove(0);
    for (key, value) in [
        ("unit_of_measurment", "°C".into()),
        ("device_class", "warmth".into()),
        ("state_topic", Value::Null),
        ("unit_of_measurement", "bar".into()),
    ] {
        let mut wrong = payload.clone();
        wrong[key] = value;
        let judged = std::panic::catch_unwind(|| judge(&schema, "sensor", &wrong));
        assert!(judged.is_err(), "{key}");
    }
}

#[test]
fn the_message_for_a_device_has_every_entity_as_home_assistant_takes_it() {
    let [_, schema] = schemas();
    let messages = messages(Form::Device, "room-1");
    let [(topic, payload)] = messages.as_slice() else {
        panic!("{} messages", messages.len());
    };
    assert_eq!(topic, "homeassistant/device/casement/room-1/config");
    hold(&schema["device"], payload);
    let keys: Vec<_> = payload.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["components", "device", "origin"]);
    let components: &Map<String, Value> = payload["components"].as_object().unwrap();
    assert_eq!(components.len(), Entity::all().count());
    for component in components.values() {
        let mut own = component.clone();
        let platform = own.as_object_mut().unwrap().remove("platform").unwrap();
        assert!(own["unique_id"].is_string());
        own["device"] = payload["device"].clone();
        own["origin"] = payload["origin"].clone();
        judge(&schema, platform.as_str().unwrap(), &own);
    }
    let bytes = serde_json::to_vec(payload).unwrap();
    let entities: BTreeSet<_> = Discovery::entities_of(&bytes).into_iter().collect();
    assert_eq!(entities, Entity::all().collect());
}

/// An empty message alone does not find entities whose topic has a node id: they are named, each by its platform alone.
#[test]
fn what_takes_a_device_away_names_every_entity() {
    let [_, schema] = schemas();
    let bytes = |payload: &Value| serde_json::to_vec(payload).unwrap();
    let (_, payload) = messages(Form::Device, "room-1").remove(0);
    let removal = Discovery::removal_of(&bytes(&payload)).unwrap();
    let removal: Value = serde_json::from_slice(&removal).unwrap();
    hold(&schema["device"], &removal);
    assert_eq!(removal["device"]["identifiers"], payload["device"]["identifiers"]);
    let components = removal["components"].as_object().unwrap();
    assert_eq!(components.len(), Entity::all().count());
    for (name, component) in components {
        let platform = payload["components"][name]["platform"].clone();
        assert_eq!(*component, serde_json::json!({"platform": platform}), "{name}");
    }
    // The same without its message.
    let entities: Vec<_> = Entity::all().collect();
    let room = DeviceId::parse("room-1").unwrap();
    let known = Discovery::removal(&room, &entities).unwrap();
    let known: Value = serde_json::from_slice(&known).unwrap();
    hold(&schema["device"], &known);
    assert_eq!(known["components"], removal["components"]);
    assert_eq!(known["device"]["identifiers"], payload["device"]["identifiers"]);
    assert_eq!(Discovery::removal(&room, &[]), None);
    for (_, payload) in messages(Form::Component, "room-1") {
        assert_eq!(Discovery::removal_of(&bytes(&payload)), None);
    }
    for other in [
        "",
        "{}",
        "[]",
        r#"{"components": {}}"#,
        r#"{"components": {"a": 1}}"#,
        "{",
    ] {
        assert_eq!(Discovery::removal_of(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn a_window_has_no_stop_and_is_moved_as_a_persons_wish() {
    let messages = messages(Form::Component, "room-1");
    let (_, cover) = messages
        .iter()
        .find(|(topic, _)| topic == "homeassistant/cover/casement/window_room-1/config")
        .unwrap();
    // Without the key, Home Assistant shows a button that stops nothing.
    assert!(cover.as_object().unwrap().contains_key("payload_stop"));
    assert!(cover["payload_stop"].is_null());
    assert_eq!(cover["device_class"], "window");
    for key in ["command_topic", "set_position_topic"] {
        assert_eq!(cover[key], "window/room-1/set");
    }
    for (key, position) in [("payload_open", 100), ("payload_close", 0)] {
        let sent: Value = serde_json::from_str(cover[key].as_str().unwrap()).unwrap();
        assert_eq!(sent["position"], position);
        assert_eq!(sent["source"], "home_assistant");
    }
    // Home Assistant puts whole per cents in.
    let template = cover["set_position_template"].as_str().unwrap();
    for position in [0, 37, 100] {
        let rendered = template.replace("{{ position }}", &position.to_string());
        let sent: Value = serde_json::from_str(&rendered).unwrap();
        assert_eq!(
            sent,
            serde_json::json!({"position": position, "source": "home_assistant"})
        );
    }
    let topics: Vec<_> = cover["availability"].as_array().unwrap().iter().collect();
    assert_eq!(topics[0]["topic"], STATUS_TOPIC);
    assert_eq!(topics[1]["topic"], "casement/room-1/state");
    assert_eq!(cover["availability_mode"], "all");
}

#[test]
fn a_topic_leads_back_to_its_device_and_entity() {
    for form in Form::ALL {
        for id in IDS {
            for (topic, _) in discovery(form).messages(&room(id)) {
                let found = Discovery::find_below("homeassistant", &topic).unwrap();
                assert_eq!((found.form, found.device_id.as_str()), (form, id), "{topic}");
                let again = Room {
                    entities: found.entity.into_iter().collect(),
                    ..room(id)
                };
                if form == Form::Component {
                    assert_eq!(discovery(form).messages(&again)[0].0, topic);
                }
            }
        }
    }
    for other in [
        "homeassistant/sensor/0x00158d/temperature/config",
        "homeassistant/sensor/casement/config",
        "homeassistant/sensor/casement/warmth_room/config",
        "homeassistant/cover/casement/temperature_room/config",
        "homeassistant/sensor/casement/a/temperature_room/config",
        "other/sensor/casement/temperature_room/config",
        "homeassistant/device/casement/a b/config",
        "homeassistant/status",
    ] {
        assert_eq!(Discovery::find_below("homeassistant", other), None, "{other}");
    }
}

#[test]
fn no_word_begins_another_so_that_ids_are_told_apart() {
    let words: Vec<&str> = Entity::all().map(Entity::as_str).collect();
    for word in &words {
        let beginning = format!("{word}_");
        let others = words.iter().filter(|other| *other != word);
        assert!(
            others.clone().all(|other| !other.starts_with(&beginning)),
            "{word}"
        );
        assert!(others.clone().all(|other| other != word), "{word}");
    }
}

#[test]
fn what_home_assistant_is_told_is_no_slip_of_a_devices_topic() {
    let topics = Topics::default();
    for form in Form::ALL {
        for id in IDS {
            for prefix in ["homeassistant", "ha", "home/sensor"] {
                let discovery = Discovery::new(prefix, form, Topics::default(), None).unwrap();
                let all = discovery.messages(&room(id)).into_iter().map(|(topic, _)| topic);
                let others = [
                    discovery.birth_topic(),
                    STATUS_TOPIC.to_owned(),
                    wish_topic(&device(id)),
                ];
                for topic in all.chain(others) {
                    assert_eq!(topics.classify_among_others(&topic), None, "{topic}");
                }
            }
        }
    }
}

#[test]
fn prefixes_are_the_beginnings_of_topics() {
    let with = |prefix: &str| Discovery::new(prefix, Form::Component, Topics::default(), None);
    assert!(with("homeassistant").is_ok() && with("a/b").is_ok());
    for wrong in ["", "/a", "a/", "a/#", "+", "$SYS/x", &"a".repeat(200)] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_topic_and_no_payload_panics(topic in any::<String>(), payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Discovery::find_below("homeassistant", &topic);
        let _ = Discovery::find_below("homeassistant", &format!("homeassistant/{topic}"));
        let _ = Discovery::entities_of(&payload);
        let _ = Discovery::removal_of(&payload);
    }
}
