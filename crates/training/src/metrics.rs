//! Metrics of a model: its errors, and the quality of its confidence.
//!
//! In: predictions and outcomes. Out: figures. A prediction is right within 10 points, the event that confidence refers
//! to. Positions and errors are in points.

use model::{Calibration, LOG_VARIANCE, Prediction, TOLERANCE_POINTS};
use serde::{Deserialize, Serialize};

/// Number of bins of the reliability curve, of equal width in confidence.
const BINS: usize = 15;
/// Quantiles of the normal distribution: 97.5 % for the 95 % interval, 90 % and 75 % for those of 80 and 50 %.
const INTERVALS: [(f64, f64); 3] = [(0.50, 0.674_489_75), (0.80, 1.281_551_57), (0.95, 1.959_963_98)];

/// Errors of any model, including one without a confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorMetrics {
    /// Mean absolute error, points.
    pub mae: f64,
    /// Root of the mean squared error, points.
    pub rmse: f64,
    /// Share of predictions within 10 points.
    pub right: f64,
}

/// The share of outcomes in an interval that should hold `nominal` of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The nominal share: 0.5, 0.8 or 0.95.
    pub nominal: f64,
    /// The observed share.
    pub found: f64,
}

/// A bin of the reliability curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Number of predictions in it.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of right ones.
    pub right: f64,
}

/// The metrics of a model on a set of outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of predictions.
    pub count: usize,
    /// Errors.
    #[serde(flatten)]
    pub errors: ErrorMetrics,
    /// Mean continuous ranked probability score, points (Gneiting and Raftery 2007).
    pub crps: f64,
    /// Mean confidence.
    pub confidence: f64,
    /// Expected calibration error: mean distance between the confidence and the share of right predictions, over 15
    /// equal bins.
    pub ece: f64,
    /// Brier score of the confidence.
    pub brier: f64,
    /// Brier score of a constant confidence equal to the share of right predictions.
    pub brier_of_base_rate: f64,
    /// Area under the ROC curve of the confidence for right predictions; absent if all or none are right.
    pub auroc: Option<f64>,
    /// Shares of outcomes in the 50, 80 and 95 % intervals.
    pub coverage: Vec<Coverage>,
    /// Share of predictions whose confidence the guard lowered.
    pub guarded: f64,
    /// The reliability curve; bins without predictions are omitted.
    pub reliability: Vec<Bin>,
}

/// Returns the CRPS of a normal distribution for an error at `sigma` (Gneiting and Raftery 2007, eq. 21).
pub(crate) fn crps(error: f64, sigma: f64) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};
    let z = error / sigma;
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    let twice_phi_less_one = libm::erf(z * FRAC_1_SQRT_2);
    sigma * (z * twice_phi_less_one + 2.0 * density - SQRT_2 / (2.0 * PI).sqrt())
}

impl ErrorMetrics {
    /// Computes the metrics of errors in points; NaN without any.
    pub(crate) fn of(errors: &[f64]) -> Self {
        let mean = |f: &dyn Fn(f64) -> f64| errors.iter().map(|&e| f(e)).sum::<f64>() / errors.len() as f64;
        Self {
            mae: mean(&f64::abs),
            rmse: mean(&|e| e * e).sqrt(),
            right: mean(&|e| f64::from(u8::from(e.abs() <= TOLERANCE_POINTS))),
        }
    }
}

impl Metrics {
    /// Evaluates predictions against outcomes (percent), one for each. There must be at least one.
    pub fn of(predictions: &[Prediction], outcomes: &[f64]) -> Self {
        let count = predictions.len();
        let errors: Vec<f64> = predictions
            .iter()
            .zip(outcomes)
            .map(|(p, wanted)| p.position - wanted)
            .collect();
        let mean = |f: &dyn Fn(&Prediction, f64) -> f64| {
            let sum: f64 = predictions.iter().zip(&errors).map(|(p, e)| f(p, *e)).sum();
            sum / count as f64
        };
        let right = |e: f64| f64::from(u8::from(e.abs() <= TOLERANCE_POINTS));
        // What is unknown counts as the largest.
        let sigma = |p: &Prediction| (p.log_variance.unwrap_or(LOG_VARIANCE.1) / 2.0).exp();
        let error_metrics = ErrorMetrics::of(&errors);
        let claims: Vec<(f64, bool)> = predictions
            .iter()
            .zip(&errors)
            .map(|(p, e)| (p.confidence, e.abs() <= TOLERANCE_POINTS))
            .collect();
        let reliability = reliability(&claims);
        let distances = reliability
            .iter()
            .map(|bin| bin.count as f64 * (bin.confidence - bin.right).abs());
        Self {
            count,
            crps: mean(&|p, e| crps(e, sigma(p))),
            confidence: mean(&|p, _| p.confidence),
            ece: distances.sum::<f64>() / count as f64,
            brier: mean(&|p, e| (p.confidence - right(e)).powi(2)),
            brier_of_base_rate: error_metrics.right * (1.0 - error_metrics.right),
            auroc: auroc(&claims),
            coverage: INTERVALS
                .map(|(nominal, z)| Coverage {
                    nominal,
                    found: mean(&|p, e| f64::from(u8::from(e.abs() <= z * sigma(p)))),
                })
                .to_vec(),
            guarded: mean(&|p, _| f64::from(u8::from(p.confidence < p.model_confidence))),
            errors: error_metrics,
            reliability,
        }
    }

