//! How a connection is to be made.

use std::{fmt, str::FromStr, time::Duration};

use secrecy::SecretString;

use super::{BrokerUrl, Message, Subscription};

/// Which version of MQTT is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// MQTT 5, or 3.1.1 with a broker that does not know it.
    #[default]
    Auto,
    /// MQTT 5 alone.
    V5,
    /// MQTT 3.1.1 alone. Sessions then last as long as the broker likes, nothing expires on the broker's side, and a
    /// message that the broker refuses looks as if it were taken.
    V311,
}

impl Protocol {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::V5, Self::V311];

    /// The word for it in the configuration.
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

/// A text that names no version of MQTT.
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

/// Everything about one connection. Start from [`ConnectionOptions::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct ConnectionOptions {
    /// Where the broker listens.
    pub broker: BrokerUrl,
    /// Which version of MQTT to speak.
    pub protocol: Protocol,
    /// Names the session; one connection at a time has it. Empty: a random one.
    pub client_id: String,
    /// The account, where the broker asks for one.
    pub username: Option<String>,
    /// The account's password.
    pub password: Option<SecretString>,
    /// Certificates (PEM) to trust for TLS instead of the system's.
    pub trusted_certificates_pem: Option<Vec<u8>>,
    /// Silence after which the broker is asked whether it is there (at least 5 s).
    pub keep_alive: Duration,
    /// Whether the broker is to forget an earlier session.
    pub clean_start: bool,
    /// How long the broker keeps the session while we are away.
    pub session_expiry: Duration,
    /// The largest packet sent or received.
    pub max_packet_bytes: u32,
    /// How many deliveries may be unacknowledged; the broker then waits.
    pub receive_maximum: u16,
    /// Bytes of unacknowledged deliveries up to which a broker that ignores `receive_maximum` is put up with.
    pub max_overrun_bytes: usize,
    /// Bytes of unacknowledged deliveries that are put up with at all, whatever their number.
    pub max_unacknowledged_bytes: usize,
    /// How many of our own `QoS` 1 messages may be unacknowledged.
    pub inflight: u16,
    /// How many messages may wait to be sent.
    pub max_queued_messages: usize,
    /// How many payload bytes may wait to be sent.
    pub max_queued_bytes: usize,
    /// How many `QoS` 0 deliveries may wait for the consumer; more are dropped and counted.
    pub max_waiting_qos0: usize,
    /// Sent by the broker when the connection is lost without [`super::Publisher::disconnect`].
    pub last_will: Option<Message>,
    /// Published first on every connection.
    pub birth: Option<Message>,
    /// Asked for on every connection.
    pub subscriptions: Vec<Subscription>,
    /// Whether the consumer acknowledges; otherwise [`super::Incoming::recv`] does it.
    pub manual_acks: bool,
    /// The longest pause between two attempts to connect.
    pub max_backoff: Duration,
}

impl ConnectionOptions {
    /// The defaults: a clean session, 2 MiB packets, 30 s keep-alive, 1,000 deliveries in flight.
    pub fn new(broker: BrokerUrl, client_id: impl Into<String>) -> Self {
        Self {
            broker,
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
            max_overrun_bytes: 32 << 20,
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

    /// Keeps the session for `expiry` while we are away: nothing acknowledged to its sender is missed.
    #[must_use]
    pub fn persistent(self, expiry: Duration) -> Self {
        Self {
            clean_start: false,
            session_expiry: expiry,
            ..self
        }
    }

    /// The client id, never empty.
    pub(super) fn effective_client_id(&self) -> String {
        if self.client_id.is_empty() {
            format!("casement-{}", uuid::Uuid::new_v4().simple())
        } else {
            self.client_id.clone()
        }
    }

    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
            .clamp(Duration::from_secs(5), Duration::from_secs(u64::from(u16::MAX)))
    }

    /// How many requests the client's channel must hold so that an acknowledgement always fits.
    pub(super) fn channel_capacity(&self) -> usize {
        usize::from(self.receive_maximum.max(1)) + usize::from(self.inflight) + 16
    }
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
    fn a_short_keep_alive_is_raised_to_what_the_client_allows() {
        let mut options = ConnectionOptions::new(BrokerUrl::tcp("h", 1), "");
        options.keep_alive = Duration::from_secs(1);
        assert_eq!(options.keep_alive(), Duration::from_secs(5));
        assert!(!options.effective_client_id().is_empty());
    }
}
