//! How long acknowledgements take: a histogram of fixed size, whatever the number of messages.
//!
//! In: durations from many tasks. Out: quantiles, at most 2.2 % too long (32 buckets an octave).

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

const PER_OCTAVE: f64 = 32.0;
/// 1 µs to 2^27 µs, more than two minutes.
const BUCKETS: usize = 27 * 32 + 1;

/// Durations, counted while they come in.
#[derive(Debug)]
pub(super) struct Histogram(Vec<AtomicU64>);

impl Histogram {
    pub(super) fn new() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn add(&self, duration: Duration) {
        let micros = (duration.as_nanos() as f64 / 1_000.0).max(1.0);
        let bucket = (micros.log2() * PER_OCTAVE).ceil() as usize;
        self.0[bucket.min(BUCKETS - 1)].fetch_add(1, Relaxed);
    }

    pub(super) fn finish(&self) -> Latencies {
        Latencies(self.0.iter().map(|count| count.load(Relaxed)).collect())
    }
}

/// Durations, as a finished histogram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The duration that `share` (0 to 1) of them did not exceed; `None` if there are none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = ((share.clamp(0.0, 1.0) * self.count() as f64).ceil() as u64).max(1);
        let mut below = 0;
        let bucket = self.0.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(Duration::from_secs_f64((bucket as f64 / PER_OCTAVE).exp2() / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Histogram::new().finish().quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn a_quantile_is_close_to_the_exact_one(
            mut micros in prop::collection::vec(1_u64..100_000_000, 1..200), share in 0.0_f64..=1.0,
        ) {
            let histogram = Histogram::new();
            for &x in &micros {
                histogram.add(Duration::from_micros(x));
            }
            micros.sort_unstable();
            let rank = ((share * micros.len() as f64).ceil() as usize).max(1);
            let exact = micros[rank - 1] as f64;
            let latencies = histogram.finish();
            let found = latencies.quantile(share).unwrap().as_secs_f64() * 1e6;
            prop_assert!(found >= exact * 0.999 && found <= exact * 1.023, "{found} {exact}");
            prop_assert_eq!(latencies.count(), micros.len() as u64);
        }
    }
}
