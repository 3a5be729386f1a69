//! Free addresses on loopback.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

const FIRST_PORT: u16 = 20_000;
const RANGES: u32 = 120;
const PORTS_PER_PROCESS: u16 = 100;

/// Returns a loopback address that nobody listens on.
///
/// Ports lie below the range of outgoing connections, and concurrent test processes draw from different ranges. A process
/// receives the same port again only after a hundred others.
pub fn free_addr() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = FIRST_PORT + (std::process::id() % RANGES) as u16 * PORTS_PER_PROCESS;
    let candidates = (0..PORTS_PER_PROCESS).map(|_| first + NEXT.fetch_add(1, Relaxed) % PORTS_PER_PROCESS);
    candidates
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|addr| TcpListener::bind(addr).is_ok())
        .expect("one of a hundred ports is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_distinct_and_on_loopback() {
        let (a, b) = (free_addr(), free_addr());
        assert!(a != b && a.ip().is_loopback() && b.ip().is_loopback());
    }
}
