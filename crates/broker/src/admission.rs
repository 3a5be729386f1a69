//! How many connections there may be: in all, from one address, and without a greeting.
//!
//! In: addresses of fresh connections. Out: a [`Slot`] that counts one until it is dropped.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    BrokerOptions,
    events::{EventKind, What},
    limits::Limit,
};

/// Connections beyond the limit that are still told why they are refused.
const ANSWERED: usize = 64;

/// Counts connections.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    max_per_address: usize,
    max_unidentified: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    addresses: HashMap<IpAddr, Load>,
}

/// Connections of one address.
#[derive(Debug, Default)]
struct Load {
    all: usize,
    unidentified: usize,
}

/// One connection that is counted.
#[derive(Debug)]
pub(crate) struct Slot {
    admission: Arc<Admission>,
    address: IpAddr,
    identified: bool,
    /// Why its greeting is to be refused.
    refused: Option<What>,
}

impl Admission {
    pub(crate) fn new(options: &BrokerOptions) -> Self {
        Self {
            max: options.max_connections,
            max_per_address: options.max_connections_per_address,
            max_unidentified: options.max_unidentified_per_address,
            counts: Mutex::default(),
        }
    }

    /// Counts a fresh connection, or says why it is closed at once.
    pub(crate) fn admit(self: &Arc<Self>, address: SocketAddr) -> Result<Slot, What> {
        let refuse =
            |limit, reason, remedy| What::new(EventKind::ConnectionLimit, reason, remedy).limit(limit);
        let ip = source(address.ip());
        let mut counts = self.counts.lock();
        if counts.all >= self.max + ANSWERED {
            return Err(refuse(
                Limit::Connections,
                format!("there are {} connections already", counts.all),
                "connect fewer clients, or raise the limit of open files",
            ));
        }
        let is_full = counts.all >= self.max;
        let load = counts.addresses.entry(ip).or_default();
        if load.unidentified >= self.max_unidentified {
            let waiting = load.unidentified;
            return Err(refuse(
                Limit::Unidentified,
                format!("{waiting} connections from this address have not sent CONNECT"),
                "check what opens connections there without speaking MQTT",
            ));
        }
        let refused = if is_full {
            Some(refuse(
                Limit::Connections,
                format!("there are {} connections already", self.max),
                "connect fewer clients, or raise the limit of open files",
            ))
        } else if load.all >= self.max_per_address {
            Some(refuse(
                Limit::ConnectionsPerAddress,
                format!("there are {} connections from this address already", load.all),
                "let clients close their connections before they open new ones, or raise the limit of open files",
            ))
        } else {
            None
        };
        load.all += 1;
        load.unidentified += 1;
        counts.all += 1;
        Ok(Slot {
            admission: Arc::clone(self),
            address: ip,
            identified: false,
            refused,
        })
    }
}

/// What counts as one address: a host with IPv6 has a whole network of them.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(network).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Slot {
    /// The client has sent its greeting. Returns why it is to be refused.
    pub(crate) fn identified(&mut self) -> Option<What> {
        if !self.identified {
            self.identified = true;
            if let Some(load) = self.admission.counts.lock().addresses.get_mut(&self.address) {
                load.unidentified -= 1;
            }
        }
        self.refused.take()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock();
        counts.all -= 1;
        if let Some(load) = counts.addresses.get_mut(&self.address) {
            load.all -= 1;
            load.unidentified -= usize::from(!self.identified);
            if load.all == 0 {
                counts.addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(max: usize, max_per_address: usize, max_unidentified: usize) -> Arc<Admission> {
        Arc::new(Admission::new(&BrokerOptions {
            max_connections: max,
            max_connections_per_address: max_per_address,
            max_unidentified_per_address: max_unidentified,
            ..BrokerOptions::default()
        }))
    }

    fn address(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 1).into()
    }

    #[test]
    fn one_address_does_not_take_everything() {
        let admission = admission(10, 2, 10);
        let mut slots: Vec<Slot> = (0..3).map(|_| admission.admit(address(1)).unwrap()).collect();
        let refused: Vec<bool> = slots.iter().map(|slot| slot.refused.is_some()).collect();
        assert_eq!(refused, [false, false, true]);
        assert!(admission.admit(address(2)).unwrap().refused.is_none());
        slots.clear();
        assert!(admission.admit(address(1)).unwrap().refused.is_none());
        assert!(admission.counts.lock().addresses.is_empty());
    }

    #[test]
    fn silent_connections_are_limited_until_they_speak() {
        let admission = admission(10, 10, 2);
        let mut first = admission.admit(address(1)).unwrap();
        let _second = admission.admit(address(1)).unwrap();
        assert!(admission.admit(address(1)).is_err());
        first.identified();
        assert!(admission.admit(address(1)).is_ok());
    }

    #[test]
    fn beyond_the_limit_some_are_told_and_then_closed() {
        let admission = admission(1, 1_000, 1_000);
        let slots: Vec<_> = (0..=ANSWERED)
            .map(|_| admission.admit(address(1)).unwrap())
            .collect();
        assert!(slots[0].refused.is_none());
        assert!(slots[1..].iter().all(|slot| slot.refused.is_some()));
        assert!(admission.admit(address(2)).is_err());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let one = source("2001:db8::1".parse().unwrap());
        assert_eq!(one, source("2001:db8::ffff:2".parse().unwrap()));
        assert_ne!(one, source("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(source("::ffff:192.0.2.1".parse().unwrap()), address(1).ip());
    }
}
