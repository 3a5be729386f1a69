//! What is known of windows from before the start, where their file says it, and what rules want to be kept beside it.
//!
//! In: the file as it was found, the alarms that are on. Out: windows as they were; what is not known any more is told.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use domain::{DeviceId, Quantity};
use parking_lot::Mutex;
use registry::{Fault, Taken};
use tracing::error;

use super::{Keeper, KeptWindows, Windows};
use crate::{Devices, keeping::Keeping};

/// Temperature, °C, and humidity, %, as far as they are known.
pub(super) type Climate = [Option<f64>; 2];

/// How long it is told that a file was damaged, ms.
const TOLD_MS: i64 = 24 * 60 * 60 * 1_000;

/// What was lost, in words.
const LOST: &str =
    "what people wanted of windows before is forgotten, and what limits them is known by rules.json alone";

/// What is known of before the start.
#[derive(Debug)]
pub(super) struct Known {
    /// Whether there was a file at this start, whatever is in it.
    was_kept: bool,
    /// Whether what was in it is known.
    is_read: bool,
    /// Until when it is told that it was damaged, by the clock that never jumps, ms.
    told_until: Option<i64>,
    /// The alarms that are on; `None` where nobody knows them all.
    alarms: Mutex<Option<BTreeSet<DeviceId>>>,
    /// The climate of before, until devices say it again.
    climates: HashMap<DeviceId, Climate>,
}

impl Known {
    /// What a start found, at `steady_ms` by the clock that never jumps.
    pub(super) fn of(
        taken: Option<Taken<KeptWindows>>,
        keeper: &Keeper,
        steady_ms: i64,
    ) -> (KeptWindows, Self) {
        let mut known = Self {
            was_kept: false,
            is_read: true,
            told_until: None,
            alarms: Mutex::default(),
            climates: HashMap::new(),
        };
        let Some(taken) = taken else {
            return (KeptWindows::default(), known);
        };
        if taken.document.is_none() || taken.is_to_write {
            // From now on, where there is no file one is lost.
            keeper.changed();
        }
        if let Some(fault) = taken.fault {
            known.was_kept = true;
            known.is_read = taken.document.is_some();
            let (Fault::Damaged(why) | Fault::Left(why)) = &fault;
            let reason = format!("windows.json {why}: {LOST}");
            error!("{reason}");
            keeper.keeping().reads.down(reason);
            known.told_until = matches!(fault, Fault::Damaged(_)).then_some(steady_ms + TOLD_MS);
        }
        let Some(kept) = taken.document else {
            return (KeptWindows::default(), known);
        };
        known.was_kept = true;
        known.alarms.lock().clone_from(&kept.alarms);
        known.climates = kept.climates();
        (kept, known)
    }

    /// The alarms that are on; `None` where nobody knows them all.
    pub(super) fn alarms(&self) -> Option<BTreeSet<DeviceId>> {
        self.alarms.lock().clone()
    }

    /// The newest temperature and humidity of a device: what it said since the start, or what was kept before.
    pub(super) fn climate(&self, devices: &Devices, device_id: &DeviceId) -> Climate {
        let before = self.climates.get(device_id).copied().unwrap_or_default();
        let quantities = [Quantity::Temperature, Quantity::Humidity];
        std::array::from_fn(|at| devices.latest(device_id, quantities[at]).or(before[at]))
    }

    /// Is well again a day after a damaged file was told.
    pub(super) fn examine(&self, keeper: &Keeper, steady_ms: i64) {
        if self.told_until.is_some_and(|until| steady_ms >= until) {
            keeper.keeping().reads.up();
        }
    }
}

impl Windows {
    /// How the state of windows is kept.
    pub(crate) fn keeping(&self) -> Arc<Keeping> {
        self.keeper.keeping()
    }

    /// Whether anything was kept before the start.
    pub(crate) fn were_kept(&self) -> bool {
        self.known.was_kept
    }

    /// Whether what was kept before the start is known.
    pub(crate) fn are_known(&self) -> bool {
        self.known.is_read
    }

    /// The alarms that are on, as far as anybody noted; `None` where nobody knows them all.
    pub(crate) fn alarms(&self) -> Option<BTreeSet<DeviceId>> {
        self.known.alarms()
    }

    /// Notes which alarms are on, all of them.
    pub(crate) fn note_alarms(&self, alarms: &BTreeSet<DeviceId>) {
        let mut noted = self.known.alarms.lock();
        if noted.as_ref() != Some(alarms) {
            *noted = Some(alarms.clone());
            drop(noted);
            self.keeper.changed();
        }
    }

    /// The newest temperature, °C, and humidity, %, of a device, as its commands state them.
    pub(crate) fn climate(&self, device_id: &DeviceId) -> [Option<f64>; 2] {
        self.known.climate(&self.devices, device_id)
    }

    /// The number of the newest change: what was noted before survives a restart when that does.
    pub(crate) fn newest_change(&self) -> u64 {
        self.keeper.newest()
    }
}
