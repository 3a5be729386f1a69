//! What limited windows before a start of which no file says anything: `rules.json` was damaged, is a newer version's,
//! cannot be read, or is gone.
//!
//! In: the interlocks that windows were told of before the start, the newest readings that were stored. Out: causes that are
//! there until sensors and alarms say it again, for a day at most: a window that was shut stays shut.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use domain::{Cause, CauseState, DeviceId, Quantity, Reading, Timestamp};
use registry::{Fault, KeptFile};
use tracing::error;

use super::{MOST_ALARMS, Memory, Rules, State, Told, compiled::Compiled, look::Sight};

/// How long a cause is held of which nobody says anything.
const LONGEST: Duration = Duration::from_hours(24);

/// What is held, in words.
const HELD: &str = "windows that rain, wind, frost or an alarm limited stay so until sensors and alarms say it again, for a day at \
                    most";
/// The same, where what windows were told is lost as well.
const UNKNOWN: &str =
    "windows.json is lost, too: what sensors said last is known, and no alarm before it is said again";

impl Rules {
    /// Takes up what is kept in the file at `path`, and keeps what changes there from now on.
    pub(super) fn open(&mut self, path: PathBuf) {
        let mut file = KeptFile::at(path);
        let taken = file.take();
        self.file = Some(Arc::new(file));
        self.is_left = matches!(taken.fault, Some(Fault::Left(_)));
        if taken.fault.is_some() || taken.document.is_none() || taken.is_to_write {
            // From now on, where there is no file it is lost.
            self.has_changed();
        }
        let why = taken.fault.map(|fault| match fault {
            Fault::Damaged(why) | Fault::Left(why) => why,
        });
        let reason = match (taken.document, why) {
            (Some(kept), why) => {
                self.lost_at = kept.lost_at.filter(|at| is_held(*at, self.began.0));
                self.is_lost = self.lost_at.is_some() && kept.is_to_recall;
                self.lacks_names = self.lost_at.is_some() && kept.lacks_names;
                let holds = self.lost_at.is_some() && (kept.holds_any() || kept.is_to_recall);
                self.restore(kept);
                if taken.is_behind {
                    // What windows were told is newer.
                    self.lose();
                }
                match why {
                    Some(why) => Some(format!("rules.json {why}")),
                    None => holds.then(|| "rules.json was lost before an earlier start".to_owned()),
                }
            }
            (None, Some(why)) => {
                self.lose();
                Some(format!("rules.json {why}"))
            }
            (None, None) => {
                // Neither of two files is there at a first start.
                if self.windows.were_kept() {
                    self.lose();
                }
                let holds = !self.windows.interlocks().is_empty() || !self.alarms.lock().is_empty();
                holds.then(|| "rules.json is not there".to_owned())
            }
        };
        if !self.lacks_names {
            self.windows.note_alarms(&self.alarms.lock());
        }
        if let Some(reason) = reason {
            let held = if self.knows_windows() { HELD } else { UNKNOWN };
            let reason = format!("{reason}: {held}");
            error!("{reason}");
            if self.is_left || self.lost_at.is_some() {
                self.keeping.reads.down(reason);
            }
        }
    }

    /// Takes that nothing is known of what was there last but what windows know. Of alarms, what is known of before counts where
    /// they know nothing.
    fn lose(&mut self) {
        // Starts that find the same loss make it no longer.
        (self.lost_at, self.is_lost) = (self.lost_at.or(Some(self.began.0)), true);
        let alarms = self.windows.alarms();
        let interlocks = self.windows.interlocks();
        let mut interlocks = interlocks.iter().flat_map(|(_, interlocks)| interlocks);
        let may_be_any = !self.knows_windows() || interlocks.any(|interlock| interlock.cause == Cause::Alarm);
        self.lacks_names = alarms.is_none() && may_be_any;
        if let Some(alarms) = alarms {
            *self.alarms.lock() = alarms;
        }
    }

    /// Whether it is known what windows were told before the start: their file is there, and could be read.
    fn knows_windows(&self) -> bool {
        self.windows.were_kept() && self.windows.are_known()
    }

    /// Whether it matters what is said of alarms, beside which of them are on.
    pub(super) fn follows_alarms(&self) -> bool {
        self.lost_at.is_some() || self.is_left
    }

