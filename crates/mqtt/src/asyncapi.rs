//! Every topic and payload of an installation, as AsyncAPI 3.0.
//!
//! In: the installation's topics, and where its broker is. Out: a document: a channel for each kind of message, who sends and
//! who hears it, what it says. It is made from the tables that the services work by, and decides nothing.

use serde_json::{Map, Value, json};

use crate::{TopicKind, Topics, homeassistant, payload_examples, payload_schema, schema::about};

/// A place at which a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name in the document.
    pub name: String,
    /// Host and port.
    pub host: String,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whether it speaks MQTT over WebSocket, at `/mqtt`.
    pub websocket: bool,
}

/// Who says what.
struct Parties {
    sends: &'static str,
    hears: &'static [&'static str],
    retained: bool,
}

const fn parties(kind: TopicKind) -> Parties {
    let (sends, hears, retained): (_, &[_], _) = match kind {
        TopicKind::Reading(_)
        | TopicKind::Audio
        | TopicKind::WindowState
        | TopicKind::Telemetry
        | TopicKind::ConfigAck
        | TopicKind::TimeRequest => ("device", &["backend"], false),
        TopicKind::DeviceConfig | TopicKind::DeviceTime => ("backend", &["device"], true),
        TopicKind::Alarm => ("program", &["backend"], true),
        TopicKind::WindowSet => ("person", &["backend"], false),
        TopicKind::WindowOverride => ("backend", &["person"], true),
        TopicKind::RoomState => ("backend", &["program"], true),
        TopicKind::DeviceStatus => ("device", &["backend"], true),
        TopicKind::InferenceRequest => ("backend", &["ml"], false),
        TopicKind::WindowControl => ("ml", &["device", "backend"], false),
        TopicKind::ShadowPrediction | TopicKind::Prediction => ("ml", &["backend"], false),
    };
    Parties {
        sends,
        hears,
        retained,
    }
}

/// Returns the description of these topics at these servers.
pub fn asyncapi(topics: &Topics, servers: &[Server]) -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    let mut schemas = Map::new();
    for kind in TopicKind::ALL {
        let word = kind.as_str();
        let (title, description) = about(kind);
        let parties = parties(kind);
        channels.insert(word.to_owned(), channel(topics, kind, &title, description));
        messages.insert(word.to_owned(), message(kind, &title));
        schemas.insert(word.to_owned(), bare(payload_schema(kind)));
        let ways = parties.hears.iter().map(|party| (*party, "receive"));
        for (party, action) in std::iter::once((parties.sends, "send")).chain(ways) {
            let operation = operation(word, party, action, parties.retained);
            operations.insert(format!("{party}_{action}_{word}"), operation);
        }
    }
    for about in homeassistant::about() {
        let word = about.word;
        let parameters = about
            .has_device
            .then(|| json!({"device_id": {"$ref": "#/components/parameters/device_id"}}));
        channels.insert(
            word.to_owned(),
            json!({
                "address": about.address,
                "title": about.title,
                "description": about.description,
                "parameters": parameters.unwrap_or_else(|| json!({})),
                "messages": {word: {"$ref": format!("#/components/messages/{word}")}},
            }),
        );
        messages.insert(
            word.to_owned(),
            json!({
                "name": word,
                "title": about.title,
                "contentType": "text/plain",
                "payload": {"$ref": format!("#/components/schemas/{word}")},
                "examples": [{"name": about.words[0], "payload": about.words[0]}],
            }),
        );
        schemas.insert(word.to_owned(), json!({"type": "string", "enum": about.words}));
        let (sends, hears, retained) = about.parties;
        for (party, action) in [(sends, "send"), (hears, "receive")] {
            let operation = operation(word, party, action, retained);
            operations.insert(format!("{party}_{action}_{word}"), operation);
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Casement over MQTT",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What devices, windows and services say to each other. An operation's name begins with the party whose \
                            it is: device, person, backend, ml, or program for one of yours. Unknown fields of a payload are ignored.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": servers.iter().map(|one| (one.name.clone(), server(one))).collect::<Map<_, _>>(),
        "channels": channels,
        "operations": operations,
        "components": {
            "parameters": {"device_id": {
                "description": "The device: 1 to 64 letters, digits, - and _. It is the name of the device's account, too.",
                "examples": ["sensor-001"],
            }},
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {
                "account": {"type": "userPassword", "description": "The device's id and its password."},
                "certificate": {"type": "X509", "description": "A client's certificate whose common name is the account's."},
            },
        },
    })
}

