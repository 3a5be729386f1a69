//! The hook that decides when a publish is acknowledged.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;

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

/// An incoming publish.
#[derive(Debug, Clone)]
pub struct Publish<'a> {
    /// The topic name, without wildcards and not starting with `$`.
    pub topic: &'a str,
    /// The payload; clones share its bytes.
    pub payload: Bytes,
    /// Its `QoS`.
    pub qos: Qos,
    /// Whether the broker retains it for later subscribers.
    pub retain: bool,
    /// Whether the client has sent it before.
    pub dup: bool,
    /// The id that the client chose.
    pub client_id: &'a str,
    /// The user name that the client stated.
    pub username: Option<&'a str>,
    /// The client's account, if it has one.
    pub account: Option<&'a str>,
    /// Whether this is the last will of a lost client. Its verdict is ignored.
    pub last_will: bool,
}

/// What the broker does with a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Route it and acknowledge it.
    Accept,
    /// Acknowledge it without routing it: sending it again would not help. In MQTT 5 the sender learns that a quota is
    /// exceeded.
    Refuse,
    /// Neither route nor acknowledge it, and close the connection, so that the client sends it again.
    Withhold,
}

/// The hook's answer to a publish.
pub enum Reception {
    /// It is decided.
    Decided(Verdict),
    /// Route it now, and acknowledge it when this has accepted it. A message that is withheld then has been routed, and is
    /// routed again when the client sends it again; so messages at `QoS` 2 wait, as do last wills.
    Ahead(BoxFuture<'static, Verdict>),
}

impl From<Verdict> for Reception {
    fn from(verdict: Verdict) -> Self {
        Self::Decided(verdict)
    }
}

/// Receives every publish that the broker allows, at every `QoS`, and decides when it is acknowledged.
#[async_trait]
pub trait PublishHook: Send + Sync + 'static {
    /// Awaited before the message is routed; what it answers says when it is acknowledged. Publishes are handled
    /// concurrently; those of one connection are begun, routed and acknowledged in the order of receipt. Runs on the
    /// broker's threads.
    async fn accept(&self, publish: Publish<'_>) -> Reception;
}
