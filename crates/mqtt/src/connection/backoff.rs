//! The pauses between failed attempts to connect: exponential with full jitter, so that the clients of a restarted broker
//! do not all return at once.

use std::time::Duration;

use tokio_retry2::strategy::{ExponentialBackoff, jitter_with_bounds};

/// Base and factor of the upper bounds, which are 100, 200, 400 ms and so on.
const BASE: u64 = 2;
const FACTOR: u64 = 50;

/// Returns pauses of random length, whose upper bound doubles from 100 ms up to `max`.
pub(super) fn pauses(max: Duration) -> Pauses {
    let bounds = ExponentialBackoff::from_millis(BASE)
        .factor(FACTOR)
        .max_delay(max);
    Box::new(bounds.map(jitter_with_bounds(0.0, 1.0)))
}

/// An endless sequence of pauses.
pub(super) type Pauses = Box<dyn Iterator<Item = Duration> + Send>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_maximum_and_no_further() {
        let max = Duration::from_secs(2);
        let longest = |n: usize| (0..200).map(|_| pauses(max).nth(n).unwrap()).max().unwrap();
        let first = longest(0);
        assert!(
            first <= Duration::from_millis(100) && first > Duration::from_millis(50),
            "{first:?}"
        );
        let later = longest(50);
        assert!(later <= max && later > max / 2, "{later:?}");
    }
}
