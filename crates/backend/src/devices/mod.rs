//! The latest state of every device: what the page shows, what the registry stores, who has fallen silent.
//!
//! In: accepted events with their time of receipt. Out: snapshots for the API, registry rows that are due, and
//! device events. It never reads a clock and never waits.

mod config;
mod device;
mod registration;
#[cfg(test)]
mod tests;
mod view;

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use domain::{DeviceId, HeldDecision, Quantity, Reading, Timestamp, WindowAction, WindowState};
use parking_lot::Mutex;
use store::Row;
use tracing::warn;

use crate::{clips::AnalysedClip, decoder::Event, rows::device_event};

pub(crate) use config::own_thresholds;
pub use view::{DeviceView, Latest, LatestClip, LatestCommand, LatestHeld, LatestSuspect, WrongClock};

use device::Device;

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
    pub fn new(inactive_after: Duration, most: usize) -> Self {
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

    /// One device.
    pub fn get(&self, device_id: &DeviceId) -> Option<DeviceView> {
        self.by_id.lock().get(device_id).map(|device| device.view.clone())
    }

    /// How many devices there are, and how many of them are active.
    pub fn count(&self) -> (usize, usize) {
        let devices = self.by_id.lock();
        let active = devices.values().filter(|device| device.view.is_active);
        (devices.len(), active.count())
    }

    /// The most devices that are shown, where some are not.
    pub(crate) fn limit_reached(&self) -> Option<usize> {
        self.full.load(Ordering::Relaxed).then_some(self.most)
    }

    pub(crate) fn reading(&self, reading: &Reading, at: Timestamp, clock: Option<WrongClock>) {
        self.seen(reading.device_id(), at, |device| {
            device.reading(reading);
            device.clock(clock);
        });
    }

    pub(crate) fn clip(&self, clip: &AnalysedClip, at: Timestamp, clock: Option<WrongClock>) {
        self.seen(&clip.device_id, at, |device| {
            device.clip(clip);
            device.clock(clock);
        });
    }

    /// The newest value of a device's quantity that was not suspect.
    pub(crate) fn latest(&self, device_id: &DeviceId, quantity: Quantity) -> Option<f64> {
        let devices = self.by_id.lock();
        let latest = devices.get(device_id)?.view.readings.get(&quantity)?;
        Some(latest.value)
    }

    /// Takes a suspect reading: its device is there, and its value is none of the latest.
    pub(crate) fn suspect(&self, reading: &Reading, reason: &'static str, at: Timestamp) {
        self.seen(reading.device_id(), at, |device| {
            device.view.suspect = Some(LatestSuspect {
                quantity: reading.quantity(),
                value: reading.value(),
                timestamp: reading.timestamp(),
                reason,
            });
        });
    }

    /// Takes a decision that was not carried out. It says nothing about the device being there.
    pub(crate) fn held(&self, decision: &HeldDecision) {
        if let Some(device) = self.by_id.lock().get_mut(&decision.device_id) {
            device.view.held = Some(LatestHeld {
                timestamp: decision.timestamp,
                position: decision.position.percent(),
                confidence: decision.confidence.probability(),
                model_version: decision.model_version.clone(),
                reason: decision.reason.clone(),
            });
        }
    }

    /// A command says nothing about the device being there, so it neither registers nor revives one.
    pub(crate) fn action(&self, action: &WindowAction) {
        if let Some(device) = self.by_id.lock().get_mut(&action.device_id) {
            device.command(LatestCommand {
                timestamp: action.timestamp,
                position: action.position.percent(),
                confidence: action.confidence.probability(),
                model_version: action.origin.model_version().map(str::to_owned),
                reason: action.reason.clone(),
            });
        }
    }

    pub(crate) fn state(&self, state: &WindowState, at: Timestamp, clock: Option<WrongClock>) {
        self.seen(&state.device_id, at, |device| {
            device.window(state);
            device.clock(clock);
        });
    }

    /// Takes history of a device that is known: it shows what is newest by time, and nobody is seen by it.
    pub(crate) fn remember(&self, event: &Event) {
        let known = |device_id: &DeviceId, update: &dyn Fn(&mut Device)| {
            if let Some(device) = self.by_id.lock().get_mut(device_id) {
                update(device);
            }
        };
        match event {
            Event::Reading(reading) => known(reading.device_id(), &|device| device.reading(reading)),
            Event::Clip(clip) => known(&clip.device_id, &|device| device.clip(clip)),
            Event::State(state) => known(&state.device_id, &|device| device.window(state)),
            Event::Action(action) => self.action(action),
            Event::Held(decision) => self.held(decision),
            Event::Suspect(..) | Event::Shadow(_) | Event::Status(..) => {}
        }
    }

    /// The event that a birth or a last will is. A retained status repeats at every connect: only a change is an event.
    /// Nothing is changed here: [`Devices::status`] follows when the event is durable.
    pub(crate) fn status_event(&self, device_id: &DeviceId, online: bool, at: Timestamp) -> Option<Row> {
        let changes = match self.by_id.lock().get(device_id) {
            Some(device) => device.is_new() || device.view.is_active != online,
            None => online,
        };
        changes.then(|| device_event(device_id, if online { "online" } else { "offline" }, at))
    }

    /// Takes a birth or a last will. Who was never heard of cannot leave.
    pub(crate) fn status(&self, device_id: &DeviceId, online: bool, at: Timestamp) {
        let mut devices = self.by_id.lock();
        if !online && !devices.contains_key(device_id) {
            return;
        }
        if let Some(device) = self.device(&mut devices, device_id, at) {
            device.status(online, at);
        }
    }

    fn seen(&self, device_id: &DeviceId, at: Timestamp, update: impl FnOnce(&mut Device)) {
        let mut devices = self.by_id.lock();
        if let Some(device) = self.device(&mut devices, device_id, at) {
            device.seen(at);
            update(device);
        }
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
                    "too many devices: new ones are stored, but neither shown nor decided for; see backend.max_devices"
                );
            }
            return None;
        }
        let device = devices.entry(device_id.clone());
        Some(device.or_insert_with(|| Device::new(device_id, at)))
    }
}
