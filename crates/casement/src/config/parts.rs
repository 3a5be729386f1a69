//! Which parts `casement up` runs itself, and which run elsewhere.
//!
//! A file that shows every default names the embedded part's address as the one to connect to. So `auto` compares
//! addresses: the default address and the part's own address mean the embedded part, any other means a part elsewhere.

use std::{fmt, net::SocketAddr, str::FromStr};

use super::{ClickHouse, Config, Mqtt};

/// Whether a part of `casement up` is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Embedded {
    /// Unless another address than the embedded part's is configured.
    #[default]
    Auto,
    /// Yes, whatever is configured.
    Yes,
    /// No: the configured address is used, also the default one.
    No,
}

impl fmt::Display for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Yes => "true",
            Self::No => "false",
        })
    }
}

impl FromStr for Embedded {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "true" => Ok(Self::Yes),
            "false" => Ok(Self::No),
            _ => Err("expected auto, true or false"),
        }
    }
}

impl Embedded {
    fn decide(self, auto: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Auto => auto(),
            Self::Yes => true,
            Self::No => false,
        }
    }
}

impl Config {
    /// Whether `casement up` runs the embedded broker.
    pub fn embeds_broker(&self) -> bool {
        self.broker.embedded.decide(|| {
            let configured = &self.mqtt.broker;
            let default = Mqtt::default().broker;
            !configured.tls()
                && is_local(configured.host())
                && [default.port(), self.broker.addr.port()].contains(&configured.port())
        })
    }

    /// Whether `casement up` runs the embedded ClickHouse.
    pub fn embeds_engine(&self) -> bool {
        self.engine.embedded.decide(|| {
            let here = |addr: SocketAddr| move |port: &str| port.parse() == Ok(addr.port());
            let configured = &self.clickhouse.addr;
            let plain = configured.strip_prefix("http://").unwrap_or(configured);
            let Some((host, port)) = plain.trim_end_matches('/').rsplit_once(':') else {
                return false;
            };
            let default = super::Engine::default().addr;
            is_local(host) && (here(default)(port) || here(self.engine.addr)(port))
        })
    }
}

impl ClickHouse {
    /// The URL of the HTTP interface.
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
