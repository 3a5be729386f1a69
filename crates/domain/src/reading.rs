//! Readings of sensors.
//!
//! In: a number that a device sent. Out: a reading whose value is finite and physically possible, or a refusal.

use crate::{DeviceId, Quantity, Refusal, Timestamp};

/// One reading of one quantity; the value is finite and within [`Quantity::range`].
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    device_id: DeviceId,
    quantity: Quantity,
    value: f64,
    timestamp: Timestamp,
}

impl Reading {
    /// Checks `value` against the quantity's range. `timestamp` is the time that the device states.
    pub fn new(
        device_id: DeviceId,
        quantity: Quantity,
        value: f64,
        timestamp: Timestamp,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            device_id,
            quantity,
            value: quantity.check(value)?,
            timestamp,
        })
    }

    /// Returns the device that measured.
    pub const fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// Returns the measured quantity.
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Returns the value in the unit of [`Self::quantity`].
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// Returns the time of the measurement by the device's clock, or by ours after [`Self::at`].
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Returns the reading at another time, for devices whose clock is wrong.
    #[must_use]
    pub fn at(self, timestamp: Timestamp) -> Self {
        Self { timestamp, ..self }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::float_cmp,
        reason = "values that pass through unchanged are equal to the bit"
    )]

    use proptest::prelude::*;

    use super::*;
    use crate::RefusalReason;

    fn reading(quantity: Quantity, value: f64) -> Result<Reading, Refusal> {
        Reading::new(
            DeviceId::parse("d").unwrap(),
            quantity,
            value,
            Timestamp::from_millis(0),
        )
    }

    #[test]
    fn the_edges_of_the_ranges_are_inside() {
        for quantity in Quantity::ALL {
            let (low, high) = quantity.range();
            for value in [low, high] {
                assert_eq!(reading(quantity, value).unwrap().value(), value);
            }
        }
    }

    #[test]
    fn nothing_else_passes() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(
                reading(Quantity::Humidity, value).unwrap_err().reason,
                RefusalReason::NotFinite
            );
        }
        assert_eq!(
            reading(Quantity::Humidity, 140.0).unwrap_err().reason,
            RefusalReason::OutOfRange
        );
    }

    proptest! {
        #[test]
        fn a_reading_is_always_in_range(index in 0..Quantity::COUNT, value in any::<f64>()) {
            let quantity = Quantity::ALL[index];
            if let Ok(reading) = reading(quantity, value) {
                let (low, high) = quantity.range();
                prop_assert!((low..=high).contains(&reading.value()));
            }
        }
    }
}
