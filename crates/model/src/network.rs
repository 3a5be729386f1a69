//! The forward pass: dense layers with `ReLU` between, in 32-bit floats as in PyTorch.
//!
//! In: checked weights, rows of inputs. Out: the outputs of the two heads. Weights are stored in panels of 32 outputs,
//! so that a panel's sums stay in registers during the loop over the inputs.

const PANEL: usize = 32;
const LANES: usize = 16;

/// A dense layer: `outputs × inputs` weights and a bias.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    inputs: usize,
    outputs: usize,
    /// By panel, then by input: the weights of up to 32 outputs, padded with zeros.
    panels: Vec<[f32; PANEL]>,
    bias: Vec<[f32; PANEL]>,
}

impl Dense {
    /// Creates a layer. `weight` is row-major `[outputs, inputs]` as in a state dict, `bias` is `[outputs]`.
    pub(crate) fn new(weight: &[f32], bias: &[f32]) -> Self {
        let outputs = bias.len();
        let inputs = weight.len() / outputs.max(1);
        let mut panels = vec![[0.0; PANEL]; outputs.div_ceil(PANEL) * inputs];
        for (output, row) in weight.chunks_exact(inputs.max(1)).enumerate() {
            let (panel, lane) = (output / PANEL, output % PANEL);
            for (input, &value) in row.iter().enumerate() {
                panels[panel * inputs + input][lane] = value;
            }
        }
        let bias = bias
            .chunks(PANEL)
            .map(|chunk| {
                let mut padded = [0.0; PANEL];
                padded[..chunk.len()].copy_from_slice(chunk);
                padded
            })
            .collect();
        Self {
            inputs,
            outputs,
            panels,
            bias,
        }
    }

    /// Computes `out = relu(weight · row + bias)`.
    fn forward_relu(&self, row: &[f32], out: &mut Vec<f32>) {
        debug_assert_eq!(row.len(), self.inputs);
        out.clear();
        for (panel, bias) in self.panels.chunks_exact(self.inputs).zip(&self.bias) {
            let mut sums = *bias;
            for (weights, &x) in panel.iter().zip(row) {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * x;
                }
            }
            out.extend(sums.map(|sum| sum.max(0.0)));
        }
        out.truncate(self.outputs);
    }
}

/// A head: one number from the last hidden layer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: f32,
}

impl Head {
    fn forward(&self, row: &[f32]) -> f32 {
        let mut sums = [0.0_f32; LANES];
        let (rows, weights) = (row.chunks_exact(LANES), self.weight.chunks_exact(LANES));
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
        sums.iter().sum::<f32>() + rest + self.bias
    }
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
    pub(crate) hidden: Vec<Dense>,
    pub(crate) mean_head: Head,
    pub(crate) logvar_head: Head,
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
        self.hidden.iter().map(|layer| layer.outputs).collect()
    }

    /// Computes one row, which has as many inputs as `feature_mean`.
    pub(crate) fn forward(&self, input: &[f32], scratch: &mut Scratch) -> Outputs {
        let Scratch { row, next } = scratch;
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
            layer.forward_relu(row, next);
            std::mem::swap(row, next);
        }
        Outputs {
            mean: self.mean_head.forward(row),
            log_variance: self.logvar_head.forward(row),
            largest_z,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(weight: &[f32], bias: &[f32], row: &[f32]) -> Vec<f32> {
        let sum = |w: &[f32]| {
            w.iter()
                .zip(row)
                .map(|(w, x)| f64::from(*w) * f64::from(*x))
                .sum::<f64>()
        };
        weight
            .chunks_exact(row.len())
            .zip(bias)
            .map(|(w, b)| (sum(w) + f64::from(*b)).max(0.0) as f32)
            .collect()
    }

    proptest! {
        #[test]
        fn panels_compute_what_the_definition_says(
            inputs in 1_usize..40, outputs in 1_usize..100, seed in prop::collection::vec(-1.0_f32..1.0, 97..=97),
        ) {
            let number = |i: usize| seed[i * 31 % 97];
            let weight: Vec<f32> = (0..inputs * outputs).map(number).collect();
            let bias: Vec<f32> = (0..outputs).map(|i| number(i + 5)).collect();
            let row: Vec<f32> = (0..inputs).map(|i| number(i + 11)).collect();
            let mut out = Vec::new();
            Dense::new(&weight, &bias).forward_relu(&row, &mut out);
            let expected = plain(&weight, &bias, &row);
            prop_assert_eq!(out.len(), outputs);
            for (a, b) in out.iter().zip(&expected) {
                prop_assert!((a - b).abs() < 1e-4, "{} {}", a, b);
            }
        }
    }
}
