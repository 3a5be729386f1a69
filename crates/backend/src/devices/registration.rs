//! What the registry stores of devices, and what it told about them before a restart.

use domain::{DeviceId, Reading, Timestamp};
use store::{DeviceRow, LatestAction, LatestState, Row};

use super::{
    Devices,
    device::{Device, newer},
    view::{Latest, LatestCommand},
};
use crate::rows::device_event;

/// A device is written to the registry again when it was heard of, at most this often.
const REFRESH_MS: i64 = 60_000;

/// Registry rows and events that are due. They stay due until [`Devices::written`] says that they are durable.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) rows: Vec<Row>,
    marks: Vec<Mark>,
}

/// What of a device is in the rows that are due.
#[derive(Debug)]
struct Mark {
    device_id: DeviceId,
    last_seen: Timestamp,
    changes: u64,
    fell_silent: Option<Timestamp>,
}

impl Devices {
    /// What the registry says; the newer `last_seen` wins, names and configuration are the registry's.
    pub(crate) fn restore(&self, rows: &[DeviceRow]) {
        let mut devices = self.by_id.lock();
        for row in rows {
            let Ok(device_id) = DeviceId::parse(&row.device_id) else {
                continue;
            };
            let stored_seen = Timestamp::from_millis(row.last_seen);
            let is_new = !devices.contains_key(&device_id);
            let Some(device) = self.device(&mut devices, &device_id, stored_seen) else {
                continue;
            };
            if is_new {
                device.view.is_active = row.is_active;
            }
            device.looked_up = true;
            device.view.name.clone_from(&row.name);
            device.view.location.clone_from(&row.location);
            device.view.registered_at = Timestamp::from_millis(row.registered_at);
            device.config.clone_from(&row.config);
            device.written = device.written.max(Some(stored_seen));
        }
    }

    /// The devices that the registry was not asked for yet, at most `limit`.
    pub(crate) fn not_looked_up(&self, limit: usize) -> Vec<DeviceId> {
        let devices = self.by_id.lock();
        let unknown = devices.iter().filter(|(_, device)| !device.looked_up);
        unknown
            .map(|(device_id, _)| device_id.clone())
            .take(limit)
            .collect()
    }

    /// The registry was asked for these devices: those that it did not return are new.
    pub(crate) fn looked_up(&self, device_ids: &[DeviceId]) {
        let mut devices = self.by_id.lock();
        for device_id in device_ids {
            if let Some(device) = devices.get_mut(device_id) {
                device.looked_up = true;
            }
        }
    }

    /// The newest readings that were stored of registered devices.
    pub(crate) fn restore_readings(&self, readings: &[Reading]) {
        let mut devices = self.by_id.lock();
        for reading in readings {
            if let Some(device) = devices.get_mut(reading.device_id()) {
                device.reading(reading);
            }
        }
    }

    /// The newest positions that were stored of registered devices' windows.
    pub(crate) fn restore_states(&self, states: &[LatestState]) {
        let mut devices = self.by_id.lock();
        for state in states {
            let device_id = DeviceId::parse(&state.device_id).ok();
            let Some(device) = device_id.and_then(|device_id| devices.get_mut(&device_id)) else {
                continue;
            };
            let stored = Latest {
                value: state.position,
                timestamp: Timestamp::from_millis(state.timestamp),
            };
            device.view.window = Some(device.view.window.map_or(stored, |known| newer(stored, known)));
        }
    }

    /// The newest commands that were stored of registered devices, where none was seen since.
    pub(crate) fn restore_actions(&self, actions: Vec<LatestAction>) {
        let mut devices = self.by_id.lock();
        let stated = |text: String| (!text.is_empty()).then_some(text);
        for action in actions {
            let device_id = DeviceId::parse(&action.device_id).ok();
            let Some(device) = device_id.and_then(|device_id| devices.get_mut(&device_id)) else {
                continue;
            };
            device.view.command.get_or_insert_with(|| LatestCommand {
                timestamp: Timestamp::from_millis(action.timestamp),
                position: action.position,
                confidence: action.confidence,
                model_version: stated(action.model_version),
                reason: stated(action.reason),
            });
        }
    }

    /// Marks the silent, and returns the registry rows and events that are due at `now`.
    pub(crate) fn due(&self, now: Timestamp) -> Due {
        let mut due = Due::default();
        for (device_id, device) in self.by_id.lock().iter_mut() {
            device.fall_silent(now, self.inactive_after_ms);
            if let Some(since) = device.fell_silent.filter(|_| device.looked_up) {
                due.rows.push(device_event(device_id, "inactive", since));
            }
            if device.is_due() {
                let last_seen = device.next_last_seen();
                due.rows.push(Row::Device(device.row(last_seen)));
                due.marks.push(Mark {
                    device_id: device_id.clone(),
                    last_seen,
                    changes: device.changes,
                    fell_silent: device.fell_silent,
                });
            }
        }
        due
    }

    /// What was due is durable.
    pub(crate) fn written(&self, due: Due) {
        let mut devices = self.by_id.lock();
        for mark in due.marks {
            let Some(device) = devices.get_mut(&mark.device_id) else {
                continue;
            };
            device.written = device.written.max(Some(mark.last_seen));
            device.changes_written = mark.changes;
            if device.fell_silent == mark.fell_silent {
                device.fell_silent = None;
            }
        }
    }
}

impl Device {
    fn is_due(&self) -> bool {
        let stale = |written| self.view.last_seen.millis_since(written) >= REFRESH_MS;
        self.looked_up && (self.written.is_none_or(stale) || self.changes > self.changes_written)
    }

    /// The registry keeps the row with the greatest `last_seen`: a change without a newer message must still win.
    fn next_last_seen(&self) -> Timestamp {
        let seen = self.view.last_seen;
        self.written.map_or(seen, |written| {
            seen.max(Timestamp::from_millis(written.as_millis() + 1))
        })
    }

    fn row(&self, last_seen: Timestamp) -> DeviceRow {
        DeviceRow {
            device_id: self.view.device_id.to_string(),
            name: self.view.name.clone(),
            location: self.view.location.clone(),
            registered_at: self.view.registered_at.as_millis(),
            last_seen: last_seen.as_millis(),
            is_active: self.view.is_active,
            config: self.config.clone(),
        }
    }
}
