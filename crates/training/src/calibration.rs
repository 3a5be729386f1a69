//! Making the confidence honest: the log variance is scaled and shifted until it fits the errors on the validation part.
//!
//! In: errors and log variances. Out: two numbers that are baked into the written head, so that every reader of the
//! file has calibrated figures. Standard deviation scaling (Levi et al. 2022), as an affine map of the log variance and
//! fitted with the log score of what confidence claims, |error| ≤ 10 points, in the spirit of Platt (1999).

use model::{TOLERANCE_POINTS, confidence};
use serde::{Deserialize, Serialize};

use crate::fit::LOG_VARIANCE;

/// log σ² becomes `scale`·log σ² + `shift`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Factor, 0.3 to 3.
    pub scale: f64,
    /// Added, −4 to 4.
    pub shift: f64,
}

/// One prediction on the validation part: error in points, log variance before scaling.
pub(crate) type Residual = (f64, f64);

impl Scaling {
    /// Nothing changes.
    pub(crate) const NONE: Self = Self {
        scale: 1.0,
        shift: 0.0,
    };

    fn apply(self, log_variance: f64) -> f64 {
        (self.scale * log_variance + self.shift).clamp(LOG_VARIANCE.0, LOG_VARIANCE.1)
    }

    /// Mean log score of the confidence; lower is better.
    pub(crate) fn score(self, residuals: &[Residual]) -> f64 {
        let sum: f64 = residuals
            .iter()
            .map(|&(error, log_variance)| {
                let sure = confidence(self.apply(log_variance)).clamp(1e-4, 1.0 - 1e-4);
                -if error.abs() <= TOLERANCE_POINTS { sure } else { 1.0 - sure }.ln()
            })
            .sum();
        sum / residuals.len() as f64
    }

    /// The best on these residuals: a grid that is refined four times around its best point.
    pub(crate) fn fit(residuals: &[Residual]) -> Self {
        const STEPS: i32 = 10;
        let mut best = Self::NONE;
        let mut best_score = best.score(residuals);
        let mut reach = (1.0, 2.0);
        for _ in 0..4 {
            let centre = best;
            for i in -STEPS..=STEPS {
                for j in -STEPS..=STEPS {
                    let candidate = Self {
                        scale: (centre.scale + reach.0 * f64::from(i) / f64::from(STEPS)).clamp(0.3, 3.0),
                        shift: (centre.shift + reach.1 * f64::from(j) / f64::from(STEPS)).clamp(-4.0, 4.0),
                    };
                    let score = candidate.score(residuals);
                    if score < best_score {
                        (best, best_score) = (candidate, score);
                    }
                }
            }
            reach = (reach.0 / 5.0, reach.1 / 5.0);
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Errors whose true log variance is known, and what a model that is too sure says about them.
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
        let scaling = Scaling::fit(&residuals(1));
        for (said, truth) in [(2.0, 4.0), (3.2, 5.5)] {
            assert!(
                (scaling.apply(said) - truth).abs() < 0.35,
                "{scaling:?} {}",
                scaling.apply(said)
            );
        }
        let fresh = residuals(2);
        assert!(scaling.score(&fresh) < Scaling::NONE.score(&fresh));
    }

    #[test]
    fn it_never_makes_its_own_part_worse() {
        for seed in 0..3 {
            let few = &residuals(seed)[..20];
            assert!(Scaling::fit(few).score(few) <= Scaling::NONE.score(few));
        }
    }
}
