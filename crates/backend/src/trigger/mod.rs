//! From readings to inference requests: change detection for each device, and at most one request waiting for each.
//!
//! In: readings and clips as soon as they are decoded. Out: requests on their topic, the newest state of a device
//! replacing an older one that could not be sent yet. It never touches the journal or the database.

mod freshness;
mod state;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    AudioFormat, AudioHash, ClipFeatures, DeviceId, InferenceRequest, Reading, RequestAudio, Thresholds,
    Timestamp, Trigger,
};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{Metrics, setups::Setup};
use state::{DeviceState, Held, SetUp, State, Withholding};

/// The first decision for a device waits this long for a clip: sensors start with their climate.
const FIRST_CLIP_WAIT: Duration = Duration::from_secs(2);

/// A decision that is owed since before the start waits this long: recordings come, and an ML service that starts with us.
const OWED_WAIT: Duration = Duration::from_secs(2);

/// A decision that rests on an old input waits this long for a new one before it is withheld.
const DOUBT: Duration = Duration::from_secs(2);

/// What is due.
#[derive(Debug)]
pub(crate) enum NextDue {
    /// A request.
    Request {
        /// It.
        request: Box<InferenceRequest>,
        /// Whether requests for this device were withheld before.
        was_withheld: bool,
    },
    /// A request is withheld; it is told once.
    Withheld {
        /// For which device.
        device_id: DeviceId,
        /// Which input is too old, and how old it is.
        reason: String,
    },
}

/// A clip as a request needs it.
#[derive(Debug, Clone)]
pub struct RecentClip {
    /// When it was recorded.
    pub timestamp: Timestamp,
    /// The container's bytes as Base64.
    pub data_base64: Arc<str>,
    /// Samples per second.
    pub sample_rate: u32,
    /// Seconds.
    pub duration_s: f64,
    /// What the container holds.
    pub format: AudioFormat,
    /// Its hash.
    pub hash: AudioHash,
    /// Its features.
    pub features: ClipFeatures,
}

/// How the trigger decides.
#[derive(Debug, Clone, Copy)]
pub struct TriggerOptions {
    /// What counts as significant, where a device has no thresholds of its own.
    pub thresholds: Thresholds,
    /// How long after its making a request may be answered.
    pub request_ttl: Duration,
    /// A clip goes into requests for this long.
    pub clip_max_age: Duration,
    /// The most bytes of clips kept for later requests; beyond it the one heard longest ago is let go.
    pub max_clip_bytes: usize,
    /// The most devices that are decided for.
    pub max_devices: usize,
}

impl Default for TriggerOptions {
    /// The specification's thresholds; ten seconds for an answer; a clip counts for ten minutes; 64 MiB of clips;
    /// 10,000 devices.
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            request_ttl: Duration::from_secs(10),
            clip_max_age: Duration::from_mins(10),
            max_clip_bytes: 64 << 20,
            max_devices: 10_000,
        }
    }
}

/// What the last request of a device was based on: for the log, where an answer does not say.
#[derive(Debug, Clone)]
pub struct LastRequest {
    /// When it was sent.
    pub sent: Instant,
    /// The clip in it.
    pub audio_hash: Option<AudioHash>,
}

/// What a decision before the start was made on.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) device_id: DeviceId,
    pub(crate) timestamp: Timestamp,
    /// Temperature and humidity, °C and %.
    pub(crate) climate: (f64, f64),
}

/// What was known before a start.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// The newest readings.
    pub(crate) readings: Vec<Reading>,
    /// The newest decisions.
    pub(crate) decisions: Vec<Decided>,
}

/// Change detection for all devices.
#[derive(Debug)]
pub struct InferenceTrigger {
    options: TriggerOptions,
    state: Mutex<State>,
    started: Instant,
    changed: Notify,
    metrics: Arc<Metrics>,
}

impl InferenceTrigger {
    /// Knows no device yet.
    pub fn new(options: TriggerOptions, metrics: Arc<Metrics>) -> Self {
        Self {
            options,
            state: Mutex::default(),
            started: Instant::now(),
            changed: Notify::new(),
            metrics,
        }
    }

    /// How it decides.
    pub const fn options(&self) -> &TriggerOptions {
        &self.options
    }

    /// Drops the clips that no request will carry any more.
    pub fn drop_old_clips(&self) {
        self.state.lock().drop_old_clips(self.options.clip_max_age);
    }

