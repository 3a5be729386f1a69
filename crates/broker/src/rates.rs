//! How fast one client may send.
//!
//! In: packets as they are taken. Out: how long to wait before the next one is taken. A bucket of tokens for packets and one
//! for bytes fill at the rate and hold a burst; what is taken may overdraw them once, so that a packet of any size passes.
//! While a bucket is overdrawn nothing is read, which the client's own sending notices. Only a client that has used up its
//! burst and presses on for [`PATIENCE`] is ended.

use std::{net::SocketAddr, time::Duration};

use tokio::time::Instant;

use crate::BrokerOptions;

/// How long a client may press on.
const PATIENCE: Duration = Duration::from_mins(1);

/// The rates of one client; 0 is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Packets a second that ask for something: PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ.
    pub packets_per_s: u32,
    /// Bytes a second of these packets.
    pub bytes_per_s: u32,
    /// For how many seconds of either a client may be ahead.
    pub burst_s: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            packets_per_s: 100,
            bytes_per_s: 2 << 20,
            burst_s: 10,
        }
    }
}

/// The buckets of one connection.
#[derive(Debug)]
pub(crate) struct Rates {
    packets: Bucket,
    bytes: Bucket,
    filled: Instant,
    /// Since when a burst is used up.
    pressing_since: Option<Instant>,
}

#[derive(Debug)]
struct Bucket {
    rate: f64,
    capacity: f64,
    tokens: f64,
}

/// What a packet costs its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toll {
    Free,
    Wait(Duration),
    /// It was told to wait for too long.
    Exceeded,
}

impl Bucket {
    fn new(rate: u32, burst_s: u32) -> Self {
        let capacity = f64::from(rate) * f64::from(burst_s.max(1));
        Self {
            rate: f64::from(rate),
            capacity,
            tokens: capacity,
        }
    }

    fn is_limited(&self) -> bool {
        self.rate > 0.0
    }

    fn fill(&mut self, seconds: f64) {
        self.tokens = self.rate.mul_add(seconds, self.tokens).min(self.capacity);
    }

    /// Takes tokens; returns the seconds until the bucket is not overdrawn.
    fn take(&mut self, tokens: f64) -> f64 {
        if !self.is_limited() {
            return 0.0;
        }
        self.tokens -= tokens;
        (-self.tokens / self.rate).max(0.0)
    }

    fn is_half_full(&self) -> bool {
        !self.is_limited() || self.tokens >= self.capacity / 2.0
    }
}

impl Rates {
    /// Full buckets; `None` where nothing is limited.
    pub(crate) fn new(limits: RateLimits) -> Option<Self> {
        let packets = Bucket::new(limits.packets_per_s, limits.burst_s);
        let bytes = Bucket::new(limits.bytes_per_s, limits.burst_s);
        (packets.is_limited() || bytes.is_limited()).then(|| Self {
            packets,
            bytes,
            filled: Instant::now(),
            pressing_since: None,
        })
    }

    /// The buckets of a client at this address.
    pub(crate) fn at(address: SocketAddr, options: &BrokerOptions) -> Option<Self> {
        let is_limited = options.limit_rates_of_loopback || !address.ip().to_canonical().is_loopback();
        is_limited.then(|| Self::new(options.rates)).flatten()
    }

    /// Takes what a packet of so many bytes costs.
    pub(crate) fn take(&mut self, bytes: usize, now: Instant) -> Toll {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.packets.fill(seconds);
        self.bytes.fill(seconds);
        if self.packets.is_half_full() && self.bytes.is_half_full() {
            self.pressing_since = None;
        }
        let wait = self.packets.take(1.0).max(self.bytes.take(bytes as f64));
        if wait <= 0.0 {
            return Toll::Free;
        }
        let since = *self.pressing_since.get_or_insert(now);
        if now - since >= PATIENCE {
            return Toll::Exceeded;
        }
        Toll::Wait(Duration::from_secs_f64(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(packets_per_s: u32, bytes_per_s: u32) -> Rates {
        let limits = RateLimits {
            packets_per_s,
            bytes_per_s,
            burst_s: 2,
        };
        Rates::new(limits).unwrap()
    }

    #[test]
    fn a_burst_is_free_and_the_next_packet_waits() {
        let mut rates = rates(10, 0);
        let now = rates.filled;
        for _ in 0..20 {
            assert_eq!(rates.take(1_000_000, now), Toll::Free);
        }
        assert_eq!(rates.take(0, now), Toll::Wait(Duration::from_millis(100)));
        assert_eq!(rates.take(0, now + Duration::from_millis(200)), Toll::Free);
    }

    #[test]
    fn a_packet_of_any_size_passes_once() {
        let mut rates = rates(0, 1_000);
        let now = rates.filled;
        assert_eq!(rates.take(2_000, now), Toll::Free);
        assert_eq!(rates.take(10_000, now), Toll::Wait(Duration::from_secs(10)));
    }

    #[test]
    fn who_presses_on_for_a_minute_is_ended_and_who_rests_is_not() {
        let mut pressing = rates(10, 0);
        let started = pressing.filled;
        let mut now = started;
        loop {
            match pressing.take(0, now) {
                Toll::Free => {}
                Toll::Wait(wait) => now += wait,
                Toll::Exceeded => break,
            }
        }
        assert!(now - started >= PATIENCE, "{:?}", now - started);
        assert!(
            now - started < PATIENCE + Duration::from_secs(2),
            "{:?}",
            now - started
        );

        // The permitted rate, for longer.
        let mut within = rates(10, 0);
        let mut now = within.filled;
        for _ in 0..1_000 {
            now += Duration::from_millis(100);
            assert_eq!(within.take(0, now), Toll::Free);
        }
        // Bursts that are too large, with rests between them.
        for _ in 0..100 {
            for _ in 0..25 {
                assert_ne!(within.take(0, now), Toll::Exceeded);
            }
            now += Duration::from_secs(4);
        }
    }

    #[test]
    fn without_rates_there_is_nothing_to_count() {
        let limits = RateLimits {
            packets_per_s: 0,
            bytes_per_s: 0,
            burst_s: 1,
        };
        assert!(Rates::new(limits).is_none());
    }

    #[test]
    fn clients_on_this_host_are_free_unless_the_options_say_otherwise() {
        let mut options = BrokerOptions::default();
        let (here, there) = (([127, 0, 0, 1], 1_883).into(), ([192, 0, 2, 1], 1_883).into());
        assert!(Rates::at(here, &options).is_none());
        assert!(Rates::at(there, &options).is_some());
        options.limit_rates_of_loopback = true;
        assert!(Rates::at(here, &options).is_some());
    }
}
