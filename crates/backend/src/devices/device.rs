//! The state of one device, and how events change it.

use std::collections::BTreeMap;

use domain::{DeviceId, Reading, Timestamp, WindowState};

use super::view::{DeviceView, Latest, LatestClip, LatestCommand, WrongClock};
use crate::clips::AnalysedClip;

#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) view: DeviceView,
    pub(super) config: String,
    /// Whether the registry was asked for it: before that, a row of ours would overwrite its name and configuration.
    pub(super) looked_up: bool,
    /// `last_seen` in the newest durable registry row; `None` until there is one.
    pub(super) written: Option<Timestamp>,
    /// Changes that must not wait for the refresh, and how many of them are in a durable row.
    pub(super) changes: u64,
    pub(super) changes_written: u64,
    /// When it fell silent, until that event is durable.
    pub(super) fell_silent: Option<Timestamp>,
}

impl Device {
    pub(super) fn new(device_id: &DeviceId, at: Timestamp) -> Self {
        let view = DeviceView {
            device_id: device_id.clone(),
            name: device_id.to_string(),
            location: String::new(),
            registered_at: at,
            last_seen: at,
            is_active: true,
            readings: BTreeMap::new(),
            clip: None,
            command: None,
            held: None,
            suspect: None,
            window: None,
            clock: None,
        };
        Self {
            view,
            config: "{}".into(),
            looked_up: false,
            written: None,
            changes: 0,
            changes_written: 0,
            fell_silent: None,
        }
    }

    /// Whether nothing but its first message is known of it.
    pub(super) const fn is_new(&self) -> bool {
        self.written.is_none() && self.changes == 0
    }

    /// Takes the clock's state by its last message.
    pub(super) fn clock(&mut self, clock: Option<WrongClock>) {
        let known = self.view.clock;
        self.view.clock = clock.map(|clock| {
            let since = known.filter(|known| known.state == clock.state);
            let since = since.map_or(clock.since, |known| known.since);
            WrongClock { since, ..clock }
        });
    }

    pub(super) fn seen(&mut self, at: Timestamp) {
        self.view.last_seen = self.view.last_seen.max(at);
        self.changes += u64::from(!self.view.is_active);
        self.view.is_active = true;
    }

    pub(super) fn status(&mut self, online: bool, at: Timestamp) {
        if online {
            self.view.last_seen = self.view.last_seen.max(at);
        }
        self.changes += u64::from(self.view.is_active != online || self.changes == 0);
        self.view.is_active = online;
    }

    /// Marks it inactive where nothing was heard of it for longer than `after_ms`.
    pub(super) fn fall_silent(&mut self, now: Timestamp, after_ms: i64) {
        if self.view.is_active && now.millis_since(self.view.last_seen) > after_ms {
            self.view.is_active = false;
            self.changes += 1;
            self.fell_silent = Some(now);
        }
    }

    pub(super) fn reading(&mut self, reading: &Reading) {
        let candidate = Latest {
            value: reading.value(),
            timestamp: reading.timestamp(),
        };
        let latest = self.view.readings.entry(reading.quantity()).or_insert(candidate);
        *latest = newer(*latest, candidate);
    }

    pub(super) fn window(&mut self, state: &WindowState) {
        let candidate = Latest {
            value: state.position.percent(),
            timestamp: state.timestamp,
        };
        self.view.window = Some(
            self.view
                .window
                .map_or(candidate, |known| newer(known, candidate)),
        );
    }

    pub(super) fn command(&mut self, candidate: LatestCommand) {
        let known = self.view.command.as_ref();
        if known.is_none_or(|known| candidate.timestamp >= known.timestamp) {
            self.view.command = Some(candidate);
        }
    }

    pub(super) fn clip(&mut self, clip: &AnalysedClip) {
        let known = self.view.clip.as_ref();
        if known.is_none_or(|known| clip.timestamp >= known.timestamp) {
            self.view.clip = Some(LatestClip {
                timestamp: clip.timestamp,
                duration_s: clip.duration_s,
                level_dbfs: clip.features.level.map(|level| level.equivalent_dbfs),
                audio_hash: clip.hash.to_string(),
            });
        }
    }
}

pub(super) fn newer(known: Latest, candidate: Latest) -> Latest {
    if candidate.timestamp >= known.timestamp {
        candidate
    } else {
        known
    }
}