    /// Decides nothing until what was known before is settled: what is newest of each device is kept until then.
    pub fn hold(&self) {
        self.state.lock().is_holding = true;
    }

    /// Takes a reading; a significant one makes a request due, unless it is late: it waited somewhere and is not of now.
    pub fn observe_reading(&self, reading: &Reading, is_late: bool) {
        let held = Held {
            timestamp: reading.timestamp(),
            value: reading.value(),
            is_late,
        };
        let since_start = self.started.elapsed();
        self.observe(reading.device_id(), |device, is_holding| {
            if !is_late {
                device.freshness.came(reading.quantity(), since_start);
            }
            if is_holding {
                device.hold(reading.quantity(), held);
                return None;
            }
            device.take(reading.quantity(), held)
        });
    }

    /// Takes a clip. One older than the newest known, a late one, or the same again, changes nothing.
    pub fn observe_clip(&self, device_id: &DeviceId, clip: RecentClip, is_late: bool) {
        if is_late {
            return;
        }
        self.observe(device_id, |device, is_holding| {
            let newest = device.clip_timestamp;
            let late = newest.is_some_and(|newest| clip.timestamp < newest);
            let kept = device.clip.as_ref();
            let repeated =
                kept.is_some_and(|(kept, _)| kept.hash == clip.hash && kept.timestamp == clip.timestamp);
            if late || repeated {
                return None;
            }
            device.clip_timestamp = Some(clip.timestamp);
            device.clip = Some((Arc::new(clip), Instant::now()));
            device.holds_clip |= is_holding;
            if is_holding {
                return None;
            }
            device.detector.observe_clip()
        });
    }

    /// Takes what was known before a restart, if anything, as of `now`. Then decides on what was heard before it and never
    /// decided on, if that is fresh and `is_in_use` says so of the device, and on what was held.
    pub(crate) fn settle(&self, before: &Before, now: Timestamp, is_in_use: impl Fn(&DeviceId) -> bool) {
        let known = self.restore(before, now);
        // First: what waited somewhere meanwhile decides nothing.
        for device_id in known.into_iter().filter(|device_id| is_in_use(device_id)) {
            self.observe_for(device_id, OWED_WAIT, |device, _| {
                let is_fresh = device.freshness.is_fresh();
                is_fresh.then(|| device.detector.owed()).flatten()
            });
        }
        let held = self.state.lock().release();
        for (device_id, readings, has_clip) in held {
            for (quantity, reading) in readings {
                self.observe(&device_id, |device, _| device.take(quantity, reading));
            }
            if has_clip {
                self.observe(&device_id, |device, _| device.detector.observe_clip());
            }
        }
    }

