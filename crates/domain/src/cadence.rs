//! How often something comes, as it is learned from its gaps.
//!
//! In: times of arrival. Out: the gap to expect. A longer gap counts at once, a shorter one little by little, so that a device
//! that reports changes only is not taken for silent; an outage teaches nothing.

/// Gaps until something is known.
const ENOUGH: u8 = 3;
/// What weight the newest of shorter gaps has.
const WEIGHT: f64 = 0.1;
/// A gap so many times longer than the others is an outage, if it is longer than [`SHORT_MS`].
const OUTAGE: f64 = 10.0;
const SHORT_MS: f64 = 300_000.0;
/// Arrivals that are closer are one.
const AT_ONCE_MS: f64 = 1_000.0;
/// The longest gap that is learned.
const LONGEST_MS: f64 = 86_400_000.0;

/// The gaps of one series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cadence {
    last_ms: Option<i64>,
    typical_ms: f64,
    gaps: u8,
}

impl Cadence {
    /// Takes an arrival at `at_ms`, of any clock that goes forwards. What comes within a second counts once: devices that
    /// sleep send what they have gathered in one go.
    pub fn arrived(&mut self, at_ms: i64) {
        let Some(last) = self.last_ms else {
            self.last_ms = Some(at_ms);
            return;
        };
        let gap = at_ms.saturating_sub(last) as f64;
        if gap < AT_ONCE_MS {
            return;
        }
        self.last_ms = Some(at_ms);
        let is_outage = self.gaps >= ENOUGH && gap > (OUTAGE * self.typical_ms).max(SHORT_MS);
        if is_outage {
            return;
        }
        let gap = gap.min(LONGEST_MS);
        self.typical_ms = if gap >= self.typical_ms {
            gap
        } else {
            self.typical_ms + WEIGHT * (gap - self.typical_ms)
        };
        self.gaps = self.gaps.saturating_add(1);
    }

    /// Returns the gap to expect, ms; `None` before enough of them.
    pub fn gap_ms(&self) -> Option<f64> {
        (self.gaps >= ENOUGH).then_some(self.typical_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(gaps: &[i64]) -> Option<f64> {
        let mut cadence = Cadence::default();
        let mut at = 0;
        cadence.arrived(at);
        for gap in gaps {
            at += gap;
            cadence.arrived(at);
        }
        cadence.gap_ms()
    }

    #[test]
    fn a_gap_is_learned_from_three() {
        assert_eq!(after(&[10_000, 10_000]), None);
        assert_eq!(after(&[10_000; 3]), Some(10_000.0));
        // Readings that come at once are one arrival.
        assert_eq!(after(&[10_000, 0, 10_000, 0, 10_000, 0]), Some(10_000.0));
        assert_eq!(after(&[0; 9]), None);
        let in_one_go = [&[7_i64; 4][..], &[300_000]].concat().repeat(4);
        assert!(after(&in_one_go).is_some_and(|gap| gap > 299_000.0));
        assert_eq!(after(&[500; 9]), Some(1_000.0));
    }

    #[test]
    fn longer_gaps_count_at_once_and_an_outage_does_not() {
        assert_eq!(after(&[10_000, 10_000, 10_000, 60_000]), Some(60_000.0));
        assert_eq!(after(&[10_000, 10_000, 10_000, 3_600_000]), Some(10_000.0));
        let back = after(&[&[60_000; 3][..], &[10_000; 60]].concat()).unwrap();
        assert!((10_000.0..10_500.0).contains(&back), "{back}");
    }

    #[test]
    fn a_clock_that_steps_back_teaches_nothing() {
        assert_eq!(after(&[10_000, -5_000, 5_000, 10_000, 10_000]), Some(10_000.0));
        assert_eq!(after(&[i64::MAX, i64::MIN, i64::MAX]), None);
    }
}
