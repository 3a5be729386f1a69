//! The entities of a room: what each is called, of which component it is, and its own part of the payload.

use domain::Quantity;
use serde_json::{Value, json};

use super::wish::{HOLD, RESUME, options, wish_topic};
use crate::{TopicKind, Topics};

/// Something of a room that Home Assistant shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// The newest reading of a quantity.
    Reading(Quantity),
    /// The level of the newest clip.
    SoundLevel,
    /// The window itself.
    Window,
    /// Where the model wants it.
    Wish,
    /// How sure the model is.
    Confidence,
    /// Whether a person decides.
    Override,
    /// For how long a person decides.
    HoldFor,
    /// Strength of the device's reception.
    Signal,
    /// Charge of its battery.
    Battery,
    /// Volts of its battery.
    Voltage,
}

/// The entities that are no readings.
const OTHERS: [Entity; 9] = [
    Entity::SoundLevel,
    Entity::Window,
    Entity::Wish,
    Entity::Confidence,
    Entity::Override,
    Entity::HoldFor,
    Entity::Signal,
    Entity::Battery,
    Entity::Voltage,
];

impl Entity {
    /// What a window brings along.
    pub const OF_WINDOW: [Self; 5] = [
        Self::Window,
        Self::Wish,
        Self::Confidence,
        Self::Override,
        Self::HoldFor,
    ];

    /// Every entity that a room may have.
    pub fn all() -> impl Iterator<Item = Self> {
        Quantity::ALL.into_iter().map(Self::Reading).chain(OTHERS)
    }

    /// Its word in topics and ids. No word with a `_` behind it is the beginning of another one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading(quantity) => quantity.as_str(),
            Self::SoundLevel => "sound",
            Self::Window => "window",
            Self::Wish => "wish",
            Self::Confidence => "confidence",
            Self::Override => "override",
            Self::HoldFor => "hold",
            Self::Signal => "signal",
            Self::Battery => "battery",
            Self::Voltage => "voltage",
        }
    }

    /// Its component, as Home Assistant calls it.
    pub const fn component(self) -> &'static str {
        match self {
            Self::Window => "cover",
            Self::Override => "switch",
            Self::HoldFor => "select",
            _ => "sensor",
        }
    }

    /// What people read; the window has its room's name.
    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Reading(quantity) => quantity.name(),
            Self::SoundLevel => "Sound level",
            Self::Window => return None,
            Self::Wish => "Model's wish",
            Self::Confidence => "Confidence",
            Self::Override => "Override",
            Self::HoldFor => "Hold for",
            Self::Signal => "Signal",
            Self::Battery => "Battery",
            Self::Voltage => "Battery voltage",
        })
    }

    /// Its part of a discovery payload: everything but its id, its device and when it is available.
    pub(super) fn config(self, topics: &Topics, device_id: &domain::DeviceId) -> Value {
        let state_topic = topics.topic_for(TopicKind::RoomState, device_id);
        let mut config = match self {
            Self::Window => window(topics, device_id),
            Self::Override => switch(device_id),
            Self::HoldFor => select(device_id),
            sensor => sensor.sensor(),
        };
        config["name"] = self.name().into();
        config["state_topic"] = state_topic.as_str().into();
        if let Some(part) = self.attributes() {
            config["json_attributes_topic"] = state_topic.into();
            config["json_attributes_template"] = format!("{{{{ value_json.{part} | tojson }}}}").into();
        }
        config
    }

    /// The part of the state that is shown beside the entity.
    const fn attributes(self) -> Option<&'static str> {
        match self {
            Self::Window => Some("window"),
            Self::Wish => Some("decision"),
            Self::Override => Some("override"),
            _ => None,
        }
    }

    fn sensor(self) -> Value {
        let diagnostic = |mut config: Value| {
            config["entity_category"] = "diagnostic".into();
            config
        };
        match self {
            Self::Reading(quantity) => json!({
                "value_template": value(&format!("readings.{quantity}")),
                "unit_of_measurement": quantity.unit(),
                "device_class": device_class(quantity),
                "state_class": "measurement",
                "suggested_display_precision": quantity.decimals(),
            }),
            // Full scale is no reference of sound pressure, so it has no device class.
            Self::SoundLevel => json!({
                "value_template": value("sound.level_dbfs"),
                "unit_of_measurement": "dBFS",
                "state_class": "measurement",
                "suggested_display_precision": 1,
                "icon": "mdi:volume-high",
            }),
            Self::Wish => json!({
                "value_template": value("decision.wish"),
                "unit_of_measurement": "%",
                "state_class": "measurement",
                "suggested_display_precision": 0,
                "icon": "mdi:window-open-variant",
            }),
            Self::Confidence => diagnostic(json!({
                "value_template": "{% set p = value_json.decision.confidence | default(none) %}\
                                   {{ none if p is none else (100 * p) | round(1) }}",
                "unit_of_measurement": "%",
                "state_class": "measurement",
                "suggested_display_precision": 0,
                "icon": "mdi:head-question-outline",
            })),
            Self::Signal => diagnostic(json!({
                "value_template": value("telemetry.rssi_dbm"),
                "unit_of_measurement": "dBm",
                "device_class": "signal_strength",
                "state_class": "measurement",
            })),
            Self::Battery => diagnostic(json!({
                "value_template": value("telemetry.battery_percent"),
                "unit_of_measurement": "%",
                "device_class": "battery",
                "state_class": "measurement",
            })),
            Self::Voltage => diagnostic(json!({
                "value_template": value("telemetry.battery_v"),
                "unit_of_measurement": "V",
                "device_class": "voltage",
                "state_class": "measurement",
                "suggested_display_precision": 2,
            })),
            Self::Window | Self::Override | Self::HoldFor => json!({}),
        }
    }
}