fn server(server: &Server) -> Value {
    let protocol = match (server.websocket, server.tls) {
        (false, false) => "mqtt",
        (false, true) => "secure-mqtt",
        (true, false) => "ws",
        (true, true) => "wss",
    };
    let mut schemes = vec![json!({"$ref": "#/components/securitySchemes/account"})];
    if server.tls {
        schemes.push(json!({"$ref": "#/components/securitySchemes/certificate"}));
    }
    let mut value = json!({
        "host": server.host,
        "protocol": protocol,
        "description": "MQTT 3.1, 3.1.1 and 5",
        "security": schemes,
    });
    if server.websocket {
        value["pathname"] = "/mqtt".into();
    }
    value
}

fn channel(topics: &Topics, kind: TopicKind, title: &str, description: &str) -> Value {
    let word = kind.as_str();
    json!({
        "address": topics.pattern(kind).shown(),
        "title": title,
        "description": description,
        "parameters": {"device_id": {"$ref": "#/components/parameters/device_id"}},
        "messages": {word: {"$ref": format!("#/components/messages/{word}")}},
    })
}

fn message(kind: TopicKind, title: &str) -> Value {
    let word = kind.as_str();
    let examples = payload_examples(kind).into_iter();
    let examples = examples.map(|example| json!({"name": example.name, "payload": example.payload}));
    let content_type = match kind {
        TopicKind::Alarm | TopicKind::DeviceStatus | TopicKind::TimeRequest => "text/plain",
        _ => "application/json",
    };
    json!({
        "name": word,
        "title": title,
        "contentType": content_type,
        "payload": {"$ref": format!("#/components/schemas/{word}")},
        "examples": examples.collect::<Vec<_>>(),
    })
}

fn operation(word: &str, party: &str, action: &str, retained: bool) -> Value {
    let mut mqtt = json!({"qos": 1, "bindingVersion": "0.2.0"});
    if action == "send" {
        mqtt["retain"] = retained.into();
    }
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{word}")},
        "messages": [{"$ref": format!("#/channels/{word}/messages/{word}")}],
        "tags": [{"name": party}],
        "bindings": {"mqtt": mqtt},
    })
}

/// A schema within the document, which has one dialect.
fn bare(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TopicPatterns;

    #[test]
    fn every_kind_has_a_channel_a_message_a_schema_and_both_ends() {
        let document = asyncapi(&Topics::default(), &[]);
        for kind in TopicKind::ALL {
            let word = kind.as_str();
            for place in ["/channels", "/components/messages", "/components/schemas"] {
                assert!(
                    document.pointer(place).unwrap().get(word).is_some(),
                    "{place}/{word}"
                );
            }
            let operations = document["operations"].as_object().unwrap();
            let actions = |action: &str| {
                operations
                    .keys()
                    .any(|name| name.ends_with(&format!("_{action}_{word}")))
            };
            assert!(actions("send") && actions("receive"), "{word}");
        }
    }

    #[test]
    fn channels_are_the_topics_of_the_installation() {
        let patterns = TopicPatterns::default().with(TopicKind::Audio, "$share/group/house/+/sound");
        let document = asyncapi(&Topics::new(&patterns).unwrap(), &[]);
        assert_eq!(
            document["channels"]["audio"]["address"],
            "house/{device_id}/sound"
        );
    }
}