    /// Returns the figures for a side-car.
    pub fn calibration(&self) -> Calibration {
        Calibration {
            mae: self.errors.mae,
            ece: self.ece,
            brier: self.brier,
            auroc: self.auroc.unwrap_or(0.5),
            coverage_95: self.coverage_95(),
        }
    }

    /// Returns the share of outcomes in the 95 % interval.
    pub fn coverage_95(&self) -> f64 {
        self.coverage.last().map_or(f64::NAN, |interval| interval.found)
    }
}

fn reliability(claims: &[(f64, bool)]) -> Vec<Bin> {
    let mut sums = [(0_usize, 0.0_f64, 0_usize); BINS];
    for &(confidence, right) in claims {
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        sums[bin].0 += 1;
        sums[bin].1 += confidence;
        sums[bin].2 += usize::from(right);
    }
    sums.iter()
        .filter(|(count, ..)| *count > 0)
        .map(|&(count, confidence, right)| Bin {
            count,
            confidence: confidence / count as f64,
            right: right as f64 / count as f64,
        })
        .collect()
}

/// Returns the probability that a right prediction has a higher confidence than a wrong one; ties count half (Mann and
/// Whitney 1947).
fn auroc(claims: &[(f64, bool)]) -> Option<f64> {
    let mut sorted = claims.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = sorted.iter().filter(|claim| claim.1).count();
    let negatives = sorted.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut below = 0.0;
    let mut wins = 0.0;
    for ties in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let right = ties.iter().filter(|claim| claim.1).count() as f64;
        let wrong = ties.len() as f64 - right;
        wins += right * (below + wrong / 2.0);
        below += wrong;
    }
    Some(wins / (positives as f64 * negatives as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prediction(position: f64, log_variance: f64) -> Prediction {
        let sure = model::confidence(log_variance);
        Prediction {
            position,
            log_variance: Some(log_variance),
            confidence: sure,
            model_confidence: sure,
            largest_z: 1.0,
        }
    }

    #[test]
    fn known_figures() {
        // Three of four right, each claimed with the same confidence: one bin, no discrimination.
        let said = vec![prediction(50.0, 4.6); 4];
        let metrics = Metrics::of(&said, &[50.0, 45.0, 55.0, 80.0]);
        let sure = said[0].confidence;
        assert!((metrics.errors.mae - 10.0).abs() < 1e-12 && (metrics.errors.right - 0.75).abs() < 1e-12);
        assert!((metrics.ece - (sure - 0.75).abs()).abs() < 1e-12);
        assert_eq!((metrics.auroc, metrics.reliability.len()), (Some(0.5), 1));
        assert!((metrics.brier_of_base_rate - 0.1875).abs() < 1e-12);
        // The more confident one is right: perfect order.
        let two = [prediction(50.0, 0.0), prediction(50.0, 6.0)];
        assert_eq!(Metrics::of(&two, &[50.0, 90.0]).auroc, Some(1.0));
        assert_eq!(Metrics::of(&two, &[50.0, 50.0]).auroc, None);
    }

    #[test]
    fn crps_of_a_standard_normal_at_its_mean() {
        // (√2 − 1)/√π
        assert!((crps(0.0, 1.0) - 0.233_694_977_26).abs() < 1e-9);
        // For large errors it approaches the absolute error.
        assert!((crps(100.0, 1.0) - (100.0 - 1.0 / std::f64::consts::PI.sqrt())).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn shares_stay_shares(
            rows in prop::collection::vec((0.0_f64..100.0, -6.0_f64..8.0, 0.0_f64..100.0), 1..60),
        ) {
            let said: Vec<_> = rows.iter().map(|r| prediction(r.0, r.1)).collect();
            let outcomes: Vec<f64> = rows.iter().map(|r| r.2).collect();
            let m = Metrics::of(&said, &outcomes);
            for share in [m.ece, m.brier, m.confidence, m.errors.right, m.coverage_95(), m.auroc.unwrap_or(0.5)] {
                prop_assert!((0.0..=1.0).contains(&share));
            }
            prop_assert!(m.crps >= 0.0 && m.crps <= 100.0 + 55.0);
            prop_assert_eq!(m.reliability.iter().map(|b| b.count).sum::<usize>(), rows.len());
        }
    }
}
