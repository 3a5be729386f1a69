//! Baselines that any model must beat: the best constant and a linear regression.

use model::INPUTS;
use serde::{Deserialize, Serialize};

use crate::{metrics::ErrorMetrics, part::Part};

/// Keeps the normal equations solvable when inputs depend on each other.
const RIDGE: f64 = 1e-3;
/// Number of terms: the inputs and the constant.
const TERMS: usize = INPUTS + 1;

/// Simple models, fitted on the training part and evaluated on the test part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// The median of the training labels, which has the least absolute error of all constants.
    pub constant: ErrorMetrics,
    /// Linear regression on the normalised inputs (ridge, least squares), clamped to 0–100.
    pub linear: ErrorMetrics,
}

impl Baselines {
    pub(crate) fn fit(train: &Part, test: &Part) -> Self {
        let mut sorted = train.positions.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let constant: Vec<f64> = test.positions.iter().map(|wanted| median - wanted).collect();
        let line = least_squares(train);
        let linear: Vec<f64> = test
            .rows
            .iter()
            .zip(&test.positions)
            .map(|(row, wanted)| {
                let sum: f64 = terms(row).zip(&line).map(|(x, w)| x * w).sum();
                sum.clamp(0.0, 100.0) - wanted
            })
            .collect();
        Self {
            constant: ErrorMetrics::of(&constant),
            linear: ErrorMetrics::of(&linear),
        }
    }
}

fn terms(row: &[f32; INPUTS]) -> impl Iterator<Item = f64> {
    row.iter().map(|x| f64::from(*x)).chain([1.0])
}

/// Returns the weights of `(XᵀX + λn·I) w = Xᵀy` by Gaussian elimination; the ridge makes the matrix positive definite.
fn least_squares(part: &Part) -> Vec<f64> {
    let mut matrix = vec![[0.0; TERMS + 1]; TERMS];
    for (row, wanted) in part.rows.iter().zip(&part.positions) {
        let row: Vec<f64> = terms(row).collect();
        for (i, line) in matrix.iter_mut().enumerate() {
            for (cell, x) in line.iter_mut().zip(&row) {
                *cell += row[i] * x;
            }
            line[TERMS] += row[i] * wanted;
        }
    }
    for (i, line) in matrix.iter_mut().enumerate() {
        line[i] += RIDGE * part.rows.len() as f64;
    }
    for pivot in 0..TERMS {
        let lead = matrix[pivot];
        for line in &mut matrix[pivot + 1..] {
            let factor = line[pivot] / lead[pivot];
            for (cell, x) in line.iter_mut().zip(&lead).skip(pivot) {
                *cell -= factor * x;
            }
        }
    }
    let mut weights = vec![0.0; TERMS];
    for i in (0..TERMS).rev() {
        let known: f64 = (i + 1..TERMS).map(|j| matrix[i][j] * weights[j]).sum();
        weights[i] = (matrix[i][TERMS] - known) / matrix[i][i];
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_found() {
        let mut part = Part::default();
        for n in 0..500_u32 {
            let mut row = [0.0; INPUTS];
            for (input, x) in row.iter_mut().enumerate().take(3) {
                *x = ((n * (7 + input as u32 * 11)) % 101) as f32 / 50.0 - 1.0;
            }
            part.positions
                .push(50.0 + 20.0 * f64::from(row[0]) - 10.0 * f64::from(row[2]));
            part.rows.push(row);
        }
        let fitted = Baselines::fit(&part, &part);
        assert!(fitted.linear.mae < 0.2, "{fitted:?}");
        assert!(fitted.constant.mae > 5.0);
    }
}
