//! Smooth random curves that can be read at any point in time, so that the world does not depend on how it is stepped.
//!
//! In: a seed, a stream and a time. Out: a value of unit variance. It keeps no state: each knot is a hash of its place.

use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Draws a standard normal number.
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    gauss(rng.random(), rng.random())
}

/// The generator of one stream of one seed; streams are independent of each other.
pub(crate) fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A curve through independent normal numbers, one each `period_s`.
/// A curve through independent normal numbers, one each `period_s`.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    key: u64,
    period_s: f64,
}

impl Noise {
    pub(crate) fn new(seed: u64, stream: u64, period_s: f64) -> Self {
        Self {
            key: mix(mix(seed) ^ stream),
            period_s,
        }
    }

    /// The curve's value: mean 0, variance 1 everywhere.
    pub(crate) fn at(&self, time_s: f64) -> f64 {
        let place = time_s / self.period_s;
        let before = place.floor();
        let x = place - before;
        let weight = x * x * (3.0 - 2.0 * x);
        let blend = self.knot(before as i64) * (1.0 - weight) + self.knot(before as i64 + 1) * weight;
        // Between two independent knots the variance would dip; this lifts it to 1 again.
        blend / ((1.0 - weight).powi(2) + weight * weight).sqrt()
    }

    fn knot(&self, index: i64) -> f64 {
        let first = mix(self.key ^ mix(index as u64));
        let unit = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
        gauss(unit(first), unit(mix(first)))
    }
}

/// A standard normal number from two uniform ones in [0, 1) (Box–Muller).
fn gauss(u: f64, v: f64) -> f64 {
    // 1 − u lies in (0, 1], so the logarithm is finite.
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// The output function of `SplitMix64` (Steele, Lea, Flood 2014): neighbours become unrelated.
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_smooth_and_has_unit_variance() {
        let noise = Noise::new(7, 1, 10.0);
        let values: Vec<f64> = (-20_000..20_000).map(|i| noise.at(f64::from(i) * 0.37)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(
            mean.abs() < 0.1 && (variance - 1.0).abs() < 0.1,
            "{mean} {variance}"
        );
        let largest_step = values.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(largest_step < 0.5, "{largest_step}");
    }

    #[test]
    fn streams_and_seeds_differ() {
        let at = |seed, stream| Noise::new(seed, stream, 1.0).at(0.5).to_bits();
        assert_ne!(at(1, 1), at(1, 2));
        assert_ne!(at(1, 1), at(2, 1));
        assert_eq!(at(1, 1), at(1, 1));
    }
}
