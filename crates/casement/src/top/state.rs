//! Everything that the screen shows.

use std::{
    cmp::Ordering,
    collections::VecDeque,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    answers::{Clip, Command, Device, Latest, Part, Status},
    events::Event,
};

/// Refusals that are kept.
const ERRORS: usize = 200;
/// Longest filter.
const LONGEST_FILTER: usize = 60;

/// What comes in from the service.
#[derive(Debug, Clone)]
pub(crate) enum Update {
    Devices(Vec<Device>),
    Status(Box<Status>, Instant),
    Parts(Vec<Part>),
    Event(Event),
    /// Whether events come, so that nothing has to be asked for.
    Live(bool),
    /// A question was not answered.
    Trouble(String),
}

/// The order of rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    Health,
    Age,
    Temperature,
}

impl Sort {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Name => Self::Health,
            Self::Health => Self::Age,
            Self::Age => Self::Temperature,
            Self::Temperature => Self::Name,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Health => "health",
            Self::Age => "age",
            Self::Temperature => "temperature",
        }
    }
}

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) at: Option<Timestamp>,
    pub(super) topic: String,
    pub(super) reason: String,
    pub(super) detail: String,
}

/// Everything that the screen shows.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own on the screen"
)]
pub(crate) struct State {
    pub(super) url: String,
    pub(super) devices: Vec<Device>,
    pub(super) status: Option<Status>,
    counted: Option<(u64, Instant)>,
    pub(super) rate: Option<f64>,
    pub(super) parts: Vec<Part>,
    pub(super) errors: VecDeque<Refused>,
    pub(super) trouble: Option<String>,
    pub(super) live: bool,
    pub(super) sort: Sort,
    pub(super) filter: String,
    pub(super) is_filtering: bool,
    pub(super) selected: usize,
    pub(super) shows_errors: bool,
    pub(super) shows_help: bool,
    /// Whether the devices have to be asked for anew.
    pub(super) is_outdated: bool,
}

impl State {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            devices: Vec::new(),
            status: None,
            counted: None,
            rate: None,
            parts: Vec::new(),
            errors: VecDeque::new(),
            trouble: None,
            live: false,
            sort: Sort::Name,
            filter: String::new(),
            is_filtering: false,
            selected: 0,
            shows_errors: false,
            shows_help: false,
            is_outdated: false,
        }
    }

    /// Takes what came in.
    pub(crate) fn update(&mut self, update: Update) {
        match update {
            Update::Devices(devices) => {
                self.devices = devices;
                self.is_outdated = false;
            }
            Update::Status(status, at) => {
                self.trouble = None;
                self.count(&status, at);
                self.status = Some(*status);
            }
            Update::Parts(parts) => self.parts = parts,
            Update::Event(event) => self.event(&event),
            Update::Live(live) => self.live = live,
            Update::Trouble(reason) => self.trouble = Some(reason),
        }
        self.bound_selection();
    }

    /// Messages a second, between this count and the one before.
    fn count(&mut self, status: &Status, at: Instant) {
        let total: u64 = status.counters.messages.values().sum();
        if let Some((before, since)) = self.counted {
            let seconds = at
                .saturating_duration_since(since)
                .max(Duration::from_millis(1))
                .as_secs_f64();
            // Fewer than before: the service was started anew.
            self.rate = total.checked_sub(before).map(|more| more as f64 / seconds);
        }
        self.counted = Some((total, at));
    }

    fn event(&mut self, event: &Event) {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let at = data["at"]
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok());
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        match event.name.as_str() {
            "refused" => {
                self.errors.push_front(Refused {
                    at,
                    topic: text("topic"),
                    reason: text("reason"),
                    detail: text("detail"),
                });
                self.errors.truncate(ERRORS);
            }
            "reading" | "window" | "control" | "command" | "clip" => {
                let id = text("device_id");
                match self.devices.iter_mut().find(|device| device.device_id == id) {
                    Some(device) => happened(device, &event.name, &data, at),
                    None => self.is_outdated = true,
                }
            }
            "reset" | "registry" | "device" => self.is_outdated = true,
            _ => {}
        }
    }

    /// The rooms that are shown, in their order.
    pub(super) fn rooms(&self) -> Vec<&Device> {
        let wanted = self.filter.to_lowercase();
        let fits = |device: &&Device| {
            let texts = [&device.device_id, &device.name, &device.location];
            wanted.is_empty()
                || device.condition().contains(&wanted)
                || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
        };
        let mut rooms: Vec<&Device> = self.devices.iter().filter(fits).collect();
        rooms.sort_by(|one, other| {
            self.compare(one, other)
                .then_with(|| one.device_id.cmp(&other.device_id))
        });
        rooms
    }

    fn compare(&self, one: &Device, other: &Device) -> Ordering {
        match self.sort {
            Sort::Name => one.name.to_lowercase().cmp(&other.name.to_lowercase()),
            Sort::Health => other.urgency().cmp(&one.urgency()),
            // The one that was silent longest first.
            Sort::Age => one.last_seen.cmp(&other.last_seen),
            Sort::Temperature => {
                let value = |device: &Device| device.value("temperature").unwrap_or(f64::NEG_INFINITY);
                value(other).total_cmp(&value(one))
            }
        }
    }

    pub(super) fn select(&mut self, place: usize) {
        self.selected = place;
        self.bound_selection();
    }

    pub(super) fn type_filter(&mut self, character: char) {
        if self.filter.len() < LONGEST_FILTER && !character.is_control() {
            self.filter.push(character);
        }
        self.bound_selection();
    }

    fn bound_selection(&mut self) {
        let count = self.rooms().len();
        self.selected = self.selected.min(count.saturating_sub(1));
    }
}

