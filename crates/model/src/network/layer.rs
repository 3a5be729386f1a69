//! The layers of a network, each as PyTorch computes it in evaluation mode.

use std::fmt;

use super::{Activation, Dense};

/// Parameters of a normalisation over a row.
#[derive(Debug, Clone)]
pub(crate) struct Normalisation {
    /// One factor for each number.
    pub(crate) weight: Vec<f32>,
    /// One addend for each number.
    pub(crate) bias: Vec<f32>,
    pub(crate) eps: f64,
}

/// A layer. `Dropout` and `Identity` are none.
#[derive(Debug, Clone)]
#[expect(clippy::enum_variant_names, reason = "PyTorch's names")]
pub(crate) enum Layer {
    /// `Linear`.
    Dense(Dense),
    /// `Linear` and `ReLU`, in one pass.
    DenseRelu(Dense),
    /// An element-wise function.
    Activation(Activation),
    /// `PReLU`: the slope of each number.
    Slopes(Vec<f32>),
    /// `BatchNorm1d`, whose statistics are constant in evaluation mode: a factor and an addend for each number.
    BatchNorm(Vec<f32>, Vec<f32>),
    /// `LayerNorm` over the whole row.
    LayerNorm(Normalisation),
    /// `RMSNorm` over the whole row.
    RmsNorm(Normalisation),
}

impl Layer {
    /// Returns the width of a dense layer.
    pub(crate) fn width(&self) -> Option<usize> {
        match self {
            Self::Dense(dense) | Self::DenseRelu(dense) => Some(dense.width()),
            _ => None,
        }
    }

    /// Computes the row; `next` is a buffer.
    pub(super) fn forward(&self, row: &mut Vec<f32>, next: &mut Vec<f32>) {
        match self {
            Self::DenseRelu(dense) => {
                dense.forward_relu(row, next);
                std::mem::swap(row, next);
            }
            Self::Dense(dense) => {
                dense.forward(row, next);
                std::mem::swap(row, next);
            }
            Self::Activation(activation) => activation.apply(row),
            Self::Slopes(slopes) => {
                for (x, slope) in row.iter_mut().zip(slopes) {
                    *x = if *x > 0.0 { *x } else { *x * slope };
                }
            }
            Self::BatchNorm(factors, addends) => {
                for ((x, factor), addend) in row.iter_mut().zip(factors).zip(addends) {
                    *x = *x * factor + addend;
                }
            }
            Self::LayerNorm(parameters) => {
                let mean = mean(row.iter().map(|x| f64::from(*x)), row.len());
                normalise(row, mean, parameters);
            }
            Self::RmsNorm(parameters) => normalise(row, 0.0, parameters),
        }
    }
}

fn mean(numbers: impl Iterator<Item = f64>, count: usize) -> f64 {
    numbers.sum::<f64>() / count as f64
}

/// Divides the distances from `centre` by the root of their mean square (Ba et al. 2016, eq. 3 and 4).
fn normalise(row: &mut [f32], centre: f64, parameters: &Normalisation) {
    let squares = row.iter().map(|x| (f64::from(*x) - centre).powi(2));
    let scale = 1.0 / (mean(squares, row.len()) + parameters.eps).sqrt();
    for ((x, weight), bias) in row.iter_mut().zip(&parameters.weight).zip(&parameters.bias) {
        let normal = (f64::from(*x) - centre) * scale;
        *x = (normal * f64::from(*weight) + f64::from(*bias)) as f32;
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dense(dense) => write!(f, "Linear({})", dense.width()),
            Self::DenseRelu(dense) => write!(f, "Linear({}), ReLU", dense.width()),
            Self::Activation(activation) => write!(f, "{activation}"),
            Self::Slopes(_) => f.write_str("PReLU"),
            Self::BatchNorm(..) => f.write_str("BatchNorm1d"),
            Self::LayerNorm(_) => f.write_str("LayerNorm"),
            Self::RmsNorm(_) => f.write_str("RMSNorm"),
        }
    }
}
