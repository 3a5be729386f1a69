//! How long acknowledgements take: a histogram of bounded size, whatever the number of messages.
//!
//! In: durations from many tasks. Out: quantiles, with an error of at most 0.1 %.

use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;

const SIGNIFICANT_DIGITS: u8 = 3;
/// In microseconds; longer durations count as this one.
const LONGEST: u64 = 120_000_000;

/// Durations, recorded while they occur.
#[derive(Debug)]
pub(super) struct Recorder(Mutex<Histogram<u64>>);

impl Recorder {
    pub(super) fn new() -> Self {
        let histogram = Histogram::new_with_max(LONGEST, SIGNIFICANT_DIGITS);
        Self(Mutex::new(histogram.expect("the bounds are valid")))
    }

    pub(super) fn record(&self, duration: Duration) {
        // Rounded up, so that no quantile is below the duration it stands for.
        let micros = duration.as_nanos().div_ceil(1_000);
        self.0
            .lock()
            .saturating_record(u64::try_from(micros).unwrap_or(LONGEST));
    }

    pub(super) fn finish(&self) -> Latencies {
        Latencies(self.0.lock().clone())
    }
}

/// Durations, as a finished histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that `share` (0 to 1) of them did not exceed; `None` if there are none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_micros(self.0.value_at_quantile(share)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Recorder::new().finish().quantile(0.5), None);
    }

    #[test]
    fn quantiles_are_durations_that_were_recorded() {
        let recorder = Recorder::new();
        for millis in 1..=100 {
            recorder.record(Duration::from_millis(millis));
        }
        recorder.record(Duration::from_hours(1));
        let latencies = recorder.finish();
        assert_eq!(latencies.count(), 101);
        let median = latencies.quantile(0.5).unwrap().as_secs_f64();
        assert!((median - 0.051).abs() < 0.000_1, "{median}");
        let longest = latencies.quantile(1.0).unwrap().as_secs_f64();
        assert!((longest - 120.0).abs() < 0.12, "{longest}");
    }
}
