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
    /// What the sensor said, and what was added to it.
    raw: f64,
    offset: f64,
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
        Self::calibrated(device_id, quantity, value, 0.0, timestamp)
    }

    /// The same of a sensor that errs by `-offset`: what it says is corrected first, then checked.
    pub fn calibrated(
        device_id: DeviceId,
        quantity: Quantity,
        raw: f64,
        offset: f64,
        timestamp: Timestamp,
    ) -> Result<Self, Refusal> {
        let value = raw + offset;
        let clamped = quantity.clamp(value);
        // Zero has no sign here.
        let checked = quantity
            .check(clamped)
            .map_err(|refusal| of_calibration(refusal, raw, offset))?
            + 0.0;
        let is_clamped = clamped.to_bits() != value.to_bits();
        Ok(Self {
            device_id,
            quantity,
            value: checked,
            timestamp,
            raw: if offset == 0.0 { checked } else { raw },
            // What was really added, so that the raw value stays recoverable.
            offset: if is_clamped && offset != 0.0 {
                checked - raw
            } else {
                offset
            },
            clamped: is_clamped,
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

    /// Returns what was added to what the sensor said.
    pub const fn offset(&self) -> f64 {
        self.offset
    }

    /// Returns what the sensor said.
    pub const fn raw(&self) -> f64 {
        self.raw
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

/// A refusal that says so where the sensor's own value was corrected.
fn of_calibration(mut refusal: Refusal, raw: f64, offset: f64) -> Refusal {
    if offset != 0.0 {
        refusal.detail = format!(
            "{}; the device's calibration adds {offset} to {raw}",
            refusal.detail
        );
    }
    refusal
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
    fn the_raw_value_is_recoverable_and_a_refusal_names_the_calibration() {
        let reading = |quantity, raw, offset| {
            let device_id = DeviceId::parse("room").unwrap();
            Reading::calibrated(device_id, quantity, raw, offset, Timestamp::from_millis(0))
        };
        let humid = reading(Quantity::Humidity, 98.0, 5.0).unwrap();
        assert!((humid.value() - 100.0).abs() < 1e-9 && (humid.value() - humid.offset() - 98.0).abs() < 1e-9);
        let refused = reading(Quantity::Temperature, -59.5, -1.5).unwrap_err();
        assert!(
            refused.detail.contains("calibration adds -1.5 to -59.5"),
            "{refused}"
        );
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

    #[test]
    fn a_reading_is_corrected_first_and_checked_then() {
        let of = |quantity, raw, offset| {
            let device = DeviceId::parse("d").unwrap();
            Reading::calibrated(device, quantity, raw, offset, Timestamp::from_millis(0))
        };
        let corrected = of(Quantity::Temperature, 21.5, -1.25).unwrap();
        assert_eq!(
            (corrected.value(), corrected.offset(), corrected.raw()),
            (20.25, -1.25, 21.5)
        );
        assert_eq!(of(Quantity::Humidity, 108.0, -6.0).unwrap().value(), 100.0);
        assert_eq!(
            of(Quantity::Temperature, 99.0, 2.0).unwrap_err().reason,
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
