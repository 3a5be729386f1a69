//! The device's climate sensor: what it says about the room is a little wrong, as with an SHT31.
//!
//! In: true temperature and humidity. Out: values with a fixed error of the specimen, noise, and steps of 0.1, within
//! the sensor's range.

use domain::Quantity;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::noise;

/// One specimen of a sensor.
#[derive(Debug, Clone)]
pub struct ClimateSensor {
    rng: ChaCha8Rng,
    temperature_error: f64,
    humidity_error: f64,
}

impl ClimateSensor {
    pub(crate) fn new(mut rng: ChaCha8Rng) -> Self {
        let temperature_error = rng.random_range(-0.2..0.2);
        let humidity_error = rng.random_range(-1.5..1.5);
        Self {
            rng,
            temperature_error,
            humidity_error,
        }
    }

    /// The lowest and highest value the sensor reports.
    pub const fn range(quantity: Quantity) -> (f64, f64) {
        match quantity {
            Quantity::Temperature => (-40.0, 85.0),
            Quantity::Humidity => (0.0, 100.0),
        }
    }

    /// What it reports for a true value; each call draws new noise.
    pub fn read(&mut self, quantity: Quantity, truth: f64) -> f64 {
        let (error, spread) = match quantity {
            Quantity::Temperature => (self.temperature_error, 0.04),
            Quantity::Humidity => (self.humidity_error, 0.2),
        };
        let (low, high) = Self::range(quantity);
        let value = (truth + error + spread * noise::normal(&mut self.rng)).clamp(low, high);
        // The tenth as decimal text would give it.
        (value * 10.0).round() / 10.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_are_tenths_within_the_range_and_near_the_truth(seed in any::<u64>(), truth in -80.0_f64..150.0) {
            let mut sensor = ClimateSensor::new(noise::generator(seed, 0));
            for (quantity, slack) in [(Quantity::Temperature, 0.6), (Quantity::Humidity, 3.0)] {
                let (low, high) = ClimateSensor::range(quantity);
                let value = sensor.read(quantity, truth);
                prop_assert!((low..=high).contains(&value));
                prop_assert_eq!(format!("{value:.1}").parse::<f64>().unwrap().to_bits(), value.to_bits());
                prop_assert!((value - truth.clamp(low, high)).abs() <= slack, "{value} {truth}");
            }
        }
    }
}
