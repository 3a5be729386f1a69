//! The latest state of every device: what the page shows, what the registry stores, who has fallen silent.
//!
//! In: accepted events with their time of receipt. Out: snapshots for the API, registry rows that are due, and
//! device events. It never reads a clock and never waits.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicBool, Ordering},
};

use domain::{DeviceId, Quantity, Reading, Thresholds, Timestamp, WindowAction, WindowState};
use parking_lot::Mutex;
use serde::Serialize;
use store::{DeviceRow, Row};
use tracing::warn;

use crate::{clips::AnalysedClip, rows::device_event};

/// A device is written to the registry again when it was heard of, at most this often.
const REGISTRY_REFRESH_MS: i64 = 60_000;

/// A value and its time.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latest {
    /// In the unit of its field.
    pub value: f64,
    /// By the device's clock.
    pub timestamp: Timestamp,
}

/// The latest clip, without the recording.
#[derive(Debug, Clone, Serialize)]
pub struct LatestClip {
    /// By the device's clock.
    pub timestamp: Timestamp,
    /// Seconds.
    pub duration_s: f64,
    /// Equivalent level in dBFS, where measured.
    pub level_dbfs: Option<f64>,
    /// The clip's hash.
    pub audio_hash: String,
}

/// The latest command to a window.
#[derive(Debug, Clone, Serialize)]
pub struct LatestCommand {
    /// When it was decided.
    pub timestamp: Timestamp,
    /// Percent open.
    pub position: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Who decided.
    pub model_version: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// One device as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceView {
    /// Its id.
    pub device_id: DeviceId,
    /// Its name; the id until somebody names it.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// When it was first heard of.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub last_seen: Timestamp,
    /// Whether it was heard of lately.
    pub is_active: bool,
    /// Degrees Celsius.
    pub temperature: Option<Latest>,
    /// Percent.
    pub humidity: Option<Latest>,
    /// The latest clip.
    pub clip: Option<LatestClip>,
    /// The latest command to its window.
    pub command: Option<LatestCommand>,
    /// Where its window says it stands, percent open.
    pub window: Option<Latest>,
}

#[derive(Debug, Clone)]
struct Device {
    view: DeviceView,
    config: String,
    /// `last_seen` in the newest durable registry row; `None` until there is one.
    written: Option<Timestamp>,
    /// Changes that must not wait for the refresh, and how many of them are in a durable row.
    changes: u64,
    changes_written: u64,
    /// When it fell silent, until that event is durable.
    fell_silent: Option<Timestamp>,
}

/// Registry rows and events that are due. They stay due until [`Devices::written`] says that they are durable.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) rows: Vec<Row>,
    marks: Vec<Mark>,
}

#[derive(Debug)]
struct Mark {
    device_id: DeviceId,
    last_seen: Timestamp,
    changes: u64,
    fell_silent: Option<Timestamp>,
}

/// All devices.
#[derive(Debug)]
pub struct Devices {
    by_id: Mutex<HashMap<DeviceId, Device>>,
    inactive_after_ms: i64,
    most: usize,
    full: AtomicBool,
}

impl Devices {
    /// Knows no device; one is silent when nothing was heard of it for `inactive_after`. Beyond `most` devices new ones
    /// are neither shown nor registered, so that invented ids cannot fill the memory; their readings are still stored.
    pub fn new(inactive_after: std::time::Duration, most: usize) -> Self {
        Self {
            by_id: Mutex::default(),
            inactive_after_ms: inactive_after.as_millis() as i64,
            most,
            full: AtomicBool::new(false),
        }
    }

    /// Every device by id.
    pub fn snapshot(&self) -> BTreeMap<DeviceId, DeviceView> {
        self.by_id
            .lock()
            .iter()
            .map(|(id, device)| (id.clone(), device.view.clone()))
            .collect()
    }

    /// How many devices are active.
    pub fn active(&self) -> usize {
        self.by_id
            .lock()
            .values()
            .filter(|device| device.view.is_active)
            .count()
    }

    pub(crate) fn reading(&self, reading: &Reading, at: Timestamp) {
        self.seen(reading.device_id(), at, |view| {
            let latest = match reading.quantity() {
                Quantity::Temperature => &mut view.temperature,
                Quantity::Humidity => &mut view.humidity,
            };
            keep_newer(
                latest,
                Latest {
                    value: reading.value(),
                    timestamp: reading.timestamp(),
                },
            );
        });
    }

