//! How long to wait before the next attempt: exponential with full jitter, so that clients of a restarted broker do not
//! all return at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);

/// The pauses between failed attempts.
#[derive(Debug)]
pub(super) struct Backoff {
    ceiling: Duration,
    max: Duration,
}

impl Backoff {
    pub(super) fn new(max: Duration) -> Self {
        Self {
            ceiling: FIRST.min(max),
            max,
        }
    }

    /// The next pause: anything from nothing to the ceiling, which doubles each time up to the maximum.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.ceiling.mul_f64(rand::random::<f64>());
        self.ceiling = (self.ceiling * 2).min(self.max);
        pause
    }

    /// The connection held: start from the beginning next time.
    pub(super) fn reset(&mut self) {
        self.ceiling = FIRST.min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_maximum_and_no_further() {
        let max = Duration::from_secs(2);
        let mut backoff = Backoff::new(max);
        for _ in 0..1_000 {
            assert!(backoff.next_pause() <= max);
        }
        assert_eq!(backoff.ceiling, max);
        backoff.reset();
        assert!(backoff.next_pause() <= FIRST);
    }
}
