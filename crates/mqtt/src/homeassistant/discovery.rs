//! Discovery messages, one for each entity or one for each device, and the topics they stand on.
//!
//! In: a room. Out: topics with payloads, retained by whoever sends them; an empty payload takes an entity away. Every topic
//! has the node id `casement`, so that what an earlier start has published is found by one subscription.

use std::{collections::BTreeSet, fmt, str::FromStr};

use domain::DeviceId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Entity, STATUS_TOPIC};
use crate::{DeviceStatus, TopicKind, Topics, decode_status};

/// The node id of all our messages.
const NODE: &str = "casement";
/// The component of messages for a whole device.
const DEVICE: &str = "device";
/// The longest prefix, in bytes.
const LONGEST_PREFIX: usize = 128;
/// The longest message of ours, in bytes: a device has some twenty entities of half a kilobyte.
const LONGEST_PAYLOAD: usize = 64 << 10;

/// How entities are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A message for each entity, which every Home Assistant understands.
    #[default]
    Component,
    /// A message for each device, from Home Assistant 2024.11 on.
    Device,
}

/// The text is no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no form of discovery, expected component or device")]
pub struct UnknownForm(String);

/// The text cannot be the beginning of topics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be the beginning of topics, like homeassistant: 1 to 128 bytes, without #, +, $ at its beginning or / at its ends"
)]
pub struct InvalidPrefix;

/// A room as Home Assistant is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its device.
    pub device_id: DeviceId,
    /// What people call it.
    pub name: String,
    /// Where it is; empty where nobody has said.
    pub location: String,
    /// The version of its firmware, where it has said that.
    pub firmware: Option<String>,
    /// What it has.
    pub entities: BTreeSet<Entity>,
}

/// What a topic of ours was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// In which form.
    pub form: Form,
    /// Whose.
    pub device_id: DeviceId,
    /// Which entity; `None` for a whole device, and for entities that this version does not know.
    pub entity: Option<Entity>,
}

/// Where and how rooms are announced.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovery {
    prefix: String,
    form: Form,
    topics: Topics,
    page: Option<String>,
}

/// What is read of a message for a whole device.
#[derive(Debug, Default, Deserialize)]
struct WholeDevice {
    #[serde(default)]
    device: Value,
    #[serde(default)]
    components: Map<String, Value>,
}

impl WholeDevice {
    fn read(payload: &[u8]) -> Option<Self> {
        let is_short = payload.len() <= LONGEST_PAYLOAD;
        is_short.then(|| serde_json::from_slice(payload).ok())?
    }
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::Component, Self::Device];

    /// Its word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Device => DEVICE,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Form {
    type Err = UnknownForm;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|form| form.as_str() == text);
        found.ok_or_else(|| UnknownForm(text.chars().take(40).collect()))
    }
}

impl Discovery {
    /// The prefix that Home Assistant looks below by default.
    pub const PREFIX: &str = "homeassistant";

    /// What a topic is told before messages of the other form take over, not retained: Home Assistant then keeps the names and areas
    /// that people gave.
    pub const MIGRATION: &[u8] = br#"{"migrate_discovery": true}"#;

