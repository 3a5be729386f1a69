//! The device's sensors: what they report is a little wrong, as with an SHT31.
//!
//! In: true values. Out: values with a fixed error of the specimen and noise, rounded to the quantity's decimals, within
//! the sensor's range.

use domain::Quantity;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::noise;

/// How a sensor of one quantity behaves, in the quantity's unit.
struct DataSheet {
    /// The lowest and highest value it reports.
    range: (f64, f64),
    /// The largest fixed error of a specimen.
    error: f64,
    /// The standard deviation of its noise.
    noise: f64,
}

const fn data_sheet(quantity: Quantity) -> DataSheet {
    let (range, error, noise) = match quantity {
        Quantity::Temperature => ((-40.0, 85.0), 0.2, 0.04),
        Quantity::Humidity => ((0.0, 100.0), 1.5, 0.2),
    };
    DataSheet { range, error, noise }
}

/// One specimen of each sensor.
#[derive(Debug, Clone)]
pub struct Sensors {
    errors: [f64; Quantity::COUNT],
    /// Climate has a generator of its own, so that other sensors do not change its values.
    climate: ChaCha8Rng,
    others: ChaCha8Rng,
}

impl Sensors {
    pub(crate) fn new(mut climate: ChaCha8Rng, mut others: ChaCha8Rng) -> Self {
        let errors = Quantity::ALL.map(|quantity| {
            let rng = if Quantity::CLIMATE.contains(&quantity) {
                &mut climate
            } else {
                &mut others
            };
            let error = data_sheet(quantity).error;
            rng.random_range(-error..error)
        });
        Self {
            errors,
            climate,
            others,
        }
    }

    /// The lowest and highest value that the sensor of `quantity` reports.
    pub const fn range(quantity: Quantity) -> (f64, f64) {
        data_sheet(quantity).range
    }

    /// What the sensor of `quantity` reports for a true value; each call draws new noise.
    pub fn read(&mut self, quantity: Quantity, truth: f64) -> f64 {
        let DataSheet {
            range: (low, high),
            noise,
            ..
        } = data_sheet(quantity);
        let rng = if Quantity::CLIMATE.contains(&quantity) {
            &mut self.climate
        } else {
            &mut self.others
        };
        let error = self.errors[quantity.index()];
        let value = (truth + error + noise * noise::normal(rng)).clamp(low, high);
        // As decimal text would give it.
        let scale = 10_f64.powi(i32::from(quantity.decimals()));
        (value * scale).round() / scale
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_are_rounded_within_the_range_and_near_the_truth(seed in any::<u64>(), share in -0.5_f64..1.5) {
            let mut sensors = Sensors::new(noise::generator(seed, 0), noise::generator(seed, 1));
            for quantity in Quantity::ALL {
                let DataSheet { range: (low, high), error, noise } = data_sheet(quantity);
                let truth = low + share * (high - low);
                let value = sensors.read(quantity, truth);
                prop_assert!((low..=high).contains(&value));
                let decimals = usize::from(quantity.decimals());
                prop_assert_eq!(format!("{value:.decimals$}").parse::<f64>().unwrap().to_bits(), value.to_bits());
                let step = 0.5 * 10_f64.powi(-i32::from(quantity.decimals()));
                let slack = error + 7.0 * noise + step;
                prop_assert!((value - truth.clamp(low, high)).abs() <= slack, "{} {} {}", quantity, value, truth);
            }
        }
    }
}
