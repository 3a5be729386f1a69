//! How many listen: bounded in all and for each, so that room is left for requests that end.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use accounts::AccountName;
use monitoring::Problem;
use parking_lot::Mutex;
use people::Caller;

use crate::problems::{TOO_MANY, UNAVAILABLE};

/// Listeners in all: half of the connections of one address of the service.
const MOST: usize = 256;
/// Those of one account, and those of one address beyond this machine: half of an address's connections.
const MOST_OF_ONE: usize = 32;
/// When to try again.
const RETRY_S: u64 = 10;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(AccountName),
    Address(IpAddr),
}

impl Key {
    fn of(caller: &Caller) -> Vec<Self> {
        let account = caller.account.clone().map(Self::Account);
        // A proxy on this machine asks for everybody.
        let address =
            (account.is_none() || !caller.address.is_loopback()).then_some(Self::Address(caller.address));
        account.into_iter().chain(address).collect()
    }
}

/// Everybody who listens.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<(usize, HashMap<Key, usize>)>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    listeners: Arc<Listeners>,
    keys: Vec<Key>,
}

impl Listeners {
    pub(super) fn take(this: &Arc<Self>, caller: &Caller) -> Result<Place, Problem> {
        let keys = Key::of(caller);
        let mut counts = this.0.lock();
        let (all, each) = &mut *counts;
        if keys
            .iter()
            .any(|key| each.get(key).is_some_and(|of_one| *of_one >= MOST_OF_ONE))
        {
            let text = format!("{MOST_OF_ONE} listeners of one account or address are the most");
            return Err(Problem::new(&TOO_MANY, text).retry_after(RETRY_S));
        }
        if *all >= MOST {
            let text = format!("{MOST} listeners are the most");
            return Err(Problem::new(&UNAVAILABLE, text).retry_after(RETRY_S));
        }
        *all += 1;
        for key in &keys {
            *each.entry(key.clone()).or_default() += 1;
        }
        drop(counts);
        Ok(Place {
            listeners: Arc::clone(this),
            keys,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.listeners.0.lock();
        let (all, each) = &mut *counts;
        *all -= 1;
        for key in &self.keys {
            if let Some(of_one) = each.get_mut(key) {
                *of_one -= 1;
                if *of_one == 0 {
                    each.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use accounts::Role;

    use super::*;

    fn caller(account: Option<&str>, address: &str) -> Caller {
        Caller {
            account: account.map(|name| AccountName::parse(name).unwrap()),
            role: Role::Reader,
            guest: false,
            address: address.parse().unwrap(),
        }
    }

    #[test]
    fn each_has_so_many_and_all_together_have() {
        let listeners = Arc::new(Listeners::default());
        let take =
            |account: Option<&str>, address: &str| Listeners::take(&listeners, &caller(account, address));
        let mut places: Vec<Place> = (0..MOST_OF_ONE)
            .map(|_| take(Some("ada"), "127.0.0.1").unwrap())
            .collect();
        assert!(take(Some("ada"), "192.0.2.1").is_err());
        places.push(take(Some("bob"), "127.0.0.1").unwrap());
        places.push(take(None, "127.0.0.1").unwrap());
        drop(places);
        let _places: Vec<Place> = (0..MOST_OF_ONE)
            .map(|number| take(Some(&format!("a{number}")), "192.0.2.1").unwrap())
            .collect();
        assert!(take(Some("eve"), "192.0.2.1").is_err(), "an address has so many");
        let _others: Vec<Place> = (MOST_OF_ONE..MOST)
            .map(|number| take(Some(&format!("a{number}")), "127.0.0.1").unwrap())
            .collect();
        assert!(
            take(Some("eve"), "127.0.0.1").is_err(),
            "all together have so many"
        );
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let listeners = Arc::new(Listeners::default());
        drop(Listeners::take(&listeners, &caller(Some("ada"), "192.0.2.1")).unwrap());
        let counts = listeners.0.lock();
        assert!(counts.0 == 0 && counts.1.is_empty());
    }
}
