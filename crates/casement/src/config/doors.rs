//! Where broker and page listen, and who may enter.
//!
//! In: `broker` and `http`. Out: their listeners with every default filled in, or what contradicts itself. Anonymous
//! clients never come from other hosts.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Broker, Config, Http, Model, Tls};

/// The ports of `casement up --lan`: those that IANA registered for MQTT in TLS and, as is usual, for WebSocket and HTTPS.
const LAN_MQTT: u16 = 8883;
const LAN_WEBSOCKET: u16 = 8884;
const LAN_HTTP: u16 = 8443;

/// One entry of `broker.listeners`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerListener {
    /// The address.
    pub addr: SocketAddr,
    /// Whether it speaks TLS.
    #[serde(default)]
    pub tls: bool,
    /// Whether MQTT comes over WebSocket.
    #[serde(default)]
    pub websocket: bool,
    /// Whether clients may come without an account; by default as `broker.anonymous` says. Never beyond loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
}

/// One entry of `http.listeners`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpListener {
    /// The address.
    pub addr: SocketAddr,
    /// Whether it speaks HTTPS.
    #[serde(default)]
    pub tls: bool,
}

macro_rules! choice {
    ($(#[$text:meta])* $name:ident, $expected:literal, { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$text])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// Every word.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word of the configuration.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = &'static str;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().find(|word| word.as_str() == text).copied().ok_or($expected)
            }
        }
    };
}

choice! {
    /// Where clients may come without an account.
    Anonymous, "expected loopback or never", {
        /// On listeners that only this machine can reach.
        #[default]
        Loopback = "loopback",
        /// Nowhere.
        Never = "never",
    }
}

choice! {
    /// What becomes of a device that has no account.
    Registration, "expected auto, open, pairing or closed", {
        /// `open` where every listener is on loopback, `pairing` otherwise.
        #[default]
        Auto = "auto",
        /// It may come.
        Open = "open",
        /// It may come while a person pairs, and waits for approval.
        Pairing = "pairing",
        /// It is refused.
        Closed = "closed",
    }
}

impl Broker {
    /// Its listeners, of which at least one; `anonymous` is decided.
    pub fn doors(&self) -> Vec<BrokerListener> {
        let plain = BrokerListener {
            addr: self.addr,
            tls: false,
            websocket: false,
            anonymous: None,
        };
        let listed = if self.listeners.is_empty() {
            vec![plain]
        } else {
            self.listeners.clone()
        };
        let decide = |listener: BrokerListener| {
            let may = self.anonymous == Anonymous::Loopback && listener.addr.ip().is_loopback();
            BrokerListener {
                anonymous: Some(listener.anonymous.unwrap_or(may)),
                ..listener
            }
        };
        listed.into_iter().map(decide).collect()
    }

    /// What becomes of a device that has no account; never `Auto`.
    pub fn registration(&self) -> Registration {
        match self.registration {
            Registration::Auto if self.doors().iter().all(|door| door.addr.ip().is_loopback()) => {
                Registration::Open
            }
            Registration::Auto => Registration::Pairing,
            chosen => chosen,
        }
    }

    /// Says what contradicts itself in `listeners`.
    pub(super) fn check(&self) -> Result<(), String> {
        for listener in &self.listeners {
            let addr = listener.addr;
            if listener.anonymous == Some(true) && !addr.ip().is_loopback() {
                return Err(format!(
                    "anonymous: true at {addr}, which other hosts can reach: anonymous clients may come on loopback only; leave it out"
                ));
            }
            if listener.anonymous == Some(true) && self.anonymous == Anonymous::Never {
                return Err(format!(
                    "anonymous: true at {addr}, and broker.anonymous is never: leave one of them out"
                ));
            }
        }
        Ok(())
    }
}

impl Http {
    /// Its listeners, of which at least one.
    pub fn doors(&self) -> Vec<HttpListener> {
        if self.listeners.is_empty() {
            vec![HttpListener {
                addr: self.addr,
                tls: false,
            }]
        } else {
            self.listeners.clone()
        }
    }
}

impl Tls {
    /// Says what is missing.
    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.certificate_file, &self.key_file) {
            (Some(_), None) => {
                Err("tls.certificate_file is set, and its key is not: name both, or neither".into())
            }
            (None, Some(_)) => {
                Err("it is set, and tls.certificate_file is not: name both, or neither".into())
            }
            _ => Ok(()),
        }
    }
}

impl Config {
    /// The directory that holds everything: that of the journal.
    pub fn data(&self) -> PathBuf {
        let parent = self.journal.path.parent().unwrap_or(&self.journal.path);
        if parent.as_os_str().is_empty() {
            ".".into()
        } else {
            parent.into()
        }
    }

    /// Refuses an address of a flag that a list of listeners would silently replace.
    pub fn refuse_flags(&self, mqtt: bool, http: bool) -> anyhow::Result<()> {
        let lists = [
            ("mqtt", "broker", mqtt && !self.broker.listeners.is_empty()),
            ("http", "http", http && !self.http.listeners.is_empty()),
        ];
        for (flag, section, is_both) in lists {
            anyhow::ensure!(
                !is_both,
                "--{flag} ADDR is one listener, and {section}.listeners lists them: leave one of the two out"
            );
        }
        Ok(())
    }

    /// Whether any listener of `casement up` speaks TLS.
    pub fn needs_certificate(&self) -> bool {
        let mqtt = self.embeds_broker() && self.broker.doors().iter().any(|door| door.tls);
        mqtt || self.page_needs_certificate()
    }

