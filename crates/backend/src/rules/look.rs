//! A look at the interlocks of all devices.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use domain::{Cause, CauseState, DeviceId, Position, Quantity, Sensed, SensorRule, Timestamp, WhenSilent};

use super::{
    MOST_ALARMS, Memory, News, Rules, State, Told,
    compiled::Compiled,
    senses::{Heard, OfDevice},
};
use crate::clock::now;

/// By so much the clock on the wall may differ before an interlock's end is told anew.
const DRIFT_MS: i64 = 2_000;

/// What there is to look at.
pub(super) struct Sight<'a> {
    pub(super) heard: HashMap<DeviceId, OfDevice>,
    /// Sensors of rain and wind by location.
    outdoors: HashMap<&'a str, Vec<&'a DeviceId>>,
    alarms: BTreeSet<DeviceId>,
    compiled: &'a HashMap<DeviceId, Arc<Compiled>>,
    /// The time that people mean.
    pub(super) wall: Timestamp,
    /// The time by a clock that does not jump.
    pub(super) steady: Timestamp,
    began: Timestamp,
    /// Whether causes are held of which nobody says anything.
    holds_lost: bool,
}

impl Sight<'_> {
    fn heard(&self, device_id: &DeviceId, quantity: Quantity) -> Option<Heard> {
        let is_retired = self
            .compiled
            .get(device_id)
            .is_some_and(|compiled| compiled.is_retired);
        self.heard.get(device_id)?[quantity.index()].filter(|_| !is_retired)
    }

    /// How long it is since the start.
    fn age(&self) -> Duration {
        let age = self.steady.millis_since(self.began);
        Duration::from_millis(u64::try_from(age).unwrap_or_default())
    }

    /// The newest value.
    pub(super) fn newest(&self, device_id: &DeviceId, quantity: Quantity) -> Option<Sensed> {
        Some(self.heard(device_id, quantity)?.newest(self.steady))
    }

    /// What the sensors say that a rule of a device listens to.
    fn sensors(
        &self,
        device_id: &DeviceId,
        compiled: &Compiled,
        rule: &SensorRule,
        named: Option<&DeviceId>,
    ) -> Vec<Sensed> {
        let Some(quantity) = rule.cause.quantity() else {
            return Vec::new();
        };
        let is_low_worse = rule.cause == Cause::Frost;
        let sensed = |sensor: &DeviceId| {
            let mut sensed = self.heard(sensor, quantity)?.sensed(is_low_worse, self.steady);
            if rule.when_silent == WhenSilent::Ignore {
                // What was said before the start counts until the sensor had its time to speak.
                sensed.age = sensed.age.min(self.age());
            }
            Some(sensed)
        };
        if let Some(named) = named {
            // One that was never heard of is silent since the start.
            let never = Heard::never(self.began).sensed(false, self.steady);
            return vec![sensed(named).unwrap_or(never)];
        }
        if rule.cause == Cause::Frost {
            return compiled.outdoor.as_ref().and_then(sensed).into_iter().collect();
        }
        let here = self.outdoors.get(compiled.location.as_str());
        let here = here.into_iter().flatten().copied();
        let others = [device_id].into_iter().chain(compiled.outdoor.as_ref());
        here.chain(others).filter_map(sensed).collect()
    }
}

