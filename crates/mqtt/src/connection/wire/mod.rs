//! One interface to the client library for MQTT 5 and MQTT 3.1.1. The versions differ here and nowhere else.
//!
//! In: a connection's options and the version to use. Out: a [`Line`] that the driver polls, and a [`Sender`] that
//! hands packets to it without waiting. No message is kept here: unfinished ones are in the outbox.

mod socket;
mod v311;
mod v5;

use std::time::Duration;

use bytes::Bytes;

use super::{ConnectionOptions, Message, PublishError};

/// A version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Version {
    V5,
    V311,
}

impl Version {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::V5 => Self::V311,
            Self::V311 => Self::V5,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::V5 => "MQTT 5",
            Self::V311 => "MQTT 3.1.1",
        }
    }
}

/// The events of the line that concern the driver.
pub(super) enum LineEvent {
    Connected(Terms),
    /// For each requested filter, whether it was granted.
    Subscribed(Vec<bool>),
    Publish(Arrival),
    /// The broker answered one of our messages at `QoS` 1.
    Acknowledged(u16, Result<(), PublishError>),
    /// The next message of the client was written, with this packet id (0 at `QoS` 0).
    PublishWritten(u16),
    AckWritten,
    DisconnectWritten,
    Other,
}

/// The broker's terms in its CONNACK.
pub(super) struct Terms {
    pub(super) session_present: bool,
    /// Largest number of unacknowledged `QoS` 1 messages.
    pub(super) receive_maximum: u16,
    /// The largest packet that it accepts.
    pub(super) max_packet_bytes: u32,
}

/// A message as received.
pub(super) struct Arrival {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    /// `None` at `QoS` 0. Our subscriptions ask for `QoS` 1 at most, so nothing comes at `QoS` 2.
    pub(super) packet_id: Option<u16>,
    pub(super) retain: bool,
    pub(super) dup: bool,
}

/// Why a connection ended or was not made.
pub(super) struct Failure {
    pub(super) reason: String,
    /// Whether the broker listens but does not support the version of our CONNECT.
    pub(super) unsupported: Unsupported,
}

/// The likelihood that a broker does not support the version of our CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsupported {
    No,
    /// It closed the connection.
    Perhaps,
    /// It reported that it does not.
    Yes,
}

/// The client has no room for a packet, or has ended.
#[derive(Debug)]
pub(super) struct NotAccepted;

pub(super) enum Line {
    V5(Box<v5::Line>),
    V311(Box<v311::Line>),
}

pub(super) enum Sender {
    V5(v5::Sender),
    V311(v311::Sender),
}

/// Creates a line that is not connected yet, and its sender.
pub(super) fn open(options: &ConnectionOptions, version: Version) -> (Sender, Line) {
    match version {
        Version::V5 => {
            let (sender, line) = v5::open(options);
            (Sender::V5(sender), Line::V5(Box::new(line)))
        }
        Version::V311 => {
            let (sender, line) = v311::open(options);
            (Sender::V311(sender), Line::V311(Box::new(line)))
        }
    }
}

impl Line {
    /// Connects unless connected, and waits for the next event. It is safe to cancel.
    ///
    /// Whatever arrives is a sign of life: the connection ends when nothing at all arrives for two keep-alive
    /// intervals. A busy broker answers pings late.
    pub(super) async fn poll(&mut self) -> Result<LineEvent, Failure> {
        match self {
            Self::V5(line) => line.poll().await,
            Self::V311(line) => line.poll().await,
        }
    }

    /// Expects an answer to the next ping only, as if something had just arrived.
    pub(super) fn note_life(&mut self) {
        match self {
            Self::V5(line) => line.note_life(),
            Self::V311(line) => line.note_life(),
        }
    }

    /// Returns the keep-alive interval, which a broker of MQTT 5 may have changed.
    pub(super) fn keep_alive(&self) -> Duration {
        match self {
            Self::V5(line) => line.keep_alive(),
            Self::V311(line) => line.keep_alive(),
        }
    }

    /// Returns the remaining events of an ended connection.
    pub(super) fn drain(&mut self) -> Vec<LineEvent> {
        match self {
            Self::V5(line) => line.drain(),
            Self::V311(line) => line.drain(),
        }
    }

    /// Discards everything that the client still holds of an ended connection.
    pub(super) fn discard(&mut self) {
        match self {
            Self::V5(line) => line.discard(),
            Self::V311(line) => line.discard(),
        }
    }
}

impl Sender {
    pub(super) fn acknowledge(&mut self, packet_id: u16) -> Result<(), NotAccepted> {
        match self {
            Self::V5(sender) => sender.acknowledge(packet_id),
            Self::V311(sender) => sender.acknowledge(packet_id),
        }
    }

    /// Publishes a message that expires after `left`. MQTT 3.1.1 has no expiry.
    pub(super) fn publish(&self, message: &Message, left: Option<Duration>) -> Result<(), NotAccepted> {
        match self {
            Self::V5(sender) => sender.publish(message, left),
            Self::V311(sender) => sender.publish(message),
        }
    }

    /// Requests every subscription of the options.
    pub(super) fn subscribe(
        &self,
        options: &ConnectionOptions,
        session_present: bool,
    ) -> Result<(), NotAccepted> {
        match self {
            Self::V5(sender) => sender.subscribe(options, session_present),
            Self::V311(sender) => sender.subscribe(options),
        }
    }

    pub(super) fn disconnect(&self) -> Result<(), NotAccepted> {
        match self {
            Self::V5(sender) => sender.disconnect(),
            Self::V311(sender) => sender.disconnect(),
        }
    }
}
