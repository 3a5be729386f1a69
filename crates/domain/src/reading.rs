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
    clamped: bool,
    states_unit: bool,
}

impl Reading {
    /// Checks `value` against the quantity's range; what exceeds it by no more than a working sensor may err is put at
    /// its end. `timestamp` is the time that the device states.
    pub fn new(
        device_id: DeviceId,
        quantity: Quantity,
        value: f64,
        timestamp: Timestamp,
    ) -> Result<Self, Refusal> {
        let clamped = quantity.clamp(value);
        Ok(Self {
            device_id,
            quantity,
            // Zero has no sign here.
            value: quantity.check(clamped)? + 0.0,
            timestamp,
            clamped: clamped.to_bits() != value.to_bits(),
            states_unit: false,
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

    /// Returns whether the device's value was beyond the range and was put at its end.
    pub const fn is_clamped(&self) -> bool {
        self.clamped
    }

    /// Returns whether the device stated the unit of its value.
    pub const fn states_unit(&self) -> bool {
        self.states_unit
    }

    /// Returns the reading as one whose unit the device stated.
    #[must_use]
    pub fn with_stated_unit(self) -> Self {
        Self {
            states_unit: true,
            ..self
        }
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
    fn zero_has_no_sign() {
        for quantity in [Quantity::Temperature, Quantity::Humidity] {
            let zero = reading(quantity, -0.0).unwrap();
            assert_eq!(zero.value().to_string(), "0");
            assert!(!zero.is_clamped());
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

    #[test]
    fn a_humidity_that_overshoots_is_clamped() {
        for (value, kept) in [
            (100.0, 100.0),
            (101.0, 100.0),
            (105.0, 100.0),
            (-0.1, 0.0),
            (-5.0, 0.0),
            (55.5, 55.5),
        ] {
            let reading = reading(Quantity::Humidity, value).unwrap();
            assert_eq!(
                (reading.value(), reading.is_clamped()),
                (kept, value != kept),
                "{value}"
            );
        }
        for (quantity, value) in [
            (Quantity::Humidity, 105.01),
            (Quantity::Humidity, -5.01),
            (Quantity::Temperature, 100.1),
            (Quantity::Co2, -1.0),
        ] {
            assert_eq!(
                reading(quantity, value).unwrap_err().reason,
                RefusalReason::OutOfRange,
                "{quantity} {value}"
            );
        }
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