    pub(crate) fn clip(&self, clip: &AnalysedClip, at: Timestamp) {
        self.seen(&clip.device_id, at, |view| {
            if view
                .clip
                .as_ref()
                .is_none_or(|known| clip.timestamp >= known.timestamp)
            {
                view.clip = Some(LatestClip {
                    timestamp: clip.timestamp,
                    duration_s: clip.duration_s,
                    level_dbfs: clip.features.level.map(|level| level.equivalent_dbfs),
                    audio_hash: clip.hash.to_string(),
                });
            }
        });
    }

    /// A command says nothing about the device being there, so it neither registers nor revives one.
    pub(crate) fn action(&self, action: &WindowAction) {
        if let Some(device) = self.by_id.lock().get_mut(&action.device_id) {
            device.view.command = Some(LatestCommand {
                timestamp: action.timestamp,
                position: action.position.percent(),
                confidence: action.confidence.probability(),
                model_version: action.model_version.clone(),
                reason: action.reason.clone(),
            });
        }
    }

    pub(crate) fn state(&self, state: &WindowState, at: Timestamp) {
        self.seen(&state.device_id, at, |view| {
            keep_newer(
                &mut view.window,
                Latest {
                    value: state.position.percent(),
                    timestamp: state.timestamp,
                },
            );
        });
    }

    /// The event that a birth or a last will is. A retained status repeats at every connect: only a change is an event.
    /// Nothing is changed here: [`Devices::status`] follows when the event is durable.
    pub(crate) fn status_event(&self, device_id: &DeviceId, online: bool, at: Timestamp) -> Option<Row> {
        let news = match self.by_id.lock().get(device_id) {
            Some(device) => {
                let fresh = device.written.is_none() && device.changes == 0;
                fresh || device.view.is_active != online
            }
            None => online,
        };
        news.then(|| device_event(device_id, if online { "online" } else { "offline" }, at))
    }

    /// Takes a birth or a last will. Who was never heard of cannot leave.
    pub(crate) fn status(&self, device_id: &DeviceId, online: bool, at: Timestamp) {
        let mut devices = self.by_id.lock();
        if !online && !devices.contains_key(device_id) {
            return;
        }
        let Some(device) = self.device(&mut devices, device_id, at) else {
            return;
        };
        if online {
            device.view.last_seen = device.view.last_seen.max(at);
        }
        device.changes += u64::from(device.view.is_active != online || device.changes == 0);
        device.view.is_active = online;
    }

    /// What the registry says; the newer `last_seen` wins, names and configuration are the registry's.
    pub(crate) fn restore(&self, rows: &[DeviceRow]) {
        let mut devices = self.by_id.lock();
        for row in rows {
            let Ok(device_id) = DeviceId::parse(&row.device_id) else {
                continue;
            };
            let stored_seen = Timestamp::from_millis(row.last_seen);
            let device = devices.entry(device_id.clone()).or_insert_with(|| {
                let mut device = Device::new(&device_id, stored_seen);
                device.view.is_active = row.is_active;
                device
            });
            device.view.name.clone_from(&row.name);
            device.view.location.clone_from(&row.location);
            device.view.registered_at = Timestamp::from_millis(row.registered_at);
            device.config.clone_from(&row.config);
            device.written = device.written.max(Some(stored_seen));
        }
    }

