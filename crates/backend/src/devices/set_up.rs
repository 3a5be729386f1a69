//! What people have set up for devices, as it is shown, and how far it has come to them.
//!
//! In: the registry, answers of devices, what was stored of them. Out: names, places, versions and their state.

use domain::{DeviceId, SettingsAck, Timestamp};
use registry::{Book, Foreign};
use store::{DeviceRow, LatestAck, Row};
use tracing::warn;

use super::{Delivery, Devices, SettingsState, foreign};
use crate::rows::told_event;

/// Characters of a name or a location.
const MAX_TEXT: usize = 200;
/// Answers to one version of the settings that are stored: a device that answers in a loop stores no more.
const MOST_ANSWERS: u8 = 8;

const APPLIED: &str = "config_applied";
const REFUSED: &str = "config_refused";

/// What another program's row says; what cannot be used of it is told.
pub(crate) fn foreign_of(device_id: &DeviceId, row: &DeviceRow) -> Foreign {
    let (settings, problems) = foreign::settings(&row.config);
    if !problems.is_empty() {
        let problems = problems.join("; ");
        warn!(%device_id, problems, "what another program wrote into device_registry.config cannot be used as it is");
    }
    let text = |text: &str| -> String {
        let clean = text.chars().filter(|c| !c.is_control());
        clean.take(MAX_TEXT).collect()
    };
    let name = text(&row.name);
    Foreign {
        // A device that nobody has named has its id for a name.
        name: if name == row.device_id {
            String::new()
        } else {
            name
        },
        location: text(&row.location),
        settings,
        last_seen: row.last_seen,
    }
}

impl Devices {
    /// Takes what people have set up. Returns the devices that are gone because they were forgotten.
    pub(crate) fn set_up(&self, book: &Book) -> Vec<DeviceId> {
        let mut devices = self.by_id.lock();
        for (device_id, entry) in book.devices() {
            if let Some(device) = self.device(&mut devices, device_id, None) {
                device.set_up(entry);
            }
        }
        let mut gone = Vec::new();
        for (device_id, at) in book.forgotten() {
            let is_older = |seen: Option<Timestamp>| seen.is_none_or(|seen| seen.as_millis() <= at);
            if devices
                .get(device_id)
                .is_some_and(|device| is_older(device.view.last_seen))
            {
                devices.remove(device_id);
                gone.push(device_id.clone());
            }
        }
        for (device_id, device) in devices.iter_mut() {
            if device.settings(book.version(device_id)) {
                device.answers = 0;
            }
        }
        gone
    }

    /// Every device's id, with the version of its settings.
    pub(crate) fn versions(&self) -> Vec<(DeviceId, u64)> {
        let devices = self.by_id.lock();
        let versions = devices
            .iter()
            .map(|(device_id, device)| (device_id.clone(), device.view.settings.version));
        versions.collect()
    }

    /// Whether a device is known.
    pub(crate) fn knows(&self, device_id: &DeviceId) -> bool {
        self.by_id.lock().contains_key(device_id)
    }

    /// The event that an answer to settings is, where it is one: `version` is in effect. Nothing is changed here:
    /// [`Devices::answered`] follows when the event is durable.
    pub(crate) fn answer_event(&self, ack: &SettingsAck, version: u64, at: Timestamp) -> Option<Row> {
        let mut devices = self.by_id.lock();
        let device = devices.get_mut(&ack.device_id)?;
        if device.settings(version) {
            device.answers = 0;
        }
        device.answered(ack, at)?;
        device.answers = device.answers.saturating_add(1);
        if device.answers > MOST_ANSWERS {
            return None;
        }
        let (event, detail) = match &ack.refused {
            None => (APPLIED, format!("version {}", ack.version)),
            Some(reason) => (REFUSED, format!("version {}: {reason}", ack.version)),
        };
        Some(told_event(&ack.device_id, event, detail, at))
    }

    /// Takes an answer to settings. Returns their state, where that is another one.
    pub(crate) fn answered(&self, ack: &SettingsAck, at: Timestamp) -> Option<SettingsState> {
        let mut devices = self.by_id.lock();
        let device = devices.get_mut(&ack.device_id)?;
        let state = device.answered(ack, at)?;
        device.view.settings = state.clone();
        Some(state)
    }

    /// The newest answers that were stored, where none came since.
    pub(crate) fn restore_answers(&self, answers: &[LatestAck]) {
        let mut devices = self.by_id.lock();
        for answer in answers {
            let device_id = DeviceId::parse(&answer.device_id).ok();
            let Some(device) = device_id.and_then(|device_id| devices.get_mut(&device_id)) else {
                continue;
            };
            let known = &mut device.view.settings;
            if let Some(ack) = read_answer(&device.view.device_id, answer)
                && known.version == ack.version
                && known.state == Delivery::Pending
            {
                known.state = if ack.refused.is_none() {
                    Delivery::Applied
                } else {
                    Delivery::Refused
                };
                known.reason = ack.refused;
                known.at = Some(Timestamp::from_millis(answer.timestamp));
            }
        }
    }
}

/// An answer as [`Devices::answer_event`] has written it.
fn read_answer(device_id: &DeviceId, answer: &LatestAck) -> Option<SettingsAck> {
    let rest = answer.detail.strip_prefix("version ")?;
    let (version, reason) = match rest.split_once(": ") {
        Some((version, reason)) => (version, reason),
        None => (rest, ""),
    };
    let refused = (answer.event == REFUSED).then_some(reason);
    Some(SettingsAck::new(
        device_id.clone(),
        version.parse().ok()?,
        refused,
    ))
}
