//! Temperature and humidity readings.
//!
//! In: a number a device sent. Out: a reading whose value is finite and physically possible, or a refusal.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Refusal, RefusalReason, Timestamp};

/// What a climate sensor measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Air temperature in degrees Celsius, −60 to +100.
    Temperature,
    /// Relative humidity in percent, 0 to 100.
    Humidity,
}

impl Quantity {
    /// The word for it in topics, tables and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Humidity => "humidity",
        }
    }

    /// The values a working sensor on this planet can report, both ends included.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::Temperature => (-60.0, 100.0),
            Self::Humidity => (0.0, 100.0),
        }
    }
}

/// One reading of one quantity; the value is finite and within [`Quantity::range`].
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    device_id: DeviceId,
    quantity: Quantity,
    value: f64,
    timestamp: Timestamp,
}

impl Reading {
    /// Checks `value` against the quantity's range. `timestamp` is the device's own claim.
    pub fn new(
        device_id: DeviceId,
        quantity: Quantity,
        value: f64,
        timestamp: Timestamp,
    ) -> Result<Self, Refusal> {
        let (low, high) = quantity.range();
        if !value.is_finite() {
            return Err(Refusal::new(
                RefusalReason::NotFinite,
                format!("{} is not a finite number", quantity.as_str()),
            ));
        }
        if !(low..=high).contains(&value) {
            let detail = format!("{} {value} is outside {low} to {high}", quantity.as_str());
            return Err(Refusal::new(RefusalReason::OutOfRange, detail));
        }
        Ok(Self {
            device_id,
            quantity,
            value,
            timestamp,
        })
    }

    /// Who measured.
    pub const fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// What was measured.
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Degrees Celsius or percent, by [`Self::quantity`].
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// When, by the device's clock (or by ours, after [`Self::at`]).
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The same reading at another time, for clocks that are not believed.
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
        for (quantity, value) in [
            (Quantity::Temperature, -60.0),
            (Quantity::Temperature, 100.0),
            (Quantity::Humidity, 0.0),
            (Quantity::Humidity, 100.0),
        ] {
            assert_eq!(reading(quantity, value).unwrap().value(), value);
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
        fn a_reading_is_always_in_range(value in any::<f64>()) {
            if let Ok(reading) = reading(Quantity::Temperature, value) {
                prop_assert!((-60.0..=100.0).contains(&reading.value()));
            }
        }
    }
}