    /// Whether a cause of which nobody says anything is held still; `steady` is a time that does not jump.
    pub(super) fn holds_lost(&self, steady: Timestamp) -> bool {
        let is_held = self.lost_at.is_some_and(|at| is_held(at, steady));
        if self.lost_at.is_some() && !is_held && !self.is_left {
            self.keeping.reads.up();
        }
        is_held
    }

    /// Is well again where nothing is held any more that nobody has said again.
    pub(super) fn see_what_is_held(&self, memory: &HashMap<DeviceId, Memory>) {
        let is_lost = self.lost_at.is_some() && !self.is_left;
        // What has no window is limited in name alone.
        let mut held = memory.iter().filter(|(_, memory)| !memory.recalled.is_empty());
        if is_lost && held.all(|(device_id, _)| self.windows.view(device_id).is_none()) {
            self.keeping.reads.up();
        }
    }

    /// Notes that something was said of an alarm. Returns whether it says anything of what was lost that was not said before.
    pub(super) fn say(&self, name: &DeviceId, is_on: bool) -> bool {
        let mut said = self.said.lock();
        if let Some(was_on) = said.get_mut(name) {
            return is_on && !std::mem::replace(was_on, true);
        }
        let has_place = self.follows_alarms() && said.len() < MOST_ALARMS;
        if has_place {
            said.insert(name.clone(), is_on);
        }
        has_place
    }

    /// Whether anything was said of an alarm that a window was shut for before the start. Of a window that heeds whatever alarm
    /// there is, nobody knows which one it was: the end of one that was not on since says nothing.
    pub(super) fn is_alarm_said(&self, compiled: &Compiled) -> bool {
        let alarm = &compiled.interlocks.alarm;
        let said = self.said.lock();
        said.iter()
            .any(|(name, was_on)| alarm.heeds(name) && (*was_on || alarm.alarms.is_some()))
    }

    /// Takes the newest readings that were stored, where nobody knows what sensors said.
    pub(crate) fn remember(&self, readings: &[Reading]) {
        if !self.is_lost {
            return;
        }
        let mut senses = self.senses.lock();
        for reading in readings {
            let (device_id, quantity) = (reading.device_id(), reading.quantity());
            let is_heeded = matches!(quantity, Quantity::Rain | Quantity::Wind | Quantity::Temperature);
            if is_heeded && !senses.knows(device_id, quantity) {
                // An old value does not count as said now.
                let at = self.began.0.min(reading.timestamp());
                senses.take(device_id, quantity, reading.value(), at);
            }
        }
    }

    /// Notes what windows were told before the start: what is not there any more is lifted.
    pub(super) fn recall(&self, state: &mut State) {
        for (device_id, interlocks) in self.windows.interlocks() {
            let memory = state.memory.entry(device_id).or_default();
            for interlock in interlocks {
                let told = Told {
                    most: interlock.most,
                    until: interlock.until,
                };
                memory.told.insert(interlock.cause, told);
            }
        }
        // Their rules are wanted, too.
        state.compiled_for = None;
    }
}

/// Whether what was lost at `at` is held still.
fn is_held(at: Timestamp, now: Timestamp) -> bool {
    (0..LONGEST.as_millis() as i64).contains(&now.millis_since(at))
}

impl Memory {
    /// Takes what the window was told before the start to be there still. Returns whether anything is.
    /// Alarms whose names are known need none of that.
    pub(super) fn hold_told(&mut self, compiled: &Compiled, sight: &Sight<'_>, lacks_names: bool) -> bool {
        for (cause, told) in &self.told {
            let Some(hold) = compiled.hold(*cause) else {
                continue;
            };
            let state = match told.until {
                None => CauseState::There,
                Some(until) => {
                    let left = until.millis_since(sight.wall).clamp(0, hold.as_millis() as i64);
                    CauseState::Gone(sight.steady.shifted(left).minus(hold))
                }
            };
            self.causes.insert(*cause, state);
            if state == CauseState::There && (lacks_names || *cause != Cause::Alarm) {
                self.recalled.insert(*cause);
            }
        }
        !self.recalled.is_empty()
    }

    /// Whether a cause is held although nobody says that it is there.
    pub(super) fn holds(&self, cause: Cause) -> bool {
        self.recalled.contains(&cause)
    }
}
