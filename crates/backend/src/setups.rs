//! What is set for each device, as it is needed for each of its messages.
//!
//! In: the registry. Out: a device's setup, computed once for each change of the registry and device. A message sees every
//! change that was acknowledged before it came: nothing is waited for, and nothing follows later.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{DeviceId, Hours, LawOptions, MotionOptions, Opening, Quantity, Settings, Thresholds};
use parking_lot::RwLock;
use registry::{Book, Registry, Revision};

use crate::{BackendOptions, InferenceTrigger};

/// What is set for a device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setup {
    /// The version of its settings; 0 where nothing was ever set.
    pub(crate) version: Revision,
    /// What is added to its readings.
    offsets: [f64; Quantity::COUNT],
    /// Whether its messages may come without a time.
    pub(crate) allows_no_time: bool,
    /// Whether it is out of use: nothing is decided for it.
    pub(crate) is_retired: bool,
    /// The number of the last change that took it out of use; 0 before the first.
    pub(crate) retired_revision: Revision,
    /// How often it is to report.
    pub(crate) interval: Option<Duration>,
    /// What makes a decision due.
    pub(crate) thresholds: Thresholds,
    /// How its window moves.
    pub(crate) window: WindowSetup,
}

/// What is set for a window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WindowSetup {
    /// How far it may open.
    pub(crate) opening: Opening,
    /// When it keeps still.
    pub(crate) quiet_hours: Vec<Hours>,
    /// Where those hours are.
    pub(crate) time_zone: Option<String>,
    /// How long a person's wish lasts of which nothing is said.
    pub(crate) override_for: Duration,
    /// How often and how little it moves.
    pub(crate) law: LawOptions,
    /// How its motor runs.
    pub(crate) motion: MotionOptions,
}

impl WindowSetup {
    /// How long a person's wish lasts unless something else is set.
    const OVERRIDE: Duration = Duration::from_hours(2);

    fn from(settings: &Settings) -> Self {
        let (law, motion) = (LawOptions::default(), MotionOptions::default());
        let span = |seconds: Option<f64>| seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
        let ms = |seconds: Option<f64>| span(seconds).map(|span| span.as_millis() as i64);
        Self {
            opening: settings.opening.clone(),
            quiet_hours: settings.quiet_hours.clone().unwrap_or_default(),
            time_zone: settings.time_zone.clone(),
            override_for: span(settings.override_s).unwrap_or(Self::OVERRIDE),
            law: LawOptions {
                min_interval_ms: ms(settings.min_interval_s).unwrap_or(law.min_interval_ms),
                min_move: settings.min_move.unwrap_or(law.min_move),
            },
            motion: MotionOptions {
                travel_ms: ms(settings.motor_travel_s).unwrap_or(motion.travel_ms),
                tolerance: settings.tolerance.unwrap_or(motion.tolerance),
            },
        }
    }
}

impl Setup {
    fn of(book: &Book, device_id: &DeviceId, general: Thresholds) -> Self {
        let entry = book.device(device_id);
        let location = entry.map_or("", |entry| entry.location.as_str());
        let level = book.effective(device_id, location);
        Self {
            is_retired: entry.is_some_and(|entry| entry.retired),
            retired_revision: entry.map_or(0, |entry| entry.retired_revision),
            ..Self::from(&level.settings, level.revision, general)
        }
    }

    fn from(settings: &Settings, version: Revision, general: Thresholds) -> Self {
        let interval = settings.report_interval_s;
        Self {
            version,
            offsets: Quantity::ALL.map(|quantity| settings.offset(quantity)),
            allows_no_time: settings.allows_no_time(),
            is_retired: false,
            retired_revision: 0,
            interval: interval.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            thresholds: settings.thresholds_over(general),
            window: WindowSetup::from(settings),
        }
    }

    /// What is added to a reading of `quantity`.
    pub(crate) const fn offset(&self, quantity: Quantity) -> f64 {
        self.offsets[quantity.index()]
    }
}

/// The setups of all devices.
#[derive(Debug)]
pub(crate) struct Setups {
    registry: Arc<Registry>,
    trigger: Arc<InferenceTrigger>,
    /// The most that are kept; those of further devices are computed each time.
    most: usize,
    /// That of every device before anything is set.
    plain: Arc<Setup>,
    /// With the revision of the registry that each was computed for.
    known: RwLock<HashMap<DeviceId, (Revision, Arc<Setup>)>>,
}

impl Setups {
    pub(crate) fn new(registry: Arc<Registry>, trigger: Arc<InferenceTrigger>, most: usize) -> Self {
        let general = trigger.options().thresholds;
        let plain = Setup::from(registry.book().base(), 0, general);
        Self {
            registry,
            trigger,
            most,
            plain: Arc::new(plain),
            known: RwLock::default(),
        }
    }

    /// Where nothing is set for any device.
    pub(crate) fn unset(options: &BackendOptions) -> Self {
        let trigger = InferenceTrigger::new(options.trigger, Arc::default());
        Self::new(Registry::in_memory(), Arc::new(trigger), 0)
    }

    /// What is set for a device now.
    pub(crate) fn of(&self, device_id: &DeviceId) -> Arc<Setup> {
        let revision = self.registry.revision();
        if revision == 0 {
            return Arc::clone(&self.plain);
        }
        if let Some((known, setup)) = self.known.read().get(device_id)
            && *known == revision
        {
            return Arc::clone(setup);
        }
        self.renew(device_id)
    }

    /// Whether somebody has set a device up.
    pub(crate) fn has(&self, device_id: &DeviceId) -> bool {
        self.registry.book().device(device_id).is_some()
    }

    /// Drops what is known of a device.
    pub(crate) fn forget(&self, device_id: &DeviceId) {
        self.known.write().remove(device_id);
    }

    #[cold]
    fn renew(&self, device_id: &DeviceId) -> Arc<Setup> {
        let book = self.registry.book();
        let general = self.trigger.options().thresholds;
        let setup = Arc::new(Setup::of(&book, device_id, general));
        let mut known = self.known.write();
        let before = known.get(device_id);
        if let Some((revision, newer)) = before
            && *revision > book.revision()
        {
            return Arc::clone(newer);
        }
        let is_other = before.map_or(*setup != *self.plain, |(_, before)| **before != *setup);
        if before.is_some() || known.len() < self.most {
            // While this is locked, so that an older setup does not come after a newer one.
            if is_other {
                self.trigger.set_up(device_id, &setup);
            }
            known.insert(device_id.clone(), (book.revision(), Arc::clone(&setup)));
        }
        setup
    }
}