impl Rules {
    /// Looks at all rules once: tells windows what limits them and where schedules want them. Returns what is to be told.
    pub(super) fn look(&self) -> Vec<News> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let is_first = !std::mem::replace(&mut state.has_looked, true);
        if is_first {
            self.recall(state);
        }
        self.compile(state);
        let heard = {
            let mut senses = self.senses.lock();
            senses.forget(|device_id| state.compiled.contains_key(device_id));
            senses.look()
        };
        let State { compiled, memory, .. } = state;
        let compiled = &*compiled;
        memory.retain(|device_id, _| compiled.contains_key(device_id));
        let mut sight = Sight {
            outdoors: HashMap::new(),
            alarms: self.alarms.lock().clone(),
            compiled,
            wall: now(),
            steady: self.steady(),
            began: self.began.0,
            holds_lost: self.holds_lost(self.steady()),
            heard,
        };
        let outdoor = |heard: &OfDevice| {
            heard[Quantity::Rain.index()].is_some() || heard[Quantity::Wind.index()].is_some()
        };
        for (device_id, compiled) in compiled
            .iter()
            .filter(|(_, compiled)| !compiled.location.is_empty())
        {
            if sight.heard.get(device_id).is_some_and(outdoor) {
                sight
                    .outdoors
                    .entry(&compiled.location)
                    .or_default()
                    .push(device_id);
            }
        }
        let mut news = Vec::new();
        // From here on it is kept what was recalled, and not that it is to be.
        let mut has_changed = is_first && self.is_lost;
        for (device_id, compiled) in compiled {
            if let Some(memory) = memory.get_mut(device_id) {
                if is_first && self.is_lost {
                    has_changed |= memory.hold_told(compiled, &sight, self.lacks_names);
                }
                if memory.holds(Cause::Alarm) && self.is_alarm_said(compiled) {
                    has_changed |= memory.recalled.remove(&Cause::Alarm);
                }
            }
            let causes = causes(device_id, compiled, memory.get(device_id), &sight);
            let has_schedules = compiled.almanac.is_some();
            if causes.is_empty() && !has_schedules && !memory.contains_key(device_id) {
                continue;
            }
            let memory = memory.entry(device_id.clone()).or_default();
            has_changed |= self.interlock(device_id, memory, &causes, &sight, &mut news);
            has_changed |= self.schedule(device_id, compiled, memory, &sight);
        }
        self.see_what_is_held(memory);
        if has_changed {
            self.has_changed();
        }
        news
    }

    /// Tells a window what limits it. Returns whether anything has changed that is to survive a restart.
    fn interlock(
        &self,
        device_id: &DeviceId,
        memory: &mut Memory,
        causes: &[Present],
        sight: &Sight<'_>,
        news: &mut Vec<News>,
    ) -> bool {
        let is_window = || self.windows.view(device_id).is_some();
        let mut has_changed = false;
        for one in causes {
            let before = memory.causes.insert(one.cause, one.state).unwrap_or_default();
            has_changed |= before != one.state;
            let until = match one.state {
                CauseState::Gone(since) => {
                    let left = since.plus(one.hold).millis_since(sight.steady).max(0);
                    Some(Timestamp::from_millis(sight.wall.as_millis() + left))
                }
                CauseState::Absent | CauseState::There => None,
            };
            if one.state.limits() {
                let told = Told {
                    most: one.most,
                    until,
                };
                self.tell_limit(device_id, memory, one.cause, told);
            }
            if one.state.limits() && !before.limits() && is_window() {
                let detail = format!("{}: at most {:.0} % open", one.text, one.most.percent());
                news.push(News {
                    device_id: device_id.clone(),
                    event: "interlock",
                    detail,
                });
            }
        }
        // What is over, or was switched off.
        let over = |cause: &Cause| {
            let one = causes.iter().find(|one| one.cause == *cause);
            one.is_none_or(|one| !one.state.limits())
        };
        let over: Vec<Cause> = memory.told.keys().copied().filter(over).collect();
        for cause in over {
            memory.causes.remove(&cause);
            let told = memory.told.remove(&cause).expect("it was just found");
            if told.until.is_none_or(|until| until > sight.wall) {
                self.windows.limit(device_id, cause, told.most);
                self.windows.unlimit(device_id, cause, sight.wall);
            }
            if is_window() {
                news.push(News {
                    device_id: device_id.clone(),
                    event: "interlock_over",
                    detail: format!("{cause}: no longer"),
                });
            }
            has_changed = true;
        }
        let is_listed = |cause: &Cause| causes.iter().any(|one| one.cause == *cause);
        memory
            .causes
            .retain(|cause, state| state.limits() && is_listed(cause));
        let Memory { causes, recalled, .. } = memory;
        recalled.retain(|cause| causes.contains_key(cause));
        has_changed
    }

    fn tell_limit(&self, device_id: &DeviceId, memory: &mut Memory, cause: Cause, told: Told) {
        let is_told = memory.told.get(&cause).is_some_and(|before| {
            let is_same_end = match (before.until, told.until) {
                (None, None) => true,
                (Some(before), Some(now)) => before.millis_since(now).abs() < DRIFT_MS,
                _ => false,
            };
            before.most == told.most && is_same_end
        });
        if is_told {
            return;
        }
        // An end that was told before is only told anew after the cause.
        self.windows.limit(device_id, cause, told.most);
        if let Some(until) = told.until {
            self.windows.unlimit(device_id, cause, until);
        }
        memory.told.insert(cause, told);
    }
}

