//! Drift of the inputs since training: the population stability index.
//!
//! In: deciles of the training inputs, newer inputs. Out: an index for each group of inputs. Below 0.1 is no drift,
//! above 0.25 is strong drift (Siddiqi 2006).

use domain::MODEL_AUDIO_INPUTS;
use model::INPUTS;
use serde::{Deserialize, Serialize};

use crate::Example;

/// Groups of inputs and their places in a row.
const GROUPS: [(&str, std::ops::Range<usize>); 8] = [
    ("temperature", 0..1),
    ("humidity", 1..2),
    ("mfcc_mean", 2..22),
    ("mfcc_std", 22..42),
    ("spectral_centroid", 42..44),
    ("spectral_rolloff", 44..46),
    ("rms", 46..48),
    ("zero_crossing_rate", 48..2 + MODEL_AUDIO_INPUTS),
];
/// Equal tenths of the reference.
const TENTHS: usize = 10;

/// The distribution of the inputs: nine deciles each.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    deciles: Vec<Vec<f32>>,
}

/// The drift of a group of inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputDrift {
    /// `temperature`, …, `zero_crossing_rate`.
    pub group: String,
    /// The largest index of the group's inputs; absent if there are too few values.
    pub psi: Option<f64>,
}

/// Smallest number of values: few values make a large index by chance.
const FEWEST: usize = 50;

impl Reference {
    /// Computes the deciles of examples. Missing clips are ignored.
    pub fn of(examples: &[Example]) -> Self {
        let deciles = (0..INPUTS).map(|input| {
            let mut values = column(examples, input);
            values.sort_by(f32::total_cmp);
            if values.is_empty() {
                return Vec::new();
            }
            (1..TENTHS)
                .map(|tenth| short(values[(values.len() - 1) * tenth / TENTHS]))
                .collect()
        });
        Self {
            deciles: deciles.collect(),
        }
    }

    /// Returns the deciles that a side-car holds; `None` if it holds none.
    pub fn from_deciles(deciles: &[Vec<f32>]) -> Option<Self> {
        (deciles.len() == INPUTS).then(|| Self {
            deciles: deciles.to_vec(),
        })
    }

    /// Returns nine deciles for each input, ascending; none for an input without values.
    pub fn deciles(&self) -> &[Vec<f32>] {
        &self.deciles
    }

    /// Returns the index of each group.
    pub fn drift(&self, examples: &[Example]) -> Vec<InputDrift> {
        GROUPS
            .into_iter()
            .map(|(group, inputs)| {
                let indices: Option<Vec<f64>> = inputs
                    .map(|input| psi(&self.deciles[input], &column(examples, input)))
                    .collect();
                InputDrift {
                    group: group.to_owned(),
                    psi: indices.map(|indices| indices.into_iter().fold(0.0, f64::max)),
                }
            })
            .collect()
    }
}

fn column(examples: &[Example], input: usize) -> Vec<f32> {
    let values = examples.iter().map(|example| example.row()[input]);
    values.filter(|value| value.is_finite()).collect()
}

/// Rounds to five significant digits, which are enough for a bin's edge and keep side-cars short.
fn short(value: f32) -> f32 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

/// Σ (found − expected)·ln(found/expected) over the reference's tenths.
fn psi(deciles: &[f32], values: &[f32]) -> Option<f64> {
    if deciles.is_empty() || values.len() < FEWEST {
        return None;
    }
    // Equal deciles (a constant, many zeros) are one edge, and the bin between them holds as many tenths.
    let mut edges = deciles.to_vec();
    edges.dedup();
    let bins = edges.len() + 1;
    let bin = |value: f32| edges.partition_point(|edge| *edge < value);
    let mut found = vec![0.0; bins];
    for &value in values {
        found[bin(value)] += 1.0 / values.len() as f64;
    }
    let mut expected = vec![0.0; bins];
    for &edge in deciles {
        expected[bin(edge)] += 1.0 / TENTHS as f64;
    }
    expected[bins - 1] += 1.0 / TENTHS as f64;
    // An empty bin would make the index infinite; half a value stands in.
    let least = 0.5 / values.len() as f64;
    Some(
        found
            .iter()
            .zip(&expected)
            .map(|(f, e)| (f.max(least) - e) * (f.max(least) / e).ln())
            .sum(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(from: f32, to: f32) -> Vec<f32> {
        (0..1000)
            .map(|n| from + (to - from) * (n as f32 + 0.5) / 1000.0)
            .collect()
    }

    fn deciles(values: &[f32]) -> Vec<f32> {
        (1..10).map(|t| values[(values.len() - 1) * t / 10]).collect()
    }

    #[test]
    fn the_same_is_near_zero_and_a_shift_is_large() {
        let edges = deciles(&uniform(0.0, 1.0));
        assert!(psi(&edges, &uniform(0.0, 1.0)).unwrap() < 0.01);
        let moved = psi(&edges, &uniform(0.2, 1.2)).unwrap();
        assert!(moved > 0.25, "{moved}");
        assert!(psi(&edges, &uniform(5.0, 6.0)).unwrap() > moved);
    }

    #[test]
    fn many_equal_values_are_no_drift() {
        let mut values = vec![0.0; 600];
        values.extend(
            uniform(1.0, 2.0)
                .iter()
                .step_by(5)
                .chain(&uniform(2.0, 3.0)[..200]),
        );
        values.sort_by(f32::total_cmp);
        assert!(psi(&deciles(&values), &values).unwrap() < 0.02);
    }

    #[test]
    fn too_few_say_nothing() {
        assert_eq!(psi(&deciles(&uniform(0.0, 1.0)), &[0.5; 10]), None);
        assert_eq!(psi(&[], &uniform(0.0, 1.0)), None);
    }

    #[test]
    fn groups_cover_every_input_once() {
        let all: Vec<usize> = GROUPS.into_iter().flat_map(|(_, inputs)| inputs).collect();
        assert_eq!(all, (0..INPUTS).collect::<Vec<_>>());
    }
}
