//! Dense layers, in 32-bit floats as in PyTorch.
//!
//! In: checked weights, a row. Out: the row of outputs. Weights are stored in panels of 32 outputs, so that a panel's
//! sums stay in registers during the loop over the inputs.

use super::activation::relu;

const PANEL: usize = 32;

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

    /// Returns the number of outputs.
    pub(super) const fn width(&self) -> usize {
        self.outputs
    }

    /// Computes `out = relu(weight · row + bias)`.
    pub(super) fn forward_relu(&self, row: &[f32], out: &mut Vec<f32>) {
        self.forward_then(row, out, relu);
    }

    /// Computes `out = weight · row + bias`.
    pub(super) fn forward(&self, row: &[f32], out: &mut Vec<f32>) {
        self.forward_then(row, out, |sum| sum);
    }

    /// Computes `out = weight · tangent`; zeros of the tangent cost nothing.
    pub(super) fn along(&self, tangent: &[f32], out: &mut Vec<f32>) {
        debug_assert_eq!(tangent.len(), self.inputs);
        out.clear();
        for panel in self.panels.chunks_exact(self.inputs) {
            let mut sums = [0.0; PANEL];
            for (weights, &x) in panel.iter().zip(tangent).filter(|(_, x)| **x != 0.0) {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * x;
                }
            }
            out.extend_from_slice(&sums);
        }
        out.truncate(self.outputs);
    }

    /// Returns the constant terms.
    pub(super) fn biases(&self) -> Vec<f32> {
        let mut biases = self.bias.concat();
        biases.truncate(self.outputs);
        biases
    }

    /// Returns the number of inputs.
    pub(super) const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns one weight.
    pub(super) fn weight(&self, output: usize, input: usize) -> f32 {
        self.panels[output / PANEL * self.inputs + input][output % PANEL]
    }

    #[inline]
    fn forward_then(&self, row: &[f32], out: &mut Vec<f32>, last: impl Fn(f32) -> f32) {
        debug_assert_eq!(row.len(), self.inputs);
        out.clear();
        for (panel, bias) in self.panels.chunks_exact(self.inputs).zip(&self.bias) {
            let mut sums = *bias;
            for (weights, &x) in panel.iter().zip(row) {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * x;
                }
            }
            for sum in &mut sums {
                *sum = last(*sum);
            }
            out.extend_from_slice(&sums);
        }
        out.truncate(self.outputs);
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
            .map(|(w, b)| (sum(w) + f64::from(*b)) as f32)
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
            let dense = Dense::new(&weight, &bias);
            let (mut out, mut positive) = (Vec::new(), Vec::new());
            dense.forward(&row, &mut out);
            dense.forward_relu(&row, &mut positive);
            let expected = plain(&weight, &bias, &row);
            let mut along = Vec::new();
            dense.along(&row, &mut along);
            for ((sum, bias), b) in along.iter().zip(dense.biases()).zip(&expected) {
                prop_assert!((sum + bias - b).abs() < 1e-4);
            }
            for (place, x) in weight.iter().enumerate() {
                prop_assert_eq!(dense.weight(place / inputs, place % inputs).to_bits(), x.to_bits());
            }
            prop_assert_eq!((out.len(), positive.len(), dense.width()), (outputs, outputs, outputs));
            for ((a, b), c) in out.iter().zip(&expected).zip(positive) {
                prop_assert!((a - b).abs() < 1e-4, "{} {}", a, b);
                prop_assert!((a.max(0.0) - c).abs() < 1e-9);
            }
        }
    }
}
