//! The decision which parts `casement up` runs itself and which run elsewhere.
//!
//! A file that shows every default names the embedded part's address as the one to connect to. Therefore `auto`
//! compares addresses: the default address and the part's own address mean the embedded part, any other address means a
//! part elsewhere. A part that listens on every address is meant by each with its port.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use super::{Accounts, ClickHouse, Config, Engine, Journal, Mqtt, Registry, address::Address};

impl Config {
    /// Returns whether `casement up` runs the embedded broker.
    pub fn embeds_broker(&self) -> bool {
        self.broker.embedded.decide(|| {
            let configured = &self.mqtt.broker;
            let default = Mqtt::default().broker.port();
            let (host, port) = (configured.host(), configured.port());
            let doors = self.broker.doors();
            let mut plain = doors.iter().filter(|door| !door.tls && !door.websocket);
            !configured.tls()
                && (plain.any(|door| names(door.addr, host, port)) || is_loopback(host) && port == default)
        })
    }

    /// Returns the directory of the accounts: where only the journal was placed somewhere else, they are beside it.
    pub fn accounts_dir(&self) -> PathBuf {
        let is_placed = self.accounts.path != Accounts::default().path;
        if is_placed || self.journal.path == Journal::default().path {
            return self.accounts.path.clone();
        }
        self.journal.path.with_file_name("accounts")
    }

    /// Returns the directory of the registry, by the same rule.
    pub fn registry_dir(&self) -> PathBuf {
        let is_placed = self.registry.path != Registry::default().path;
        if is_placed || self.journal.path == Journal::default().path {
            return self.registry.path.clone();
        }
        self.journal.path.with_file_name("registry")
    }

    /// Returns whether `casement up` runs the embedded ClickHouse.
    pub fn embeds_engine(&self) -> bool {
        self.engine.embedded.decide(|| {
            let Ok(configured) = Address::parse(&self.clickhouse.addr) else {
                return false;
            };
            let default = Engine::default().addr.port();
            let (host, port) = (&configured.host, configured.port);
            !configured.tls && (names(self.engine.addr, host, port) || is_loopback(host) && port == default)
        })
    }
}

impl ClickHouse {
    /// Returns the URL of the HTTP interface. Of an address that cannot be used, the text.
    pub fn url(&self) -> String {
        Address::parse(&self.addr).map_or_else(|_| self.addr.clone(), |address| address.url)
    }

    /// Says what is wrong with the address.
    pub(super) fn check(&self) -> Result<(), String> {
        Address::parse(&self.addr).map(drop)
    }

    /// Says what people should know about the address.
    pub(super) fn note(&self) -> Option<String> {
        Address::parse(&self.addr).ok()?.note
    }
}

/// Returns whether `host` and `port` lead to a part that listens at `own`.
fn names(own: SocketAddr, host: &str, port: u16) -> bool {
    let is_own = |ip: IpAddr| ip == own.ip() || ip.is_loopback() && own.ip().is_loopback();
    own.port() == port && (own.ip().is_unspecified() || ip_of(host).is_some_and(is_own) || is_loopback(host))
}

fn ip_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || ip_of(host).is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_go_with_the_journal_unless_they_are_placed() {
        let mut config = Config::default();
        assert_eq!(config.accounts_dir(), config.accounts.path);
        config.journal.path = "/srv/casement/journal".into();
        assert_eq!(config.accounts_dir(), PathBuf::from("/srv/casement/accounts"));
        config.accounts.path = "/etc/casement".into();
        assert_eq!(config.accounts_dir(), PathBuf::from("/etc/casement"));
    }

    #[test]
    fn a_parts_own_address_means_the_embedded_part() {
        let own = |addr: &str| addr.parse::<SocketAddr>().unwrap();
        for (addr, host, port) in [
            ("127.0.0.1:1883", "localhost", 1883),
            ("127.0.0.2:38883", "127.0.0.2", 38883),
            ("[::1]:1883", "[::1]", 1883),
            ("0.0.0.0:1883", "192.168.1.5", 1883),
            ("192.168.1.5:1883", "192.168.1.5", 1883),
        ] {
            assert!(names(own(addr), host, port), "{addr} {host}");
        }
        for (addr, host, port) in [
            ("127.0.0.1:1883", "mosquitto", 1883),
            ("127.0.0.1:1883", "127.0.0.1", 1884),
            ("127.0.0.1:1883", "192.168.1.5", 1883),
            ("0.0.0.0:1883", "192.168.1.5", 1884),
        ] {
            assert!(!names(own(addr), host, port), "{addr} {host}");
        }
    }
}
