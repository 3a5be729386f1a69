//! The confidence of a prediction.
//!
//! In: a log variance and the distance of the input from the training data. Out: a probability.

/// Distance from the right position, in points, within which a prediction is right.
pub const TOLERANCE_POINTS: f64 = 10.0;

/// Largest |z| of the normalised inputs up to which the model's own confidence is kept.
pub const GUARD_FULL_Z: f64 = 5.0;

/// Largest |z| of the normalised inputs from which the confidence is zero.
pub const GUARD_ZERO_Z: f64 = 10.0;

/// Returns P(|error| ≤ 10 points) for a normal error of variance `exp(log_variance)`: erf(10 / (σ√2)), the normal
/// distribution's mass within ±10 (Abramowitz and Stegun 7.1.22, 26.2.29). 0 to 1.
pub fn confidence(log_variance: f64) -> f64 {
    let sigma = (log_variance / 2.0).exp();
    libm::erf(TOLERANCE_POINTS / (sigma * std::f64::consts::SQRT_2)).clamp(0.0, 1.0)
}

/// Returns the factor of the confidence: 1 up to a largest |z| of 5, 0 from 10 on, linear in between. A network
/// extrapolates without noticing, so its own variance has no meaning far from the training data. The distance in
/// standard deviations is the classical test for outliers (Barnett and Lewis, Outliers in Statistical Data, 1994, ch.
/// 6). The limits are ours: except for rare sounds, rooms of the training data stay within 5.
pub fn guard(largest_z: f64) -> f64 {
    if largest_z.is_nan() {
        return 0.0;
    }
    ((GUARD_ZERO_Z - largest_z) / (GUARD_ZERO_Z - GUARD_FULL_Z)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values_of_the_normal_distribution() {
        // σ = 10: one standard deviation, 68.27 %; σ = 5: two, 95.45 %.
        assert!((confidence(2.0 * 10_f64.ln()) - 0.682_689_492).abs() < 1e-9);
        assert!((confidence(2.0 * 5_f64.ln()) - 0.954_499_736).abs() < 1e-9);
    }

    #[test]
    fn the_guard_closes_between_five_and_ten() {
        for (z, factor) in [
            (0.0, 1.0),
            (5.0, 1.0),
            (7.5, 0.5),
            (10.0, 0.0),
            (1e9, 0.0),
            (f64::INFINITY, 0.0),
            (f64::NAN, 0.0),
        ] {
            assert!((guard(z) - factor).abs() < 1e-12, "{z}");
        }
    }

    proptest! {
        #[test]
        fn always_a_probability(log_variance in -6.0_f64..8.0, z in 0.0_f64..100.0) {
            let sure = confidence(log_variance) * guard(z);
            prop_assert!((0.0..=1.0).contains(&sure));
        }

        #[test]
        fn more_variance_is_never_more_sure(a in -6.0_f64..8.0, b in -6.0_f64..8.0) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(confidence(low) >= confidence(high));
        }
    }
}
