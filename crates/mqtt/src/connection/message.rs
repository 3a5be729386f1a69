//! What travels: messages to publish, deliveries, and the events of a connection.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::AckToken;

/// How hard a message tries to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qos {
    /// `QoS` 0: sent once, perhaps lost.
    AtMostOnce,
    /// `QoS` 1: repeated until acknowledged, perhaps twice.
    AtLeastOnce,
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// A topic name, without wildcards.
    pub topic: String,
    /// The payload as it travels.
    pub payload: Bytes,
    /// How hard it tries.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// Past this moment it helps nobody: it is sent no more, and the broker gives it to nobody.
    pub expires_at: Option<Instant>,
}

impl Message {
    /// A message at `QoS` 1 that is not retained.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtLeastOnce,
            retain: false,
            expires_at: None,
        }
    }

    /// The same message, of no use after `lifetime`.
    #[must_use]
    pub fn expiring_in(self, lifetime: Duration) -> Self {
        Self {
            expires_at: Instant::now().checked_add(lifetime),
            ..self
        }
    }

    /// The same message, kept by the broker for later subscribers.
    #[must_use]
    pub fn retained(self) -> Self {
        Self { retain: true, ..self }
    }
}

/// A topic filter and the highest `QoS` wanted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The filter, wildcards and `$share/…` allowed.
    pub filter: String,
    /// The highest `QoS` wanted.
    pub qos: Qos,
}

impl Subscription {
    /// A subscription at `QoS` 1.
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
    /// The topic name; bytes that are no UTF-8 are replaced.
    pub topic: String,
    /// The payload as it came.
    pub payload: Bytes,
    /// The `QoS` it was delivered with.
    pub qos: Qos,
    /// Whether the broker had kept it before we subscribed.
    pub retain: bool,
    /// Whether the broker has tried before.
    pub dup: bool,
    /// Acknowledges it, on the connection it came from only.
    pub token: AckToken,
}

/// What happens on a connection, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The broker accepted the connection.
    Connected {
        /// Whether it still knew our session.
        session_present: bool,
    },
    /// The broker granted every subscription.
    Subscribed,
    /// The broker refused subscriptions; the connection stays.
    SubscriptionRefused {
        /// The refused filters.
        filters: Vec<String>,
    },
    /// The connection is lost or could not be made; it is tried again by itself.
    Disconnected {
        /// Why, for a log line.
        reason: String,
    },
    /// A message.
    Message(Delivery),
}
