//! The decision which parts `casement up` runs itself and which run elsewhere.
//!
//! A file that shows every default names the embedded part's address as the one to connect to. Therefore `auto`
//! compares addresses: the default address and the part's own address mean the embedded part, any other address means a
//! part elsewhere.

use std::net::SocketAddr;

use super::{ClickHouse, Config, Engine, Mqtt};

impl Config {
    /// Returns whether `casement up` runs the embedded broker.
    pub fn embeds_broker(&self) -> bool {
        self.broker.embedded.decide(|| {
            let configured = &self.mqtt.broker;
            let default = Mqtt::default().broker;
            !configured.tls()
                && is_local(configured.host())
                && [default.port(), self.broker.addr.port()].contains(&configured.port())
        })
    }

    /// Returns whether `casement up` runs the embedded ClickHouse.
    pub fn embeds_engine(&self) -> bool {
        self.engine.embedded.decide(|| {
            let here = |addr: SocketAddr| move |port: &str| port.parse() == Ok(addr.port());
            let configured = &self.clickhouse.addr;
            let plain = configured.strip_prefix("http://").unwrap_or(configured);
            let Some((host, port)) = plain.trim_end_matches('/').rsplit_once(':') else {
                return false;
            };
            let default = Engine::default().addr;
            is_local(host) && (here(default)(port) || here(self.engine.addr)(port))
        })
    }
}

impl ClickHouse {
    /// Returns the URL of the HTTP interface.
    pub fn url(&self) -> String {
        let addr = self.addr.trim_end_matches('/');
        if addr.contains("://") {
            addr.to_owned()
        } else {
            format!("http://{addr}")
        }
    }
}

fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}
