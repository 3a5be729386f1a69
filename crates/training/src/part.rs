//! A part of the examples as the network sees it: for training, for validation or for the test.

use model::INPUTS;

/// Rows and the positions that belong to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// The normalised inputs.
    pub(crate) rows: Vec<[f32; INPUTS]>,
    /// In percent.
    pub(crate) positions: Vec<f64>,
    /// Weight of each row in the loss; their mean is 1.
    pub(crate) weights: Vec<f64>,
}

impl Part {
    /// Weighs the rows: 0 weighs all alike, 1 weighs every tenth of the positions alike.
    pub(crate) fn balance(&mut self, balance: f64) {
        self.weights = weights(&self.positions, balance);
    }
}

/// Returns (1 / share of the label's tenth)^balance, scaled to a mean of 1.
fn weights(positions: &[f64], balance: f64) -> Vec<f64> {
    let tenth = |position: f64| ((position / 10.0) as usize).min(9);
    let mut counts = [0.0; 10];
    for &position in positions {
        counts[tenth(position)] += 1.0;
    }
    let total = positions.len() as f64;
    let raw: Vec<f64> = positions
        .iter()
        .map(|&p| (total / counts[tenth(p)]).powf(balance))
        .collect();
    let mean = raw.iter().sum::<f64>() / total;
    raw.into_iter().map(|weight| weight / mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_lifts_what_is_rare_and_keeps_the_mean() {
        let positions: Vec<f64> = (0..100).map(|n| if n < 90 { 0.0 } else { 95.0 }).collect();
        assert!(weights(&positions, 0.0).iter().all(|w| (w - 1.0).abs() < 1e-12));
        let full = weights(&positions, 1.0);
        assert!((full[..90].iter().sum::<f64>() - full[90..].iter().sum::<f64>()).abs() < 1e-9);
        assert!((full.iter().sum::<f64>() - 100.0).abs() < 1e-9);
    }
}
