//! The split of examples into training, validation and test.
//!
//! Examples are split by device, because a model will serve rooms that it has never seen, and by time, because
//! neighbouring minutes of a room are nearly the same example. The seed selects the devices; no example is in two
//! parts.

use std::collections::BTreeMap;

use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

use crate::{Example, TrainingError};

/// Number of devices from which whole devices are held back.
const MANY_DEVICES: usize = 5;
/// The share of devices (or of time) held back for calibration, and again for the test.
const HELD_BACK: f64 = 0.2;
/// The share of time at the end of the training's devices that belongs to the test.
const LATER: f64 = 0.05;

/// Indices into the examples, each at most once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// To fit the weights.
    pub train: Vec<usize>,
    /// To stop early and to calibrate.
    pub validation: Vec<usize>,
    /// To compute the figures.
    pub test: Vec<usize>,
}

/// Splits examples. From five devices on, validation and test get a fifth of the devices each, and the test also gets
/// the last twentieth of the others' time. With fewer devices, the test gets the last fifth of each device's time and
/// validation the fifth before.
pub fn split(examples: &[Example], seed: u64) -> Result<Split, TrainingError> {
    let mut devices: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, example) in examples.iter().enumerate() {
        devices.entry(&example.device_id).or_default().push(index);
    }
    for indices in devices.values_mut() {
        indices.sort_by_key(|&index| (examples[index].timestamp, index));
    }
    let mut parts = Split::default();
    let many = devices.len() >= MANY_DEVICES;
    let mut order: Vec<Vec<usize>> = devices.into_values().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let held = ((order.len() as f64 * HELD_BACK).round() as usize).max(1);
    for (place, indices) in order.iter().enumerate() {
        let at = |share: f64| (indices.len() as f64 * share).round() as usize;
        if many && place < held {
            parts.validation.extend(indices);
        } else if many && place < 2 * held {
            parts.test.extend(indices);
        } else if many {
            parts.train.extend(&indices[..at(1.0 - LATER)]);
            parts.test.extend(&indices[at(1.0 - LATER)..]);
        } else {
            parts.train.extend(&indices[..at(1.0 - 2.0 * HELD_BACK)]);
            parts
                .validation
                .extend(&indices[at(1.0 - 2.0 * HELD_BACK)..at(1.0 - HELD_BACK)]);
            parts.test.extend(&indices[at(1.0 - HELD_BACK)..]);
        }
    }
    let named = [
        ("training", &parts.train),
        ("validation", &parts.validation),
        ("test", &parts.test),
    ];
    if let Some((part, _)) = named.iter().find(|(_, part)| part.is_empty()) {
        return Err(TrainingError::Split {
            devices: order.len(),
            part,
        });
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn examples(devices: usize, each: usize) -> Vec<Example> {
        (0..devices * each)
            .map(|n| Example {
                device_id: format!("d{}", n % devices),
                timestamp: Timestamp::from_millis((n * 7919 % 1000) as i64),
                temperature: 20.0,
                humidity: 50.0,
                audio: None,
                position: 0.0,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn every_example_is_in_one_part_and_nothing_leaks(
            devices in 1_usize..20, each in 5_usize..40, seed in any::<u64>(),
        ) {
            let all = examples(devices, each);
            let parts = split(&all, seed).unwrap();
            let mut seen: Vec<usize> =
                [&parts.train[..], &parts.validation, &parts.test].concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..all.len()).collect::<Vec<_>>());
            let ids = |part: &[usize]| -> BTreeSet<&str> { part.iter().map(|&i| all[i].device_id.as_str()).collect() };
            if devices >= MANY_DEVICES {
                prop_assert!(ids(&parts.train).is_disjoint(&ids(&parts.validation)));
                prop_assert!(ids(&parts.test).is_disjoint(&ids(&parts.validation)));
            }
            // The test examples of a training device lie after all its training examples.
            for &later in parts.test.iter().chain(&parts.validation) {
                for &earlier in &parts.train {
                    if all[later].device_id == all[earlier].device_id {
                        prop_assert!(all[later].timestamp >= all[earlier].timestamp);
                    }
                }
            }
            prop_assert_eq!(split(&all, seed).unwrap(), parts);
        }
    }

    #[test]
    fn one_example_cannot_be_split() {
        assert!(matches!(
            split(&examples(1, 1), 1),
            Err(TrainingError::Split { .. })
        ));
    }
}