    /// Whether any listener of the page speaks TLS: `casement backend` has no others.
    pub fn page_needs_certificate(&self) -> bool {
        self.http.doors().iter().any(|door| door.tls)
    }

    /// The path of the model at which the built-in one serves while there is no file: the default, in the working directory or
    /// in the directory for all data. `None` where `model.path` names another.
    pub fn built_in_model_path(&self) -> Option<PathBuf> {
        let default = Model::default().path;
        let below = default.strip_prefix(".").unwrap_or(&default);
        let of_data = self.data().join(below);
        let path = &self.model.path;
        (*path == default || *path == of_data).then(|| path.clone())
    }

    /// Adds what `casement up --lan` means: on every interface, MQTT and the page in TLS, for whoever has an account. The
    /// plain addresses stay, on loopback. Passwords would cross the network readable without TLS, so that a plain
    /// listener beyond loopback is for a person to write down, in `broker.listeners`.
    pub fn open_to_lan(&mut self) -> anyhow::Result<()> {
        let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        for (key, is_listed, addr) in [
            ("broker", !self.broker.listeners.is_empty(), self.broker.addr),
            ("http", !self.http.listeners.is_empty(), self.http.addr),
        ] {
            anyhow::ensure!(
                !is_listed,
                "--lan adds listeners of its own: leave it out, or leave {key}.listeners out"
            );
            anyhow::ensure!(
                addr.ip().is_loopback(),
                "--lan keeps the plain listeners on loopback: leave it out, or choose a loopback address in place of {addr}"
            );
        }
        let mqtt = |addr, tls, websocket| BrokerListener {
            addr,
            tls,
            websocket,
            anonymous: None,
        };
        self.broker.listeners = vec![
            mqtt(self.broker.addr, false, false),
            mqtt(everywhere(LAN_MQTT), true, false),
            mqtt(everywhere(LAN_WEBSOCKET), true, true),
        ];
        self.http.listeners = [(self.http.addr, false), (everywhere(LAN_HTTP), true)]
            .map(|(addr, tls)| HttpListener { addr, tls })
            .into();
        self.broker.anonymous = Anonymous::Never;
        self.broker.mdns = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(addr: &str, anonymous: Option<bool>) -> BrokerListener {
        BrokerListener {
            addr: addr.parse().unwrap(),
            tls: true,
            websocket: false,
            anonymous,
        }
    }

    #[test]
    fn anonymous_clients_come_on_loopback_alone() {
        let mut broker = Broker::default();
        let anonymous = |broker: &Broker| -> Vec<_> {
            broker
                .doors()
                .iter()
                .map(|door| door.anonymous.unwrap())
                .collect()
        };
        assert_eq!(anonymous(&broker), [true]);
        broker.listeners = vec![
            listener("[::1]:1", None),
            listener("127.0.0.1:2", Some(false)),
            listener("0.0.0.0:3", None),
        ];
        assert_eq!(anonymous(&broker), [true, false, false]);
        broker.anonymous = Anonymous::Never;
        assert_eq!(anonymous(&broker), [false; 3]);
        broker.listeners[1].anonymous = Some(true);
        assert!(broker.check().unwrap_err().contains("broker.anonymous is never"));
        broker.anonymous = Anonymous::Loopback;
        broker.check().unwrap();
        broker.listeners[2].anonymous = Some(true);
        assert!(broker.check().unwrap_err().contains("loopback only"));
    }

    #[test]
    fn devices_pair_as_soon_as_others_can_reach_the_broker() {
        let mut config = Config::default();
        assert_eq!(config.broker.registration(), Registration::Open);
        config.open_to_lan().unwrap();
        assert_eq!(config.broker.registration(), Registration::Pairing);
        config.broker.registration = Registration::Closed;
        assert_eq!(config.broker.registration(), Registration::Closed);
    }

    #[test]
    fn the_page_alone_needs_no_certificate_for_the_brokers_listeners() {
        let mut config = Config::default();
        config.broker.listeners = vec![listener("0.0.0.0:8883", None)];
        assert!(config.needs_certificate() && !config.page_needs_certificate());
        config.http.listeners = vec![HttpListener {
            addr: ([0, 0, 0, 0], 8443).into(),
            tls: true,
        }];
        assert!(config.page_needs_certificate());
    }

    #[test]
    fn the_lan_gets_tls_alone_and_loopback_stays() {
        let mut config = Config::default();
        let (mqtt, http) = (config.broker.addr, config.http.addr);
        config.open_to_lan().unwrap();
        let doors = config.broker.doors();
        assert_eq!((doors[0].addr, doors[0].tls), (mqtt, false));
        assert!(
            doors[1..]
                .iter()
                .all(|door| door.tls && door.addr.ip().is_unspecified())
        );
        assert!(doors.iter().all(|door| door.anonymous == Some(false)));
        let pages = config.http.doors();
        assert_eq!((pages[0].addr, pages[0].tls, pages[1].tls), (http, false, true));
        assert!(config.needs_certificate() && config.broker.mdns);
        config.broker.check().unwrap();
        let twice = config.open_to_lan().unwrap_err().to_string();
        assert!(twice.contains("broker.listeners"), "{twice}");
        config.refuse_flags(false, false).unwrap();
        assert!(config.refuse_flags(true, false).is_err() && config.refuse_flags(false, true).is_err());
        let mut open = Config::default();
        open.refuse_flags(true, true).unwrap();
        open.http.addr = ([0, 0, 0, 0], 8080).into();
        assert!(
            open.open_to_lan()
                .unwrap_err()
                .to_string()
                .contains("0.0.0.0:8080")
        );
    }
}
