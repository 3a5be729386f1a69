//! From readings to inference requests: change detection for each device, and at most one request waiting for each.
//!
//! In: readings and clips as soon as they are decoded. Out: requests on their topic, the newest state of a device
//! replacing an older one that could not be sent yet. It never touches the journal or the database.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    AudioFormat, AudioHash, ChangeDetector, ClipFeatures, DeviceId, InferenceRequest, Lateness, Reading,
    RequestAudio, Thresholds, Timestamp, Trigger,
};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::Metrics;

/// The first decision for a device waits this long for a clip: sensors start with their climate.
const FIRST_CLIP_WAIT: Duration = Duration::from_secs(2);

/// A clip as a request needs it.
#[derive(Debug, Clone)]
pub struct HeardClip {
    /// When it was recorded.
    pub timestamp: Timestamp,
    /// The container's bytes as Base64, as they travelled.
    pub data_base64: String,
    /// Samples per second as the device said.
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

#[derive(Debug)]
struct Room {
    detector: ChangeDetector,
    lateness: Lateness,
    clip: Option<(Arc<HeardClip>, Instant)>,
    /// The newest clip's time, also of one that is no longer kept.
    clip_timestamp: Option<Timestamp>,
    last_request: Option<LastRequest>,
}

impl Room {
    fn clip_bytes(&self) -> usize {
        self.clip.as_ref().map_or(0, |(clip, _)| clip.data_base64.len())
    }

    /// Gives the bytes that are free now.
    fn drop_clip(&mut self) -> usize {
        let bytes = self.clip_bytes();
        self.clip = None;
        bytes
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

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<DeviceId, Room>,
    due: HashMap<DeviceId, Instant>,
    /// Of all clips in `rooms`.
    clip_bytes: usize,
    thresholds: HashMap<DeviceId, Thresholds>,
}

impl State {
    /// Lets go of the clip heard longest ago; `false` where there is none.
    fn forget_oldest_clip(&mut self) -> bool {
        let heard = |room: &&mut Room| room.clip.as_ref().map(|(_, heard)| *heard);
        let kept = self.rooms.values_mut().filter(|room| room.clip.is_some());
        let Some(room) = kept.min_by_key(heard) else {
            return false;
        };
        self.clip_bytes -= room.drop_clip();
        true
    }
}

/// Change detection for all devices.
#[derive(Debug)]
pub struct TriggerBoard {
    options: TriggerOptions,
    state: Mutex<State>,
    changed: Notify,
    metrics: Arc<Metrics>,
}

impl TriggerBoard {
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

    /// Lets go of the clips that no request will carry any more.
    pub fn forget_old_clips(&self) {
        let mut state = self.state.lock();
        let state = &mut *state;
        for room in state.rooms.values_mut() {
            let old = |heard: Instant| heard.elapsed() > self.options.clip_max_age;
            if room.clip.as_ref().is_some_and(|(_, heard)| old(*heard)) {
                state.clip_bytes -= room.drop_clip();
            }
        }
    }

    /// Takes a reading; a significant one makes a request due, unless it waited somewhere and is not of now.
    pub fn observe_reading(&self, reading: &Reading, received_at: Timestamp) {
        self.observe(reading.device_id(), |room, _| {
            let timely = room.lateness.is_timely(reading.timestamp(), received_at);
            room.detector
                .observe_reading(reading.quantity(), reading.timestamp(), reading.value())
                .filter(|_| timely)
        });
    }

    /// Takes a clip. One older than the newest known, one that waited, or the same again, changes nothing.
    pub fn observe_clip(&self, device_id: &DeviceId, clip: HeardClip, received_at: Timestamp) {
        self.observe(device_id, |room, now| {
            if !room.lateness.is_timely(clip.timestamp, received_at) {
                return None;
            }
            let late = room.clip_timestamp.is_some_and(|newest| clip.timestamp < newest);
            let repeated = room
                .clip
                .as_ref()
                .is_some_and(|(kept, _)| kept.hash == clip.hash && kept.timestamp == clip.timestamp);
            if late || repeated {
                return None;
            }
            room.clip_timestamp = Some(clip.timestamp);
            room.clip = Some((Arc::new(clip), now));
            room.detector.observe_clip()
        });
    }

