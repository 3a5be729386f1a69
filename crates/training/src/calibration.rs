//! Calibration of the confidence: a curve maps the log variance so that it fits the errors on the validation part.
//!
//! In: errors and log variances. Out: a monotone, piecewise linear curve that becomes part of the written weights, so
//! that every reader of the file gets calibrated values. The method is recalibration by a monotone map (Kuleshov et al.
//! 2018), fitted with the log score of the event |error| ≤ 10 points.

use model::{TOLERANCE_POINTS, confidence};
use serde::{Deserialize, Serialize};

use crate::regressor::LOG_VARIANCE;

/// Largest number of knots.
const KNOTS: usize = 11;
/// Smallest distance between knots, so that no segment becomes a step.
const GAP: f64 = 0.05;
/// Number of passes over all knots.
const SWEEPS: usize = 6;

/// Maps `knots[i]` to `values[i]`, linearly in between, constant outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Log variances of the network, ascending.
    pub knots: Vec<f64>,
    /// Calibrated log variances, not descending.
    pub values: Vec<f64>,
}

/// One prediction on the validation part: error in points, uncalibrated log variance.
pub(crate) type Residual = (f64, f64);

impl Curve {
    /// Returns the identity.
    pub(crate) fn straight() -> Self {
        let ends = vec![LOG_VARIANCE.0, LOG_VARIANCE.1];
        Self {
            knots: ends.clone(),
            values: ends,
        }
    }

    /// Returns the change of slope at each knot: log variance = values\[0\] + Σ change·max(0, x − knot).
    pub(crate) fn slope_changes(&self) -> Vec<f64> {
        let mut before = 0.0;
        let mut changes: Vec<f64> = (1..self.knots.len())
            .map(|i| {
                let slope = (self.values[i] - self.values[i - 1]) / (self.knots[i] - self.knots[i - 1]);
                let change = slope - before;
                before = slope;
                change
            })
            .collect();
        changes.push(-before);
        changes
    }

    fn apply(&self, log_variance: f64) -> f64 {
        let after = self.knots.partition_point(|knot| *knot <= log_variance);
        if after == 0 {
            return self.values[0];
        }
        if after == self.knots.len() {
            return self.values[after - 1];
        }
        let (from, to) = (self.knots[after - 1], self.knots[after]);
        let share = (log_variance - from) / (to - from);
        self.values[after - 1] + share * (self.values[after] - self.values[after - 1])
    }

    /// Returns the mean log score of the confidence; lower is better.
    pub(crate) fn score(&self, residuals: &[Residual]) -> f64 {
        let sum: f64 = residuals
            .iter()
            .map(|&(error, log_variance)| {
                let sure = confidence(self.apply(log_variance)).clamp(1e-4, 1.0 - 1e-4);
                -if error.abs() <= TOLERANCE_POINTS {
                    sure
                } else {
                    1.0 - sure
                }
                .ln()
            })
            .sum();
        sum / residuals.len() as f64
    }

    /// Fits a curve to residuals: first the best straight line, then each knot in turn is moved to the best score
    /// between its neighbours.
    pub(crate) fn fit(residuals: &[Residual]) -> Self {
        let mut curve = Self::between(residuals).lined_up(residuals);
        for sweep in 0..SWEEPS {
            let reach = 2.0 / f64::from(1 << sweep);
            for knot in 0..curve.knots.len() {
                curve.move_knot(knot, reach, residuals);
            }
        }
        curve
    }

    /// Returns the identity with knots that divide the residuals evenly, except those with a confidence near 1.
    fn between(residuals: &[Residual]) -> Self {
        let mut unsure: Vec<f64> = residuals
            .iter()
            .map(|residual| residual.1)
            .filter(|log_variance| confidence(*log_variance) < 0.999)
            .collect();
        unsure.sort_by(f64::total_cmp);
        let mut knots = vec![LOG_VARIANCE.0];
        for place in 0..KNOTS {
            let Some(knot) = unsure.get(unsure.len().saturating_sub(1) * place / (KNOTS - 1)) else {
                break;
            };
            if knot - knots[knots.len() - 1] >= GAP && LOG_VARIANCE.1 - knot >= GAP {
                knots.push(*knot);
            }
        }
        knots.push(LOG_VARIANCE.1);
        Self {
            values: knots.clone(),
            knots,
        }
    }

