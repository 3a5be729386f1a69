//! Normalisation of a model's inputs.
//!
//! Mean and deviation of the training part. The deviation of an input with long tails is enlarged, so that the
//! confidence's guard (see [`model::guard`]) accepts inputs like those of the training and still rejects others.

use model::{GUARD_FULL_Z, INPUTS};

/// The share of the training values of each input that the guard must accept.
const ORDINARY: f64 = 0.999;

/// Mean and scale of each input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Normalisation {
    pub(crate) mean: [f32; INPUTS],
    pub(crate) std: [f32; INPUTS],
}

impl Normalisation {
    /// Computes mean and scale from rows in which NaN marks a missing number.
    pub(crate) fn fit(rows: &[[f32; INPUTS]]) -> Self {
        let mut fitted = Self {
            mean: [0.0; INPUTS],
            std: [1.0; INPUTS],
        };
        for input in 0..INPUTS {
            let values: Vec<f64> = rows
                .iter()
                .map(|row| f64::from(row[input]))
                .filter(|value| value.is_finite())
                .collect();
            if values.is_empty() {
                continue;
            }
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            let mut distances: Vec<f64> = values.iter().map(|x| (x - mean).abs()).collect();
            distances.sort_by(f64::total_cmp);
            let far = distances[((count - 1.0) * ORDINARY) as usize];
            let std = variance.sqrt().max(far / GUARD_FULL_Z) as f32;
            fitted.mean[input] = mean as f32;
            // A constant input carries no information; 1 keeps it zero in training and lets the guard notice a change.
            fitted.std[input] = if std > 1e-6 { std } else { 1.0 };
        }
        fitted
    }

    /// Returns a normalised row; missing numbers become the mean.
    pub(crate) fn apply(&self, row: &[f32; INPUTS]) -> [f32; INPUTS] {
        let mut normal = [0.0; INPUTS];
        for (input, out) in normal.iter_mut().enumerate() {
            if row[input].is_finite() {
                *out = (row[input] - self.mean[input]) / self.std[input];
            }
        }
        normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_numbers_count_for_nothing_and_constants_stay_zero() {
        let mut rows = vec![[0.0_f32; INPUTS]; 100];
        for (n, row) in rows.iter_mut().enumerate() {
            row[0] = n as f32;
            row[1] = 60.0;
            row[2] = if n % 2 == 0 { f32::NAN } else { 8.0 };
        }
        let fitted = Normalisation::fit(&rows);
        assert!((fitted.mean[0] - 49.5).abs() < 1e-3 && (fitted.std[0] - 28.866).abs() < 1e-2);
        assert_eq!((fitted.mean[1], fitted.std[1]), (60.0, 1.0));
        assert!((fitted.mean[2] - 8.0).abs() < 1e-6);
        assert!(fitted.apply(&rows[0])[2].abs() < 1e-6);
    }

    #[test]
    fn the_guard_leaves_ordinary_values_alone_however_long_their_tail() {
        let mut rows = vec![[0.0_f32; INPUTS]; 2000];
        for (n, row) in rows.iter_mut().enumerate() {
            row[0] = ((n as f32 + 1.0) / 2000.0).powi(60);
        }
        let fitted = Normalisation::fit(&rows);
        let outside = rows
            .iter()
            .filter(|row| f64::from(fitted.apply(row)[0].abs()) > GUARD_FULL_Z + 1e-3);
        assert!(outside.count() <= 2);
    }
}
