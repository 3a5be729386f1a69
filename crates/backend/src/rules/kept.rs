//! What survives a restart: causes that are there, what sensors said, alarms, schedules that are on.
//!
//! `registry::KeptFile` says what becomes of a file that cannot be used.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Cause, CauseState, DeviceId, Planner, Quantity, Timestamp};
use registry::{Document, Mergeable};
use serde::{Deserialize, Serialize};

use super::Rules;

/// The form of the file.
const FORMAT: u32 = 1;

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    format: u32,
    #[serde(default)]
    sensors: BTreeMap<DeviceId, BTreeMap<Quantity, f64>>,
    #[serde(default)]
    alarms: BTreeSet<DeviceId>,
    #[serde(default)]
    windows: BTreeMap<DeviceId, KeptWindow>,
    /// When what was kept was found to be lost: what windows were told then is held for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lost_at: Option<Timestamp>,
    /// Alarms of which anything was said since, and whether they were on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    said: BTreeMap<DeviceId, bool>,
    /// Whether it was lost, and the rules were not looked at since: what windows were told is still to be taken up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_to_recall: bool,
    /// Whether alarms are on of which nobody knows the names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) lacks_names: bool,
}

impl Document for Kept {
    const FILE: &'static str = "rules.json";
    const WHAT: &'static str = "causes that close windows";
    const FORMAT: u32 = FORMAT;
}

impl Mergeable for Kept {
    /// What was said since counts; of what nobody said anything, what is here.
    fn merged(mut self, later: Self) -> Self {
        for (device_id, values) in later.sensors {
            self.sensors.entry(device_id).or_default().extend(values);
        }
        self.alarms.retain(|name| !later.said.contains_key(name));
        self.alarms.extend(later.alarms);
        // Those were told to windows, or recalled, since.
        if !later.is_to_recall {
            let before = std::mem::replace(&mut self.windows, later.windows);
            for (device_id, window) in before {
                self.keep_causes(device_id, window);
            }
        }
        // It counts where a further file is taken in.
        self.said.extend(later.said);
        if self.lost_at.is_some() {
            self.is_to_recall &= later.is_to_recall;
        } else {
            // Nothing is held for nobody's knowing any more.
            for window in self.windows.values_mut() {
                window.recalled.clear();
            }
        }
        self
    }
}

impl Kept {
    /// Keeps causes of a window of which the later file does not know: the next look ends those that sensors have cleared since.
    /// An alarm that is there is known by its name, where names are known.
    fn keep_causes(&mut self, device_id: DeviceId, before: KeptWindow) {
        let KeptWindow { causes, recalled, .. } = before;
        let causes = causes.into_iter().filter(|(cause, state)| {
            let is_by_name = *cause == Cause::Alarm && !recalled.contains(cause);
            state.limits() && !(is_by_name && *state == CauseState::There)
        });
        let causes: Vec<_> = causes.collect();
        if causes.is_empty() {
            return;
        }
        let window = self.windows.entry(device_id).or_default();
        for (cause, state) in causes {
            if window.causes.contains_key(&cause) {
                continue;
            }
            window.causes.insert(cause, state);
            if recalled.contains(&cause) {
                window.recalled.insert(cause);
            }
        }
    }

    /// Whether any window is held by what was lost.
    pub(super) fn holds_any(&self) -> bool {
        self.windows.values().any(|window| !window.recalled.is_empty())
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct KeptWindow {
    causes: BTreeMap<Cause, CauseState>,
    #[serde(default)]
    planner: Planner,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    recalled: BTreeSet<Cause>,
}

impl Rules {
    /// Takes up what was there before the start. A sensor is silent only when it was so since the start.
    pub(super) fn restore(&self, kept: Kept) {
        let began = self.began.0;
        let mut senses = self.senses.lock();
        for (device_id, values) in &kept.sensors {
            for (quantity, value) in values {
                senses.take(device_id, *quantity, *value, began);
            }
        }
        *self.alarms.lock() = kept.alarms;
        if self.follows_alarms() {
            *self.said.lock() = kept.said;
        }
        let mut state = self.state.lock();
        for (device_id, window) in kept.windows {
            let memory = state.memory.entry(device_id).or_default();
            memory.causes = window.causes.into_iter().collect();
            memory.planner = window.planner;
            memory.recalled = window.recalled;
        }
    }

    /// What is to be written.
    pub(super) fn kept(&self) -> Kept {
        let state = self.state.lock();
        let mut kept = Kept {
            format: FORMAT,
            alarms: self.alarms.lock().clone(),
            lost_at: self.lost_at,
            said: self.said.lock().clone(),
            is_to_recall: self.is_lost && !state.has_looked,
            lacks_names: self.lacks_names,
            ..Kept::default()
        };
        for (device_id, quantity, heard) in self.senses.lock().all() {
            let values = kept.sensors.entry(device_id.clone()).or_default();
            values.insert(quantity, heard.value);
        }
        for (device_id, memory) in &state.memory {
            if memory.causes.is_empty() && memory.planner == Planner::default() {
                continue;
            }
            let window = KeptWindow {
                causes: memory
                    .causes
                    .iter()
                    .map(|(cause, state)| (*cause, *state))
                    .collect(),
                planner: memory.planner.clone(),
                recalled: memory.recalled.clone(),
            };
            kept.windows.insert(device_id.clone(), window);
        }
        kept
    }
}