    /// Announces below `prefix`, in `form`, rooms that talk on `topics`. `page` is the address of Casement's page, for links.
    pub fn new(
        prefix: &str,
        form: Form,
        topics: Topics,
        page: Option<String>,
    ) -> Result<Self, InvalidPrefix> {
        let is_plain = !prefix.contains(['+', '#', '\0']) && !prefix.starts_with(['$', '/']);
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !is_plain || prefix.ends_with('/') {
            return Err(InvalidPrefix);
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            form,
            topics,
            page: page.map(|page| page.trim_end_matches('/').to_owned()),
        })
    }

    /// The prefix.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The form.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The topics of the installation.
    pub const fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Where Home Assistant says that it has started, and ended.
    pub fn birth_topic(&self) -> String {
        format!("{}/status", self.prefix)
    }

    /// The filter of everything that was published by us below `prefix`, in either form.
    pub fn filter_below(prefix: &str) -> String {
        format!("{prefix}/+/{NODE}/+/config")
    }

    /// What the topic of a discovery message below `prefix` is about; `None` for a topic that is none of ours.
    pub fn find_below(prefix: &str, topic: &str) -> Option<Found> {
        let rest = topic.strip_prefix(prefix)?.strip_prefix('/')?;
        let rest = rest.strip_suffix("/config")?;
        let mut levels = rest.split('/');
        let (component, node, object) = (levels.next()?, levels.next()?, levels.next()?);
        if node != NODE || levels.next().is_some() {
            return None;
        }
        if component == DEVICE {
            return Some(Found {
                form: Form::Device,
                device_id: DeviceId::parse(object).ok()?,
                entity: None,
            });
        }
        let known = Entity::all().filter(|entity| entity.component() == component);
        let mut known = known.filter_map(|entity| {
            let id = object.strip_prefix(entity.as_str())?.strip_prefix('_')?;
            Some((entity, DeviceId::parse(id).ok()?))
        });
        let (entity, device_id) = known.next()?;
        Some(Found {
            form: Form::Component,
            device_id,
            entity: Some(entity),
        })
    }

    /// What a room is announced by: topics with their payloads. The same room always gives the same.
    pub fn messages(&self, room: &Room) -> Vec<(String, Vec<u8>)> {
        let device = self.device(room);
        let bytes = |value: &Value| serde_json::to_vec(value).expect("a JSON value is JSON");
        match self.form {
            Form::Component => {
                let each = room.entities.iter().map(|entity| {
                    let mut config = self.entity(room, *entity);
                    config["device"] = device.clone();
                    config["origin"] = origin();
                    let topic = self.topic(entity.component(), &object_id(*entity, &room.device_id));
                    (topic, bytes(&config))
                });
                each.collect()
            }
            Form::Device => {
                let each = room.entities.iter().map(|entity| {
                    let mut config = self.entity(room, *entity);
                    config["platform"] = entity.component().into();
                    (entity.as_str().to_owned(), config)
                });
                let components: Map<String, Value> = each.collect();
                let config = json!({"device": device, "origin": origin(), "components": components});
                vec![(self.topic(DEVICE, room.device_id.as_str()), bytes(&config))]
            }
        }
    }

    /// The entities in the message for a whole device, as far as they are known here. Anybody may have written it.
    pub fn entities_of(payload: &[u8]) -> Vec<Entity> {
        let message = WholeDevice::read(payload).unwrap_or_default();
        let known = Entity::all().filter(|entity| message.components.contains_key(entity.as_str()));
        known.collect()
    }

    /// What takes away the entities of a message for a whole device, to be said on its topic before that is emptied, not
    /// retained: by an empty message alone Home Assistant before 2025.2 does not find entities whose topic has a node id. `None`
    /// for a message for one entity, which needs no such thing. Anybody may have written it.
    pub fn removal_of(payload: &[u8]) -> Option<Vec<u8>> {
        let WholeDevice { device, components } = WholeDevice::read(payload)?;
        let platforms = components.into_iter().filter_map(|(name, component)| {
            let platform = component.get("platform")?.clone();
            Some((name, json!({"platform": platform})))
        });
        let platforms: Map<String, Value> = platforms.collect();
        if platforms.is_empty() {
            return None;
        }
        let removal = json!({"device": device, "origin": origin(), "components": platforms});
        Some(serde_json::to_vec(&removal).expect("a JSON value is JSON"))
    }

    /// The same for entities of a device that are known here, without its message; `None` where there are none.
    pub fn removal(device_id: &DeviceId, entities: &[Entity]) -> Option<Vec<u8>> {
        let platform = |entity: &Entity| {
            let platform = json!({"platform": entity.component()});
            (entity.as_str().to_owned(), platform)
        };
        let platforms: Map<String, Value> = entities.iter().map(platform).collect();
        if platforms.is_empty() {
            return None;
        }
        let device = json!({"identifiers": [identifier(device_id)]});
        let removal = json!({"device": device, "origin": origin(), "components": platforms});
        Some(serde_json::to_vec(&removal).expect("a JSON value is JSON"))
    }

    fn topic(&self, component: &str, object_id: &str) -> String {
        format!("{}/{component}/{NODE}/{object_id}/config", self.prefix)
    }

    /// One entity, with when it is available: while Casement and the device are there.
    fn entity(&self, room: &Room, entity: Entity) -> Value {
        let mut config = entity.config(&self.topics, &room.device_id);
        config["unique_id"] = format!("{NODE}_{}", object_id(entity, &room.device_id)).into();
        config["availability"] = json!([
            {"topic": STATUS_TOPIC},
            {
                "topic": self.topics.topic_for(TopicKind::RoomState, &room.device_id),
                "value_template": "{{ value_json.available }}",
            },
        ]);
        config["availability_mode"] = "all".into();
        config
    }

    fn device(&self, room: &Room) -> Value {
        let mut device = json!({
            "identifiers": [identifier(&room.device_id)],
            "name": room.name,
            "manufacturer": "Casement",
            "model": if room.entities.contains(&Entity::Window) { "Room with a window" } else { "Sensor" },
        });
        if !room.location.is_empty() {
            device["suggested_area"] = room.location.as_str().into();
        }
        if let Some(firmware) = &room.firmware {
            device["sw_version"] = firmware.as_str().into();
        }
        if let Some(page) = &self.page {
            device["configuration_url"] = format!("{page}/#/rooms/{}", room.device_id).into();
        }
        device
    }
}

/// What Home Assistant knows a device by.
fn identifier(device_id: &DeviceId) -> String {
    format!("{NODE}_{device_id}")
}

/// Whether a payload on [`Discovery::birth_topic`] says that Home Assistant is there.
pub fn is_birth(payload: &[u8]) -> bool {
    decode_status(payload) == Ok(DeviceStatus::Online)
}

/// The word comes first: device ids may hold anything that words hold.
fn object_id(entity: Entity, device_id: &DeviceId) -> String {
    format!("{}_{device_id}", entity.as_str())
}

fn origin() -> Value {
    json!({"name": "Casement", "sw_version": env!("CARGO_PKG_VERSION")})
}
