//! How often somebody may ask: a bucket of tokens for each account, and for each address without one.
//!
//! In: who asks. Out: to go on, or how long to wait. The table is bounded: addresses beyond it share one bucket.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use accounts::AccountName;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

/// Buckets that are kept; one that is full again is forgotten first.
const MOST: usize = 10_000;

/// How often somebody may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Requests in a second, for long.
    pub per_s: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

impl Default for RequestLimits {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).expect("it is not 0");
        Self {
            per_s: number(100),
            burst: number(500),
        }
    }
}

/// Whose bucket it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    Account(AccountName),
    Address(IpAddr),
    /// Addresses beyond those that are kept.
    Others,
}

impl Asker {
    /// Whoever asks from `address`. A network of IPv6 counts as one: each host has countless addresses.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Every bucket.
#[derive(Debug)]
pub(crate) struct Pace {
    buckets: DefaultKeyedRateLimiter<Asker>,
}

impl Pace {
    pub(crate) fn new(limits: RequestLimits) -> Self {
        let quota = Quota::per_second(limits.per_s).allow_burst(limits.burst);
        Self {
            buckets: RateLimiter::keyed(quota),
        }
    }

    /// Takes a token; how long to wait where there is none.
    pub(crate) fn take(&self, asker: Asker) -> Result<(), Duration> {
        if self.buckets.len() >= MOST {
            self.buckets.retain_recent();
        }
        let asker = match asker {
            // The accounts are bounded elsewhere.
            Asker::Address(_) if self.buckets.len() >= MOST => Asker::Others,
            asker => asker,
        };
        let now = DefaultClock::default();
        let taken = self.buckets.check_key(&asker);
        taken.map_err(|until| until.wait_time_from(now.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        let number = |number| NonZeroU32::new(number).unwrap();
        Pace::new(RequestLimits {
            per_s: number(1),
            burst: number(3),
        })
    }

    fn address(number: u32) -> Asker {
        Asker::at(std::net::Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn each_has_a_bucket_of_its_own() {
        let pace = pace();
        for _ in 0..3 {
            assert_eq!(pace.take(address(1)), Ok(()));
        }
        let wait = pace.take(address(1)).unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(pace.take(address(2)), Ok(()));
        let account = || Asker::Account(AccountName::parse("ada").unwrap());
        assert_eq!(pace.take(account()), Ok(()));
    }

    #[test]
    fn a_network_counts_as_one() {
        let at = |text: &str| Asker::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::2:3"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }

    #[test]
    fn many_addresses_fill_no_memory() {
        let pace = pace();
        for number in 0..2 * MOST as u32 {
            let _ = pace.take(address(number));
        }
        assert!(pace.buckets.len() <= MOST + 1);
    }
}
