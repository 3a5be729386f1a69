//! The announcement of broker and page to the network, so that a device finds them without an address.
//!
//! In: the listeners that others can reach. Out: services of mDNS (RFC 6762, 6763), until dropped. mdns-sd answers on a
//! thread of its own. Nothing is announced that listens on loopback alone.

use std::collections::HashMap;

use anyhow::Context as _;
use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};

use crate::{config::Config, host};

/// What is announced. Dropping it takes it back.
pub(crate) struct Announcement(ServiceDaemon);

impl Drop for Announcement {
    fn drop(&mut self) {
        let _ = self.0.shutdown();
    }
}

/// A service of the network.
#[derive(Debug, PartialEq, Eq)]
struct Service {
    kind: &'static str,
    port: u16,
    properties: Vec<(&'static str, String)>,
}

/// Announces what others can reach. `None` where that is nothing.
pub(crate) fn announce(config: &Config) -> anyhow::Result<Option<Announcement>> {
    let services = services(config);
    if services.is_empty() {
        return Ok(None);
    }
    let daemon =
        ServiceDaemon::new().context("mDNS cannot be spoken (switch it off with broker.mdns: false)")?;
    let announcement = Announcement(daemon);
    let has_ipv6 = |addr: std::net::SocketAddr| addr.is_ipv6() && !addr.ip().is_loopback();
    if !config.broker.doors().iter().any(|door| has_ipv6(door.addr)) {
        // An address at which nothing listens would only be tried first.
        let done = announcement.0.disable_interface(IfKind::IPv6);
        done.context("mDNS cannot be limited to IPv4")?;
    }
    let name = host::name();
    // The first label: what follows is the network's.
    let name = name.split('.').next().unwrap_or(&name);
    for service in services {
        let properties: HashMap<String, String> = service
            .properties
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let info = ServiceInfo::new(
            service.kind,
            &format!("Casement on {name}"),
            &format!("{name}.local."),
            (),
            service.port,
            properties,
        );
        let registered = info
            .map(ServiceInfo::enable_addr_auto)
            .and_then(|info| announcement.0.register(info));
        registered.with_context(|| format!("{} cannot be announced", service.kind))?;
    }
    Ok(Some(announcement))
}

fn services(config: &Config) -> Vec<Service> {
    let mut services = Vec::new();
    let doors = config.broker.doors();
    let reachable = |websocket| {
        let mut doors: Vec<_> = doors
            .iter()
            .filter(|door| !door.addr.ip().is_loopback() && door.websocket == websocket)
            .collect();
        // A client that finds a plain port here speaks it; one in TLS says so.
        doors.sort_by_key(|door| door.tls);
        doors
    };
    let tls = |tls: bool| ("tls", u8::from(tls).to_string());
    if let Some(door) = reachable(false).first() {
        services.push(Service {
            kind: "_mqtt._tcp.local.",
            port: door.addr.port(),
            properties: vec![tls(door.tls)],
        });
    }
    let pages = config.http.doors();
    if let Some(page) = pages.iter().rfind(|page| !page.addr.ip().is_loopback()) {
        let mut properties = vec![tls(page.tls), ("version", env!("CARGO_PKG_VERSION").to_owned())];
        for (key, websocket) in [("mqtt", false), ("websocket", true)] {
            let door = reachable(websocket).last().copied();
            properties.extend(door.map(|door| (key, door.addr.port().to_string())));
        }
        services.push(Service {
            kind: "_casement._tcp.local.",
            port: page.addr.port(),
            properties,
        });
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_not_announced_and_the_lan_is() {
        let mut config = Config::default();
        assert_eq!(services(&config), []);
        config.open_to_lan().unwrap();
        let services = services(&config);
        assert_eq!((services[0].kind, services[0].port), ("_mqtt._tcp.local.", 8883));
        assert_eq!(services[0].properties, [("tls", "1".to_owned())]);
        assert_eq!(
            (services[1].kind, services[1].port),
            ("_casement._tcp.local.", 8443)
        );
        assert!(services[1].properties.contains(&("websocket", "8884".to_owned())));
    }
}
