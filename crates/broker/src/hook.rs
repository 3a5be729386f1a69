//! What the broker asks before it acknowledges a publish.

use async_trait::async_trait;
use bytes::Bytes;

/// The `QoS` of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Qos {
    /// `QoS` 0: not acknowledged.
    AtMostOnce,
    /// `QoS` 1: acknowledged by PUBACK.
    AtLeastOnce,
    /// `QoS` 2: acknowledged by PUBREC.
    ExactlyOnce,
}

/// A publish on its way in.
#[derive(Debug, Clone)]
pub struct Publish<'a> {
    /// The topic name; never with wildcards, never beginning with `$`.
    pub topic: &'a str,
    /// The payload; cloning it copies nothing.
    pub payload: Bytes,
    /// Its `QoS`.
    pub qos: Qos,
    /// Whether the broker is to keep it for later subscribers.
    pub retain: bool,
    /// Whether the client has sent it before.
    pub dup: bool,
    /// Who publishes: an id the client chose itself.
    pub client_id: &'a str,
    /// The client's account, where it has one.
    pub username: Option<&'a str>,
    /// Whether the broker speaks for a client it lost; nobody waits for this verdict.
    pub last_will: bool,
}

/// What becomes of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Route it and acknowledge it.
    Accept,
    /// Route it to nobody, and acknowledge it: sent again it would be no better. MQTT 5 tells its sender of a limit.
    Refuse,
    /// Neither route nor acknowledge it, and close the connection: the client sends it again.
    Withhold,
}

/// Sees every publish that the broker allows, at every `QoS`, and decides when it is acknowledged.
#[async_trait]
pub trait PublishHook: Send + Sync + 'static {
    /// Awaited before the message is routed and acknowledged. A connection waits for its own publishes one by one;
    /// connections do not wait for each other. Runs on the broker's threads.
    async fn accept(&self, publish: Publish<'_>) -> Verdict;
}