    /// What was known before a restart: sets the baseline and triggers nothing.
    pub fn restore(&self, readings: impl IntoIterator<Item = Reading>) {
        let mut state = self.state.lock();
        for reading in readings {
            let Some(room) = self.room(&mut state, reading.device_id()) else {
                return;
            };
            room.detector
                .observe_reading(reading.quantity(), reading.timestamp(), reading.value());
            room.detector.decided();
            room.lateness = Lateness::known();
        }
    }

    /// Gives a device thresholds of its own.
    pub fn set_thresholds(&self, device_id: &DeviceId, thresholds: Thresholds) {
        let mut state = self.state.lock();
        if let Some(room) = state.rooms.get_mut(device_id) {
            room.detector.set_thresholds(thresholds);
        }
        state.thresholds.insert(device_id.clone(), thresholds);
    }

    /// What the last request of a device was based on.
    pub fn last_request(&self, device_id: &DeviceId) -> Option<LastRequest> {
        self.state.lock().rooms.get(device_id)?.last_request.clone()
    }

    /// Waits until a request is due and makes it from the device's state at that moment.
    pub async fn next_request(&self, clock: impl Fn() -> Timestamp) -> InferenceRequest {
        loop {
            let changed = self.changed.notified();
            let earliest = {
                let mut state = self.state.lock();
                let next = state
                    .due
                    .iter()
                    .min_by_key(|(_, due)| **due)
                    .map(|(id, due)| (id.clone(), *due));
                match next {
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

    fn observe(&self, device_id: &DeviceId, look: impl FnOnce(&mut Room, Instant) -> Option<Trigger>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let Some(room) = self.room(&mut state, device_id) else {
            return;
        };
        let before = room.clip_bytes();
        let trigger = look(room, now);
        let after = room.clip_bytes();
        let waits = trigger == Some(Trigger::FirstClimate) && room.clip.is_none();
        if trigger.is_some() {
            // From here on change is measured from the state that the request will carry.
            room.detector.decided();
        }
        state.clip_bytes = state.clip_bytes - before + after;
        while state.clip_bytes > self.options.max_clip_bytes && state.forget_oldest_clip() {}
        let Some(trigger) = trigger else { return };
        let due = if waits { now + FIRST_CLIP_WAIT } else { now };
        let entry = state.due.entry(device_id.clone()).or_insert(due);
        *entry = due.min(*entry);
        drop(state);
        self.metrics.triggered(trigger);
        self.changed.notify_one();
    }

    /// The device's room; `None` where there are too many.
    fn room<'a>(&self, state: &'a mut State, device_id: &DeviceId) -> Option<&'a mut Room> {
        if state.rooms.len() >= self.options.max_devices && !state.rooms.contains_key(device_id) {
            return None;
        }
        let thresholds = state
            .thresholds
            .get(device_id)
            .copied()
            .unwrap_or(self.options.thresholds);
        let room = state.rooms.entry(device_id.clone());
        Some(room.or_insert_with(|| Room {
            detector: ChangeDetector::new(thresholds),
            lateness: Lateness::default(),
            clip: None,
            clip_timestamp: None,
            last_request: None,
        }))
    }

    fn request(&self, state: &mut State, device_id: &DeviceId, now: Timestamp) -> Option<InferenceRequest> {
        let room = state.rooms.get_mut(device_id)?;
        let (temperature, humidity) = room.detector.climate()?;
        let old = |heard: Instant| heard.elapsed() > self.options.clip_max_age;
        if room.clip.as_ref().is_some_and(|(_, heard)| old(*heard)) {
            state.clip_bytes -= room.drop_clip();
        }
        let clip = room.clip.as_ref().map(|(clip, _)| Arc::clone(clip));
        room.last_request = Some(LastRequest {
            sent: Instant::now(),
            audio_hash: clip.as_ref().map(|c| c.hash.clone()),
        });
        Some(InferenceRequest {
            device_id: device_id.clone(),
            timestamp: room
                .detector
                .latest_timestamp()
                .max(clip.as_ref().map(|c| c.timestamp))
                .unwrap_or(now),
            temperature,
            humidity,
            audio: clip.map(|clip| RequestAudio {
                data_base64: clip.data_base64.clone(),
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

#[cfg(test)]
mod tests {
    use domain::Quantity;

    use super::*;

    fn board(options: TriggerOptions) -> TriggerBoard {
        TriggerBoard::new(options, Arc::new(Metrics::new()))
    }

    fn id(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    fn clip(second: i64) -> HeardClip {
        HeardClip {
            timestamp: Timestamp::from_millis(second * 1000),
            data_base64: "A".repeat(1000),
            sample_rate: 16_000,
            duration_s: 1.0,
            format: AudioFormat::Wav,
            hash: AudioHash::parse(&format!("{second:064x}")).unwrap(),
            features: ClipFeatures {
                version: String::new(),
                sample_rate: 16_000,
                samples: 16_000,
                frames: 32,
                level: None,
                summaries: std::collections::BTreeMap::new(),
            },
        }
    }

    #[test]
    fn clips_are_kept_up_to_a_number_of_bytes() {
        let board = board(TriggerOptions {
            max_clip_bytes: 2_500,
            ..TriggerOptions::default()
        });
        for (second, name) in ["a", "b", "c", "c"].into_iter().enumerate() {
            board.observe_clip(
                &id(name),
                clip(second as i64),
                Timestamp::from_millis(second as i64 * 1000),
            );
        }
        let state = board.state.lock();
        let kept: Vec<_> = ["a", "b", "c"]
            .map(|name| state.rooms[&id(name)].clip.is_some())
            .into();
        assert_eq!((kept, state.clip_bytes), (vec![false, true, true], 2_000));
    }

    #[tokio::test(start_paused = true)]
    async fn old_clips_are_let_go_without_a_request() {
        let board = board(TriggerOptions::default());
        board.observe_clip(&id("a"), clip(1), Timestamp::from_millis(1_000));
        tokio::time::advance(Duration::from_mins(9)).await;
        board.forget_old_clips();
        assert_eq!(board.state.lock().clip_bytes, 1_000);
        tokio::time::advance(Duration::from_mins(2)).await;
        board.forget_old_clips();
        assert_eq!(board.state.lock().clip_bytes, 0);
    }

    #[test]
    fn invented_devices_do_not_fill_the_memory() {
        let board = board(TriggerOptions {
            max_devices: 1,
            ..TriggerOptions::default()
        });
        for name in ["a", "b"] {
            for quantity in [Quantity::Temperature, Quantity::Humidity] {
                let at = Timestamp::from_millis(1_000);
                board.observe_reading(&Reading::new(id(name), quantity, 20.0, at).unwrap(), at);
            }
        }
        let state = board.state.lock();
        assert_eq!((state.rooms.len(), state.due.len()), (1, 1));
    }

    #[test]
    fn a_backlog_decides_nothing_and_is_the_baseline_of_what_follows() {
        let board = board(TriggerOptions::default());
        let observe = |millis: i64, received: i64, value: f64| {
            for quantity in [Quantity::Temperature, Quantity::Humidity] {
                let reading = Reading::new(id("a"), quantity, value, Timestamp::from_millis(millis));
                board.observe_reading(&reading.unwrap(), Timestamp::from_millis(received));
            }
            let mut state = board.state.lock();
            state.due.remove(&id("a")).is_some()
        };
        let day = 86_400_000;
        assert!(observe(0, 0, 20.0), "a first climate");
        for hour in 1..24 {
            assert!(
                !observe(hour * 3_600_000, day + hour, 20.0 + hour as f64),
                "hour {hour}"
            );
        }
        assert!(
            observe(day + 60_000, day + 60_000, 25.0),
            "of now, and far from what was decided on"
        );
    }
}