    /// Takes up what was known before a restart. Returns of whom readings were.
    fn restore<'a>(&self, before: &'a Before, now: Timestamp) -> BTreeSet<&'a DeviceId> {
        let mut state = self.state.lock();
        let mut known = BTreeSet::new();
        for reading in &before.readings {
            if let Some(device) = state.device(reading.device_id(), &self.options) {
                let (quantity, timestamp) = (reading.quantity(), reading.timestamp());
                device.detector.restore(quantity, timestamp, reading.value());
                let age = Duration::from_millis(now.millis_since(timestamp).max(0) as u64);
                device.freshness.was_known(quantity, age);
                known.insert(reading.device_id());
            }
        }
        for decided in &before.decisions {
            if let Some(device) = state.device(&decided.device_id, &self.options) {
                device
                    .detector
                    .restore_decision(decided.timestamp, decided.climate);
            }
        }
        known
    }

    /// Takes what is set for a device.
    pub(crate) fn set_up(&self, device_id: &DeviceId, setup: &Setup) {
        let set_up = SetUp {
            thresholds: setup.thresholds,
            interval: setup.interval,
        };
        self.state.lock().set_up(device_id, set_up);
    }

    /// Drops everything that is known of a device.
    pub(crate) fn forget(&self, device_id: &DeviceId) {
        self.state.lock().forget(device_id);
    }

    /// What the last request of a device was based on.
    pub fn last_request(&self, device_id: &DeviceId) -> Option<LastRequest> {
        self.state.lock().devices.get(device_id)?.last_request.clone()
    }

    /// Waits until a request is due and makes it from the device's state at that moment, or says why it is withheld.
    pub(crate) async fn next_due(&self, clock: impl Fn() -> Timestamp) -> NextDue {
        loop {
            let changed = self.changed.notified();
            let earliest = {
                let mut state = self.state.lock();
                match state.next_due() {
                    Some((device_id, due)) if due <= Instant::now() => {
                        state.due.remove(&device_id);
                        if let Some(next) = self.take_due(&mut state, &device_id, clock()) {
                            return next;
                        }
                        continue;
                    }
                    other => other.map(|(_, due)| due),
                }
            };
            match earliest {
                Some(due) => {
                    let _ = tokio::time::timeout_at(due, changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// Applies `change`, which is told whether decisions are held.
    fn observe(&self, device_id: &DeviceId, change: impl FnOnce(&mut DeviceState, bool) -> Option<Trigger>) {
        self.observe_for(device_id, Duration::ZERO, change);
    }

    /// The same; what it makes due waits for that long at least.
    fn observe_for(
        &self,
        device_id: &DeviceId,
        wait: Duration,
        change: impl FnOnce(&mut DeviceState, bool) -> Option<Trigger>,
    ) {
        let now = Instant::now() + wait;
        let mut state = self.state.lock();
        let is_holding = state.is_holding;
        let trigger = state.update(device_id, &self.options, |device| {
            let found = change(device, is_holding);
            // What was withheld is asked for as soon as its inputs are fresh.
            let is_owed =
                found.is_none() && device.withholding.is_some() && device.freshness.stale().is_none();
            if is_owed && !is_holding {
                return Some((None, now));
            }
            let trigger = found?;
            // From here on change is measured from the state that the request will carry.
            device.detector.decided();
            let waits = trigger == Trigger::FirstClimate && device.clip.is_none();
            let first = Instant::now() + FIRST_CLIP_WAIT;
            Some((Some(trigger), if waits { now.max(first) } else { now }))
        });
        let Some((trigger, due)) = trigger.flatten() else {
            return;
        };
        state.make_due(device_id, due);
        drop(state);
        if let Some(trigger) = trigger {
            self.metrics.triggered(trigger);
        }
        self.changed.notify_one();
    }

    /// What becomes of a request that is due.
    fn take_due(&self, state: &mut State, device_id: &DeviceId, now: Timestamp) -> Option<NextDue> {
        let device = state.devices.get_mut(device_id)?;
        let Some(old) = device.freshness.stale() else {
            let was_withheld = device.withholding.take() == Some(Withholding::Told);
            let request = Box::new(self.request(state, device_id, now)?);
            return Some(NextDue::Request {
                request,
                was_withheld,
            });
        };
        match device.withholding {
            None => {
                device.withholding = Some(Withholding::Doubted);
                state.make_due(device_id, Instant::now() + DOUBT);
                None
            }
            Some(Withholding::Doubted) => {
                device.withholding = Some(Withholding::Told);
                Some(NextDue::Withheld {
                    device_id: device_id.clone(),
                    reason: old.reason(),
                })
            }
            Some(Withholding::Told) => None,
        }
    }

    fn request(&self, state: &mut State, device_id: &DeviceId, now: Timestamp) -> Option<InferenceRequest> {
        let device = state.for_request(device_id, self.options.clip_max_age)?;
        let (temperature, humidity) = device.detector.climate()?;
        let clip = device.clip.as_ref().map(|(clip, _)| Arc::clone(clip));
        device.last_request = Some(LastRequest {
            sent: Instant::now(),
            audio_hash: clip.as_ref().map(|clip| clip.hash.clone()),
        });
        let newest = device
            .detector
            .latest_timestamp()
            .max(clip.as_ref().map(|clip| clip.timestamp));
        Some(InferenceRequest {
            device_id: device_id.clone(),
            timestamp: newest.unwrap_or(now),
            temperature,
            humidity,
            audio: clip.map(|clip| RequestAudio {
                data_base64: Arc::clone(&clip.data_base64),
                sample_rate: clip.sample_rate,
                duration_s: clip.duration_s,
                format: clip.format,
                audio_hash: Some(clip.hash.clone()),
                features: Some(clip.features.clone()),
            }),
            expires_at: Some(now.plus(self.options.request_ttl)),
            window: None,
        })
    }
}
