//! What of windows survives a restart: who holds them, what limits them, where they were told to go.
//!
//! In: windows, the names of the alarms that are on. Out: a file beside the registry's, written whole, synced and renamed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use domain::{
    ContextInterlock, DeviceId, Motion, MotionRecord, Origin, Override, Position, Source, Timestamp,
};
use registry::{Document, Mergeable, Revision};
use serde::{Deserialize, Serialize};

use super::{
    CommandState,
    known::Climate,
    window::{Command, Holder, Window},
};

const FORMAT: u32 = 1;

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptWindows {
    format: u32,
    windows: BTreeMap<DeviceId, KeptWindow>,
    /// The alarms that are on, for rules whose own file is lost; `None` where nobody knows them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) alarms: Option<BTreeSet<DeviceId>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptWindow {
    is_known: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commanded: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commanded_at: Option<Timestamp>,
    #[serde(default)]
    is_lost: bool,
    #[serde(default)]
    motion: Motion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled: Option<Position>,
    /// The time of its newest report, by its own clock: what is stored may be newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<KeptHold>,
    /// Whether somebody held it at any time: everybody is told after a start that nobody does any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_held: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_revision: Option<Revision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    interlocks: Vec<ContextInterlock>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<KeptCommand>,
    /// The newest temperature, °C, and humidity, %, for commands right after the start.
    #[serde(default, skip_serializing_if = "is_unknown")]
    climate: Climate,
    /// The ids of the newest commands of ours: they may come back after the restart.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    own: VecDeque<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptHold {
    position: Position,
    until: Option<Timestamp>,
    since: Timestamp,
    by: String,
    source: Source,
    is_span: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptCommand {
    command_id: String,
    position: Position,
    origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model_version: Option<String>,
    state: CommandState,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

impl Default for KeptWindows {
    fn default() -> Self {
        Self {
            format: FORMAT,
            windows: BTreeMap::new(),
            alarms: None,
        }
    }
}

impl Document for KeptWindows {
    const FILE: &'static str = "windows.json";
    const WHAT: &'static str = "state of windows";
    const FORMAT: u32 = FORMAT;
}

impl Mergeable for KeptWindows {
    /// What was noted of a window later counts. A person's wish of before lasts where nobody held the window since.
    fn merged(mut self, later: Self) -> Self {
        for (device_id, mut window) in later.windows {
            if let Some(before) = self.windows.remove(&device_id) {
                if !window.was_held {
                    (window.hold, window.was_held) = (before.hold, before.was_held);
                    window.retired_revision = before.retired_revision;
                }
                if is_unknown(&window.climate) {
                    window.climate = before.climate;
                }
            }
            self.windows.insert(device_id, window);
        }
        self.alarms = later.alarms.or(self.alarms);
        self
    }
}

impl KeptWindows {
    /// What is to survive of `windows`.
    pub(super) fn of(
        windows: &HashMap<DeviceId, Window>,
        alarms: Option<BTreeSet<DeviceId>>,
        climate: impl Fn(&DeviceId) -> Climate,
    ) -> Self {
        let kept = windows
            .iter()
            .map(|(device_id, window)| (device_id.clone(), keep(window, climate(device_id))));
        Self {
            format: FORMAT,
            windows: kept.collect(),
            alarms,
        }
    }

    /// The climate of each window that has any.
    pub(super) fn climates(&self) -> HashMap<DeviceId, Climate> {
        let known = self
            .windows
            .iter()
            .filter(|(_, window)| !is_unknown(&window.climate));
        known
            .map(|(device_id, window)| (device_id.clone(), window.climate))
            .collect()
    }

    /// The windows at `now` on the wall, and at `steady_ms` by the clock that never jumps.
    pub(super) fn restore(self, now: Timestamp, steady_ms: i64) -> HashMap<DeviceId, Window> {
        let restored = self
            .windows
            .into_iter()
            .map(|(device_id, kept)| (device_id, restore(kept, now, steady_ms)));
        restored.collect()
    }
}

fn is_unknown(climate: &Climate) -> bool {
    climate.iter().all(Option::is_none)
}

fn keep(window: &Window, climate: Climate) -> KeptWindow {
    let record = &window.record;
    let hold = record.hold.zip(window.holder.as_ref());
    KeptWindow {
        is_known: window.is_known,
        commanded: record.commanded.map(|(position, _)| position),
        commanded_at: record.commanded.map(|(_, at)| at),
        is_lost: record.is_lost,
        motion: window.motion.state(),
        settled: window.motion.settled(),
        reported_at: window.newest,
        hold: hold.map(|(hold, holder)| KeptHold {
            position: hold.position,
            until: hold.until,
            since: holder.since,
            by: holder.by.clone(),
            source: holder.source,
            is_span: holder.is_span,
        }),
        was_held: window.was_held,
        retired_revision: window.retired_revision,
        interlocks: record.interlocks.all().collect(),
        command: window.command.as_ref().map(|command| KeptCommand {
            command_id: command.command_id.clone(),
            position: command.position,
            origin: command.origin.as_str().to_owned(),
            model_version: command.origin.model_version().map(str::to_owned),
            state: command.state,
            at: command.at,
            reason: command.reason.clone(),
            cause: command.cause.clone(),
        }),
        climate,
        own: window.own.clone(),
    }
}

fn restore(kept: KeptWindow, now: Timestamp, steady_ms: i64) -> Window {
    let mut window = Window {
        is_known: kept.is_known,
        motion: MotionRecord::restored(kept.motion, kept.settled),
        own: kept.own,
        newest: kept.reported_at,
        was_held: kept.was_held || kept.hold.is_some(),
        retired_revision: kept.retired_revision,
        ..Window::default()
    };
    let record = &mut window.record;
    record.commanded = kept.commanded.zip(kept.commanded_at);
    record.reported = kept.settled;
    record.is_lost = kept.is_lost;
    for interlock in kept.interlocks {
        record.interlocks.set(interlock.cause, interlock.most);
        if let Some(until) = interlock.until {
            record.interlocks.clear(interlock.cause, until);
        }
    }
    if let Some(hold) = kept.hold {
        record.hold = Some(Override {
            position: hold.position,
            until: until(&hold, now),
        });
        window.holder = Some(Holder {
            by: hold.by,
            source: hold.source,
            since: hold.since,
            is_span: hold.is_span,
        });
    }
    if let Some(command) = kept.command {
        // It may have arrived a moment before the end: it has the motor's time once more.
        if matches!(command.state, CommandState::Sent | CommandState::Received) {
            window.motion.command(command.position, steady_ms);
        }
        window.command = Some(Command {
            command_id: command.command_id,
            position: command.position,
            origin: Origin::stated(Some(&command.origin), command.model_version),
            state: command.state,
            at: command.at,
            reason: command.reason,
            cause: command.cause,
            before: None,
        });
    }
    window
}

/// When a person's wish ends. One that lasts for a span never lasts longer than that, whatever the clock was meanwhile.
fn until(hold: &KeptHold, now: Timestamp) -> Option<Timestamp> {
    let until = hold.until?;
    if !hold.is_span {
        return Some(until);
    }
    let span = until.millis_since(hold.since).max(0);
    Some(until.min(now.plus(Duration::from_millis(span as u64))))
}
