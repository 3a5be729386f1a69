//! What the API says, as far as the screen shows it. Whatever is absent or of another form counts as not known.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A value and its time.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Latest {
    pub(super) value: f64,
}

/// How a device does.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Health {
    pub(super) state: String,
    pub(super) problems: Vec<Problem>,
}

/// Something that is wrong with a device.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(super) kind: String,
}

/// A clip that was heard.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Clip {
    pub(super) level_dbfs: Option<f64>,
}

/// A command to a window.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Command {
    pub(super) position: f64,
}

/// What is known of a window.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Control {
    pub(super) motion: String,
}

/// A device.
#[allow(clippy::struct_field_names, reason = "the API's own name")]
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Device {
    pub(super) device_id: String,
    pub(super) name: String,
    pub(super) location: String,
    pub(super) last_seen: Option<jiff::Timestamp>,
    pub(super) is_active: bool,
    pub(super) retired: bool,
    pub(super) health: Option<Health>,
    pub(super) readings: BTreeMap<String, Latest>,
    pub(super) clip: Option<Clip>,
    pub(super) command: Option<Command>,
    pub(super) window: Option<Latest>,
    pub(super) control: Option<Control>,
}

/// What was counted since the start.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Counters {
    pub(super) messages: BTreeMap<String, u64>,
    pub(super) refused: u64,
}

/// How the service does, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(super) version: String,
    pub(super) journal_records: u64,
    pub(super) journal_bytes: u64,
    pub(super) journal_max_bytes: u64,
    pub(super) accepting: bool,
    pub(super) counters: Counters,
}

/// A part of the service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
}

/// The devices of an answer, which is a list.
pub(super) fn devices(answer: &str) -> Option<Vec<Device>> {
    let list: Vec<Value> = serde_json::from_str(answer).ok()?;
    let device = |value| serde_json::from_value(value).ok();
    Some(list.into_iter().filter_map(device).collect())
}

/// The parts of an answer about health.
pub(super) fn parts(answer: &str) -> Vec<Part> {
    let value: Value = serde_json::from_str(answer).unwrap_or_default();
    serde_json::from_value(value["parts"].clone()).unwrap_or_default()
}

impl Device {
    /// One word for how it does.
    pub(super) fn condition(&self) -> &str {
        if self.retired {
            return "retired";
        }
        let Some(health) = &self.health else {
            return if self.is_active { "online" } else { "silent" };
        };
        match (health.state.as_str(), health.problems.first()) {
            ("online", Some(problem)) => &problem.kind,
            ("never_seen", _) => "never seen",
            (state, _) => state,
        }
    }

    /// How urgently somebody should look: 0 is not.
    pub(super) fn urgency(&self) -> u8 {
        match self.condition() {
            "online" => 0,
            "retired" => 1,
            "never seen" => 2,
            "stale" => 4,
            "offline" | "silent" => 5,
            _ => 3,
        }
    }

    pub(super) fn value(&self, quantity: &str) -> Option<f64> {
        self.readings.get(quantity).map(|latest| latest.value)
    }

    /// Where its window stands, % open; `None` where that is not known, as after it began anew.
    pub(super) fn stands(&self) -> Option<f64> {
        let is_lost = (self.control.as_ref()).is_some_and(|control| control.motion == "unknown");
        self.window
            .as_ref()
            .filter(|_| !is_lost)
            .map(|window| window.value)
    }

    /// Whether its window is not yet where it was told to go.
    pub(super) fn is_under_way(&self) -> bool {
        match (&self.command, &self.window) {
            (Some(told), Some(stands)) => (told.position - stands.value).abs() > 1.0,
            _ => false,
        }
    }
}
