//! Options of a connection.

use std::{fmt, io, str::FromStr, sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::io::DuplexStream;

use super::{BrokerUrl, Message, Subscription};

/// The version of MQTT to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// MQTT 5, or 3.1.1 with a broker that does not support it.
    #[default]
    Auto,
    /// MQTT 5 only.
    V5,
    /// MQTT 3.1.1 only. The broker then decides how long sessions last, messages do not expire at the broker, and a
    /// message that the broker refuses appears to be accepted.
    V311,
}

impl Protocol {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Auto, Self::V5, Self::V311];

    /// Returns the value used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::V5 => "5",
            Self::V311 => "3.1.1",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a version of MQTT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no version of MQTT, expected auto, 5 or 3.1.1")]
pub struct UnknownProtocol(String);

impl FromStr for Protocol {
    type Err = UnknownProtocol;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| UnknownProtocol(text.chars().take(40).collect()))
    }
}

/// Opens connections to a broker in the same process.
#[derive(Clone)]
pub struct Pipe(Arc<dyn Fn() -> io::Result<DuplexStream> + Send + Sync>);

impl Pipe {
    /// `open` returns the client's end of a new connection.
    pub fn new(open: impl Fn() -> io::Result<DuplexStream> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    pub(super) fn open(&self) -> io::Result<DuplexStream> {
        (self.0)()
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipe")
    }
}

/// Options of a connection. Start from [`ConnectionOptions::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct ConnectionOptions {
    /// Address of the broker.
    pub broker: BrokerUrl,
    /// What leads to the broker instead of its address, if it is in the same process.
    pub pipe: Option<Pipe>,
    /// The version of MQTT to use.
    pub protocol: Protocol,
    /// Client id, which identifies the session. Only one connection at a time may use it. If empty, it is random.
    pub client_id: String,
    /// User name, if the broker requires one. An empty one counts as none: Compose passes unset variables so.
    pub username: Option<String>,
    /// Password of the user.
    pub password: Option<SecretString>,
    /// Certificates (PEM) to trust for TLS instead of the system's.
    pub trusted_certificates_pem: Option<Vec<u8>>,
    /// Keep-alive interval, after which the broker is pinged: 1 s to 65,535 s.
    pub keep_alive: Duration,
    /// Whether to discard an earlier session.
    pub clean_start: bool,
    /// Time for which the broker keeps the session while we are disconnected.
    pub session_expiry: Duration,
    /// The largest packet sent or received.
    pub max_packet_bytes: u32,
    /// Largest number of unacknowledged deliveries, at which the broker waits. Some brokers send more.
    pub receive_maximum: u16,
    /// Size of the deliveries that the consumer has not acknowledged, in bytes, at which no more are read. The
    /// consumer must acknowledge what it has before it waits for more.
    pub max_unacknowledged_bytes: usize,
    /// Largest number of unacknowledged `QoS` 1 messages of our own.
    pub inflight: u16,
    /// Largest number of messages that wait to be sent.
    pub max_queued_messages: usize,
    /// Largest number of payload bytes that wait to be sent.
    pub max_queued_bytes: usize,
    /// Largest number of `QoS` 0 deliveries that wait for the consumer; more are dropped and counted.
    pub max_waiting_qos0: usize,
    /// Message that the broker sends when the connection ends without [`super::Publisher::disconnect`].
    pub last_will: Option<Message>,
    /// Message that is published first on every connection.
    pub birth: Option<Message>,
    /// Subscriptions that are made on every connection.
    pub subscriptions: Vec<Subscription>,
    /// Whether the consumer acknowledges messages; otherwise [`super::Incoming::recv`] does.
    pub manual_acks: bool,
    /// Longest pause between two attempts to connect.
    pub max_backoff: Duration,
}

impl ConnectionOptions {
    /// Returns the defaults: a clean session, 2 MiB packets, 30 s keep-alive, 1,000 deliveries in flight.
    pub fn new(broker: BrokerUrl, client_id: impl Into<String>) -> Self {
        Self {
            broker,
            pipe: None,
            protocol: Protocol::Auto,
            client_id: client_id.into(),
            username: None,
            password: None,
            trusted_certificates_pem: None,
            keep_alive: Duration::from_secs(30),
            clean_start: true,
            session_expiry: Duration::ZERO,
            max_packet_bytes: 2 << 20,
            receive_maximum: 1_000,
            max_unacknowledged_bytes: 128 << 20,
            inflight: 1_000,
            max_queued_messages: 1_000,
            max_queued_bytes: 64 << 20,
            max_waiting_qos0: 1_000,
            last_will: None,
            birth: None,
            subscriptions: Vec::new(),
            manual_acks: false,
            max_backoff: Duration::from_secs(10),
        }
    }

    /// Keeps the session for `expiry` while we are disconnected, so that no message acknowledged to its sender is
    /// missed.
    #[must_use]
    pub fn persistent(self, expiry: Duration) -> Self {
        Self {
            clean_start: false,
            session_expiry: expiry,
            ..self
        }
    }

    /// Returns the client id, never empty.
    pub(super) fn effective_client_id(&self) -> String {
        if self.client_id.is_empty() {
            random_client_id("casement")
        } else {
            self.client_id.clone()
        }
    }

    pub(super) fn username(&self) -> Option<&String> {
        self.username.as_ref().filter(|username| !username.is_empty())
    }

    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
            .clamp(Duration::from_secs(1), Duration::from_secs(u64::from(u16::MAX)))
    }
}

/// The longest client id that MQTT 3.1.1 obliges a broker to accept, and the characters that it may have.
const CLIENT_ID_CHARS: usize = 23;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns a client id of 23 characters that begins with `role` (at most 10 letters and digits). Every broker takes it,
/// and it cannot be guessed to take over the session.
pub fn random_client_id(role: &str) -> String {
    let mut number = uuid::Uuid::new_v4().as_u128();
    // The version's bits are the same in every UUID.
    number ^= uuid::Uuid::new_v4().as_u128().rotate_left(64);
    let mut id: String = role.chars().take(10).collect();
    while id.len() < CLIENT_ID_CHARS {
        id.push(char::from(ALPHABET[(number % 62) as usize]));
        number /= 62;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let mut options = ConnectionOptions::new(BrokerUrl::tcp("h", 1), "c");
        options.password = Some("hunter2".into());
        let shown = format!("{options:?}");
        assert!(!shown.contains("hunter2") && shown.contains("REDACTED"));
    }

    #[test]
    fn a_keep_alive_is_what_the_protocol_can_say() {
        let mut options = ConnectionOptions::new(BrokerUrl::tcp("h", 1), "");
        for (asked, said) in [(1, 1), (3, 3), (65_535, 65_535), (0, 1), (100_000, 65_535)] {
            options.keep_alive = Duration::from_secs(asked);
            assert_eq!(options.keep_alive(), Duration::from_secs(said));
        }
    }

    #[test]
    fn every_broker_takes_a_random_client_id() {
        let options = ConnectionOptions::new(BrokerUrl::tcp("h", 1), "");
        let ids: Vec<String> = (0..100).map(|_| options.effective_client_id()).collect();
        for id in &ids {
            assert_eq!(id.len(), 23, "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        }
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 100);
    }
}
