//! The address of a broker in the configuration.

use std::{fmt, str::FromStr};

/// The text is not the address of an MQTT broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("broker address '{text}': {problem}")]
pub struct InvalidBrokerUrl {
    /// The text, without any password.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The address of a broker: `tcp://` and `mqtt://` plain, `mqtts://`, `ssl://` and `tls://` with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    host: String,
    port: u16,
    tls: bool,
}

impl BrokerUrl {
    /// Parses `tcp://host:port`. The default port is 1883, with TLS 8883.
    pub fn parse(text: &str) -> Result<Self, InvalidBrokerUrl> {
        let shown = text
            .rsplit_once('@')
            .map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"));
        let refuse = |problem| InvalidBrokerUrl {
            text: shown.clone(),
            problem,
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| refuse("a scheme is missing: write tcp://HOST:PORT, or mqtts:// for TLS"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "tcp" | "mqtt" => false,
            "mqtts" | "ssl" | "tls" => true,
            "ws" | "wss" => return Err(refuse("MQTT over WebSocket is not supported")),
            _ => return Err(refuse("the scheme is tcp, mqtt, mqtts, ssl or tls")),
        };
        if rest.contains('@') {
            return Err(refuse("username and password have keys of their own"));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(refuse("nothing follows the port"));
        }
        let (host, port) =
            split_port(authority).ok_or_else(|| refuse("write the host as HOST:PORT or [IPV6]:PORT"))?;
        let port = match port {
            None if tls => 8883,
            None => 1883,
            Some(port) => match port.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(refuse("the port is a number from 1 to 65535")),
            },
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(refuse("the host is missing"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            tls,
        })
    }

    /// Returns the address of a plain connection to `host` and `port`.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            tls: false,
        }
    }

    /// Returns the host's name or address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the TCP port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns whether the connection is encrypted.
    pub const fn tls(&self) -> bool {
        self.tls
    }

    /// Returns the host as a socket address needs it: with brackets around IPv6, except for TLS, which verifies the
    /// plain name.
    pub(super) fn dial_host(&self) -> String {
        if self.host.contains(':') && !self.tls {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match port {
            "" => Some((host, None)),
            _ => Some((host, Some(port.strip_prefix(':')?))),
        };
    }
    match authority.split_once(':') {
        None => Some((authority, None)),
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "tcp" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for BrokerUrl {
    type Err = InvalidBrokerUrl;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_forms_people_write() {
        for (text, shown) in [
            ("tcp://localhost:1883", "tcp://localhost:1883"),
            ("mqtt://broker.local", "tcp://broker.local:1883"),
            ("MQTTS://broker.local/", "mqtts://broker.local:8883"),
            ("ssl://10.0.0.1:883", "mqtts://10.0.0.1:883"),
            ("tcp://[::1]:1884", "tcp://[::1]:1884"),
            ("tls://[fe80::1]", "mqtts://[fe80::1]:8883"),
        ] {
            assert_eq!(BrokerUrl::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_without_telling_the_password() {
        for text in [
            "",
            "localhost:1883",
            "http://localhost",
            "ws://localhost",
            "tcp://",
            "tcp://:1883",
            "tcp://a:0",
            "tcp://a:70000",
            "tcp://a:b",
            "tcp://::1:1883",
            "tcp://a:1/x",
            "tcp://[zz]:1",
        ] {
            assert!(BrokerUrl::parse(text).is_err(), "{text}");
        }
        let error = BrokerUrl::parse("tcp://user:hunter2@host:1883")
            .unwrap_err()
            .to_string();
        assert!(
            !error.contains("hunter2") && error.contains("host:1883"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = BrokerUrl::parse(&text);
        }

        #[test]
        fn what_it_shows_reads_back(host in "[a-z][a-z0-9.-]{0,20}", port in 1_u16.., tls in any::<bool>()) {
            let scheme = if tls { "ssl" } else { "tcp" };
            let url = BrokerUrl::parse(&format!("{scheme}://{host}:{port}")).unwrap();
            prop_assert_eq!(BrokerUrl::parse(&url.to_string()).unwrap(), url);
        }
    }
}
