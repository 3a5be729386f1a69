//! What is said and heard, in either version of MQTT.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{
    super::{ConnectionOptions, Message, PublishError, Subscription},
    v5, v311,
};

/// A version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) enum Version {
    V5,
    V311,
}

/// A packet of ours.
pub(in super::super) enum Outgoing {
    Publish {
        message: Message,
        /// Time after which it expires. MQTT 3.1.1 has no expiry.
        left: Option<Duration>,
        /// 0 at `QoS` 0.
        packet_id: u16,
    },
    Acknowledge(u16),
    Subscribe {
        subscriptions: Vec<Subscription>,
        packet_id: u16,
        session_present: bool,
    },
    Ping,
    Disconnect,
}

/// A packet of the broker.
pub(super) enum Received {
    /// The answer to CONNECT.
    Answer(Result<Terms, Failure>),
    Event(LineEvent),
    /// The broker ends the connection, with its reason.
    Disconnect(String),
    Other,
}

/// What the bytes that were read so far begin with.
pub(super) enum Decoded {
    Packet(Received),
    /// A part of a packet, of which at least so many bytes are missing.
    Incomplete(usize),
}

/// The events of the line that concern the driver.
pub(in super::super) enum LineEvent {
    Connected(Terms),
    /// For each requested filter, whether it was granted.
    Subscribed(Vec<bool>),
    Publish(Arrival),
    /// The broker answered one of our messages at `QoS` 1.
    Acknowledged(u16, Result<(), PublishError>),
}

/// The broker's terms in its CONNACK.
pub(in super::super) struct Terms {
    pub(in super::super) session_present: bool,
    /// Largest number of unacknowledged `QoS` 1 messages.
    pub(in super::super) receive_maximum: u16,
    /// The largest packet that it accepts.
    pub(in super::super) max_packet_bytes: u32,
    /// The keep-alive interval that it wants instead of ours.
    pub(in super::super) keep_alive: Option<Duration>,
}

/// A message as received.
pub(in super::super) struct Arrival {
    pub(in super::super) topic: String,
    pub(in super::super) payload: Bytes,
    /// `None` at `QoS` 0. Our subscriptions ask for `QoS` 1 at most, so nothing comes at `QoS` 2.
    pub(in super::super) packet_id: Option<u16>,
    pub(in super::super) retain: bool,
    pub(in super::super) dup: bool,
}

/// Why a connection ended or was not made.
pub(in super::super) struct Failure {
    pub(in super::super) reason: String,
    /// Whether the broker listens but does not support the version of our CONNECT.
    pub(in super::super) unsupported: Unsupported,
}

/// The likelihood that a broker does not support the version of our CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Unsupported {
    No,
    /// It closed the connection.
    Perhaps,
    /// It reported that it does not.
    Yes,
}

impl Failure {
    /// A failure that says nothing about versions.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            unsupported: Unsupported::No,
        }
    }
}

impl Version {
    pub(in super::super) const fn other(self) -> Self {
        match self {
            Self::V5 => Self::V311,
            Self::V311 => Self::V5,
        }
    }

    pub(in super::super) const fn name(self) -> &'static str {
        match self {
            Self::V5 => "MQTT 5",
            Self::V311 => "MQTT 3.1.1",
        }
    }

    /// Appends our CONNECT.
    pub(super) fn greet(
        self,
        options: &ConnectionOptions,
        client_id: &str,
        to: &mut BytesMut,
    ) -> Result<(), String> {
        match self {
            Self::V5 => v5::greet(options, client_id, to),
            Self::V311 => v311::greet(options, client_id, to),
        }
    }

    /// Appends a packet.
    pub(super) fn encode(self, packet: Outgoing, to: &mut BytesMut) -> Result<(), String> {
        match self {
            Self::V5 => v5::encode(packet, to),
            Self::V311 => v311::encode(packet, to),
        }
    }

    /// Takes the next packet from what was read. The error says why it is none.
    pub(super) fn decode(self, from: &mut BytesMut, max_packet_bytes: u32) -> Result<Decoded, String> {
        match self {
            Self::V5 => v5::decode(from, max_packet_bytes),
            Self::V311 => v311::decode(from),
        }
    }
}

/// Returns whether a broker would understand the filter.
pub(in super::super) fn is_filter(filter: &str) -> bool {
    rumqttc::valid_filter(filter) && u16::try_from(filter.len()).is_ok()
}
