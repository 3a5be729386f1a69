//! From readings to inference requests: change detection for each device, and at most one request waiting for each.
//!
//! In: readings and clips as soon as they are decoded. Out: requests on their topic, the newest state of a device
//! replacing an older one that could not be sent yet. It never touches the journal or the database.

mod state;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use domain::{
    AudioFormat, AudioHash, ClipFeatures, DeviceId, InferenceRequest, Lateness, Reading, RequestAudio,
    Thresholds, Timestamp, Trigger,
};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::Metrics;
use state::{DeviceState, State};

/// The first decision for a device waits this long for a clip: sensors start with their climate.
const FIRST_CLIP_WAIT: Duration = Duration::from_secs(2);

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

/// Change detection for all devices.
#[derive(Debug)]
pub struct InferenceTrigger {
    options: TriggerOptions,
    state: Mutex<State>,
    changed: Notify,
    metrics: Arc<Metrics>,
}

impl InferenceTrigger {
    /// Knows no device yet.
    pub fn new(options: TriggerOptions, metrics: Arc<Metrics>) -> Self {
        Self {
            options,
            state: Mutex::default(),
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

    /// Takes a reading; a significant one makes a request due, unless it waited somewhere and is not of now.
    pub fn observe_reading(&self, reading: &Reading, received_at: Timestamp) {
        self.observe(reading.device_id(), |device| {
            let timely = device.lateness.is_timely(reading.timestamp(), received_at);
            let trigger =
                device
                    .detector
                    .observe_reading(reading.quantity(), reading.timestamp(), reading.value());
            trigger.filter(|_| timely)
        });
    }

    /// Takes a clip. One older than the newest known, one that waited, or the same again, changes nothing.
    pub fn observe_clip(&self, device_id: &DeviceId, clip: RecentClip, received_at: Timestamp) {
        self.observe(device_id, |device| {
            if !device.lateness.is_timely(clip.timestamp, received_at) {
                return None;
            }
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
            device.detector.observe_clip()
        });
    }

    /// What was known before a restart: sets the baseline and triggers nothing.
    pub fn restore<'a>(&self, readings: impl IntoIterator<Item = &'a Reading>) {
        let mut state = self.state.lock();
        for reading in readings {
            let Some(device) = state.device(reading.device_id(), &self.options) else {
                return;
            };
            device
                .detector
                .observe_reading(reading.quantity(), reading.timestamp(), reading.value());
            device.detector.decided();
            device.lateness = Lateness::known();
        }
    }

    /// Sets a device's own thresholds.
    pub fn set_thresholds(&self, device_id: &DeviceId, thresholds: Thresholds) {
        self.state.lock().set_thresholds(device_id, thresholds);
    }

    /// What the last request of a device was based on.
    pub fn last_request(&self, device_id: &DeviceId) -> Option<LastRequest> {
        self.state.lock().devices.get(device_id)?.last_request.clone()
    }

    /// Waits until a request is due and makes it from the device's state at that moment.
    pub async fn next_request(&self, clock: impl Fn() -> Timestamp) -> InferenceRequest {
        loop {
            let changed = self.changed.notified();
            let earliest = {
                let mut state = self.state.lock();
                match state.next_due() {
                    Some((device_id, due)) if due <= Instant::now() => {
                        state.due.remove(&device_id);
                        if let Some(request) = self.request(&mut state, &device_id, clock()) {
                            return request;
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

    fn observe(&self, device_id: &DeviceId, change: impl FnOnce(&mut DeviceState) -> Option<Trigger>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let trigger = state.update(device_id, &self.options, |device| {
            let trigger = change(device)?;
            // From here on change is measured from the state that the request will carry.
            device.detector.decided();
            let waits = trigger == Trigger::FirstClimate && device.clip.is_none();
            Some((trigger, if waits { now + FIRST_CLIP_WAIT } else { now }))
        });
        let Some((trigger, due)) = trigger.flatten() else {
            return;
        };
        state.make_due(device_id, due);
        drop(state);
        self.metrics.triggered(trigger);
        self.changed.notify_one();
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
        })
    }
}