/// A cause as it is now.
struct Present {
    cause: Cause,
    state: CauseState,
    most: Position,
    hold: Duration,
    text: String,
}

/// Every cause of a device that is there, was there, or has just gone.
fn causes(
    device_id: &DeviceId,
    compiled: &Compiled,
    memory: Option<&Memory>,
    sight: &Sight<'_>,
) -> Vec<Present> {
    let before = |cause| {
        let known = memory.and_then(|memory| memory.causes.get(&cause));
        known.copied().unwrap_or_default()
    };
    let holds = |cause| memory.is_some_and(|memory| memory.holds(cause));
    let mut causes = Vec::new();
    let mut add = |cause: Cause, state: CauseState, most, hold, text: String| {
        if state.limits() || before(cause).limits() {
            causes.push(Present {
                cause,
                state,
                most,
                hold,
                text,
            });
        }
    };
    if compiled.is_retired {
        return Vec::new();
    }
    for (rule, named) in &compiled.sensor_rules {
        let sensors = sight.sensors(device_id, compiled, rule, named.as_ref());
        // Without sensors that say anything, what was there stays: of what was lost, for a day.
        let is_over = holds(rule.cause)
            && !sight.holds_lost
            && rule.when_silent != WhenSilent::Close
            && sensors.iter().all(|sensed| sensed.value.is_nan());
        let state = if is_over {
            before(rule.cause).after(false, rule.hold, sight.steady)
        } else {
            rule.next(before(rule.cause), &sensors, sight.steady)
        };
        let worst = sensors
            .iter()
            .map(|sensed| sensed.value)
            .reduce(|a, b| rule.worse(a, b));
        let unit = rule.cause.quantity().map_or("", Quantity::unit);
        let text = match worst {
            Some(value) if value.is_finite() => format!("{} ({value:.1} {unit})", rule.cause),
            _ => rule.cause.to_string(),
        };
        add(rule.cause, state, rule.most, rule.hold, text);
    }
    let heeded = sight
        .alarms
        .iter()
        .find(|name| compiled.interlocks.alarm.heeds(name));
    // A further alarm had no place: it may be the one.
    let heeds_none = compiled
        .interlocks
        .alarm
        .alarms
        .as_ref()
        .is_some_and(Vec::is_empty);
    let is_full = !heeds_none && sight.alarms.len() >= MOST_ALARMS;
    let (most, hold) = compiled.interlocks.alarm_rule();
    if compiled.interlocks.alarm.on != Some(false) {
        let is_held = holds(Cause::Alarm) && sight.holds_lost;
        let is_there = heeded.is_some() || is_full || is_held;
        let state = before(Cause::Alarm).after(is_there, hold, sight.steady);
        let text = match heeded {
            Some(name) => format!("there is an alarm ({name})"),
            None if is_full => format!("there are {MOST_ALARMS} alarms, and no place for further ones"),
            None => Cause::Alarm.to_string(),
        };
        add(Cause::Alarm, state, most, hold, text);
    }
    for (cause, most) in compiled.interlocks.locks() {
        if let Some(most) = most {
            add(cause, CauseState::There, most, Duration::ZERO, cause.to_string());
        }
    }
    causes
}
