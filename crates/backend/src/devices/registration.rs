//! What the registry stores of devices, and what it told about them before a restart.

use domain::{Cause, Contributions, DeviceId, Reading, Timestamp};
use store::{DeviceRow, LatestAction, LatestHeldRow, LatestState, Row};

use super::{
    Devices,
    device::{Device, newer},
    foreign,
    health::{Left, Presence},
    view::{Latest, LatestCommand, LatestHeld},
};
use crate::rows::told_event;

/// A device is written to the registry again when it was heard of, at most this often.
const REFRESH_MS: i64 = 30_000;
/// Who was not heard of since the start is given this time to report.
const GRACE_MS: i64 = 15_000;

/// Registry rows and events that are due. They stay due until [`Devices::written`] says that they are durable.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) rows: Vec<Row>,
    /// The events among the rows.
    pub(crate) events: Vec<(DeviceId, &'static str, String)>,
    marks: Vec<Mark>,
}

/// What of a device is in the rows that are due.
#[derive(Debug)]
struct Mark {
    device_id: DeviceId,
    /// With a registry row: its `last_seen` and the changes in it.
    row: Option<(Timestamp, u64)>,
    events: usize,
}

impl Devices {
    /// What the table says; the newer `last_seen` wins. Names, places and settings are not its to say.
    pub(crate) fn restore(&self, rows: &[DeviceRow]) {
        let mut devices = self.by_id.lock();
        for row in rows {
            let Ok(device_id) = DeviceId::parse(&row.device_id) else {
                continue;
            };
            let stored_seen = Timestamp::from_millis(row.last_seen);
            // What somebody has set up and nobody has heard of is as new as what is not there.
            let is_new = devices
                .get(&device_id)
                .is_none_or(|device| device.view.last_seen.is_none());
            let Some(device) = self.device(&mut devices, &device_id, Some(stored_seen)) else {
                continue;
            };
            if is_new {
                device.remembered(stored_seen, row.is_active);
            }
            device.looked_up = true;
            device.view.registered_at = Some(Timestamp::from_millis(row.registered_at));
            if device.config.0 != row.config {
                let (means, _) = foreign::settings(&row.config);
                device.config = (row.config.clone(), means);
            }
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

    /// The newest commands that were stored of registered devices, where no newer one is known. `cause` is asked which
    /// interlock or schedule a command is of.
    pub(crate) fn restore_actions(
        &self,
        actions: Vec<LatestAction>,
        cause: impl Fn(&DeviceId, &str) -> Option<String>,
    ) {
        let mut devices = self.by_id.lock();
        let stated = |text: String| (!text.is_empty()).then_some(text);
        for action in actions {
            let Ok(device_id) = DeviceId::parse(&action.device_id) else {
                continue;
            };
            let Some(device) = devices.get_mut(&device_id) else {
                continue;
            };
            let is_interlock = action.origin == "interlock";
            let by_words = || Some(Cause::told(&action.reason)?.as_str().to_owned());
            let stored = LatestCommand {
                cause: cause(&device_id, &action.command_id)
                    .or_else(|| is_interlock.then(by_words).flatten()),
                origin: action.origin,
                timestamp: Timestamp::from_millis(action.timestamp),
                position: action.position,
                confidence: action.confidence,
                model_version: stated(action.model_version),
                reason: stated(action.reason),
                contributions: Contributions::known(action.contributions.into()),
                verdict: action.verdict,
                wish: None,
            };
            let known = device.view.command.as_ref();
            if known.is_none_or(|known| known.timestamp < stored.timestamp) {
                device.view.command = Some(stored);
            }
        }
    }

    /// The newest decisions that were stored of registered devices and not carried out, where no newer one is known.
    pub(crate) fn restore_held(&self, decisions: Vec<LatestHeldRow>) {
        let mut devices = self.by_id.lock();
        for held in decisions {
            let device_id = DeviceId::parse(&held.device_id).ok();
            let Some(device) = device_id.and_then(|device_id| devices.get_mut(&device_id)) else {
                continue;
            };
            let timestamp = Timestamp::from_millis(held.timestamp);
            let known = device.view.held.as_ref();
            if known.is_some_and(|known| known.timestamp >= timestamp) {
                continue;
            }
            device.view.held = Some(LatestHeld {
                timestamp,
                position: held.position,
                confidence: held.confidence,
                model_version: held.model_version,
                reason: Some(held.reason).filter(|reason| !reason.is_empty()),
                contributions: Contributions::known(held.contributions.into()),
                verdict: held.verdict,
            });
        }
    }

    /// Marks the silent, and returns the registry rows and events that are due at `now`.
    pub(crate) fn due(&self, now: Timestamp) -> Due {
        let began = *self.began.lock().get_or_insert(now);
        let has_begun = now.millis_since(began).abs() >= GRACE_MS;
        let mut due = Due::default();
        for (device_id, device) in self.by_id.lock().iter_mut() {
            if device.is_heard || has_begun {
                device.examine(now, self.inactive_after);
            }
            if !device.looked_up {
                continue;
            }
            for pending in &device.pending {
                let detail = pending.detail.clone();
                due.rows
                    .push(told_event(device_id, pending.event, detail.clone(), pending.at));
                due.events.push((device_id.clone(), pending.event, detail));
            }
            let row = device.is_due().then(|| {
                let last_seen = device.next_last_seen();
                due.rows.push(Row::Device(device.row(last_seen)));
                (last_seen, device.changes)
            });
            let events = device.pending.len();
            if row.is_some() || events > 0 {
                due.marks.push(Mark {
                    device_id: device_id.clone(),
                    row,
                    events,
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
            if let Some((last_seen, changes)) = mark.row {
                device.written = device.written.max(Some(last_seen));
                device.changes_written = changes;
            }
            device.pending.drain(..mark.events.min(device.pending.len()));
        }
    }
}

impl Device {
    /// Takes what was stored of a device that was not heard of since the start.
    fn remembered(&mut self, seen: Timestamp, is_active: bool) {
        self.view.last_seen = Some(seen);
        self.view.is_active = is_active && !self.view.retired;
        let health = &mut self.view.health;
        health.since = Some(seen);
        health.state = if is_active || self.view.retired {
            Presence::Online
        } else {
            let reason = "it was gone before the backend's start".into();
            self.watch.leave(Left { at: seen, reason });
            Presence::Offline
        };
        health.reason.clear();
    }

    fn is_due(&self) -> bool {
        let Some(seen) = self.view.last_seen else {
            return false;
        };
        let stale = |written| seen.millis_since(written) >= REFRESH_MS;
        self.looked_up && (self.written.is_none_or(stale) || self.changes > self.changes_written)
    }

    /// The table keeps the row with the greatest `last_seen`: a change without a newer message must still win.
    fn next_last_seen(&self) -> Timestamp {
        let seen = self.view.last_seen.unwrap_or(Timestamp::from_millis(0));
        self.written.map_or(seen, |written| {
            seen.max(Timestamp::from_millis(written.as_millis() + 1))
        })
    }

    /// What is set for it alone, as JSON. Another program's text stays as long as it means the same.
    fn config(&self) -> String {
        let (text, means) = &self.config;
        if *means == self.own {
            text.clone()
        } else {
            serde_json::to_string(&self.own).expect("settings are plain data")
        }
    }

    fn row(&self, last_seen: Timestamp) -> DeviceRow {
        DeviceRow {
            device_id: self.view.device_id.to_string(),
            name: self.view.name.clone(),
            location: self.view.location.clone(),
            registered_at: self.view.registered_at.unwrap_or(last_seen).as_millis(),
            last_seen: last_seen.as_millis(),
            is_active: self.view.is_active,
            config: self.config(),
            revision: self.entry_revision.max(1),
        }
    }
}