/// Something happened to a device that is shown.
fn happened(device: &mut Device, name: &str, data: &Value, at: Option<Timestamp>) {
    match name {
        "reading" => {
            if let (Some(quantity), Some(value)) = (data["quantity"].as_str(), data["value"].as_f64()) {
                device.readings.insert(quantity.to_owned(), Latest { value });
            }
        }
        "window" => device.window = data["position"].as_f64().map(|value| Latest { value }),
        "control" => device.control = serde_json::from_value(data["control"].clone()).ok(),
        "command" => {
            device.command = data["command"]["position"]
                .as_f64()
                .map(|position| Command { position });
        }
        _ => {
            device.clip = Some(Clip {
                level_dbfs: data["clip"]["level_dbfs"].as_f64(),
            });
        }
    }
    // A command is said to a device, and not by it.
    if !matches!(name, "command" | "control") {
        device.last_seen = device.last_seen.max(at);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::top) fn device(id: &str, name: &str, state: &str) -> Device {
        let text = format!(
            r#"{{"device_id": "{id}", "name": "{name}", "location": "Upstairs", "is_active": true,
                "last_seen": "2025-10-24T12:00:00Z", "health": {{"state": "{state}"}},
                "readings": {{"temperature": {{"value": 21.46}}, "humidity": {{"value": 48.2}}}},
                "clip": {{"level_dbfs": -41.7}}, "command": {{"position": 75.5}}, "window": {{"value": 60.0}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn event(name: &str, data: &str) -> Update {
        Update::Event(Event {
            id: "1-1".into(),
            name: name.into(),
            data: data.into(),
        })
    }

    #[test]
    fn events_change_the_rooms_that_are_shown() {
        let mut state = State::new("");
        state.update(Update::Devices(vec![device("a", "Hall", "online")]));
        state.update(event(
            "reading",
            r#"{"device_id": "a", "quantity": "co2", "value": 640.0, "at": "2025-10-24T12:00:05Z"}"#,
        ));
        state.update(event("window", r#"{"device_id": "a", "position": 75.0}"#));
        state.update(event(
            "command",
            r#"{"device_id": "a", "command": {"position": 20.0}, "at": "2025-10-24T13:00:00Z"}"#,
        ));
        let room = &state.devices[0];
        assert_eq!((room.value("co2"), room.is_under_way()), (Some(640.0), true));
        assert_eq!(room.last_seen.unwrap().to_string(), "2025-10-24T12:00:05Z");
        assert!(!state.is_outdated);
        // One that began anew may be open, whatever it begins with.
        assert_eq!(room.stands(), Some(75.0));
        let control = |motion: &str| {
            let data =
                format!(r#"{{"device_id": "a", "control": {{"motion": "{motion}", "position": null}}}}"#);
            event("control", &data)
        };
        state.update(control("unknown"));
        assert_eq!(state.devices[0].stands(), None);
        state.update(control("still"));
        assert_eq!(state.devices[0].stands(), Some(75.0));
        state.update(event(
            "reading",
            r#"{"device_id": "b", "quantity": "co2", "value": 1}"#,
        ));
        assert!(state.is_outdated, "a room that is not known yet");
        for nonsense in ["", "7", "{", "[]", r#"{"device_id": 7, "value": "x"}"#] {
            state.update(event("reading", nonsense));
            state.update(event("refused", nonsense));
        }
    }

    #[test]
    fn refusals_are_kept_within_bounds_the_newest_first() {
        let mut state = State::new("");
        for n in 0..500 {
            state.update(event(
                "refused",
                &format!(r#"{{"topic": "t{n}", "reason": "not_json", "detail": "why"}}"#),
            ));
        }
        assert_eq!(
            (state.errors.len(), state.errors[0].topic.as_str()),
            (ERRORS, "t499")
        );
    }

    #[test]
    fn the_rate_is_that_between_two_counts_and_none_after_a_restart() {
        let mut state = State::new("");
        let started = Instant::now();
        let count = |state: &mut State, messages: u64, second: u64| {
            let text = format!(r#"{{"counters": {{"messages": {{"temperature": {messages}}}}}}}"#);
            let status = serde_json::from_str(&text).unwrap();
            state.update(Update::Status(
                Box::new(status),
                started + Duration::from_secs(second),
            ));
            state.rate
        };
        assert_eq!(count(&mut state, 100, 0), None);
        assert_eq!(count(&mut state, 150, 2), Some(25.0));
        assert_eq!(count(&mut state, 10, 3), None);
    }

    #[test]
    fn rooms_are_sorted_and_filtered() {
        let mut state = State::new("");
        let mut cold = device("c", "attic", "offline");
        cold.readings.clear();
        state.update(Update::Devices(vec![
            device("b", "Kitchen", "online"),
            cold,
            device("a", "Bath", "stale"),
        ]));
        let names = |state: &State| {
            state
                .rooms()
                .iter()
                .map(|room| room.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&state), ["attic", "Bath", "Kitchen"]);
        state.sort = Sort::Health;
        assert_eq!(names(&state), ["attic", "Bath", "Kitchen"]);
        state.sort = Sort::Temperature;
        assert_eq!(names(&state), ["Bath", "Kitchen", "attic"]);
        state.selected = 2;
        "ITCH".chars().for_each(|character| state.type_filter(character));
        assert_eq!((names(&state), state.selected), (vec!["Kitchen".to_owned()], 0));
        state.filter = "offline".into();
        assert_eq!(names(&state), ["attic"]);
    }
}
