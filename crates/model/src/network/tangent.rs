//! How the output of a network changes along three directions of its input, in the same pass as the output.
//!
//! Forward-mode differentiation: each layer's rule of differentiation, in 32-bit floats like the layers themselves. At a kink
//! the slope on its left counts.

use super::{Activation, Dense, Head, Layer, Network, Normalisation, Scratch, product};

/// Directions that are followed at once.
pub(crate) const DIRECTIONS: usize = 3;
/// Half the width of the difference that stands for the slope of an element-wise function, which is computed in 64 bits.
const STEP: f64 = 1e-5;

/// A row's changes along the directions.
pub(crate) type Tangents = [Vec<f32>; DIRECTIONS];

/// The mean head's output, before the sigmoid, and its change along each direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slope {
    pub(crate) mean: f32,
    pub(crate) along: [f32; DIRECTIONS],
}

impl Network {
    /// Computes the mean head at `normalised` inputs and along `directions`, which are normalised, too.
    pub(crate) fn slope(&self, normalised: &[f32], directions: &Tangents, scratch: &mut Scratch) -> Slope {
        scratch.row.clear();
        scratch.row.extend_from_slice(normalised);
        let mut tangents = directions.clone();
        for layer in &self.hidden {
            layer.forward_with(&mut tangents, scratch);
        }
        match &self.mean_head {
            Head::Row { weight, bias } => Slope {
                mean: product(weight, &scratch.row) + bias,
                along: tangents.map(|tangent| product(weight, &tangent)),
            },
            Head::Layers(layers) => {
                for layer in layers {
                    layer.forward_with(&mut tangents, scratch);
                }
                Slope {
                    mean: scratch.row.first().copied().unwrap_or(f32::NAN),
                    along: tangents.map(|tangent| tangent.first().copied().unwrap_or(f32::NAN)),
                }
            }
        }
    }
}

impl Layer {
    /// Computes the row and its changes.
    fn forward_with(&self, tangents: &mut Tangents, scratch: &mut Scratch) {
        let Scratch { row, next } = scratch;
        match self {
            Self::Dense(dense) => every_through(dense, tangents, next),
            Self::Activation(activation) => scale(tangents, row, |x| activation.slope(x)),
            Self::BatchNorm(factors, _) => {
                for tangent in tangents.iter_mut() {
                    for (change, factor) in tangent.iter_mut().zip(factors) {
                        *change *= factor;
                    }
                }
            }
            Self::Slopes(slopes) => {
                for tangent in tangents.iter_mut() {
                    let numbers = tangent.iter_mut().zip(row.iter()).zip(slopes);
                    for ((change, x), slope) in numbers {
                        *change *= if *x > 0.0 { 1.0 } else { *slope };
                    }
                }
            }
            Self::LayerNorm(parameters) => {
                let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / row.len() as f64;
                normalise(tangents, row, mean, true, parameters);
            }
            Self::RmsNorm(parameters) => normalise(tangents, row, 0.0, false, parameters),
            Self::DenseRelu(dense) => {
                every_through(dense, tangents, next);
                self.forward(row, next);
                // What the function cut off does not change.
                for tangent in tangents.iter_mut() {
                    let cut = tangent.iter_mut().zip(row.iter()).filter(|(_, x)| **x <= 0.0);
                    for (change, _) in cut {
                        *change = 0.0;
                    }
                }
                return;
            }
        }
        self.forward(row, next);
    }
}

fn every_through(dense: &Dense, tangents: &mut Tangents, next: &mut Vec<f32>) {
    for tangent in tangents {
        dense.along(tangent, next);
        std::mem::swap(tangent, next);
    }
}

fn scale(tangents: &mut Tangents, row: &[f32], slope: impl Fn(f64) -> f64) {
    for tangent in tangents.iter_mut() {
        for (change, x) in tangent.iter_mut().zip(row) {
            *change = (f64::from(*change) * slope(f64::from(*x))) as f32;
        }
    }
}

