//! The state of one device, and how events change it.

use std::{collections::VecDeque, time::Duration};

use domain::{DeviceId, Reading, Settings, SettingsAck, Telemetry, Timestamp, WindowState};
use registry::{Entry, Revision};

use super::{
    health::{Health, Left, Presence, Problem, Watch, Whereabouts},
    view::{Delivery, DeviceView, Latest, LatestCommand, LatestTelemetry, SettingsState, WrongClock},
};
use crate::clips::AnalysedClip;

/// Events of a device in an hour; what is beyond them is seen in its health alone.
const EVENTS_AN_HOUR: u32 = 40;
const HOUR_MS: i64 = 3_600_000;

/// How a message came, and what it says of its sender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// When.
    pub(crate) at: Timestamp,
    /// The sender's clock, where that is wrong.
    pub(crate) clock: Option<WrongClock>,
    /// How far the stated time is ahead of ours; `None` where none is stated.
    pub(crate) ahead_ms: Option<i64>,
    /// Whether its clock is behind by the same all the time.
    pub(crate) is_behind: bool,
    /// How often it is to report, where somebody set it.
    pub(crate) interval: Option<Duration>,
}

#[cfg(test)]
impl Heard {
    /// At `at`, and nothing else is known.
    pub(crate) const fn at(at: Timestamp) -> Self {
        Self {
            at,
            clock: None,
            ahead_ms: None,
            is_behind: false,
            interval: None,
        }
    }
}

/// An event that is not durable yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) event: &'static str,
    pub(super) detail: String,
    pub(super) at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) view: DeviceView,
    pub(super) watch: Box<Watch>,
    /// What is set for it alone.
    pub(super) own: Settings,
    /// What the table's column says of that, and what that text means.
    pub(super) config: (String, Settings),
    /// The registry's entry that `view` shows.
    pub(super) entry_revision: Revision,
    /// Whether the table was asked for it: before that, a row of ours would overwrite its configuration.
    pub(super) looked_up: bool,
    /// Whether anything was heard of it since the start.
    pub(super) is_heard: bool,
    /// `last_seen` in the newest durable registry row; `None` until there is one.
    pub(super) written: Option<Timestamp>,
    /// Changes that must not wait for the refresh, and how many of them are in a durable row.
    pub(super) changes: u64,
    pub(super) changes_written: u64,
    /// Events that are not durable yet, the oldest first.
    pub(super) pending: VecDeque<Pending>,
    /// Answers to the present version of its settings that were stored.
    pub(super) answers: u8,
    /// The events of the present hour.
    budget: (Timestamp, u32),
}

impl Device {
    /// A device that was heard of at `at`, or that somebody has set up.
    pub(super) fn new(device_id: &DeviceId, at: Option<Timestamp>) -> Self {
        let view = DeviceView::new(device_id, at);
        Self {
            view,
            watch: Box::default(),
            own: Settings::default(),
            config: ("{}".into(), Settings::default()),
            entry_revision: 0,
            looked_up: false,
            is_heard: false,
            written: None,
            changes: 0,
            changes_written: 0,
            pending: VecDeque::new(),
            answers: 0,
            budget: (Timestamp::from_millis(0), 0),
        }
    }

    /// Whether nothing but its first message is known of it.
    pub(super) const fn is_new(&self) -> bool {
        self.written.is_none() && self.changes == 0
    }

    /// Takes what somebody has set up.
    pub(super) fn set_up(&mut self, entry: &Entry) {
        if self.entry_revision == entry.revision {
            return;
        }
        self.entry_revision = entry.revision;
        self.changes += 1;
        self.view.name = if entry.name.is_empty() {
            self.view.device_id.to_string()
        } else {
            entry.name.clone()
        };
        self.view.location.clone_from(&entry.location);
        self.view.retired = entry.retired;
        self.view.is_active = self.view.health.state.is_there() && !entry.retired;
        self.own.clone_from(&entry.settings);
    }

    /// Takes the version of the settings in effect. Returns whether it is another one.
    pub(super) fn settings(&mut self, version: Revision) -> bool {
        if self.view.settings.version == version {
            return false;
        }
        self.view.settings = SettingsState {
            version,
            state: if version == 0 {
                Delivery::None
            } else {
                Delivery::Pending
            },
            reason: None,
            at: None,
        };
        true
    }

    /// What an answer to the settings in effect makes of their state; `None` where it changes nothing.
    pub(super) fn answered(&self, ack: &SettingsAck, at: Timestamp) -> Option<SettingsState> {
        let answer = SettingsState {
            version: ack.version,
            state: if ack.refused.is_none() {
                Delivery::Applied
            } else {
                Delivery::Refused
            },
            reason: ack.refused.clone(),
            at: Some(at),
        };
        let known = &self.view.settings;
        let is_known = (known.state, &known.reason) == (answer.state, &answer.reason);
        (known.version == ack.version && ack.version > 0 && !is_known).then_some(answer)
    }

    /// It said something that tells no more than that it is there.
    pub(super) fn present(&mut self, at: Timestamp) {
        self.view.registered_at.get_or_insert(at);
        self.view.last_seen = self.view.last_seen.max(Some(at));
        self.is_heard = true;
        self.watch.heard(at);
        self.be_online(at);
    }

