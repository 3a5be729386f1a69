//! What a person reads in order to connect a device: addresses, ports, the authority to trust.

use std::net::{IpAddr, SocketAddr};

use crate::{certificates, config::Config, host};

/// Lines for listeners that other hosts can reach; none where there are none.
pub(crate) fn lines(config: &Config) -> Vec<String> {
    let hosts = host::addresses();
    let mut lines = Vec::new();
    if config.embeds_broker() {
        for door in config.broker.doors() {
            let (scheme, path) = match (door.websocket, door.tls) {
                (false, false) => ("mqtt", ""),
                (false, true) => ("mqtts", ""),
                (true, false) => ("ws", "/mqtt"),
                (true, true) => ("wss", "/mqtt"),
            };
            let what = if door.websocket {
                "MQTT over WebSocket"
            } else {
                "Devices"
            };
            lines.extend(line(what, scheme, path, door.addr, &hosts));
        }
    }
    for door in config.http.doors() {
        let scheme = if door.tls { "https" } else { "http" };
        lines.extend(line("Page", scheme, "/", door.addr, &hosts));
    }
    let is_ours = config.tls.certificate_file.is_none();
    if !lines.is_empty() && config.needs_certificate() && is_ours {
        let ca = tls::Files::below(certificates::directory(config)).ca();
        let shown = std::path::absolute(&ca).unwrap_or(ca);
        lines.push(format!("They trust this authority: {}", shown.display()));
    }
    lines
}

fn line(what: &str, scheme: &str, path: &str, listen: SocketAddr, hosts: &[IpAddr]) -> Option<String> {
    let ip = listen.ip();
    if ip.is_loopback() {
        return None;
    }
    let hosts: &[IpAddr] = if ip.is_unspecified() { hosts } else { &[ip] };
    let is_reachable = |host: &&IpAddr| !ip.is_unspecified() || ip.is_ipv6() || host.is_ipv4();
    let urls: Vec<String> = hosts
        .iter()
        .filter(is_reachable)
        .map(|host| format!("{scheme}://{}{path}", SocketAddr::new(*host, listen.port())))
        .collect();
    if urls.is_empty() {
        return Some(format!(
            "{what}: port {}, but this host has no address in a network yet",
            listen.port()
        ));
    }
    Some(format!("{what}: {}", urls.join(" or ")))
}