/// The window. A motor that is told a position cannot be stopped, so there is no button that says so.
fn window(topics: &Topics, device_id: &domain::DeviceId) -> Value {
    let set = topics.topic_for(TopicKind::WindowSet, device_id);
    let state = topics.topic_for(TopicKind::RoomState, device_id);
    json!({
        "device_class": "window",
        "position_topic": state,
        // An empty text is no news: where the window stands is not known.
        "position_template": "{% set p = value_json.window.position | default(none) %}\
                              {{ '' if p is none else p | round(0) | int }}",
        "value_template": "{{ value_json.window.state | default('', true) }}",
        "state_open": "open",
        "state_opening": "opening",
        "state_closed": "closed",
        "state_closing": "closing",
        "position_open": 100,
        "position_closed": 0,
        "set_position_topic": set,
        "set_position_template": "{\"position\": {{ position }}, \"source\": \"home_assistant\"}",
        "command_topic": set,
        "payload_open": "{\"position\": 100, \"source\": \"home_assistant\"}",
        "payload_close": "{\"position\": 0, \"source\": \"home_assistant\"}",
        "payload_stop": null,
        "optimistic": false,
        "qos": 1,
        "retain": false,
    })
}

fn switch(device_id: &domain::DeviceId) -> Value {
    json!({
        "command_topic": wish_topic(device_id),
        "value_template": "{{ 'ON' if value_json.override.active else 'OFF' }}",
        "state_on": "ON",
        "state_off": "OFF",
        "payload_on": HOLD,
        "payload_off": RESUME,
        "optimistic": false,
        "qos": 1,
        "retain": false,
        "icon": "mdi:hand-back-right",
    })
}

fn select(device_id: &domain::DeviceId) -> Value {
    json!({
        "command_topic": wish_topic(device_id),
        "value_template": value("override.hold_for"),
        "options": options().collect::<Vec<_>>(),
        "optimistic": false,
        "qos": 1,
        "retain": false,
        "icon": "mdi:timer-sand",
    })
}

/// The template of a number or a text of the state; what is not there is `None`, which Home Assistant shows as unknown.
fn value(path: &str) -> String {
    format!("{{{{ value_json.{path} | default(none) }}}}")
}

const fn device_class(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Temperature => "temperature",
        Quantity::Humidity => "humidity",
        Quantity::Co2 => "carbon_dioxide",
        Quantity::Pressure => "atmospheric_pressure",
        Quantity::Illuminance => "illuminance",
        Quantity::Rain => "precipitation_intensity",
        Quantity::Wind => "wind_speed",
    }
}
