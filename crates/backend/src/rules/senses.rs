//! What sensors said last, as far as rules heed it.

use std::{collections::HashMap, time::Duration};

use domain::{DeviceId, Quantity, Sensed, Timestamp};

/// What one sensor said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Heard {
    pub(super) value: f64,
    /// The largest and the smallest since the last look.
    high: f64,
    low: f64,
    pub(super) at: Timestamp,
    /// The number of the last change by it that is to survive a restart; 0: there was none.
    change: u64,
}

pub(super) type OfDevice = [Option<Heard>; Quantity::COUNT];

/// What all sensors said.
#[derive(Debug)]
pub(super) struct Senses {
    by_id: HashMap<DeviceId, OfDevice>,
    most: usize,
}

impl Senses {
    pub(super) fn new(most: usize) -> Self {
        Self {
            by_id: HashMap::new(),
            most,
        }
    }

    /// Takes a value. Returns the one before it.
    pub(super) fn take(
        &mut self,
        device_id: &DeviceId,
        quantity: Quantity,
        value: f64,
        at: Timestamp,
    ) -> Option<f64> {
        if !self.by_id.contains_key(device_id) {
            if self.by_id.len() >= self.most {
                return None;
            }
            self.by_id.insert(device_id.clone(), OfDevice::default());
        }
        let of_device = self.by_id.get_mut(device_id)?;
        let place = &mut of_device[quantity.index()];
        let (high, low) = place.map_or((value, value), |before| {
            (before.high.max(value), before.low.min(value))
        });
        let change = place.map_or(0, |before| before.change);
        let heard = Heard {
            value,
            high,
            low,
            at,
            change,
        };
        Some(place.replace(heard)?.value)
    }

    /// Whether a sensor has said anything.
    pub(super) fn knows(&self, device_id: &DeviceId, quantity: Quantity) -> bool {
        let of_device = self.by_id.get(device_id);
        of_device.is_some_and(|of_device| of_device[quantity.index()].is_some())
    }

    /// What a sensor said last is the change of that number.
    pub(super) fn changed(&mut self, device_id: &DeviceId, quantity: Quantity, change: u64) {
        let of_device = self.by_id.get_mut(device_id);
        if let Some(heard) = of_device.and_then(|of_device| of_device[quantity.index()].as_mut()) {
            heard.change = change;
        }
    }

    /// The number of the last change by a sensor; 0: there was none.
    pub(super) fn change(&self, device_id: &DeviceId, quantity: Quantity) -> u64 {
        let heard = self.by_id.get(device_id).and_then(|of| of[quantity.index()]);
        heard.map_or(0, |heard| heard.change)
    }

    /// Forgets a device.
    pub(super) fn forget(&mut self, is_known: impl Fn(&DeviceId) -> bool) {
        self.by_id.retain(|device_id, _| is_known(device_id));
    }

    /// What was heard since the last look, which this one is.
    pub(super) fn look(&mut self) -> HashMap<DeviceId, OfDevice> {
        let seen = self.by_id.clone();
        for heard in self.by_id.values_mut().flatten().flatten() {
            (heard.high, heard.low) = (heard.value, heard.value);
        }
        seen
    }

    /// What each said last.
    pub(super) fn all(&self) -> impl Iterator<Item = (&DeviceId, Quantity, Heard)> {
        self.by_id.iter().flat_map(|(device_id, of_device)| {
            let each = Quantity::ALL.into_iter().zip(of_device);
            each.filter_map(move |(quantity, heard)| Some((device_id, quantity, (*heard)?)))
        })
    }
}

impl Heard {
    /// Of a sensor that was never heard of.
    pub(super) const fn never(began: Timestamp) -> Self {
        Self {
            value: f64::NAN,
            high: f64::NAN,
            low: f64::NAN,
            at: began,
            change: 0,
        }
    }

    /// As the law's rules see it at `now`; `worst` is the largest since the last look, or the smallest.
    pub(super) fn sensed(self, is_low_worse: bool, now: Timestamp) -> Sensed {
        let age = u64::try_from(now.millis_since(self.at)).unwrap_or_default();
        Sensed {
            value: if is_low_worse { self.low } else { self.high },
            age: Duration::from_millis(age),
        }
    }

    /// The newest value.
    pub(super) fn newest(self, now: Timestamp) -> Sensed {
        Sensed {
            value: self.value,
            ..self.sensed(false, now)
        }
    }
}
