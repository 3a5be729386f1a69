//! A dense layer by the columns of its weights, for sums in which few inputs count: what one input adds to every output lies
//! together in memory.
//!
//! In: a dense layer and which of its outputs and inputs are wanted. Out: sums over inputs, without the bias. Rows of outputs are
//! padded with zeros.

use super::{DIRECTIONS, Dense};

/// Rows of outputs are padded to a multiple of this.
pub(super) const PAD: usize = 8;
/// Rows that are summed at once: a constant and one for each direction.
pub(super) const LINES: usize = DIRECTIONS + 1;

/// Weights by input, and the biases.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    outputs: usize,
    width: usize,
    /// By input: the weights of every output, padded.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Columns {
    /// Takes these outputs and inputs of a layer.
    pub(super) fn new(dense: &Dense, outputs: &[usize], inputs: &[usize]) -> Self {
        let width = outputs.len().next_multiple_of(PAD);
        let padded = |mut row: Vec<f32>| {
            row.resize(width, 0.0);
            row
        };
        let biases = dense.biases();
        let column = |input: &usize| {
            padded(
                outputs
                    .iter()
                    .map(|output| dense.weight(*output, *input))
                    .collect(),
            )
        };
        Self {
            outputs: outputs.len(),
            width,
            weights: inputs.iter().flat_map(column).collect(),
            bias: padded(outputs.iter().map(|output| biases[*output]).collect()),
        }
    }

    /// Returns the number of outputs.
    pub(super) const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Returns the number of outputs with the padding.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Returns the constant terms.
    pub(super) fn biases(&self) -> &[f32] {
        &self.bias
    }

    /// Returns the weights of one input.
    pub(super) fn column(&self, input: usize) -> &[f32] {
        &self.weights[input * self.width..][..self.width]
    }

    /// Adds the weights times `row` to `out`; zeros of the row cost nothing.
    pub(super) fn add_sum(&self, row: &[f32], out: &mut [f32]) {
        // A row may be padded as the layer before is.
        for (column, x) in self.weights.chunks_exact(self.width.max(1)).zip(row) {
            if *x != 0.0 {
                for (sum, weight) in out.iter_mut().zip(column) {
                    *sum += weight * x;
                }
            }
        }
    }

    /// Adds the weights times several rows to as many rows, where the gates of the rows are not zero.
    pub(super) fn add_sums(&self, rows: &[Vec<f32>; LINES], gates: &[f32], out: &mut [Vec<f32>; LINES]) {
        let inputs = self.weights.len() / self.width.max(1);
        let open: Vec<(usize, [f32; LINES])> = (0..inputs)
            .filter(|input| gates[*input] != 0.0)
            .map(|input| (input, std::array::from_fn(|line| rows[line][input])))
            .collect();
        for start in (0..self.width).step_by(PAD) {
            // These sums stay in registers.
            let mut sums = [[0.0_f32; PAD]; LINES];
            for (input, factors) in &open {
                let weights = &self.weights[input * self.width + start..][..PAD];
                for (sum, factor) in sums.iter_mut().zip(factors) {
                    for (number, weight) in sum.iter_mut().zip(weights) {
                        *number += weight * factor;
                    }
                }
            }
            for (line, sum) in out.iter_mut().zip(sums) {
                for (number, more) in line[start..start + PAD].iter_mut().zip(sum) {
                    *number += more;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: usize, count: usize) -> Vec<f32> {
        (0..count)
            .map(|n| (((seed + n) * 37 % 101) as f32 - 50.0) / 25.0)
            .collect()
    }

    #[test]
    fn sums_are_those_of_the_layer_on_what_was_taken() {
        let (inputs, outputs) = (11, 21);
        let dense = Dense::new(&numbers(1, inputs * outputs), &numbers(2, outputs));
        let taken: (Vec<usize>, Vec<usize>) = ((3..18).collect(), vec![0, 2, 5, 10]);
        let columns = Columns::new(&dense, &taken.0, &taken.1);
        assert_eq!((columns.outputs(), columns.width()), (15, 16));
        let mut row = vec![0.0; inputs];
        let few = numbers(9, taken.1.len());
        for (place, x) in taken.1.iter().zip(&few) {
            row[*place] = *x;
        }
        let mut truth = Vec::new();
        dense.along(&row, &mut truth);
        let mut sum = vec![0.0; 16];
        columns.add_sum(&few, &mut sum);
        let rows: [Vec<f32>; LINES] =
            std::array::from_fn(|line| few.iter().map(|x| x * line as f32).collect());
        let mut sums: [Vec<f32>; LINES] = std::array::from_fn(|_| vec![0.0; 16]);
        columns.add_sums(&rows, &[1.0; 4], &mut sums);
        let mut shut: [Vec<f32>; LINES] = std::array::from_fn(|_| vec![0.0; 16]);
        columns.add_sums(&rows, &[0.0; 4], &mut shut);
        for (place, output) in taken.0.iter().enumerate() {
            assert!((sum[place] - truth[*output]).abs() < 1e-5);
            assert!((sums[3][place] - 3.0 * truth[*output]).abs() < 1e-4);
            assert!((columns.column(2)[place] - dense.weight(*output, 5)).abs() < f32::EPSILON);
        }
        assert!(sum[15].abs() < f32::EPSILON && columns.biases()[15].abs() < f32::EPSILON);
        assert!(shut.iter().flatten().all(|x| x.abs() < f32::EPSILON));
    }
}
