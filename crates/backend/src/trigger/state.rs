//! What the trigger knows of each device, and the recordings that it keeps for their requests.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{ChangeDetector, DeviceId, Quantity, Thresholds, Timestamp, Trigger};
use tokio::time::Instant;

use super::{LastRequest, RecentClip, TriggerOptions, freshness::Freshness};

/// A reading as a decision sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) timestamp: Timestamp,
    pub(super) value: f64,
    pub(super) is_late: bool,
}

/// What a device held: its newest readings in the order of their times, and whether it sent a clip.
type Released = (DeviceId, Vec<(Quantity, Held)>, bool);

/// How far a decision has come that rests on an old input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withholding {
    /// It is given a moment: readings of one device come one after another.
    Doubted,
    /// It is withheld, and that was told.
    Told,
}

#[derive(Debug)]
pub(super) struct DeviceState {
    pub(super) detector: ChangeDetector,
    pub(super) freshness: Freshness,
    pub(super) withholding: Option<Withholding>,
    /// The newest readings while decisions are held.
    held: [Option<Held>; Quantity::COUNT],
    pub(super) holds_clip: bool,
    /// The clip that goes into requests, and when it was heard.
    pub(super) clip: Option<(Arc<RecentClip>, Instant)>,
    /// The newest clip's time, also of one that is no longer kept.
    pub(super) clip_timestamp: Option<Timestamp>,
    pub(super) last_request: Option<LastRequest>,
}

impl DeviceState {
    fn new(set_up: SetUp) -> Self {
        let mut freshness = Freshness::default();
        freshness.set_interval(set_up.interval);
        Self {
            detector: ChangeDetector::new(set_up.thresholds),
            freshness,
            withholding: None,
            held: [None; Quantity::COUNT],
            holds_clip: false,
            clip: None,
            clip_timestamp: None,
            last_request: None,
        }
    }

    pub(super) fn hold(&mut self, quantity: Quantity, reading: Held) {
        let held = &mut self.held[quantity.index()];
        if held.is_none_or(|held| held.timestamp <= reading.timestamp) {
            *held = Some(reading);
        }
    }

    pub(super) fn take(&mut self, quantity: Quantity, reading: Held) -> Option<Trigger> {
        let Held {
            timestamp,
            value,
            is_late,
        } = reading;
        if is_late {
            self.detector.observe_late_reading(quantity, timestamp, value);
            return None;
        }
        self.detector.observe_reading(quantity, timestamp, value)
    }

    fn clip_bytes(&self) -> usize {
        self.clip.as_ref().map_or(0, |(clip, _)| clip.data_base64.len())
    }

    /// Drops the clip, and returns the bytes that are free now.
    fn drop_clip(&mut self) -> usize {
        let bytes = self.clip_bytes();
        self.clip = None;
        bytes
    }

    /// Drops a clip that was heard longer ago than `max_age`, and returns the bytes that are free now.
    fn drop_old_clip(&mut self, max_age: Duration) -> usize {
        let old = |heard: Instant| heard.elapsed() > max_age;
        match &self.clip {
            Some((_, heard)) if old(*heard) => self.drop_clip(),
            _ => 0,
        }
    }
}

/// What is set for a device.
#[derive(Debug, Clone, Copy)]
pub(super) struct SetUp {
    pub(super) thresholds: Thresholds,
    pub(super) interval: Option<Duration>,
}

/// All devices, and which of them have a request due.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) devices: HashMap<DeviceId, DeviceState>,
    pub(super) due: HashMap<DeviceId, Instant>,
    /// Of all clips in `devices`.
    pub(super) clip_bytes: usize,
    /// Whether nothing is decided yet, because the baseline is not known.
    pub(super) is_holding: bool,
    set_ups: HashMap<DeviceId, SetUp>,
}

