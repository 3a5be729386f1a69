//! Messages to publish, deliveries, and the events of a connection.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::AckToken;

/// The quality of service of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qos {
    /// `QoS` 0: sent once, may be lost.
    AtMostOnce,
    /// `QoS` 1: repeated until acknowledged, may arrive more than once.
    AtLeastOnce,
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// A topic name, without wildcards.
    pub topic: String,
    /// The payload.
    pub payload: Bytes,
    /// Its quality of service.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// Time after which it is neither sent nor delivered by the broker.
    pub expires_at: Option<Instant>,
}

impl Message {
    /// Creates a message at `QoS` 1 that is not retained.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtLeastOnce,
            retain: false,
            expires_at: None,
        }
    }

    /// Returns the message with an expiry after `lifetime`.
    #[must_use]
    pub fn expiring_in(self, lifetime: Duration) -> Self {
        Self {
            expires_at: Instant::now().checked_add(lifetime),
            ..self
        }
    }

    /// Returns the message as a retained one, which the broker keeps for later subscribers.
    #[must_use]
    pub fn retained(self) -> Self {
        Self { retain: true, ..self }
    }
}

/// A topic filter and the highest `QoS` wanted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The filter, which may have wildcards and `$share/…`.
    pub filter: String,
    /// The highest `QoS` wanted.
    pub qos: Qos,
}

impl Subscription {
    /// Creates a subscription at `QoS` 1.
    pub fn new(filter: impl Into<String>) -> Self {
        Self {
            filter: filter.into(),
            qos: Qos::AtLeastOnce,
        }
    }
}

/// A message from the broker. At `QoS` 1 it is redelivered until acknowledged with its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The topic name; bytes that are not UTF-8 are replaced.
    pub topic: String,
    /// The payload.
    pub payload: Bytes,
    /// The `QoS` it was delivered with.
    pub qos: Qos,
    /// Whether it is a retained message from before the subscription.
    pub retain: bool,
    /// Whether it is a redelivery.
    pub dup: bool,
    /// Token that acknowledges it, on the connection it came from only.
    pub token: AckToken,
}

/// The events of a connection, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The broker accepted the connection.
    Connected {
        /// Whether the broker resumed our session.
        session_present: bool,
    },
    /// The broker granted every subscription.
    Subscribed,
    /// The broker refused subscriptions; the connection stays.
    SubscriptionRefused {
        /// The refused filters.
        filters: Vec<String>,
    },
    /// The connection was lost or could not be made. It is retried automatically.
    Disconnected {
        /// The reason, for a log line.
        reason: String,
    },
    /// A message arrived.
    Message(Delivery),
}
