//! The forward pass of a `.pth` model, in 32-bit floats as in PyTorch.
//!
//! In: checked layers, rows of inputs. Out: the outputs of the two heads. All layers compute as in evaluation mode.

mod activation;
mod columns;
mod dense;
mod layer;
mod tangent;
mod way;

pub(crate) use activation::{Activation, LEAST_RMS_EPS};
pub(crate) use dense::Dense;
pub(crate) use layer::{Layer, Normalisation};
pub(crate) use tangent::{DIRECTIONS, Tangents};
pub(crate) use way::{Piece, Way};

use std::sync::OnceLock;

const LANES: usize = 16;

/// A head: one number from the last hidden layer.
#[derive(Debug, Clone)]
pub(crate) enum Head {
    /// A `Linear` with one output.
    Row {
        /// One for each input.
        weight: Vec<f32>,
        /// The constant term.
        bias: f32,
    },
    /// Several layers, the last of which has one output.
    Layers(Vec<Layer>),
}

impl Head {
    fn forward(&self, scratch: &mut Scratch) -> f32 {
        match self {
            Self::Row { weight, bias } => product(weight, &scratch.row) + bias,
            Self::Layers(layers) => {
                let (mut row, mut next) = (scratch.row.clone(), Vec::new());
                for layer in layers {
                    layer.forward(&mut row, &mut next);
                }
                row.first().copied().unwrap_or(f32::NAN)
            }
        }
    }
}

/// Returns the scalar product.
fn product(weight: &[f32], row: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (rows, weights) = (row.chunks_exact(LANES), weight.chunks_exact(LANES));
    let rest: f32 = rows
        .remainder()
        .iter()
        .zip(weights.remainder())
        .map(|(x, w)| x * w)
        .sum();
    for (x, w) in rows.zip(weights) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * w[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Outputs of the heads for one row, before the sigmoid and the clamp.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outputs {
    pub(crate) mean: f32,
    pub(crate) log_variance: f32,
    /// The largest |z| of the normalised inputs.
    pub(crate) largest_z: f32,
}

/// Normalisation, hidden layers, two heads.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) feature_mean: Vec<f32>,
    pub(crate) feature_std: Vec<f32>,
    pub(crate) hidden: Vec<Layer>,
    pub(crate) mean_head: Head,
    pub(crate) logvar_head: Head,
    /// Whether the file names no activations, so that they are those of the documented layout.
    pub(crate) assumes_relu: bool,
    /// What explanations follow, made for the first of them.
    pub(crate) way: OnceLock<Option<Way>>,
}

/// Buffers for a row on its way through the layers.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    row: Vec<f32>,
    next: Vec<f32>,
}

impl Network {
    /// Returns the widths of the hidden layers.
    pub(crate) fn widths(&self) -> Vec<usize> {
        self.hidden.iter().filter_map(Layer::width).collect()
    }

    /// Computes one row, which has as many inputs as `feature_mean`.
    pub(crate) fn forward(&self, input: &[f32], scratch: &mut Scratch) -> Outputs {
        let row = &mut scratch.row;
        row.clear();
        row.extend(
            input
                .iter()
                .zip(&self.feature_mean)
                .zip(&self.feature_std)
                .map(|((x, mean), std)| (x - mean) / std),
        );
        let largest_z = row.iter().fold(
            0.0_f32,
            |largest, z| if z.abs() > largest { z.abs() } else { largest },
        );
        for layer in &self.hidden {
            layer.forward(&mut scratch.row, &mut scratch.next);
        }
        Outputs {
            mean: self.mean_head.forward(scratch),
            log_variance: self.logvar_head.forward(scratch),
            largest_z,
        }
    }
}