    /// Marks the silent, and gives the registry rows and events that are due at `now`.
    pub(crate) fn due(&self, now: Timestamp) -> Due {
        let mut due = Due::default();
        for (device_id, device) in self.by_id.lock().iter_mut() {
            let silent = now.millis_since(device.view.last_seen) > self.inactive_after_ms;
            if silent && device.view.is_active {
                device.view.is_active = false;
                device.changes += 1;
                device.fell_silent = Some(now);
            }
            if let Some(since) = device.fell_silent {
                due.rows.push(device_event(device_id, "inactive", since));
            }
            let stale = device
                .written
                .is_none_or(|written| device.view.last_seen.millis_since(written) >= REGISTRY_REFRESH_MS);
            if stale || device.changes > device.changes_written {
                // The registry keeps the row with the greatest last_seen: a change without news must still win.
                let last_seen = device.written.map_or(device.view.last_seen, |written| {
                    device
                        .view
                        .last_seen
                        .max(Timestamp::from_millis(written.as_millis() + 1))
                });
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

    fn seen(&self, device_id: &DeviceId, at: Timestamp, update: impl FnOnce(&mut DeviceView)) {
        let mut devices = self.by_id.lock();
        let Some(device) = self.device(&mut devices, device_id, at) else {
            return;
        };
        device.view.last_seen = device.view.last_seen.max(at);
        device.changes += u64::from(!device.view.is_active);
        device.view.is_active = true;
        update(&mut device.view);
    }

    /// The device, registered where it is new; `None` where there are too many.
    fn device<'a>(
        &self,
        devices: &'a mut HashMap<DeviceId, Device>,
        device_id: &DeviceId,
        at: Timestamp,
    ) -> Option<&'a mut Device> {
        if devices.len() >= self.most && !devices.contains_key(device_id) {
            if !self.full.swap(true, Ordering::Relaxed) {
                warn!(
                    devices = self.most,
                    "too many devices: new ones are stored, but neither shown nor decided for"
                );
            }
            return None;
        }
        let device = devices.entry(device_id.clone());
        Some(device.or_insert_with(|| Device::new(device_id, at)))
    }
}

/// The thresholds a device's configuration sets over the general ones; `None` where it sets none.
pub(crate) fn own_thresholds(config: &str, general: Thresholds) -> Option<Thresholds> {
    #[derive(serde::Deserialize)]
    struct Own {
        temperature_threshold: Option<f64>,
        humidity_threshold: Option<f64>,
        audio_always_trigger: Option<bool>,
    }
    let own: Own = serde_json::from_str(config).ok()?;
    let usable =
        |own: Option<f64>, general: f64| own.filter(|x| x.is_finite() && *x >= 0.0).unwrap_or(general);
    let thresholds = Thresholds {
        temperature: usable(own.temperature_threshold, general.temperature),
        humidity: usable(own.humidity_threshold, general.humidity),
        audio_always: own.audio_always_trigger.unwrap_or(general.audio_always),
    };
    (thresholds != general).then_some(thresholds)
}

impl Device {
    fn new(device_id: &DeviceId, at: Timestamp) -> Self {
        let view = DeviceView {
            device_id: device_id.clone(),
            name: device_id.to_string(),
            location: String::new(),
            registered_at: at,
            last_seen: at,
            is_active: true,
            temperature: None,
            humidity: None,
            clip: None,
            command: None,
            window: None,
        };
        Self {
            view,
            config: "{}".into(),
            written: None,
            changes: 0,
            changes_written: 0,
            fell_silent: None,
        }
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

fn keep_newer(latest: &mut Option<Latest>, candidate: Latest) {
    if latest.is_none_or(|known| candidate.timestamp >= known.timestamp) {
        *latest = Some(candidate);
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::float_cmp,
        reason = "values that pass through unchanged are equal to the bit"
    )]

    use std::time::Duration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_760_000_000_000 + second * 1000)
    }

    fn id() -> DeviceId {
        DeviceId::parse("room-1").unwrap()
    }

    fn devices() -> Devices {
        Devices::new(Duration::from_mins(5), 2)
    }

    fn hear(devices: &Devices, second: i64) {
        devices.reading(
            &Reading::new(id(), Quantity::Temperature, 20.0, at(second)).unwrap(),
            at(second),
        );
    }

    /// What is due, as a journal with room takes it.
    fn due(devices: &Devices, second: i64) -> Vec<Row> {
        let due = devices.due(at(second));
        let rows = due.rows.clone();
        devices.written(due);
        rows
    }

    /// A status as a journal with room takes it.
    fn status(devices: &Devices, online: bool, second: i64) -> Option<Row> {
        let event = devices.status_event(&id(), online, at(second));
        devices.status(&id(), online, at(second));
        event
    }

    fn registry(rows: &[Row]) -> Vec<&DeviceRow> {
        rows.iter()
            .filter_map(|row| {
                if let Row::Device(device) = row {
                    Some(device)
                } else {
                    None
                }
            })
            .collect()
    }