/// The rule for (x − centre) / sqrt(mean((x − centre)²) + eps) · weight, where `centred` says whether the centre moves along.
fn normalise(tangents: &mut Tangents, row: &[f32], centre: f64, centred: bool, parameters: &Normalisation) {
    let count = row.len() as f64;
    let squares = row.iter().map(|x| (f64::from(*x) - centre).powi(2)).sum::<f64>() / count;
    let factor = 1.0 / (squares + parameters.eps).sqrt();
    let normal = |x: f32| (f64::from(x) - centre) * factor;
    for tangent in tangents.iter_mut() {
        let pairs = || tangent.iter().map(|change| f64::from(*change)).zip(row);
        let drift = if centred {
            pairs().map(|(change, _)| change).sum::<f64>() / count
        } else {
            0.0
        };
        let stretch = pairs()
            .map(|(change, x)| (change - drift) * normal(*x))
            .sum::<f64>()
            / count;
        for ((change, x), weight) in tangent.iter_mut().zip(row).zip(&parameters.weight) {
            let along = f64::from(*change) - drift - normal(*x) * stretch;
            *change = (along * factor * f64::from(*weight)) as f32;
        }
    }
}

impl Activation {
    /// The slope at `x`.
    fn slope(self, x: f64) -> f64 {
        if self == Self::Relu {
            return f64::from(u8::from(x > 0.0));
        }
        (self.of(x) - self.of(x - STEP)) / STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 6;

    fn numbers(seed: u32, count: usize) -> Vec<f32> {
        let number = |n: usize| ((seed as f32 + 1.3) * (n as f32 + 0.7) * 12.9898).sin();
        (0..count).map(number).collect()
    }

    fn network(layers: Vec<Layer>) -> Network {
        let mut hidden = vec![Layer::Dense(Dense::new(
            &numbers(1, WIDTH * WIDTH),
            &numbers(2, WIDTH),
        ))];
        hidden.extend(layers);
        Network {
            feature_mean: vec![0.0; WIDTH],
            feature_std: vec![1.0; WIDTH],
            hidden,
            mean_head: Head::Row {
                weight: numbers(3, WIDTH),
                bias: 0.1,
            },
            logvar_head: Head::Row {
                weight: vec![0.0; WIDTH],
                bias: 0.0,
            },
            assumes_relu: false,
            way: std::sync::OnceLock::new(),
        }
    }

    fn normalisation() -> Normalisation {
        Normalisation {
            weight: numbers(4, WIDTH),
            bias: numbers(5, WIDTH),
            eps: 1e-5,
        }
    }

    #[test]
    fn every_layer_changes_as_its_output_does() {
        let dense = || Dense::new(&numbers(6, WIDTH * WIDTH), &numbers(7, WIDTH));
        let layers = [
            Layer::DenseRelu(dense()),
            Layer::Dense(dense()),
            Layer::Activation(Activation::Relu),
            Layer::Activation(Activation::Gelu),
            Layer::Activation(Activation::Tanh),
            Layer::Slopes(numbers(8, WIDTH)),
            Layer::BatchNorm(numbers(9, WIDTH), numbers(10, WIDTH)),
            Layer::LayerNorm(normalisation()),
            Layer::RmsNorm(normalisation()),
        ];
        for layer in layers {
            let named = layer.to_string();
            let network = network(vec![layer]);
            let (row, directions) = (numbers(11, WIDTH), [12, 13, 14].map(|seed| numbers(seed, WIDTH)));
            let slope = network.slope(&row, &directions, &mut Scratch::default());
            let at = |by: f32, direction: &[f32]| {
                let moved: Vec<f32> = row.iter().zip(direction).map(|(x, d)| x + by * d).collect();
                network.forward(&moved, &mut Scratch::default()).mean
            };
            assert!((slope.mean - at(0.0, &row)).abs() < 1e-6, "{named}");
            for (along, direction) in slope.along.iter().zip(&directions) {
                let difference = (at(2e-3, direction) - at(-2e-3, direction)) / 4e-3;
                assert!(
                    (along - difference).abs() < 0.01 * (1.0 + difference.abs()),
                    "{named}: {along} {difference}"
                );
            }
        }
    }

    #[test]
    fn a_head_of_several_layers_is_followed() {
        let mut network = network(vec![]);
        let dense = Dense::new(&numbers(3, WIDTH), &[0.1]);
        let (row, directions) = (numbers(11, WIDTH), [12, 13, 14].map(|seed| numbers(seed, WIDTH)));
        let by_row = network.slope(&row, &directions, &mut Scratch::default());
        network.mean_head = Head::Layers(vec![Layer::Dense(dense)]);
        let by_layers = network.slope(&row, &directions, &mut Scratch::default());
        for (one, other) in by_row.along.iter().zip(by_layers.along) {
            assert!((one - other).abs() < 1e-5);
        }
    }
}