impl State {
    /// The device, known from now on; `None` where there are too many.
    pub(super) fn device(
        &mut self,
        device_id: &DeviceId,
        options: &TriggerOptions,
    ) -> Option<&mut DeviceState> {
        if self.devices.len() >= options.max_devices && !self.devices.contains_key(device_id) {
            return None;
        }
        let general = SetUp {
            thresholds: options.thresholds,
            interval: None,
        };
        let set_up = self.set_ups.get(device_id).copied().unwrap_or(general);
        let device = self.devices.entry(device_id.clone());
        Some(device.or_insert_with(|| DeviceState::new(set_up)))
    }

    /// Ends holding, and returns what was held.
    pub(super) fn release(&mut self) -> Vec<Released> {
        if !std::mem::take(&mut self.is_holding) {
            return Vec::new();
        }
        let released = self.devices.iter_mut().map(|(device_id, device)| {
            let held = Quantity::ALL.into_iter().zip(std::mem::take(&mut device.held));
            let mut held: Vec<_> = held
                .filter_map(|(quantity, held)| Some((quantity, held?)))
                .collect();
            held.sort_by_key(|(_, held)| held.timestamp);
            (device_id.clone(), held, std::mem::take(&mut device.holds_clip))
        });
        released.collect()
    }

    pub(super) fn set_up(&mut self, device_id: &DeviceId, set_up: SetUp) {
        if let Some(device) = self.devices.get_mut(device_id) {
            device.detector.set_thresholds(set_up.thresholds);
            device.freshness.set_interval(set_up.interval);
        }
        self.set_ups.insert(device_id.clone(), set_up);
    }

    /// Drops everything that is known of a device.
    pub(super) fn forget(&mut self, device_id: &DeviceId) {
        self.due.remove(device_id);
        self.set_ups.remove(device_id);
        if let Some(mut device) = self.devices.remove(device_id) {
            self.clip_bytes -= device.drop_clip();
        }
    }

    /// Applies `change` to a device and keeps the count of its clip's bytes. The clips heard longest ago are dropped
    /// until all of them fit into `max_clip_bytes` again.
    pub(super) fn update<T>(
        &mut self,
        device_id: &DeviceId,
        options: &TriggerOptions,
        change: impl FnOnce(&mut DeviceState) -> T,
    ) -> Option<T> {
        let device = self.device(device_id, options)?;
        let before = device.clip_bytes();
        let result = change(device);
        let after = device.clip_bytes();
        self.clip_bytes = self.clip_bytes - before + after;
        while self.clip_bytes > options.max_clip_bytes && self.drop_oldest_clip() {}
        Some(result)
    }

    /// Drops the clip heard longest ago; `false` where there is none.
    fn drop_oldest_clip(&mut self) -> bool {
        let heard = |device: &&mut DeviceState| device.clip.as_ref().map(|(_, heard)| *heard);
        let kept = self.devices.values_mut().filter(|device| device.clip.is_some());
        let Some(device) = kept.min_by_key(heard) else {
            return false;
        };
        self.clip_bytes -= device.drop_clip();
        true
    }

    /// Drops the clips that no request will carry any more.
    pub(super) fn drop_old_clips(&mut self, max_age: Duration) {
        for device in self.devices.values_mut() {
            self.clip_bytes -= device.drop_old_clip(max_age);
        }
    }

    /// A device as a request sees it: without a clip that is too old.
    pub(super) fn for_request(
        &mut self,
        device_id: &DeviceId,
        max_age: Duration,
    ) -> Option<&mut DeviceState> {
        let device = self.devices.get_mut(device_id)?;
        self.clip_bytes -= device.drop_old_clip(max_age);
        Some(device)
    }

    /// The device whose request is due first, and when.
    pub(super) fn next_due(&self) -> Option<(DeviceId, Instant)> {
        let first = self.due.iter().min_by_key(|(_, due)| **due);
        first.map(|(device_id, due)| (device_id.clone(), *due))
    }

    /// Makes a request due at `due`, or earlier where one is due already.
    pub(super) fn make_due(&mut self, device_id: &DeviceId, due: Instant) {
        let entry = self.due.entry(device_id.clone()).or_insert(due);
        *entry = due.min(*entry);
    }
}