    #[test]
    fn the_first_message_registers_and_the_next_ones_do_not_churn() {
        let devices = devices();
        hear(&devices, 0);
        assert_eq!(registry(&due(&devices, 1)).len(), 1);
        for second in 1..59 {
            hear(&devices, second);
            assert!(due(&devices, second).is_empty());
        }
        hear(&devices, 60);
        assert_eq!(registry(&due(&devices, 60))[0].last_seen, at(60).as_millis());
    }

    #[test]
    fn silence_makes_inactive_once_and_a_message_revives() {
        let devices = devices();
        hear(&devices, 0);
        due(&devices, 0);
        let silent = due(&devices, 301);
        let row = registry(&silent)[0];
        assert!(!row.is_active && row.last_seen > at(0).as_millis() && silent.len() == 2);
        assert!(due(&devices, 302).is_empty());
        hear(&devices, 400);
        assert!(registry(&due(&devices, 400))[0].is_active);
    }

    #[test]
    fn the_registry_keeps_its_names_and_first_date() {
        let devices = devices();
        hear(&devices, 100);
        let stored = DeviceRow {
            device_id: "room-1".into(),
            name: "Kitchen".into(),
            location: "Ground floor".into(),
            registered_at: at(-1000).as_millis(),
            last_seen: at(0).as_millis(),
            is_active: true,
            config: r#"{"temperature_threshold": 1}"#.into(),
        };
        devices.restore(&[stored]);
        let rows = due(&devices, 101);
        let row = registry(&rows)[0];
        assert_eq!(
            (row.name.as_str(), row.registered_at, row.last_seen),
            ("Kitchen", at(-1000).as_millis(), at(100).as_millis())
        );
        assert_eq!(row.config, r#"{"temperature_threshold": 1}"#);
    }

    #[test]
    fn late_data_does_not_become_the_latest() {
        let devices = devices();
        hear(&devices, 100);
        devices.reading(
            &Reading::new(id(), Quantity::Temperature, 99.0, at(50)).unwrap(),
            at(101),
        );
        assert_eq!(devices.snapshot()[&id()].temperature.unwrap().value, 20.0);
    }

    #[test]
    fn a_last_will_is_an_event_once() {
        let devices = devices();
        assert!(status(&devices, true, 0).is_some());
        due(&devices, 0);
        assert!(status(&devices, true, 1).is_none());
        assert!(status(&devices, false, 2).is_some());
        assert!(status(&devices, false, 3).is_none());
    }

    #[test]
    fn what_the_journal_does_not_take_stays_due() {
        let devices = devices();
        hear(&devices, 0);
        assert_eq!(devices.due(at(1)).rows.len(), 1);
        assert_eq!(due(&devices, 1).len(), 1);
        assert!(due(&devices, 2).is_empty());
        let lost = devices.due(at(301));
        hear(&devices, 302);
        let again = due(&devices, 302);
        assert_eq!((lost.rows.len(), again.len()), (2, 2), "the event and the row");
        assert!(registry(&again)[0].is_active);
        assert!(due(&devices, 303).is_empty());
        let withheld = devices.status_event(&id(), false, at(304));
        assert!(withheld.is_some() && devices.status_event(&id(), false, at(305)).is_some());
    }

    #[test]
    fn a_change_while_a_row_is_written_makes_another() {
        let devices = devices();
        hear(&devices, 0);
        let first = devices.due(at(0));
        status(&devices, false, 1);
        devices.written(first);
        assert!(!registry(&due(&devices, 2))[0].is_active);
    }

    #[test]
    fn invented_ids_do_not_fill_the_memory() {
        let devices = devices();
        for name in ["a", "b", "c", "d"] {
            let reading = Reading::new(DeviceId::parse(name).unwrap(), Quantity::Humidity, 50.0, at(0));
            devices.reading(&reading.unwrap(), at(0));
        }
        assert_eq!(devices.snapshot().len(), 2);
    }

    #[test]
    fn a_device_can_have_its_own_thresholds() {
        let general = Thresholds::default();
        assert_eq!(
            own_thresholds(r#"{"humidity_threshold": 5}"#, general)
                .unwrap()
                .humidity,
            5.0
        );
        assert_eq!(own_thresholds(r#"{"humidity_threshold": -1}"#, general), None);
        assert_eq!(own_thresholds("{}", general), None);
        assert_eq!(own_thresholds("nonsense", general), None);
    }
}