    /// Returns the curve with its knots on the straight line of the best score, from a grid that is refined three
    /// times.
    fn lined_up(&self, residuals: &[Residual]) -> Self {
        const STEPS: i32 = 8;
        let line = |scale: f64, shift: f64| Self {
            knots: self.knots.clone(),
            values: self
                .knots
                .iter()
                .map(|knot| (scale * knot + shift).clamp(LOG_VARIANCE.0, LOG_VARIANCE.1))
                .collect(),
        };
        let (mut scale, mut shift) = (1.0, 0.0);
        let mut best = self.clone();
        let mut least = best.score(residuals);
        for round in 0..3 {
            let reach = 0.3_f64.powi(round);
            let centre = (scale, shift);
            for step in 0..(2 * STEPS + 1).pow(2) {
                let at = |n: i32| f64::from(n - STEPS) / f64::from(STEPS) * reach;
                let candidate = (
                    (centre.0 + 0.8 * at(step % (2 * STEPS + 1))).max(0.1),
                    centre.1 + 2.0 * at(step / (2 * STEPS + 1)),
                );
                let curve = line(candidate.0, candidate.1);
                let score = curve.score(residuals);
                if score < least - 1e-12 {
                    ((scale, shift), best, least) = (candidate, curve, score);
                }
            }
        }
        best
    }

    fn move_knot(&mut self, knot: usize, reach: f64, residuals: &[Residual]) {
        const STEPS: i32 = 8;
        let low = if knot == 0 {
            LOG_VARIANCE.0
        } else {
            self.values[knot - 1]
        };
        let high = self.values.get(knot + 1).copied().unwrap_or(LOG_VARIANCE.1);
        // Only residuals between the neighbouring knots are affected.
        let from = if knot == 0 {
            f64::NEG_INFINITY
        } else {
            self.knots[knot - 1]
        };
        let to = self.knots.get(knot + 1).copied().unwrap_or(f64::INFINITY);
        let near: Vec<Residual> = residuals
            .iter()
            .copied()
            .filter(|residual| (from..=to).contains(&residual.1))
            .collect();
        if near.is_empty() {
            return;
        }
        let start = self.values[knot];
        let (mut best, mut least) = (start, self.score(&near));
        for step in -STEPS..=STEPS {
            let candidate = (start + reach * f64::from(step) / f64::from(STEPS)).clamp(low, high);
            self.values[knot] = candidate;
            let score = self.score(&near);
            if score < least - 1e-12 {
                (best, least) = (candidate, score);
            }
        }
        self.values[knot] = best;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Returns errors of a known log variance, with the log variances of an overconfident model.
    fn residuals(seed: u64) -> Vec<Residual> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..4000)
            .map(|_| {
                let truth: f64 = rng.random_range(0.0..6.5);
                let normal: f64 = (0..12).map(|_| rng.random_range(0.0..1.0)).sum::<f64>() - 6.0;
                (normal * (truth / 2.0).exp(), (truth - 1.5) / 1.25)
            })
            .collect()
    }

    #[test]
    fn an_overconfident_model_gets_its_true_variance_back() {
        let curve = Curve::fit(&residuals(1));
        for (said, truth) in [(2.8, 5.0), (3.2, 5.5)] {
            assert!(
                (curve.apply(said) - truth).abs() < 0.6,
                "{curve:?} {}",
                curve.apply(said)
            );
        }
        let fresh = residuals(2);
        assert!(curve.score(&fresh) < Curve::straight().score(&fresh));
    }

    #[test]
    fn it_never_makes_its_own_part_worse() {
        for seed in 0..3 {
            let few = &residuals(seed)[..20];
            assert!(Curve::fit(few).score(few) <= Curve::straight().score(few) + 1e-9);
        }
    }

    #[test]
    fn slopes_rebuild_the_curve() {
        let curve = Curve::fit(&residuals(3));
        assert!(curve.values.is_sorted());
        let changes = curve.slope_changes();
        for said in [-7.0, -3.3, 0.1, 2.2, 4.0, 7.7, 9.0] {
            let sum: f64 = changes
                .iter()
                .zip(&curve.knots)
                .map(|(change, knot)| change * f64::max(0.0, said - knot))
                .sum();
            assert!((curve.values[0] + sum - curve.apply(said)).abs() < 1e-9, "{said}");
        }
    }
}
