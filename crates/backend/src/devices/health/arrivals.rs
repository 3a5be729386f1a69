//! How many of something came in the last five minutes.

use domain::Timestamp;

const SLICE_MS: i64 = 10_000;
const SLICES: usize = 30;

/// Arrivals in slices of ten seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals {
    counts: [u16; SLICES],
    /// The number of the newest slice since 1970.
    newest: i64,
    /// When the first one came.
    since: Option<Timestamp>,
}

impl Arrivals {
    pub(super) fn came(&mut self, at: Timestamp) {
        self.since.get_or_insert(at);
        self.move_to(at);
        let count = &mut self.counts[place(self.newest)];
        *count = count.saturating_add(1);
    }

    /// How many there were in the five minutes before `now`.
    pub(super) fn count(&mut self, now: Timestamp) -> u32 {
        self.move_to(now);
        self.counts.iter().copied().map(u32::from).sum()
    }

    /// How many there were a minute.
    pub(super) fn per_minute(&mut self, now: Timestamp) -> f64 {
        let Some(since) = self.since else { return 0.0 };
        let span_ms = now.millis_since(since).clamp(SLICE_MS, SLICE_MS * SLICES as i64);
        f64::from(self.count(now)) * 60_000.0 / span_ms as f64
    }

    /// Empties the slices between the newest and that of `at`. A time that is earlier belongs to the newest.
    fn move_to(&mut self, at: Timestamp) {
        let slice = at.as_millis().div_euclid(SLICE_MS);
        let steps = slice.saturating_sub(self.newest).clamp(0, SLICES as i64);
        for step in 0..steps {
            self.counts[place(slice - step)] = 0;
        }
        self.newest = self.newest.max(slice);
    }
}

fn place(slice: i64) -> usize {
    slice.rem_euclid(SLICES as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_760_000_000_000 + second * 1_000)
    }

    #[test]
    fn five_minutes_are_counted_and_no_more() {
        let mut arrivals = Arrivals::default();
        assert!(arrivals.per_minute(at(0)).abs() < 1e-9);
        for second in (0..600).step_by(10) {
            arrivals.came(at(second));
        }
        assert_eq!(arrivals.count(at(590)), 30);
        assert!((arrivals.per_minute(at(590)) - 6.0).abs() < 1e-9);
        // A clock that is set back changes nothing that was counted.
        arrivals.came(at(100));
        assert_eq!(arrivals.count(at(590)), 31);
        assert_eq!(arrivals.count(at(900)), 0);
        assert_eq!(arrivals.count(at(90_000)), 0);
    }

    #[test]
    fn a_rate_is_there_after_the_first_seconds() {
        let mut arrivals = Arrivals::default();
        for second in 0..20 {
            arrivals.came(at(second));
        }
        assert!((arrivals.per_minute(at(20)) - 60.0).abs() < 1e-9);
    }
}
