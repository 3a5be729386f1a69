//! The rules of one device, made of its settings once for each change.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use domain::{Almanac, Cause, DeviceId, InterlockSettings, ScheduleKind, Schedules, SensorRule, Settings};
use registry::Book;

use super::{Rules, State, marks::Marks};

/// The rules of one device.
#[derive(Debug)]
pub(super) struct Compiled {
    /// The name of its group; empty for none.
    pub(super) location: String,
    pub(super) is_retired: bool,
    pub(super) outdoor: Option<DeviceId>,
    /// Each with the one sensor that it listens to, where it is named.
    pub(super) sensor_rules: Vec<(SensorRule, Option<DeviceId>)>,
    pub(super) interlocks: InterlockSettings,
    pub(super) schedules: Schedules,
    pub(super) almanac: Option<Almanac>,
}

impl Compiled {
    fn of(book: &Book, device_id: &DeviceId) -> Self {
        let entry = book.device(device_id);
        let location = entry.map_or("", |entry| entry.location.as_str());
        let settings = book.effective(device_id, location).settings;
        Self::from(settings, location, entry.is_some_and(|entry| entry.retired))
    }

    fn from(settings: Settings, location: &str, is_retired: bool) -> Self {
        let rules = [Cause::Rain, Cause::Wind, Cause::Frost].into_iter();
        let sensor_rules = rules.filter_map(|cause| {
            let set = settings.interlocks.of(cause)?;
            Some((settings.interlocks.rule(cause)?, set.sensor.clone()))
        });
        let has_schedules = settings
            .schedules
            .values()
            .any(|schedule| schedule.kind != ScheduleKind::Off);
        Self {
            location: location.to_owned(),
            is_retired,
            sensor_rules: sensor_rules.collect(),
            almanac: has_schedules.then(|| Almanac::of(&settings)),
            outdoor: settings.outdoor_sensor,
            interlocks: settings.interlocks,
            schedules: settings.schedules,
        }
    }

    /// How long a cause that comes and goes counts after its end; `None` of locks, and where the rule is off.
    pub(super) fn hold(&self, cause: Cause) -> Option<Duration> {
        if cause == Cause::Alarm {
            let is_on = self.interlocks.alarm.on != Some(false);
            return is_on.then(|| self.interlocks.alarm_rule().1);
        }
        let mut rules = self.sensor_rules.iter().map(|(rule, _)| rule);
        Some(rules.find(|rule| rule.cause == cause)?.hold)
    }

    fn heeds_climate(&self) -> bool {
        self.almanac.is_some()
            || self
                .sensor_rules
                .iter()
                .any(|(rule, _)| rule.cause == Cause::Frost)
    }
}

impl Rules {
    /// Makes the rules anew where settings have changed, or devices have come.
    pub(super) fn compile(&self, state: &mut State) {
        let book = self.registry.book();
        let (devices, _) = self.devices.count();
        let made_for = (book.revision(), devices);
        if state.compiled_for == Some(made_for) {
            return;
        }
        let known = self
            .devices
            .versions()
            .into_iter()
            .map(|(device_id, _)| device_id);
        // At a start some are known by what was kept before they are heard of.
        let kept = state.memory.keys().cloned();
        let senses = self.senses.lock();
        let heard = senses.all().map(|(device_id, ..)| device_id.clone());
        let is_gone =
            |device_id: &DeviceId| book.forgotten_at(device_id).is_some() && !self.devices.knows(device_id);
        state.compiled = known
            .chain(kept)
            .chain(heard)
            .filter(|device_id| !is_gone(device_id))
            .map(|device_id| {
                let compiled = Arc::new(Compiled::of(&book, &device_id));
                (device_id, compiled)
            })
            .collect();
        drop(senses);
        let heeds_climate = state.compiled.values().any(|compiled| compiled.heeds_climate());
        self.heeds_climate.store(heeds_climate, Ordering::Relaxed);
        let general = Compiled::from(book.general(), "", false);
        let rules = state.compiled.values().map(AsRef::as_ref).chain([&general]);
        let rules = rules.flat_map(|compiled| compiled.sensor_rules.iter().map(|(rule, _)| rule));
        *self.marks.lock() = Marks::of(rules, book.revision());
        state.compiled_for = Some(made_for);
    }
}