    pub(super) fn seen(&mut self, heard: &Heard) {
        self.present(heard.at);
        self.watch.set_interval = heard.interval;
        self.watch.clock(heard.ahead_ms, heard.is_behind);
        self.view.clock = merged(self.view.clock, heard.clock);
    }

    /// It is there, from now on if it was not.
    fn be_online(&mut self, at: Timestamp) {
        let is_active = !self.view.retired;
        self.changes += u64::from(self.view.is_active != is_active);
        self.view.is_active = is_active;
        let health = &mut self.view.health;
        match health.state {
            // That data are fresh again, data tell.
            Presence::Online | Presence::Stale => return,
            Presence::NeverSeen => {}
            Presence::Offline => {
                let since = health.since.map(|since| format!("it was gone since {since}"));
                self.tell("online", since.unwrap_or_default(), at);
            }
        }
        let health = &mut self.view.health;
        (health.state, health.since) = (Presence::Online, Some(at));
        health.reason.clear();
    }

    /// Takes a birth or a last will, whose event is durable.
    pub(super) fn status(&mut self, online: bool, at: Timestamp) {
        if online {
            self.view.registered_at.get_or_insert(at);
            self.view.last_seen = self.view.last_seen.max(Some(at));
            self.is_heard = true;
            self.watch.come_back();
        } else {
            let reason = "it said that it goes, or its broker said that it is lost".into();
            self.watch.leave(Left { at, reason });
        }
        let is_active = online && !self.view.retired;
        self.changes += u64::from(self.view.is_active != is_active || self.changes == 0);
        self.view.is_active = is_active;
        let health = &mut self.view.health;
        let state = if online {
            Presence::Online
        } else {
            Presence::Offline
        };
        let is_stale = online && health.state == Presence::Stale;
        if health.state != state && !is_stale {
            (health.state, health.since) = (state, Some(at));
        }
    }

    /// Its connection to the broker ended.
    pub(super) fn disconnected(&mut self, reason: &'static str, at: Timestamp) {
        let reason = reason.into();
        self.watch.leave(Left { at, reason });
    }

    /// Looks at it anew, and notes what has changed.
    pub(super) fn examine(&mut self, now: Timestamp, inactive_after: Duration) {
        let of = Whereabouts {
            last_seen: self.view.last_seen,
            clock: self.view.clock,
            inactive_after,
        };
        let health = self.watch.health(of, &self.view.health, now);
        let before = std::mem::replace(&mut self.view.health, health);
        let is_active = self.view.health.state.is_there() && !self.view.retired;
        self.changes += u64::from(self.view.is_active != is_active);
        self.view.is_active = is_active;
        self.tell_changes(&before, now);
    }

    fn tell_changes(&mut self, before: &Health, now: Timestamp) {
        let after = &self.view.health;
        let (is_gone, reason) = (after.state == Presence::Offline, after.reason.clone());
        if before.state != after.state {
            let event = match after.state {
                Presence::Online => Some("online"),
                Presence::Stale => Some("stale"),
                Presence::Offline if self.watch.has_left() => Some("offline"),
                Presence::Offline => Some("inactive"),
                Presence::NeverSeen => None,
            };
            if let Some(event) = event {
                self.tell(event, reason, now);
            }
        }
        // What is gone is neither well nor ill.
        if is_gone {
            return;
        }
        let is_known = |known: &[Problem], problem: &Problem| {
            let same = |known: &Problem| (known.kind, known.quantity) == (problem.kind, problem.quantity);
            known.iter().any(same)
        };
        let after = self.view.health.problems.clone();
        for problem in after
            .iter()
            .filter(|problem| !is_known(&before.problems, problem))
        {
            self.tell(problem.kind.as_str(), problem.detail.clone(), now);
        }
        for problem in before
            .problems
            .iter()
            .filter(|problem| !is_known(&after, problem))
        {
            self.tell(
                "recovered",
                format!("{}: {}", problem.kind.as_str(), problem.detail),
                now,
            );
        }
    }

    /// Notes an event, unless there were too many within the hour.
    fn tell(&mut self, event: &'static str, detail: String, at: Timestamp) {
        if at.millis_since(self.budget.0).abs() >= HOUR_MS {
            self.budget = (at, 0);
        }
        self.budget.1 += 1;
        if self.budget.1 <= EVENTS_AN_HOUR {
            self.pending.push_back(Pending { event, detail, at });
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
            self.view.clip = Some(clip.into());
        }
    }

    /// Takes what it says of itself. What it does not say stays as it was said before.
    pub(super) fn telemetry(&mut self, telemetry: &Telemetry, at: Timestamp) -> &LatestTelemetry {
        let candidate = LatestTelemetry::of(telemetry, at);
        let known = self.view.telemetry.take();
        self.view.telemetry.insert(match known {
            None => candidate,
            Some(known) if known.timestamp > candidate.timestamp => known,
            Some(known) => candidate.over(known),
        })
    }
}

/// The clock's state, since when it has been that.
fn merged(known: Option<WrongClock>, clock: Option<WrongClock>) -> Option<WrongClock> {
    clock.map(|clock| {
        let since = known.filter(|known| known.state == clock.state);
        let since = since.map_or(clock.since, |known| known.since);
        WrongClock { since, ..clock }
    })
}

pub(super) fn newer(known: Latest, candidate: Latest) -> Latest {
    if candidate.timestamp >= known.timestamp {
        candidate
    } else {
        known
    }
}
