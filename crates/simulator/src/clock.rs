//! Two clocks: the rooms' time, which may run faster than real, and the devices' time, which is the wall clock's.
//!
//! Readings are stamped with the wall clock at any speed: a service that judges device clocks and a live view of the
//! last minutes then work as with real devices. Intervals between readings are wall time, too, so that speed changes how
//! far the world moves from one reading to the next, and not the load.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::Timestamp;

/// The wall clock, to the millisecond.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// Stamps of one series: the wall clock, but never the same millisecond twice, so that equal values stay two readings.
#[derive(Debug, Default)]
pub(crate) struct Stamps(Option<Timestamp>);

impl Stamps {
    pub(crate) fn next(&mut self) -> Timestamp {
        let now = now();
        let stamp = match self.0 {
            Some(last) if now <= last => last.plus(Duration::from_millis(1)),
            _ => now,
        };
        self.0 = Some(stamp);
        stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_stamps_are_equal() {
        let mut stamps = Stamps::default();
        let all: Vec<_> = (0..1_000).map(|_| stamps.next()).collect();
        assert!(all.windows(2).all(|w| w[0] < w[1]));
    }
}
