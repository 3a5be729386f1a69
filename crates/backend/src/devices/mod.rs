//! The latest state of every device: what the page shows, what the registry stores, who has fallen silent.
//!
//! In: accepted events with their time of receipt. Out: snapshots for the API, registry rows that are due, and
//! device events. It never reads a clock and never waits.

mod device;
mod foreign;
mod health;
mod registration;
mod set_up;
#[cfg(test)]
mod tests;
mod view;

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use domain::{DeviceId, HeldDecision, Quantity, Reading, Telemetry, Timestamp, WindowAction, WindowState};
use parking_lot::Mutex;
use store::Row;
use tokio::sync::Notify;
use tracing::warn;

use crate::{clips::AnalysedClip, decoder::Event, rows::device_event};

pub(crate) use device::Heard;
pub(crate) use health::told;
pub use health::{Health, Presence, Problem, ProblemKind};
pub(crate) use set_up::foreign_of;
pub use view::{
    Delivery, DeviceView, Latest, LatestClip, LatestCommand, LatestHeld, LatestSuspect, LatestTelemetry,
    SettingsState, Withheld, WrongClock,
};

use device::Device;

/// All devices.
#[derive(Debug)]
pub struct Devices {
    by_id: Mutex<HashMap<DeviceId, Device>>,
    inactive_after: Duration,
    most: usize,
    full: AtomicBool,
    /// Is told when a device is new.
    pub(crate) arrivals: Notify,
    /// When they were first looked at: who has not been heard of since may only be late.
    began: Mutex<Option<Timestamp>>,
}

impl Devices {
    /// Knows no device; one is silent when nothing was heard of it for `inactive_after`. Beyond `most` devices new ones
    /// are neither shown nor registered, so that invented ids cannot fill the memory; their readings are still stored.
    pub fn new(inactive_after: Duration, most: usize) -> Self {
        Self {
            by_id: Mutex::default(),
            inactive_after,
            most,
            full: AtomicBool::new(false),
            arrivals: Notify::new(),
            began: Mutex::default(),
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

    pub(crate) fn reading(&self, reading: &Reading, heard: &Heard) {
        self.seen(reading.device_id(), heard, |device| {
            device.reading(reading);
            device
                .watch
                .measured(reading.quantity(), reading.value(), heard.at);
        });
    }

    pub(crate) fn clip(&self, clip: &AnalysedClip, heard: &Heard) {
        self.seen(&clip.device_id, heard, |device| {
            device.clip(clip);
            device.watch.data(heard.at);
        });
    }

    /// Takes what a device says of itself, and returns what is known of that now.
    pub(crate) fn telemetry(&self, telemetry: &Telemetry, heard: &Heard) -> Option<LatestTelemetry> {
        self.seen(&telemetry.device_id, heard, |device| {
            device.telemetry(telemetry, heard.at).clone()
        })
    }

    /// Takes that a known device is there.
    pub(crate) fn present(&self, device_id: &DeviceId, at: Timestamp) {
        if let Some(device) = self.by_id.lock().get_mut(device_id) {
            device.present(at);
        }
    }

    /// Takes a message of a device that sent it before.
    pub(crate) fn repeated(&self, device_id: &DeviceId, at: Timestamp) {
        if let Some(device) = self.by_id.lock().get_mut(device_id) {
            device.watch.repeated(at);
        }
    }

    /// The newest value of a device's quantity that was not suspect.
    pub(crate) fn latest(&self, device_id: &DeviceId, quantity: Quantity) -> Option<f64> {
        let devices = self.by_id.lock();
        let latest = devices.get(device_id)?.view.readings.get(&quantity)?;
        Some(latest.value)
    }

    /// Takes a suspect reading: its device is there, and its value is none of the latest.
    pub(crate) fn suspect(&self, reading: &Reading, reason: &'static str, heard: &Heard) {
        self.seen(reading.device_id(), heard, |device| {
            device.view.suspect = Some(LatestSuspect::new(reading, reason));
            device.watch.data(heard.at);
        });
    }

    /// Takes a decision that was not carried out. It says nothing about the device being there.
    pub(crate) fn held(&self, decision: &HeldDecision) {
        if let Some(device) = self.by_id.lock().get_mut(&decision.device_id) {
            device.view.held = Some(decision.into());
        }
    }

    /// A command says nothing about the device being there, so it neither registers nor revives one.
    pub(crate) fn action(&self, action: &WindowAction) {
        if let Some(device) = self.by_id.lock().get_mut(&action.device_id) {
            device.command(action.into());
        }
    }

    pub(crate) fn state(&self, state: &WindowState, heard: &Heard) {
        self.seen(&state.device_id, heard, |device| device.window(state));
    }

    /// A decision is due for a device and not asked for, or `None`: it is not withheld any more.
    pub(crate) fn withhold(&self, device_id: &DeviceId, withheld: Option<Withheld>) {
        if let Some(device) = self.by_id.lock().get_mut(device_id) {
            device.view.withheld = withheld;
        }
    }

    /// A window is stuck, for this reason, or not any more.
    pub(crate) fn window_stuck(&self, device_id: &DeviceId, detail: Option<String>) {
        if let Some(device) = self.by_id.lock().get_mut(device_id) {
            device.watch.window_stuck = detail;
        }
    }

    /// How many windows are stuck.
    pub(crate) fn windows_stuck(&self) -> usize {
        let devices = self.by_id.lock();
        let stuck = devices
            .values()
            .filter(|device| device.watch.window_stuck.is_some());
        stuck.count()
    }

    /// A device has a connection to the broker. Returns whether it is known.
    pub(crate) fn connected(&self, device_id: &DeviceId) -> bool {
        let mut devices = self.by_id.lock();
        let device = devices.get_mut(device_id);
        if let Some(device) = device {
            device.watch.come_back();
            return true;
        }
        false
    }

    /// A device's connection to the broker ended.
    pub(crate) fn disconnected(&self, device_id: &DeviceId, reason: &'static str, at: Timestamp) {
        if let Some(device) = self.by_id.lock().get_mut(device_id) {
            device.disconnected(reason, at);
        }
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
            Event::Suspect(..)
            | Event::Shadow(_)
            | Event::Status(..)
            | Event::Alarm(..)
            | Event::Telemetry(_)
            | Event::Ack(_)
            | Event::Set(_)
            | Event::TimeRequest(_) => {}
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
        if let Some(device) = self.device(&mut devices, device_id, Some(at)) {
            device.status(online, at);
        }
    }

    fn seen<T>(
        &self,
        device_id: &DeviceId,
        heard: &Heard,
        update: impl FnOnce(&mut Device) -> T,
    ) -> Option<T> {
        let mut devices = self.by_id.lock();
        let device = self.device(&mut devices, device_id, Some(heard.at))?;
        device.seen(heard);
        Some(update(device))
    }

    /// The device, registered where it is new; `None` where there are too many.
    fn device<'a>(
        &self,
        devices: &'a mut HashMap<DeviceId, Device>,
        device_id: &DeviceId,
        at: Option<Timestamp>,
    ) -> Option<&'a mut Device> {
        if !devices.contains_key(device_id) {
            if devices.len() >= self.most {
                if !self.full.swap(true, Ordering::Relaxed) {
                    warn!(
                        devices = self.most,
                        "too many devices: new ones are stored, but neither shown nor decided for; see backend.max_devices"
                    );
                }
                return None;
            }
            devices.insert(device_id.clone(), Device::new(device_id, at));
            self.arrivals.notify_one();
        }
        devices.get_mut(device_id)
    }
}
