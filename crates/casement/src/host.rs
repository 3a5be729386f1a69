//! What this host is called and where others reach it.

use std::net::IpAddr;

/// Interfaces of container and virtual machine hosts, where no device is.
const INNER: [&str; 3] = ["br-", "docker", "virbr"];

/// Its own name; `localhost` where it has none.
pub(crate) fn name() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy().to_ascii_lowercase();
    if name.is_empty() || name == "(none)" {
        "localhost".into()
    } else {
        name
    }
}

/// The addresses that other hosts may use, those of IPv4 first. Empty without a network.
pub(crate) fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let outer = interfaces.into_iter().filter(|interface| {
        !interface.is_loopback()
            && !interface.is_link_local()
            && !INNER.iter().any(|inner| interface.name.starts_with(inner))
    });
    let mut addresses: Vec<IpAddr> = outer.map(|interface| interface.ip()).collect();
    addresses.sort_by_key(|address| (address.is_ipv6(), *address));
    addresses.dedup();
    addresses
}
