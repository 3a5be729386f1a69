//! How often somebody was wrong, and how long they have to wait.
//!
//! In: failures by address and by account. Out: a pause that doubles with each failure beyond the first few, up to a
//! minute. An account's pause holds for addresses that were wrong. A success clears its account and its address. Memory is bounded: the oldest entries go first.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// After so long without a failure everything is forgotten.
const MEMORY: Duration = Duration::from_mins(10);
const MAX_ENTRIES: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    Account(String),
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    last: Instant,
    closed_until: Instant,
}

/// How often somebody may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginLimits {
    /// Failures from one address that cost nothing: a person mistypes, a device has an old password.
    pub failures_of_address: u32,
    /// Failures at one account that cost nothing; they may come from several addresses.
    pub failures_of_account: u32,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self {
            failures_of_address: 5,
            failures_of_account: 20,
            longest_pause: Duration::from_mins(1),
        }
    }
}

/// Failures of the last minutes.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    limits: LoginLimits,
    records: HashMap<Source, Record>,
}

impl Attempts {
    pub(crate) fn new(limits: LoginLimits) -> Self {
        Self {
            limits,
            records: HashMap::new(),
        }
    }

    /// How long a try from `address` at `account` has to wait. What others did to the account is no matter of an address that
    /// has not been wrong: they would keep its owner out for as long as they like.
    pub(crate) fn pause(&self, address: IpAddr, account: &str, now: Instant) -> Option<Duration> {
        let [of_address, of_account] = sources(address, account).map(|source| self.records.get(&source));
        let of_account = of_account.filter(|_| of_address.is_some());
        [of_address, of_account]
            .into_iter()
            .flatten()
            .map(|record| record.closed_until.saturating_duration_since(now))
            .max()
            .filter(|pause| !pause.is_zero())
    }

    pub(crate) fn failed(&mut self, address: IpAddr, account: &str, now: Instant) {
        let longest = self.limits.longest_pause;
        for source in sources(address, account) {
            self.make_room(now);
            let free = match source {
                Source::Address(_) => self.limits.failures_of_address,
                Source::Account(_) => self.limits.failures_of_account,
            };
            let record = self.records.entry(source).or_insert(Record {
                failures: 0,
                last: now,
                closed_until: now,
            });
            if now - record.last > MEMORY {
                record.failures = 0;
            }
            record.failures = record.failures.saturating_add(1);
            record.last = now;
            if let Some(beyond) = record.failures.checked_sub(free.saturating_add(1)) {
                let pause = FIRST_PAUSE.saturating_mul(1 << beyond.min(12)).min(longest);
                record.closed_until = now + pause;
            }
        }
    }

    pub(crate) fn succeeded(&mut self, address: IpAddr, account: &str) {
        for source in sources(address, account) {
            self.records.remove(&source);
        }
    }

    fn make_room(&mut self, now: Instant) {
        if self.records.len() < MAX_ENTRIES {
            return;
        }
        self.records.retain(|_, record| now - record.last <= MEMORY);
        if self.records.len() >= MAX_ENTRIES {
            // Half goes at once, so that a flood of sources costs each of them little.
            let mut ages: Vec<Instant> = self.records.values().map(|record| record.last).collect();
            let (_, middle, _) = ages.select_nth_unstable(MAX_ENTRIES / 2);
            let middle = *middle;
            self.records.retain(|_, record| record.last > middle);
        }
    }
}

fn sources(address: IpAddr, account: &str) -> [Source; 2] {
    // A host with IPv6 has a whole network of addresses.
    let address = match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    };
    let account = account.chars().take(64).collect();
    [Source::Address(address), Source::Account(account)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn pauses_double_up_to_a_minute() {
        let (mut attempts, mut now) = (Attempts::default(), Instant::now());
        for _ in 0..LoginLimits::default().failures_of_address {
            attempts.failed(A, "x", now);
            assert_eq!(attempts.pause(A, "x", now), None);
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            attempts.failed(A, "x", now);
            assert_eq!(
                attempts.pause(A, "other", now),
                Some(Duration::from_secs(seconds))
            );
            assert_eq!(attempts.pause(B, "other", now), None);
            now += Duration::from_secs(seconds);
            assert_eq!(attempts.pause(A, "other", now), None);
        }
        attempts.succeeded(A, "x");
        attempts.failed(A, "x", now);
        assert_eq!(attempts.pause(A, "x", now), None);
    }

    #[test]
    fn an_account_is_guarded_against_many_addresses() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for last in 0..=LoginLimits::default().failures_of_account {
            attempts.failed(IpAddr::from([192, 0, 2, last as u8]), "x", now);
        }
        let another = IpAddr::from([198, 51, 100, 1]);
        assert!(
            attempts.pause(another, "x", now).is_none(),
            "its owner is not kept out"
        );
        attempts.failed(another, "z", now);
        assert!(attempts.pause(another, "x", now).is_some());
        assert!(attempts.pause(another, "y", now).is_none());
        let later = now + MEMORY + Duration::from_mins(2);
        attempts.failed(B, "x", later);
        assert!(attempts.pause(B, "x", later).is_none(), "long ago is forgotten");
    }

    #[test]
    fn memory_is_bounded_and_a_network_of_ipv6_is_one_address() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..3 * MAX_ENTRIES as u32 {
            attempts.failed(
                IpAddr::from(number.to_be_bytes()),
                &format!("a{number}"),
                now + Duration::from_nanos(number.into()),
            );
            assert!(attempts.records.len() <= MAX_ENTRIES + 2);
        }
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..=LoginLimits::default().failures_of_address {
            attempts.failed(one, "z", now);
        }
        assert!(
            attempts
                .pause("2001:db8::ffff:2".parse().unwrap(), "q", now)
                .is_some()
        );
    }
}
